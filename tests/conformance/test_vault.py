"""The Vault driver is held to the suite on a server that we did not write."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

import pytest

from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.vault.secrets import open_secrets
from skykeep.providers.vault.settings import VaultSettings
from tests.peers.openbao import OpenBao


class VaultHarness(SecretsHarness):
    """Drivers over one mount of a shared server, each case under a prefix of its own."""

    persistent = True
    native_name = "native:Foreign name/ü+%2F"
    value_limit = 300_000
    keep_versions: ClassVar[int | None] = None

    def __init__(self, directory: Path, server: OpenBao, mount: str) -> None:
        super().__init__(directory)
        self.server = server
        self.settings = VaultSettings(
            backend="vault",
            address=server.address,
            mount=mount,
            secret_prefix=f"test-{uuid.uuid4()}/",
            keep_versions=self.keep_versions,
        )
        self.drivers: list[SecretDriver] = []

    async def open(self) -> SecretDriver:
        context = OpenContext(
            "primary (vault)", {"VAULT_TOKEN": self.server.token}, lambda: self.directory
        )
        self.drivers.append(await open_secrets(self.settings, context))
        return self.drivers[-1]

    async def reopen(self) -> SecretDriver:
        return await self.open()

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()
        self.drivers = []


class PartOfASegment(VaultHarness):
    """A prefix that ends inside of a segment."""

    def __init__(self, directory: Path, server: OpenBao, mount: str) -> None:
        super().__init__(directory, server, mount)
        self.settings = VaultSettings(
            backend="vault",
            address=server.address,
            mount=mount,
            kv=2,
            secret_prefix=f"team/{uuid.uuid4()}-",
        )


class FewVersions(VaultHarness):
    keep_versions = 4


class TestKv2(SecretsSuite):
    kind: ClassVar[type[VaultHarness]] = VaultHarness

    @pytest.fixture
    def make_harness(self, tmp_path: Path, openbao: OpenBao) -> VaultHarness:
        return self.kind(tmp_path, openbao, openbao.kv(2))


class TestUnderAPartOfASegment(TestKv2):
    kind = PartOfASegment


class TestWithFewVersions(TestKv2):
    kind = FewVersions


class TestKv1(SecretsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, openbao: OpenBao) -> VaultHarness:
        return VaultHarness(tmp_path, openbao, openbao.kv(1))
