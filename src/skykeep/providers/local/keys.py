"""The driver of keys: kept in the vault, used in this process.

A key is a record of the vault like a secret's, under a name that no secret can have; each of
its versions is a value. So whatever looks after the vault (backup, verify, rekeying, changes
of the passphrase, the rollback counter) looks after keys, too. What a version made can be
opened as long as the version is there, so none is ever pruned.

Every use reads the vault: another process's rotation counts from the next call on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from skykeep.envelope import key_material, signatures
from skykeep.envelope.key_material import does_not_open, version_of
from skykeep.errors import Conflict, Corrupt, Invalid, NotFound, Quota
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
    Signature,
    SignatureAlgorithm,
)
from skykeep.interfaces.names import shown
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import CURRENT, Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local.anchor import Anchor
from skykeep.providers.local.opened import VaultDriver, open_vault
from skykeep.providers.local.reading import ON_LOOP_BYTES, Reading
from skykeep.providers.local.record import Kept, Record, to_datetime
from skykeep.providers.local.renewal import CurrentKeys
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.writing import Writing

T = TypeVar("T")

MAX_VERSIONS: Final = 10_000
"""A record names each version, about 20 bytes, and is opened by every use of the key."""

CAPABILITIES: Final = KeyCapabilities(
    signatures=signatures.ALGORITHMS,
    store_checks_context=False,
    # As little as any cloud takes (AWS KMS), so that what works here works there.
    max_plaintext_bytes=4096,
    max_context_bytes=4096,
)

_PURPOSE: Final = "purpose"
_ALGORITHM: Final = "algorithm"


async def open_keys(settings: LocalSettings, context: OpenContext) -> LocalKeys:
    """Open and unlock the vault. Raises as ``open_vault``."""
    return await open_vault(LocalKeys, settings, context)


class _Version(NamedTuple):
    """A version of a key, ready for use."""

    record: Record
    number: int
    material: SecretValue


class LocalKeys(VaultDriver, KeyDriver):
    """Keys in one unlocked vault file. Versions are ``1``, ``2`` and so on."""

    def __init__(
        self, path: Path, keys: CurrentKeys, settings: LocalSettings, anchor: Anchor
    ) -> None:
        super().__init__(path, keys, settings, anchor)
        self.capabilities = CAPABILITIES

    # -- keys themselves

    async def describe(self, name: str) -> KeyInfo:
        stored = self._names.stored_key(name)
        return _info(name, await self._key(name, lambda reading: reading.known(stored, name)))

    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        stored = self._names.stored_key_prefix(prefix)
        after = None if cursor is None else position(cursor, stored, False)
        records, following = await self._read(
            lambda reading: reading.page(stored, after, limit, False)
        )
        items = [_info(self._names.portable_key(record.name), record) for record in records]
        last = None if following is None else next_cursor(stored, following, False)
        return KeyPage(items, last)

    async def create(
        self,
        name: str,
        purpose: KeyPurpose = "encrypt",
        algorithm: SignatureAlgorithm | None = None,
    ) -> KeyInfo:
        stored = self._names.stored_key(name)
        if purpose == "sign":
            algorithm = algorithm or signatures.ALGORITHMS[0]
            if algorithm not in signatures.ALGORITHMS:
                raise Invalid(f"keys of a vault do not sign with {algorithm}")
        about = {_PURPOSE: purpose} | ({_ALGORITHM: algorithm} if algorithm else {})
        material = await _new_material(algorithm)

        def work(vault: Writing) -> None:
            if vault.find(stored) is not None:
                raise Conflict(
                    f"there is a key {shown(name)} already", hint="it was left as it is"
                )
            vault.create(stored, name, material, Attributes(metadata=about))

        await self._commit(work)
        return await self.describe(name)

    async def rotate(self, name: str) -> KeyInfo:
        stored = self._names.stored_key(name)
        known = await self.describe(name)
        material = await _new_material(known.algorithm)

        def work(vault: Writing) -> Record:
            record = vault.find(stored)
            if record is None:
                raise _no_such_key(name)
            if len(record.versions) >= MAX_VERSIONS:
                raise Quota(f"the key {shown(name)} has {MAX_VERSIONS:,} versions, the most")
            return vault.add_version(stored, name, material)

        return _info(name, await self._commit(work))

    # -- values

    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        return _encrypt(await self._newest(name, "encrypt"), plaintext, context)

    async def decrypt(self, name: str, ciphertext: bytes, context: Context) -> SecretValue:
        return _decrypt(await self._that_made(name, ciphertext), ciphertext, context)

    async def generate(self, name: str, context: Context) -> DataKey:
        plain = SecretValue(os.urandom(DATA_KEY_BYTES))
        return DataKey(plain, _encrypt(await self._newest(name, "encrypt"), plain, context))

    async def rewrap(self, name: str, ciphertext: bytes, context: Context) -> bytes:
        plain = await self.decrypt(name, ciphertext, context)
        return await self.encrypt(name, plain, context)

    # -- signatures

    async def sign(self, name: str, digest: bytes) -> Signature:
        version = await self._newest(name, "sign")
        algorithm = _algorithm(version.record)

        def sign() -> bytes:
            return signatures.sign(version.material.reveal(), algorithm, digest)

        # RSA takes a millisecond or more: too long for the loop's thread.
        quick = algorithm == "ecdsa-p256-sha256"
        data = sign() if quick else await asyncio.to_thread(sign)
        return Signature(data, str(version.number))

    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        try:
            version = await self._version(name, "sign", signature.version)
        except _NoSuchVersion:
            return False
        public = signatures.public_key_of(version.material.reveal())
        return signatures.verify(public, _algorithm(version.record), digest, signature.data)

    # -- the vault

    async def _key(self, name: str, look: Callable[[Reading], T]) -> T:
        try:
            return await self._read(look)
        except NotFound:
            pass  # it speaks of a secret
        raise _no_such_key(name)

    async def _newest(self, name: str, purpose: KeyPurpose) -> _Version:
        return await self._version(name, purpose, None)

    async def _that_made(self, name: str, ciphertext: bytes) -> _Version:
        try:
            return await self._version(name, "encrypt", ciphertext)
        except _NoSuchVersion:
            pass
        raise does_not_open()

    async def _version(
        self, name: str, purpose: KeyPurpose, which: str | bytes | None
    ) -> _Version:
        """The newest version, the one of an id, or the one that made a ciphertext.

        Raises ``NotFound``, ``Invalid``, and what is caught by who names one.
        """
        stored = self._names.stored_key(name)

        def look(reading: Reading) -> _Version:
            record, kept, sealed = reading.newest(stored, name, ON_LOOP_BYTES)
            if _purpose(record) != purpose:
                what = "encrypts" if purpose == "sign" else "signs"
                raise Invalid(f"the key {shown(name)} {what}; it does nothing else")
            if which is not None and (older := _chosen(record, which)) is not kept:
                kept, sealed = older, reading.sealed(older)
            return _Version(record, kept.number, reading.value(record, kept, sealed))

        return await self._key(name, look)


class _NoSuchVersion(Exception):
    """The key never had that version."""


def _chosen(record: Record, which: str | bytes) -> Kept:
    if isinstance(which, bytes):
        number = version_of(which, record.serial)
    else:
        number = int(which) if which.isascii() and which.isdigit() and len(which) < 20 else 0
    kept = record.version(number)
    if kept is None or (isinstance(which, str) and which != str(kept.number)):
        raise _NoSuchVersion
    return kept


def _encrypt(version: _Version, plaintext: SecretValue, pairs: Context) -> bytes:
    return key_material.encrypt(
        version.material.reveal(),
        version.record.serial,
        version.number,
        plaintext.reveal(),
        pairs,
    )


def _decrypt(version: _Version, ciphertext: bytes, pairs: Context) -> SecretValue:
    return SecretValue(
        key_material.decrypt(
            version.material.reveal(),
            version.record.serial,
            version.number,
            ciphertext,
            pairs,
        )
    )


async def _new_material(algorithm: SignatureAlgorithm | None) -> SecretValue:
    if algorithm is None:
        return SecretValue(key_material.new_material())
    # An RSA key takes a tenth of a second and more.
    return SecretValue(await asyncio.to_thread(key_material.new_material, algorithm))


def _info(name: str, record: Record) -> KeyInfo:
    purpose = _purpose(record)
    return KeyInfo(
        name,
        purpose,
        version=str(record.stages[CURRENT]),
        algorithm=_algorithm(record) if purpose == "sign" else None,
        created_at=to_datetime(record.created),
    )


def _purpose(record: Record) -> KeyPurpose:
    match record.metadata.get(_PURPOSE):
        case "encrypt":
            return "encrypt"
        case "sign":
            return "sign"
    raise Corrupt("a key does not say what it is for")


def _algorithm(record: Record) -> SignatureAlgorithm:
    for algorithm in signatures.ALGORITHMS:
        if record.metadata.get(_ALGORITHM) == algorithm:
            return algorithm
    raise Corrupt("a key that signs does not say how")


def _no_such_key(name: str) -> NotFound:
    return NotFound(f"there is no key {shown(name)}", hint="see the names: skykeep keys list")
