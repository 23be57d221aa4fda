"""An open vault: what its drivers share. Reads on the event loop's thread, commits in a thread
of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from skykeep.durable.link import Link
from skykeep.durable.worker import Worker
from skykeep.envelope.header import Header
from skykeep.errors import Corrupt
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local.anchor import Anchor, FileAnchor, NoAnchor
from skykeep.providers.local.committing import Committer, Read, Write
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.names import Names
from skykeep.providers.local.reading import Reading
from skykeep.providers.local.renewal import CurrentKeys, Unlocked
from skykeep.providers.local.rollback import Guard
from skykeep.providers.local.session import connect, read_header
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.unlock import anchor_of, unlock
from skykeep.providers.local.vault import vault_path
from skykeep.providers.local.writing import Writing

T = TypeVar("T")
AnyDriver = TypeVar("AnyDriver", bound="VaultDriver")


async def open_vault(
    make: Callable[[Path, CurrentKeys, LocalSettings, Anchor], AnyDriver],
    settings: LocalSettings,
    context: OpenContext,
) -> AnyDriver:
    """Unlock the vault and open a driver on it. A passphrase costs one Argon2id, in a thread.

    Raises ``ConfigError`` (no vault), ``KeyFailure``, ``Denied``, ``Corrupt``,
    ``Unsupported`` (made by a newer version).
    """
    path = vault_path(settings, context)
    header = read_header(path)
    if context.ask is None:
        keys = await asyncio.to_thread(unlock, header, settings, context)
    else:
        keys = unlock(header, settings, context)  # a question is asked on this thread
    current = CurrentKeys(header, keys, settings, context)
    driver = make(path, current, settings, anchor_of(header, settings, context))
    try:
        await driver.check_age()
    except BaseException:
        await driver.close()
        raise
    return driver


class VaultDriver:
    """One unlocked vault file, its connections and its thread."""

    def __init__(
        self, path: Path, keys: CurrentKeys, settings: LocalSettings, anchor: Anchor
    ) -> None:
        self._path = path
        self._keys = keys
        self._names = Names(settings.secret_prefix or "")
        self._reader = Link(lambda: connect(path, read_only=True))
        self._slow_anchor = not isinstance(anchor, (FileAnchor, NoAnchor))
        self._guard = Guard(path, keys.now.keys, anchor)
        self._committer = Committer(path, keys, settings.keep_versions, self._guard)
        self._worker: Worker[Read | Write] = Worker("skykeep-vault", self._committer.do)

    async def check_age(self) -> None:
        """Raise ``Corrupt`` if the vault is older than when it was last used here."""

        def check(reading: Reading) -> None:
            self._guard.rekeyed(reading.keys)
            self._guard.check(reading.connection)

        if self._slow_anchor:  # a keyring may hang; the loop must not hang with it
            await self._worker.run(Read(check))
        else:
            await self._read(check)

    async def _read(self, work: Callable[[Reading], T]) -> T:
        used = self._keys.now
        try:
            return self._read_with(used, work)
        except Corrupt:
            header = self._superseding(used)
            if header is None:
                raise
        if self._keys.silent:
            await asyncio.to_thread(self._keys.renew, header)
        else:
            self._keys.renew(header)  # a question is asked on this thread
        return self._read_with(self._keys.now, work)

    def _read_with(self, unlocked: Unlocked, work: Callable[[Reading], T]) -> T:
        def read() -> T:
            with self._reader as connection:
                return work(Reading(connection, unlocked.keys))

        return with_vault_errors(self._path, read)

    def _superseding(self, used: Unlocked) -> Header | None:
        def look() -> Header | None:
            with self._reader as connection:
                return self._keys.superseding(connection, used)

        return with_vault_errors(self._path, look)

    async def _commit(self, work: Callable[[Writing], T]) -> T:
        # A caller who is cancelled leaves the work to end in its thread: a transaction is
        # kept as a whole or not at all.
        result: T = await self._worker.run(Write(work))
        return result

    async def close(self) -> None:
        """Wait for commits under way, then close. The last process writes the WAL back."""
        await self._worker.stop()
        if self._slow_anchor:
            await asyncio.to_thread(self._committer.close)
        else:
            self._committer.close()
        self._reader.close()

    def after_fork(self) -> None:
        """The keys stay; the thread is the parent's, connections do not cross (``link.py``)."""
        self._worker.after_fork()
