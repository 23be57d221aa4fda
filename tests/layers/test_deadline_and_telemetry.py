"""One budget for all tries; one event a call; errors that say what failed."""

from __future__ import annotations

import asyncio
import logging

import pytest

from skykeep.errors import NotFound, Unavailable
from skykeep.interfaces.call import Try
from skykeep.layers.deadline import BYTES_PER_SECOND, Deadline
from skykeep.layers.telemetry import Event, NameTheCall, Telemetry, log_event
from tests.layers.calls import Below, read, write

pytestmark = pytest.mark.asyncio


async def test_no_call_outlasts_its_budget() -> None:
    below = Below(gate=asyncio.Event())
    with pytest.raises(Unavailable, match=r"within 0\.01 s") as caught:
        await Deadline(0.01)(read(), below)
    assert below.cancelled == 1
    assert caught.value.hint == ""
    assert caught.value.__context__ is None


async def test_a_write_that_ran_out_of_time_is_in_doubt_and_says_so() -> None:
    with pytest.raises(Unavailable, match="read before you write again"):
        await Deadline(0.01)(write(), Below(gate=asyncio.Event()))


async def test_a_large_value_is_given_more_time() -> None:
    below = Below(gate=asyncio.Event())
    with pytest.raises(Unavailable, match=r"within 0\.0725 s"):
        await Deadline(0.01)(write(size=BYTES_PER_SECOND // 16), below)


async def test_the_callers_own_cancellation_is_no_timeout() -> None:
    waiting = asyncio.create_task(Deadline(60)(read(), Below(gate=asyncio.Event())))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_listeners_get_one_event_a_call() -> None:
    telemetry, events = Telemetry(), list[Event]()
    telemetry.listeners.append(events.append)
    call = read(principal="svc")
    call.trace.append(Try("primary (fake)", 1, 0.5, None))
    await telemetry(call, Below())
    with pytest.raises(NotFound):
        await telemetry(read(), Below([NotFound("gone")]))
    waiting = asyncio.create_task(telemetry(read(), Below(gate=asyncio.Event())))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert [(event.error, event.source) for event in events] == [
        (None, "primary (fake)"),
        ("NotFound", None),
        ("CancelledError", None),
    ]
    assert events[0].principal == "svc"
    assert events[0].tries == (Try("primary (fake)", 1, 0.5, None),)
    assert all(event.seconds >= 0 for event in events)


async def test_a_listener_that_fails_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError(event.resource)

    telemetry, events = Telemetry(), list[Event]()
    telemetry.listeners += [broken, events.append]
    assert (await telemetry(read(), Below())).value == "value"
    assert len(events) == 1
    assert "a telemetry listener failed: RuntimeError" in caplog.text


async def test_the_log_has_one_line_a_call(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = Telemetry()
    telemetry.listeners.append(log_event)
    with caplog.at_level(logging.DEBUG, "skykeep"):
        call = read()
        call.trace += [Try("t", 1, 0.1, "Unavailable"), Try("t", 2, 0.1, None)]
        await telemetry(call, Below())
    with caplog.at_level(logging.INFO, "skykeep"):
        await telemetry(read("quiet"), Below())
    (line,) = caplog.messages
    assert line.startswith("secrets.get db/password: ok in ")
    assert line.endswith("source=primary (fake) tries=2")


async def test_errors_say_which_call_failed_and_keep_what_they_know() -> None:
    with pytest.raises(NotFound) as caught:
        await NameTheCall()(read(), Below([NotFound("gone", resource="native/name")]))
    assert caught.value.operation == "secrets.get"
    assert caught.value.resource == "native/name"
