"""What is put comes back by its id, from one call."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skykeep.archive import ids
from skykeep.archive.records import MAX_RESULT
from skykeep.errors import Conflict, Corrupt, Denied, Invalid, NotFound, SkykeepError
from tests.archive.kit import NOON, kit, listed

pytestmark = pytest.mark.asyncio

WAYS = pytest.mark.parametrize(
    "how",
    [{}, {"compress": "zstd"}, {"batch": 3}, {"batch": 3, "compress": "zstd"}],
    ids=["plain", "zstd", "batch", "batch-zstd"],
)
CANARY = "canary-2f81"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abé\n\"'"), inner),
)


@dataclasses.dataclass
class Scan:
    verdict: str
    score: float
    at: datetime | None = None


@WAYS
async def test_results_come_back(how: dict[str, Any]) -> None:
    async with kit(**how) as made, made.archive() as archive:
        kept = [await archive.put({"number": n, "text": "é\n" * n}) for n in range(7)]
        await archive.flush()
        made.driver.calls.clear()
        for number, id_ in enumerate(kept):
            assert (await archive.get(id_))["number"] == number
        assert made.driver.calls == {"read": 7}, "one call each"
        assert len(set(kept)) == 7


@given(st.lists(JSON, max_size=5), st.integers(1, 3), st.booleans())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_json_comes_back(results: list[Any], batch: int, packed: bool) -> None:
    compress = "zstd" if packed else "none"
    async with kit(batch=batch, compress=compress) as made, made.archive() as archive:
        kept = [await archive.put(result) for result in results]
        await archive.flush()
        assert [await archive.get(id_) for id_ in kept] == results
        found = [(entry.id, result) async for entry, result in archive.find()]
        assert sorted(found, key=str) == sorted(zip(kept, results, strict=True), key=str)


async def test_the_key_has_the_seeds_shape() -> None:
    async with kit() as made, made.archive() as archive:
        id_ = await archive.put({"a": 1})
        assert await made.keys() == [f"scan-results/2026/11/22/{id_}.json"]
        stored = await made.cloud.objects.get(f"scan-results/2026/11/22/{id_}.json")
        assert stored.data == b'{"a":1}'
        assert stored.info.content_type == "application/json"


@pytest.mark.parametrize("prefix", ["", "results/", "results-", "a/b-"])
async def test_a_prefix_is_what_stands_before_the_year(prefix: str) -> None:
    async with kit(prefix) as made, made.archive() as archive:
        await made.cloud.objects.put(f"{prefix}2026x/11/22/x.json", b"")
        await made.cloud.objects.put("resultsx/2026/11/22/x.json", b"")
        id_ = await archive.put(1)
        assert f"{prefix}2026/11/22/{id_}.json" in await made.keys()
        assert await archive.get(id_) == 1
        assert await listed(archive) == [id_]
        made.now += timedelta(days=2)
        assert (await archive.expire(date(2026, 11, 23))).objects == 1
        assert len(await made.keys()) == 2


async def test_a_batch_can_be_read_with_any_tool() -> None:
    async with kit(batch=2) as made, made.archive() as archive:
        kept = [await archive.put({"n": n}) for n in range(2)]
        await archive.flush()
        (key,) = await made.keys()
        assert key == f"scan-results/2026/11/22/{kept[0][:26]}.jsonl"
        lines = (await made.cloud.objects.get(key)).data.decode().splitlines()
        assert [msgspec.json.decode(line) for line in lines] == [
            {"id": id_, "at": "2026-11-22T12:00:00Z", "result": {"n": n}}
            for n, id_ in enumerate(kept)
        ]


async def test_days_are_those_of_utc() -> None:
    async with kit() as made, made.archive() as archive:
        made.now = datetime(2026, 11, 23, 1, tzinfo=timezone(timedelta(hours=3)))
        id_ = await archive.put(1)
        assert await made.keys() == [f"scan-results/2026/11/22/{id_}.json"]
        assert await archive.get(id_) == 1


async def test_a_batch_ends_with_its_day() -> None:
    async with kit(batch=10) as made, made.archive() as archive:
        made.now = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
        before = await archive.put("before")
        made.now += timedelta(seconds=2)
        after = await archive.put("after")
        await archive.flush()
        assert await made.keys() == [
            f"scan-results/2026/11/22/{before[:26]}.jsonl",
            f"scan-results/2026/11/23/{after[:26]}.jsonl",
        ]
        assert [await archive.get(before), await archive.get(after)] == ["before", "after"]


async def test_results_are_read_as_the_type_that_is_asked_for() -> None:
    async with kit() as made, made.archive() as archive:
        id_ = await archive.put(Scan("unsafe", 0.9, NOON))
        assert await archive.get(id_, Scan) == Scan("unsafe", 0.9, NOON)
        with pytest.raises(Invalid, match="is no int"):
            await archive.get(id_, int)


async def test_json_is_taken_as_it_is_and_checked() -> None:
    async with kit(batch=2) as made, made.archive() as archive:
        id_ = await archive.put(msgspec.Raw(b'{\n  "a": [1,\r\n 2]\n}'))
        await archive.flush()
        assert await archive.get(id_) == {"a": [1, 2]}
        with pytest.raises(Invalid):
            await archive.put(msgspec.Raw(b'{"a": '))


@pytest.mark.parametrize("what", [object(), {"a": object()}, {(1, 2): 1}, "\ud800"])
async def test_what_json_cannot_say_is_refused(what: object) -> None:
    async with kit() as made, made.archive() as archive:
        with pytest.raises(Invalid) as caught:
            await archive.put([CANARY, what])
        with pytest.raises(Invalid):
            archive.offer([CANARY, what])
        assert CANARY not in str(caught.value)
        assert caught.value.__cause__ is None
        assert await made.keys() == []


@pytest.mark.parametrize("how", [{}, {"batch": 2}, {"compress": "zstd", "batch": 2}])
async def test_the_largest_result(how: dict[str, Any]) -> None:
    async with kit(**how) as made, made.archive() as archive:
        id_ = await archive.put("x" * (MAX_RESULT - 2))
        await archive.flush()
        assert len(await archive.get(id_)) == MAX_RESULT - 2
        with pytest.raises(Invalid, match="16,777,216"):
            await archive.put("x" * (MAX_RESULT - 1))


# -- what is not there


@WAYS
async def test_an_id_that_nobody_gave_is_not_found(how: dict[str, Any]) -> None:
    async with kit(**how) as made, made.archive() as archive:
        id_ = [await archive.put("somebody else's") for _ in range(3)][-1]
        await archive.flush()
        wanted = ids.parse(id_)
        others = [str(ids.ResultId(ids.new_object(NOON), wanted.packed, wanted.place))]
        if place := wanted.place:
            # Who knows an id of a batch knows where the others are, not their ids.
            guesses = (
                ids.Place(place.start, place.size, ids.token()),
                ids.Place(place.start - place.size, place.size, place.token),
                ids.Place(ids.MAX_PLACE - 1, 10, place.token),
                ids.Place(place.start, 0, place.token),
            )
            others += [
                str(ids.ResultId(wanted.object, wanted.packed, each)) for each in guesses
            ]
        for other in others:
            with pytest.raises(NotFound, match=other):
                await archive.get(other)


async def test_only_what_is_not_there_is_not_found() -> None:
    async with kit() as made, made.archive() as archive:
        id_ = await archive.put(1)
        made.driver.fail_next(Denied, operation="read")
        with pytest.raises(Denied):
            await archive.get(id_)
        made.driver.fail_next(Denied, operation="read")
        with pytest.raises(Denied):
            await archive.get("6f1c2b8e-0000-4000-8000-000000000000", within_days=3)


@pytest.mark.parametrize("how", [{}, {"batch": 2}])
async def test_damage_is_corrupt(how: dict[str, Any]) -> None:
    async with kit(**how) as made, made.archive() as archive:
        id_ = await archive.put({"text": CANARY})
        await archive.flush()
        (key,) = await made.keys()
        await made.cloud.objects.put(key, b"x" * 200)
        with pytest.raises(Corrupt, match=id_) as caught:
            await archive.get(id_)
        assert CANARY not in str(caught.value)
        if how:
            with pytest.raises(Corrupt, match="line 1"):
                await listed(archive)


async def test_an_object_that_is_too_large_is_not_read_whole() -> None:
    async with kit() as made, made.archive() as archive:
        id_ = await archive.put(1)
        (key,) = await made.keys()
        await made.cloud.objects.put(key, bytes(40 * 1024 * 1024))
        with pytest.raises(Corrupt, match="more than"):
            await archive.get(id_)


# -- ids of others


async def test_a_uuid_is_found_on_its_day_or_within_days() -> None:
    uuid = "6f1c2b8e-1d3b-4a5c-9e7f-0123456789ab"
    async with kit() as made, made.archive() as archive:
        await made.cloud.objects.put(f"scan-results/2026/11/02/{uuid}.json", b'{"a": 1}')
        assert await archive.get(uuid, day=date(2026, 11, 2)) == {"a": 1}
        with pytest.raises(NotFound):
            await archive.get(uuid, day=date(2026, 11, 3))
        made.driver.calls.clear()
        assert await archive.get(uuid.upper(), within_days=21) == {"a": 1}
        assert made.driver.calls["read"] == 21, "20 days back, and none before"
        with pytest.raises(NotFound):
            await archive.get(uuid, within_days=20)
        with pytest.raises(Invalid, match="which day"):
            await archive.get(uuid)
        for wrong in (0, 367):
            with pytest.raises(Invalid, match="within_days"):
                await archive.get(uuid, within_days=wrong)
        entries = [entry async for entry in archive.list(day=date(2026, 11, 2))]
        assert [(entry.id, entry.size) for entry in entries] == [(uuid, 8)]


async def test_an_id_is_never_given_to_another_result(monkeypatch: pytest.MonkeyPatch) -> None:
    async with kit() as made, made.archive() as archive:
        monkeypatch.setattr("skykeep.archive.ids.secrets.randbits", lambda bits: 7)
        id_ = await archive.put("first")
        for other in ("second", "first"):
            with pytest.raises(Conflict):
                await archive.put(other)
        assert await archive.get(id_) == "first"


async def test_a_closed_archive_takes_nothing() -> None:
    async with kit() as made:
        async with made.archive() as archive:
            id_ = await archive.put(1)
        with pytest.raises(SkykeepError, match="closed"):
            await archive.put(2)
        with pytest.raises(SkykeepError, match="closed"):
            archive.offer(2)
        assert await archive.get(id_) == 1
