"""What does not match is never handed out: manifests, files, pointers, pins."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from skykeep.errors import Corrupt, Invalid, SkykeepError, Unsupported
from skykeep.models import manifest as manifests
from skykeep.models.manifest import MAX_FILES, MAX_MANIFEST_BYTES, ModelFile, digest, parse
from skykeep.models.pulling import Model
from tests.models.rig import Rig, flipped

pytestmark = pytest.mark.asyncio

Change = Callable[[dict[str, Any]], object]


async def pushed(rig: Rig) -> None:
    rig.file("m/a.bin", b"a" * 100)
    rig.file("m/b.bin", b"b" * 100)
    await rig.models().push("m", "1", rig.home / "files" / "m")


def path_is(path: str) -> Change:
    return lambda found: found["files"][0].update(path=path)


def set_to(**values: Any) -> Change:
    return lambda found: found.update(values)


FILE = {"path": "a", "bytes": 1, "sha256": "0" * 64}
TAMPERED: dict[str, Change] = {
    "up": path_is("../a.bin"),
    "up in the middle": path_is("a/../../../x"),
    "absolute": path_is("/etc/passwd"),
    "of windows": path_is("a\\b"),
    "a drive": path_is("C:a"),
    "empty segment": path_is("a//b"),
    "a dot": path_is("./a"),
    "a null byte": path_is("a\0b"),
    "no path": path_is(""),
    "twice": path_is("b.bin"),
    "twice, where case is folded": path_is("B.bin"),
    "below a file": lambda found: found["files"][1].update(path="a.bin/x"),
    "not in order": lambda found: found["files"].reverse(),
    "no files": set_to(files=[]),
    "too many files": set_to(files=[{**FILE, "path": f"{n:06}"} for n in range(MAX_FILES + 1)]),
    "less than nothing": lambda found: found["files"][0].update(bytes=-1),
    "no digest": lambda found: found["files"][0].update(sha256="0"),
    "a digest in capitals": lambda found: found["files"][0].update(sha256="A" * 64),
    "another model's": set_to(name="other"),
    "another version's": set_to(version="2"),
    "two files that are one": set_to(kind="file"),
    "a kind that there is not": set_to(kind="link"),
    "a key that there is not": set_to(run="me"),
    "no time": set_to(created="yesterday"),
    "a time without a zone": set_to(created="2026-11-22T10:00:00"),
    "format 0": set_to(format=0),
    "much metadata": set_to(metadata={"a": "b" * 70_000}),
}


@pytest.mark.parametrize("how", TAMPERED)
async def test_a_manifest_that_was_tampered_with_is_never_loaded(rig: Rig, how: str) -> None:
    await pushed(rig)

    def change(body: bytes) -> bytes:
        found = json.loads(body)
        TAMPERED[how](found)
        return json.dumps(found).encode()

    rig.change("m/1/manifest.json", change)
    rig.driver.calls.clear()
    models = rig.models()
    for work in (
        lambda: models.pull("m", "1"),
        lambda: models.pull("m"),
        lambda: models.verify("m", "1"),
        lambda: models.promote("m", "1"),
    ):
        with pytest.raises(Corrupt):
            await work()
    assert rig.driver.calls["read"] == 5  # a pointer and four manifests: no file
    assert rig.room("trees") == rig.room("blobs") == rig.room("parts") == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", Corrupt),
        (b"not json", Corrupt),
        (b"\xff\xfe", Corrupt),
        (b"[" * 100_000, Corrupt),
        (b" " * (MAX_MANIFEST_BYTES + 1), Corrupt),
        (b'{"format": "1"}', Corrupt),
        (b'{"format": 2, "anything": true}', Unsupported),
    ],
)
async def test_what_is_no_manifest(rig: Rig, body: bytes, error: type[SkykeepError]) -> None:
    with pytest.raises(error):
        parse(body, "m", "1")
    await pushed(rig)
    rig.change("m/1/manifest.json", lambda _: body)
    with pytest.raises(error):
        await rig.models().pull("m", "1")


async def test_the_largest_manifest_can_be_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    files = tuple(ModelFile(f"{n:05}", 1, "0" * 64) for n in range(MAX_FILES))
    whole = parse(
        json.dumps(
            {
                "format": 1, "name": "m", "version": "1", "kind": "directory",
                "created": "2026-11-22T10:00:00Z", "metadata": {},
                "files": [{"path": f.path, "bytes": f.size, "sha256": f.sha256} for f in files],
            }
        ).encode(),
        "m", "1",
    )  # fmt: skip
    body = manifests.encode(whole)
    assert parse(body, "m", "1") == whole
    monkeypatch.setattr(manifests, "MAX_MANIFEST_BYTES", len(body) - 1)
    with pytest.raises(Invalid, match="at most"):
        manifests.encode(whole)


async def test_another_manifest_than_the_pointer_says(rig: Rig) -> None:
    await pushed(rig)
    rig.change("m/1/manifest.json", lambda body: body + b" ")
    models = rig.models()
    with pytest.raises(Corrupt, match="not what was pinned"):
        await models.pull("m")
    with pytest.raises(Corrupt, match="not the one that was made the latest"):
        await models.verify("m")
    assert (await models.fetch("m", "1")).downloaded == 200  # nobody has said another digest


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"format":1,"version":"../x"}'])
async def test_a_pointer_that_makes_no_sense(rig: Rig, body: bytes) -> None:
    await pushed(rig)
    rig.change("latest.json", lambda _: body)
    with pytest.raises(Corrupt, match="does not say which version"):
        await rig.models().pull("m")
    assert (await rig.models().fetch("m", "1")).version == "1"


@pytest.mark.parametrize(
    "change", [flipped, lambda data: data[:-1], lambda data: data + b"x", lambda _: b""]
)
async def test_a_file_that_is_another_in_the_store(
    rig: Rig, change: Callable[[bytes], bytes]
) -> None:
    await pushed(rig)
    rig.change("b.bin", change)
    models = rig.models()
    with pytest.raises(Corrupt, match="is not what the manifest says"):
        await models.pull("m")
    assert rig.room("trees") == []
    with pytest.raises(Corrupt, match=r"'b\.bin' is another one in the store"):
        await models.verify("m", deep=True)


async def test_verify_compares_the_hashes_that_a_store_tells(rig: Rig) -> None:
    await pushed(rig)
    models = rig.models()
    before = await models.verify("m")
    assert (before.read, before.cached) == (0, False)
    key = rig.change("b.bin", flipped)
    with pytest.raises(Corrupt, match="is another one in the store"):
        await models.verify("m")
    del rig.driver.store.kept[key]
    with pytest.raises(Corrupt, match="is not in the store"):
        await models.verify("m")


async def test_a_pin_holds_with_a_cold_and_a_warm_cache(rig: Rig) -> None:
    await pushed(rig)
    models = rig.models()
    pin = digest(rig.driver.store.kept["models/m/1/manifest.json"].data)
    for _ in range(2):
        for version in ("1", None):
            with pytest.raises(Corrupt, match="is not what was pinned"):
                await models.pull("m", version, sha256="0" * 64)
            found: Model = await models.fetch("m", version, sha256=pin)
            assert found.digest == pin
    with pytest.raises(Invalid, match="64 lower-case"):
        await models.pull("m", sha256="A" * 64)


async def test_a_version_that_is_removed_and_pushed_again_is_not_what_was_pinned(
    rig: Rig,
) -> None:
    models = rig.models()
    first = await models.push("m", "1", rig.file("m.bin", b"a"))
    await models.remove("m")
    await models.push("m", "1", rig.file("m.bin", b"b"))
    with pytest.raises(Corrupt, match="it was removed and pushed again, or tampered with"):
        await models.pull("m", "1", sha256=first.digest)
    assert await models.load("m", "1") == b"b"
