"""Objects through the door for callers without an event loop."""

from __future__ import annotations

import inspect
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, assert_type

import pytest

import skykeep
from skykeep.blocking import BlockingCloud, LoopThread, blocking
from skykeep.blocking.objects import BlockingDownload, BlockingObjectListing, BlockingObjects
from skykeep.errors import Conflict, Invalid, NotFound, Unavailable
from skykeep.interfaces import object_writing
from skykeep.interfaces.object_driver import LifecycleRule, ObjectInfo
from skykeep.interfaces.objects import Object, Objects

LARGE = 20 * 1024 * 1024  # three parts


@pytest.fixture
def cloud() -> Iterator[BlockingCloud]:
    with skykeep.open_blocking(backend="memory", environ={}) as opened:
        yield opened


def test_every_method_of_the_asynchronous_door_is_there() -> None:
    for name, method in inspect.getmembers(Objects, inspect.isfunction):
        if name.startswith("_"):
            continue
        ours = inspect.getattr_static(BlockingObjects, name)
        if isinstance(ours, blocking):
            assert inspect.iscoroutinefunction(method)
            assert ours.__doc__ == method.__doc__
        else:
            kept = inspect.signature(method).parameters
            assert {
                key: (found.kind, found.default)
                for key, found in inspect.signature(ours).parameters.items()
            } == {key: (wanted.kind, wanted.default) for key, wanted in kept.items()}


def test_the_types_are_exact(cloud: BlockingCloud) -> None:
    objects = assert_type(cloud.objects, BlockingObjects)
    assert_type(objects.put("a", b"body"), ObjectInfo)
    assert_type(objects.get("a"), Object)
    assert_type(objects.exists("a"), bool)
    assert_type(objects.stream("a"), BlockingDownload)
    assert_type(objects.list(), BlockingObjectListing)
    assert_type(objects.collect(), int)


def test_a_script_keeps_reads_lists_and_removes(cloud: BlockingCloud) -> None:
    objects = cloud.objects
    assert objects is cloud.objects
    for number in range(5):
        objects.put(f"reports/{number}", b"x" * number, metadata={"n": str(number)})
    assert objects.get("reports/3", start=1).data == b"xx"
    assert objects.head("reports/4").metadata == {"n": "4"}
    assert [info.size for info in objects.list("reports", page_size=2)] == [0, 1, 2, 3, 4]
    listing = objects.list(delimiter=True, page_size=1)
    page = listing.next_page()
    assert page is not None
    assert list(page.prefixes) == list(listing.prefixes) == ["reports"]
    assert listing.next_page() is None
    first = objects.list("reports", page_size=2)
    first.next_page()
    assert first.cursor is not None
    rest = objects.list("reports", cursor=first.cursor)
    assert [info.key for info in rest] == [f"reports/{n}" for n in (2, 3, 4)]
    objects.copy("reports/1", "reports/9")
    assert objects.delete_many(["reports/0", "reports/9"]) == {}
    with pytest.raises(Conflict):
        objects.put("reports/1", b"", if_absent=True)
    objects.set_lifecycle([LifecycleRule(prefix="reports", expire_after_days=1)])
    assert [rule.prefix for rule in objects.lifecycle()] == ["reports"]
    objects.delete("reports/1")
    with pytest.raises(NotFound):
        objects.get("reports/1")


def chunks() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


async def asynchronous() -> AsyncIterator[bytes]:
    yield b"one "
    yield b"two"


class Reader:
    """Reads like a file, and is none."""

    def __init__(self) -> None:
        self.left = [b"one ", b"two"]

    def read(self, size: int, /) -> bytes:
        return self.left.pop(0) if self.left else b""


@pytest.mark.parametrize(
    "body",
    [
        b"one two",
        bytearray(b"one two"),
        memoryview(b"one two"),
        chunks,
        asynchronous,
        Reader,
        lambda: io.BytesIO(b"one two"),
        lambda: [b"one ", b"", b"two"],
    ],
    ids=["bytes", "bytearray", "memoryview", "generator", "async", "reader", "file", "list"],
)
def test_what_a_body_may_be(cloud: BlockingCloud, body: Any) -> None:
    cloud.objects.put("a", body() if callable(body) else body)
    assert cloud.objects.get("a").data == b"one two"


def test_a_path_and_an_open_file(cloud: BlockingCloud, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"line\n" * 1_000_000)
    cloud.objects.put("path", path)
    with path.open("rb") as file:
        cloud.objects.put("file", file)
        assert not file.closed
    for key in ("path", "file"):
        assert cloud.objects.get(key).data == path.read_bytes()


@pytest.mark.parametrize("body", ["text", 7, ["text"], io.StringIO("text")])
def test_what_is_no_body(cloud: BlockingCloud, body: Any) -> None:
    with pytest.raises(Invalid, match="bytes"):
        cloud.objects.put("a", body)
    assert not cloud.objects.exists("a")


def test_an_iterator_is_asked_in_the_callers_thread(cloud: BlockingCloud) -> None:
    seen: set[int] = set()

    def body() -> Iterator[bytes]:
        for _ in range(3):
            seen.add(threading.get_ident())
            yield b"x" * LARGE

    info = cloud.objects.put("a", body())
    assert info.size == 3 * LARGE
    assert seen == {threading.get_ident()}


def test_what_the_iterator_raises_is_raised_and_no_part_stays(cloud: BlockingCloud) -> None:
    def body() -> Iterator[bytes]:
        yield b"x" * LARGE
        raise LookupError("of the generator")

    with pytest.raises(LookupError, match="of the generator"):
        cloud.objects.put("a", body())
    assert not cloud.objects.exists("a")
    assert uploads(cloud) == 0


def test_an_interrupt_in_the_iterator_ends_the_upload_first(cloud: BlockingCloud) -> None:
    begun: list[int] = []

    def body() -> Iterator[bytes]:
        yield b"x" * LARGE
        begun.append(uploads(cloud))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cloud.objects.put("a", body())
    assert begun == [1]
    assert uploads(cloud) == 0


def uploads(cloud: BlockingCloud) -> int:
    """How many uploads are under way."""

    async def count() -> int:
        driver = await cloud._cloud._home_of("objects").target.driver("objects")
        return len(await driver.uploads(""))

    return cloud._thread.run(count())


def test_a_stream_is_an_iterator_and_a_context_manager(cloud: BlockingCloud) -> None:
    body = os.urandom(LARGE)
    cloud.objects.put("a", body)
    with cloud.objects.stream("a", start=5) as stream:
        assert stream.info.size == LARGE
        assert b"".join(stream) == body[5:]
        assert stream.position == LARGE
    stream = cloud.objects.stream("a", length=3)
    assert list(stream) == [body[:3]]
    with cloud.objects.stream("a", range_bytes=1024) as stream:
        assert next(stream) == body[:1024]
    assert list(stream) == []  # it was ended
    with pytest.raises(NotFound), cloud.objects.stream("none"):
        pass


def test_progress_is_told(cloud: BlockingCloud) -> None:
    told: list[tuple[int, int | None]] = []
    cloud.objects.put("a", b"x" * LARGE, progress=lambda *at: told.append(at))
    assert told[-1] == (LARGE, LARGE)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_what_progress_raises_ends_the_upload(cloud: BlockingCloud) -> None:
    def progress(done: int, total: int | None) -> None:
        raise LookupError("of the callback")

    with pytest.raises(LookupError, match="of the callback"):
        cloud.objects.put("a", b"x" * LARGE, progress=progress)
    assert uploads(cloud) == 0


def test_a_call_that_is_interrupted_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had begun is undone when the interrupt is raised."""
    thread, undone = LoopThread(), []

    async def work() -> None:
        import asyncio

        try:
            os.kill(os.getpid(), signal.SIGALRM)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            undone.append(True)

    def on_alarm(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, on_alarm)
    try:
        with pytest.raises(KeyboardInterrupt):
            thread.run(work())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert undone == [True]
    thread.stop()


def test_closing_while_a_body_is_given(cloud: BlockingCloud) -> None:
    def body() -> Iterator[bytes]:
        yield b"x" * LARGE
        threading.Thread(target=cloud.close).start()
        while True:
            yield b"x"

    with pytest.raises(Unavailable, match="closed"):
        cloud.objects.put("a", body())


def test_ctrl_c_leaves_no_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own, over the directory of objects, with a real signal."""
    program = textwrap.dedent(
        """
        import sys
        import skykeep

        def body():
            yield b"x" * (20 * 1024 * 1024)
            print("sent", flush=True)
            while True:
                yield b"x" * 65536

        with skykeep.open_blocking(backend="local") as cloud:
            cloud.objects.put("a", body())
        """
    )
    monkeypatch.setenv("SKYKEEP_HOME", str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"sent\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.splitlines()[-1] == b"KeyboardInterrupt"
    files = [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    assert [path for path in files if path.parent.name != "locks"] == []


def test_secrets_alone_import_nothing_of_objects() -> None:
    program = (
        "import skykeep, sys\n"
        "with skykeep.open_blocking(backend='memory', environ={}) as cloud:\n"
        "    cloud.secrets.put('a', 'b')\n"
        "print(sorted(m for m in sys.modules if 'object' in m and 'skykeep' in m))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"[]\n"


def test_parts_are_as_large_as_this_file_thinks() -> None:
    assert 2 * object_writing.PART < LARGE < 3 * object_writing.PART
