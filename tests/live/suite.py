"""Holds a configured target to the suite, under a prefix, and removes what it wrote.

    make test-live TARGET='{backend: aws, region: eu-west-1}' PREFIX=skykeep-test/

``TARGET`` is what stands under ``primary:`` in a configuration, in YAML. Credentials are found
as in production. Every case works under a prefix of its own below ``PREFIX`` and purges what
lies there when it ends; at the end of the run everything below ``PREFIX`` must be gone. A real
store costs money for each call, and some are slow to show what was written: cases that read at
once what they wrote can fail there although the driver is right.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from skykeep import registry
from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.errors import NotFound
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.settings.model import TargetSettings

TARGET = "SKYKEEP_LIVE_TARGET"
PREFIX = "SKYKEEP_LIVE_PREFIX"


def target(prefix: str) -> tuple[Mapping[str, Any], TargetSettings]:
    """What was given, and the settings of a target under this prefix."""
    import msgspec

    given = yaml.safe_load(os.environ[TARGET])
    if not isinstance(given, dict) or "backend" not in given:
        pytest.exit(f"{TARGET} is what stands under primary: {{backend: aws, …}}", 2)
    kind = registry.settings_type(given["backend"])
    return given, msgspec.convert({**given, "secret_prefix": prefix}, kind)


async def opened(prefix: str, directory: Path) -> SecretDriver:
    """A driver of the target under this prefix."""
    given, settings = target(prefix)
    open_secrets = registry.load(registry.provider(given["backend"]).drivers["secrets"])
    context = OpenContext(f"live ({given['backend']})", os.environ, lambda: directory)
    driver: SecretDriver = await open_secrets(settings, context)
    return driver


async def names(driver: SecretDriver) -> set[str]:
    """All that lies under the driver's prefix, deleted or not."""
    found: set[str] = set()
    for deleted in (False, True) if driver.capabilities.soft_delete else (False,):
        cursor = None
        while True:
            page = await driver.list("", cursor=cursor, limit=100, deleted=deleted)
            found.update(info.name for info in page.items)
            cursor = page.cursor
            if cursor is None:
                break
    return found


async def emptied(driver: SecretDriver) -> None:
    """Purge all that lies under the driver's prefix."""
    for name in await names(driver):
        try:
            await driver.purge(name)
        except NotFound:
            continue  # gone meanwhile


class LiveHarness(SecretsHarness):
    """Drivers of a real store, under a prefix of this case."""

    persistent = True
    # What every store has room for, binary too, and names below a prefix that are escaped:
    # larger ones are no other case, and cost more.
    value_limit = 3000
    longest_name = 50
    most_segments = 12
    versions_limit = 12

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.prefix = f"{os.environ[PREFIX]}{uuid.uuid4().hex}/"
        self.drivers: list[SecretDriver] = []

    async def open(self) -> SecretDriver:
        self.drivers.append(await opened(self.prefix, self.directory))
        return self.drivers[-1]

    async def reopen(self) -> SecretDriver:
        return await self.open()

    async def close(self) -> None:
        drivers, self.drivers = self.drivers, []
        if drivers:
            await emptied(drivers[0])
        for driver in drivers:
            await driver.close()


class TestLive(SecretsSuite):
    harness = LiveHarness


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:
    """What a case left that was killed is removed, and named."""
    yield
    prefix = os.environ[PREFIX]
    driver = await opened(prefix, tmp_path_factory.mktemp("live"))
    try:
        left = await names(driver)
        await emptied(driver)
        after = await names(driver)
    finally:
        await driver.close()
    assert not after, f"could not be removed, below {prefix}: {sorted(after)}"
    assert not left, f"cases left these behind; they were removed now: {sorted(left)}"
