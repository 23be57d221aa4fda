"""The digests in stamps, and the key that they are made with."""

from __future__ import annotations

import asyncio

import pytest

from skykeep.errors import Denied, SkykeepError, Unavailable
from skykeep.interfaces.secret_command import SecretCommand
from skykeep.interfaces.secret_value import SecretValue
from skykeep.replication.digests import KEY_BYTES, NAME, PATIENCE, ValueDigests
from tests.layers.clock import Clock
from tests.replication.fleet import Fleet, fleet, until

pytestmark = pytest.mark.asyncio


def put(name: str, value: str) -> SecretCommand:
    return SecretCommand("put", name, SecretValue(value))


def digests(each: Fleet, clock: Clock | None = None) -> ValueDigests:
    return ValueDigests(lambda: each.secrets, NAME, clock or Clock())


async def test_equal_values_of_a_name_have_equal_ones_and_others_do_not() -> None:
    async with fleet() as each:
        one, other = digests(each), digests(each)
        found = await one(put("a", "x"))
        assert found is not None
        assert len(found) == 16
        assert await one(put("a", "x")) == found
        assert await other(put("a", "x")) == found, "another process of the environment"
        differ = [await one(put("a", "y")), await one(put("b", "x")), await one(put("ax", ""))]
        assert len({found, *differ}) == 4


async def test_another_environment_has_another_key() -> None:
    async with fleet() as one, fleet() as other:
        assert await digests(one)(put("a", "x")) != await digests(other)(put("a", "x"))


async def test_a_name_and_a_value_do_not_run_into_each_other() -> None:
    async with fleet() as each:
        make = digests(each)
        assert await make(put("ab", "c")) != await make(put("a", "bc"))


async def test_the_key_is_made_once_and_kept_in_every_target() -> None:
    async with fleet(backups=1) as each:
        make = digests(each)
        await asyncio.gather(*(make(put("a", str(n))) for n in range(20)))
        assert each.primary.secrets.calls["create"] == 1
        await each.replay()
        keys = [(await store.beside.get(NAME)).value.reveal() for store in each.stores]
        assert len(keys) == 3
        assert len(set(keys)) == 1
        assert len(keys[0]) == KEY_BYTES
        calls = each.primary.secrets.calls.copy()
        await make(put("a", "z"))
        assert each.primary.secrets.calls == calls, "it is asked for once"


async def test_of_two_hosts_one_makes_it() -> None:
    async with fleet() as one, fleet(stores=one.stores) as other:
        create = one.primary.secrets.create
        made: list[bytes] = []

        async def both(name: str, value: SecretValue, attributes: object) -> object:
            made.append(value.reveal())
            if len(made) == 1:  # the other host is quicker
                found.append(await digests(other)(put("a", "x")))
            return await create(name, value, attributes)  # type: ignore[arg-type]  # as it came

        found: list[bytes | None] = []
        one.primary.secrets.create = both  # type: ignore[method-assign, assignment]  # a race
        assert await digests(one)(put("a", "x")) == found[0] is not None
        assert len(set(made)) == 2
        assert (await one.primary.beside.get(NAME)).value.reveal() == made[1]


async def test_what_brings_no_value_and_the_key_itself_have_none() -> None:
    async with fleet() as each:
        make = digests(each)
        assert await make(SecretCommand("delete", "a")) is None
        assert await make(put(NAME, "x")) is None
        assert not each.primary.secrets.calls


@pytest.mark.parametrize("error", [Denied, Unavailable])
async def test_a_key_that_cannot_be_had_is_asked_for_again_after_30_seconds(
    error: type[SkykeepError],
) -> None:
    async with fleet(failover=0, backups=1) as each:
        clock = Clock()
        make = digests(each, clock)
        each.primary.away(error)
        assert await make(put("a", "x")) is None
        calls = each.primary.secrets.calls.total()
        each.primary.back()
        clock.now += PATIENCE - 0.1
        assert await make(put("a", "x")) is None
        assert each.primary.secrets.calls.total() == calls
        clock.now += 0.1
        assert await make(put("a", "x")) is not None


async def test_those_who_wait_for_a_key_that_cannot_be_had_do_not_ask_again() -> None:
    async with fleet(failover=0, backups=1) as each:
        make = digests(each)
        each.primary.away(Denied)
        found = await asyncio.gather(*(make(put("a", str(n))) for n in range(20)))
        assert set(found) == {None}
        assert each.primary.secrets.calls["get"] == 1


async def test_who_is_cancelled_while_it_asks_lets_the_next_one_ask() -> None:
    async with fleet(failover=0, backups=1) as each:
        make = digests(each)
        each.primary.secrets.latency = 3600
        asking = asyncio.create_task(make(put("a", "x")))
        await until(lambda: bool(each.primary.secrets.calls))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        each.primary.secrets.latency = 0
        assert await make(put("a", "x")) is not None


@pytest.mark.parametrize("key", [b"", b"short", bytes(KEY_BYTES + 1)])
async def test_what_is_no_key_is_not_used(key: bytes) -> None:
    async with fleet() as each:
        await each.secrets.put(NAME, key)
        assert await digests(each)(put("a", "x")) is None
        assert (await each.primary.beside.get(NAME)).value.reveal() == key


async def test_with_the_primary_away_the_key_comes_from_a_replica() -> None:
    async with fleet() as each:
        first = await digests(each)(put("a", "x"))
        await each.replay()
        each.primary.away()
        assert await digests(each)(put("a", "x")) == first


async def test_another_loop_does_not_wait_for_who_asked_in_the_parent() -> None:
    # As in a child that was forked while the parent asked.
    async with fleet(failover=0, backups=1) as each:
        make = digests(each)
        await make._turn().acquire()
        found: list[bytes | None] = []

        def in_child() -> None:
            found.append(asyncio.run(asyncio.wait_for(make(put("a", "x")), 60)))

        await asyncio.to_thread(in_child)
        assert found[0] is not None


# -- in stamps


async def test_every_target_has_the_same_stamp_and_revisions_grow() -> None:
    async with fleet(backups=1, digests=True) as each:
        await each.secrets.put("a", "x")
        await each.replay()
        stamps = [(await store.beside.get("a")).stamp for store in each.stores]
        assert stamps[0] is not None
        assert stamps == [stamps[0]] * 3
        found = await each.secrets.get("a")
        assert found.provenance is not None
        assert found.provenance.revision == stamps[0].revision
        await each.secrets.put("a", "y")
        later = (await each.primary.beside.get("a")).stamp
        assert later is not None
        assert later.revision > stamps[0].revision
        assert later.digest != stamps[0].digest


async def test_a_host_that_cannot_read_the_key_writes_without_stamps() -> None:
    async with fleet(digests=True) as each:
        each.primary.secrets.fail_next(Denied, operation="get")
        await each.secrets.put("a", "x")
        await each.replay()
        for store in each.stores:
            assert (await store.beside.get("a")).stamp is None
        found = await each.secrets.get("a")
        assert found.provenance is not None
        assert found.provenance.revision is None
