"""Azure Key Vault is held to the suite, on a fake of ours: there is no other to be had
(``tests/peers/absent.toml``). Each case has a vault of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.conformance.stateful import differential
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.azure.values import MAX_BINARY_BYTES
from skykeep.providers.azure.writing import KeyVaultSecrets
from skykeep.providers.memory.secrets import MemorySecrets
from tests.peers.azure import KeyVaults
from tests.providers.azure.opening import opened


class AzureHarness(SecretsHarness):
    persistent = True
    native_name = "native:Foreign-Name"
    # What is no text is kept as base64: less of it fits than of text (test_values.py).
    value_limit = MAX_BINARY_BYTES
    # 127 characters, of which a slash takes two, and the prefix some.
    longest_name = 63
    settings: ClassVar[dict[str, Any]] = {}
    keys: ClassVar[dict[str, Any]] = {"secret_prefix": "team/app-"}

    def __init__(self, directory: Path, vaults: KeyVaults) -> None:
        super().__init__(directory)
        self.vault = vaults.new(**self.settings)
        self.drivers: list[SecretDriver] = []

    async def open(self) -> SecretDriver:
        self.drivers.append(opened(self.vault, **self.keys))
        return self.drivers[-1]

    async def reopen(self) -> SecretDriver:
        return await self.open()

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()
        self.drivers = []


class Behind(AzureHarness):
    """Everything that the service accepts it does later, and pages may be empty."""

    settings: ClassVar[dict[str, Any]] = {
        "delete_polls": 2,
        "recover_polls": 1,
        "recover_settling": 1,
        "purge_polls": 1,
        "empty_pages": True,
    }
    keys: ClassVar[dict[str, Any]] = {}


class TestKeyVault(SecretsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, key_vault: KeyVaults) -> SecretsHarness:
        return AzureHarness(tmp_path, key_vault)


class TestBehindItsAnswers(SecretsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, key_vault: KeyVaults) -> SecretsHarness:
        return Behind(tmp_path, key_vault)


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", [1, 2])
async def test_key_vault_and_memory_agree(key_vault: KeyVaults, seed: int) -> None:
    capabilities = KeyVaultSecrets.capabilities

    async def azure() -> SecretDriver:
        return opened(key_vault.new(), secret_prefix="team/")

    async def memory() -> SecretDriver:
        return MemorySecrets(capabilities=capabilities)

    await differential(azure, memory, operations=150, seed=seed)
