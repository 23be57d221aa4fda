"""``writes: failover``: another home while the primary is away, and its return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from skykeep.errors import ConfigError, Conflict, Denied, Invalid, NotFound, Unavailable
from skykeep.interfaces.secrets import Secrets
from skykeep.journal.journal import Journal
from skykeep.providers.memory.secrets import EVERYTHING
from skykeep.replication.conflicts import conflicts, resolve
from skykeep.settings.model import BreakerSettings
from tests.replication.fleet import NAME, Fleet, fleet, until

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def written_elsewhere(**more: object) -> AsyncIterator[Fleet]:
    """All hold "one"; "two" was written while the primary was away, which is back now."""
    async with fleet(writes="failover", **more) as each:  # type: ignore[arg-type]  # settings
        await each.secrets.put(NAME, "one")
        await each.replay()
        each.primary.away()
        await each.secrets.put(NAME, "two")
        each.primary.back()
        yield each


async def test_the_next_target_takes_the_write_and_the_primary_gets_it_later() -> None:
    async with written_elsewhere(backups=1) as each:
        assert await each.held() == ["one", "two", "one"]
        found = await each.secrets.get(NAME)  # the home now, though the primary is back
        assert found.provenance is not None
        assert (found.value.text(), found.provenance.source) == ("two", "failover-0")
        assert found.provenance.degraded
        assert not found.provenance.stale
        done = await each.replay()
        assert done.brought == {"primary": 1, "backup-0": 1}
        assert await each.held() == ["two", "two", "two"]
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert found.provenance.source == "primary"


async def test_the_primary_that_is_owed_the_name_answers_last_and_marked() -> None:
    async with written_elsewhere() as each:
        each.failover[0].away()
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert (found.value.text(), found.provenance.source) == ("one", "primary")
        assert found.provenance.stale


async def test_later_writes_of_the_name_stay_there_until_the_primary_has_caught_up() -> None:
    async with written_elsewhere() as each:
        await each.secrets.put(NAME, "three")
        assert await each.held() == ["one", "three"]
        each.failover[0].away()
        with pytest.raises(Unavailable, match="until primary has caught up"):
            await each.secrets.put(NAME, "four")
        each.failover[0].back()
        await each.replay()
        assert await each.held() == ["three", "three"]
        await each.secrets.put(NAME, "four")
        assert await each.primary.holds() == "four"


async def test_a_target_that_refuses_is_passed_over() -> None:
    async with fleet(failover=2, writes="failover") as each:
        each.primary.away()
        each.failover[0].away(Denied)
        await each.secrets.put(NAME, "one")
        assert await each.failover[1].holds() == "one"
        each.failover[1].away()
        with pytest.raises(Unavailable) as caught:
            await each.secrets.put("other", "one")
        assert caught.value.target == "primary"


async def test_what_others_wrote_to_the_primary_meanwhile_is_a_conflict_and_is_kept() -> None:
    async with written_elsewhere() as each:
        await each.primary.others_write("theirs")
        done = await each.replay()
        assert done.conflicts == [NAME]
        assert await each.held() == ["theirs", "two"]
        assert await each.replay() == done  # and goes on waiting
        [conflict] = await conflicts(each.stack, each.journal, each.stores, "")
        assert conflict.name == NAME
        assert conflict.why == {"primary": "conflict: others have written to it since"}
        ours, theirs = conflict.sides[1].digest, conflict.sides[0].digest
        assert ours is not None
        assert theirs is not None
        assert ours != theirs
        assert len(ours) == 8


async def test_a_delete_at_the_primary_meanwhile_is_a_conflict_too() -> None:
    async with written_elsewhere() as each:
        await each.primary.beside.delete(NAME)
        done = await each.replay()
        assert done.conflicts == [NAME]
        assert await each.held() == [None, "two"]


async def test_a_name_that_is_created_elsewhere_and_exists_at_the_primary_is_a_conflict() -> (
    None
):
    async with fleet(writes="failover") as each:
        await each.primary.others_write("theirs")
        each.primary.away()
        await each.secrets.create(NAME, "ours")
        each.primary.back()
        assert (await each.replay()).conflicts == [NAME]
        assert await each.held() == ["theirs", "ours"]


async def _resolve(each: Fleet, keep: int) -> None:
    await resolve(
        each.stack,
        each.journal,
        primary=each.primary,
        target=each.stores[keep],
        resource=NAME,
        name=NAME,
    )


@pytest.mark.parametrize(("keep", "value"), [(0, "theirs"), (1, "two")])
async def test_a_person_chooses_which_side_is_kept(keep: int, value: str) -> None:
    async with written_elsewhere(backups=1) as each:
        await each.primary.others_write("theirs")
        await each.replay()
        await _resolve(each, keep)
        await each.replay()
        assert set(await each.held()) == {value}
        assert not len(each.journal)
        # What was not kept is an older version, not lost.
        loser = each.stores[1 - keep].beside
        versions = [
            (await loser.get(NAME, version=each.id)).value.text()
            for each in await loser.versions(NAME)
        ]
        assert {"theirs", "two"} & set(versions) - {value}


@pytest.mark.parametrize("step", ["begin", "update", "change", "overtaken"])
async def test_a_choice_that_a_kill_cuts_short_is_carried_out_or_left_open(step: str) -> None:
    async with written_elsewhere(backups=1) as each:
        await each.primary.others_write("theirs")
        await each.replay()

        async def killed(*args: object, **kwargs: object) -> object:
            raise asyncio.CancelledError

        owner = each.primary.secrets if step == "update" else each.journal
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, step, killed)
            with pytest.raises(asyncio.CancelledError):
                await _resolve(each, 1)
        async with fleet(stores=each.stores, state=each.state, writes="failover") as later:
            done = await later.replay()
            await later.replay()
            held = set(await later.held())
            assert held == {"two"} or (done.conflicts and "theirs" in held)


async def test_a_choice_that_cannot_be_made_changes_nothing() -> None:
    async with written_elsewhere(backups=1) as each:
        with pytest.raises(Invalid, match="has no conflict"):
            await _resolve(each, 0)
        await each.primary.others_write("theirs")
        await each.backups[0].beside.delete(NAME)
        await each.replay()
        each.backups[0].away(NotFound)
        with pytest.raises(NotFound):
            await _resolve(each, 2)
        each.primary.away()
        with pytest.raises(Unavailable):
            await _resolve(each, 1)
        assert any(entry.stuck for entry in each.journal)


async def test_a_conflict_that_somebody_ended_by_hand_goes_away() -> None:
    async with written_elsewhere() as each:
        await each.primary.others_write("theirs")
        await each.replay()
        await each.primary.others_write("two")
        await each.replay()
        assert not len(each.journal)


@pytest.mark.parametrize("applied", [True, False])
async def test_a_write_in_doubt_at_the_primary_that_was_made_elsewhere_is_no_conflict(
    applied: bool,
) -> None:
    async with fleet(writes="failover") as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        update = each.primary.secrets.update

        async def then_away(*args: object, **kwargs: object) -> object:
            each.primary.away()
            if applied:
                await each.primary.beside.update(*args, **kwargs)  # type: ignore[arg-type]  # as it came
            raise Unavailable("the connection broke")

        each.primary.secrets.update = then_away  # type: ignore[method-assign, assignment]  # a fault
        await each.secrets.put(NAME, "two")
        await each.secrets.put(NAME, "three")
        each.primary.secrets.update = update  # type: ignore[method-assign]  # it is over
        each.primary.back()
        done = await each.replay()
        assert not done.conflicts
        assert await each.held() == ["three", "three"]
        assert not len(each.journal)


async def test_a_version_of_one_target_is_no_condition_at_another() -> None:
    async with written_elsewhere() as each:
        found = await each.secrets.get(NAME)
        assert found.version == "2@failover-0"
        with pytest.raises(Conflict, match="issued by primary"):
            await each.secrets.update(NAME, "three", expects="2")
        written = await each.secrets.update(NAME, "three", expects=found.version)
        assert written.version == "3@failover-0"
        assert (await each.secrets.get(NAME, version="2@failover-0")).value.text() == "two"
        await each.replay()
        with pytest.raises(Conflict, match="issued by failover-0"):
            await each.secrets.update(NAME, "four", expects=written.version)
        each.primary.away()
        current = (await each.primary.beside.get(NAME)).version
        with pytest.raises(Unavailable):  # whether it holds, only the primary knows
            await each.secrets.update(NAME, "four", expects=current)
        assert await each.held() == ["three", "three"]


async def test_an_answer_in_doubt_at_another_home_is_what_is_told() -> None:
    async with fleet(failover=2, writes="failover") as each:
        each.primary.away()
        second = each.failover[0]

        async def then_away(*args: object, **kwargs: object) -> object:
            second.away()
            raise Unavailable("the connection broke")

        second.secrets.create = then_away  # type: ignore[method-assign, assignment]  # a fault
        with pytest.raises(Unavailable) as caught:
            await each.secrets.put(NAME, "one")
        assert caught.value.sent
        assert await each.failover[1].holds() is None


async def test_while_the_home_is_away_a_replica_that_others_wrote_is_left_alone() -> None:
    async with fleet(failover=1, backups=1) as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.secrets.put(NAME, "two")
        await each.backups[0].others_write("alien")
        each.primary.away()
        await each.replay()
        # In step: it is brought on without asking. Not in step: that is for the home to say.
        assert await each.held() == ["two", "two", "alien"]
        each.primary.back()
        await each.replay()
        assert await each.held() == ["two", "two", "two"]


async def test_two_hosts_bring_the_others_to_what_the_primary_holds() -> None:
    for order in ("one-first", "other-first"):
        async with fleet(backups=1) as one, fleet(stores=one.stores) as other:
            await one.secrets.put(NAME, "zero")
            await one.replay()
            await one.secrets.put(NAME, "one")
            await other.secrets.put(NAME, "two")
            first, second = (one, other) if order == "one-first" else (other, one)
            await first.replay()
            await second.replay()
            assert await one.held() == ["two", "two", "two"]
            assert not len(one.journal)
            assert not len(other.journal)


async def test_nothing_is_deleted_because_the_home_does_not_have_it() -> None:
    async with fleet(backups=1) as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.secrets.put(NAME, "two")
        await each.primary.beside.purge(NAME)
        for store in (each.failover[0], each.backups[0]):
            await store.others_write("alien")
        await each.replay()
        assert await each.held() == [None, "alien", "alien"]


async def test_a_delete_reaches_a_target_that_missed_it_and_a_new_value_wins_over_it() -> None:
    async with fleet(backups=1) as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        each.failover[0].away()
        await each.secrets.delete(NAME)
        await each.replay()
        assert await each.held() == [None, "one", None]
        each.failover[0].back()
        await each.replay()
        assert await each.held() == [None, None, None]


async def test_targets_that_never_took_compare_and_set_find_a_conflict_all_the_same() -> None:
    plain = replace(EVERYTHING, compare_and_set=False, conditional_changes=False)
    async with written_elsewhere(capabilities={"primary": plain, "failover-0": plain}) as each:
        await each.primary.others_write("theirs")
        assert (await each.replay()).conflicts == [NAME]


async def test_the_background_brings_what_is_owed_when_the_target_is_back() -> None:
    probing = BreakerSettings(failures=0, probe_seconds=0.001)
    async with fleet(breaker=probing, background=True) as each:
        each.failover[0].away()
        await each.secrets.put(NAME, "one")
        for _ in range(10):
            await asyncio.sleep(0.001)
        assert await each.failover[0].holds() is None
        each.failover[0].back()
        store = each.failover[0].secrets.store
        await until(lambda: any(True for _ in store.under("", None, deleted=False)))
        assert await each.held() == ["one", "one"]


async def test_a_journal_names_targets_that_are_no_longer_configured_and_keeps_them() -> None:
    async with fleet(backups=1) as each:
        each.backups[0].away()
        await each.secrets.put(NAME, "one")
        await each.replay()
        fewer = [store for store in each.stores if store is not each.backups[0]]
        async with fleet(stores=fewer, state=each.state) as later:
            done = await later.replay()
            assert done.owed == {"backup-0": 1}
            assert isinstance(later.journal, Journal)
            assert isinstance(later.secrets, Secrets)


async def test_a_home_that_is_no_longer_configured_is_named_until_the_primary_has_it() -> None:
    async with written_elsewhere(backups=1) as each:
        fewer = [each.primary, each.backups[0]]
        async with fleet(stores=fewer, state=each.state, writes="failover") as later:
            with pytest.raises(ConfigError, match="failover-0, which is no longer a target"):
                await later.secrets.put(NAME, "three")
            await later.replay()
            assert await later.held() == ["two", "two"]
            await later.secrets.put(NAME, "three")


async def test_what_is_written_to_the_primary_while_a_person_chooses_is_not_overwritten() -> (
    None
):
    async with written_elsewhere() as each:
        await each.primary.others_write("theirs")
        await each.replay()
        update = each.primary.secrets.update

        async def overtaken(*args: object, **kwargs: object) -> object:
            await each.primary.others_write("newer")
            return await update(*args, **kwargs)  # type: ignore[arg-type]  # as it came

        each.primary.secrets.update = overtaken  # type: ignore[method-assign, assignment]  # a race
        with pytest.raises(Conflict):
            await _resolve(each, 1)
        assert await each.held() == ["newer", "two"]
        assert (await each.replay()).conflicts == [NAME]


async def test_the_primary_may_hold_a_write_that_its_new_home_never_got() -> None:
    async with fleet(writes="failover") as each:
        await each.secrets.put(NAME, "four")
        await each.replay()
        await each.secrets.put(NAME, "five")  # the failover target is owed it still
        each.primary.away()
        await each.secrets.put(NAME, "six")
        each.primary.back()
        done = await each.replay()
        assert not done.conflicts
        assert await each.held() == ["six", "six"]


async def test_a_target_is_behind_since_the_first_write_that_it_lacks() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.secrets.put(NAME, "two")
        [entry] = each.journal
        await each.journal.change(entry, ticks=entry.ticks - 100)
        await each.secrets.delete(NAME)
        await each.secrets.put(NAME, "three", on_tombstone="recover")
        behind = each.journal.behind(NAME, "failover-0")
        assert behind is not None
        assert behind >= 100


async def test_the_primary_is_marked_while_a_write_is_in_doubt_elsewhere() -> None:
    async with fleet(writes="failover") as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        each.primary.away()
        second = each.failover[0]
        update = second.secrets.update

        async def then_away(*args: object, **kwargs: object) -> object:
            second.away()
            await second.beside.update(*args, **kwargs)  # type: ignore[arg-type]  # as it came
            raise Unavailable("the connection broke")

        second.secrets.update = then_away  # type: ignore[method-assign, assignment]  # a fault
        with pytest.raises(Unavailable):
            await each.secrets.put(NAME, "two")
        second.secrets.update = update  # type: ignore[method-assign]  # it is over
        each.primary.back()
        found = await each.secrets.get(NAME)  # others may have read "two" at the other target
        assert found.provenance is not None
        assert (found.value.text(), found.provenance.source) == ("one", "primary")
        assert found.provenance.stale
        assert not found.provenance.degraded


@pytest.mark.parametrize("there", ["value", "nothing", "away"])
async def test_that_the_primary_has_nothing_is_no_answer_while_another_may_have_it(
    there: str,
) -> None:
    async with fleet(failover=1, writes="failover") as each:
        each.primary.away()
        second = each.failover[0]
        create = second.secrets.create

        async def then_away(*args: object, **kwargs: object) -> object:
            second.away()
            if there == "value":
                await second.beside.create(*args, **kwargs)  # type: ignore[arg-type]  # as it came
            raise Unavailable("the connection broke")

        second.secrets.create = then_away  # type: ignore[method-assign, assignment]  # a fault
        with pytest.raises(Unavailable):
            await each.secrets.put(NAME, "one")
        second.secrets.create = create  # type: ignore[method-assign]  # the fault is over
        each.primary.back()
        if there != "away":
            second.back()
        if there == "value":
            found = await each.secrets.get(NAME)
            assert found.provenance is not None
            assert found.value.text() == "one"
            assert found.provenance.degraded
        else:
            with pytest.raises(NotFound if there == "nothing" else Unavailable) as caught:
                await each.secrets.get(NAME)
            assert caught.value.target == ("primary" if there == "nothing" else second.name)
