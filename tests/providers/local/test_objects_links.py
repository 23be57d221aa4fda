"""Links, pipes and devices in a directory of objects: nothing outside of it is ever touched."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from skykeep.errors import Conflict, Denied, NotFound, SkykeepError
from skykeep.interfaces.object_driver import ObjectDriver
from tests.providers.local.objects_dirs import keys, opened

pytestmark = pytest.mark.asyncio


async def every(driver: ObjectDriver, key: str, kind: type[SkykeepError]) -> None:
    """Everything that can be done with the key is refused so."""
    upload = await driver.begin_upload(key)
    part = await driver.write_part(key, upload, 1, b"planted")
    for work in (
        driver.head(key),
        driver.read(key),
        driver.tags(key),
        driver.copy(key, "copy"),
        driver.copy("ours", key),
        driver.write(key, b"planted"),
        driver.complete_upload(key, upload, [part]),
        driver.delete(key),
    ):
        with pytest.raises(kind):
            await work
    await driver.abort_upload(key, upload)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "victim").write_bytes(b"untouched")
    (place / "empty").mkdir()
    return place


def check_untouched(outside: Path) -> None:
    assert (outside / "victim").read_bytes() == b"untouched"
    assert sorted(path.name for path in outside.iterdir()) == ["empty", "victim"]
    assert list((outside / "empty").iterdir()) == []


async def test_links_are_not_followed(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "o"
    async with opened(root) as driver:
        await driver.write("ours", b"ours")
        await driver.write("in/deep/ours", b"ours")
        (root / "file").symlink_to(outside / "victim")
        (root / "inner").symlink_to("ours")
        (root / "nowhere").symlink_to("nothing")
        (root / "in" / "directory").symlink_to(outside)
        (root / "loop").symlink_to("loop")
        (root / "up").symlink_to("..")
        for key in (
            "file",
            "inner",
            "nowhere",
            "loop",
            "in/directory/victim",
            "in/directory/new",
            "in/directory/empty/new",
            "up/outside/victim",
            "in/directory",
        ):
            await every(driver, key, Denied)
        assert await keys(driver) == ["in/deep/ours", "ours"]
        for prefix in ("in/directory", "up", "up/outside"):
            with pytest.raises(Denied, match="symbolic link"):
                await driver.list(prefix, cursor=None, limit=10)
        page = await driver.list("in", cursor=None, limit=10, delimiter=True)
        assert (page.prefixes, page.items) == (["in/deep"], [])
    check_untouched(outside)
    assert (root / "file").is_symlink()


async def test_pipes_and_sockets_are_not_opened(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await driver.write("ours", b"ours")
        os.mkfifo(tmp_path / "pipe")
        with socket.socket(socket.AF_UNIX) as server:
            before = Path.cwd()
            os.chdir(tmp_path)  # the name of a socket is short
            try:
                server.bind("socket")
            finally:
                os.chdir(before)
        for key in ("pipe", "socket"):
            await every(driver, key, Denied)
        with pytest.raises(NotFound):
            await driver.read("pipe/in")
        with pytest.raises(Conflict):
            await driver.write("pipe/in", b"planted")
        assert await keys(driver) == ["ours"]


@pytest.mark.parametrize("room", ["", "tmp", "locks", "about", "uploads"])
async def test_our_own_rooms_are_not_links(tmp_path: Path, outside: Path, room: str) -> None:
    root = tmp_path / "o"
    async with opened(root) as driver:
        upload = await driver.begin_upload("a")
        part = await driver.write_part("a", upload, 1, b"planted")
        (root / ".skykeep" / room).rename(tmp_path / "moved")
        (root / ".skykeep" / room).symlink_to(outside)
        works = {
            "write": driver.write("a", b"planted"),
            "begin": driver.begin_upload("a"),
            "part": driver.write_part("a", upload, 1, b"planted"),
            "complete": driver.complete_upload("a", upload, [part]),
        }
        through = {
            "tmp": {"write", "begin", "complete"},
            "locks": {"write", "complete"},
            "about": {"write", "complete"},
            "uploads": {"begin", "part", "complete"},
        }
        for name, work in works.items():
            if name in through.get(room, works):
                with pytest.raises(Denied):
                    await work
            else:
                await work
    check_untouched(outside)


async def test_a_file_where_our_own_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / ".skykeep").write_bytes(b"")
    (tmp_path / "theirs").write_bytes(b"")
    async with opened(tmp_path) as driver:
        for work in (driver.write("a", b""), driver.read("theirs"), driver.delete("theirs")):
            with pytest.raises(Denied, match="no directory"):
                await work


async def test_hard_links_are_files(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "o"
    root.mkdir()
    (root / "linked").hardlink_to(outside / "victim")
    async with opened(root) as driver:
        assert (await driver.read("linked")).data == b"untouched"
        await driver.write("linked", b"a new file under the name")
        upload = await driver.begin_upload("linked")
        part = await driver.write_part("linked", upload, 1, b"and again")
        await driver.complete_upload("linked", upload, [part])
        await driver.copy("linked", "linked")
        await driver.delete("linked")
    check_untouched(outside)


@contextmanager
def swapping(place: Path, real: Path, link: Path) -> Iterator[None]:
    """A place that is a directory and a link to another, in turn, as fast as can be."""
    ending = threading.Event()

    def swap() -> None:
        while not ending.is_set():
            for what in (link, real):
                with suppress(OSError):
                    place.rename(what.with_name(f"{what.name}-away"))
                with suppress(OSError):
                    what.rename(place)
                for each in (link, real):
                    with suppress(OSError):
                        each.with_name(f"{each.name}-away").rename(each)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


async def test_a_directory_that_is_swapped_for_a_link(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "o"
    (root / "place").mkdir(parents=True)
    (root / "place" / "victim").write_bytes(b"ours")
    (tmp_path / "link").symlink_to(outside)
    read = refused = 0
    async with opened(root) as driver:
        with swapping(root / "place", tmp_path / "real", tmp_path / "link"):
            for number in range(6000):
                if number >= 300 and read:
                    break  # on a busy machine the swapper may have all the turns for a while
                works = [
                    driver.read("place/victim"),
                    driver.write(f"place/new{number % 5}", b"planted"),
                    driver.delete(f"place/new{number % 3}"),
                    driver.delete("place/empty"),
                ]
                for answer in await asyncio.gather(*works, return_exceptions=True):
                    if isinstance(answer, Denied):
                        refused += 1
                    elif isinstance(answer, BaseException):
                        assert isinstance(answer, SkykeepError), answer
                    elif answer is not None and hasattr(answer, "data"):
                        assert answer.data == b"ours"
                        read += 1
    check_untouched(outside)
    assert read


async def test_a_file_that_is_swapped_for_a_link(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "o"
    root.mkdir()
    (root / "file").write_bytes(b"ours")
    (tmp_path / "link").symlink_to(outside / "victim")
    read = 0
    async with opened(root) as driver:
        with swapping(root / "file", tmp_path / "real", tmp_path / "link"):
            for number in range(6000):
                if number >= 600 and read:
                    break
                try:
                    assert (await driver.read("file")).data == b"ours"
                    read += 1
                except (Denied, NotFound):
                    pass
    check_untouched(outside)
    assert read
