"""Ciphertexts for stores of keys that only wrap: RSA around a key, AES-256-GCM around the rest.

A store whose keys are RSA encrypts a few hundred bytes and takes no context. So each value
has a content key of its own, 32 random bytes, which the store wraps, and the value is sealed
under it in this process, with the context authenticated::

    0x02 || u16(len(version)) || version || u16(len(wrapped)) || wrapped || sealed message

``version`` is what the store calls the version of its key (text). docs/spec/envelope.md,
section 10. The driver has the store wrap and unwrap, between these steps::

    content = new_content_key()
    ciphertext = seal_hybrid(content, value, pairs, version, await wrap(content))

    parts = hybrid_parts(ciphertext)
    value = open_hybrid(await unwrap(parts.version, parts.wrapped), parts, pairs)
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from skykeep.envelope.key_material import does_not_open
from skykeep.envelope.sealed import KEY_BYTES, OVERHEAD, Sealer, context
from skykeep.errors import Corrupt
from skykeep.interfaces.key_context import packed_context
from skykeep.interfaces.key_driver import Context

_FORMAT: Final = b"\x02"


@dataclass(frozen=True, slots=True)
class HybridParts:
    """What a ciphertext consists of.

    Attributes:
        version: of the store's key, as the store calls it.
        wrapped: the content key, as the store wrapped it.
        sealed: the value under the content key.
    """

    version: str
    wrapped: bytes
    sealed: bytes


def new_content_key() -> bytes:
    """32 random bytes, good for one value."""
    return os.urandom(KEY_BYTES)


def seal_hybrid(
    content: bytes, plaintext: bytes, pairs: Context, version: str, wrapped: bytes
) -> bytes:
    """The ciphertext; ``wrapped`` is the content key under that version of the store's key."""
    try:
        sealed = Sealer(content).seal(plaintext, _about(version, wrapped, pairs))
        return _FORMAT + _counted(version.encode()) + _counted(wrapped) + sealed
    finally:
        del content, plaintext  # reports of errors may show the variables of a frame


def hybrid_parts(ciphertext: bytes) -> HybridParts:
    """The parts. Raises ``KeyFailure`` for what is no such ciphertext."""
    if ciphertext[:1] == _FORMAT:
        version, rest = _taken(ciphertext[1:])
        wrapped, sealed = _taken(rest)
        try:
            if version and wrapped and len(sealed) >= OVERHEAD:
                return HybridParts(version.decode(), wrapped, sealed)
        except UnicodeDecodeError:
            pass
    raise does_not_open()


def open_hybrid(content: bytes, parts: HybridParts, pairs: Context) -> bytes:
    """The value. Raises ``KeyFailure``, also for a content key that is none."""
    try:
        if len(content) == KEY_BYTES:
            about = _about(parts.version, parts.wrapped, pairs)
            return Sealer(content).open(parts.sealed, about)
    except Corrupt:
        pass
    finally:
        del content  # as in seal_hybrid
    raise does_not_open()


def _about(version: str, wrapped: bytes, pairs: Context) -> bytes:
    return context(b"hybrid", version.encode(), wrapped, packed_context(pairs))


def _counted(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part


def _taken(data: bytes) -> tuple[bytes, bytes]:
    """A counted part, whole or empty, and what follows it."""
    end = 2 + int.from_bytes(data[:2], "big")
    return (data[2:end], data[end:]) if len(data) >= end else (b"", b"")
