"""A thousand random operations: Kubernetes and the in-memory driver say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.conformance.stateful import differential
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.kubernetes.secrets import KubernetesSecrets
from skykeep.providers.memory.secrets import MemorySecrets
from tests.peers.kube import Kube
from tests.providers.kubernetes.opening import opened


@pytest.mark.slow
@pytest.mark.asyncio
async def test_kubernetes_and_memory_agree(kube: Kube, tmp_path: Path) -> None:
    namespace = ""

    async def ours() -> SecretDriver:
        nonlocal namespace
        namespace = kube.new_namespace()
        return await opened(kube, tmp_path, namespace)

    async def again(driver: SecretDriver) -> SecretDriver:
        await driver.close()
        return await opened(kube, tmp_path, namespace)

    async def memory() -> SecretDriver:
        return MemorySecrets(capabilities=KubernetesSecrets.capabilities)

    await differential(ours, memory, operations=1000, seed=7, reopen_a=again)
