"""The mirror of the journal: what all processes of a host know of what is owed."""

from __future__ import annotations

import msgspec
import pytest

from skykeep.errors import Corrupt, Unavailable
from skykeep.journal.entries import Entry, packed, unpacked
from skykeep.journal.journal import Journal, lacks
from skykeep.journal.memory import MemoryJournal
from tests.journal.entries import NAME, Host, entry

# -- records


def test_a_record_comes_back_with_its_id() -> None:
    journal = Host().process()
    written = entry(journal, stuck={"b": "why"}, base=b"base", base_known=False)
    assert unpacked(7, packed(written)) == msgspec.structs.replace(written, id=7)


@pytest.mark.parametrize("damaged", [b"", b"\xc1", b"\x80", b"canary-4c1d9f07"])
def test_a_record_that_makes_no_sense_is_refused_and_not_shown(damaged: bytes) -> None:
    with pytest.raises(Corrupt, match="record 7 of the journal") as caught:
        unpacked(7, damaged)
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)


def test_the_value_is_not_in_the_repr_of_a_record() -> None:
    written = entry(Host().process(), value="canary-4c1d9f07")
    assert "canary" not in repr(written)
    assert NAME in repr(written)


# -- two processes


@pytest.mark.asyncio
async def test_each_sees_what_the_other_keeps_changes_and_removes() -> None:
    host = Host()
    one, two = host.process(), host.process()
    kept = await one.begin(entry(one, doubt=True, owed=()))
    assert not len(two)
    two.look()
    assert list(two) == [kept]
    await two.change(kept, doubt=False, owed=("b", "c"))
    one.look()
    assert one.of(NAME)[0].owed == ("b", "c")
    await one.drop(kept)
    two.look()
    assert not len(two)
    assert two.of(NAME) == ()
    assert two.names() == []


@pytest.mark.asyncio
async def test_its_own_writes_are_seen_without_a_look() -> None:
    journal = Host().process()
    kept = await journal.begin(entry(journal))
    assert journal.of(NAME) == [kept]
    await journal.change(kept, stuck={"b": "why"})
    assert journal.of(NAME)[0].stuck == {"b": "why"}
    await journal.drop(kept)
    assert journal.of(NAME) == ()


@pytest.mark.asyncio
async def test_what_another_removed_is_not_kept_again() -> None:
    host = Host()
    one, two = host.process(), host.process()
    kept = await one.begin(entry(one))
    two.look()
    await two.drop(kept)
    await one.change(kept, stuck={"b": "why"})
    one.look()
    assert not len(one)
    assert not host.state.kept()


@pytest.mark.asyncio
async def test_writes_of_a_name_are_told_oldest_first_and_names_by_the_oldest() -> None:
    host = Host()
    one, two = host.process(), host.process()
    first = await one.begin(entry(one, name="z"))
    second = await two.begin(entry(two, name="a"))
    third = await one.begin(entry(one, name="z"))
    two.look()
    await two.change(first, stuck={"b": "why"})
    assert [each.id for each in two] == [first.id, second.id, third.id]
    assert [each.id for each in two.of("z")] == [first.id, third.id]
    assert two.names() == ["z", "a"]
    assert len(two) == 3


@pytest.mark.asyncio
async def test_a_record_that_owes_nothing_to_anybody_is_removed() -> None:
    host = Host()
    journal = host.process()
    kept = await journal.begin(entry(journal, owed=("b", "c"), stuck={"b": "x", "c": "y"}))
    kept = await journal.brought(kept, "b")
    assert (kept.owed, kept.stuck) == (("c",), {"c": "y"})
    await journal.brought(kept, "c")
    assert not len(journal)
    assert not host.state.kept()
    doubtful = await journal.begin(entry(journal, doubt=True, owed=()))
    await journal.change(doubtful, stuck={})
    assert len(journal) == 1, "one in doubt stays"
    await journal.change(doubtful, doubt=False)
    assert not len(journal)


@pytest.mark.asyncio
async def test_what_earlier_writes_owe_to_a_new_home_is_past() -> None:
    # F9: replayed there after it, they went over what was acknowledged.
    journal = Host().process()
    first = await journal.begin(entry(journal, owed=("b", "c")))
    other = await journal.begin(entry(journal, name="other", owed=("b",)))
    second = await journal.begin(entry(journal, home="b", owed=("a", "c")))
    later = await journal.begin(entry(journal, owed=("b",)))
    await journal.overtaken(second)
    assert [each.owed for each in journal.of(NAME)] == [("c",), ("a", "c"), ("b",)]
    assert journal.of("other") == [other]
    assert journal.of(NAME)[0].id == first.id
    assert journal.of(NAME)[2] == later


# -- who is the home, and who is behind


@pytest.mark.asyncio
async def test_the_home_is_the_primary_until_a_write_went_elsewhere() -> None:
    journal = Host().process()
    assert journal.home(NAME, "a") == "a"
    await journal.begin(entry(journal, owed=("b", "c")))
    assert journal.home(NAME, "a") == "a"
    elsewhere = await journal.begin(entry(journal, home="b", owed=("a",), doubt=True))
    assert journal.home(NAME, "a") == "a", "one in doubt makes no home"
    elsewhere = await journal.change(elsewhere, doubt=False, owed=("a", "c"))
    assert journal.home(NAME, "a") == "b"
    assert journal.home("other", "a") == "a"
    elsewhere = await journal.brought(elsewhere, "a")
    assert journal.home(NAME, "a") == "a", "the primary has got it"
    assert elsewhere.owed == ("c",)


@pytest.mark.asyncio
async def test_of_two_homes_the_last_one_counts() -> None:
    journal = Host().process()
    await journal.begin(entry(journal, home="b", owed=("a",)))
    await journal.begin(entry(journal, home="c", owed=("a",)))
    assert journal.home(NAME, "a") == "c"


def test_who_may_not_have_a_write() -> None:
    journal = Host().process()
    kept = entry(journal, home="a", owed=("b",))
    assert [lacks(kept, each) for each in "abc"] == [False, True, False]
    doubtful = entry(journal, home="a", owed=(), doubt=True)
    assert [lacks(doubtful, each) for each in "abc"] == [False, True, True]


@pytest.mark.asyncio
async def test_a_target_is_behind_since_the_first_write_that_it_lacks() -> None:
    host = Host()
    journal = host.process()
    await journal.begin(entry(journal, owed=("b",)))
    host.ticks.now += 10
    second = await journal.begin(entry(journal, owed=("b", "c")))
    host.ticks.now += 5
    assert journal.behind(NAME, "a") is None
    assert journal.behind(NAME, "b") == 15
    assert journal.behind(NAME, "c") == 5
    assert journal.behind("other", "b") is None
    await journal.brought(journal.of(NAME)[0], "b")
    assert journal.behind(NAME, "b") == 5
    await journal.brought(second, "b")
    assert journal.behind(NAME, "b") is None


@pytest.mark.asyncio
async def test_a_listing_is_behind_with_the_names_under_its_prefix() -> None:
    host = Host()
    journal = host.process()
    await journal.begin(entry(journal, name="dbx/a", owed=("b",)))
    host.ticks.now += 1
    await journal.begin(entry(journal, name="db", owed=("b",)))
    host.ticks.now += 1
    assert journal.behind_under("db", "b") is None
    await journal.begin(entry(journal, name="db/a", owed=("b",)))
    host.ticks.now += 1
    assert journal.behind_under("db", "b") == 1
    assert journal.behind_under("db/a", "b") is None
    assert journal.behind_under("", "b") == 3
    assert journal.behind_under("", "c") is None


# -- clocks


@pytest.mark.asyncio
async def test_an_age_is_by_the_clock_that_nobody_sets() -> None:
    host = Host()
    journal = host.process()
    kept = await journal.begin(entry(journal))
    host.wall.now -= 3600
    host.ticks.now += 40
    assert journal.age(kept) == 40
    host.ticks.now -= 100
    assert journal.age(kept) == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("boot", ["another", ""])
async def test_after_another_start_of_the_system_it_is_by_the_wall_clock(boot: str) -> None:
    host = Host()
    kept = entry(host.process("" if not boot else "boot"))
    host.wall.now += 7
    host.ticks.now = 1.0
    later = host.process(boot)
    assert later.age(kept) == 7
    host.wall.now -= 100
    assert later.age(kept) == 0


def test_revisions_grow_also_where_the_clock_stands_or_is_set_back() -> None:
    host = Host()
    journal = host.process()
    first = journal.revision()
    assert first == 1_000_000_000_000
    assert journal.revision() == first + 1
    host.wall.now -= 3600
    assert journal.revision() == first + 2
    host.wall.now += 7200
    assert journal.revision() == 1_003_600_000_000


@pytest.mark.asyncio
async def test_revisions_grow_over_what_another_process_has_kept() -> None:
    host = Host()
    one, two = host.process(), host.process()
    host.wall.now += 3600
    kept = await one.begin(entry(one))
    host.wall.now -= 3600
    two.look()
    assert two.revision() == kept.revision + 1
    await one.drop(kept)
    two.look()
    assert two.revision() == kept.revision + 2, "one that is gone counts, too"


# -- its store


@pytest.mark.asyncio
async def test_a_damaged_record_is_met_by_each_look() -> None:
    host = Host()
    await MemoryJournal(host.state).append(b"nonsense")
    journal = host.process()
    for _ in range(2):
        with pytest.raises(Corrupt):
            journal.look()


@pytest.mark.asyncio
async def test_names_are_held_by_one_process_at_a_time() -> None:
    host = Host()
    one, two = host.process(), host.process()
    async with one.hold(NAME, 1):
        with pytest.raises(Unavailable):
            async with two.hold(NAME, 0):
                pass
        async with two.hold("other", 0):
            pass
    async with two.hold(NAME, 0):
        pass


@pytest.mark.asyncio
async def test_closing_and_forking_reach_the_store() -> None:
    told: list[str] = []

    class Told(MemoryJournal):
        async def close(self) -> None:
            told.append("closed")

        def after_fork(self) -> None:
            told.append("forked")

    journal = Journal(Told())
    journal.after_fork()
    await journal.close()
    assert told == ["forked", "closed"]


def test_a_record_is_a_value() -> None:
    kept = entry(Host().process())
    assert isinstance(kept, Entry)
    with pytest.raises(AttributeError):
        kept.owed = ()  # type: ignore[misc]  # it is frozen
