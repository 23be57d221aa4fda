"""When is looked, what is said of an outage, who is told."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

import skykeep
from skykeep.errors import (
    Corrupt,
    Denied,
    Invalid,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.interfaces.secret_changes import Change, Looked, Survey
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.secret_watching import Watch, Watching
from skykeep.interfaces.tasks import Tasks
from skykeep.providers.memory.secrets import MemorySecrets, share
from tests.interfaces.following import EVERY, Clock, source_of, watch_of
from tests.remote import remote

pytestmark = pytest.mark.asyncio


class Room:
    """A store with one secret, a clock, and a watch of it."""

    def __init__(self, **options: Any) -> None:
        self.driver = MemorySecrets()
        self.clock = Clock()
        self.errors: list[SkykeepError] = []
        survey = Survey(source_of(self.driver), ["db/password"])
        self.watch = watch_of(survey, self.clock, on_error=self.errors.append, **options)

    async def put(self, text: str) -> None:
        value = SecretValue(text)
        if "db/password" in self.driver.store._records:
            await self.driver.update("db/password", value, Attributes())
        else:
            await self.driver.create("db/password", value, Attributes())

    def rotates(self, at: float, text: str) -> None:
        self.clock.plan(at, lambda: self.put(text))


async def next_text(watch: Watch) -> str:
    change = await anext(watch)
    assert change.secret is not None
    return change.secret.value.text()


async def test_changes_come_as_they_are_made() -> None:
    room = Room()
    await room.put("one")
    for at, text in ((10, "two"), (70, "three"), (75, "four")):
        room.rotates(at, text)
    async with room.watch as watch:
        assert (await next_text(watch), room.clock.now) == ("two", 30)
        assert (await next_text(watch), room.clock.now) == ("four", 90)
    assert room.driver.calls["get"] == 4


async def test_without_entering_it_the_first_step_takes_the_first_look() -> None:
    room = Room()
    await room.put("one")
    room.rotates(10, "two")
    async with aclosing(room.watch) as watch:
        async for change in watch:
            assert (change.kind, change.version) == ("changed", "2")
            break
    assert room.clock.slept == [EVERY]


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 24.0), (0.5, 30.0), (1.0, 36.0)])
async def test_looks_are_a_fifth_earlier_or_later(jitter: float, wait: float) -> None:
    room = Room(jitter=lambda: jitter)
    room.rotates(100, "one")
    async with room.watch as watch:
        await anext(watch)
    assert room.clock.slept == pytest.approx([wait] * len(room.clock.slept))


async def test_the_time_that_a_caller_takes_counts() -> None:
    room = Room()
    room.rotates(29, "one")
    room.rotates(59, "two")
    async with room.watch as watch:
        await anext(watch)
        room.clock.now += 20  # what the application does with it
        await anext(watch)
    assert room.clock.slept == [30, 10]


async def test_an_outage_is_said_once_and_looks_become_fewer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = Room()
    await room.put("one")
    room.rotates(560, "two")
    async with room.watch as watch:
        room.driver.fail_next(Unavailable("down"), times=5)
        assert await next_text(watch) == "two"
    # A look, five in vain, and those that find it answering again.
    assert room.clock.slept == [30, 60, 120, 120, 120, 120]
    assert [str(error) for error in room.errors] == ["down"] * 5
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.WARNING,
            "the watch of 'it' has no answer: Unavailable: down; the next look is in 60 s",
        ),
        (logging.WARNING, "the watch of 'it' goes on"),
    ]


async def test_the_second_outage_is_said_again(caplog: pytest.LogCaptureFixture) -> None:
    room = Room()
    async with room.watch as watch:
        room.driver.fail_next(Unavailable)
        room.clock.plan(95, lambda: fail(room, Throttled))
        room.rotates(200, "one")
        await anext(watch)
    said = [record.getMessage() for record in caplog.records]
    assert ["goes on" in text for text in said] == [False, True, False, True]


async def fail(room: Room, error: type[SkykeepError]) -> None:
    room.driver.fail_next(error)


async def test_a_store_that_asks_for_patience_gets_it() -> None:
    room = Room()
    await room.put("one")
    room.rotates(31, "two")
    async with room.watch as watch:
        room.driver.fail_next(Throttled("slow down", retry_after=500))
        assert await next_text(watch) == "two"
    assert room.clock.slept == [30, 500]


async def test_the_trouble_of_one_secret_is_no_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = Room()
    await room.put("one")
    room.rotates(100, "two")
    async with room.watch as watch:
        room.driver.fail_next(Corrupt("damaged"), times=2)
        assert await next_text(watch) == "two"
    assert room.clock.slept == [30, 30, 30, 30]
    assert [record.getMessage() for record in caplog.records] == [
        (
            "the watch of 'it' has no answer for 'db/password': Corrupt: damaged; "
            "the next look is in 30 s"
        ),
        "the watch of 'it' goes on for 'db/password'",
    ]


@pytest.mark.parametrize("error", [Denied, Unauthenticated])
async def test_a_refusal_ends_it(error: type[SkykeepError]) -> None:
    room = Room()
    async with room.watch as watch:
        room.driver.fail_next(error)
        with pytest.raises(error):
            await anext(watch)
        with pytest.raises(StopAsyncIteration):
            await anext(watch)


async def test_an_on_error_that_fails_is_not_the_watchs_trouble(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(error: SkykeepError) -> None:
        raise RuntimeError("canary")

    driver, clock = MemorySecrets(), Clock()
    watch = watch_of(Survey(source_of(driver), ["a"]), clock, on_error=fails)
    driver.fail_next(Unavailable)
    clock.plan(70, lambda: driver.create("a", SecretValue("one"), Attributes()))
    async with watch:
        assert (await anext(watch)).kind == "created"
    assert "a watch's on_error failed: RuntimeError" in caplog.text
    assert "canary" not in caplog.text


# -- its end


async def forever(seconds: float) -> None:
    await asyncio.get_running_loop().create_future()


async def at_rest(task: asyncio.Task[Any]) -> None:
    """Until the task waits for something that never comes."""
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()


def stray() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {task for task in [asyncio.current_task()] if task}


async def test_closing_it_ends_who_waits_in_it() -> None:
    watch = Watch(Survey(source_of(MemorySecrets()), ["a"]), "it", EVERY, sleep=forever)

    async def collect() -> list[Change]:
        return [change async for change in watch]

    task = asyncio.create_task(collect())
    await at_rest(task)
    await watch.aclose()
    assert await task == []
    await watch.aclose()
    assert stray() == set()


async def test_a_step_that_is_cancelled_leaves_nothing_behind_and_loses_nothing() -> None:
    driver = MemorySecrets()
    watch = Watch(Survey(source_of(driver), ["a"]), "it", EVERY, sleep=forever)
    async with watch:
        step = asyncio.ensure_future(anext(watch))
        await at_rest(step)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert stray() == set()
        await driver.create("a", SecretValue("one"), Attributes())
        watch._due = None  # the next look is due
        assert (await anext(watch)).kind == "created"


async def test_a_look_that_is_cancelled_loses_nothing() -> None:
    driver = MemorySecrets()
    watch = watch_of(Survey(source_of(driver), ["a"], "p"), Clock())
    async with watch:
        await driver.create("a", SecretValue("one"), Attributes())
        await driver.create("p/b", SecretValue("one"), Attributes())
        driver.latency = 3600
        step = asyncio.ensure_future(anext(watch))
        await at_rest(step)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert stray() == set()
        driver.latency = 0
        assert [(await anext(watch)).name, (await anext(watch)).name] == ["a", "p/b"]


async def test_two_tasks_do_not_iterate_over_one() -> None:
    watch = Watch(Survey(source_of(MemorySecrets()), ["a"]), "it", EVERY, sleep=forever)
    step = asyncio.ensure_future(anext(watch))
    await at_rest(step)
    with pytest.raises(RuntimeError, match="two tasks"):
        await anext(watch)
    await watch.aclose()
    with pytest.raises(StopAsyncIteration):
        await step


# -- callbacks


def watching(room: Room, callback: Any, tasks: Tasks) -> Watching:
    return Watching(room.watch, "'it'", callback, tasks)


async def test_a_callback_is_called_whether_it_waits_or_not() -> None:
    for waits in (True, False):
        room, tasks, told = Room(), Tasks(), asyncio.Queue[Change]()

        async def slowly(change: Change, told: asyncio.Queue[Change] = told) -> None:
            await asyncio.sleep(0)
            told.put_nowait(change)

        handle = watching(room, slowly if waits else told.put_nowait, tasks)
        await handle.begun()
        await room.put("one")
        assert (await told.get()).kind == "created"
        await room.put("two")
        assert (await told.get()).version == "2"
        handle.close()
        handle.close()
        await tasks.close()
        assert (handle.error, stray()) == (None, set())


async def test_a_callback_that_fails_is_called_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room, tasks, told = Room(), Tasks(), asyncio.Queue[Change]()

    def fails(change: Change) -> None:
        told.put_nowait(change)
        raise RuntimeError("canary")

    handle = watching(room, fails, tasks)
    await handle.begun()
    for text in ("one", "two"):
        await room.put(text)
        await told.get()
    await tasks.close()
    assert "a callback for changes of 'it' failed: RuntimeError" in caplog.text
    assert "canary" not in caplog.text


async def test_what_ends_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    room, tasks = Room(), Tasks()
    room.driver.fail_next(Denied("not you"))
    handle = watching(room, print, tasks)
    with pytest.raises(Denied):
        await handle.begun()
    assert isinstance(handle.error, Denied)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "the watch of 'it' has ended: Denied: not you")
    ]
    await tasks.close()


# -- through the front door


async def test_what_is_watched_is_checked_at_once() -> None:
    with remote(MemorySecrets()) as cloud:
        async with cloud:
            with pytest.raises(Invalid, match="nothing to watch"):
                cloud.secrets.watch()
            with pytest.raises(Invalid):
                cloud.secrets.watch("not//a name")
            with pytest.raises(Invalid):
                cloud.secrets.watch(prefix="not//a name")
            for every in (0, -1, float("nan"), float("inf")):
                with pytest.raises(Invalid, match="above 0"):
                    cloud.secrets.watch("a", every=every)


async def test_names_are_those_of_the_scope() -> None:
    driver = MemorySecrets()
    with remote(driver, scope="acme/web/") as cloud, remote(driver) as all_of_it:
        async with (
            cloud,
            all_of_it,
            cloud.secrets.watch("a", prefix="", every=0.001) as inside,
            all_of_it.secrets.watch(prefix="acme", every=0.001) as outside,
        ):
            await cloud.secrets.put("a", "one")
            await cloud.secrets.put("db/b", "one")
            await all_of_it.secrets.put("acme/other", "one")
            assert {(await anext(inside)).name for _ in range(2)} == {"a", "db/b"}
            assert {(await anext(outside)).name for _ in range(3)} == {
                "acme/web/a",
                "acme/web/db/b",
                "acme/other",
            }


async def test_the_cache_answers_no_look_and_learns_from_it() -> None:
    driver = MemorySecrets()
    with remote(driver) as cloud:
        async with cloud:
            await cloud.secrets.put("a", "one")
            await cloud.secrets.get("a")
            async with cloud.secrets.watch("a", every=0.001) as watch:
                await driver.update("a", SecretValue("two"), Attributes())
                assert (await cloud.secrets.get("a")).value.text() == "one"  # cached
                assert (await anext(watch)).version == "2"
                assert (await cloud.secrets.get("a")).value.text() == "two"


async def test_a_callback_ends_with_the_cloud() -> None:
    told = asyncio.Queue[Change]()
    with remote(MemorySecrets()) as cloud:
        async with cloud:
            handle = cloud.secrets.on_change("a", told.put_nowait, every=0.001)
            await handle.begun()
            await cloud.secrets.put("a", "one")
            assert (await told.get()).kind == "created"
    assert (handle.error, stray()) == (None, set())


@pytest.mark.parametrize("values", [True, False])
@pytest.mark.parametrize("there", [True, False])
async def test_with_the_primary_away_a_replica_is_not_believed(
    tmp_path: Path, values: bool, there: bool
) -> None:
    primary, spare = MemorySecrets(), MemorySecrets()
    share("watch-primary", primary)
    share("watch-spare", spare)
    config = tmp_path / "skykeep.yaml"
    config.write_text(
        "production:\n  primary: {backend: memory, store: watch-primary}\n"
        "  failover: [{backend: memory, store: watch-spare}]\n  retry: {attempts: 1}\n"
    )
    try:
        async with skykeep.open(
            config=config, environ={"SKYKEEP_HOME": str(tmp_path)}
        ) as cloud:
            await primary.create("p/a", SecretValue("new"), Attributes())
            if there:
                await spare.create("p/a", SecretValue("old"), Attributes())
            surveys = [
                Survey(cloud.secrets._source(), ["p/a"], values=values),
                Survey(cloud.secrets._source(), [], "p", values=values),
            ]
            for survey in surveys:
                assert (await survey.look()) == Looked([], {})
            primary.fail_next(Unavailable("down"), times=1000)
            of_names, of_prefix = [await survey.look() for survey in surveys]
            assert not of_names.changes
            assert not of_prefix.changes
            assert [type(error) for error in of_names.failures.values()] == [Unavailable]
            # A replica's listing is none, either.
            assert [*of_names.failures, *of_prefix.failures] == ["p/a", ""]
    finally:
        share("watch-primary", None)
        share("watch-spare", None)
