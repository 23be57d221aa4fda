"""One record for several writes of a name: when that may be, and what it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from skykeep.journal.entries import Brings, Entry
from skykeep.journal.joining import EARLIER, inherited, joinable
from skykeep.journal.journal import Journal
from tests.journal.entries import Host, entry

OWED = {"owed": ("b", "c")}


async def two(journal: Journal, before: dict[str, Any], **now: Any) -> tuple[Entry, Entry]:
    first = await journal.begin(entry(journal, value="one", **{**OWED, **before}))
    later = entry(journal, value="two", **{"doubt": True, "owed": (), **now})
    return first, await journal.begin(later)


@pytest.mark.asyncio
async def test_a_write_takes_in_the_one_before_it() -> None:
    journal = Host().process()
    first, second = await two(journal, {})
    assert joinable(journal, second, OWED) == first


@pytest.mark.asyncio
async def test_it_takes_in_one_that_some_have_got_already() -> None:
    journal = Host().process()
    first, second = await two(journal, {"owed": ("c",)})
    assert joinable(journal, second, OWED) == first


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "before",
    [
        {"doubt": True},
        {"home": "b", "owed": ("a", "c")},
        {"home": "b", "owed": ("c",)},
        {"owed": ("b", "a target that is no longer configured")},
        {"brings": Brings.NOTHING},
        {"brings": Brings.SAME},
        {"brings": Brings.HOMES},
        {"name": "other"},
    ],
)
async def test_it_does_not_take_in(before: dict[str, Any]) -> None:
    journal = Host().process()
    _, second = await two(journal, before)
    assert joinable(journal, second, OWED) is None


@pytest.mark.asyncio
@pytest.mark.parametrize("brings", [Brings.NOTHING, Brings.SAME, Brings.HOMES])
async def test_only_a_value_takes_in_others(brings: Brings) -> None:
    journal = Host().process()
    first, second = await two(journal, {}, brings=brings)
    assert joinable(journal, second, OWED) is None
    assert joinable(journal, second, {**OWED, "brings": Brings.VALUE}) == first


@pytest.mark.asyncio
async def test_only_the_last_one_before_it_counts() -> None:
    journal = Host().process()
    await journal.begin(entry(journal, **OWED))
    await journal.begin(entry(journal, brings=Brings.NOTHING, **OWED))
    last = await journal.begin(entry(journal, doubt=True, owed=()))
    await journal.begin(entry(journal, **OWED))
    assert joinable(journal, last, OWED) is None


@pytest.mark.asyncio
async def test_what_targets_may_hold_is_kept_of_all_before_it() -> None:
    journal = Host().process()
    first = await journal.begin(entry(journal, value="one", base=b"base", also=(b"older",)))
    await journal.begin(entry(journal, base=b"hidden", base_known=False, digest=None))
    await journal.begin(entry(journal, brings=Brings.NOTHING, digest=None, base=b"base"))
    await journal.begin(entry(journal, name="other", base=b"another name's"))
    now = await journal.begin(entry(journal, value="now", doubt=True, owed=()))
    await journal.begin(entry(journal, value="later", base=b"later"))
    also = inherited(journal, now, ())["also"]
    assert also == (b"older", b"base", first.digest, None)


@pytest.mark.asyncio
async def test_each_target_is_behind_since_the_first_write_that_it_lacks() -> None:
    host = Host()
    journal = host.process()
    await journal.begin(entry(journal, owed=("b",)))
    host.ticks.now += 10
    await journal.begin(entry(journal, owed=("b", "c")))
    host.ticks.now += 10
    now = await journal.begin(entry(journal, doubt=True, owed=()))
    assert inherited(journal, now, ("b", "c", "d"))["since"] == {"b": 50.0, "c": 60.0}


@pytest.mark.asyncio
async def test_as_many_digests_are_kept_as_are_said_and_the_last_ones() -> None:
    journal = Host().process()
    many = tuple(bytes([n]) for n in range(EARLIER))
    first = await journal.begin(entry(journal, also=many, base=many[0]))
    now = await journal.begin(entry(journal, doubt=True, owed=()))
    also = inherited(journal, now, ())["also"]
    assert also == (*many[1:], first.digest), "none is kept twice"
