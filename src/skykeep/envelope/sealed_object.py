"""The body of an object, sealed before it goes into a store: docs/spec/envelope.md, 9.

    sealed object = header (1,024 bytes) || chunk 0 || chunk 1 || …

A chunk is 64 KiB of the body, the last one what is left (nothing, of an empty body), each
with its tag. Its nonce is its position and whether it is the last: the STREAM construction
(Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", 2015). So a range is opened by its chunks alone, and what was
cut off, put together differently or taken from elsewhere does not open.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from skykeep.envelope.sealed import KEY_BYTES, context
from skykeep.envelope.wrapped_key import Fields, WrappedKey, damaged
from skykeep.errors import Corrupt, Invalid

MAGIC: Final = b"SKO1"
ALGORITHM: Final = b"\x01"  # HKDF-SHA256, HMAC-SHA256, AES-256-GCM in chunks of 64 KiB
SALT_BYTES: Final = 32
HEADER_BYTES: Final = 1024
CHUNK: Final = 64 * 1024
TAG_BYTES: Final = 16
SEALED_CHUNK: Final = CHUNK + TAG_BYTES

_MAC_BYTES = 32
_MAC_AT = HEADER_BYTES - _MAC_BYTES
_FIELDS_AT = len(MAGIC) + 1 + SALT_BYTES
_WHAT = "a sealed object"


@dataclass(frozen=True, slots=True)
class ObjectHeader:
    """A header, taken apart; nothing of it is proved before :meth:`ObjectKey.check`.

    Attributes:
        key: the data key.
        salt: makes the object's own keys of it; random.
        data: the 1,024 bytes.
    """

    key: WrappedKey
    salt: bytes
    data: bytes = field(repr=False)


def is_sealed_object(beginning: bytes) -> bool:
    """Whether a body that begins so is a sealed one."""
    return beginning.startswith(MAGIC)


def sealed_size(size: int) -> int:
    """Bytes of the sealed object of a body of so many bytes."""
    return HEADER_BYTES + size + TAG_BYTES * chunks_of(size)


def plain_size(size: int) -> int | None:
    """Bytes of the body of a sealed object of so many; None where none has that size."""
    chunks, rest = divmod(size - HEADER_BYTES, SEALED_CHUNK)
    if size < HEADER_BYTES + TAG_BYTES or (0 < rest <= TAG_BYTES and chunks):
        return None
    return chunks * CHUNK + max(0, rest - TAG_BYTES)


def chunks_of(size: int) -> int:
    """How many chunks a body of so many bytes has; an empty one has one."""
    return max(1, -(-size // CHUNK))


def parse_header(data: bytes) -> ObjectHeader:
    """The header, of the first 1,024 bytes or more. Raises ``Corrupt``."""
    if not data.startswith(MAGIC + ALGORITHM) or len(data) < HEADER_BYTES:
        raise damaged(_WHAT)
    data = data[:HEADER_BYTES]
    fields = Fields(data[:_MAC_AT], _FIELDS_AT, _WHAT)
    key = fields.wrapped_key()
    if data[fields.at : _MAC_AT].strip(b"\0"):
        raise damaged(_WHAT)
    return ObjectHeader(key, data[_FIELDS_AT - SALT_BYTES : _FIELDS_AT], data)


def _beginning(key: WrappedKey, salt: bytes) -> bytes:
    try:
        fields = key.pack()
    except ValueError:
        fields = bytes(HEADER_BYTES)
    if len(fields) > _MAC_AT - _FIELDS_AT:
        raise Invalid(
            f"the header of a sealed object has room for {_MAC_AT - _FIELDS_AT} bytes; the "
            "name of the key and the wrapped data key take more",
            hint="shorten 'kek' in 'encryption'",
        )
    return (MAGIC + ALGORITHM + salt + fields).ljust(_MAC_AT, b"\0")


class ObjectKey:
    """The keys of one object: of its body, and of its header.

    Attributes:
        salt: what distinguishes them from those of other objects under the same data key.
    """

    __slots__ = ("_aead", "_mac", "salt")

    def __init__(self, dek: bytes, key: str, salt: bytes | None = None) -> None:
        """``key`` is the object's key in the store; ``salt`` is new where none is given."""
        self.salt = os.urandom(SALT_BYTES) if salt is None else salt
        about = context(b"object", key.encode())
        try:
            keys = HKDF(hashes.SHA256(), 2 * KEY_BYTES, self.salt, about).derive(dek)
            self._aead = AESGCM(keys[:KEY_BYTES])
            self._mac = hmac.HMAC(keys[KEY_BYTES:], hashes.SHA256())
        finally:
            del dek  # reports of errors may show the variables of a frame

    def header(self, key: WrappedKey) -> bytes:
        """The 1,024 bytes. Raises ``Invalid`` if there is no room for the wrapped key."""
        beginning = _beginning(key, self.salt)
        mac = self._mac.copy()
        mac.update(beginning)
        return beginning + mac.finalize()

    def check(self, header: ObjectHeader) -> None:
        """Raise ``Corrupt`` if it is not the header of this object under this data key."""
        mac = self._mac.copy()
        mac.update(header.data[:_MAC_AT])
        try:
            return mac.verify(header.data[_MAC_AT:])
        except InvalidSignature:
            pass
        raise Corrupt(
            "the header of a sealed object fails its authentication",
            hint="it was changed, or moved here from another key",
        )

    def seal(self, first: int, plain: bytes | memoryview, *, last: bool) -> bytes:
        """Chunks from number ``first`` on; ``last`` is whether the body ends with them.

        Only the last chunk of a body may be short, and only of an empty one it is empty.
        """
        try:
            return _made(
                len(plain) + TAG_BYTES * chunks_of(len(plain)),
                lambda into: self.seal_into(first, plain, into, last=last),  # noqa: F821  (deleted after the call)
            )
        finally:
            del plain  # no traceback shows a body

    def seal_into(
        self, first: int, plain: bytes | memoryview, into: memoryview, *, last: bool
    ) -> None:
        """The same, into as many bytes as they are."""
        encrypt, view = self._aead.encrypt_into, memoryview(plain)
        try:
            count = chunks_of(len(view))
            for at in range(count):
                encrypt(
                    _nonce(first + at, last and at == count - 1),
                    view[at * CHUNK : (at + 1) * CHUNK],
                    None,
                    into[at * SEALED_CHUNK : (at + 1) * SEALED_CHUNK],
                )
        finally:
            del plain, view

    def open(self, first: int, sealed: bytes | memoryview, *, last: bool) -> bytes:
        """The plain chunks. Raises ``Corrupt`` for all but what was sealed as these."""
        return _made(
            opened_size(len(sealed)),
            lambda into: self.open_into(first, sealed, into, last=last),
        )

    def open_into(
        self, first: int, sealed: bytes | memoryview, into: memoryview, *, last: bool
    ) -> None:
        """The same, into as many bytes as they are (``opened_size``)."""
        decrypt, view = self._aead.decrypt_into, memoryview(sealed)
        count = max(1, -(-len(view) // SEALED_CHUNK))
        if len(view) == opened_size(len(view)) + count * TAG_BYTES:
            try:
                for at in range(count):
                    decrypt(
                        _nonce(first + at, last and at == count - 1),
                        view[at * SEALED_CHUNK : (at + 1) * SEALED_CHUNK],
                        None,
                        into[at * CHUNK : (at + 1) * CHUNK],
                    )
                return
            except InvalidTag:
                pass
        raise Corrupt(
            "the body of a sealed object fails its authentication",
            hint="it was changed, cut off or put together from others",
        )


def opened_size(length: int) -> int:
    """Bytes in so many of whole sealed chunks and a last one."""
    chunks, rest = divmod(length, SEALED_CHUNK)
    return chunks * CHUNK + max(0, rest - TAG_BYTES)


def _made(length: int, fill: Callable[[memoryview], None]) -> bytes:
    """So many bytes as ``fill`` writes them: without a copy, and no allocation for each chunk
    (which takes longer than sealing it)."""
    made = BytesIO(bytes(length))
    with made.getbuffer() as into:
        fill(into)
    return made.getvalue()


def _nonce(number: int, last: bool) -> bytes:
    return (number << 8 | last).to_bytes(12, "big")
