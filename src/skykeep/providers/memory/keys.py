"""Keys kept in this process and nowhere else: the smallest complete driver.

What it does is the contract in a few lines, and its capabilities can be turned off one by one:
the conformance suite runs both sides of each flag on it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime

from skykeep.envelope import signatures
from skykeep.envelope.key_material import (
    KEY_ID_BYTES,
    decrypt,
    does_not_open,
    encrypt,
    new_material,
    version_of,
)
from skykeep.errors import Conflict, Invalid, KeyFailure, NotFound
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.key_driver import (
    DATA_KEY_BYTES,
    Context,
    DataKey,
    KeyCapabilities,
    KeyDriver,
    KeyInfo,
    KeyPage,
    KeyPurpose,
    KeyState,
    Signature,
    SignatureAlgorithm,
)
from skykeep.interfaces.names import is_native, shown
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.faults import Faults, faulty
from skykeep.providers.memory.settings import MemorySettings

EVERYTHING = KeyCapabilities(signatures=signatures.ALGORITHMS)
"""What the in-memory driver can do unless it is told otherwise."""

RSA_BITS = 2048
"""Keys that last as long as a process need no more, and are made in half the time."""

_REASONS: dict[KeyState, str] = {
    "disabled": "is disabled",
    "pending_deletion": "is about to be deleted",
    "unavailable": "cannot be used now",
}


@dataclass(slots=True)
class MemoryKey:
    """A key: its versions (the last is used), and what is known of it."""

    purpose: KeyPurpose
    algorithm: SignatureAlgorithm | None
    id: bytes = field(default_factory=lambda: os.urandom(KEY_ID_BYTES))
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    versions: list[bytes] = field(default_factory=list, repr=False)
    state: KeyState = "enabled"

    def add_version(self) -> None:
        """A new version, which is used from now on."""
        self.versions.append(new_material(self.algorithm, rsa_bits=RSA_BITS))


class KeyStore:
    """What outlives a driver: the keys by name, and the contexts that it was told."""

    def __init__(self) -> None:
        self.keys: dict[str, MemoryKey] = {}
        self.told: list[Context] = []


class MemoryKeys(KeyDriver, Faults):
    """An in-memory store of keys; tests plant faults in it (``fail_next``).

    A key is disabled, or marked for deletion, through ``store.keys[name].state``.
    """

    def __init__(
        self,
        store: KeyStore | None = None,
        capabilities: KeyCapabilities = EVERYTHING,
        prefix: str = "",
    ) -> None:
        """``prefix`` is put before every name but native ones, and taken off again."""
        Faults.__init__(self)
        self.capabilities = capabilities
        self.store = store or KeyStore()
        self._prefix = prefix

    @faulty
    async def describe(self, name: str) -> KeyInfo:
        return self._info(name, self._key(name))

    @faulty
    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        return self._encrypt(self._usable(name, "encrypt"), plaintext, context)

    @faulty
    async def decrypt(self, name: str, ciphertext: bytes, context: Context) -> SecretValue:
        return self._decrypt(self._usable(name, "encrypt"), ciphertext, context)

    @faulty
    async def generate(self, name: str, context: Context) -> DataKey:
        plain = SecretValue(os.urandom(DATA_KEY_BYTES))
        return DataKey(plain, self._encrypt(self._usable(name, "encrypt"), plain, context))

    @faulty
    async def rewrap(self, name: str, ciphertext: bytes, context: Context) -> bytes:
        self._needs("rewrap")
        key = self._usable(name, "encrypt")
        return self._encrypt(key, self._decrypt(key, ciphertext, context), context)

    @faulty
    async def create(
        self,
        name: str,
        purpose: KeyPurpose = "encrypt",
        algorithm: SignatureAlgorithm | None = None,
    ) -> KeyInfo:
        self._needs("create")
        if purpose == "sign":
            self._needs("signatures")
            algorithm = algorithm or self.capabilities.signatures[0]
            if algorithm not in self.capabilities.signatures:
                raise Invalid(f"keys here do not sign with {algorithm}")
        stored = self._stored(name)
        if stored in self.store.keys:
            raise Conflict(f"there is a key {shown(name)} already")
        key = MemoryKey(purpose, algorithm)
        key.add_version()
        self.store.keys[stored] = key
        return self._info(name, key)

    @faulty
    async def rotate(self, name: str) -> KeyInfo:
        self._needs("rotate")
        key = self._key(name)
        _check_state(name, key)
        key.add_version()
        return self._info(name, key)

    @faulty
    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        self._needs("list")
        start = f"{prefix}/" if prefix else ""
        after = None if cursor is None else position(cursor, start, False)
        names = sorted(
            stored[len(self._prefix) :]
            for stored in self.store.keys
            if stored.startswith(self._prefix + start) and not is_native(stored)
        )
        rest = [name for name in names if after is None or name > after]
        items = [self._info(name, self._key(name)) for name in rest[:limit]]
        last = next_cursor(start, rest[limit - 1], False) if len(rest) > limit else None
        return KeyPage(items, last)

    @faulty
    async def sign(self, name: str, digest: bytes) -> Signature:
        self._needs("signatures")
        key = self._usable(name, "sign")
        data = signatures.sign(key.versions[-1], _algorithm(key), digest)
        return Signature(data, str(len(key.versions)))

    @faulty
    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        self._needs("signatures")
        key = self._usable(name, "sign")
        numbers = {str(number + 1): number for number in range(len(key.versions))}
        number = numbers.get(signature.version or str(len(key.versions)))
        if number is None:
            return False
        public = signatures.public_key_of(key.versions[number])
        return signatures.verify(public, _algorithm(key), digest, signature.data)

    # -- inside

    def _encrypt(self, key: MemoryKey, plain: SecretValue, pairs: Context) -> bytes:
        self._tell(pairs)
        material = key.versions[-1]
        try:
            return encrypt(material, key.id, len(key.versions), plain.reveal(), pairs)
        finally:
            del material  # no traceback shows it

    def _decrypt(self, key: MemoryKey, ciphertext: bytes, pairs: Context) -> SecretValue:
        self._tell(pairs)
        version = version_of(ciphertext, key.id)
        if not 1 <= version <= len(key.versions):
            raise does_not_open()
        material = key.versions[version - 1]
        try:
            return SecretValue(decrypt(material, key.id, version, ciphertext, pairs))
        finally:
            del material  # no traceback shows it

    def _tell(self, pairs: Context) -> None:
        if self.capabilities.store_checks_context and pairs:
            self.store.told.append(pairs)

    def _stored(self, name: str) -> str:
        return name if is_native(name) else self._prefix + name

    def _key(self, name: str) -> MemoryKey:
        key = self.store.keys.get(self._stored(name))
        if key is None:
            raise NotFound(f"there is no key {shown(name)}")
        return key

    def _usable(self, name: str, purpose: KeyPurpose) -> MemoryKey:
        key = self._key(name)
        if key.purpose != purpose:
            what = "encrypts" if key.purpose == "encrypt" else "signs"
            raise Invalid(f"the key {shown(name)} {what}; it does nothing else")
        _check_state(name, key)
        return key

    def _info(self, name: str, key: MemoryKey) -> KeyInfo:
        version = str(len(key.versions))
        return KeyInfo(name, key.purpose, key.state, version, key.algorithm, key.created_at)

    def _needs(self, flag: str) -> None:
        if not getattr(self.capabilities, flag):
            raise self.unsupported(flag)


def _check_state(name: str, key: MemoryKey) -> None:
    if key.state != "enabled":
        raise KeyFailure(f"the key {shown(name)} {_REASONS[key.state]}")


def _algorithm(key: MemoryKey) -> SignatureAlgorithm:
    assert key.algorithm is not None  # noqa: S101  (a key that signs has one: see create)
    return key.algorithm


_stores: dict[str, KeyStore] = {}


async def open_keys(settings: MemorySettings, context: OpenContext) -> MemoryKeys:
    """A driver over the named store, or over a store of its own."""
    store = None
    if settings.store is not None:
        store = _stores.setdefault(settings.store, KeyStore())
    return MemoryKeys(store, prefix=settings.secret_prefix or "")
