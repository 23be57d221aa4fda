"""Give a vault a new DEK: what to do when a key or a copy of the file has leaked.

Everything in a vault follows from its DEK, the keys of the rows included, so that all of it
is made anew: in a second file first (``draft.py``), while other processes go on reading and
writing; then, under the vault's write lock, the draft's rows take the place of the vault's
in one transaction. The file stays the same: others have it open (docs/adr/0012).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import msgspec

from skykeep.durable.key_file import read_key_file
from skykeep.durable.link import Link
from skykeep.envelope.header import Header, SlotKind, unlock_with_key, unlock_with_passphrase
from skykeep.envelope.header import with_key as with_new_key
from skykeep.envelope.keys import VaultKeys, new_dek
from skykeep.errors import Conflict, Invalid, KeyFailure, SkykeepError, Unavailable
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import counter, schema
from skykeep.providers.local.compact import Compacted, bytes_of, check_space, rewrite
from skykeep.providers.local.draft import Draft, Progress
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.reading import Reading
from skykeep.providers.local.rollback import Guard
from skykeep.providers.local.session import connect, read_header
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.unlock import (
    PASSPHRASE,
    anchor_of,
    key_file_path,
    keyring_is_on,
    keyring_key,
)
from skykeep.providers.local.vault import vault_path
from skykeep.providers.local.writing import transaction

FEW = 64
"""Records that changed since the pass before: so many are taken over under the lock."""

PASSES = 16
"""Passes over the vault at most; a vault that changes faster is locked all the same."""

ROOM = 3
"""The vault's bytes that must be free beside it: the draft, and twice as much in the journal
while all rows are replaced and then packed."""


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What a rekeying did.

    Attributes:
        epoch: of the vault's new header.
        resumed: it went on with what an earlier run had left.
        secrets: how many the vault holds, deleted ones included.
        bytes: of the file and its journal, before and after.
    """

    epoch: int
    resumed: bool
    secrets: int
    bytes: Compacted


def rekey(
    settings: LocalSettings,
    context: OpenContext,
    *,
    drop: Collection[SlotKind] = (),
    restart: bool = False,
    copying: Progress = lambda *_: None,
    verifying: Progress = lambda *_: None,
) -> Rekeyed:
    """Seal all that the vault holds under new keys. What unlocked it still does.

    Each kind of key that the vault has must be at hand, because only the key itself can
    wrap the new DEK; a kind in ``drop`` no longer unlocks the vault. Ended at any moment,
    the vault is as before, and the next run goes on where this one was (``restart`` throws
    that away). Other processes go on; those that have the vault open unlock it again.
    Two connections are held all the time: a process that forks meanwhile waits.

    Raises ``KeyFailure`` (a key is wrong or not at hand), ``Invalid`` (``drop``),
    ``Conflict`` (the vault's keys were changed meanwhile, or another process is at it),
    ``Quota`` (see :data:`ROOM`), ``Corrupt`` (the vault is damaged and was left as it is),
    ``Unavailable`` (another process keeps it busy) and what opening raises.
    """
    path = vault_path(settings, context)
    header = read_header(path)
    old_dek, anew = _unlocked(header, settings, context, drop)
    old = VaultKeys(old_dek, header.vault)
    del old_dek
    guard = Guard(path, old, anchor_of(header, settings, context))
    draft = Draft(path)
    link = Link(lambda: connect(path, read_only=False))

    def work() -> Rekeyed:
        with link as vault:
            guard.check(vault)
            before = bytes_of(path)
            draft.hold(restart=restart)
            resumed = _begun(draft, header, anew, restart=restart)
            have = bytes_of(draft.path)
            check_space(path, beside=max(ROOM * before - have, before), temporary=before)
            reading = Reading(vault, old)
            _catch_up(draft, reading, copying)
            draft.verify(verifying)
            _catch_up(draft, reading, copying)
            _swap(vault, draft, reading, header, guard)
            draft.remove()
            return Rekeyed(
                header.epoch + 1, resumed, _secrets(vault), _packed(vault, path, before)
            )

    try:
        return with_vault_errors(path, work)
    finally:
        draft.close()
        link.close()
        guard.close()


class _Keys(msgspec.Struct, frozen=True):
    """The keys at hand, each of which unlocked the vault; makes and opens slots by them."""

    passphrase: str | None
    key: bytes | None
    keyring: bytes | None

    def __repr__(self) -> str:
        return "_Keys(…)"

    def kinds(self) -> set[SlotKind]:
        """The kinds of key at hand."""
        kinds: set[SlotKind] = set()
        if self.key is not None:
            kinds.add("key-file")
        if self.keyring is not None:
            kinds.add("keyring")
        if self.passphrase is not None:
            kinds.add("passphrase")
        return kinds

    def new_header(self, old: Header) -> tuple[Header, bytes]:
        """The header of the next epoch, and its DEK."""
        dek = new_dek()
        empty = msgspec.structs.replace(old, epoch=old.epoch + 1, slots=())
        cost = next((slot.argon2id for slot in old.slots if slot.argon2id is not None), None)
        header = with_new_key(
            empty,
            dek,
            passphrase=self.passphrase,
            key=self.key,
            keyring=self.keyring,
            cost=cost,
        )
        return header, dek

    def unlock(self, header: Header) -> bytes:
        """The DEK of a header that was made by the same keys. Raises ``KeyFailure``."""
        if self.key is not None:
            return unlock_with_key(header, self.key)
        if self.keyring is not None:
            return unlock_with_key(header, self.keyring, "keyring")
        return unlock_with_passphrase(header, self.passphrase or "")


def _unlocked(
    header: Header, settings: LocalSettings, context: OpenContext, drop: Collection[SlotKind]
) -> tuple[bytes, _Keys]:
    """The DEK, and the keys that are to unlock the vault: each was tried on it."""
    kinds = header.kinds()
    _check_kinds(header, drop)
    wanted = kinds - set(drop)
    file = key_file_path(settings, context)
    given = context.environ.get(PASSPHRASE)
    lacking = []
    if "key-file" in wanted and file is None:
        lacking.append("a key file")
    if "keyring" in wanted and not keyring_is_on(settings, context):
        lacking.append("the system's keyring")
    if "passphrase" in wanted and not given and context.ask is None:
        lacking.append("a passphrase")
    if lacking:
        raise KeyFailure(
            f"the vault is unlocked by {' and '.join(lacking)} too, which is not at hand;"
            " nothing was changed",
            hint="give it, or let it no longer unlock the vault: --drop KIND",
        )
    dek, key, keyring, passphrase = b"", None, None, None
    try:
        if "key-file" in wanted and file is not None:
            key = read_key_file(file)
            dek = unlock_with_key(header, key)
        if "keyring" in wanted:
            keyring = keyring_key(header.vault, context)
            dek = unlock_with_key(header, keyring, "keyring")
        if "passphrase" in wanted:
            passphrase = given or (context.ask("Passphrase") if context.ask else "")
            dek = unlock_with_passphrase(header, passphrase)
        return dek, _Keys(passphrase, key, keyring)
    finally:
        del (
            dek,
            key,
            keyring,
            passphrase,
            given,
        )  # reports of errors may show a frame's variables


def _check_kinds(header: Header, drop: Collection[SlotKind]) -> None:
    kinds = header.kinds()
    if unknown := sorted(set(drop) - kinds):
        raise Invalid(f"no {unknown[0]} unlocks this vault: there is none to drop")
    if not kinds - set(drop):
        raise Invalid("no key would be left to unlock the vault", hint="drop fewer")
    for kind in sorted(kinds - set(drop)):
        if sum(slot.kind == kind for slot in header.slots) > 1:
            raise Invalid(
                f"several keys of the kind {kind} unlock this vault, and one would be kept",
                hint=f"replace them by one first: skykeep vault {kind}",
            )


def _begun(draft: Draft, header: Header, anew: _Keys, *, restart: bool) -> bool:
    """Go on with the draft if it is of this vault as it is; else begin. Whether it went on."""
    found = None if restart else draft.found(header)
    if found is not None and found.kinds() == anew.kinds():
        draft.go_on(VaultKeys(anew.unlock(found), found.vault))
        return True
    made, dek = anew.new_header(header)
    draft.begin(header, made, VaultKeys(dek, made.vault))
    return False


def _catch_up(draft: Draft, reading: Reading, progress: Progress) -> None:
    for _ in range(PASSES):
        if draft.follow(reading, progress) <= FEW:
            return


def _swap(
    vault: sqlite3.Connection, draft: Draft, reading: Reading, header: Header, guard: Guard
) -> None:
    """Replace everything in one transaction of the vault; only its file is written."""
    # What is freed here is overwritten by packing the file; once is enough.
    vault.execute("PRAGMA secure_delete = OFF")
    with transaction(vault, reading.keys, 1, guard):
        if schema.read_header(vault) != header:
            raise Conflict(
                "the keys of the vault were changed meanwhile; nothing was replaced",
                hint="begin again: skykeep vault rekey",
            )
        draft.follow(reading, lambda *_: None)
        draft.check_ring()
        count = counter.number_in(vault, reading.keys)
        draft.replace(vault)
        counter.set_number(vault, draft.keys, count)
        guard.rekeyed(draft.keys)


def _packed(vault: sqlite3.Connection, path: Path, before: int) -> Compacted:
    """Nothing that was sealed under the old DEK stays in the file."""
    why: SkykeepError
    try:
        with_vault_errors(path, lambda: rewrite(vault, path))
        return Compacted(before, bytes_of(path))
    except SkykeepError as error:
        why = error
    raise Unavailable(
        f"the vault has its new keys, but what was sealed under the old ones is still in"
        f" unused parts of its file: {why.message}",
        hint="remove it: skykeep vault compact",
    )


def _secrets(vault: sqlite3.Connection) -> int:
    return int(vault.execute("SELECT count(*) FROM secret").fetchone()[0]) - 1
