"""The keys that a process works with, and how it comes by new ones after a rekey.

Another process may give the vault a new DEK at any time. What was unlocked before then opens
nothing any more: the first record or directory that a read or a write looks at is
``Corrupt``, and a write opens one before it changes anything. Only then is the header looked
at again. If its epoch is another, the vault is unlocked as it was when it was opened, and
the call is made once more.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import NamedTuple

from skykeep.envelope.header import Header
from skykeep.envelope.keys import VaultKeys
from skykeep.errors import KeyFailure
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import schema
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.unlock import unlock


class Unlocked(NamedTuple):
    """Keys, and the epoch of the header that they were unlocked from."""

    keys: VaultKeys
    epoch: int


class CurrentKeys:
    """The newest keys that this process has. May be used by several threads.

    Attributes:
        now: read it once for each piece of work, which then knows what it worked with.
        silent: nobody is asked for a passphrase: renewing may be left to a thread.
    """

    def __init__(
        self, header: Header, keys: VaultKeys, settings: LocalSettings, context: OpenContext
    ) -> None:
        self.now = Unlocked(keys, header.epoch)
        self.silent = context.ask is None
        self._settings = settings
        self._context = context
        self._lock = threading.Lock()

    def superseding(self, connection: sqlite3.Connection, used: Unlocked) -> Header | None:
        """The vault's header, if its keys are others than those used; for :meth:`renew`."""
        header = schema.read_header(connection)
        same = header.epoch == used.epoch or header.vault != used.keys.vault
        return None if same else header

    def renew(self, header: Header) -> None:
        """Unlock the vault again, unless that is done; a passphrase costs one Argon2id.

        Raises ``KeyFailure`` if what is at hand no longer unlocks it, ``Denied``.
        """
        why = None
        with self._lock:
            if self.now.epoch == header.epoch:
                return
            try:
                keys = unlock(header, self._settings, self._context)
                self.now = Unlocked(keys, header.epoch)
            except KeyFailure as error:
                why = error
        if why is not None:
            raise KeyFailure(
                f"the vault was given new keys since it was opened here; {why.message}",
                hint=why.hint or "open it with a key that the vault has now",
            ) from None
