"""The keys of Azure Key Vault are held to the suite, on a fake of ours: there is no other to be
had (``tests/peers/absent.toml``). Each case has a vault of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from skykeep.conformance.keys import KeysHarness, KeysSuite
from skykeep.conformance.keys_stateful import differential
from skykeep.envelope.hybrid import hybrid_parts
from skykeep.interfaces.key_driver import KeyDriver, Signature
from skykeep.providers.azure.keys.driver import KeyVaultKeys
from skykeep.providers.azure.names import Names
from skykeep.providers.memory.keys import MemoryKeys
from tests.conformance.key_judge import is_good
from tests.peers.azure import KeyVaults
from tests.peers.fakes.asking_key_vault import ask
from tests.providers.azure.opening import opened_keys


class KeyVaultHarness(KeysHarness):
    """Drivers over a vault of this case alone."""

    persistent = True
    longest_name = 63  # "/" takes two of 127 characters, and the prefix some
    native_name = "native:Foreign----Key"  # four hyphens are no name of ours
    prefix = ""

    def __init__(self, directory: Path, vaults: KeyVaults) -> None:
        super().__init__(directory)
        self.vault = vaults.new()
        self.drivers: list[KeyDriver] = []

    async def open(self) -> KeyDriver:
        self.drivers.append(opened_keys(self.vault, keys_prefix=self.prefix))
        return self.drivers[-1]

    async def reopen(self) -> KeyDriver:
        return await self.open()

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()
        self.drivers = []

    def _path(self, name: str) -> str:
        return f"/keys/{Names(self.prefix).stored(name)}"

    async def disable(self, name: str) -> bool:
        attributes = {"attributes": {"enabled": False}}
        assert ask(self.vault, "PATCH", self._path(name), attributes).status == 200
        return True

    def version_of(self, ciphertext: bytes) -> str:
        return hybrid_parts(ciphertext).version

    async def checks(self, name: str, digest: bytes, signature: Signature) -> bool:
        answer = ask(self.vault, "GET", f"{self._path(name)}/{signature.version}")
        web_key = answer.body["key"]
        if web_key["kty"] == "EC":
            return is_good(public(web_key), "ecdsa-p256-sha256", digest, signature.data)
        return is_good(public(web_key), "rsa-pss-sha256", digest, signature.data)


def public(web_key: Mapping[str, Any]) -> bytes:
    """A JSON web key as DER."""

    def number(field: str) -> int:
        text = web_key[field]
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")

    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    if web_key["kty"] == "EC":
        point = ec.EllipticCurvePublicNumbers(number("x"), number("y"), ec.SECP256R1())
        key = point.public_key()
    else:
        key = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class Prefixed(KeyVaultHarness):
    prefix = "team.a/"


class TestKeyVaultKeys(KeysSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, key_vault: KeyVaults) -> KeysHarness:
        return KeyVaultHarness(tmp_path, key_vault)


class TestUnderAPrefix(KeysSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, key_vault: KeyVaults) -> KeysHarness:
        return Prefixed(tmp_path, key_vault)


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", [1, 2])
async def test_key_vault_and_memory_agree(key_vault: KeyVaults, seed: int) -> None:
    # ECDSA alone: its keys are made at once.
    capabilities = replace(KeyVaultKeys.capabilities, signatures=("ecdsa-p256-sha256",))

    async def azure() -> KeyDriver:
        driver = opened_keys(key_vault.new())
        driver.capabilities = capabilities
        return driver

    async def memory() -> KeyDriver:
        return MemoryKeys(capabilities=capabilities)

    await differential(azure, memory, operations=150, seed=seed)
