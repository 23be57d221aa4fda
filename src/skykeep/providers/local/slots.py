"""Change what unlocks a vault. The DEK stays and is wrapped anew: no value is touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from skykeep.envelope.header import Header, SlotKind, with_key, without_key
from skykeep.envelope.keys import Argon2id
from skykeep.errors import Conflict
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import schema
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.link import Link
from skykeep.providers.local.session import connect, read_header
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.unlock import make_key_file, read_key_file, unlock_dek
from skykeep.providers.local.vault import vault_path


def set_passphrase(
    settings: LocalSettings,
    context: OpenContext,
    passphrase: str,
    *,
    cost: Argon2id | None = None,
) -> None:
    """Unlock the vault with what is configured and give it this passphrase.

    An earlier passphrase no longer unlocks it; a key file still does. Copies and backups
    keep the old one. Raises ``KeyFailure`` and what opening raises.
    """

    def renewed(header: Header) -> Header:
        dek = unlock_dek(header, settings, context)
        return with_key(header, dek, passphrase=passphrase, cost=cost)

    _change(vault_path(settings, context), renewed)


def set_key_file(settings: LocalSettings, context: OpenContext, file: Path) -> bool:
    """Unlock the vault with what is configured and let this key file unlock it.

    The file is made if it is not there; whether it was is returned. An earlier key file no
    longer unlocks the vault; a passphrase still does. Raises as :func:`set_passphrase`.
    """
    made = False

    def renewed(header: Header) -> Header:
        nonlocal made
        dek = unlock_dek(header, settings, context)
        made = make_key_file(file)
        return with_key(header, dek, key=read_key_file(file))

    _change(vault_path(settings, context), renewed)
    return made


def forget(settings: LocalSettings, context: OpenContext, kind: SlotKind) -> None:
    """Let a kind of key no longer unlock the vault; what is configured must be able to.

    Raises ``Invalid`` if no other key is left, and as :func:`set_passphrase`.
    """

    def renewed(header: Header) -> Header:
        left = without_key(header, kind)
        unlock_dek(left, settings, context)  # who cannot open it afterwards may not do this
        return left

    _change(vault_path(settings, context), renewed)


def _change(path: Path, renewed: Callable[[Header], Header]) -> None:
    # Unlocking may ask a question or take a second: no lock is held meanwhile.
    before = read_header(path)
    after = renewed(before)

    def write(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if schema.read_header(connection) != before:
                raise Conflict("the keys of the vault were changed meanwhile", hint="try again")
            schema.write_header(connection, after)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def work() -> None:
        link = Link(lambda: connect(path, read_only=False))
        try:
            with link as connection:
                write(connection)
        finally:
            link.close()

    with_vault_errors(path, work)
