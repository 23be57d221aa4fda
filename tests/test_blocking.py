"""The door for callers without an event loop."""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import skykeep
from skykeep.blocking import BlockingSecrets, LoopThread, blocking
from skykeep.errors import Invalid, NotFound, Unavailable
from skykeep.interfaces.secrets import Secrets
from skykeep.layers.telemetry import Event
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.model import Environment

ANSWERS_THAT_WAIT = {"hold"}
"""Coroutines whose answer has methods to be waited for, too, and so a class of its own."""


def test_every_method_of_the_asynchronous_door_is_there() -> None:
    for name, method in inspect.getmembers(Secrets, inspect.isfunction):
        if name.startswith("_"):
            continue
        ours = inspect.getattr_static(BlockingSecrets, name)
        if inspect.iscoroutinefunction(method) and name not in ANSWERS_THAT_WAIT:
            assert isinstance(ours, blocking), name
            assert ours.__doc__ == method.__doc__
        else:
            assert inspect.signature(ours).parameters == inspect.signature(method).parameters


def test_a_script_writes_reads_and_lists() -> None:
    events: list[Event] = []
    with skykeep.open_blocking(backend="memory", environ={}) as cloud:
        cloud.connect()
        cloud.listen(events.append)
        for number in range(5):
            cloud.secrets.put(f"db/{number}", f"value {number}")
        assert cloud.secrets.get("db/3").value.text() == "value 3"
        assert sorted(info.name for info in cloud.secrets.list("db", page_size=2)) == [
            f"db/{number}" for number in range(5)
        ]
        listing = cloud.secrets.list(page_size=2)
        assert len(listing.next_page() or ()) == 2
        assert listing.cursor is not None
        cloud.secrets.invalidate("db/3")
        assert list(cloud.secrets.get_many(["db/1", "db/2"])) == ["db/1", "db/2"]
        with pytest.raises(NotFound):
            cloud.secrets.get("gone")
    assert events[-1].error == "NotFound"
    assert "skykeep" not in {thread.name for thread in threading.enumerate()}
    cloud.close()


def test_methods_keep_their_names_and_documentation() -> None:
    with skykeep.open_blocking(backend="memory", environ={}) as cloud:
        assert cloud.secrets.get.__name__ == "get"
        assert cloud.secrets.get.__doc__ == Secrets.get.__doc__


def test_several_threads_share_one_door() -> None:
    with (
        skykeep.open_blocking(backend="memory", environ={}) as cloud,
        ThreadPoolExecutor(8) as threads,
    ):

        def work(number: int) -> str:
            cloud.secrets.put(f"n/{number}", str(number))
            return cloud.secrets.get(f"n/{number}").value.text()

        assert list(threads.map(work, range(200))) == [str(n) for n in range(200)]


@pytest.mark.asyncio
async def test_it_works_where_a_loop_is_running_as_in_a_notebook() -> None:
    with skykeep.open_blocking(backend="memory", environ={}) as cloud:
        cloud.secrets.put("a", "b")
        assert cloud.secrets.get("a").value.text() == "b"


def test_a_call_on_its_own_loop_is_refused_not_hung() -> None:
    thread = LoopThread()

    async def nested() -> None:
        thread.run(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="would never end"):
        thread.run(nested())
    thread.stop()


def test_an_interrupt_cancels_the_work() -> None:
    thread, cancelled = LoopThread(), threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def on_alarm(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            thread.run(work())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert cancelled.wait(10)
    thread.stop()


def test_a_door_that_was_never_used_closes_quietly() -> None:
    skykeep.open_blocking(backend="memory", environ={}).close()


def test_closing_ends_the_calls_of_other_threads() -> None:
    thread, begun = LoopThread(), threading.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(60)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(lambda: thread.run(work()))
        assert begun.wait(10)
        thread.stop()
        with pytest.raises(Unavailable, match="closed"):
            waiting.result(10)


def test_several_targets_are_asked_together_without_a_loop(tmp_path: Path) -> None:
    stores = {name: MemorySettings(backend="memory", store=f"blocking-{name}") for name in "ab"}
    environment = Environment(primary=stores["a"], backups=(stores["b"],))
    cloud = skykeep.Cloud(environment, environ={"SKYKEEP_HOME": str(tmp_path)})
    with skykeep.BlockingCloud(cloud) as door:
        door.secrets.put("db/password", "hunter2")
        assert not door.replication.settle(10)
        assert not door.replication.owed()
        assert not door.replication.conflicts()
        assert not door.replication.reconcile().owed
        assert door.health().status == "ok"
        with door.at("backup") as backup:
            assert backup.secrets.get("db/password").value.text() == "hunter2"
        with pytest.raises(Invalid, match="has no conflict"):
            door.replication.resolve("db/password", keep="backup")
