"""Google Secret Manager is held to the suite, on a fake of ours: no other can be had."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, ClassVar

import pytest

from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.conformance.stateful import differential
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.gcp.writing import SecretManager as Driver
from skykeep.providers.memory.secrets import MemorySecrets
from tests.peers.google import SecretManager
from tests.providers.gcp.opening import opened


class GcpHarness(SecretsHarness):
    """Two drivers of one project, each case under a prefix of its own."""

    persistent = True
    # "/" takes two of 255 characters.
    longest_name = 127
    keys: ClassVar[dict[str, Any]] = {}

    def __init__(self, directory: Path, server: SecretManager) -> None:
        super().__init__(directory)
        self.address = server.address
        self.prefix = f"case-{uuid.uuid4().hex[:12]}/"
        self.drivers: list[SecretDriver] = []

    async def open(self) -> SecretDriver:
        self.drivers.append(opened(self.address, secret_prefix=self.prefix, **self.keys))
        return self.drivers[-1]

    async def reopen(self) -> SecretDriver:
        return await self.open()

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()
        self.drivers = []


class NativeHarness(GcpHarness):
    native_name = "native:Foreign____name"


class RegionalHarness(GcpHarness):
    keys: ClassVar[dict[str, Any]] = {"location": "europe-west3"}


class TestSecretManager(SecretsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, secret_manager: SecretManager) -> SecretsHarness:
        return NativeHarness(tmp_path, secret_manager)


class PartOfASegment(GcpHarness):
    """A prefix that ends inside of a segment, with marks at its end."""

    def __init__(self, directory: Path, server: SecretManager) -> None:
        super().__init__(directory, server)
        self.prefix = f"team/{uuid.uuid4().hex[:12]}_"


class TestUnderAPartOfASegment(SecretsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, secret_manager: SecretManager) -> SecretsHarness:
        return PartOfASegment(tmp_path, secret_manager)


class TestRegionalSecrets(SecretsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, secret_manager: SecretManager) -> SecretsHarness:
        return RegionalHarness(tmp_path, secret_manager)


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_secret_manager_and_memory_agree(
    secret_manager: SecretManager, seed: int
) -> None:
    drivers: list[SecretDriver] = []

    async def gcp() -> SecretDriver:
        prefix = f"random-{uuid.uuid4().hex[:12]}/"
        drivers.append(opened(secret_manager.address, secret_prefix=prefix))
        return drivers[-1]

    async def memory() -> SecretDriver:
        return MemorySecrets(capabilities=Driver.capabilities)

    await differential(gcp, memory, operations=150, seed=seed)
