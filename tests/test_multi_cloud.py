"""The short face: names in, plain values out, over a whole cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import skykeep
from skykeep import MultiCloudSecretsManager
from skykeep.errors import ConfigError, Invalid, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import MemorySecrets, share

CONFIGURATION = """
production:
  primary: {backend: memory, store: x}
  failover: {backend: memory, store: y, name: spare}
  retry: {attempts: 1}
development:
  primary: {backend: memory}
"""


@dataclass
class Room:
    """Where the configuration is, and the two stores of production."""

    path: Path
    x: MemorySecrets
    y: MemorySecrets

    def manager(self, environment: str | None = "production") -> MultiCloudSecretsManager:
        return MultiCloudSecretsManager(config_path=self.path, environment=environment)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setenv("SKYKEEP_HOME", str(tmp_path))
    path = tmp_path / "cloud_config.yaml"
    path.write_text(CONFIGURATION)
    x, y = MemorySecrets(), MemorySecrets()
    share("x", x)
    share("y", y)
    yield Room(path, x, y)
    share("x", None)
    share("y", None)


def held(driver: MemorySecrets, name: str) -> str:
    """The value that a store holds. Raises ``NotFound``."""
    return asyncio.run(MemorySecrets(store=driver.store).get(name)).value.text()


def test_a_read_gives_the_value_alone(room: Room) -> None:
    async def use() -> Any:
        async with room.manager() as manager:
            version = await manager.write_secret("api-key", "sk-1", metadata={"owner": "web"})
            info = await manager.cloud.secrets.describe("api-key")
            again = await manager.write_secret("api-key", "sk-2")
            kept = await manager.cloud.secrets.describe("api-key")
            value = await manager.read_secret("api-key")
            return version, dict(info.metadata), again, dict(kept.metadata), value

    assert asyncio.run(use()) == ("1", {"owner": "web"}, "2", {"owner": "web"}, "sk-2")
    assert held(room.y, "api-key") == "sk-2"


def test_what_is_no_text(room: Room) -> None:
    async def use() -> bytes:
        async with room.manager() as manager:
            await manager.write_secret("raw", b"\xff\x00canary")
            with pytest.raises(Invalid) as caught:
                await manager.read_secret("raw")
            assert caught.value.hint == "read it with read_secret_bytes()"
            assert caught.value.__context__ is None  # the decoder's has the value
            assert "canary" not in str(caught.value)
            return await manager.read_secret_bytes("raw")

    assert asyncio.run(use()) == b"\xff\x00canary"


def test_names_and_deletes(room: Room) -> None:
    async def use() -> list[list[str]]:
        async with room.manager() as manager:
            for name in ("db/b", "db/a", "web"):
                await manager.write_secret(name, "v")
            found = [await manager.list_secrets("db")]
            await manager.delete_secret("db/a")
            found.append(await manager.list_secrets("db"))
            assert "web" in await manager.list_secrets()
            with pytest.raises(NotFound):
                await manager.read_secret("db/a")
            return found

    assert asyncio.run(use()) == [["db/a", "db/b"], ["db/b"]]
    with pytest.raises(NotFound):
        held(room.y, "db/a")


def test_a_replica_answers_while_the_primary_is_away(room: Room) -> None:
    async def use() -> tuple[str, dict[str, Any]]:
        async with room.manager() as manager:
            await manager.write_secret("api-key", "v")
            await manager.cloud.replication.settle(2)
            manager.cloud.secrets.invalidate("api-key")
            room.x.fail_next(Unavailable("away"), times=10**6)
            return await manager.read_secret("api-key"), await manager.health_check()

    value, health = asyncio.run(use())
    assert value == "v"
    assert health["status"] == "degraded"
    assert [each["status"] for each in health["targets"]] == ["down", "up"]
    assert health["targets"][1]["name"] == "spare (memory)"


def test_what_was_written_is_brought_before_it_closes(room: Room) -> None:
    async def use() -> None:
        manager = room.manager()
        await manager.write_secret("api-key", "v")
        await manager.close()
        await manager.close()
        with pytest.raises(SkykeepError, match="closed"):
            await manager.read_secret("api-key")

    asyncio.run(use())
    assert held(room.y, "api-key") == "v"


def test_a_target_that_is_away_does_not_keep_it_open(room: Room) -> None:
    async def use() -> None:
        async with room.manager() as manager:
            room.y.fail_next(Unavailable("away"), times=10**6)
            await manager.write_secret("api-key", "v")

    asyncio.run(use())
    assert held(room.x, "api-key") == "v"


def test_one_target_is_made_to_hold_what_another_holds(room: Room) -> None:
    async def use(**options: Any) -> dict[str, Any]:
        async with room.manager() as manager:
            return await manager.sync_secrets("primary", "spare", **options)

    async def fill() -> None:
        for name in ("db/a", "db/b", "other"):
            await room.x.create(name, SecretValue(name), Attributes())
        await room.y.create("db/b", SecretValue("db/b"), Attributes())
        await room.y.create("db/own", SecretValue("v"), Attributes())

    asyncio.run(fill())
    planned = asyncio.run(use(prefix="db", dry_run=True))
    assert planned == {
        "written": ["db/a"],
        "same": ["db/b"],
        "only_in_target": ["db/own"],
        "left": [],
        "skipped": {},
        "failed": {},
    }
    with pytest.raises(NotFound):
        held(room.y, "db/a")
    assert asyncio.run(use(prefix="db")) == planned
    assert (held(room.y, "db/a"), held(room.y, "db/own")) == ("db/a", "v")
    room.y.fail_next(Invalid("too odd"), times=100, operation="create")
    done = asyncio.run(use())
    assert done["written"] == []
    assert "too odd" in done["failed"]["other"]


@pytest.mark.parametrize(
    ("source", "target", "error"),
    [("primary", "primary", Invalid), ("primary", "spar", ConfigError)],
)
def test_what_cannot_be_synced(
    room: Room, source: str, target: str, error: type[SkykeepError]
) -> None:
    async def use() -> None:
        async with room.manager() as manager:
            await manager.sync_secrets(source, target)

    with pytest.raises(error):
        asyncio.run(use())


def test_an_environment_of_one_target(room: Room) -> None:
    async def use() -> tuple[str, str]:
        async with room.manager("development") as manager:
            await manager.write_secret("a", "v")
            return await manager.read_secret("a"), (await manager.health_check())["status"]

    assert asyncio.run(use()) == ("v", "ok")


def test_a_wrong_configuration_shows_at_once(room: Room) -> None:
    with pytest.raises(ConfigError):
        room.manager("prodution")


def test_nothing_is_opened_before_the_first_call(room: Room) -> None:
    manager = room.manager()
    assert room.x.calls.total() == 0
    assert manager.cloud.environment.name == "production"
    assert skykeep.MultiCloudSecretsManager is MultiCloudSecretsManager
    asyncio.run(manager.close())
    assert room.x.calls.total() == 0
