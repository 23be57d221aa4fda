"""The value of a secret, sealed before it goes into a store: docs/spec/envelope.md, 8.

    sealed secret = header || sealed message

The header says under which data key, for which store and when. All of it is authenticated
with the secret's name: a value that is moved to another name, or into another store, does not
open there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from skykeep.envelope.sealed import KEY_BYTES, OVERHEAD, Sealer, context
from skykeep.envelope.wrapped_key import Fields, WrappedKey, damaged, packed
from skykeep.errors import Corrupt, Invalid

MAGIC: Final = b"SKS1"
ALGORITHM: Final = b"\x01"  # HKDF-SHA256, then a sealed message
ROOM: Final = 1024
"""A sealed value is at most so many bytes longer than its plaintext."""

_INFO = b"skykeep/1 secret"
_WHAT = "a sealed secret"


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A sealed secret, taken apart; nothing of it is proved before it is opened.

    Attributes:
        key: the data key.
        store: the id of the store that it was sealed for.
        revision: of the value: microseconds since 1970, UTC, when it was sealed.
        header: as it stands in the sealed secret.
        message: the sealed value.
    """

    key: WrappedKey
    store: str
    revision: int
    header: bytes = field(repr=False)
    message: bytes = field(repr=False)


def is_sealed_secret(data: bytes) -> bool:
    """Whether it begins as a sealed secret does."""
    return data.startswith(MAGIC)


def seal_secret(
    dek: bytes, value: bytes, key: WrappedKey, *, store: str, revision: int, name: str
) -> bytes:
    """The sealed secret. Raises ``Invalid`` if the header would be too large."""
    try:
        header = _header(key, store, revision)
        return header + _sealer(dek).seal(value, _about(header, name))
    finally:
        del dek, value  # reports of errors may show the variables of a frame


def parse_secret(data: bytes) -> SealedSecret:
    """Taken apart. Raises ``Corrupt`` for what is no sealed secret."""
    if not data.startswith(MAGIC + ALGORITHM):
        raise damaged(_WHAT)
    fields = Fields(data, len(MAGIC) + 1, _WHAT)
    key, store = fields.wrapped_key(), fields.text()
    revision = int.from_bytes(fields.take(8), "big")
    if fields.at > ROOM - OVERHEAD:
        raise damaged(_WHAT)
    return SealedSecret(key, store, revision, data[: fields.at], data[fields.at :])


def open_secret(dek: bytes, sealed: SealedSecret, name: str) -> bytes:
    """The value. Raises ``Corrupt`` for all but what was sealed so, under this name."""
    try:
        return _sealer(dek).open(sealed.message, _about(sealed.header, name))
    except Corrupt:
        pass
    finally:
        del dek
    raise Corrupt(
        "a sealed secret fails its authentication",
        hint="it was changed, or moved here from another name",
    )


def _header(key: WrappedKey, store: str, revision: int) -> bytes:
    room = ROOM - OVERHEAD
    try:
        fields = key.pack() + packed(store.encode())
    except ValueError:
        fields = bytes(room)
    header = MAGIC + ALGORITHM + fields + revision.to_bytes(8, "big")
    if len(header) > room:
        raise Invalid(
            f"the header of a sealed secret has room for {room:,} bytes; the name of the key, "
            "the wrapped data key and the name of the store take more",
            hint="shorten 'kek' or 'store' in 'encryption'",
        )
    return header


def _about(header: bytes, name: str) -> bytes:
    return context(b"secret", header, name.encode())


def _sealer(dek: bytes) -> Sealer:
    # The data key is never used itself, as in a vault: what it is for is part of its subkey.
    return Sealer(HKDF(hashes.SHA256(), KEY_BYTES, None, _INFO).derive(dek))
