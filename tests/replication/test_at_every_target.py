"""What is promised of one store holds of several."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from skykeep.errors import (
    Corrupt,
    NotFound,
    PendingDelete,
    Quota,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.call import Answer, Call, Effect, RoutedCall, Target
from skykeep.settings.model import BreakerSettings, CacheSettings
from tests.replication.fleet import NAME, Fleet, fleet, until

pytestmark = pytest.mark.asyncio


async def versions(each: Fleet) -> list[int]:
    return [len(await store.beside.versions(NAME)) for store in each.stores]


async def test_a_value_that_is_already_current_makes_no_version_anywhere() -> None:
    async with fleet(backups=1) as each:
        for _ in range(3):
            await each.secrets.put(NAME, "one")
            await each.replay()
        assert not (await each.secrets.put(NAME, "one")).changed
        await each.replay()
        assert await versions(each) == [1, 1, 1]


@pytest.mark.parametrize(("how", "left"), [("recover", 2), ("purge", 1)])
async def test_a_tombstone_is_dealt_with_as_was_asked(how: Any, left: int) -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.secrets.delete(NAME)
        await each.replay()
        with pytest.raises(PendingDelete):
            await each.secrets.put(NAME, "two")
        assert not len(each.journal)
        await each.secrets.put(NAME, "two", on_tombstone=how)
        await each.replay()
        assert await each.held() == ["two", "two"]
        assert (await versions(each))[0] == left


async def test_a_delete_can_be_restored_at_every_target() -> None:
    async with fleet(backups=1) as each:
        await each.secrets.put(NAME, "one")
        await each.secrets.delete(NAME)
        await each.replay()
        for store in each.stores[:1]:
            assert (await store.beside.describe(NAME)).deleted_at is not None
        await each.secrets.restore(NAME)
        await each.replay()
        assert await each.held() == ["one", "one", "one"]


@pytest.mark.parametrize("away", [False, True])
async def test_a_thousand_misses_make_one_call_wherever_it_is_answered(away: bool) -> None:
    async with fleet(cache=CacheSettings(ttl_seconds=300)) as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        if away:
            each.primary.away()
        answering = each.failover[0] if away else each.primary
        for store in each.stores:
            store.secrets.calls.clear()
        answering.secrets.latency = 0.001
        found = await asyncio.gather(*(each.secrets.get(NAME) for _ in range(1000)))
        assert {secret.value.text() for secret in found} == {"one"}
        assert answering.secrets.calls["get"] == 1
        assert each.primary.secrets.calls["get"] == 1


async def test_a_caller_who_leaves_disturbs_no_other_while_targets_fail_over() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        each.primary.away()
        each.failover[0].secrets.calls.clear()
        each.failover[0].secrets.latency = 0.01
        one = asyncio.create_task(each.secrets.get(NAME))
        other = asyncio.create_task(each.secrets.get(NAME))
        await until(lambda: bool(each.failover[0].secrets.calls))
        one.cancel()
        assert (await other).value.text() == "one"
        with pytest.raises(asyncio.CancelledError):
            await one
        assert each.failover[0].secrets.calls["get"] == 1


@pytest.mark.parametrize("error", [Unavailable, Throttled])
async def test_with_all_targets_away_what_is_kept_is_given_and_says_so(
    error: type[SkykeepError],
) -> None:
    keeping = CacheSettings(ttl_seconds=0.001, max_stale_seconds=3600)
    async with fleet(cache=keeping) as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.secrets.get(NAME)
        past = time.monotonic() + 0.001  # its time to live
        await until(lambda: time.monotonic() > past)
        for store in each.stores:
            store.away(error)
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert (found.value.text(), found.provenance.stale) == ("one", True)
        with pytest.raises(error):
            await each.secrets.get(NAME, fail_if_stale=True)


async def test_what_its_home_no_longer_has_is_not_given_from_what_is_kept() -> None:
    keeping = CacheSettings(ttl_seconds=0.001, max_stale_seconds=3600)
    async with fleet(cache=keeping) as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.secrets.get(NAME)
        past = time.monotonic() + 0.001  # its time to live
        await until(lambda: time.monotonic() > past)
        await each.primary.beside.purge(NAME)
        with pytest.raises(NotFound):
            await each.secrets.get(NAME)
        each.primary.away()
        each.failover[0].away()
        with pytest.raises(Unavailable):
            await each.secrets.get(NAME)


async def test_every_answer_says_where_it_is_from() -> None:
    async with fleet(digests=True) as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        home = await each.secrets.get(NAME)
        each.primary.away()
        other = await each.secrets.get(NAME)
        info = await each.secrets.describe(NAME)
        for told, source in ((home, "primary"), (other, "failover-0"), (info, "failover-0")):
            assert told.provenance is not None
            assert told.provenance.source == source
            assert told.provenance.degraded == (source != "primary")
            assert told.provenance.revision == home.provenance.revision  # type: ignore[union-attr]  # asserted above
            assert 0 <= told.provenance.age < 60
        assert (home.version, other.version) == ("1", "1@failover-0")


async def test_an_answer_is_as_old_as_the_look_at_what_its_target_is_owed() -> None:
    # F12: with a try in between that ran out of time, seconds were in neither.
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.secrets.put(NAME, "two")
        each.primary.away()
        asked = time.monotonic()
        reads = each.stack._router._reads  # type: ignore[union-attr]  # several targets have one

        async def late(routed: RoutedCall[Any]) -> Answer[Any]:
            answer = await each.stack.back(routed)
            return replace(answer, at=asked + 1000)

        call: Call[Any] = Call("secrets.get", NAME, Effect.READ, _get, failover=True)
        answer = await reads(call, late)
        assert (answer.source, answer.stale) == ("failover-0", True)
        assert asked <= answer.at < asked + 500


async def test_a_listing_of_a_target_that_is_owed_a_name_under_it_comes_last() -> None:
    async with fleet(failover=2) as each:
        each.failover[0].away()
        await each.secrets.put("team/a", "one")
        await each.replay()
        each.failover[0].back()
        each.primary.away()
        assert [info.name async for info in each.secrets.list("team")] == ["team/a"]
        assert each.failover[0].secrets.calls["list"] == 0


async def test_a_journal_that_cannot_be_read_leaves_no_replica_to_be_believed() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()

        def broken(since: int) -> tuple[int, list[tuple[int, bytes | None]]]:
            raise Corrupt("planted")

        each.journal._store.changes = broken  # type: ignore[method-assign]  # a planted fault
        each.primary.away()
        each.failover[0].secrets.calls.clear()
        with pytest.raises(Unavailable):
            await each.secrets.get(NAME)
        assert not each.failover[0].secrets.calls


async def test_after_a_doubt_no_failure_elsewhere_says_that_nothing_was_written() -> None:
    # F11: the primary did it later.
    async with fleet(writes="failover") as each:

        async def then_away(*args: Any, **kwargs: Any) -> Any:
            each.primary.away()
            raise Unavailable("the connection broke")

        each.primary.secrets.create = then_away  # type: ignore[method-assign]  # a fault
        each.failover[0].away(Quota)
        with pytest.raises(Unavailable) as caught:
            await each.secrets.put(NAME, "one")
        assert caught.value.sent
        assert caught.value.target == "primary"
        assert [entry.doubt for entry in each.journal] == [True]


async def _get(target: Target) -> Any:
    return await (await target.driver("secrets")).get(NAME)


async def test_the_only_target_that_is_left_is_asked_when_a_probe_is_due() -> None:
    probing = BreakerSettings(failures=1, probe_seconds=0.001)
    async with fleet(failover=0, backups=1, breaker=probing) as each:
        await each.secrets.put(NAME, "one")
        each.primary.away()
        with pytest.raises(Unavailable):
            await each.secrets.get(NAME)
        each.primary.back()
        await until(lambda: each.stack.standings.of(each.primary).breaker.due)
        assert (await each.secrets.get(NAME)).value.text() == "one"


async def test_of_two_ways_to_be_behind_the_longer_one_is_told() -> None:
    async with fleet(digests=True) as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.secrets.put(NAME, "two")
        await each.secrets.get(NAME)  # the home's revision is seen now
        entry = each.journal.of(NAME)[-1]
        await each.journal.change(entry, ticks=entry.ticks - 100)
        each.primary.away()
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert found.value.text() == "one"
        assert 100 <= found.provenance.age < 200
