"""What a provider writes to keep keys, and the data that it exchanges.

A key never leaves its store: the store (or the driver of an embedded one) encrypts with it.
A driver raises our errors (``skykeep.errors``), never retries, never logs, never caches and
opens no task that outlives a call. The suite ``skykeep.conformance.keys`` is the executable
form of this contract.

Words: a key (KEK) wraps data keys (DEK); ``rotate`` makes a new version of the key, which
encrypts from then on, while older versions still decrypt; ``rewrap`` moves a ciphertext under
the newest version.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from skykeep.errors import Unsupported
from skykeep.interfaces.secret_value import SecretValue

Context = Mapping[str, str]
"""The pairs of an encryption context, which are authenticated and not secret. What is decrypted
under another context does not open."""

KeyPurpose = Literal["encrypt", "sign"]
KeyState = Literal["enabled", "disabled", "pending_deletion", "unavailable"]
SignatureAlgorithm = Literal["ecdsa-p256-sha256", "rsa-pss-sha256", "rsa-pkcs1-sha256"]

DATA_KEY_BYTES: Final = 32
DIGEST_BYTES: Final = 32
"""All our signatures are over a SHA-256 digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCapabilities:
    """What a store of keys can do. Each flag is tested both ways by the conformance suite.

    A driver whose flag is off raises ``Unsupported`` for what the flag names, before any
    side effect.

    Attributes:
        create: keys can be made here.
        rotate: a new version of a key can be made here.
        list: keys can be listed.
        rewrap: the store itself moves a ciphertext under the newest version; off, we
            decrypt it and encrypt it again.
        signatures: the algorithms that keys for signing may have; empty where none may.
        store_checks_context: the store itself is told the context and refuses another one
            (its log shows it, its policies may ask for it); off, it is authenticated in this
            process.
        max_plaintext_bytes: the largest value that ``encrypt`` takes; the smallest has 1.
        max_context_bytes: names and values of all pairs together.
    """

    create: bool = True
    rotate: bool = True
    list: bool = True
    rewrap: bool = True
    signatures: tuple[SignatureAlgorithm, ...] = ()
    store_checks_context: bool = True
    max_plaintext_bytes: int = 4096
    max_context_bytes: int = 4096


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What is known of a key.

    Attributes:
        name: the portable name.
        purpose: what it is for.
        state: whether it can be used, and if not, why.
        version: the id of the version that encrypts or signs now; None where the store
            does not tell. Only equality means anything.
        algorithm: of a key for signing; None for one that encrypts.
        created_at: UTC; None where the store does not tell.
        native: what the store calls it: an ARN, a resource name, an address.
    """

    name: str
    purpose: KeyPurpose
    state: KeyState = "enabled"
    version: str | None = None
    algorithm: SignatureAlgorithm | None = None
    created_at: datetime | None = None
    native: str | None = None


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Some of a listing, and how to go on.

    Attributes:
        items: what is known of each key.
        cursor: pass it to get the next page; None if this is the last. Opaque.
    """

    items: Sequence[KeyInfo]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class DataKey:
    """A new data key, plain and wrapped.

    Attributes:
        plain: 32 random bytes.
        wrapped: the same under the key that was asked; to be kept beside what is encrypted.
    """

    plain: SecretValue
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature over a SHA-256 digest.

    Attributes:
        data: ECDSA as DER (RFC 3279, 2.2.3), RSA as the plain octets; PSS with MGF1 of
            SHA-256 and a salt of 32 bytes.
        version: the id of the version that signed; None where keys have only one.
    """

    data: bytes
    version: str | None = None


class KeyDriver(ABC):
    """Uses the keys of one store. All names are portable or ``native:`` ones, checked.

    A ciphertext says by itself which version of the key made it; it belongs to its store.
    Every method may raise ``NotFound`` (no such key), ``Denied``, ``Unauthenticated``,
    ``Throttled``, ``Unavailable``, ``KeyFailure`` (the key is disabled or about to be
    deleted) and, for a name that the store cannot carry or a key of the other purpose,
    ``Invalid``. The methods below the line have a default that raises ``Unsupported``.
    """

    capabilities: KeyCapabilities
    """What this store can do; fixed while the driver is open."""

    @abstractmethod
    async def describe(self, name: str) -> KeyInfo:
        """What is known of the key."""

    @abstractmethod
    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        """The value under the key's newest version, bound to the context."""

    @abstractmethod
    async def decrypt(self, name: str, ciphertext: bytes, context: Context) -> SecretValue:
        """The value. Raises ``KeyFailure`` if the ciphertext is damaged, was made under
        another key, or under another context: the store does not say which."""

    @abstractmethod
    async def generate(self, name: str, context: Context) -> DataKey:
        """A new data key of 32 bytes; ``decrypt`` opens ``wrapped``."""

    async def rewrap(self, name: str, ciphertext: bytes, context: Context) -> bytes:
        """The same value under the key's newest version; nobody here sees it. Raises as
        ``decrypt``."""
        raise self.unsupported("rewrap")

    async def create(
        self,
        name: str,
        purpose: KeyPurpose = "encrypt",
        algorithm: SignatureAlgorithm | None = None,
    ) -> KeyInfo:
        """Make a key. Raises ``Conflict`` if there is one of that name, ``Quota``."""
        raise self.unsupported("create")

    async def rotate(self, name: str) -> KeyInfo:
        """Make a new version, which is used from now on; older ones still decrypt."""
        raise self.unsupported("rotate")

    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        """Keys whose name lies under ``prefix`` (whole segments, no closing slash); ``""``
        is all. Keys that have no portable name are left out. Raises ``Invalid`` for a cursor
        that it did not issue."""
        raise self.unsupported("list")

    async def sign(self, name: str, digest: bytes) -> Signature:
        """Sign a SHA-256 digest (32 bytes) with the key's own algorithm."""
        raise self.unsupported("sign")

    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        """Whether the key signed that digest; a version that the key does not have did not."""
        raise self.unsupported("verify")

    async def region(self) -> str | None:
        """Where the keys are, by the service's own word; None where it does not tell."""
        return None

    async def close(self) -> None:  # noqa: B027  (most drivers hold nothing: not abstract)
        """Let go of connections and keys. Called once; no call is under way."""

    def after_fork(self) -> None:  # noqa: B027  (most drivers hold nothing: not abstract)
        """In a forked child: drop what must not be shared with the parent; do not close it."""

    def unsupported(self, what: str) -> Unsupported:
        """The error for what this store cannot do."""
        return Unsupported(f"{type(self).__name__} cannot do '{what}'", hint="nothing happened")
