"""AWS Secrets Manager and Parameter Store are held to the suite, on moto.

``moto_mended`` is moto without those of its departures from AWS that the suite runs into; each
is named in ``tests/peers/mended_moto.py``. What moto does by itself is judged in
``tests/providers/aws``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.conformance.stateful import differential
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.aws.writing import SecretsManager
from skykeep.providers.memory.secrets import MemorySecrets
from tests.peers.peer import Server
from tests.providers.aws.opening import opened, reset


class AwsHarness(SecretsHarness):
    """Two drivers of one store; moto forgets between cases."""

    persistent = True
    keys: ClassVar[dict[str, Any]] = {}

    def __init__(self, directory: Path, server: Server) -> None:
        super().__init__(directory)
        self.address = server.address
        self.drivers: list[SecretDriver] = []

    async def open(self) -> SecretDriver:
        reset(self.address)
        return await self.reopen()

    async def reopen(self) -> SecretDriver:
        self.drivers.append(await opened(self.address, **self.keys))
        return self.drivers[-1]

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()


class ManagerHarness(AwsHarness):
    native_name = "native:Foreign+name=@x"
    keys: ClassVar[dict[str, Any]] = {"secret_prefix": "team/app-"}


class TestSecretsManager(SecretsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, moto_mended: Server) -> SecretsHarness:
        return ManagerHarness(tmp_path, moto_mended)


class ParametersHarness(AwsHarness):
    native_name = "native:/Foreign/name.x"
    keys: ClassVar[dict[str, Any]] = {"service": "ssm", "secret_prefix": "team/app-"}
    # 15 levels, of which the prefix takes one and the name begins in the second.
    most_segments = 14
    # What is no text is kept as base64: less of it fits than of text.
    value_limit = 3060
    # A hundred and five writes of one name; and AWS does not drop a version with a label, as
    # the suite's case expects, but refuses the write (tests/providers/aws/test_parameters.py).
    versions_limit = 100


class TestParameterStore(SecretsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, moto_mended: Server) -> SecretsHarness:
        return ParametersHarness(tmp_path, moto_mended)


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", [1, 2])
async def test_secrets_manager_and_memory_agree(moto_mended: Server, seed: int) -> None:
    capabilities = SecretsManager.capabilities

    async def aws() -> SecretDriver:
        reset(moto_mended.address)
        return await opened(moto_mended.address, secret_prefix="team/")

    async def memory() -> SecretDriver:
        return MemorySecrets(capabilities=capabilities)

    await differential(aws, memory, operations=150, seed=seed)
