"""Versions in a store: what a push makes, what is the latest, what goes."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from skykeep.errors import Conflict, Invalid, NotFound, Unavailable
from skykeep.models import pushing
from skykeep.models.layout import Layout, check_model, check_version
from skykeep.models.pushing import Pushed
from skykeep.models.store import ModelStore
from tests.models.rig import LARGE, Rig

pytestmark = pytest.mark.asyncio


async def push(rig: Rig, models: ModelStore, version: str, data: bytes = b"weights") -> Pushed:
    return await models.push("toxicity", version, rig.file("toxicity.onnx", data))


async def test_a_file_comes_back_under_its_name(rig: Rig) -> None:
    models = rig.models()
    pushed = await models.push(
        "toxicity", "1", rig.file("t.onnx", b"weights"), metadata={"trained": "2026-11"}
    )
    sha256 = hashlib.sha256(b"weights").hexdigest()
    assert rig.stored() == [
        f"models/toxicity/1/{sha256}/t.onnx",
        "models/toxicity/1/manifest.json",
        "models/toxicity/latest.json",
    ]
    model = await models.fetch("toxicity")
    assert (model.path.name, model.path.read_bytes()) == ("t.onnx", b"weights")
    assert (model.version, model.digest) == ("1", pushed.digest)
    assert (model.metadata, model.size, model.downloaded) == ({"trained": "2026-11"}, 7, 7)
    assert (model.vouched, model.stale) == ("manifest", False)
    assert await models.load("toxicity") == b"weights"


async def test_a_directory_comes_back_as_it_was(rig: Rig) -> None:
    files = {"model.onnx": b"w" * 9, "tokenizer/vocab.txt": b"a b", "tokenizer/empty": b""}
    for name, data in files.items():
        rig.file(f"m/{name}", data)
    models = rig.models()
    await models.push("org/m", "1.0+cpu", rig.home / "files" / "m")
    path = await models.pull("org/m", "1.0+cpu")
    found = {
        at.relative_to(path).as_posix(): at.read_bytes()
        for at in path.rglob("*")
        if at.is_file()
    }
    assert found == files
    with pytest.raises(Invalid, match="is a directory"):
        await models.load("org/m")


async def test_a_large_file_goes_and_comes_in_parts(rig: Rig) -> None:
    data = bytes(range(256)) * (LARGE // 256 + 1)
    models = rig.models()
    told: list[tuple[int, int]] = []
    path = rig.file("large.onnx", data)
    await models.push("large", "1", path, progress=lambda *at: told.append(at))
    assert told[-1] == (len(data), len(data))
    told.clear()
    got = await models.fetch("large", progress=lambda *at: told.append(at))
    assert got.path.read_bytes() == data
    assert told[-1] == (len(data), len(data))
    assert len(told) == 3


async def test_the_same_content_again_makes_nothing(rig: Rig) -> None:
    models = rig.models()
    first = await push(rig, models, "1")
    kept = {key: kept.info.etag for key, kept in rig.driver.store.kept.items()}
    again = await push(rig, models, "1")
    assert (again.made, again.latest, again.digest) == (False, True, first.digest)
    assert {key: kept.info.etag for key, kept in rig.driver.store.kept.items()} == kept


async def test_other_content_is_a_conflict_and_replaces_nothing(rig: Rig) -> None:
    models = rig.models()
    await push(rig, models, "1")
    keys = rig.stored()
    with pytest.raises(Conflict, match="a version never changes"):
        await push(rig, models, "1", b"others")
    with pytest.raises(Conflict):
        await models.push(
            "toxicity", "1", rig.file("toxicity.onnx", b"weights"), metadata={"a": "b"}
        )
    assert rig.stored() == keys
    assert await models.load("toxicity") == b"weights"


async def test_of_two_pushes_at_once_one_wins_whole(rig: Rig) -> None:
    models = rig.models()
    paths = [rig.file(f"{n}/m.onnx", bytes([n]) * 50) for n in range(6)]
    done = await asyncio.gather(
        *(models.push("m", "1", path) for path in paths), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["Conflict"] * 5 + ["Pushed"]
    winner = next(n for n, each in enumerate(done) if isinstance(each, Pushed))
    assert await models.load("m") == bytes([winner]) * 50
    assert (await models.verify("m", deep=True)).read == 50


async def test_a_push_that_broke_off_shows_nothing_and_is_continued(rig: Rig) -> None:
    for n in range(5):
        rig.file(f"m/{n}", bytes([n]) * 10)
    models = rig.models()
    await models.push("other", "1", rig.file("o", b"o"))
    rig.driver.calls.clear()

    def after(done: int, _: int) -> None:
        if done >= 30:
            rig.driver.fail_next(Unavailable, times=100, operation="write")

    with pytest.raises(Unavailable):
        await models.push("m", "1", rig.home / "files" / "m", progress=after)
    assert [info.name for info in await models.list()] == ["other"]
    with pytest.raises(NotFound):
        await models.pull("m", "1")
    rig.driver.clear_faults()
    there = len([key for key in rig.stored() if key.startswith("models/m/1/")])
    assert 0 < there < 5
    rig.driver.calls.clear()
    await models.push("m", "1", rig.home / "files" / "m")
    assert rig.driver.calls["write"] == 5 - there + 2  # the manifest and the pointer
    assert (await models.fetch("m")).downloaded == 50


async def test_a_file_that_changes_while_it_is_sent_is_no_version(rig: Rig) -> None:
    path = rig.file("m.onnx", b"a" * LARGE)

    def change(done: int, _: int) -> None:
        with path.open("r+b") as file:
            file.seek(LARGE - 1)
            file.write(b"b")

    with pytest.raises(Invalid, match="was changed while it was sent"):
        await rig.models().push("m", "1", path, progress=change)
    assert rig.stored() == []
    assert rig.driver.store.begun == {}


async def test_an_answer_that_is_lost_is_no_conflict(rig: Rig) -> None:
    objects_with_retries = rig.over(rig.driver)
    models = rig.models(objects=objects_with_retries)
    for at in range(6):
        rig.driver.clear_faults()
        rig.driver.fail_next(Unavailable, operation="write", applied=True)
        try:
            pushed = await push(rig, models, str(at), bytes([at]))
        except Unavailable:  # without retries below it is the caller who tries again
            pushed = await push(rig, models, str(at), bytes([at]))
        assert pushed.latest
        assert await models.load("toxicity", str(at)) == bytes([at])


async def test_the_latest_is_what_was_pushed_last(rig: Rig) -> None:
    models = rig.models()
    for version in ("1", "2", "3"):
        assert (await push(rig, models, version, version.encode())).latest
    assert not (await push(rig, models, "2", b"2")).latest  # a job that is run again
    assert await models.load("toxicity") == b"3"
    assert await models.promote("toxicity", "1", expects="3") == "3"
    assert await models.load("toxicity") == b"1"
    assert not (await push(rig, models, "3", b"3")).latest  # nor does that undo a step back
    with pytest.raises(Conflict, match="is 1, not '3'"):
        await models.promote("toxicity", "2", expects="3")
    with pytest.raises(NotFound):
        await models.promote("toxicity", "9")
    path = rig.file("toxicity.onnx", b"4")
    assert not (await models.push("toxicity", "4", path, latest=False)).latest
    assert [(v.manifest.version, v.latest) for v in await models.versions("toxicity")] == [
        ("4", False), ("3", False), ("2", False), ("1", True),
    ]  # fmt: skip


async def test_a_push_from_a_clock_that_is_behind_is_the_latest_all_the_same(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = rig.models()
    await push(rig, models, "1")

    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # not of its own class
            return datetime.now(tz) - timedelta(days=1)

    monkeypatch.setattr(pushing, "datetime", Behind)
    assert (await push(rig, models, "2", b"2")).latest
    assert await models.load("toxicity") == b"2"


async def test_a_pointer_that_is_moved_meanwhile_goes_to_the_newest(rig: Rig) -> None:
    models = rig.models()
    await push(rig, models, "0")
    paths = [rig.file(f"{n}/m", bytes([n])) for n in range(8)]
    rig.driver.latency = 0.0001
    done = await asyncio.gather(
        *(models.push("toxicity", f"v{n}", path) for n, path in enumerate(paths))
    )
    newest = max(done, key=lambda pushed: pushed.manifest.created)
    (latest,) = [v for v in await models.versions("toxicity") if v.latest]
    assert latest.manifest.version == newest.manifest.version


async def test_a_killed_push_between_manifest_and_pointer_is_mended_by_the_next(
    rig: Rig,
) -> None:
    models = rig.models()
    await push(rig, models, "1")
    del rig.driver.store.kept["models/toxicity/latest.json"]
    with pytest.raises(NotFound, match="no version of the model 'toxicity' is the latest"):
        await models.pull("toxicity")
    again = await push(rig, models, "1")
    assert (again.made, again.latest) == (False, True)


async def test_what_is_removed_is_gone_from_the_store(rig: Rig) -> None:
    models = rig.models()
    await push(rig, models, "1", b"1")
    await push(rig, models, "2", b"2")
    await models.push("toxicity/small", "1", rig.file("s", b"s"))
    await models.push("toxicity2", "1", rig.file("s", b"s"))
    with pytest.raises(Conflict, match="is the latest version"):
        await models.remove("toxicity", "2")
    await models.pull("toxicity", "1")
    assert (await models.remove("toxicity", "1")).objects == 2
    for again in (models.remove("toxicity", "1"), models.pull("toxicity", "1")):
        with pytest.raises(NotFound):
            await again
    removed = await models.remove("toxicity")
    assert removed.versions == ("2",)
    assert {key.split("/")[1] for key in rig.stored()} == {"toxicity", "toxicity2"}
    assert [info.name for info in await models.list()] == ["toxicity/small", "toxicity2"]
    with pytest.raises(NotFound, match="there is no model 'toxicity'"):
        await models.remove("toxicity")


async def test_what_killed_pushes_left_is_collected_when_it_is_old(rig: Rig) -> None:
    models = rig.models()
    await push(rig, models, "1")
    await push(rig, models, "2", b"2")
    await rig.driver.begin_upload("models/toxicity/3/x")
    del rig.driver.store.kept["models/toxicity/1/manifest.json"]
    assert await models.gc_store() == 0
    assert await models.gc_store(older_than=timedelta(0)) == 2
    assert [key for key in rig.stored() if "/1/" in key] == []
    assert rig.driver.store.begun == {}
    assert (await models.verify("toxicity", deep=True)).manifest.version == "2"


async def test_other_objects_are_left_alone(rig: Rig) -> None:
    models = rig.models(prefix="prod-")
    for key in ("prod-readme.txt", "prod-a/1/notes.txt", "other/1/manifest.json"):
        await rig.objects.put(key, b"x")
    await models.push("a", "1", rig.file("m", b"m"))
    assert [(m.name, m.latest, m.versions, m.bare) for m in await models.list()] == [
        ("a", "1", 1, False)
    ]
    assert await models.load("a") == b"m"
    await models.remove("a")
    await models.gc_store(older_than=timedelta(0))
    assert rig.stored() == ["other/1/manifest.json", "prod-a/1/notes.txt", "prod-readme.txt"]


@pytest.mark.parametrize(
    "name",
    ["", "a//b", "../a", "a/", "a b", "latest", "a/latest.json", "a.onnx", "native:a", "a.",
     "é", "a/" + "0" * 64],
)  # fmt: skip
async def test_names_that_no_model_has(rig: Rig, name: str) -> None:
    with pytest.raises(Invalid):
        check_model(name)
    with pytest.raises(Invalid):
        await rig.models().pull(name)
    assert not rig.driver.calls


@pytest.mark.parametrize(
    "version", ["", ".", "..", "a/b", "latest", "manifest.json", "v.", "é", "a b", "0" * 64]
)
async def test_versions_that_there_are_not(rig: Rig, version: str) -> None:
    with pytest.raises(Invalid):
        check_version(version)
    with pytest.raises(Invalid):
        await rig.models().push("a", version, rig.file("m", b""))
    assert not rig.driver.calls


async def test_keys_tell_what_they_are() -> None:
    layout, sha256 = Layout("models/"), "a1" * 32
    for key, expected in {
        "models/a/b/1/manifest.json": ("a/b", "1", "manifest"),
        f"models/a/b/1/{sha256}/manifest.json": ("a/b", "1", "file"),
        f"models/a/1/{sha256}/{sha256}/x.onnx": ("a", "1", "file"),
        "models/a/latest.json": ("a", None, "latest"),
        "models/a/b.onnx": ("a/b", None, "bare"),
    }.items():
        place = layout.place(key)
        assert place is not None
        assert (place.name, place.version, place.kind) == expected
    for key in ("models/manifest.json", "models/a/manifest.json", f"models/{sha256}/x",
                f"models/a/{sha256}/x", "models/.onnx", "models/a/1/x", "a.onnx"):  # fmt: skip
        assert layout.place(key) is None, key


async def test_what_cannot_be_sent(rig: Rig, tmp_path: Path) -> None:
    models = rig.models()
    linked = rig.file("linked/m", b"m").parent
    (linked / "link").symlink_to(linked / "m")
    empty = tmp_path / "empty"
    empty.mkdir()
    odd = rig.file("odd/a:b", b"").parent
    rig.file("cased/a", b"")
    cased = rig.file("cased/A", b"").parent
    long = rig.file("/".join(["long", *["d" * 200] * 4, "f" * 200]), b"").parents[4]
    for path, reason in {
        linked: "symbolic link", empty: "has no files", tmp_path / "nothing": "cannot be sent",
        odd: "':'", cased: "fold case", long: "too long",
    }.items():  # fmt: skip
        with pytest.raises(Invalid, match=reason):
            await models.push("m", "1", path)
    assert rig.stored() == []
