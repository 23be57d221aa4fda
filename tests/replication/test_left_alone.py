"""A target whose breaker is open is passed over, as long as there are others."""

from __future__ import annotations

import pytest

from skykeep.errors import NotFound, Unavailable
from skykeep.layers.telemetry import Event
from skykeep.settings.model import BreakerSettings
from tests.replication.fleet import NAME, Fleet, fleet

pytestmark = pytest.mark.asyncio

OPEN = BreakerSettings(failures=1, probe_seconds=3600)


async def primary_left_alone(each: Fleet) -> None:
    await each.secrets.put(NAME, "one")
    await each.replay()
    each.primary.away()
    await each.secrets.get(NAME)
    assert each.stack.standings.of(each.primary).breaker.state.value == "open"


async def test_it_is_not_tried_and_no_try_is_told() -> None:
    events: list[Event] = []
    async with fleet(breaker=OPEN) as each:
        await primary_left_alone(each)
        each.stack.telemetry.listeners.append(events.append)
        before = each.primary.secrets.calls.copy()
        found = await each.secrets.get(NAME)
        assert found.value.text() == "one"
        assert found.provenance is not None
        assert found.provenance.degraded
        assert each.primary.secrets.calls == before
        assert [one.target for one in events[0].tries] == ["failover-0"]


async def test_it_is_named_first_when_nobody_answers() -> None:
    async with fleet(breaker=OPEN, failover=2) as each:
        await primary_left_alone(each)
        each.failover[0].away(NotFound)
        each.failover[1].away(NotFound)
        with pytest.raises(Unavailable, match="primary is left alone") as caught:
            await each.secrets.get(NAME)
        assert caught.value.left_alone
        assert caught.value.target == "primary"
        assert "failover-0: NotFound, failover-1: NotFound" in caught.value.hint


async def test_the_last_one_is_asked_although_it_is_left_alone() -> None:
    """Its breaker says when it is tried again."""
    async with fleet(breaker=OPEN, failover=0) as each:
        await each.secrets.put(NAME, "one")
        each.primary.away()
        with pytest.raises(Unavailable):
            await each.secrets.get(NAME)
        with pytest.raises(Unavailable, match="is left alone") as caught:
            await each.secrets.get(NAME)
        assert "it is tried again in" in caught.value.hint


async def test_two_that_are_left_alone_are_both_passed_over() -> None:
    async with fleet(breaker=OPEN, failover=2) as each:
        await primary_left_alone(each)
        each.failover[0].away()
        await each.secrets.get(NAME)
        before = each.failover[0].secrets.calls.copy()
        found = await each.secrets.get(NAME)
        assert found.provenance is not None
        assert found.provenance.source == "failover-1"
        assert each.failover[0].secrets.calls == before
