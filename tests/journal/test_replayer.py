"""What is owed is brought: one rule at a time."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from skykeep.errors import Conflict, Denied, Invalid, Throttled, Unavailable
from skykeep.interfaces.call import Effect
from skykeep.interfaces.secret_command import SecretCommand
from skykeep.interfaces.secret_driver import Attributes, Stamp
from skykeep.interfaces.secret_value import SecretValue
from skykeep.journal.entries import Brings, Entry
from skykeep.journal.replayer import AT_ONCE, Replayed
from skykeep.providers.memory.secrets import EVERYTHING
from tests.journal.entries import NAME
from tests.journal.replaying import Rig
from tests.replication.fleet import until

pytestmark = pytest.mark.asyncio


# -- bringing


async def test_a_target_in_step_is_brought_on_without_asking_the_home() -> None:
    rig = Rig()
    await rig.hold(a="two", b="one")
    rig.stores["a"].away()
    await rig.wrote("two", base="one")
    assert await rig.replayer.replay() == Replayed(brought={"b": 1})
    assert (await rig.stores["b"].holds(), rig.left()) == ("two", ())
    assert not rig.stores["a"].secrets.calls


async def test_one_that_has_it_already_gets_no_second_version() -> None:
    rig = Rig()
    await rig.hold(a="two", b="two")
    await rig.wrote("two", base="one")
    assert (await rig.replayer.replay()).brought == {"b": 1}
    assert len(await rig.stores["b"].beside.versions(NAME)) == 1
    assert rig.left() == ()


async def test_writes_come_to_one_call_and_any_of_them_is_a_base() -> None:
    for held in ("one", "two", None):
        rig = Rig()
        await rig.hold(a="three")
        if held:
            await rig.hold(b=held)
        rig.stores["a"].away()
        await rig.wrote("one")
        await rig.wrote("two", base="one")
        await rig.wrote("three", base="two")
        assert await rig.replayer.replay() == Replayed(brought={"b": 3})
        assert await rig.stores["b"].holds() == "three"
        assert [each.call.operation for each in rig.calls] == ["secrets.get", "secrets.replay"]


async def test_what_is_sent_is_a_write_of_its_size_that_may_be_done_twice() -> None:
    rig = Rig()
    await rig.hold(a="value")
    await rig.wrote("value")
    await rig.replayer.replay()
    look, apply = rig.calls
    assert (look.call.effect, look.call.resource, look.last) == (Effect.READ, NAME, False)
    assert (apply.call.effect, apply.call.size) == (Effect.WRITE, 5)
    assert apply.call.idempotent


async def test_one_out_of_step_gets_what_the_home_holds() -> None:
    rig = Rig()
    stamp = Stamp(9, bytes(16))
    await rig.stores["a"].beside.create(
        NAME, SecretValue("newer"), Attributes(tags={"x": "1"}, stamp=stamp)
    )
    await rig.hold(b="alien")
    await rig.wrote("two", base="one")
    assert (await rig.replayer.replay()).brought == {"b": 1}
    assert await rig.held() == {"a": "newer", "b": "newer"}
    info = await rig.stores["b"].beside.describe(NAME)
    assert (info.stamp, info.tags) == (stamp, {"x": "1"})


async def test_one_out_of_step_waits_while_the_home_is_away() -> None:
    rig = Rig()
    await rig.hold(a="two", b="alien")
    rig.stores["a"].away()
    await rig.wrote("two", base="one")
    done = await rig.replayer.replay()
    assert (done.owed, done.conflicts, done.brought) == ({"b": 1}, [], {})
    assert await rig.stores["b"].holds() == "alien"
    assert len(rig.left()) == 1


async def test_a_base_that_was_not_shown_is_none() -> None:
    rig = Rig()
    await rig.hold(a="two")
    await rig.wrote("two", base_known=False)
    rig.stores["a"].away()
    assert (await rig.replayer.replay()).owed == {"b": 1}, "nothing there is not the base"
    rig.stores["a"].back()
    assert (await rig.replayer.replay()).brought == {"b": 1}
    assert await rig.stores["b"].holds() == "two"


async def test_what_the_home_has_no_more_deletes_nothing() -> None:
    rig = Rig()
    await rig.hold(b="alien")
    await rig.wrote("two", base="one")
    assert (await rig.replayer.replay()).brought == {"b": 1}
    assert await rig.held() == {"a": None, "b": "alien"}
    assert rig.left() == ()


async def test_a_delete_takes_also_what_is_out_of_step_while_the_home_has_nothing() -> None:
    rig = Rig()
    await rig.hold(b="alien")
    await rig.wrote(None, kind="delete", base="one")
    await rig.replayer.replay()
    assert await rig.held() == {"a": None, "b": None}
    rig = Rig()
    await rig.hold(a="written since", b="alien")
    await rig.wrote(None, kind="delete", base="one")
    await rig.replayer.replay()
    assert await rig.held() == {"a": "written since", "b": "written since"}


async def test_a_delete_reaches_a_target_that_does_not_show_what_it_holds() -> None:
    rig = Rig()
    await rig.hold(b="one")
    rig.stores["b"].secrets.fail_next(Denied, operation="get", times=10**9)
    await rig.wrote(None, kind="delete", base="one")
    assert (await rig.replayer.replay()).brought == {"b": 1}
    assert await rig.stores["b"].holds() is None


async def test_what_only_the_home_knows_is_asked_of_it() -> None:
    rig = Rig()
    await rig.hold(a="restored", b="one")
    await rig.wrote(None, kind="promote", brings=Brings.HOMES, base="one")
    rig.stores["a"].away()
    assert (await rig.replayer.replay()).owed == {"b": 1}
    rig.stores["a"].back()
    await rig.replayer.replay()
    assert await rig.held() == {"a": "restored", "b": "restored"}


async def test_a_home_that_does_not_show_what_it_holds_needs_a_person() -> None:
    rig = Rig()
    await rig.hold(a="two", b="alien")
    rig.stores["a"].away(Denied)
    await rig.wrote("two", base="one")
    assert (await rig.replayer.replay()).conflicts == [NAME]
    assert rig.left()[0].stuck == {"b": "a does not show what it holds"}


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ("theirs", "conflict: others have written to it since"),
        (None, "conflict: it holds nothing, and held something when the write was made"),
    ],
)
async def test_the_primary_out_of_step_is_a_conflict(held: str | None, why: str) -> None:
    rig = Rig()
    await rig.hold(b="two")
    if held:
        await rig.hold(a=held)
    await rig.wrote("two", base="one", home="b", owed=("a",))
    done = await rig.replayer.replay()
    assert (done.conflicts, done.owed, done.brought) == ([NAME], {"a": 1}, {})
    assert rig.left()[0].stuck == {"a": why}
    assert await rig.held() == {"a": held, "b": "two"}


async def test_a_primary_that_does_not_show_what_it_holds_is_a_conflict() -> None:
    rig = Rig()
    await rig.hold(a="one", b="two")
    rig.stores["a"].secrets.fail_next(Denied, operation="get", times=10**9)
    await rig.wrote("two", base="one", home="b", owed=("a",))
    await rig.replayer.replay()
    assert rig.left()[0].stuck == {"a": "conflict: it does not show what it holds"}
    assert await rig.stores["a"].holds() == "one"


async def test_what_a_later_write_left_at_its_home_stays() -> None:
    # F9: an older record owed to b went over what b, as a home, had acknowledged.
    rig = Rig("b", "c")
    await rig.hold(a="one", b="two")
    await rig.wrote("one", owed=("b", "c"))
    await rig.wrote("two", base="one", home="b", owed=("a", "c"))
    await rig.replayer.replay()
    assert await rig.held() == {"a": "two", "b": "two", "c": "two"}
    assert rig.left() == ()
    assert "b" not in {call.target.name for call in rig.calls}, "there is nothing to ask it"


async def test_what_a_doubtful_write_left_is_a_base_for_a_later_one() -> None:
    rig = Rig()
    await rig.hold(a="two", b="three")
    await rig.in_doubt("two", base="one", home="a")
    await rig.wrote("three", base="one", home="b", owed=("a",))
    done = await rig.replayer.replay()
    assert not done.conflicts
    assert await rig.held() == {"a": "three", "b": "three"}
    assert rig.left() == ()


async def test_the_primary_is_brought_last() -> None:
    rig = Rig("b", "c")
    await rig.hold(a="one", b="two", c="one")
    await rig.wrote("two", base="one", home="b", owed=("c", "a"))
    await rig.replayer.replay()
    assert [call.target.name for call in rig.calls] == ["c", "c", "a", "a"]


# -- what does not go well


@pytest.mark.parametrize("error", [Unavailable, Throttled])
async def test_a_target_that_does_not_answer_is_asked_once_in_a_round(
    error: type[Exception],
) -> None:
    rig = Rig("b", "c")
    await rig.hold(a="two")
    for _ in range(2):
        await rig.wrote("two", owed=("b", "c"))
    rig.stores["b"].away(error)
    done = await rig.replayer.replay()
    assert (done.brought, done.owed) == ({"c": 2}, {"b": 2})
    assert list(done.away) == ["b"]
    assert rig.stores["b"].secrets.calls.total() == 1
    assert not rig.left()[0].stuck


async def test_of_many_names_no_more_are_asked_of_a_target_that_is_away_than_go_at_once() -> (
    None
):
    rig = Rig()
    for number in range(3 * AT_ONCE):
        await rig.wrote("two", name=f"n/{number}")
    rig.stores["b"].away()
    assert (await rig.replayer.replay()).owed == {"b": 3 * AT_ONCE}
    assert rig.stores["b"].secrets.calls.total() <= AT_ONCE


async def test_what_changed_since_it_was_looked_at_is_left_to_the_next_round() -> None:
    rig = Rig()
    await rig.hold(a="two", b="one")
    await rig.wrote("two", base="one")
    rig.stores["b"].secrets.fail_next(Conflict, operation="update")
    done = await rig.replayer.replay()
    assert (done.owed, done.conflicts, done.away) == ({"b": 1}, [], {})
    assert not rig.left()[0].stuck
    assert (await rig.replayer.replay()).brought == {"b": 1}


async def test_what_a_target_refuses_is_kept_with_the_reason_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    await rig.hold(a="two", b="one")
    await rig.wrote("two", base="one")
    rig.stores["b"].secrets.fail_next(Invalid("too large"), operation="update", times=3)
    rig.stores["b"].secrets.fail_next(Denied("no"), operation="update")
    with caplog.at_level(logging.WARNING, "skykeep"):
        assert (await rig.replayer.replay()).conflicts == [NAME]
        commits = rig.host.state.number
        for _ in range(2):
            assert (await rig.replayer.replay()).conflicts == [NAME]
        assert rig.host.state.number == commits, "the same reason is not written again"
        assert rig.left()[0].stuck == {"b": "Invalid: too large"}
        await rig.replayer.replay()
        assert rig.left()[0].stuck == {"b": "Denied: no"}
    assert [record.message for record in caplog.records] == [
        f"{NAME} is not brought to b: Invalid: too large",
        f"{NAME} is not brought to b: Denied: no",
    ]
    assert (await rig.replayer.replay()).brought == {"b": 1}
    assert rig.left() == ()


async def test_targets_that_are_not_configured_keep_what_they_are_owed() -> None:
    rig = Rig()
    await rig.hold(a="two", b="one")
    await rig.wrote("two", base="one", owed=("b", "gone"))
    await rig.in_doubt("three", home="gone")
    done = await rig.replayer.replay()
    assert (done.brought, done.owed) == ({"b": 1}, {"gone": 1})
    assert [each.owed for each in rig.left()] == [("gone",), ()]


async def test_a_name_that_is_being_written_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("skykeep.journal.replayer.PATIENCE", 0.0)
    rig = Rig()
    await rig.hold(a="two", b="one")
    await rig.wrote("two", base="one")
    other = rig.host.process()
    async with other.hold(NAME, 1):
        assert (await rig.replayer.replay()).owed == {"b": 1}
        assert not rig.calls
    assert (await rig.replayer.replay()).brought == {"b": 1}


async def test_two_processes_that_replay_at_once_bring_it_once() -> None:
    rig = Rig()
    await rig.hold(a="two", b="one")
    await rig.wrote("two", base="one")
    other = rig.replaying(rig.host.process())
    one, two = await asyncio.gather(rig.replayer.replay(), other.replay())
    assert sorted([one.brought, two.brought], key=len) == [{}, {"b": 1}]
    assert rig.stores["b"].secrets.calls["update"] == 1


# -- in the background


async def test_it_waits_first_and_is_woken(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    await rig.hold(a="two", b="one")
    await rig.wrote("two", base="one")
    rig.replayer.wake()  # nobody serves yet
    serving = asyncio.create_task(rig.replayer.serve())
    await asyncio.sleep(0)
    assert not rig.calls
    rig.replayer.wake()
    await until(lambda: not rig.left())
    assert await rig.stores["b"].holds() == "two"
    store = rig.journal._store
    broken = False

    def fails(since: int) -> Any:
        nonlocal broken
        broken = True
        raise Unavailable("planted")

    rig.journal._store.changes, changes = fails, store.changes  # type: ignore[method-assign]
    rig.replayer.wake()
    await until(lambda: broken)
    rig.journal._store.changes = changes  # type: ignore[method-assign]  # mended
    await rig.wrote("three", base="two")
    await rig.hold(a="three")
    rig.replayer.wake()
    await until(lambda: not rig.left())
    assert "the journal cannot be replayed: planted" in caplog.text
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def test_it_comes_back_by_itself() -> None:
    rig = Rig()
    await rig.hold(a="two", b="one")
    await rig.wrote("two", base="one")
    serving = asyncio.create_task(rig.replaying(rig.journal, every=0.001).serve())
    await until(lambda: not rig.left())
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def test_names_are_brought_side_by_side_and_one_does_not_end_the_others() -> None:
    rig = Rig(can=replace(EVERYTHING, max_value_bytes=5))
    await rig.wrote("much too large", base=None)
    fine = SecretCommand("put", "fine", SecretValue("1"))
    kept = rig.left()[0]
    journal = rig.journal
    await journal.begin(
        Entry(
            name="fine",
            brings=Brings.VALUE,
            home="a",
            made=0.0,
            ticks=0.0,
            boot="boot",
            revision=1,
            command=fine.pack(),
            digest=fine.digest,
            doubt=False,
            owed=("b",),
        )
    )
    done = await rig.replayer.replay()
    assert (done.brought, done.conflicts) == ({"b": 1}, [kept.name])
    assert await rig.stores["b"].holds("fine") == "1"
