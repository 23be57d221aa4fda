"""The header of a vault: its id and the slots through which it is unlocked.

The header is JSON in the clear with a SHA-256 beside it. The digest tells damage from a
wrong passphrase; it is no protection against people, and needs to be none: a header that
somebody made up does not unwrap the DEK.
"""

from __future__ import annotations

import os
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.constant_time import bytes_eq

from skykeep.envelope.digests import sha256
from skykeep.envelope.keys import (
    RECOMMENDED,
    SALT_BYTES,
    Argon2id,
    kek_from_key_file,
    kek_from_keyring,
    kek_from_passphrase,
    new_dek,
    unwrap,
    wrap,
)
from skykeep.errors import Corrupt, Invalid, KeyFailure, Unsupported

FORMAT: Final = 1
VAULT_ID_BYTES: Final = 16
SLOT_ID_BYTES: Final = 8

SlotKind = Literal["passphrase", "key-file", "keyring"]


_KEKS: Final = {"key-file": kek_from_key_file, "keyring": kek_from_keyring}


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to unlock the vault.

    Attributes:
        id: bound into the wrapped DEK.
        kind: where the KEK comes from.
        salt: 16 random bytes.
        wrapped: the DEK, sealed under the KEK.
        argon2id: the cost for a passphrase; else None.
    """

    id: bytes
    kind: SlotKind
    salt: bytes
    wrapped: bytes
    argon2id: Argon2id | None = None


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a vault before it is unlocked.

    Attributes:
        format: 1.
        vault: the vault's id, 16 random bytes.
        epoch: which DEK it is, counted from 1: a rekeyed vault has another than before.
        slots: at least one.
    """

    format: int
    vault: bytes
    epoch: int
    slots: tuple[Slot, ...]

    def kinds(self) -> set[SlotKind]:
        """The kinds of key that unlock it."""
        return {slot.kind for slot in self.slots}


class _Format(msgspec.Struct):
    format: int


def pack(header: Header) -> tuple[bytes, bytes]:
    """The header's JSON and its digest."""
    body = msgspec.json.encode(header)
    return body, sha256(body)


def parse(body: bytes, checksum: bytes) -> Header:
    """The header, of this format or an older one.

    Raises ``Corrupt`` if it is damaged, ``Unsupported`` if it is newer.
    """
    if not bytes_eq(sha256(body), checksum):
        raise Corrupt("the vault's header is damaged")
    try:
        # Only once the digest fits: a flipped bit is no newer version.
        if (found := msgspec.json.decode(body, type=_Format).format) > FORMAT:
            raise Unsupported(
                f"the vault has format {found}; this skykeep reads up to {FORMAT}",
                hint="upgrade skykeep; the vault was not touched",
            )
        header = msgspec.json.decode(body, type=Header)
        for slot in header.slots:
            if slot.argon2id is not None:
                slot.argon2id.check()
    except (msgspec.MsgspecError, Invalid):
        header = None
    if (
        header is None
        or header.format < 1
        or header.epoch < 1
        or len(header.vault) != VAULT_ID_BYTES
        or not header.slots
        or not all(_well_formed(slot) for slot in header.slots)
    ):
        raise Corrupt("the vault's header makes no sense")
    return header


def _well_formed(slot: Slot) -> bool:
    return (
        len(slot.id) == SLOT_ID_BYTES
        and len(slot.salt) == SALT_BYTES
        and (slot.kind == "passphrase") == (slot.argon2id is not None)
    )


def new_header(
    *,
    passphrase: str | None = None,
    key: bytes | None = None,
    keyring: bytes | None = None,
    cost: Argon2id | None = None,
) -> tuple[Header, bytes]:
    """A header for a new vault with a slot for each key given, and the vault's DEK."""
    dek = new_dek()
    try:
        empty = Header(FORMAT, os.urandom(VAULT_ID_BYTES), 1, ())
        header = with_key(
            empty, dek, passphrase=passphrase, key=key, keyring=keyring, cost=cost
        )
        if header.slots:
            return header, dek
    finally:
        del key, keyring, passphrase, dek  # reports of errors may show a frame's variables
    raise Invalid("a vault needs a passphrase, a key file or a key in the keyring")


def with_key(
    header: Header,
    dek: bytes,
    *,
    passphrase: str | None = None,
    key: bytes | None = None,
    keyring: bytes | None = None,
    cost: Argon2id | None = None,
) -> Header:
    """The header with a new slot for each key given, in place of those of its kind."""
    vault, slots = header.vault, list(header.slots)
    random: dict[SlotKind, bytes | None] = {"key-file": key, "keyring": keyring}
    try:
        for kind, given in random.items():
            if given is not None:
                slot_id, salt = os.urandom(SLOT_ID_BYTES), os.urandom(SALT_BYTES)
                wrapped = wrap(_KEKS[kind](given, salt), dek, vault, slot_id)
                slots = [slot for slot in slots if slot.kind != kind]
                slots.append(Slot(slot_id, kind, salt, wrapped))
        if passphrase is not None:
            cost = cost or RECOMMENDED
            slot_id, salt = os.urandom(SLOT_ID_BYTES), os.urandom(SALT_BYTES)
            wrapped = wrap(kek_from_passphrase(passphrase, salt, cost), dek, vault, slot_id)
            slots = [slot for slot in slots if slot.kind != "passphrase"]
            slots.append(Slot(slot_id, "passphrase", salt, wrapped, cost))
    finally:
        given = None
        del key, keyring, passphrase, dek, random, given  # as in new_header
    return msgspec.structs.replace(header, slots=tuple(slots))


def without_key(header: Header, kind: SlotKind) -> Header:
    """The header without the slots of a kind.

    Raises ``Invalid`` if there is none of it, or if none would be left.
    """
    if kind not in header.kinds():
        raise Invalid(f"the vault has no {kind}", hint="nothing was changed")
    slots = tuple(slot for slot in header.slots if slot.kind != kind)
    if not slots:
        raise Invalid(f"the {kind} is the only key of this vault", hint="add another one first")
    return msgspec.structs.replace(header, slots=slots)


def unlock_with_key(header: Header, key: bytes, kind: SlotKind = "key-file") -> bytes:
    """The DEK by 32 random bytes: a key file's, or the keyring's. Raises ``KeyFailure``."""
    try:
        for slot in header.slots:
            if slot.kind == kind:
                kek = _KEKS[kind](key, slot.salt)
                try:
                    return unwrap(kek, slot.wrapped, header.vault, slot.id)
                except KeyFailure:
                    del kek
    finally:
        del key  # reports of errors may show the variables of a frame
    what = "key file" if kind == "key-file" else "key in the keyring"
    raise KeyFailure(f"this {what} does not unlock the vault")


def unlock_with_passphrase(header: Header, passphrase: str) -> bytes:
    """The DEK by a passphrase; one Argon2id a passphrase slot. Raises ``KeyFailure``."""
    try:
        for slot in header.slots:
            if slot.kind == "passphrase" and slot.argon2id is not None:
                kek = kek_from_passphrase(passphrase, slot.salt, slot.argon2id)
                try:
                    return unwrap(kek, slot.wrapped, header.vault, slot.id)
                except KeyFailure:
                    del kek
    finally:
        del passphrase  # as in unlock_with_key
    raise KeyFailure("this passphrase does not unlock the vault")
