"""Who shares a flight, who does not, and what happens when somebody leaves."""

from __future__ import annotations

import asyncio

import pytest

from skykeep.errors import NotFound, Unavailable
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.single_flight import SingleFlight
from tests.layers.calls import Below, read, write

pytestmark = pytest.mark.asyncio


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_thousand_misses_make_one_call() -> None:
    below, layer = Below(gate=asyncio.Event()), SingleFlight(Tasks())
    waiters = [asyncio.create_task(layer(read(), below)) for _ in range(1000)]
    await settle()
    assert below.gate is not None
    below.gate.set()
    assert {answer.value for answer in await asyncio.gather(*waiters)} == {"value"}
    assert len(below.calls) == 1
    assert not layer._flights


async def test_all_waiters_get_the_error_and_the_next_call_tries_again() -> None:
    below = Below([NotFound("gone"), "value"], gate=asyncio.Event())
    layer = SingleFlight(Tasks())
    waiters = [asyncio.create_task(layer(read(), below)) for _ in range(3)]
    await settle()
    assert below.gate is not None
    below.gate.set()
    outcomes = await asyncio.gather(*waiters, return_exceptions=True)
    assert all(isinstance(outcome, NotFound) for outcome in outcomes)
    assert (await layer(read(), below)).value == "value"


async def test_a_cancelled_waiter_disturbs_no_other() -> None:
    below, layer = Below(gate=asyncio.Event()), SingleFlight(Tasks())
    first, second = (asyncio.create_task(layer(read(), below)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    assert first.cancelled()
    assert below.gate is not None
    below.gate.set()
    assert (await second).value == "value"
    assert (len(below.calls), below.cancelled) == (1, 0)


async def test_the_flight_ends_when_the_last_waiter_leaves() -> None:
    tasks = Tasks()
    below, layer = Below(gate=asyncio.Event()), SingleFlight(tasks)
    waiters = [asyncio.create_task(layer(read(), below)) for _ in range(2)]
    await settle()
    for waiter in waiters:
        waiter.cancel()
    # Somebody who comes at this moment gets a flight of their own, not the ending one.
    await asyncio.sleep(0)
    late = asyncio.create_task(layer(read(), Below(["late"])))
    await settle()
    assert (await late).value == "late"
    assert below.cancelled == 1
    assert not layer._flights
    assert len(tasks) == 0


@pytest.mark.parametrize("moment", ["before", "during"])
async def test_a_read_after_a_write_does_not_join_an_older_flight(moment: str) -> None:
    layer, gate, writing_gate = SingleFlight(Tasks()), asyncio.Event(), asyncio.Event()
    old = Below(["old"], gate)
    writing = None
    if moment == "during":
        writing = asyncio.create_task(layer(write(), Below(["done"], writing_gate)))
        await settle()
    early = asyncio.create_task(layer(read(), old))
    await settle()
    if writing is None:
        await layer(write(), Below(["done"]))
    else:
        writing_gate.set()
        await writing
    assert (await layer(read(), Below(["new"]))).value == "new"
    gate.set()
    assert (await early).value == "old"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (read(), read(audience="auditors")),
        (read(), read("db/other")),
        (read(), read(cache_key=("1", None))),
        (read(fresh=True), read(fresh=True)),
        (read(cache_key=None), read(cache_key=None)),
        (read(), read(strict=True)),
        (read(), read(max_stale=5.0)),
    ],
    ids=["audience", "name", "version", "fresh", "no key", "strict", "max_stale"],
)
async def test_who_does_not_share(one: object, other: object) -> None:
    below, layer = Below(gate=asyncio.Event()), SingleFlight(Tasks())
    waiters = [
        asyncio.create_task(layer(call, below))  # type: ignore[arg-type]  # a Call
        for call in (one, other)
    ]
    await settle()
    assert len(below.calls) == 2
    assert below.gate is not None
    below.gate.set()
    await asyncio.gather(*waiters)


async def test_closing_the_cloud_is_an_error_for_waiters_not_a_cancellation() -> None:
    tasks = Tasks()
    layer = SingleFlight(tasks)
    waiter = asyncio.create_task(layer(read(), Below(gate=asyncio.Event())))
    await settle()
    await tasks.close()
    with pytest.raises(Unavailable, match="closed"):
        await waiter


async def test_after_a_fork_nothing_of_the_parent_is_joined() -> None:
    below, layer = Below(gate=asyncio.Event()), SingleFlight(Tasks())
    waiter = asyncio.create_task(layer(read(), below))
    await settle()
    layer.forget()
    assert (await layer(read(), Below(["own"]))).value == "own"
    waiter.cancel()
