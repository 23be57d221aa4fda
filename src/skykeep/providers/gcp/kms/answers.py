"""The shapes of Cloud KMS's answers, as far as they are used here.

Fields: ``google/cloud/kms/v1/{resources,service}.proto``; numbers of 64 bits are text in JSON.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Version(msgspec.Struct, rename="camel"):
    """A version of a key; ``name`` ends in its number."""

    name: str
    state: str = ""
    algorithm: str = ""

    @property
    def id(self) -> str:
        """Its number."""
        return self.name.rpartition("/")[2]


class Key(msgspec.Struct, rename="camel"):
    """A key; one that signs has no ``primary``."""

    name: str
    purpose: str = ""
    create_time: datetime | None = None
    primary: Version | None = None


class Keys(msgspec.Struct, rename="camel"):
    """A page of keys; ``next_page_token`` is ``""`` on the last one."""

    crypto_keys: list[Key] = []
    next_page_token: str = ""


class Versions(msgspec.Struct, rename="camel"):
    """A page of versions of one key."""

    crypto_key_versions: list[Version] = []
    next_page_token: str = ""


class Encrypted(msgspec.Struct):
    """What ``encrypt`` gives."""

    ciphertext: bytes
    ciphertext_crc32c: str | None = msgspec.field(default=None, name="ciphertextCrc32c")
    plaintext_verified: bool = msgspec.field(default=False, name="verifiedPlaintextCrc32c")
    context_verified: bool = msgspec.field(
        default=False, name="verifiedAdditionalAuthenticatedDataCrc32c"
    )


class Decrypted(msgspec.Struct):
    """What ``decrypt`` gives; an empty value is left out."""

    plaintext: bytes = b""
    plaintext_crc32c: str | None = msgspec.field(default=None, name="plaintextCrc32c")

    def __repr__(self) -> str:
        return "Decrypted()"


class Signed(msgspec.Struct):
    """What ``asymmetricSign`` gives."""

    signature: bytes
    signature_crc32c: str | None = msgspec.field(default=None, name="signatureCrc32c")
    digest_verified: bool = msgspec.field(default=False, name="verifiedDigestCrc32c")


class PublicKey(msgspec.Struct):
    """A version's public key."""

    pem: str
