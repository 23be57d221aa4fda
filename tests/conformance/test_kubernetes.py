"""The Kubernetes driver is held to the suite on a real kube-apiserver with its etcd."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.kubernetes.secrets import open_secrets
from skykeep.providers.kubernetes.settings import KubernetesSettings
from tests.peers.kube import Kube


class KubernetesHarness(SecretsHarness):
    """Drivers over a namespace that each case has for itself."""

    persistent = True
    # Names of 253 characters at most, prefix included.
    longest_name = 253
    native_name = "native:foreign--name.of-others"
    prefix: ClassVar[str] = ""

    def __init__(self, directory: Path, kube: Kube) -> None:
        super().__init__(directory)
        config = kube.kubeconfig(directory / "kubeconfig", namespace=kube.new_namespace())
        self.settings = KubernetesSettings(
            backend="kubernetes", kubeconfig=str(config), secret_prefix=self.prefix or None
        )
        self.drivers: list[SecretDriver] = []

    async def open(self) -> SecretDriver:
        context = OpenContext("primary (kubernetes)", {}, lambda: self.directory)
        self.drivers.append(await open_secrets(self.settings, context))
        return self.drivers[-1]

    async def reopen(self) -> SecretDriver:
        return await self.open()

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()
        self.drivers = []


class UnderAPrefix(KubernetesHarness):
    """A prefix with capitals that ends inside of a segment."""

    prefix = "Team/my_app-"
    longest_name = 220


class UnderAnotherKey(KubernetesHarness):
    """Secrets of a type and with a key that other tools want."""

    def __init__(self, directory: Path, kube: Kube) -> None:
        super().__init__(directory, kube)
        self.settings = msgspec.structs.replace(
            self.settings,
            key=".dockerconfigjson.secret",
            type="example.com/application",
            labels={"example.com/part-of": "shop"},
        )


class TestKubernetes(SecretsSuite):
    kind: ClassVar[type[KubernetesHarness]] = KubernetesHarness

    @pytest.fixture
    def make_harness(self, tmp_path: Path, kube: Kube) -> KubernetesHarness:
        return self.kind(tmp_path, kube)


class TestUnderAPrefix(TestKubernetes):
    kind = UnderAPrefix


class TestUnderAnotherKey(TestKubernetes):
    kind = UnderAnotherKey
