"""Conflicts as a person sees them, and the choice."""

from __future__ import annotations

import pytest

from skykeep.errors import ConfigError, Denied, Invalid, NotFound, Unavailable
from skykeep.replication.conflicts import Conflict, conflicts
from skykeep.replication.face import Replication
from skykeep.settings.model import Environment, TargetSettings
from tests.replication.fleet import NAME, Fleet, fleet

pytestmark = pytest.mark.asyncio


def face(each: Fleet) -> Replication:
    settings = [TargetSettings(backend="memory", name=store.name) for store in each.stores]
    copies, kept = len(each.failover), len(each.backups)
    environment = Environment(
        name="production",
        primary=settings[0],
        failover=tuple(settings[1 : 1 + copies]),
        backups=tuple(settings[1 + copies : 1 + copies + kept]),
    )
    return Replication(environment, each.stack, each.stores, lambda: each.secrets)


async def in_conflict(each: Fleet, name: str = NAME) -> None:
    """The primary holds "theirs", the first failover target "ours"."""
    await each.secrets.put(name, "before")
    await each.replay()
    each.primary.away()
    await each.secrets.put(name, "ours")
    each.primary.back()
    await each.primary.others_write("theirs", name)
    await each.replay()


async def shown(each: Fleet, scope: str = "") -> list[Conflict]:
    return await conflicts(each.stack, each.journal, each.stores, scope)


async def test_there_are_none() -> None:
    async with fleet() as each:
        each.failover[0].away()
        await each.secrets.put(NAME, "one")
        assert await shown(each) == [], "what is owed alone is no conflict"
        assert await face(each).conflicts() == []


async def test_both_sides_are_shown_by_digest_and_no_value_is() -> None:
    async with fleet(backups=2, writes="failover") as each:
        await in_conflict(each)
        await each.backups[1].beside.purge(NAME)
        [found] = await shown(each)
        assert (found.name, set(found.why)) == (NAME, {"primary"})
        assert [side.target for side in found.sides] == [store.name for store in each.stores]
        theirs, ours, backup, nothing = (side.digest for side in found.sides)
        assert theirs != ours == backup
        assert ours is not None
        assert theirs is not None
        assert len(ours) == len(theirs) == 8
        assert nothing is None
        assert [side.version for side in found.sides] == ["2", "2", "2", None]
        assert "ours" not in repr(found)
        assert "theirs" not in repr(found)
        assert found.made == next(iter(each.journal)).made


async def test_digests_are_drawn_anew_for_each_report() -> None:
    async with fleet(writes="failover") as each:
        await in_conflict(each)
        [one], [two] = await shown(each), await shown(each)
        assert one.sides[0].digest != two.sides[0].digest


async def test_a_side_that_cannot_be_asked_says_why() -> None:
    async with fleet(writes="failover") as each:
        await in_conflict(each)
        each.primary.away()
        each.failover[0].away(Denied)
        [found] = await shown(each)
        primary, other = found.sides
        assert (primary.version, primary.digest) == (None, None)
        assert primary.error is not None
        assert primary.error.startswith("Unavailable: ")
        assert (other.digest, other.error) == (None, None), "it answers, and does not show it"


async def test_the_oldest_is_first_and_the_scope_is_taken_off() -> None:
    async with fleet(writes="failover") as each:
        for name in ("team/z", "team/a"):
            await in_conflict(each, name)
        assert [each.name for each in await shown(each, "team/")] == ["z", "a"]


# -- the choice


@pytest.mark.parametrize(("keep", "value"), [("primary", "theirs"), ("failover-0", "ours")])
async def test_what_is_kept_reaches_all(keep: str, value: str) -> None:
    async with fleet(backups=1, writes="failover") as each:
        await in_conflict(each)
        await face(each).resolve(NAME, keep)
        await each.replay()
        assert set(await each.held()) == {value}
        assert not len(each.journal)
        assert await face(each).conflicts() == []


async def test_another_name_is_left_alone() -> None:
    async with fleet(writes="failover") as each:
        await in_conflict(each)
        await in_conflict(each, "other")
        await face(each).resolve(NAME, "primary")
        assert [each.name for each in await shown(each)] == ["other"]


@pytest.mark.parametrize(
    ("name", "keep", "error"),
    [
        (NAME, "nowhere", ConfigError),
        ("other", "primary", Invalid),
        ("no/../name", "primary", Invalid),
        (NAME, "backup-0", NotFound),
    ],
)
async def test_a_choice_that_cannot_be_made_writes_nothing(
    name: str, keep: str, error: type[Exception]
) -> None:
    async with fleet(backups=1, writes="failover") as each:
        await in_conflict(each)
        await each.backups[0].beside.purge(NAME)
        before, kept = await each.held(), each.state.number
        with pytest.raises(error):
            await face(each).resolve(name, keep)
        assert await each.held() == before
        assert each.state.number == kept


async def test_a_primary_that_is_away_leaves_the_conflict() -> None:
    async with fleet(writes="failover") as each:
        await in_conflict(each)
        each.primary.away()
        with pytest.raises(Unavailable):
            await face(each).resolve(NAME, "failover-0")
        each.primary.back()
        assert len(await shown(each)) == 1


async def test_an_environment_of_one_target_has_none() -> None:
    async with fleet(failover=0) as each:
        each.stack.journal = None
        assert await face(each).conflicts() == []
        with pytest.raises(ConfigError, match="one target"):
            await face(each).resolve(NAME, "primary")
