"""Change what unlocks a vault. The DEK stays and is wrapped anew: no value is touched."""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from skykeep.durable.key_file import make_key_file, read_key_file
from skykeep.durable.link import Link
from skykeep.envelope.header import Header, SlotKind, with_key, without_key
from skykeep.envelope.keys import Argon2id, VaultKeys
from skykeep.envelope.sealed import KEY_BYTES
from skykeep.errors import Conflict
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import schema
from skykeep.providers.local.anchor import FileAnchor
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.os_keyring import COUNTER, OsKeyring
from skykeep.providers.local.rollback import Guard
from skykeep.providers.local.session import connect, read_header
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.unlock import anchor_of, keyring_of, unlock_dek
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

    def renewed(header: Header) -> tuple[Header, VaultKeys]:
        dek = unlock_dek(header, settings, context)
        after = with_key(header, dek, passphrase=passphrase, cost=cost)
        return after, VaultKeys(dek, header.vault)

    _change(settings, context, renewed)


def set_key_file(settings: LocalSettings, context: OpenContext, file: Path) -> bool:
    """Unlock the vault with what is configured and let this key file unlock it.

    The file is made if it is not there; whether it was is returned. An earlier key file no
    longer unlocks the vault; a passphrase still does. Raises as :func:`set_passphrase`.
    """
    made = False

    def renewed(header: Header) -> tuple[Header, VaultKeys]:
        nonlocal made
        dek = unlock_dek(header, settings, context)
        made = make_key_file(file)
        after = with_key(header, dek, key=read_key_file(file))
        return after, VaultKeys(dek, header.vault)

    number = _change(settings, context, renewed)
    anchor = FileAnchor(file, read_header(vault_path(settings, context)).vault)
    anchor.keep(number)
    anchor.close()
    return made


def set_keyring(settings: LocalSettings, context: OpenContext) -> str:
    """Unlock the vault with what is configured and let the system's keyring unlock it.

    A new key of 32 random bytes is put there, in place of an earlier one; the backend's
    name is returned. Raises as :func:`set_passphrase`, and as ``OsKeyring.set``.
    """
    backend = ""

    def renewed(header: Header) -> tuple[Header, VaultKeys]:
        nonlocal backend
        dek = unlock_dek(header, settings, context)
        keyring = keyring_of(header.vault, context)
        backend = keyring.name()
        key, before = os.urandom(KEY_BYTES), keyring.get()
        after = with_key(header, dek, keyring=key)
        keyring.set(base64.b64encode(key).decode())
        undo.append(lambda: _set_back(keyring, before))
        return after, VaultKeys(dek, header.vault)

    undo: list[Callable[[], object]] = []
    try:
        _change(settings, context, renewed)
    except BaseException:
        for step in undo:  # the header stayed: so must the key that fits it
            step()
        raise
    return backend


def _set_back(keyring: OsKeyring, before: str | None) -> None:
    if before is None:
        keyring.delete()
    else:
        keyring.set(before)


def forget(settings: LocalSettings, context: OpenContext, kind: SlotKind) -> None:
    """Let a kind of key no longer unlock the vault; what is configured must be able to.

    The keyring's entries of the vault are deleted, too. Raises ``Invalid`` if no other key
    is left, and as :func:`set_passphrase`.
    """

    def renewed(header: Header) -> tuple[Header, VaultKeys]:
        left = without_key(header, kind)
        # Who cannot open it afterwards may not do this.
        return left, VaultKeys(unlock_dek(left, settings, context), left.vault)

    if kind == "keyring":
        keyring = keyring_of(read_header(vault_path(settings, context)).vault, context)
        keyring.name()  # before anything is changed: it can be reached
        _change(settings, context, renewed)
        keyring.delete(COUNTER)
        keyring.delete()
    else:
        _change(settings, context, renewed)


def _change(
    settings: LocalSettings,
    context: OpenContext,
    renewed: Callable[[Header], tuple[Header, VaultKeys]],
) -> int:
    """Write the header anew; the number that the counter has then."""
    path = vault_path(settings, context)
    # Unlocking may ask a question or take a second: no lock is held meanwhile.
    before = read_header(path)
    after, keys = renewed(before)
    guard = Guard(path, keys, anchor_of(before, settings, context))

    def write(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if schema.read_header(connection) != before:
                raise Conflict("the keys of the vault were changed meanwhile", hint="try again")
            schema.write_header(connection, after)
            guard.step(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        guard.committed()

    def work() -> None:
        link = Link(lambda: connect(path, read_only=False))
        try:
            with link as connection:
                write(connection)
        finally:
            link.close()
            guard.close()

    with_vault_errors(path, work)
    return guard.number
