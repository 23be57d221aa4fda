"""What a write's failure says of it: nothing was written, or nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from skykeep.errors import Conflict, Denied, Quota, Unavailable
from skykeep.interfaces.secret_driver import Attributes
from skykeep.layers.home_write import RACES
from skykeep.settings.model import RetrySettings
from tests.replication.fleet import NAME, fleet

pytestmark = pytest.mark.asyncio


async def test_what_was_not_sent_leaves_nothing_in_the_journal() -> None:
    async with fleet() as each:
        refused = Unavailable("no connection", sent=False)
        each.primary.secrets.fail_next(refused, operation="create")
        with pytest.raises(Unavailable) as caught:
            await each.secrets.put(NAME, "one")
        assert not caught.value.sent
        assert not each.state.kept()


async def test_a_conflict_that_nobody_can_look_into_is_a_doubt() -> None:
    # F2: it may be with the first try of this very write, whose answer was lost.
    async with fleet() as each:

        async def applied_then_away(name: str, value: Any, attributes: Attributes) -> Any:
            await each.primary.beside.create(name, value, attributes)
            each.primary.away()
            raise Conflict("it exists already")

        create = each.primary.secrets.create
        each.primary.secrets.create = applied_then_away  # type: ignore[method-assign]  # a fault
        with pytest.raises(Unavailable, match="outcome is not known") as caught:
            await each.secrets.put(NAME, "one")
        assert caught.value.sent
        assert [entry.doubt for entry in each.journal] == [True]
        each.primary.secrets.create = create  # type: ignore[method-assign]  # it is over
        each.primary.back()
        assert (await each.replay()).settled == 1
        assert await each.held() == ["one", "one"]


async def test_a_conflict_with_its_own_first_try_is_no_conflict() -> None:
    again = RetrySettings(attempts=2, base_seconds=0)
    async with fleet(retry=again) as each:
        each.primary.secrets.fail_next(Unavailable, operation="create", applied=True)
        written = await each.secrets.create(NAME, "one")
        assert written.version == "1"
        assert len(await each.primary.beside.versions(NAME)) == 1
        await each.replay()
        assert await each.held() == ["one", "one"]


async def test_a_write_that_is_overtaken_again_and_again_gives_up() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        update, tries = each.primary.secrets.update, 0

        async def overtaken(*args: Any, **kwargs: Any) -> Any:
            nonlocal tries
            tries += 1
            await each.primary.others_write(f"theirs {tries}")
            return await update(*args, **kwargs)

        each.primary.secrets.update = overtaken  # type: ignore[method-assign]  # a race
        with pytest.raises(Conflict):
            await each.secrets.put(NAME, "two")
        assert tries == RACES
        assert await each.primary.holds() == f"theirs {RACES}"
        assert not each.state.kept()


@pytest.mark.parametrize("writes", ["primary", "failover"])
async def test_a_refusal_before_anything_was_sent_says_so(writes: str) -> None:
    async with fleet(writes=writes) as each:
        each.primary.away()
        each.failover[0].away()
        with pytest.raises(Unavailable) as caught:
            await each.secrets.put(NAME, "one")
        assert not caught.value.sent
        assert caught.value.target == "primary"
        assert not each.state.kept()


async def test_a_quota_of_the_next_target_is_told_where_the_primary_got_nothing() -> None:
    async with fleet(writes="failover") as each:
        each.primary.away()
        each.failover[0].secrets.fail_next(Quota, operation="create")
        with pytest.raises(Quota):
            await each.secrets.put(NAME, "one")
        assert not each.state.kept()


async def test_a_revision_goes_with_each_write() -> None:
    async with fleet(digests=True) as each:
        await each.secrets.put(NAME, "one")
        await each.secrets.put("other", "one")
        one = (await each.primary.beside.get(NAME)).stamp
        other = (await each.primary.beside.get("other")).stamp
        assert one is not None
        assert other is not None
        revisions = {entry.name: entry.revision for entry in each.journal}
        assert (revisions[NAME], revisions["other"]) == (one.revision, other.revision)
        assert one.revision < other.revision
        assert one.digest != other.digest


async def test_a_write_with_its_own_condition_is_tried_once() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.primary.others_write("theirs")
        each.primary.secrets.calls.clear()
        with pytest.raises(Conflict):
            await each.secrets.update(NAME, "two", expects="1")
        assert each.primary.secrets.calls["update"] == 1


async def test_where_the_value_stays_the_home_cannot_show_that_the_write_was_done() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        each.primary.secrets.fail_next(Unavailable("lost"), operation="update")
        with pytest.raises(Unavailable) as caught:
            await each.secrets.put(NAME, "one", tags={"a": "b"})
        assert caught.value.sent
        assert [entry.doubt for entry in each.journal] == [True]


async def test_what_the_home_does_not_show_is_no_base() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        each.primary.secrets.fail_next(Denied, operation="get")
        await each.secrets.put(NAME, "two")
        [entry] = each.journal
        assert (entry.base, entry.base_known) == (None, False)
        await each.replay()
        await each.secrets.put(NAME, "three")
        [entry] = each.journal
        assert entry.base_known
        assert entry.base is not None


async def test_what_was_promoted_reaches_the_others_while_its_home_is_away() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        await each.secrets.put(NAME, "two")
        await each.replay()
        await each.secrets.promote(NAME, "1")
        each.primary.away()
        await each.replay()
        assert await each.held() == ["one", "one"]
        assert not len(each.journal)


async def test_a_create_of_what_its_home_shows_is_refused_and_goes_nowhere_else() -> None:
    # Sent all the same, and its refusal lost, it would have been made at the next target, and
    # its copy would have taken what others had written for what it is to replace.
    async with fleet(writes="failover") as each:
        await each.primary.others_write("theirs")

        async def refused_and_away(name: str, value: Any, attributes: Attributes) -> Any:
            each.primary.away()
            raise Conflict("it exists already")

        each.primary.secrets.create = refused_and_away  # type: ignore[method-assign]  # a fault
        with pytest.raises(Conflict, match="exists already"):
            await each.secrets.create(NAME, "ours")
        assert not each.state.kept()
        assert await each.held() == ["theirs", None]
