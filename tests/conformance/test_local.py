"""The local vault is held to the suite, and against the in-memory driver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.conformance.stateful import differential
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.local.secrets import open_secrets
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.vault import create
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets


class Vault:
    """A vault file with a key file beside it (no Argon2id)."""

    def __init__(self, directory: Path, **settings: object) -> None:
        self.settings = LocalSettings(
            backend="local",
            path=str(directory / "vault.db"),
            key_file=str(directory / "vault.key"),
            **settings,  # type: ignore[arg-type]  # settings of different types
        )
        self.context = OpenContext(target="local", environ={}, data_dir=lambda: directory)
        create(self.settings, self.context)

    async def open(self) -> SecretDriver:
        return await open_secrets(self.settings, self.context)


class LocalHarness(SecretsHarness):
    persistent = True
    native_name = "native:Foreign name/ü"
    keep_versions = 100
    secret_prefix: str | None = None

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.drivers: list[SecretDriver] = []

    async def open(self) -> SecretDriver:
        self.vault = Vault(
            self.directory, keep_versions=self.keep_versions, secret_prefix=self.secret_prefix
        )
        return await self.reopen()

    async def reopen(self) -> SecretDriver:
        self.drivers.append(await self.vault.open())
        return self.drivers[-1]

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()


class FewVersions(LocalHarness):
    value_limit = 100_000
    keep_versions = 4


class UnderAPrefix(LocalHarness):
    value_limit = 100_000
    secret_prefix = "team/app/"
    longest_name = 255 - len(secret_prefix)


class TestLocal(SecretsSuite):
    harness = LocalHarness


class TestWithFewVersions(SecretsSuite):
    harness = FewVersions


class TestUnderAPrefix(SecretsSuite):
    harness = UnderAPrefix


@pytest.mark.parametrize("keep_versions", [100, 3])
@pytest.mark.asyncio
async def test_local_and_memory_agree(tmp_path: Path, keep_versions: int) -> None:
    vaults: list[Vault] = []

    async def local() -> SecretDriver:
        directory = tmp_path / str(len(vaults))
        directory.mkdir()
        vaults.append(Vault(directory, keep_versions=keep_versions))
        return await vaults[-1].open()

    async def reopen(driver: SecretDriver) -> SecretDriver:
        await driver.close()
        return await vaults[-1].open()

    async def memory() -> SecretDriver:
        return MemorySecrets(capabilities=replace(EVERYTHING, max_versions=keep_versions))

    await differential(local, memory, operations=1000, seed=keep_versions, reopen_a=reopen)
