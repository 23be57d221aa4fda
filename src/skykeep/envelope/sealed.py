"""Seal and open: AES-256-GCM over a context that says what the bytes are.

A sealed message is ``0x01 || nonce (12) || ciphertext || tag (16)``. The context is its
associated data: a message that is moved to another place does not open there.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from skykeep.errors import Corrupt

ALGORITHM: Final = b"\x01"  # AES-256-GCM, 96-bit random nonce, 128-bit tag
NONCE_BYTES: Final = 12
OVERHEAD: Final = 1 + NONCE_BYTES + 16
KEY_BYTES: Final = 32

_DOMAIN = b"skykeep\x01"


def context(kind: bytes, *parts: bytes) -> bytes:
    """The associated data: domain, kind and parts, each with its length, so that no two
    lists of parts have the same encoding."""
    encoded = [_DOMAIN]
    for part in (kind, *parts):
        encoded.append(len(part).to_bytes(4, "big"))
        encoded.append(part)
    return b"".join(encoded)


class Sealer:
    """Seals and opens under one 32-byte key.

    Nonces are random: one key is good for 2**32 messages (NIST SP 800-38D, 8.3).
    """

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a key has 32 bytes")
        self._aead = AESGCM(key)

    def seal(self, plaintext: bytes, about: bytes) -> bytes:
        """The sealed message; ``about`` is a :func:`context`."""
        try:
            nonce = os.urandom(NONCE_BYTES)
            return ALGORITHM + nonce + self._aead.encrypt(nonce, plaintext, about)
        finally:
            del plaintext  # reports of errors may show the variables of a frame

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """The plaintext. Raises ``Corrupt`` for all but what was sealed in this context."""
        if len(sealed) < OVERHEAD or sealed[:1] != ALGORITHM:
            raise Corrupt("a sealed message is damaged")
        try:
            return self._aead.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[13:], about)
        except InvalidTag:
            pass
        raise Corrupt("a sealed message fails its authentication")
