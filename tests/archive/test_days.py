"""Listing by day, finding by content, and removing what is old."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from skykeep.errors import Denied, Invalid
from tests.archive.kit import NOON, Kit, kit, listed

pytestmark = pytest.mark.asyncio

DAYS = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 10, 30), date(2026, 11, 22)]


async def kept(made: Kit, archive: Any) -> dict[date, list[str]]:
    """Two results of each of the days."""
    found: dict[date, list[str]] = {}
    for day in DAYS:
        for hour in (1, 23):
            made.now = datetime(day.year, day.month, day.day, hour, tzinfo=NOON.tzinfo)
            id_ = await archive.put({"day": str(day), "hour": hour})
            found.setdefault(day, []).append(id_)
        await archive.flush()
    made.now = NOON
    return found


@pytest.mark.parametrize("how", [{}, {"batch": 2}, {"batch": 2, "compress": "zstd"}])
async def test_a_listing_goes_day_by_day(how: dict[str, Any]) -> None:
    async with kit(**how) as made, made.archive() as archive:
        made.driver.calls.clear()
        there = await kept(made, archive)

        def of(*days: date) -> list[str]:
            return [id_ for day in days for id_ in there[day]]

        assert await listed(archive) == of(*DAYS)
        assert await listed(archive, day=DAYS[2]) == of(DAYS[2])
        assert await listed(archive, day=date(2026, 5, 5)) == []
        assert await listed(archive, since=DAYS[1]) == of(*DAYS[1:])
        assert await listed(archive, until=DAYS[1]) == of(*DAYS[:2])
        assert await listed(archive, since=DAYS[1], until=DAYS[2]) == of(*DAYS[1:3])
        assert await listed(archive, since=date(2026, 10, 31), until=date(2026, 11, 21)) == []
        assert await listed(archive, since=DAYS[2], until=DAYS[1]) == []
        with pytest.raises(Invalid):
            await listed(archive, day=DAYS[0], since=DAYS[0])
        entries = [entry async for entry in archive.list(day=DAYS[0])]
        assert [(entry.at.hour, entry.day) for entry in entries] == [
            (1, DAYS[0]), (23, DAYS[0])
        ]  # fmt: skip


async def test_a_span_asks_for_its_own_months() -> None:
    async with kit() as made, made.archive() as archive:
        await kept(made, archive)
        made.driver.calls.clear()
        await listed(archive, since=DAYS[3], until=DAYS[3])
        # Years, months of 2026, days of November, the day.
        assert made.driver.calls == {"list": 4}


@pytest.mark.parametrize("how", [{}, {"batch": 3}])
async def test_results_are_found_by_what_is_in_them(how: dict[str, Any]) -> None:
    async with kit(**how) as made, made.archive() as archive:
        wanted = []
        for number in range(30):
            id_ = await archive.put({"verdict": "unsafe" if number % 7 == 0 else "safe"})
            made.now += timedelta(seconds=1)
            if number % 7 == 0:
                wanted.append(id_)
        await archive.flush()
        found = archive.find(lambda result: result["verdict"] == "unsafe", since=NOON.date())
        assert [entry.id async for entry, _ in found] == wanted


@pytest.mark.parametrize("how", [{}, {"batch": 2}])
async def test_what_is_removed_while_it_is_looked_for_is_left_out(how: dict[str, Any]) -> None:
    async with kit(**how) as made, made.archive() as archive:
        for number in range(6):
            await archive.put(number)
            made.now += timedelta(seconds=1)
        await archive.flush()
        gone = (await made.keys())[1]
        head = made.driver.list

        async def listing(*words: Any, **more: Any) -> Any:
            page = await head(*words, **more)
            made.driver.store.kept.pop(gone, None)
            return page

        made.driver.list = listing  # type: ignore[method-assign]  # another process removes it
        found = [result async for _, result in archive.find(day=NOON.date())]
        assert found == ([0, 2, 3, 4, 5] if not how else [0, 1, 4, 5])


# -- retention


async def test_only_days_that_are_wholly_older_expire() -> None:
    async with kit(retention_days=23) as made, made.archive() as archive:
        there = await kept(made, archive)
        # On the 22nd of November 23 days ago is the 30th of October, of which some is younger.
        trial = await archive.expire(dry_run=True)
        assert trial.before == DAYS[2]
        assert (trial.days, trial.objects) == (tuple(DAYS[:2]), 4)
        assert len(await made.keys()) == 8
        done = await archive.expire()
        assert done == trial
        assert await listed(archive) == [*there[DAYS[2]], *there[DAYS[3]]]
        assert (await archive.expire()).objects == 0
        made.now += timedelta(days=1)
        assert (await archive.expire()).days == (DAYS[2],)


async def test_what_is_not_an_archives_stays() -> None:
    async with kit() as made, made.archive() as archive:
        await kept(made, archive)
        others = [
            "scan-results/2025/12/31/notes.txt",
            "scan-results/2025/12/31/more/notes.json",
            "scan-results/2025/13/31/01m8v9w3qk5e7xz2c4n6p8r0st.json",
            "scan-results/index.json",
            "scan-resultsx/2025/12/31/01m8v9w3qk5e7xz2c4n6p8r0st.json",
        ]
        for key in others:
            await made.cloud.objects.put(key, b"")
        done = await archive.expire(NOON.date())
        assert (done.objects, done.left) == (6, 1)
        assert {key for key in await made.keys() if "2026/11/22" not in key} == set(others)


async def test_the_bytes_are_those_of_the_store() -> None:
    async with kit(batch=2, compress="zstd") as made, made.archive() as archive:
        await kept(made, archive)
        sizes = [info.size async for info in made.cloud.objects.list("scan-results/2025")]
        done = await archive.expire(date(2026, 1, 1))
        assert (done.objects, done.freed) == (1, sum(sizes))


async def test_nothing_says_how_long() -> None:
    async with kit() as made, made.archive() as archive:
        with pytest.raises(Invalid, match="how long"):
            await archive.expire()


async def test_today_does_not_expire() -> None:
    async with kit() as made, made.archive() as archive:
        await archive.put(1)
        assert (await archive.expire(NOON.date())).objects == 0
        with pytest.raises(Invalid, match="to come"):
            await archive.expire(NOON.date() + timedelta(days=1))
        assert len(await made.keys()) == 1


async def test_what_cannot_be_removed_is_said_and_the_rest_is_removed() -> None:
    async with kit() as made, made.archive() as archive:
        await kept(made, archive)
        made.driver.fail_next(Denied, operation="delete")
        with pytest.raises(Denied):
            await archive.expire(NOON.date())
        assert len(await made.keys()) == 3
        assert (await archive.expire(NOON.date())).objects == 1
