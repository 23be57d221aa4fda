"""Keys: what unlocks a vault (KEK), what it protects (DEK), and what follows from that.

A KEK comes from a passphrase (Argon2id) or a key file (HKDF: 32 random bytes need no slow
function) and wraps the DEK. The DEK is never used itself: subkeys for data and for the
name index are derived from it.
"""

from __future__ import annotations

import os
import unicodedata
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from skykeep.envelope.sealed import KEY_BYTES, Sealer, context
from skykeep.errors import Corrupt, Invalid, KeyFailure

SALT_BYTES: Final = 16
INDEX_BYTES: Final = 16


class Argon2id(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cost of Argon2id (RFC 9106). A header names all of it: no default can change it later.

    Attributes:
        memory_kib: memory in KiB, 8 per lane to 4 GiB.
        passes: 1 to 100.
        lanes: 1 to 64.
    """

    memory_kib: int
    passes: int
    lanes: int

    def check(self) -> None:
        """Raise ``Invalid`` outside the limits, which keep a damaged header harmless."""
        if not (
            1 <= self.passes <= 100
            and 1 <= self.lanes <= 64
            and 8 * self.lanes <= self.memory_kib <= 4 * 1024 * 1024
        ):
            raise Invalid(
                f"Argon2id cannot be run with memory_kib={self.memory_kib}, "
                f"passes={self.passes}, lanes={self.lanes}"
            )


RECOMMENDED: Final = Argon2id(memory_kib=64 * 1024, passes=3, lanes=4)
"""RFC 9106's second recommended choice: what a new vault gets."""


def kek_from_passphrase(passphrase: str, salt: bytes, cost: Argon2id) -> bytes:
    """32 bytes from a passphrase. Takes the time and memory that ``cost`` says."""
    from argon2.exceptions import HashingError
    from argon2.low_level import Type, hash_secret_raw

    try:
        cost.check()
        # NFC: the same passphrase typed on another system gives the same bytes.
        return hash_secret_raw(
            unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass"),
            salt,
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
            version=0x13,
        )
    except (HashingError, MemoryError):
        pass  # leave the handler: frames of the library hold the passphrase
    finally:
        del passphrase  # reports of errors may show the variables of a frame
    raise KeyFailure(
        f"Argon2id could not be run with {cost.memory_kib // 1024} MiB of memory",
        hint="the passphrase was not tried; try again where there is more memory",
    )


def kek_from_key_file(key: bytes, salt: bytes) -> bytes:
    """32 bytes from the 32 random bytes of a key file."""
    return _derive(key, salt, b"skykeep/1 key file")


def kek_from_keyring(key: bytes, salt: bytes) -> bytes:
    """32 bytes from the 32 random bytes that the system's keyring keeps."""
    return _derive(key, salt, b"skykeep/1 keyring")


def _derive(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt, info).derive(key)


def wrap(kek: bytes, dek: bytes, vault: bytes, slot: bytes) -> bytes:
    """The DEK sealed under the KEK, bound to its vault and slot."""
    return Sealer(kek).seal(dek, context(b"dek", vault, slot))


def unwrap(kek: bytes, wrapped: bytes, vault: bytes, slot: bytes) -> bytes:
    """The DEK. Raises ``KeyFailure`` if the KEK is not the one that wrapped it."""
    try:
        dek = Sealer(kek).open(wrapped, context(b"dek", vault, slot))
        if len(dek) == KEY_BYTES:
            return dek
    except Corrupt:
        pass
    finally:
        del kek  # reports of errors may show the variables of a frame
    raise KeyFailure("this passphrase or key file does not unlock the vault")


class VaultKeys:
    """What an unlocked vault works with. Holds subkeys only.

    Attributes:
        vault: the vault's 16-byte id.
        sealer: under the data key.
        mark: 5 bytes that are others under another DEK.
    """

    __slots__ = ("_index", "mark", "sealer", "vault")

    def __init__(self, dek: bytes, vault: bytes) -> None:
        """``vault`` is the vault's 16-byte id."""
        self.vault = vault
        self.sealer = Sealer(_derive(dek, vault, b"skykeep/1 data"))
        self._index = hmac.HMAC(_derive(dek, vault, b"skykeep/1 index"), hashes.SHA256())
        self.mark = self._keyed(b"mark\x00", "")[:5]

    def name_key(self, name: str) -> bytes:
        """16 bytes that stand for a name: equal for equal names, else unguessable."""
        return self._keyed(b"name\x00", name)

    def prefix_key(self, prefix: str) -> bytes:
        """16 bytes that stand for a prefix of names."""
        return self._keyed(b"prefix\x00", prefix)

    def _keyed(self, kind: bytes, text: str) -> bytes:
        mac = self._index.copy()
        mac.update(kind + text.encode())
        return mac.finalize()[:INDEX_BYTES]


def new_dek() -> bytes:
    """32 random bytes."""
    return os.urandom(KEY_BYTES)
