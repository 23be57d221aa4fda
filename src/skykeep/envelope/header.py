"""The header of a vault: its id and the slots through which it is unlocked.

The header is JSON in the clear with a SHA-256 beside it. The digest tells damage from a
wrong passphrase; it is no protection against people, and needs to be none: a header that
somebody made up does not unwrap the DEK.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.constant_time import bytes_eq

from skykeep.envelope.keys import (
    SALT_BYTES,
    Argon2id,
    kek_from_key_file,
    kek_from_passphrase,
    new_dek,
    unwrap,
    wrap,
)
from skykeep.errors import Corrupt, Invalid, KeyFailure, Unsupported

FORMAT: Final = 1
VAULT_ID_BYTES: Final = 16

SlotKind = Literal["passphrase", "key-file"]


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to unlock the vault.

    Attributes:
        id: bound into the wrapped DEK.
        kind: where the KEK comes from.
        salt: 16 random bytes.
        wrapped: the DEK, sealed under the KEK.
        argon2id: the cost for a passphrase; None for a key file.
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
        slots: at least one.
    """

    format: int
    vault: bytes
    slots: tuple[Slot, ...]

    def kinds(self) -> set[SlotKind]:
        """The kinds of key that unlock it."""
        return {slot.kind for slot in self.slots}


class _Format(msgspec.Struct):
    format: int


def digest(body: bytes) -> bytes:
    """SHA-256."""
    sha = hashes.Hash(hashes.SHA256())
    sha.update(body)
    return sha.finalize()


def pack(header: Header) -> tuple[bytes, bytes]:
    """The header's JSON and its digest."""
    body = msgspec.json.encode(header)
    return body, digest(body)


def parse(body: bytes, checksum: bytes) -> Header:
    """The header. Raises ``Corrupt`` if it is damaged, ``Unsupported`` if it is newer."""
    if not bytes_eq(digest(body), checksum):
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
        or header.format != FORMAT
        or len(header.vault) != VAULT_ID_BYTES
        or not header.slots
        or any(
            (slot.kind == "passphrase") != (slot.argon2id is not None) for slot in header.slots
        )
    ):
        raise Corrupt("the vault's header makes no sense")
    return header


def new_header(
    *, passphrase: str | None = None, key: bytes | None = None, cost: Argon2id | None = None
) -> tuple[Header, bytes]:
    """A header for a new vault with a slot for each key given, and the vault's DEK."""
    vault, dek = os.urandom(VAULT_ID_BYTES), new_dek()
    slots = []
    if key is not None:
        slots.append(_slot("key-file", vault, dek, lambda salt: kek_from_key_file(key, salt)))
    if passphrase is not None:
        cost = cost or Argon2id()
        slots.append(
            _slot(
                "passphrase",
                vault,
                dek,
                lambda salt: kek_from_passphrase(passphrase, salt, cost),
                cost,
            )
        )
    if not slots:
        raise Invalid("a vault needs a passphrase or a key file")
    return Header(FORMAT, vault, tuple(slots)), dek


def _slot(
    kind: SlotKind,
    vault: bytes,
    dek: bytes,
    kek: Callable[[bytes], bytes],
    cost: Argon2id | None = None,
) -> Slot:
    slot_id, salt = os.urandom(8), os.urandom(SALT_BYTES)
    return Slot(slot_id, kind, salt, wrap(kek(salt), dek, vault, slot_id), cost)


def unlock_with_key(header: Header, key: bytes) -> bytes:
    """The DEK by a key file's bytes. Raises ``KeyFailure``."""
    for slot in header.slots:
        if slot.kind == "key-file":
            try:
                return unwrap(
                    kek_from_key_file(key, slot.salt), slot.wrapped, header.vault, slot.id
                )
            except KeyFailure:
                continue
    raise KeyFailure("this key file does not unlock the vault")


def unlock_with_passphrase(header: Header, passphrase: str) -> bytes:
    """The DEK by a passphrase; one Argon2id a passphrase slot. Raises ``KeyFailure``."""
    for slot in header.slots:
        if slot.kind == "passphrase" and slot.argon2id is not None:
            kek = kek_from_passphrase(passphrase, slot.salt, slot.argon2id)
            try:
                return unwrap(kek, slot.wrapped, header.vault, slot.id)
            except KeyFailure:
                continue
    raise KeyFailure("this passphrase does not unlock the vault")
