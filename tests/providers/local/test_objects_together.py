"""Readers beside writers, cancelled callers, locks that others hold, forks, threads."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

import skykeep
from skykeep.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from skykeep.interfaces.object_driver import Condition, ObjectAttributes
from skykeep.providers.local.objects import layout, locks, reading
from skykeep.providers.local.objects.about import place_of
from tests.providers.local.objects_dirs import check_tidy, keys, opened
from tests.repo.tree import ROOT, unmeasured

pytestmark = pytest.mark.asyncio


async def test_readers_see_one_body_with_what_belongs_to_it(tmp_path: Path) -> None:
    ended = False

    async def write() -> None:
        nonlocal ended
        async with opened(tmp_path) as driver:
            for number in range(150):
                attributes = ObjectAttributes(
                    metadata={"number": str(number)}, tags={"n": str(number)}
                )
                await driver.write("a", b"%d" % number * (1 + number % 900), attributes)
                if number % 10 == 9:
                    await driver.delete("a")
        ended = True

    async def read() -> int:
        seen = 0
        async with opened(tmp_path) as driver:
            while not ended:
                try:
                    fragment = await driver.read("a")
                    info = await driver.head("a")
                except NotFound:
                    continue
                number = int(fragment.info.metadata["number"])  # never without
                assert fragment.data == b"%d" % number * (1 + number % 900)
                assert fragment.info.size == len(fragment.data)
                assert int(info.metadata["number"]) >= number
                seen += 1
        return seen

    await asyncio.gather(write(), *(read() for _ in range(3)))
    check_tidy(tmp_path)


async def test_a_file_that_is_written_in_place_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = layout.read_range, 3

    def racing(descriptor: int, start: int, length: int) -> bytes:
        nonlocal left
        data = real(descriptor, start, length)
        if left > 0:
            left -= 1
            with (tmp_path / "log").open("ab") as file:
                file.write(b"more")
        return data

    monkeypatch.setattr(reading, "read_range", racing)
    (tmp_path / "log").write_bytes(b"log")
    async with opened(tmp_path) as driver:
        assert (await driver.read("log")).data == b"log" + b"more" * 3
        left = 1000
        with pytest.raises(Conflict, match="changed faster"):
            await driver.read("log")
        left = 1
        before = await driver.head("log")
        with pytest.raises(Conflict):
            await driver.read("log", if_match=before.etag)


async def test_a_directory_is_removed_and_made_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as two:
        for number in range(150):
            await one.write("deep/er/old", b"")
            await asyncio.gather(
                one.delete("deep/er/old"), two.write(f"deep/er/new{number % 3}", b"x")
            )
            assert await keys(two, "deep") == [f"deep/er/new{number % 3}"]
            await asyncio.gather(
                *(one.delete(f"deep/er/new{n}") for n in range(3)), two.write("deep/x", b"")
            )
            await one.delete("deep/x")
        assert os.listdir(tmp_path) == [".skykeep"]  # noqa: PTH208  (names only)
    check_tidy(tmp_path)


async def test_a_key_and_one_within_it_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as two:
        for _ in range(60):
            ended = await asyncio.gather(
                one.write("a", b""), two.write("a/b", b""), return_exceptions=True
            )
            found = await keys(one)
            assert len(found) == 1
            lost = [each for each in ended if isinstance(each, BaseException)]
            assert all(isinstance(each, Conflict) for each in lost)
            assert len(lost) == 1
            await one.delete(found[0])
    check_tidy(tmp_path)


class Gate:
    """Holds the next sync of a thread until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        real = os.fsync

        def slow(descriptor: int) -> None:
            if not self.reached.is_set():
                self.reached.set()
                assert self.opened.wait(60)
            real(descriptor)

        monkeypatch.setattr(os, "fsync", slow)

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, 60)


async def test_a_cancelled_write_ends_as_a_whole_and_close_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as driver:
        await driver.write("a", b"before")
        gate = Gate(monkeypatch)
        writing = asyncio.create_task(driver.write("a", b"cancelled"))
        await gate.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert (await driver.read("a")).data == b"before"
        closing = asyncio.create_task(driver.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        gate.opened.set()
        await closing
    assert (tmp_path / "a").read_bytes() == b"cancelled"
    check_tidy(tmp_path)


async def test_writes_cancelled_at_any_moment(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        for number in range(100):
            task = asyncio.create_task(driver.write(f"k/{number % 7}", b"%d" % number * 100))
            for _ in range(number % 5):
                await asyncio.sleep(0.0003)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for key in await keys(driver):
            data = (await driver.read(key)).data
            assert data == data[: len(data) // 100] * 100
    check_tidy(tmp_path)


async def test_a_lock_that_is_never_let_go_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.05)
    async with opened(tmp_path) as driver:
        await driver.write("a", b"before")
        lock = tmp_path / f".skykeep/locks/{place_of('a').shard:02x}"
        with lock.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for work in (driver.write("a", b"x"), driver.delete("a"), driver.copy("a", "a")):
                with pytest.raises(Unavailable, match="nothing was written") as caught:
                    await work
                assert not caught.value.sent  # it may be tried again
            assert (await driver.read("a")).data == b"before"
        await driver.write("a", b"after")
    check_tidy(tmp_path)


async def test_threads_of_one_process_lose_no_update(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await driver.write("counter", b"0")

        async def add() -> None:
            while True:
                there = await driver.read("counter")
                data = b"%d" % (int(there.data) + 1)
                try:
                    await driver.write("counter", data, condition=Condition(there.info.etag))
                except Conflict:
                    continue
                return

        await asyncio.gather(*(add() for _ in range(40)))
        assert (await driver.read("counter")).data == b"40"
    check_tidy(tmp_path)


FORKING = """
import asyncio, os, sys, threading
from pathlib import Path
from skykeep.providers.local.objects.driver import LocalObjects

driver = LocalObjects(Path(sys.argv[1]))
reached, go_on = threading.Event(), threading.Event()
real = os.rename

def slow(*arguments, **named):  # holds the lock of "a"
    if not reached.is_set():
        reached.set()
        go_on.wait()
    return real(*arguments, **named)

async def in_child():
    await driver.write("b", b"of the child")
    assert (await driver.read("b")).data == b"of the child"
    await driver.close()

async def in_parent():
    await driver.write("a", b"before")
    os.rename = slow
    writing = asyncio.create_task(driver.write("a", b"of the parent"))
    await asyncio.to_thread(reached.wait)
    pid = os.fork()
    if pid:
        go_on.set()
        await writing
        status = (await asyncio.to_thread(os.waitpid, pid, 0))[1]
        assert status == 0, status
        await driver.close()
    return pid

loop = asyncio.new_event_loop()
try:
    pid = loop.run_until_complete(in_parent())
    if not pid:
        asyncio._set_running_loop(None)
        os.rename = real
        driver.after_fork()
        assert not driver._locks._held
        asyncio.new_event_loop().run_until_complete(in_child())
        os._exit(0)
except BaseException:
    import traceback
    traceback.print_exc()
    os._exit(1)
"""


async def test_a_fork_in_the_middle_of_a_write(tmp_path: Path) -> None:
    ended = subprocess.run(  # noqa: ASYNC221  (nothing else runs on this loop)
        [sys.executable, "-W", "ignore", "-c", FORKING, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "a").read_bytes() == b"of the parent"
    assert (tmp_path / "b").read_bytes() == b"of the child"
    check_tidy(tmp_path)


async def test_an_application_needs_no_vault_for_objects(tmp_path: Path) -> None:
    body = os.urandom(20 * 1024 * 1024)

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 1_000_000):
            yield body[at : at + 1_000_000]

    async with skykeep.open(environ={"SKYKEEP_HOME": str(tmp_path)}) as cloud:
        info = await cloud.objects.put("models/large", chunks(), metadata={"a": "b"})
        assert info.size == len(body)
        assert (await cloud.objects.get("models/large", if_match=info.etag)).data == body
        await cloud.objects.put("models/small", b"once", if_absent=True)
        with pytest.raises(Conflict):
            await cloud.objects.put("models/small", b"twice", if_absent=True)
        await cloud.objects.copy("models/large", "copy")
        assert [each.key async for each in cloud.objects.list("models")] == [
            "models/large",
            "models/small",
        ]
        assert await cloud.objects.delete_many(["models/large", "models/small", "none"]) == {}
        assert (await cloud.objects.head("copy")).metadata == {"a": "b"}
        assert await cloud.objects.collect(older_than=timedelta(0)) == 0
    assert sorted(os.listdir(tmp_path)) == ["objects"]  # noqa: PTH208  (names only)
    check_tidy(tmp_path / "objects")


async def test_many_deletes_tell_of_each_that_failed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    async with opened(tmp_path) as driver:
        names = [f"{n % 9}/{n}" for n in range(100)]
        for name in names:
            await driver.write(name, b"")
        errors = await driver.delete_many([*names, "link", ".skykeep/tmp", "absent"])
        assert {key: type(error) for key, error in errors.items()} == {
            "link": Denied,
            ".skykeep/tmp": Invalid,
        }
        assert await keys(driver) == []
    check_tidy(tmp_path)


async def test_secrets_alone_import_nothing_of_objects() -> None:
    program = (
        "import sys, skykeep\n"
        "from skykeep import registry\n"
        "provider = registry.provider('local')\n"
        "registry.load(provider.drivers['secrets'])\n"
        "registry.settings_type('local')\n"
        "print([name for name in sys.modules if 'object' in name and 'skykeep' in name])\n"
        "print('skykeep.providers.local.secrets' in sys.modules)\n"
    )
    found = subprocess.run(  # noqa: ASYNC221  (nothing else runs on this loop)
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=unmeasured(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\nTrue\n"
