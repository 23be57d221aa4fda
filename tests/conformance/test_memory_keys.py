"""The in-memory driver of keys, whole and with each capability switched off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from skykeep.conformance.keys import KeysHarness, KeysSuite
from skykeep.conformance.keys_harness import MakesKeysHarness
from skykeep.envelope.signatures import public_key_of
from skykeep.interfaces.key_driver import (
    Context,
    KeyCapabilities,
    KeyDriver,
    KeyPurpose,
    Signature,
    SignatureAlgorithm,
)
from skykeep.providers.memory import keys as memory
from skykeep.providers.memory.keys import EVERYTHING, KeyStore, MemoryKeys
from tests.conformance.key_judge import is_good


class MemoryHarness(KeysHarness):
    """Two drivers over one store of this process."""

    persistent = True
    native_name = "native:Foreign key/ü"

    def __init__(
        self, directory: Path, capabilities: KeyCapabilities = EVERYTHING, prefix: str = ""
    ) -> None:
        super().__init__(directory)
        self.capabilities = capabilities
        self.prefix = prefix
        self.kept = KeyStore()

    async def open(self) -> KeyDriver:
        return MemoryKeys(self.kept, self.capabilities, self.prefix)

    async def reopen(self) -> KeyDriver:
        return await self.open()

    def without(self, capability: str) -> KeysHarness:
        return type(self)(self.directory, less(self.capabilities, capability), self.prefix)

    async def make(
        self, name: str, purpose: KeyPurpose, algorithm: SignatureAlgorithm | None
    ) -> None:
        able = replace(self.capabilities, create=True)
        await MemoryKeys(self.kept, able, self.prefix).create(name, purpose, algorithm)

    async def disable(self, name: str) -> bool:
        self.kept.keys[self.prefix + name].state = "disabled"
        return True

    async def delete(self, name: str) -> bool:
        self.kept.keys[self.prefix + name].state = "pending_deletion"
        return True

    def version_of(self, ciphertext: bytes) -> str:
        return str(int.from_bytes(ciphertext[17:21], "big"))

    def told(self) -> Sequence[Context]:
        return self.kept.told

    async def checks(self, name: str, digest: bytes, signature: Signature) -> bool:
        key = self.kept.keys[self.prefix + name]
        assert signature.version is not None
        assert key.algorithm is not None
        public = public_key_of(key.versions[int(signature.version) - 1])
        return is_good(public, key.algorithm, digest, signature.data)


def less(can: KeyCapabilities, flag: str) -> KeyCapabilities:
    """The capabilities without this one."""
    if flag == "signatures":
        return replace(can, signatures=())
    return replace(can, **{flag: False})  # type: ignore[arg-type]  # all other flags are bools


def able(prefix: str = "", **flags: object) -> MakesKeysHarness:
    """A harness with these capabilities instead."""
    return lambda directory: MemoryHarness(
        directory,
        replace(EVERYTHING, **flags),  # type: ignore[arg-type]  # flags of different types
        prefix,
    )


@pytest.fixture(autouse=True)
def small_rsa_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """RSA keys that are made quickly: the cases are not about their strength."""
    monkeypatch.setattr(memory, "RSA_BITS", 1024)


class TestMemory(KeysSuite):
    harness = MemoryHarness


class TestUnderAPrefix(KeysSuite):
    harness = able(prefix="team/app-")


class TestWithoutCreate(KeysSuite):
    harness = able(create=False)


class TestWithoutRotation(KeysSuite):
    harness = able(rotate=False)


class TestWithoutListing(KeysSuite):
    harness = able(list=False)


class TestWithoutRewrap(KeysSuite):
    harness = able(rewrap=False)


class TestWithoutSignatures(KeysSuite):
    harness = able(signatures=())


class TestWithOneAlgorithm(KeysSuite):
    harness = able(signatures=("ecdsa-p256-sha256",))


class TestWithoutCheckedContexts(KeysSuite):
    harness = able(store_checks_context=False)


class TestWithSmallLimits(KeysSuite):
    harness = able(max_plaintext_bytes=300, max_context_bytes=600)


class TestWithoutAnything(KeysSuite):
    harness = able(
        create=False,
        rotate=False,
        list=False,
        rewrap=False,
        signatures=(),
        store_checks_context=False,
    )
