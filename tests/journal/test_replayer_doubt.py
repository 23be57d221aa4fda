"""What is in doubt is settled by its home."""

from __future__ import annotations

import pytest

from skykeep.errors import Denied, Invalid, Throttled, Unavailable
from skykeep.interfaces.secret_command import Kind
from skykeep.interfaces.secret_driver import Attributes
from skykeep.journal.entries import Brings
from skykeep.journal.journal import SETTLES_AFTER
from tests.journal.entries import NAME
from tests.journal.replaying import Rig

pytestmark = pytest.mark.asyncio


# -- doubt


@pytest.mark.parametrize(
    ("kind", "value", "base", "holds", "done"),
    [
        ("put", "two", "one", "two", True),
        ("put", "two", "one", "one", False),
        ("put", "two", None, None, False),
        ("delete", None, "one", None, True),
        ("delete", None, "one", "one", False),
        ("purge", None, None, None, False),  # nothing was there before it: nothing is shown
        ("restore", None, None, "old", True),
        ("restore", None, None, None, False),
        ("promote", None, "one", "old", True),
        ("promote", None, "one", "one", False),
    ],
)
async def test_its_home_settles_a_write_in_doubt(
    kind: Kind, value: str | None, base: str | None, holds: str | None, done: bool
) -> None:
    rig = Rig("b", "c")
    if holds:
        await rig.hold(a=holds)
    brings = Brings.HOMES if kind in {"restore", "promote"} else None
    await rig.in_doubt(value, kind=kind, base=base, brings=brings)
    rig.stores["b"].away()
    rig.stores["c"].away()
    assert (await rig.replayer.replay()).settled == int(done)
    [left] = rig.left()
    assert (left.doubt, left.owed) == (not done, ("b", "c") if done else ())


@pytest.mark.parametrize("there", [True, False])
async def test_what_was_said_of_a_secret_is_settled_by_describing_it(there: bool) -> None:
    rig = Rig()
    await rig.hold(a="one", b="one")
    said = Attributes(tags={"x": "1"})
    if there:
        await rig.stores["a"].beside.annotate(NAME, said)
    await rig.in_doubt(None, kind="annotate", base="one", attributes=said)
    assert (await rig.replayer.replay()).settled == int(there)
    assert (await rig.stores["b"].beside.describe(NAME)).tags == ({"x": "1"} if there else {})
    assert [each.call.operation for each in rig.calls][:2] == [
        "secrets.get",
        "secrets.describe",
    ]


async def test_a_description_that_is_refused_settles_nothing() -> None:
    rig = Rig()
    await rig.hold(a="one")
    await rig.in_doubt(None, kind="annotate", attributes=Attributes(tags={"x": "1"}))
    rig.stores["a"].secrets.fail_next(Denied, operation="describe")
    assert (await rig.replayer.replay()).settled == 0
    assert rig.left()[0].doubt


@pytest.mark.parametrize("error", [Unavailable, Throttled, Invalid])
async def test_a_home_that_does_not_answer_settles_nothing(error: type[Exception]) -> None:
    rig = Rig()
    await rig.in_doubt("two")
    rig.stores["a"].away(error)
    rig.host.ticks.now += 10 * SETTLES_AFTER
    done = await rig.replayer.replay()
    assert done.settled == 0
    assert list(done.away) == ([] if error is Invalid else ["a"])
    assert rig.left()[0].doubt


async def test_a_home_that_does_not_show_it_settles_nothing_however_late() -> None:
    rig = Rig()
    await rig.hold(a="one")
    await rig.in_doubt("two", base="one")
    rig.stores["a"].secrets.fail_next(Denied, operation="get")
    rig.host.ticks.now += 10 * SETTLES_AFTER
    assert (await rig.replayer.replay()).settled == 0
    assert rig.left()[0].doubt


async def test_one_that_its_home_does_not_show_is_taken_for_lost_after_30_seconds() -> None:
    rig = Rig()
    await rig.hold(a="one", b="one")
    await rig.in_doubt("two", base="one")
    rig.host.ticks.now += SETTLES_AFTER
    assert (await rig.replayer.replay()).settled == 0
    assert len(rig.left()) == 1
    rig.host.ticks.now += 0.1
    assert (await rig.replayer.replay()).settled == 1
    assert rig.left() == ()
    assert await rig.held() == {"a": "one", "b": "one"}


async def test_a_doubt_that_a_later_write_replaced_is_dropped() -> None:
    rig = Rig("b", "c")
    await rig.hold(a="three", b="three", c="one")
    await rig.in_doubt("two", base="one", home="b")
    await rig.wrote("three", base="one", owed=("c",))
    rig.stores["c"].away()
    assert (await rig.replayer.replay()).settled == 1
    assert [each.doubt for each in rig.left()] == [False]
    assert rig.stores["b"].secrets.calls["get"] == 0, "its home is not asked"


async def test_a_doubt_at_a_target_that_is_owed_a_later_write_stays_until_it_has_it() -> None:
    rig = Rig()
    await rig.hold(a="one", b="three")
    doubt = await rig.in_doubt("two", base="one")
    await rig.wrote("three", base="one", home="b", owed=("a",))
    rig.stores["a"].away()
    assert (await rig.replayer.replay()).settled == 0
    assert rig.left()[0] == doubt
    rig.stores["a"].back()
    assert (await rig.replayer.replay()).settled == 1
    assert rig.left() == ()
    assert await rig.held() == {"a": "three", "b": "three"}


async def test_a_doubt_that_is_settled_ends_what_earlier_writes_owe_to_its_home() -> None:
    rig = Rig("b", "c")
    await rig.hold(a="one", b="two", c="zero")
    await rig.wrote("one", base="zero", owed=("b", "c"))
    await rig.in_doubt("two", base="zero", home="b")
    for name in "ac":
        rig.stores[name].away()
    await rig.replayer.replay()
    assert [each.owed for each in rig.left()] == [("c",), ("a", "c")]
    assert await rig.stores["b"].holds() == "two"


async def test_what_a_later_write_in_doubt_left_is_no_base_of_an_earlier_one() -> None:
    rig = Rig()
    await rig.hold(a="theirs", b="ours")
    await rig.wrote("ours", base="one", home="b", owed=("a",))
    await rig.in_doubt("theirs", base="theirs")  # a person kept it
    rig.stores["a"].secrets.fail_next(Invalid, operation="get")
    assert (await rig.replayer.replay()).conflicts == [NAME]
    assert await rig.stores["a"].holds() == "theirs"
    await rig.replayer.replay()
    assert await rig.held() == {"a": "theirs", "b": "theirs"}
    assert rig.left() == ()
