"""What keys of our own are made of, and the ciphertexts that they make.

A key has versions, each with 32 random bytes of its own, or a private key. A ciphertext says
which key and version made it::

    0x01 || key id (16) || u32(version) || sealed message

docs/spec/envelope.md, section 10.
"""

from __future__ import annotations

import os
from typing import Final

from skykeep.envelope.sealed import KEY_BYTES, OVERHEAD, Sealer, context
from skykeep.envelope.signatures import RSA_BITS, new_private_key
from skykeep.errors import Corrupt, KeyFailure
from skykeep.interfaces.key_context import packed_context
from skykeep.interfaces.key_driver import Context, SignatureAlgorithm

KEY_ID_BYTES: Final = 16
MAX_VERSION: Final = 2**32 - 1

_FORMAT: Final = b"\x01"
_HEAD_BYTES: Final = len(_FORMAT) + KEY_ID_BYTES + 4


def new_material(
    algorithm: SignatureAlgorithm | None = None, *, rsa_bits: int = RSA_BITS
) -> bytes:
    """A version's secret: 32 random bytes, or a private key (PKCS #8) of the algorithm."""
    if algorithm is None:
        return os.urandom(KEY_BYTES)
    return new_private_key(algorithm, rsa_bits=rsa_bits)


def encrypt(
    material: bytes, key_id: bytes, version: int, plaintext: bytes, pairs: Context
) -> bytes:
    """The ciphertext, bound to key, version and context; 50 bytes longer than the value."""
    try:
        sealed = Sealer(material).seal(plaintext, _about(key_id, version, pairs))
        return _FORMAT + key_id + version.to_bytes(4, "big") + sealed
    finally:
        del material, plaintext  # reports of errors may show the variables of a frame


def version_of(ciphertext: bytes, key_id: bytes) -> int:
    """Which version of the key made it. Raises ``KeyFailure`` if none did."""
    if (
        len(ciphertext) < _HEAD_BYTES + OVERHEAD
        or ciphertext[:1] != _FORMAT
        or ciphertext[1 : 1 + KEY_ID_BYTES] != key_id
    ):
        raise does_not_open()
    return int.from_bytes(ciphertext[1 + KEY_ID_BYTES : _HEAD_BYTES], "big")


def decrypt(
    material: bytes, key_id: bytes, version: int, ciphertext: bytes, pairs: Context
) -> bytes:
    """The value; ``version`` is what :func:`version_of` said. Raises ``KeyFailure``."""
    try:
        return Sealer(material).open(ciphertext[_HEAD_BYTES:], _about(key_id, version, pairs))
    except Corrupt:
        pass
    finally:
        del material  # as in encrypt
    raise does_not_open()


def does_not_open() -> KeyFailure:
    """The one error for all that does not open: it tells nobody what is wrong with it."""
    return KeyFailure(
        "this ciphertext does not open: it is damaged, or was made under another key or "
        "another context",
        hint="give the key and the context that it was made with",
    )


def _about(key_id: bytes, version: int, pairs: Context) -> bytes:
    return context(b"ciphertext", key_id, version.to_bytes(4, "big"), packed_context(pairs))
