"""Several targets by the front door: one alone, beside it, its end, after a fork."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skykeep.cloud import Cloud
from skykeep.errors import ConfigError, Invalid, SkykeepError, Unavailable
from skykeep.interfaces.call import principal
from skykeep.layers.telemetry import Event
from skykeep.providers.memory.secrets import MemorySecrets, share
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.model import BreakerSettings, CacheSettings, Environment
from tests.faults.programs import report
from tests.replication.clouds import quiet
from tests.replication.fleet import NAME, until
from tests.replication.forking import CASES
from tests.replication.programs import start


@pytest.fixture
def drivers() -> Iterator[dict[str, MemorySecrets]]:
    """What answers for the targets of these names."""
    found = {name: MemorySecrets() for name in ("main", "eu", "safe")}
    for name, driver in found.items():
        share(name, driver)
    yield found
    for name in found:
        share(name, None)


def memory(name: str) -> MemorySettings:
    return MemorySettings(backend="memory", name=name, store=name)


def cloud(home: Path, **settings: Any) -> Cloud:
    settings.setdefault("cache", CacheSettings(ttl_seconds=0))
    settings.setdefault("breaker", BreakerSettings(probe_seconds=3600))
    environment = Environment(
        name="production",
        primary=memory("main"),
        failover=(memory("eu"),),
        backups=(memory("safe"),),
        **settings,
    )
    return Cloud(environment, environ={"SKYKEEP_HOME": str(home)})


async def value(driver: MemorySecrets, name: str = NAME) -> str:
    return (await driver.get(name)).value.text()


@pytest.mark.asyncio
async def test_a_write_is_brought_to_all_beside_the_caller(
    drivers: dict[str, MemorySecrets], tmp_path: Path
) -> None:
    async with cloud(tmp_path) as each:
        await each.secrets.put(NAME, "one")
        assert await value(drivers["main"]) == "one"
        await until(lambda: not each.replication.owed())
        for driver in drivers.values():
            assert await value(driver) == "one"
        assert (await each.health()).status == "ok"


@pytest.mark.asyncio
async def test_reading_makes_no_journal(
    drivers: dict[str, MemorySecrets], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    async with cloud(home) as each:
        with pytest.raises(SkykeepError):
            await each.secrets.get(NAME)
        assert (await each.health()).journal is None
    assert not os.path.lexists(home)  # noqa: ASYNC240  (of the test's own, at its end)


@pytest.mark.asyncio
async def test_one_target_alone(drivers: dict[str, MemorySecrets], tmp_path: Path) -> None:
    async with cloud(tmp_path) as each:
        await each.secrets.put(NAME, "one")
        await until(lambda: not each.replication.owed())
        for text, name in (("main", "main"), ("failover", "eu"), ("backups[0]", "safe")):
            async with each.at(text) as alone:
                found = await alone.secrets.get(NAME)
                assert found.provenance is not None
                assert found.provenance.source == f"{name} (memory)"
                assert not found.provenance.degraded
        async with each.at("safe") as alone:
            await alone.secrets.put(NAME, "there only")
            assert alone.replication.owed() == {}
        assert [await value(driver) for driver in drivers.values()] == [
            "one",
            "one",
            "there only",
        ]
        assert each.replication.owed() == {}
        with pytest.raises(ConfigError, match="there is no target 'asia'"):
            each.at("asia")


@pytest.mark.asyncio
async def test_listeners_hear_what_is_done_beside(
    drivers: dict[str, MemorySecrets], tmp_path: Path
) -> None:
    heard: list[Event] = []
    async with cloud(tmp_path) as each:
        async with each.at("eu") as early:
            each.listen(heard.append)
            await early.secrets.put(NAME, "one")
            assert [event.operation for event in heard] == ["secrets.put"]
        async with each.beside(each.environment) as other:
            await other.secrets.put(NAME, "two")
        assert [event.operation for event in heard][-1] == "secrets.put"


@pytest.mark.asyncio
async def test_what_is_beside_is_closed_by_who_asked_for_it(
    drivers: dict[str, MemorySecrets], tmp_path: Path
) -> None:
    each = cloud(tmp_path)
    other = each.beside(each.environment)
    await other.close()
    await each.secrets.put(NAME, "one")
    await each.close()
    for closed in (each, other):
        with pytest.raises(SkykeepError, match="closed"):
            closed.replication  # noqa: B018  (asking is what is tested)


@pytest.mark.asyncio
async def test_closing_ends_a_replay_and_leaves_the_rest_to_the_next_process(
    drivers: dict[str, MemorySecrets], tmp_path: Path
) -> None:
    drivers["eu"].latency = 3600
    each = cloud(tmp_path)
    await each.secrets.put(NAME, "one")
    await until(lambda: bool(drivers["eu"].calls))
    async with asyncio.timeout(60):
        await each.close()
    await each.close()
    drivers["eu"].clear_faults()
    async with cloud(tmp_path) as later:
        assert later.replication.owed()["eu (memory)"] >= 1
        await later.replication.reconcile()
        assert later.replication.owed() == {}
    assert await value(drivers["eu"]) == "one"


@pytest.mark.asyncio
async def test_a_write_that_is_cancelled_is_in_doubt_and_is_settled(
    drivers: dict[str, MemorySecrets], tmp_path: Path
) -> None:
    async with cloud(tmp_path) as each:
        quiet(each)
        await each.secrets.put(NAME, "one")
        await each.replication.reconcile()
        main = drivers["main"]
        update = main.update
        done = asyncio.Event()

        async def then_waits(*args: Any, **kwargs: Any) -> Any:
            written = await update(*args, **kwargs)
            done.set()
            await asyncio.Event().wait()
            return written

        main.update = then_waits  # type: ignore[method-assign]  # its answer never comes
        writing = asyncio.create_task(each.secrets.put(NAME, "two"))
        await done.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        main.update = update  # type: ignore[method-assign]  # it is over
        assert each.replication.waiting()[0].doubt == 1
        assert (await each.replication.reconcile()).settled == 1
        assert [await value(driver) for driver in drivers.values()] == ["two"] * 3


@pytest.mark.asyncio
async def test_a_version_or_a_cursor_of_a_target_that_is_not_read_is_refused(
    drivers: dict[str, MemorySecrets], tmp_path: Path
) -> None:
    async with cloud(tmp_path) as each:
        await each.secrets.put(NAME, "one")
        with pytest.raises(Invalid, match="is no target that is read"):
            await each.secrets.get(NAME, version="1@safe (memory)")
        with pytest.raises(Invalid, match="is no target that is read"):
            await anext(each.secrets.list(cursor="\x1fgone\x1fx"))


@pytest.mark.asyncio
async def test_a_read_that_is_not_in_step_is_said(
    drivers: dict[str, MemorySecrets], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with cloud(tmp_path) as each, cloud(tmp_path / "another host") as other:
        await each.secrets.put(NAME, "one")
        await until(lambda: not each.replication.owed())
        quiet(other)
        await other.secrets.put(NAME, "two")
        assert (await each.secrets.get(NAME)).value.text() == "two"
        drivers["main"].fail_next(Unavailable, times=10**9)
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert (found.value.text(), found.provenance.stale) == ("one", True)
        assert f"eu (memory) holds an older value of {NAME}" in caplog.text


@pytest.mark.asyncio
async def test_what_is_replayed_is_on_nobodys_behalf(
    drivers: dict[str, MemorySecrets], tmp_path: Path
) -> None:
    seen: list[str | None] = []
    create = drivers["eu"].create

    async def spied(*args: Any, **kwargs: Any) -> Any:
        seen.append(principal.get())
        return await create(*args, **kwargs)

    drivers["eu"].create = spied  # type: ignore[method-assign]  # a spy
    token = principal.set("who came first")
    try:
        async with cloud(tmp_path) as each:
            await each.secrets.put(NAME, "one")
            await until(lambda: not each.replication.owed())
    finally:
        principal.reset(token)
    assert seen
    assert set(seen) == {None}


@pytest.mark.parametrize("case", CASES)
def test_parent_and_child_go_on(case: str, tmp_path: Path) -> None:
    assert report(start("forking", tmp_path, case)) == {"case": case}
