"""A rotated secret reaches the process that holds it, and a wrong password is no storm."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest

from skykeep.errors import Denied, NotFound, Unavailable
from skykeep.interfaces.secret_driver import Attributes, Provenance, Secret
from skykeep.interfaces.secret_holding import HeldSecret
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.tasks import Tasks
from skykeep.providers.memory.secrets import MemorySecrets
from tests.interfaces.following import source_of
from tests.remote import remote

pytestmark = pytest.mark.asyncio

NAME = "db/password"


class Turned:
    """A clock that stands while somebody sleeps, until a test turns it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleeper: asyncio.Future[None] | None = None
        self._asleep = asyncio.Event()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Until the test has turned it so far."""
        due = self.now + seconds
        while self.now < due:
            self._sleeper = asyncio.get_running_loop().create_future()
            self._asleep.set()
            await self._sleeper

    async def turn(self, seconds: float) -> None:
        """Let so much time pass, and all that has to happen in it."""
        await self._asleep.wait()
        self._asleep.clear()
        self.now += seconds
        assert self._sleeper is not None
        self._sleeper.set_result(None)
        await self._asleep.wait()


class Room:
    """A store, a clock, and what holds its secret."""

    def __init__(self) -> None:
        self.driver = MemorySecrets()
        self.clock = Turned()
        self.tasks = Tasks()
        self.forgotten: list[str] = []
        self.source = source_of(self.driver, self.forgotten)

    async def hold(self, **provenance: Any) -> HeldSecret:
        await self.driver.create(NAME, SecretValue("one"), Attributes())
        secret = replace(
            await self.driver.get(NAME), provenance=Provenance("home", **provenance)
        )
        self.driver.calls.clear()
        return HeldSecret(
            secret,
            self.source,
            self.tasks,
            every=30,
            refused_every=5,
            sleep=self.clock.sleep,
            jitter=lambda: 0.5,
            clock=self.clock,
        )

    async def rotate(self, text: str) -> None:
        await self.driver.update(NAME, SecretValue(text), Attributes())


async def test_a_rotated_secret_is_there_after_the_next_look() -> None:
    room = Room()
    held = await room.hold()
    await room.rotate("two")
    await room.clock.turn(29)
    assert held.value.text() == "one"
    await room.clock.turn(1)
    assert (held.value.text(), held.secret.version) == ("two", "2")
    assert room.driver.calls["get"] == 1
    await room.tasks.close()


async def test_what_is_held_outlasts_an_outage_and_a_deletion(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = Room()
    held = await room.hold()
    room.driver.fail_next(Unavailable("down"))
    await room.clock.turn(30)
    assert held.value.text() == "one"
    await room.driver.delete(NAME)
    await room.clock.turn(60)
    assert held.value.text() == "one"
    await room.driver.restore(NAME)
    await room.rotate("two")
    await room.clock.turn(30)
    assert held.value.text() == "two"
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the watch of 'db/password' has no answer: Unavailable: down; the next look is in 60 s",
        "the watch of 'db/password' goes on",
        "the secret 'db/password' was deleted; its value is held on",
    ]
    await room.tasks.close()


async def test_a_refusal_that_ends_it_is_said_and_the_value_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = Room()
    held = await room.hold()
    room.driver.fail_next(Denied("not you"))
    turning = asyncio.ensure_future(room.clock.turn(30))
    await asyncio.wait(room.tasks._tasks)
    turning.cancel()
    assert held.value.text() == "one"
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.ERROR,
            "the secret 'db/password' is not followed any more: Denied: not you",
        )
    ]


async def test_closing_it_ends_the_looks() -> None:
    room = Room()
    held = await room.hold()
    held.close()
    held.close()
    await asyncio.wait(room.tasks._tasks)
    assert held.value.text() == "one"


# -- the password was refused


async def test_what_was_refused_is_read_afresh() -> None:
    room = Room()
    held = await room.hold()
    await room.rotate("two")
    used = held.secret
    assert await held.refused(used)
    assert held.value.text() == "two"
    assert room.forgotten == [NAME]
    assert await held.refused(used), "another one has read it meanwhile"
    assert room.driver.calls["get"] == 1
    await room.tasks.close()


async def test_all_that_are_refused_at_once_share_one_read() -> None:
    room = Room()
    held = await room.hold()
    await room.rotate("two")
    used = held.value
    answers = await asyncio.gather(*(held.refused(used) for _ in range(500)))
    answers += await asyncio.gather(*(held.refused() for _ in range(500)))
    assert all(answers)
    assert room.driver.calls["get"] == 1
    await room.tasks.close()


@pytest.mark.parametrize("said", [True, False])
async def test_a_wrong_password_is_no_storm(said: bool) -> None:
    room = Room()
    held = await room.hold()
    for second in range(20):
        room.clock.now = float(second)
        for _ in range(100):
            assert not await held.refused(held.secret if said else None)
    assert room.driver.calls["get"] == 4
    await room.tasks.close()


async def test_a_store_that_does_not_answer_is_not_stormed_either() -> None:
    room = Room()
    held = await room.hold()
    room.driver.fail_next(Unavailable("down"), times=100)
    with pytest.raises(Unavailable):
        await held.refused()
    assert [await held.refused() for _ in range(10)] == [False] * 10
    assert held.value.text() == "one"
    assert room.driver.calls["get"] == 1
    room.clock.now = 5
    with pytest.raises(Unavailable):
        await held.refused()
    await room.tasks.close()


async def test_a_late_answer_does_not_undo_a_newer_one() -> None:
    room = Room()
    late, gate = asyncio.Event(), asyncio.Event()
    plain = room.source.get

    async def get(name: str) -> Secret:
        found = await plain(name)
        if not late.is_set():
            late.set()
            await gate.wait()  # it has read, and its answer is on the way
        return found

    room.source = replace(room.source, get=get)
    held = await room.hold()
    turning = asyncio.ensure_future(room.clock.turn(30))
    await late.wait()
    await room.rotate("two")
    assert await held.refused()
    gate.set()
    await turning
    assert held.value.text() == "two"
    await room.tasks.close()


async def test_what_a_replica_gave_is_replaced_by_the_homes_answer() -> None:
    room = Room()
    held = await room.hold(degraded=True)
    replicas = held.secret.provenance
    assert replicas is not None
    assert replicas.degraded
    await room.clock.turn(30)
    assert held.secret == await room.driver.get(NAME)
    assert held.secret.provenance != replicas
    await room.tasks.close()


@pytest.mark.parametrize("degraded", [True, False])
async def test_what_only_a_replica_had_was_not_deleted(
    degraded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room()
    held = await room.hold(degraded=degraded)
    await room.driver.delete(NAME)
    await room.clock.turn(30)
    assert ("was deleted" in caplog.text) is not degraded
    assert held.value.text() == "one"
    await room.tasks.close()


# -- through the front door


async def test_it_is_held_from_a_fresh_read_until_the_cloud_is_closed() -> None:
    driver = MemorySecrets()
    with remote(driver) as cloud:
        async with cloud:
            with pytest.raises(NotFound):
                await cloud.secrets.hold(NAME)
            await cloud.secrets.put(NAME, "one")
            await cloud.secrets.get(NAME)
            await driver.update(NAME, SecretValue("two"), Attributes())
            held = await cloud.secrets.hold(NAME, every=3600)
            assert held.value.text() == "two"
            await driver.update(NAME, SecretValue("three"), Attributes())
            assert await held.refused(held.secret)
            assert (await cloud.secrets.get(NAME)).value.text() == "three"
    assert len(asyncio.all_tasks()) == 1
    assert held.value.text() == "three"
