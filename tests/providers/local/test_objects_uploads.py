"""Parts: in place or in files of their own, sent again, late, by several, left by the dead."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import Conflict, Invalid, NotFound
from skykeep.interfaces.object_driver import Condition, ObjectAttributes, ObjectDriver
from skykeep.providers.local.objects import digests, layout, uploads
from tests.providers.local.objects_dirs import check_tidy, keys, left_over, opened

pytestmark = pytest.mark.asyncio


async def put(
    driver: ObjectDriver, key: str, parts: dict[int, bytes], order: list[int]
) -> None:
    upload = await driver.begin_upload(key)
    tokens: dict[int, str] = {}
    for number in order:
        tokens[number] = await driver.write_part(key, upload, number, parts[number])
    wanted = sorted(parts)
    info = await driver.complete_upload(key, upload, [tokens[number] for number in wanted])
    body = b"".join(parts[number] for number in wanted)
    assert info.size == len(body)
    told = info.checksums.get("sha256")
    assert told in {None, sha256(body).hexdigest()}
    assert told is not None or wanted != list(range(1, len(wanted) + 1))
    assert (await driver.read(key)).data == body


async def test_parts_of_any_lengths_in_any_order(tmp_path: Path) -> None:
    dice = random.Random(3)
    async with opened(tmp_path) as driver:
        for turn in range(60):
            numbers = sorted(dice.sample(range(1, 12), dice.randrange(1, 8)))
            lengths = dice.choice(([7], [7, 7, 7, 3], [1, 2, 3, 4, 5], [9, 4, 4, 8]))
            parts = {n: dice.randbytes(dice.choice(lengths)) for n in numbers}
            order = dice.choices(numbers, k=3) + dice.sample(numbers, len(numbers))
            await put(driver, f"{turn % 5}/key", parts, order)
    check_tidy(tmp_path)


async def test_regular_parts_are_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[int] = []
    real = layout.copy_range

    def watched(source: int, to: int, length: int, **named: Any) -> int:
        copied.append(length)
        return real(source, to, length, **named)

    monkeypatch.setattr(uploads, "copy_range", watched)
    async with opened(tmp_path) as driver:
        parts = dict.fromkeys(range(1, 9), b"r" * 1000) | {9: b"last"}
        await put(driver, "a", parts, [3, 1, 2, 5, 4, 9, 8, 7, 6])
        assert copied == [4]
        await put(driver, "b", dict.fromkeys(range(1, 4), b"r" * 10), [1, 2, 3])
        assert copied == [4]
        await put(driver, "c", dict.fromkeys((1, 3), b"r" * 10), [1, 3])
        assert copied == [4, 10, 10]
    check_tidy(tmp_path)


async def test_a_condition_that_fails_leaves_the_upload_as_it_was(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        there = await driver.write("a", b"there")
        upload = await driver.begin_upload("a", ObjectAttributes("text/plain"))
        tokens = [await driver.write_part("a", upload, n, b"regular!") for n in (1, 2, 3)]
        tokens.append(await driver.write_part("a", upload, 4, b"end"))
        wrong = (tokens, tokens[:2], tokens[1:])
        for some in wrong:
            with pytest.raises(Conflict):
                await driver.complete_upload("a", upload, some, Condition(if_absent=True))
        tokens.append(await driver.write_part("a", upload, 5, b"regular!"))
        await driver.complete_upload("a", upload, tokens, Condition(there.etag))
        assert (await driver.read("a")).data == b"regular!" * 3 + b"endregular!"
    check_tidy(tmp_path)


async def test_tokens_that_are_not_of_this_upload(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        upload = await driver.begin_upload("a")
        first = await driver.write_part("a", upload, 1, b"first")
        second = await driver.write_part("a", upload, 1, b"again")
        for tokens in (
            [first],
            ["1"],
            ["x-1-2"],
            [""],
            ["9" * 20],
            [second[:-1]],
            ["\u0661-5-x"],
        ):
            with pytest.raises(Invalid, match="was not written"):
                await driver.complete_upload("a", upload, tokens)
        assert await driver.write_part("a", upload, 1, b"again") == second
        for wrong in ("", "..", "../tmp", upload.upper() + "x", "0" * 32, upload[:-1] + "/"):
            with pytest.raises(NotFound):
                await driver.write_part("a", wrong, 1, b"")
            await driver.abort_upload("a", wrong)
        await driver.complete_upload("a", upload, [second])
        assert (await driver.read("a")).data == b"again"
    check_tidy(tmp_path)


async def test_digests_are_right_or_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = sha256(b"onetwo").hexdigest()
    async with opened(tmp_path) as driver, opened(tmp_path) as another:

        async def told(*sent: tuple[ObjectDriver, int, bytes]) -> str | None:
            upload = await driver.begin_upload("a")
            tokens: dict[int, str] = {}
            for who, number, data in sent:
                tokens[number] = await who.write_part("a", upload, number, data)
            kept = [tokens[number] for number in sorted(tokens)]
            info = await driver.complete_upload("a", upload, kept)
            assert (await driver.head("a")).checksums == info.checksums
            return info.checksums.get("sha256")

        assert await told((driver, 2, b"two"), (driver, 1, b"one")) == right
        assert (
            await told((driver, 1, b"one"), (driver, 1, b"one"), (driver, 2, b"two")) == right
        )
        assert await told((driver, 1, b"two"), (driver, 1, b"one"), (driver, 2, b"two")) is None
        assert await told((driver, 1, b"one"), (another, 2, b"two")) is None
        assert await told((driver, 1, b"one"), (driver, 3, b"two")) is None
        monkeypatch.setattr(digests, "AHEAD", 2)
        assert await told((driver, 2, b"two"), (driver, 1, b"one")) is None
        monkeypatch.setattr(digests, "UPLOADS", 1)
        first = await driver.begin_upload("b")
        await driver.begin_upload("c")
        part = await driver.write_part("b", first, 1, b"one")
        assert (await driver.complete_upload("b", first, [part])).checksums == {}
        assert len(driver._uploads._digests._running) == 1


async def test_a_part_that_is_still_written_when_the_upload_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its caller was cancelled, and sent it again.
    reached, go_on = threading.Event(), threading.Event()
    real = layout.write_all

    def slow(descriptor: int, data: bytes, at: int = 0) -> None:
        if data == b"late":
            reached.set()
            assert go_on.wait(60)
        real(descriptor, data, at)

    monkeypatch.setattr(uploads, "write_all", slow)
    async with opened(tmp_path) as driver:
        for end in (True, False):
            reached.clear()
            go_on.clear()
            upload = await driver.begin_upload("a")
            token = await driver.write_part("a", upload, 1, b"kept")
            late = asyncio.create_task(driver.write_part("a", upload, 2, b"late"))
            assert await asyncio.to_thread(reached.wait, 60)
            late.cancel()
            ending = asyncio.create_task(
                driver.complete_upload("a", upload, [token])
                if end
                else driver.abort_upload("a", upload)
            )
            await asyncio.sleep(0.05)
            assert not ending.done()
            go_on.set()
            await ending
            assert (await driver.read("a")).data == b"kept"
            with pytest.raises(NotFound):
                await driver.write_part("a", upload, 3, b"more")
    check_tidy(tmp_path)


async def test_many_parts_and_many_completions_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as two:
        for _ in range(10):
            upload = await one.begin_upload("a")
            tokens = await asyncio.gather(
                *(
                    (one, two)[n % 2].write_part("a", upload, n, b"%03d" % n)
                    for n in range(1, 9)
                )
            )
            ended = await asyncio.gather(
                *(each.complete_upload("a", upload, tokens) for each in (one, two, one)),
                return_exceptions=True,
            )
            assert sum(not isinstance(each, BaseException) for each in ended) == 1
            assert sum(isinstance(each, NotFound) for each in ended) == 2
            assert (await two.read("a")).data == b"".join(b"%03d" % n for n in range(1, 9))
    check_tidy(tmp_path)


async def test_uploads_begun_while_others_sweep(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as two:
        await one.write("a", b"")
        begun, *_ = await asyncio.gather(
            asyncio.gather(*(one.begin_upload(f"k/{n}") for n in range(100))),
            *(two.uploads("") for _ in range(100)),
        )
        found = await two.uploads("k")
        assert {each.id for each in found} == set(begun)
        assert found == sorted(found, key=lambda each: (str(each.begun_at), each.id))
        for each in found:
            await one.abort_upload(each.key, each.id)
    check_tidy(tmp_path)


async def test_what_the_dead_left_goes_and_what_lives_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        upload = await driver.begin_upload("alive")
        await driver.write_part("alive", upload, 1, b"part")
        (tmp_path / ".skykeep/tmp/0123").write_bytes(b"whose writer was killed")
        dead = tmp_path / ".skykeep/uploads" / ("0" * 32)
        dead.mkdir()
        (dead / "body").write_bytes(b"half removed")
        (dead / "lock").write_bytes(b"")
    async with opened(tmp_path) as driver:
        await driver.write("a", b"the first write sweeps")
        assert left_over(tmp_path) == [f"uploads/{upload}"]
        assert [each.id for each in await driver.uploads("")] == [upload]
        assert await keys(driver) == ["a"]
        assert [each.key for each in await driver.uploads("alive")] == []  # under it, not it
        await driver.abort_upload("alive", upload)
    check_tidy(tmp_path)


async def test_a_draft_that_is_being_written_is_not_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    real = os.fsync

    def slow(descriptor: int) -> None:
        if not reached.is_set():
            reached.set()
            assert go_on.wait(60)
        real(descriptor)

    async with opened(tmp_path) as one, opened(tmp_path) as two:
        await one.write("a", b"before")
        monkeypatch.setattr(os, "fsync", slow)
        writing = asyncio.create_task(one.write("a", b"slow"))
        assert await asyncio.to_thread(reached.wait, 60)
        await two.uploads("")
        await two.write("b", b"")
        go_on.set()
        await writing
        assert (await two.read("a")).data == b"slow"
    check_tidy(tmp_path)
