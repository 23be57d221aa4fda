"""The pytest plugin: fixtures for tests of applications that use skykeep.

It is loaded by every pytest run in an environment with skykeep, so it imports nothing of
skykeep until a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from skykeep.blocking import BlockingCloud
    from skykeep.cloud import Cloud
    from skykeep.providers.memory.secrets import MemorySecrets

pytest.register_assert_rewrite(
    "skykeep.conformance.cases",
    "skykeep.conformance.keys",
    "skykeep.conformance.keys_cases",
    "skykeep.conformance.keys_contexts",
    "skykeep.conformance.keys_listing",
    "skykeep.conformance.keys_rotation",
    "skykeep.conformance.keys_signatures",
    "skykeep.conformance.keys_stateful",
    "skykeep.conformance.keys_values",
    "skykeep.conformance.objects",
    "skykeep.conformance.objects_cases",
    "skykeep.conformance.objects_conditions",
    "skykeep.conformance.objects_deletes",
    "skykeep.conformance.objects_kept",
    "skykeep.conformance.objects_listing",
    "skykeep.conformance.objects_parts",
    "skykeep.conformance.objects_ranges",
    "skykeep.conformance.objects_stateful",
    "skykeep.conformance.objects_values",
    "skykeep.conformance.secrets",
    "skykeep.conformance.secrets_conditions",
    "skykeep.conformance.secrets_deletes",
    "skykeep.conformance.secrets_listing",
    "skykeep.conformance.secrets_stages",
    "skykeep.conformance.secrets_stamps",
    "skykeep.conformance.secrets_values",
    "skykeep.conformance.secrets_writes",
)


@pytest.fixture
def skykeep_memory() -> MemorySecrets:
    """An empty in-memory driver: the store behind the two clouds below.

    Plant faults with ``fail_next`` and ``latency``, count calls with ``calls``.
    """
    from skykeep.providers.memory.secrets import MemorySecrets

    return MemorySecrets()


@pytest.fixture
def skykeep_blocking_cloud(skykeep_memory: MemorySecrets) -> Iterator[BlockingCloud]:
    """What ``skykeep.open_blocking()`` gives, over ``skykeep_memory``.

    Reads no configuration and no variables. Tries are made as usual, without the waits.
    """
    from skykeep.blocking import BlockingCloud

    with _cloud(skykeep_memory) as cloud, BlockingCloud(cloud) as blocking:
        yield blocking


@contextmanager
def _cloud(driver: MemorySecrets) -> Iterator[Cloud]:
    """A cloud that opens this driver. To be closed by the caller, on its own loop."""
    from skykeep.cloud import Cloud
    from skykeep.providers.memory.secrets import share
    from skykeep.providers.memory.settings import MemorySettings
    from skykeep.settings.model import Environment, RetrySettings

    store = f"fixture-{id(driver)}"
    environment = Environment(
        name="test",
        primary=MemorySettings(backend="memory", store=store),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
    )
    share(store, driver)
    try:
        yield Cloud(environment, environ={})
    finally:
        share(store, None)


def pytest_configure(config: pytest.Config) -> None:
    """Offer the asynchronous fixture where pytest-asyncio runs."""
    if config.pluginmanager.hasplugin("asyncio"):
        config.pluginmanager.register(_asynchronous(), "skykeep-asynchronous")


def _asynchronous() -> object:
    import pytest_asyncio

    class Asynchronous:
        @pytest_asyncio.fixture
        async def skykeep_cloud(self, skykeep_memory: MemorySecrets) -> AsyncIterator[Cloud]:
            """What ``skykeep.open()`` gives, over ``skykeep_memory``.

            Reads no configuration and no variables. Tries are made as usual, without the
            waits.
            """
            with _cloud(skykeep_memory) as cloud:
                async with cloud:
                    yield cloud

    return Asynchronous()
