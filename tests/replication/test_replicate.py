"""Writes with several targets: what is acknowledged when, and what is owed then."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from skykeep.errors import (
    Conflict,
    Denied,
    Invalid,
    NotFound,
    PendingDelete,
    Quota,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.journal.bounds import Bounds
from skykeep.providers.memory.secrets import EVERYTHING
from skykeep.settings.model import RetrySettings
from tests.replication.fleet import NAME, Fleet, fleet

pytestmark = pytest.mark.asyncio


async def test_a_write_is_acknowledged_when_its_home_has_it_and_then_owed_to_the_rest() -> None:
    async with fleet(failover=1, backups=1) as each:
        written = await each.secrets.put(NAME, "one")
        assert written.changed
        assert await each.held() == ["one", None, None]
        [entry] = each.journal
        assert entry.owed == ("failover-0", "backup-0")
        assert not entry.doubt
        done = await each.replay()
        assert done.brought == {"failover-0": 1, "backup-0": 1}
        assert await each.held() == ["one", "one", "one"]
        assert not len(each.journal)


async def test_the_journal_has_the_write_before_its_home_is_asked() -> None:
    async with fleet() as each:
        seen: list[int] = []
        create = each.primary.secrets.create

        async def watched(*args: object, **kwargs: object) -> object:
            seen.append(len(each.state.kept()))
            return await create(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

        each.primary.secrets.create = watched  # type: ignore[method-assign, assignment]  # a spy
        await each.secrets.put(NAME, "one")
        assert seen == [1]


async def test_a_full_journal_refuses_and_nothing_is_written() -> None:
    async with fleet(bounds=Bounds(entries=2)) as each:
        each.failover[0].away()
        await each.secrets.put("a", "1")
        await each.secrets.put("b", "1")
        with pytest.raises(Quota, match="journal is full"):
            await each.secrets.put("c", "1")
        assert await each.primary.holds("c") is None
        each.failover[0].back()
        await each.replay()
        await each.secrets.put("c", "1")
        assert await each.primary.holds("c") == "1"


@pytest.mark.parametrize("error", [Denied, Invalid, Quota, PendingDelete, Throttled])
async def test_what_the_home_refused_is_owed_to_nobody(error: type[SkykeepError]) -> None:
    async with fleet() as each:
        each.primary.secrets.fail_next(error, operation="create")
        with pytest.raises(error):
            await each.secrets.put(NAME, "one")
        assert not len(each.journal)
        await each.replay()
        assert await each.held() == [None, None]


async def test_with_the_primary_away_a_write_is_refused_and_says_that_nothing_was_sent() -> (
    None
):
    async with fleet() as each:
        each.primary.away()
        with pytest.raises(Unavailable) as caught:
            await each.secrets.put(NAME, "one")
        assert not caught.value.sent
        assert not len(each.journal)
        assert await each.held() == [None, None]


async def test_a_lost_answer_is_settled_by_the_home_at_once() -> None:
    async with fleet() as each:
        for operation, kind in (("create", "one"), ("update", "two")):
            each.primary.secrets.fail_next(Unavailable, operation=operation, applied=True)
            written = await each.secrets.put(NAME, kind)
            assert written.version == (await each.primary.beside.get(NAME)).version
        each.primary.secrets.fail_next(Unavailable, operation="delete", applied=True)
        await each.secrets.delete(NAME)
        await each.replay()
        assert await each.held() == [None, None]


async def lose_the_answer(each: Fleet, *, applied: bool, value: str = "two") -> None:
    """A write whose answer is lost, by a primary that is away right after it."""
    update = each.primary.secrets.update

    async def then_away(*args: object, **kwargs: object) -> object:
        each.primary.away()
        if applied:
            await each.primary.beside.update(*args, **kwargs)  # type: ignore[arg-type]  # as it came
        raise Unavailable("the connection broke")

    each.primary.secrets.update = then_away  # type: ignore[method-assign, assignment]  # a fault
    with pytest.raises(Unavailable) as caught:
        await each.secrets.put(NAME, value)
    assert caught.value.sent
    each.primary.secrets.update = update  # type: ignore[method-assign]  # the fault is over


@pytest.mark.parametrize("applied", [True, False])
async def test_a_write_in_doubt_goes_nowhere_until_its_home_settles_it(applied: bool) -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await lose_the_answer(each, applied=applied)
        await each.replay()
        assert await each.failover[0].holds() == "one"
        found = await each.secrets.get(NAME)  # from the replica: somebody may have seen "two"
        assert found.provenance is not None
        assert found.provenance.stale
        each.primary.back()
        done = await each.replay()
        assert done.settled == int(applied)
        assert await each.held() == (["two", "two"] if applied else ["one", "one"])


async def test_a_write_in_doubt_that_its_home_never_shows_is_dropped_after_a_while() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await lose_the_answer(each, applied=False)
        each.primary.back()
        await each.replay()
        [entry] = each.journal
        assert entry.doubt
        await each.journal.change(entry, ticks=entry.ticks - 31)
        await each.replay()
        assert not len(each.journal)


async def test_the_next_write_of_the_name_replaces_one_in_doubt() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await lose_the_answer(each, applied=True)
        each.primary.back()
        await each.secrets.put(NAME, "three")
        assert [entry.doubt for entry in each.journal] == [False]
        await each.replay()
        assert await each.held() == ["three", "three"]


async def test_a_process_that_ends_in_between_keeps_since_when_the_others_are_behind() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await lose_the_answer(each, applied=True)
        each.primary.back()
        [first] = each.journal
        # It happened ten minutes ago: whoever read the primary since has seen it.
        await each.journal.change(first, ticks=first.ticks - 600)
        change = each.journal.change

        async def killed(*args: object, **kwargs: object) -> object:
            raise asyncio.CancelledError

        each.journal.change = killed  # type: ignore[assignment, method-assign]  # it dies here
        with pytest.raises(asyncio.CancelledError):
            await each.secrets.put(NAME, "three")
        each.journal.change = change  # type: ignore[method-assign]  # another process
        behind = each.journal.behind(NAME, each.failover[0].name)
        assert behind is not None
        assert behind >= 600


async def test_a_process_that_ends_after_its_home_had_it_leaves_it_to_the_next() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        create = each.journal.change

        async def killed(*args: object, **kwargs: object) -> object:
            raise asyncio.CancelledError

        each.journal.change = killed  # type: ignore[method-assign, assignment]  # kill -9 here
        with pytest.raises(asyncio.CancelledError):
            await each.secrets.put(NAME, "two")
        each.journal.change = create  # type: ignore[method-assign]  # the next process
        async with fleet(stores=each.stores, state=each.state) as next_process:
            await next_process.replay()
            assert await next_process.held() == ["two", "two"]


async def test_writes_of_a_name_are_made_one_after_the_other() -> None:
    async with fleet() as one, fleet(stores=one.stores, state=one.state) as other:
        for store in one.stores:
            store.secrets.latency = 0.001
        values = [str(n) for n in range(20)]
        writers = [one.secrets, other.secrets]
        await asyncio.gather(
            *(writers[n % 2].put(NAME, value) for n, value in enumerate(values))
        )
        for store in one.stores:
            store.secrets.latency = 0.0
        await one.replay()
        [last] = set(await one.held())
        assert last in values


async def test_an_unconditional_write_that_another_host_overtook_is_made_again() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        update = each.primary.secrets.update
        raced: list[str] = []

        async def overtaken(*args: object, **kwargs: object) -> object:
            if not raced:
                raced.append("theirs")
                await each.primary.others_write("theirs")
            return await update(*args, **kwargs)  # type: ignore[arg-type]  # as it came

        each.primary.secrets.update = overtaken  # type: ignore[method-assign, assignment]  # a race
        await each.secrets.put(NAME, "ours")
        await each.replay()
        assert await each.held() == ["ours", "ours"]


async def test_an_applications_own_condition_is_not_tried_twice() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.primary.others_write("theirs")
        with pytest.raises(Conflict):
            await each.secrets.update(NAME, "two", expects="1")
        with pytest.raises(Conflict):
            await each.secrets.create(NAME, "two")
        assert not len(each.journal)
        await each.replay()  # what others wrote to one store is for ``diff`` to show
        assert await each.held() == ["theirs", "one"]


async def test_every_kind_of_write_reaches_the_others() -> None:
    async with fleet(backups=1) as each:
        await each.secrets.create(NAME, "one", metadata={"owner": "team"}, tags={"a": "b"})
        await each.replay()
        for store in each.stores:
            assert (await store.beside.describe(NAME)).tags == {"a": "b"}
        await each.secrets.annotate(NAME, tags={"c": "d"})
        await each.replay()
        for store in each.stores:
            info = await store.beside.describe(NAME)
            assert (info.tags, info.metadata) == ({"c": "d"}, {"owner": "team"})
        first = (await each.primary.beside.get(NAME)).version
        await each.secrets.update(NAME, "two")
        await each.replay()
        await each.secrets.promote(NAME, first)
        await each.replay()
        assert set(await each.held()) == {"one"}
        await each.secrets.delete(NAME)
        await each.replay()
        assert set(await each.held()) == {None}
        await each.secrets.restore(NAME)
        await each.replay()
        assert set(await each.held()) == {"one"}
        await each.secrets.purge(NAME)
        await each.replay()
        for store in each.stores:
            with pytest.raises(NotFound):
                await store.beside.describe(NAME)


async def test_a_value_under_another_stage_stays_at_home() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        pending = await each.secrets.update(NAME, "two", stage="pending")
        assert not len(each.journal)
        await each.secrets.promote(NAME, pending.version)
        await each.replay()
        assert await each.held() == ["two", "two"]


async def test_several_writes_that_a_target_missed_come_to_what_they_are_together() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one", tags={"a": "1"})
        await each.replay()
        each.failover[0].away()
        await each.secrets.put(NAME, "two", tags={"a": "2"})
        await each.secrets.annotate(NAME, metadata={"k": "v"})
        await each.secrets.put(NAME, "three")
        each.failover[0].back()
        await each.replay()
        found = await each.failover[0].beside.get(NAME)
        assert (found.value.text(), found.tags) == ("three", {"a": "2"})
        assert found.metadata == {"k": "v"}
        assert len(await each.failover[0].beside.versions(NAME)) == 2
        each.failover[0].away()
        await each.secrets.delete(NAME)
        await each.secrets.put(NAME, "four", on_tombstone="recover")
        each.failover[0].back()
        await each.replay()
        assert await each.held() == ["four", "four"]


async def test_what_a_store_cannot_keep_beside_a_value_is_left_out_there() -> None:
    less = replace(EVERYTHING, metadata=False, tags=False, expiry=False)
    async with fleet(capabilities={"failover-0": less}) as each:
        await each.secrets.put(NAME, "one", metadata={"k": "v"}, tags={"a": "1"})
        await each.secrets.annotate(NAME, tags={"a": "2"})
        await each.replay()
        assert await each.held() == ["one", "one"]
        assert not len(each.journal)


async def test_what_a_store_cannot_keep_at_all_waits_and_is_shown() -> None:
    small = replace(EVERYTHING, max_value_bytes=8)
    async with fleet(capabilities={"failover-0": small}) as each:
        await each.secrets.put(NAME, "more than eight bytes")
        await each.secrets.put("small", "ok")
        done = await each.replay()
        assert done.conflicts == [NAME]
        [entry] = each.journal
        assert "at most 8 bytes" in entry.stuck["failover-0"]
        assert await each.failover[0].holds("small") == "ok"
        await each.secrets.put(NAME, "fits")
        await each.replay()
        assert await each.held() == ["fits", "fits"]
        assert not len(each.journal)


async def test_a_write_is_retried_under_compare_and_set_without_a_second_version() -> None:
    async with fleet(retry=RetrySettings(attempts=3, base_seconds=0)) as each:
        await each.secrets.put(NAME, "one")
        each.primary.secrets.fail_next(Unavailable, operation="update", applied=True)
        await each.secrets.put(NAME, "two")
        assert len(await each.primary.beside.versions(NAME)) == 2
        assert await each.primary.holds() == "two"


async def test_a_store_without_compare_and_set_is_written_all_the_same() -> None:
    plain = replace(EVERYTHING, compare_and_set=False, conditional_changes=False)
    async with fleet(capabilities={"primary": plain, "failover-0": plain}) as each:
        await each.secrets.put(NAME, "one")
        await each.secrets.put(NAME, "two")
        await each.replay()
        assert await each.held() == ["two", "two"]
        await each.secrets.delete(NAME)
        await each.replay()
        assert await each.held() == [None, None]


async def test_a_home_that_may_be_written_and_not_read_is_written() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()

        async def refused(self: SecretDriver, *args: object, **kwargs: object) -> object:
            raise Denied("it may be written, not read")

        each.primary.secrets.get = refused  # type: ignore[method-assign, assignment]  # a right
        await each.secrets.put(NAME, "two")
        assert await each.primary.holds() == "two"
        done = await each.replay()
        # The replica holds what nobody can compare: its home does not show what it holds.
        assert done.conflicts == [NAME]
        assert await each.failover[0].holds() == "one"


async def test_a_name_that_is_written_often_while_a_target_is_away_is_one_record() -> None:
    async with fleet(backups=1, bounds=Bounds(entries=3)) as each:
        await each.secrets.put(NAME, "zero", tags={"a": "1"})
        await each.replay()
        each.backups[0].away()
        await each.secrets.put(NAME, "one", metadata={"k": "v"})
        await each.replay()
        for n in range(10):
            await each.secrets.put(NAME, str(n))
        assert len(each.journal) == 1
        each.backups[0].back()
        await each.replay()
        assert await each.held() == ["9", "9", "9"]
        for store in each.stores:
            info = await store.beside.describe(NAME)
            assert (info.tags, info.metadata) == ({"a": "1"}, {"k": "v"})


async def test_a_target_may_hold_any_of_the_writes_that_one_record_stands_for() -> None:
    async with fleet(writes="failover") as each:
        await each.secrets.put(NAME, "zero")
        await each.replay()
        each.primary.away()
        for value in ("one", "two", "three"):
            await each.secrets.put(NAME, value)
        assert len(each.journal) == 1
        # As if it had got that one, and we not the answer.
        await each.primary.others_write("two")
        each.primary.back()
        assert not (await each.replay()).conflicts
        assert await each.held() == ["three", "three"]


async def test_what_must_not_be_at_a_target_is_not_owed_to_it() -> None:
    from skykeep.settings.guarding import ResidencySettings

    only_eu = ResidencySettings(regions=("eu-central-1",))
    async with fleet(backups=1, residency=only_eu) as each:
        for store in (each.primary, each.failover[0]):
            store.region = "eu-central-1"
        each.backups[0].region = "us-east-1"
        await each.secrets.put(NAME, "one")
        done = await each.replay()
        assert not done.owed
        assert not done.conflicts
        assert await each.held() == ["one", "one", None]
