"""Reads with several targets: who answers, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skykeep.errors import (
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    VersionUnavailable,
)
from skykeep.settings.model import BreakerSettings, CacheSettings, RetrySettings
from tests.replication.fleet import NAME, Fleet, fleet, until

pytestmark = pytest.mark.asyncio


async def both_hold(each: Fleet, value: str = "one") -> None:
    await each.secrets.put(NAME, value)
    await each.replay()
    assert set(await each.held()) == {value}


async def test_the_primary_answers_and_nobody_else_is_asked() -> None:
    async with fleet() as each:
        await both_hold(each)
        before = each.failover[0].secrets.calls.copy()
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert found.provenance.source == "primary"
        assert not found.provenance.degraded
        assert not found.provenance.stale
        assert each.failover[0].secrets.calls == before


@pytest.mark.parametrize("error", [Unavailable, Throttled])
async def test_another_target_answers_and_says_so(error: type[SkykeepError]) -> None:
    async with fleet() as each:
        await both_hold(each)
        each.primary.away(error)
        found = await each.secrets.get(NAME)
        assert found.value.text() == "one"
        assert found.provenance is not None
        assert found.provenance.source == "failover-0"
        assert found.provenance.degraded
        assert not found.provenance.stale


@pytest.mark.parametrize(
    "error",
    [NotFound, Denied, Unauthenticated, KeyFailure, Corrupt, VersionUnavailable, Invalid],
)
async def test_what_else_the_primary_says_is_the_answer(error: type[SkykeepError]) -> None:
    async with fleet() as each:
        await both_hold(each)
        each.primary.away(error)
        before = each.failover[0].secrets.calls.copy()
        with pytest.raises(error):
            await each.secrets.get(NAME)
        assert each.failover[0].secrets.calls == before


@pytest.mark.parametrize("error", [NotFound, Denied, KeyFailure, Corrupt, Throttled])
async def test_what_a_replica_does_not_have_or_show_is_no_answer(
    error: type[SkykeepError],
) -> None:
    async with fleet(failover=2) as each:
        await both_hold(each)
        each.primary.away()
        each.failover[0].away(error)
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert found.provenance.source == "failover-1"


async def test_when_nobody_answers_the_primary_is_named_and_the_others_are_quoted() -> None:
    async with fleet(failover=2) as each:
        await both_hold(each)
        each.primary.away()
        each.failover[0].away(NotFound)
        each.failover[1].away(Throttled)
        with pytest.raises(Unavailable) as caught:
            await each.secrets.get(NAME)
        assert caught.value.target == "primary"
        assert "failover-0: NotFound, failover-1: Throttled" in caught.value.hint


async def test_backups_are_not_read() -> None:
    async with fleet(failover=0, backups=1) as each:
        await both_hold(each)
        each.primary.away()
        before = each.backups[0].secrets.calls.copy()
        with pytest.raises(Unavailable):
            await each.secrets.get(NAME)
        assert each.backups[0].secrets.calls == before


async def test_a_target_that_is_owed_the_write_is_asked_last_and_is_marked() -> None:
    async with fleet(failover=2) as each:
        await both_hold(each)
        each.failover[0].away()
        await each.secrets.put(NAME, "two")
        await each.replay()
        each.failover[0].back()
        each.primary.away()
        assert await each.held() != ["two", "two", "two"]
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert (found.value.text(), found.provenance.source) == ("two", "failover-1")
        assert not found.provenance.stale
        each.failover[1].away()
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert (found.value.text(), found.provenance.source) == ("one", "failover-0")
        assert found.provenance.stale
        assert found.provenance.degraded
        assert found.provenance.age > 0


async def test_not_found_at_a_target_that_is_owed_the_name_is_no_answer() -> None:
    async with fleet() as each:
        each.failover[0].away()
        await each.secrets.put(NAME, "one")
        each.failover[0].back()
        each.primary.away()
        with pytest.raises(Unavailable):
            await each.secrets.get(NAME)


async def test_fail_if_stale_asks_no_replica() -> None:
    async with fleet() as each:
        await both_hold(each)
        each.primary.away()
        before = each.failover[0].secrets.calls.copy()
        with pytest.raises(Unavailable):
            await each.secrets.get(NAME, fail_if_stale=True)
        assert each.failover[0].secrets.calls == before
        each.primary.back()
        assert (await each.secrets.get(NAME, fail_if_stale=True)).value.text() == "one"


async def test_max_stale_takes_a_replica_that_is_up_to_date_and_no_other() -> None:
    async with fleet() as each:
        await both_hold(each)
        each.primary.away()
        assert (await each.secrets.get(NAME, max_stale=1)).value.text() == "one"
        each.primary.back()
        each.failover[0].away()
        await each.secrets.put(NAME, "two")
        [entry] = each.journal
        await each.journal.change(entry, ticks=entry.ticks - 100)
        each.failover[0].back()
        each.primary.away()
        with pytest.raises(Unavailable, match="100 s behind, and at most 50 s"):
            await each.secrets.get(NAME, max_stale=50)
        found = await each.secrets.get(NAME, max_stale=200)
        assert found.provenance is not None
        assert 99 < found.provenance.age < 150


async def test_a_version_is_asked_for_at_its_store_only() -> None:
    async with fleet() as each:
        await both_hold(each)
        each.primary.away()
        for asked in ({"version": "1"}, {"stage": "previous"}):
            with pytest.raises(Unavailable):
                await each.secrets.get(NAME, **asked)  # type: ignore[arg-type]  # two of them
        assert (await each.secrets.get(NAME, stage="current")).value.text() == "one"


async def test_describe_fails_over_and_versions_do_not() -> None:
    async with fleet() as each:
        await both_hold(each)
        each.primary.away()
        info = await each.secrets.describe(NAME)
        assert info.provenance is not None
        assert info.provenance.degraded
        with pytest.raises(Unavailable):
            await each.secrets.versions(NAME)


async def test_a_listing_goes_on_where_it_began() -> None:
    async with fleet() as each:
        for n in range(5):
            await each.secrets.put(f"n/{n}", "x")
        await each.replay()
        each.primary.away()
        pages = each.secrets.list("n", page_size=2)
        infos = [await anext(pages) for _ in range(2)]
        assert all(info.provenance and info.provenance.degraded for info in infos)
        assert {info.version for info in infos} == {"1@failover-0"}
        names = [info.name for info in infos]
        each.primary.back()
        calls = each.primary.secrets.calls["list"]
        names += [info.name async for info in pages]
        assert names == [f"n/{n}" for n in range(5)]
        assert each.primary.secrets.calls["list"] == calls


async def test_a_listing_of_the_primary_does_not_go_on_at_a_replica() -> None:
    async with fleet() as each:
        for n in range(5):
            await each.secrets.put(f"n/{n}", "x")
        await each.replay()
        pages = each.secrets.list("n", page_size=2)
        await anext(pages)
        await anext(pages)
        each.primary.away()
        with pytest.raises(Unavailable):
            await anext(pages)


async def test_a_try_that_ran_out_of_time_is_not_repeated_where_another_is_left() -> None:
    again = RetrySettings(attempts=3, base_seconds=0)
    async with fleet(attempt_seconds=0.01, retry=again) as each:
        await both_hold(each)
        each.primary.secrets.latency = 3600.0
        calls = each.primary.secrets.calls["get"]
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert found.provenance.source == "failover-0"
        assert each.primary.secrets.calls["get"] == calls + 1
        each.failover[0].secrets.latency = 3600.0
        calls = each.failover[0].secrets.calls["get"]
        with pytest.raises(Unavailable):
            await each.secrets.get(NAME)
        assert each.failover[0].secrets.calls["get"] == calls + 3


async def test_an_open_breaker_costs_readers_nothing_and_a_probe_goes_beside_them() -> None:
    probing = BreakerSettings(failures=2, probe_seconds=0.001)
    async with fleet(breaker=probing) as each:
        await both_hold(each)
        each.primary.away()
        for _ in range(2):
            await each.secrets.get(NAME)
        standing = each.stack.standings.of(each.primary)
        assert standing.breaker.state.value == "open"
        each.primary.back()
        each.primary.secrets.latency = 0.005
        await until(lambda: standing.breaker.due)
        found = await each.secrets.get(NAME)  # starts the probe, and does not wait for it
        assert found.provenance is not None
        assert found.provenance.source == "failover-0"
        await until(lambda: standing.breaker.state.value == "closed")
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert found.provenance.source == "primary"


async def test_an_answer_of_a_replica_is_not_kept_for_the_whole_time_to_live() -> None:
    async with fleet(cache=CacheSettings(ttl_seconds=300)) as each:
        await both_hold(each)
        each.primary.away()
        assert (await each.secrets.get(NAME)).provenance is not None
        each.primary.back()
        again = await each.secrets.get(NAME)
        assert again.provenance is not None
        assert again.provenance.cached
        assert again.provenance.degraded
        strict = await each.secrets.get(NAME, fail_if_stale=True)
        assert strict.provenance is not None
        assert strict.provenance.source == "primary"


async def test_a_journal_that_cannot_be_read_leaves_the_primary_alone_to_answer() -> None:
    async with fleet() as each:
        await both_hold(each)

        def broken(since: int) -> tuple[int, list[tuple[int, bytes | None]]]:
            raise Corrupt("planted")

        each.journal._store.changes = broken  # type: ignore[method-assign]  # a planted fault
        assert (await each.secrets.get(NAME)).value.text() == "one"
        each.primary.away()
        with pytest.raises(Unavailable):
            await each.secrets.get(NAME)


async def test_a_target_of_another_region_is_passed_over() -> None:
    async with fleet(failover=2) as each:
        await both_hold(each)
        each.primary.away()
        each.failover[0].away(Denied)  # what the guard of residency raises
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert found.provenance.source == "failover-1"
        assert replace(found.provenance, age=0.0).degraded


async def test_reads_go_elsewhere_while_a_target_asks_for_patience() -> None:
    async with fleet() as each:
        await both_hold(each)
        each.primary.secrets.fail_next(Throttled("slow down", retry_after=3600.0))
        calls = each.primary.secrets.calls["get"]
        for _ in range(10):
            found = await each.secrets.get(NAME)
            assert found.provenance is not None
            assert found.provenance.source == "failover-0"
        assert each.primary.secrets.calls["get"] == calls + 1


async def test_more_failures_lead_to_the_next_target_where_they_are_named() -> None:
    async with fleet(failover_on=("unavailable", "denied")) as each:
        await both_hold(each)
        each.primary.away(Denied)
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert found.provenance.source == "failover-0"
        each.primary.back()
        each.primary.away(Throttled)
        with pytest.raises(Throttled):
            await each.secrets.get(NAME)
