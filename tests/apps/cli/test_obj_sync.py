"""``skykeep obj sync``: what is the same is left, by digest, and nothing is lost by mistake."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from skykeep.apps.cli.console import Console, Progress
from skykeep.apps.cli.transfers.comparing import Plan, compared
from skykeep.apps.cli.transfers.places import KeyPlace
from skykeep.apps.cli.transfers.sides import Entry, Files, Keys, Side
from skykeep.errors import Invalid, NotFound, SkykeepError
from skykeep.providers.memory.objects import MemoryObjects
from tests.apps.cli.harness import Cli
from tests.apps.cli.obj_home import lines, names, objects
from tests.interfaces.object_sinks import objects_over


class Known(Side):
    """A side of which all is said: name -> size, time, digest."""

    def __init__(self, **entries: tuple[int, float, str | None]) -> None:
        self.place = KeyPlace("known", within=False)
        self.asked: list[str] = []
        self._entries = entries

    async def entries(self, progress: Progress) -> dict[str, Entry]:
        return {
            name: Entry(name, size, modified)
            for name, (size, modified, _) in self._entries.items()
        }

    async def digest(self, entry: Entry) -> str | None:
        self.asked.append(entry.name)
        found = self._entries[entry.name][2]
        if found == "gone":
            raise NotFound("it was removed")
        return found

    async def remove(self, entries: Sequence[Entry]) -> dict[str, SkykeepError]:
        raise NotImplementedError


class KnownFiles(Known, Files):
    """The same, as files."""


class KnownKeys(Known, Keys):
    """The same, as objects."""


def plan(source: Side, target: Side, *, quick: bool = False) -> Plan:
    progress = Progress("compared", Console())
    return asyncio.run(compared(source, target, quick=quick, jobs=4, progress=progress))


def why(source: Side, target: Side, *, quick: bool = False) -> str | None:
    found = plan(source, target, quick=quick)
    return found.changes[0].why if found.changes else None


def test_by_size_then_by_digest() -> None:
    assert why(KnownFiles(a=(1, 0, "x")), KnownKeys(a=(2, 0, "x"))) == "size"
    assert why(KnownFiles(a=(1, 9, "x")), KnownKeys(a=(1, 0, "x"))) is None
    assert why(KnownFiles(a=(1, 0, "x")), KnownKeys(a=(1, 9, "y"))) == "content"
    assert why(KnownKeys(a=(1, 0, "x")), KnownFiles(a=(1, 9, "y"))) == "content"
    assert why(KnownKeys(a=(1, 0, "x")), KnownKeys(a=(1, 9, "y"))) == "content"
    assert why(KnownFiles(a=(1, 0, "x")), KnownKeys()) == "new"


def test_where_nobody_knows_a_digest() -> None:
    """No file is read in vain, and what may differ is copied."""
    files, keys = KnownFiles(a=(1, 5, "x")), KnownKeys(a=(1, 9, None))
    assert why(files, keys) == "unknown"
    assert files.asked == []
    assert why(keys, KnownFiles(a=(1, 9, "x"))) is None  # it has the object's time
    assert why(keys, KnownFiles(a=(1, 20, "x"))) == "unknown"
    assert why(KnownKeys(a=(1, 5, None)), KnownKeys(a=(1, 9, "x"))) is None
    assert why(KnownKeys(a=(1, 9, "x")), KnownKeys(a=(1, 5, None))) == "newer"
    assert why(KnownFiles(a=(1, 5, "x")), KnownKeys(a=(1, 9, "gone"))) == "unknown"


def test_quickly_by_time() -> None:
    files = KnownFiles(a=(1, 5, "x"))
    assert why(files, KnownKeys(a=(1, 9, "y")), quick=True) is None
    assert why(files, KnownKeys(a=(1, 5, "y")), quick=True) is None
    assert why(files, KnownKeys(a=(1, 3, "x")), quick=True) == "newer"
    assert why(files, KnownKeys(a=(2, 9, "x")), quick=True) == "size"
    assert files.asked == []


def test_the_plan_of_many() -> None:
    many = {f"n{number:05}": (1, 0.0, "x") for number in range(2500)}
    source = KnownFiles(**many | {"n00007": (1, 0.0, "y")}, new=(1, 0.0, "x"))
    target = KnownKeys(**many, b=(1, 0, "x"), a=(1, 0, "x"))
    found = plan(source, target)
    assert [(change.entry.name, change.why) for change in found.changes] == [
        ("n00007", "content"),
        ("new", "new"),
    ]
    assert [entry.name for entry in found.extra] == ["a", "b"]
    assert found.same == 2499


@pytest.mark.asyncio
async def test_an_object_whose_key_would_leave_the_directory() -> None:
    """A store may say anything."""
    store = MemoryObjects()
    await store.write("a/b", b"")
    kept = store.store.kept.pop("a/b")
    from dataclasses import replace

    for key in ("a/../../etc/passwd", "a//x", "a/."):
        store.store.kept = {key: replace(kept, info=replace(kept.info, key=key))}
        side = Keys(KeyPlace("a", within=False), objects_over(store)[0])
        with pytest.raises(Invalid, match="cannot be copied"):
            await side.entries(Progress("names", Console()))


def make(folder: str, **files: str) -> None:
    for name, text in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_there_and_back(bare: Cli) -> None:
    make("d", a="1", b="22")
    make("d/deep/er", c="333")
    assert "3 copied (6 bytes), 0 removed, 0 the same" in bare("obj", "sync", "d", ":x").err
    assert "0 copied" in bare("obj", "sync", "d", ":x").err
    bare("obj", "sync", ":x", "back")
    assert Path("back/deep/er/c").read_text() == "333"
    assert "0 copied" in bare("obj", "sync", "back", ":x").err
    bare("obj", "sync", ":x", ":y")
    assert "3 the same" in bare("obj", "sync", ":x", ":y").err
    assert "3 the same" in bare("obj", "sync", "d", ":y").err


def test_a_change_of_the_same_size_and_an_old_time_is_seen(bare: Cli) -> None:
    make("d", a="1")
    bare("obj", "sync", "d", ":x")
    make("d", a="2")
    os.utime("d/a", (1, 1))
    assert "0 copied" in bare("obj", "sync", "d", ":x", "--quick").err
    assert "1 copied" in bare("obj", "sync", "d", ":x").err
    assert bare("obj", "cat", "x/a").text == "2"


def test_objects_of_others_have_no_digest(bare: Cli) -> None:
    objects(bare).joinpath("x").mkdir(parents=True)
    objects(bare).joinpath("x/a").write_text("1")
    bare("obj", "sync", ":x", "d")
    assert "0 copied" in bare("obj", "sync", ":x", "d").err  # the file has its time
    assert "1 copied" in bare("obj", "sync", "d", ":x").err
    assert "0 copied" in bare("obj", "sync", "d", ":x").err  # now it is known


def test_what_is_removed_and_what_is_not(bare: Cli) -> None:
    make("d", a="1", b="2")
    make("d/sub", c="3")
    bare("obj", "sync", "d", ":x")
    Path("d/a").unlink()
    Path("d/sub/c").unlink()
    bare("obj", "sync", "d", ":x")
    assert bare("obj", "ls", "-r").text.split() == ["x/a", "x/b", "x/sub/c"]
    found = lines(bare("obj", "sync", "d", ":x", "--delete", "--dry-run", "--output=json").text)
    assert found == [{"removed": ":x/a"}, {"removed": ":x/sub/c"}]
    bare("obj", "sync", "d", ":x", "--delete", code=2)
    ended = bare("obj", "sync", "d", ":x", "--delete", stdin=b"n\n", terminal=True, code=1)
    assert "Remove 2 objects below ':x' (as 'a') for ever? [y/N]" in ended.err
    assert bare("obj", "ls", "-r").text.split() == ["x/a", "x/b", "x/sub/c"]
    bare("obj", "sync", "d", ":x", "--delete", stdin=b"y\n", terminal=True)
    assert bare("obj", "ls", "-r").text.split() == ["x/b"]
    # The other way: empty directories go, too, but not the one that was named.
    make("d/sub", c="3")
    make("d/other", c="3")
    Path("d/other/link").symlink_to(".")
    bare("obj", "sync", ":x", "d", "--delete", "--yes")
    assert names(Path("d")) == ["b", "other"]
    assert names(Path("d/other")) == ["link"]


def test_nothing_on_one_side_removes_nothing_on_the_other(bare: Cli) -> None:
    make("d", a="1")
    Path("empty").mkdir()
    bare("obj", "sync", "d", ":x")
    assert "has nothing" in bare("obj", "sync", "empty", ":x", "--delete", "--yes", code=13).err
    assert "has nothing" in bare("obj", "sync", ":none", "d", "--delete", "--yes", code=13).err
    bare("obj", "sync", "none", ":x", "--delete", "--yes", code=10)
    assert (bare("obj", "ls", "x").text, names(Path("d"))) == ("x/a\n", ["a"])


def test_a_copy_that_fails_keeps_all_from_being_removed(bare: Cli) -> None:
    make("d", a="1", b="2")
    bare("obj", "sync", "d", ":x")
    Path("d/b").unlink()
    make("d/a2", below="x")
    make("d", new="3")
    bare("obj", "cp", "-", ":x/a2", stdin=b"in the way")
    ended = bare("obj", "sync", "d", ":x", "--delete", "--yes", code=14)
    assert "1 of 2 were not copied; 'd/a2/below'" in ended.err
    assert bare("obj", "ls", "-r").text.split() == ["x/a", "x/a2", "x/b", "x/new"]


def test_what_a_sync_that_broke_off_has_copied_is_left(
    bare: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        make("d", **{f"f{number:02}": str(number)})
    from skykeep.errors import Unavailable
    from skykeep.providers.local.objects.driver import LocalObjects

    write, count = LocalObjects.write, 0

    async def breaking(*args: object, **kwargs: object) -> object:
        nonlocal count
        count += 1
        if count > 5:
            raise Unavailable("the line is dead")
        return await write(*args, **kwargs)  # type: ignore[arg-type]  # as it was given to us

    with monkeypatch.context() as patch:
        patch.setattr(LocalObjects, "write", breaking)
        ended = bare("obj", "sync", "d", ":x", "-j", "1", code=18)
    assert "1 of 20 were not copied; 'd/f05': the line is dead" in ended.err
    assert len(ended.text.splitlines()) == 5
    assert "15 copied (" in bare("obj", "sync", "d", ":x").err
