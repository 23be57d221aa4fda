"""Objects that are encrypted before upload: what a store sees, and what it cannot do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from skykeep.conformance.cases import refused, shows_canary
from skykeep.envelope.sealed_object import (
    CHUNK,
    HEADER_BYTES,
    SEALED_CHUNK,
    ObjectKey,
    is_sealed_object,
    parse_header,
    sealed_size,
)
from skykeep.errors import (
    Conflict,
    Corrupt,
    Invalid,
    KeyFailure,
    NotFound,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces import object_writing
from skykeep.interfaces.object_driver import Fragment, ObjectCapabilities
from skykeep.providers.local.objects.driver import LocalObjects
from skykeep.providers.memory.objects import MemoryObjects
from skykeep.settings.guarding import ReuseSettings
from tests.sealing.places import Places

CANARY = b"canary-4c1d9f07"
KEY = "models/a"


def body_of(length: int) -> bytes:
    """Bytes that differ everywhere, the same each time."""
    return _bytes()[:length]


@lru_cache(maxsize=1)
def _bytes() -> bytes:
    return random.Random(7).randbytes(10 * 1024 * 1024)


def memory(**flags: Any) -> MemoryObjects:
    return MemoryObjects(capabilities=ObjectCapabilities(presign=False, **flags))


@pytest_asyncio.fixture
async def places() -> Places:
    return await Places().made("main", "old", "theirs")


@pytest.fixture
def driver() -> MemoryObjects:
    return memory()


def stored(driver: MemoryObjects, key: str = KEY) -> bytes:
    return driver.store.kept[key].data


async def tamper(driver: MemoryObjects, data: bytes, key: str = KEY) -> None:
    """Put other bytes there, as who can write the store does."""
    await driver.write(key, data)


def contents(directory: Path) -> list[bytes]:
    """Of all files under it."""
    return [path.read_bytes() for path in directory.rglob("*") if path.is_file()]


class Slow(MemoryObjects):
    """Answers with less than was asked for, and keeps what it was asked."""

    most = 10**9

    def __init__(self) -> None:
        super().__init__(capabilities=ObjectCapabilities(presign=False))
        self.asked: list[tuple[int, int | None]] = []

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        self.asked.append((start, length))
        found = await super().read(key, start=start, length=length, if_match=if_match)
        return replace(found, data=found.data[: self.most])


# -- both ways


LENGTHS = (0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK + 17)


@pytest.mark.asyncio
@pytest.mark.parametrize("length", [*LENGTHS, 4 << 20, (4 << 20) + 1, 9_000_000])
async def test_a_body_comes_back_however_it_is_given(
    places: Places, driver: MemoryObjects, tmp_path: Path, length: int
) -> None:
    body = body_of(length)
    path = tmp_path / "body"
    path.write_bytes(body)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, length, 100_001):
            yield body[at : at + 100_001]

    objects = places.objects(driver)
    for given_as in (body, path, pieces()):
        kept = await objects.put(KEY, given_as)
        assert kept.size == length
        assert len(stored(driver)) == sealed_size(length)
        found = await objects.get(KEY)
        assert found.data == body
        assert (found.info.size, (await objects.head(KEY)).size) == (length, length)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(LENGTHS), st.data())
def test_every_range_is_the_slice(length: int, data: st.DataObject) -> None:
    body = body_of(length)
    start = data.draw(st.integers(0, length))
    wanted = data.draw(st.none() | st.integers(0, length + 10))
    step = data.draw(st.sampled_from((1000, CHUNK - 1, CHUNK, CHUNK + 1, 1 << 20)))
    most = data.draw(st.sampled_from((10**9, 50_000)))

    async def read() -> bytes:
        places, driver = await Places().made(), Slow()
        driver.most = most
        objects = places.objects(driver)
        await objects.put(KEY, body)
        parts = []
        async with objects.stream(KEY, start=start, length=wanted, range_bytes=step) as found:
            async for part in found:
                assert part
                parts.append(part)
        return b"".join(parts)

    assert asyncio.run(read()) == body[start : None if wanted is None else start + wanted]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 150_000), max_size=6),
    st.integers(1, 300_000),
    st.integers(1, 300_000),
)
def test_any_split_of_a_body_is_the_same_object(cuts: list[int], part: int, first: int) -> None:
    """Parts of any size, of chunks of any size, put together to what one write gives."""
    pieces = [body_of(cut) for cut in cuts]

    async def write() -> None:
        places = await Places().made()
        sealer = places.bodies
        from skykeep.interfaces.object_sources import source_of

        async def chunks() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        source = await sealer.seal(KEY, source_of(chunks()))
        parts = [await source.next_part(first)]
        while parts[-1]:
            parts.append(await source.next_part(part))
        assert all(len(each) == part for each in parts[1:-2])
        driver = memory()
        await driver.write(KEY, b"".join(parts))
        assert (await places.objects(driver).get(KEY)).data == b"".join(pieces)

    asyncio.run(write())


@pytest.mark.asyncio
async def test_parts_are_ciphertext_and_a_part_that_is_sent_again_is_the_same(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_writing, "PART", 100_000)
    sent: dict[int, set[bytes]] = {}

    class Losing(MemoryObjects):
        async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
            sent.setdefault(number, set()).add(data)
            return await super().write_part(key, upload, number, data)

    driver = Losing(capabilities=ObjectCapabilities(presign=False))
    driver.fail_next(Unavailable("lost"), operation="write_part", applied=True)
    body = (CANARY * 40_000)[:500_000]
    target = places.objects(driver)
    from tests.interfaces.object_sinks import Direct, OneTarget

    target._calls._front = Direct(OneTarget(driver), 3)  # with retries

    await target.put(KEY, body)

    assert [len(each) for each in sent.values()] == [1] * 6
    assert not any(CANARY in part for parts in sent.values() for part in parts)
    assert (await target.get(KEY)).data == body


@pytest.mark.asyncio
async def test_progress_is_told_in_bytes_of_the_body(
    places: Places, driver: MemoryObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_writing, "PART", 100_000)
    told: list[tuple[int, int | None]] = []

    await places.objects(driver).put(
        KEY, body_of(500_000), progress=lambda done, total: told.append((done, total))
    )

    assert told[-1] == (500_000, 500_000)
    assert told == sorted(told)
    assert {total for _, total in told} == {500_000}


@pytest.mark.asyncio
async def test_large_pieces_leave_turns_to_others(
    places: Places, driver: MemoryObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than a MiB is sealed or opened between two turns of the event loop."""
    turns, seen = 0, {"seal_into": set[int](), "open_into": set[int]()}

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def watched(name: str) -> None:
        real = getattr(ObjectKey, name)

        def work(key: ObjectKey, first: int, data: bytes, *more: Any, **named: Any) -> Any:
            assert len(data) <= 16 * SEALED_CHUNK
            if len(data) >= 16 * CHUNK:
                seen[name].add(turns)
            return real(key, first, data, *more, **named)

        monkeypatch.setattr(ObjectKey, name, work)

    watched("seal_into")
    watched("open_into")
    watching = asyncio.create_task(others())
    try:
        await places.objects(driver).put(KEY, body_of(8 << 20))
        await places.objects(driver).get(KEY)
    finally:
        watching.cancel()

    # Each MiB has a turn of its own (the last one may lack a chunk, which was held back).
    assert len(seen["seal_into"]) >= 7
    assert len(seen["open_into"]) == 8


# -- what a store sees


@pytest.mark.asyncio
async def test_a_store_has_only_ciphertext_on_its_disk(places: Places, tmp_path: Path) -> None:
    driver = LocalObjects(tmp_path / "objects")
    try:
        objects = places.objects(driver)
        await objects.put("a/b", CANARY * 1000)
        await objects.put("a/c", CANARY * 1_000_000)
    finally:
        await driver.close()

    files = contents(tmp_path)
    assert sum(map(len, files)) > 15_000_000
    assert not any(CANARY in each for each in files)


@pytest.mark.asyncio
async def test_equal_bodies_do_not_look_equal(places: Places, driver: MemoryObjects) -> None:
    objects = places.objects(driver)
    for key in ("a", "b"):
        await objects.put(key, body_of(CHUNK))
    first, second = stored(driver, "a"), stored(driver, "b")

    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]
    assert parse_header(first).key == parse_header(second).key  # one data key for both


@pytest.mark.asyncio
async def test_listings_tell_the_sizes_of_bodies_and_no_checksums(
    places: Places, driver: MemoryObjects
) -> None:
    objects = places.objects(driver)
    for length in LENGTHS:
        await objects.put(f"a/{length}", body_of(length))

    found = [info async for info in objects.list("a")]

    assert {info.key: info.size for info in found} == {f"a/{n}": n for n in LENGTHS}
    assert not any(info.checksums for info in found)
    assert not (await objects.head("a/1000")).checksums
    assert (await driver.head("a/1000")).checksums  # the store has them, of the ciphertext


@pytest.mark.asyncio
async def test_what_is_kept_beside_a_body_is_as_it_was_given(
    places: Places, driver: MemoryObjects
) -> None:
    objects = places.objects(driver)
    await objects.put(
        KEY, b"x", content_type="text/plain", metadata={"owner": "ops"}, tags={"a": "b"}
    )

    info = await objects.head(KEY)
    assert (info.content_type, dict(info.metadata)) == ("text/plain", {"owner": "ops"})
    assert await objects.tags(KEY) == {"a": "b"}


# -- calls


@pytest.mark.asyncio
async def test_a_batch_costs_one_call_of_the_key_store(
    places: Places, driver: MemoryObjects
) -> None:
    for number in range(50):
        await places.objects(driver).put(f"a/{number}", b"x")
    assert (places.keys.calls["generate"], places.keys.calls["decrypt"]) == (1, 0)
    assert places.keys.store.told == [{"skykeep": "objects"}]

    places.encryption = places.encrypting()
    for number in range(50):
        await places.objects(driver).get(f"a/{number}")
    assert places.keys.calls["decrypt"] == 1


@pytest.mark.asyncio
async def test_the_bytes_of_bodies_of_unknown_size_are_counted(driver: MemoryObjects) -> None:
    places = await Places(reuse=ReuseSettings(max_bytes=1000)).made()

    async def pieces() -> AsyncIterator[bytes]:
        yield bytes(2000)

    for number in range(3):
        await places.objects(driver).put(f"a/{number}", pieces())
    assert places.keys.calls["generate"] == 3
    for number in range(3):
        await places.objects(driver).put(f"b/{number}", bytes(300))
    assert places.keys.calls["generate"] == 4


@pytest.mark.asyncio
async def test_a_range_asks_for_its_chunks_and_the_header_alone(places: Places) -> None:
    driver = Slow()
    objects = places.objects(driver)
    await objects.put(KEY, body_of(10 * CHUNK))

    driver.asked.clear()
    await objects.get(KEY, length=10)
    assert driver.asked == [(0, HEADER_BYTES + SEALED_CHUNK)]

    driver.asked.clear()
    await objects.get(KEY, start=3 * CHUNK + 5, length=CHUNK)
    assert driver.asked == [
        (0, HEADER_BYTES),
        (HEADER_BYTES + 3 * SEALED_CHUNK, 2 * SEALED_CHUNK),
    ]

    driver.asked.clear()
    await objects.get(KEY)
    assert len(driver.asked) == 1


# -- conditions


@pytest.mark.asyncio
async def test_conditions_and_etags_are_the_stores(
    places: Places, driver: MemoryObjects
) -> None:
    objects = places.objects(driver)
    first = await objects.put(KEY, b"one", if_absent=True)
    assert first.etag == (await driver.head(KEY)).etag
    with pytest.raises(Conflict):
        await objects.put(KEY, b"two", if_absent=True)
    await objects.put(KEY, b"two", if_match=first.etag)
    with pytest.raises(Conflict):
        await objects.put(KEY, b"three", if_match=first.etag)
    with pytest.raises(Conflict):
        await objects.get(KEY, if_match=first.etag)
    assert (await objects.get(KEY)).data == b"two"


@pytest.mark.asyncio
async def test_a_conditional_write_whose_answer_is_lost_has_happened(
    places: Places, driver: MemoryObjects
) -> None:
    from tests.interfaces.object_sinks import Direct, OneTarget

    objects = places.objects(driver)
    objects._calls._front = Direct(OneTarget(driver), 3)
    driver.fail_next(Unavailable("lost"), operation="write", applied=True)

    kept = await objects.put(KEY, b"one", if_absent=True)

    assert kept.size == 3
    assert not kept.metadata
    assert (await objects.get(KEY)).data == b"one"


@pytest.mark.asyncio
async def test_an_object_that_is_replaced_while_it_is_read_is_a_conflict(
    places: Places, driver: MemoryObjects
) -> None:
    objects = places.objects(driver)
    await objects.put(KEY, body_of(10 * CHUNK))
    async with objects.stream(KEY, range_bytes=CHUNK) as body:
        await objects.put(KEY, body_of(10 * CHUNK))
        with pytest.raises(Conflict):
            [each async for each in body]


@pytest.mark.asyncio
async def test_a_body_that_changes_while_it_is_sent_is_not_kept(
    places: Places, driver: MemoryObjects, tmp_path: Path
) -> None:
    path = tmp_path / "body"
    path.write_bytes(bytes(1000))
    objects = places.objects(driver)

    sealed = objects._sealing
    assert sealed is not None
    original = sealed.seal

    async def grown(resource: str, source: Any) -> Any:
        path.write_bytes(bytes(1001))
        return await original(resource, source)

    sealed.seal = grown  # type: ignore[method-assign]  # between the look and the reading
    with pytest.raises(Invalid, match="another size"):
        await objects.put(KEY, path)
    assert not driver.store.kept


# -- copies and URLs


@pytest.mark.asyncio
async def test_a_copy_is_sealed_anew_under_its_own_key(
    places: Places, driver: MemoryObjects
) -> None:
    objects = places.objects(driver)
    await objects.put(KEY, body_of(3 * CHUNK), metadata={"owner": "ops"})

    kept = await objects.copy(KEY, "models/b")

    assert (await objects.get("models/b")).data == body_of(3 * CHUNK)
    assert dict(kept.metadata) == {"owner": "ops"}
    await driver.copy(KEY, "models/c")  # as the store copies, or who has access to it
    await refused(Corrupt, objects.get("models/c"))


@pytest.mark.asyncio
async def test_there_are_no_urls_and_the_capabilities_say_so(places: Places) -> None:
    driver = MemoryObjects(capabilities=ObjectCapabilities(max_object_bytes=10_000))
    objects = places.objects(driver)

    with pytest.raises(Unsupported, match="encrypted before upload"):
        await objects.presign(KEY)
    can = await objects.capabilities()
    assert (can.presign, can.copy, can.conditional_copy) == (False, False, False)
    assert can.max_object_bytes == 10_000 - HEADER_BYTES - 16
    await objects.put(KEY, bytes(can.max_object_bytes))
    with pytest.raises(Invalid):
        await objects.put(KEY, bytes(can.max_object_bytes + 1))


# -- what should not be there


@pytest.mark.asyncio
@pytest.mark.parametrize("length", [0, 1, CHUNK, 3 * CHUNK, 3 * CHUNK + 1])
async def test_a_truncated_object_is_corrupt(
    places: Places, driver: MemoryObjects, length: int
) -> None:
    objects = places.objects(driver)
    await objects.put(KEY, body_of(length))
    whole = stored(driver)

    ends = {len(whole) - 1, len(whole) - 16, len(whole) - 17, HEADER_BYTES, HEADER_BYTES + 16}
    ends |= {HEADER_BYTES + n * SEALED_CHUNK for n in range(4)} | {1023, 500, 4, 3, 0}
    for end in sorted(ends):
        if end < len(whole):
            await tamper(driver, whole[:end])
            await refused(Corrupt, objects.get(KEY))


@pytest.mark.asyncio
async def test_reordered_spliced_and_appended_chunks_are_corrupt(
    places: Places, driver: MemoryObjects
) -> None:
    objects = places.objects(driver)
    await objects.put("other", body_of(3 * CHUNK))
    other = stored(driver, "other")
    await objects.put(KEY, body_of(4 * CHUNK))
    before = stored(driver)
    await objects.put(KEY, body_of(3 * CHUNK))
    whole = stored(driver)
    header, chunks = whole[:HEADER_BYTES], whole[HEADER_BYTES:]
    one, two, three = (chunks[n * SEALED_CHUNK : (n + 1) * SEALED_CHUNK] for n in range(3))

    for made in (
        header + two + one + three,
        header + one + three,
        header + one + two + two + three,
        header + one + two + three + three,
        header + one + two + three + bytes(17),
        header + other[HEADER_BYTES:],
        other[:HEADER_BYTES] + chunks,
        other,
        header + before[HEADER_BYTES:],  # an older body under the newer header
        before[:HEADER_BYTES] + chunks,
        whole + whole,
    ):
        await tamper(driver, made)
        await refused(Corrupt, objects.get(KEY))
    await tamper(driver, whole)
    assert (await objects.get(KEY)).data == body_of(3 * CHUNK)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9))
def test_any_flipped_bit_is_corrupt_or_no_key(at: int) -> None:
    async def read() -> None:
        places, driver = await Places().made(), memory()
        objects = places.objects(driver)
        await objects.put(KEY, body_of(2 * CHUNK + 5))
        whole = stored(driver)
        place = at % HEADER_BYTES if at % 2 else at % len(whole)
        bent = whole[:place] + bytes([whole[place] ^ 1 << at % 8]) + whole[place + 1 :]
        await tamper(driver, bent)
        # Of the header, what names the key is looked at before the mac can be.
        kinds = (Corrupt, KeyFailure) if place < 200 else Corrupt
        await refused(kinds, objects.get(KEY))

    asyncio.run(read())


@pytest.mark.asyncio
async def test_a_plain_object_is_refused_with_the_mend(
    places: Places, driver: MemoryObjects
) -> None:
    objects = places.objects(driver)
    for data in (b"", CANARY, CANARY * 100, CANARY * 20_000):
        await tamper(driver, data)
        for start in (0, len(data)):
            error = await refused(Corrupt, objects.get(KEY, start=start))
            assert "plain: read" in error.hint
    await objects.put(KEY, b"sealed")
    assert (await objects.get(KEY)).data == b"sealed"


@pytest.mark.asyncio
@pytest.mark.parametrize("length", [0, 3, 1023, 1040, 2000, CHUNK, CHUNK + 2000, 9_000_000])
async def test_plain_objects_are_read_where_that_is_set(
    driver: MemoryObjects, length: int
) -> None:
    places = await Places(plain="read").made()
    objects = places.objects(driver)
    body = body_of(length)
    await tamper(driver, body)

    assert (await objects.get(KEY)).data == body
    assert (await objects.head(KEY)).size == length
    for start, wanted in ((0, 10), (length // 2, 100), (length, 1), (max(0, length - 5), 99)):
        found = await objects.get(KEY, start=start, length=wanted)
        assert found.data == body[start : start + wanted]
        assert found.info.size == length
    with pytest.raises(Invalid):
        await objects.get(KEY, start=length + 1)
    await objects.put(KEY, body)
    assert is_sealed_object(stored(driver))
    assert (await objects.get(KEY)).data == body
    assert (await objects.head(KEY)).size == length


@pytest.mark.asyncio
async def test_a_range_past_the_end_is_invalid(places: Places, driver: MemoryObjects) -> None:
    objects = places.objects(driver)
    for length in (0, 5, CHUNK, 2 * CHUNK):
        await objects.put(KEY, body_of(length))
        assert (await objects.get(KEY, start=length)).data == b""
        with pytest.raises(Invalid, match=f"{length:,} bytes"):
            await objects.get(KEY, start=length + 1)


# -- keys


@pytest.mark.asyncio
@pytest.mark.parametrize("state", ["disabled", "pending_deletion", "gone"])
async def test_a_key_that_cannot_be_used_is_a_key_failure_that_names_it(
    places: Places, driver: MemoryObjects, state: Any
) -> None:
    await places.objects(driver).put(KEY, b"x")
    places.encryption = places.encrypting()
    if state == "gone":
        del places.keys.store.keys["main"]
    else:
        places.keys.store.keys["main"].state = state

    objects = places.objects(driver)
    for work in (objects.get(KEY), objects.put(KEY, CANARY), objects.put("b", CANARY)):
        error = await refused(KeyFailure, work)
        assert "'main'" in error.message
    assert list(driver.store.kept) == [KEY]
    assert await objects.exists(KEY)


@pytest.mark.asyncio
async def test_a_key_that_the_configuration_does_not_name_opens_nothing(
    places: Places, driver: MemoryObjects
) -> None:
    ours = places.encryption
    places.encryption = places.encrypting(kek="theirs")
    await places.objects(driver).put(KEY, b"x")
    places.encryption = ours
    places.keys.calls.clear()

    error = await refused(KeyFailure, places.objects(driver).get(KEY))
    assert "'theirs'" in str(error)
    assert not places.keys.calls


@pytest.mark.asyncio
async def test_a_data_key_that_does_not_unwrap_is_a_key_failure(
    places: Places, driver: MemoryObjects
) -> None:
    await places.objects(driver).put(KEY, b"x")
    places.encryption = places.encrypting()
    places.keys.store.keys["main"].versions = [bytes(range(32))]  # another key of that name

    error = await refused(KeyFailure, places.objects(driver).get(KEY))
    assert "the data key of this does not open: the key 'main'" in error.message


@pytest.mark.asyncio
async def test_a_header_without_room_is_refused_before_a_byte_is_sent(
    driver: MemoryObjects,
) -> None:
    long = "native:" + "k" * 1000
    places = await Places(kek=long).made(long)

    with pytest.raises(Invalid, match="room"):
        await places.objects(driver).put(KEY, b"x")
    assert not driver.calls


@pytest.mark.asyncio
async def test_a_store_that_is_down_says_so(places: Places, driver: MemoryObjects) -> None:
    objects = places.objects(driver)
    with pytest.raises(NotFound):
        await objects.get(KEY)
    await objects.put(KEY, b"x")
    driver.fail_next(Unavailable("down"), operation="read")
    with pytest.raises(Unavailable):
        await objects.get(KEY)
    assert not shows_canary(repr(driver))
