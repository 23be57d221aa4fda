"""Clouds over two local vaults of a directory, for tests of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skykeep.cloud import Cloud
from skykeep.errors import NotFound
from skykeep.providers.local.settings import LocalSettings
from skykeep.settings.model import BreakerSettings, Environment
from tests.providers.local.vaults import made

CANARY = b"canary-4c1d9f07"


def vault(directory: Path) -> LocalSettings:
    """The settings of a vault in the directory; made if there is none."""
    if not (directory / "vault.db").exists():
        made(directory)
    return LocalSettings(
        backend="local",
        path=str(directory / "vault.db"),
        key_file=str(directory / "vault.key"),
        objects=str(directory / "objects"),
    )


def environment_in(directory: Path, *, probe_seconds: float = 3600, **more: Any) -> Environment:
    """A primary in ``a``, a failover target in ``b``; what is owed waits for the test."""
    return Environment(
        name="production",
        primary=vault(directory / "a"),
        failover=(vault(directory / "b"),),
        breaker=BreakerSettings(probe_seconds=probe_seconds),
        **more,
    )


def clouds_in(directory: Path, **more: Any) -> Cloud:
    """A process of the host on these vaults and one journal."""
    return Cloud(
        environment_in(directory, **more), environ={"SKYKEEP_HOME": str(directory / "home")}
    )


async def settled(cloud: Cloud) -> None:
    """Until nothing is owed; a test has a limit."""
    while await cloud.replication.settle(60):
        pass


def quiet(cloud: Cloud) -> None:
    """Nobody replays in the background."""
    router = cloud._primary.stack._router
    assert router is not None
    router._serving = True


async def held(cloud: Cloud, name: str) -> list[str | None]:
    """What each target holds, the primary first."""
    found: list[str | None] = []
    for target in cloud._targets:
        driver = await target.driver("secrets")
        try:
            found.append((await driver.get(name)).value.text())
        except NotFound:
            found.append(None)
    return found
