"""Data keys are used again within bounds, and asked for once however many wait."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from skykeep.conformance.keys_cases import keys_over
from skykeep.errors import Invalid, KeyFailure, Throttled
from skykeep.interfaces import data_keys
from skykeep.interfaces.data_keys import DataKeys
from skykeep.interfaces.key_driver import DataKey
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.tasks import Tasks
from skykeep.providers.memory.keys import MemoryKeys


class Store:
    """A key store that counts what it is asked, and answers when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.generated = 0
        self.unwrapped = 0
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.tasks = Tasks()

    async def generate(self) -> DataKey:
        self.generated += 1
        number = self.generated
        await self._answer()
        return DataKey(SecretValue(bytes([number % 256]) * 32), b"wrapped %d" % number)

    async def unwrap(self, wrapped: bytes) -> SecretValue:
        self.unwrapped += 1
        await self._answer()
        return SecretValue(bytes([int(wrapped.split()[1]) % 256]) * 32)

    async def _answer(self) -> None:
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)

    def keys(
        self, *, messages: int = 1000, size: int = 1 << 30, seconds: float = 300.0
    ) -> DataKeys:
        return DataKeys(
            self.generate,
            self.unwrap,
            self.tasks,
            max_messages=messages,
            max_bytes=size,
            max_seconds=seconds,
            clock=lambda: self.now,
        )


@pytest_asyncio.fixture
async def store() -> AsyncIterator[Store]:
    """A store that answers at once."""
    made = Store()
    yield made
    await made.tasks.close()


async def waiting(steps: int = 5) -> None:
    """Let others come to where they wait."""
    for _ in range(steps):
        await asyncio.sleep(0)


# -- bounds


@pytest.mark.asyncio
async def test_a_batch_asks_the_key_store_once(store: Store) -> None:
    keys = store.keys(messages=1000)
    assert len({(await keys.to_seal(10)).wrapped for _ in range(1000)}) == 1
    assert store.generated == 1
    await keys.to_seal(10)
    assert store.generated == 2, "the bound is on messages"


@pytest.mark.parametrize(("size", "calls"), [(99, 1), (100, 1), (101, 2)])
@pytest.mark.asyncio
async def test_the_bound_on_bytes_is_exact(store: Store, size: int, calls: int) -> None:
    keys = store.keys(size=100)
    await keys.to_seal(size - 50)
    await keys.to_seal(50)
    assert store.generated == calls


@pytest.mark.asyncio
async def test_bytes_that_are_known_later_are_counted(store: Store) -> None:
    keys = store.keys(size=100)
    first = await keys.to_seal(0)
    keys.count(b"of another data key", 1000)
    keys.count(first.wrapped, 100)
    assert (await keys.to_seal(0)).wrapped == first.wrapped
    keys.count(first.wrapped, 1)
    assert (await keys.to_seal(0)).wrapped != first.wrapped


@pytest.mark.asyncio
async def test_a_message_over_the_bound_has_a_data_key_of_its_own(store: Store) -> None:
    keys = store.keys(size=100)
    large = await keys.to_seal(5000)
    assert (await keys.to_seal(1)).wrapped != large.wrapped
    assert store.generated == 2


@pytest.mark.parametrize(("seconds", "calls"), [(299.9, 1), (300.0, 2)])
@pytest.mark.asyncio
async def test_the_bound_on_time_is_exact(store: Store, seconds: float, calls: int) -> None:
    keys = store.keys(seconds=300.0)
    await keys.to_seal(1)
    store.now += seconds
    await keys.to_seal(1)
    assert store.generated == calls


@pytest.mark.asyncio
async def test_time_counts_from_before_the_key_was_asked_for(store: Store) -> None:
    keys = store.keys(seconds=300.0)
    store.gate.clear()
    first = asyncio.ensure_future(keys.to_seal(1))
    await waiting()
    store.now += 400.0
    store.gate.set()
    await first, "whoever waited gets it, however long it took"
    await keys.to_seal(1)
    assert store.generated == 2


@pytest.mark.asyncio
async def test_no_time_at_all_asks_for_each_message(store: Store) -> None:
    keys = store.keys(seconds=0)
    made = await asyncio.gather(*(keys.to_seal(1) for _ in range(5)))
    assert len({each.wrapped for each in made}) == 5
    await keys.to_open(made[0].wrapped)
    await keys.to_open(made[0].wrapped)
    assert (store.generated, store.unwrapped) == (5, 2), "nothing is kept"


@pytest.mark.parametrize(
    "bounds", [{"messages": 0}, {"messages": -1}, {"size": 0}, {"seconds": -0.1}]
)
@pytest.mark.asyncio
async def test_bounds_that_leave_nothing_are_invalid(
    store: Store, bounds: dict[str, int]
) -> None:
    with pytest.raises(Invalid):
        store.keys(**bounds)


# -- many at once


@pytest.mark.asyncio
async def test_a_thousand_that_wait_make_one_call(store: Store) -> None:
    keys = store.keys(messages=1000)
    store.gate.clear()
    all_ = asyncio.gather(*(keys.to_seal(1) for _ in range(1000)))
    await waiting()
    assert store.generated == 1
    store.gate.set()
    assert len({made.wrapped for made in await all_}) == 1
    assert store.generated == 1
    assert (await keys.to_seal(1)).wrapped != all_.result()[0].wrapped, "all were counted"


@pytest.mark.asyncio
async def test_those_who_wait_share_no_more_than_the_bound(store: Store) -> None:
    keys = store.keys(messages=10)
    made = await asyncio.gather(*(keys.to_seal(1) for _ in range(95)))
    used: dict[bytes, int] = {}
    for each in made:
        used[each.wrapped] = used.get(each.wrapped, 0) + 1
    assert sorted(used.values()) == [5, *[10] * 9]
    assert store.generated == 10


@pytest.mark.asyncio
async def test_a_thousand_readers_make_one_call(store: Store) -> None:
    keys = store.keys()
    store.gate.clear()
    all_ = asyncio.gather(*(keys.to_open(b"wrapped 7") for _ in range(1000)))
    await waiting()
    store.gate.set()
    assert {value.reveal() for value in await all_} == {bytes([7]) * 32}
    assert await keys.to_open(b"wrapped 7") == SecretValue(bytes([7]) * 32)
    assert store.unwrapped == 1


@pytest.mark.parametrize("what", ["to_seal", "to_open"])
@pytest.mark.asyncio
async def test_one_that_is_cancelled_spares_the_others(store: Store, what: str) -> None:
    keys = store.keys()
    store.gate.clear()
    given = 1 if what == "to_seal" else b"wrapped 1"
    callers = [asyncio.ensure_future(getattr(keys, what)(given)) for _ in range(5)]
    await waiting()
    callers[0].cancel()  # the one for whom it was asked
    callers[3].cancel()
    await waiting()
    store.gate.set()
    done = await asyncio.gather(*callers, return_exceptions=True)
    kinds = [isinstance(each, asyncio.CancelledError) for each in done]
    assert kinds == [True, False, False, True, False]
    assert store.generated + store.unwrapped == 1


@pytest.mark.asyncio
async def test_all_may_be_cancelled(store: Store) -> None:
    keys = store.keys()
    store.gate.clear()
    caller = asyncio.ensure_future(keys.to_seal(1))
    await waiting()
    caller.cancel()
    await waiting()
    store.gate.set()
    await keys.to_seal(1)
    assert store.generated == 1, "what was asked for is used by the next"


# -- failures


@pytest.mark.asyncio
async def test_a_failure_is_told_to_all_who_wait_and_not_kept(store: Store) -> None:
    keys = store.keys()
    store.failures = [Throttled("slow down"), KeyFailure("the key is disabled")]
    done = await asyncio.gather(*(keys.to_seal(1) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in done] == [Throttled] * 3
    with pytest.raises(KeyFailure):
        await keys.to_seal(1)
    assert (await keys.to_seal(1)).wrapped == b"wrapped 3"
    store.failures = [Throttled("slow down")]
    with pytest.raises(Throttled):
        await keys.to_open(b"wrapped 9")
    assert (await keys.to_open(b"wrapped 9")).size == 32
    assert store.unwrapped == 2


@pytest.mark.asyncio
async def test_a_key_that_still_lasts_outlives_a_failure(store: Store) -> None:
    keys = store.keys(seconds=300)
    first = await keys.to_seal(1)
    store.failures = [KeyFailure("the key is disabled")]
    store.now += 299
    assert await keys.to_seal(1) is first, "the store is not asked before its time"
    store.now += 1
    with pytest.raises(KeyFailure):
        await keys.to_seal(1)


# -- what is kept for reading


@pytest.mark.asyncio
async def test_what_was_made_here_is_opened_without_asking(store: Store) -> None:
    keys = store.keys(seconds=300)
    made = await keys.to_seal(1)
    assert await keys.to_open(made.wrapped) == made.plain
    assert store.unwrapped == 0
    store.now += 300
    assert await keys.to_open(made.wrapped) == made.plain
    assert store.unwrapped == 1


@pytest.mark.asyncio
async def test_so_many_are_kept_and_the_one_unused_longest_goes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_keys, "KEPT", 3)
    keys = store.keys()
    for number in (1, 2, 3, 1, 4):
        await keys.to_open(b"wrapped %d" % number)
    assert store.unwrapped == 4
    await keys.to_open(b"wrapped 1")
    assert store.unwrapped == 4
    await keys.to_open(b"wrapped 2")
    assert store.unwrapped == 5


@pytest.mark.asyncio
async def test_what_is_forgotten_is_asked_for_again(store: Store) -> None:
    keys = store.keys()
    made = await keys.to_seal(1)
    keys.forget()
    assert (await keys.to_seal(1)).wrapped != made.wrapped
    await keys.to_open(made.wrapped)
    assert (store.generated, store.unwrapped) == (2, 1)


@pytest.mark.asyncio
async def test_forgetting_covers_what_is_under_way(store: Store) -> None:
    keys = store.keys()
    store.gate.clear()
    sealing = asyncio.ensure_future(keys.to_seal(1))
    opening = asyncio.ensure_future(keys.to_open(b"wrapped 9"))
    await waiting()
    keys.forget()
    store.gate.set()
    assert (await sealing).wrapped == b"wrapped 2", "the first one is of the time before"
    await opening
    await keys.to_open(b"wrapped 9")
    assert (store.generated, store.unwrapped) == (2, 2)


@pytest.mark.asyncio
async def test_tasks_may_be_started_at_once(store: Store) -> None:
    """As ``asyncio.eager_task_factory`` does (Python 3.12)."""
    factory = getattr(asyncio, "eager_task_factory", None)
    if factory is None:
        pytest.skip("this Python starts no task at once")
    asyncio.get_running_loop().set_task_factory(factory)
    keys = store.keys(messages=2)
    for _ in range(5):
        made = await keys.to_seal(1)
        await keys.to_open(made.wrapped)
    await keys.to_open(b"wrapped 99")
    assert (store.generated, store.unwrapped) == (3, 1)
    assert keys._opening == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_asks_for_its_own() -> None:
    async def parent() -> tuple[DataKeys, Store]:
        store = Store()
        keys = store.keys()
        await keys.to_seal(1)
        store.gate.clear()
        waiter = asyncio.ensure_future(keys.to_open(b"wrapped 9"))  # under way at the fork
        await waiting()
        waiter.cancel()
        return keys, store

    async def child(keys: DataKeys, store: Store) -> int:
        store.gate = asyncio.Event()
        store.gate.set()
        store.tasks.forget()
        await keys.to_open(b"wrapped 9")
        await keys.to_seal(1)
        await keys.to_open(b"wrapped 1")
        return store.generated * 10 + store.unwrapped

    loop = asyncio.new_event_loop()
    keys, store = loop.run_until_complete(parent())
    process = os.fork()
    if process == 0:  # pragma: no cover  (the child is not measured)
        code = 99
        try:
            code = asyncio.run(child(keys, store))
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 23, "one new data key, two unwrapped"
    loop.run_until_complete(store.tasks.close())
    loop.close()


# -- through Keys


@pytest.mark.asyncio
async def test_a_batch_costs_one_call_of_the_driver() -> None:
    driver = MemoryKeys()
    keys, counted = keys_over(driver, "team/")
    await keys.create("key")
    counted.calls.clear()
    batch = keys.data_keys("key", context={"of": "a batch"}, max_messages=1000)
    made = [await batch.to_seal(100) for _ in range(1000)]
    assert counted.calls == {"generate": 1}
    reader = keys.data_keys("key", context={"of": "a batch"})
    assert {(await reader.to_open(each.wrapped)).reveal() for each in made} == {
        made[0].plain.reveal()
    }
    assert counted.calls == {"generate": 1, "decrypt": 1}
    with pytest.raises(KeyFailure):
        await keys.data_keys("key").to_open(made[0].wrapped)


@pytest.mark.asyncio
async def test_data_keys_are_checked_when_they_are_asked_for() -> None:
    keys, counted = keys_over(MemoryKeys())
    for wrong in ({"key": "a//b"}, {"key": "key", "context": {"": "x"}}):
        with pytest.raises(Invalid):
            keys.data_keys(**wrong)
    with pytest.raises(Invalid):
        keys.data_keys("key", max_messages=0)
    assert not counted.calls
