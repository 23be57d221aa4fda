"""``cloud.replication``: what is owed, one round, and for programs that write and end."""

from __future__ import annotations

import asyncio

import pytest

from skykeep.errors import Denied
from skykeep.journal.replayer import Replayed
from tests.replication.fleet import NAME, fleet
from tests.replication.test_conflicts import face, in_conflict

pytestmark = pytest.mark.asyncio


async def test_what_is_owed_by_target_and_by_name_and_no_call_is_made() -> None:
    async with fleet(backups=1) as each:
        await each.secrets.put("a", "1")
        await each.secrets.delete("a")
        each.failover[0].away(Denied)
        await each.replay()
        await each.secrets.put("b", "1")
        calls = [store.secrets.calls.copy() for store in each.stores]
        asked = face(each)
        assert asked.owed() == {"failover-0": 3, "backup-0": 1}
        first, second = asked.waiting()
        assert (first.name, first.owed, first.doubt) == ("a", {"failover-0": 2}, 0)
        assert list(first.stuck) == ["failover-0"]
        assert second.owed == {"failover-0": 1, "backup-0": 1}
        assert not second.stuck
        assert [store.secrets.calls for store in each.stores] == calls


async def test_what_another_process_wrote_is_owed_too() -> None:
    async with fleet() as one, fleet(stores=one.stores, state=one.state) as other:
        await other.secrets.put(NAME, "one")
        assert face(one).owed() == {"failover-0": 1}
        assert [each.name for each in face(one).waiting()] == [NAME]


async def test_one_round_is_told() -> None:
    async with fleet(backups=1) as each:
        await each.secrets.put(NAME, "one")
        done = await face(each).reconcile()
        assert done == Replayed(brought={"failover-0": 1, "backup-0": 1})


async def test_settling_brings_what_can_be_brought() -> None:
    async with fleet(backups=1) as each:
        await each.secrets.put(NAME, "one")
        each.backups[0].away()
        assert await face(each).settle(60) == {"backup-0": 1}
        assert await each.failover[0].holds() == "one"
        assert each.backups[0].secrets.calls.total() == 1, "one that is away is asked once"
        each.backups[0].back()
        assert await face(each).settle(60) == {}


async def test_settling_where_nothing_is_owed_asks_nobody() -> None:
    async with fleet() as each:
        assert await face(each).settle(60) == {}
        assert not any(store.secrets.calls for store in each.stores)


async def test_settling_ends_in_its_time() -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, "one")
        each.failover[0].secrets.latency = 3600
        assert await face(each).settle(0.01) == {"failover-0": 1}
        assert await face(each).settle(0) == {"failover-0": 1}
        each.failover[0].back()
        assert await face(each).settle(60) == {}


async def test_settling_does_not_go_on_about_a_conflict() -> None:
    async with fleet(writes="failover") as each:
        await in_conflict(each)
        async with asyncio.timeout(30):
            assert await face(each).settle(3600) == {"primary": 1}


async def test_with_one_target_nothing_is_ever_owed() -> None:
    async with fleet(failover=0) as each:
        each.stack.journal = each.stack.replayer = None
        asked = face(each)
        assert (asked.owed(), asked.waiting()) == ({}, [])
        assert await asked.settle(60) == {}
        assert await asked.reconcile() == Replayed()
        assert (await asked.health()).status == "ok"
