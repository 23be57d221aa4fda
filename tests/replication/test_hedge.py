"""A second copy of a slow read: when, to whom, who counts, and what it may cost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from skykeep.errors import Denied, NotFound, SkykeepError, Throttled, Unavailable
from skykeep.interfaces.call import Answer, Call, Role, RoutedCall
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.breaker import Breaker
from skykeep.layers.circuit import State
from skykeep.layers.failover import Choice
from skykeep.layers.hedge import SAVED, SEEN, Hedge
from skykeep.layers.latencies import Latencies
from skykeep.layers.standing import Standings
from skykeep.settings.model import BreakerSettings, HedgeSettings
from tests.layers.calls import FakeTarget, read
from tests.replication.fleet import NAME, fleet
from tests.simulation.loop import VirtualLoop

T = TypeVar("T")
QUICK, P95, SLOW = 0.010, 0.020, 3.0
"""Seconds: what most reads took, what 95 of 100 took at most, and what this one takes."""

FIRST = FakeTarget("primary")
SECOND = FakeTarget("failover", role=Role.FAILOVER)


def virtually(work: Callable[[], Awaitable[T]]) -> T:
    """Run it in virtual time."""

    async def run() -> T:
        return await work()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(random.Random(7))) as runner:
        found = runner.run(run())
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        assert loop.complaints == []
        return found


@dataclass
class Sent:
    """A copy that arrived below."""

    target: str
    at: float
    cancelled: bool = False


@dataclass
class Peers:
    """The two targets, and the hedge before them.

    ``plan`` says of each target what its next calls do: seconds, and then an error or an
    answer. A call that is not in it is answered after ``QUICK`` seconds.
    """

    plan: dict[str, list[tuple[float, SkykeepError | None]]] = field(default_factory=dict)
    seen: int = 100
    budget: float = 0.05
    behind: float | None = None
    alone: bool = False
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.tasks = Tasks()
        settings = BreakerSettings(failures=1, probe_seconds=3600)
        self.standings = Standings(settings, clock=loop.time)
        self.hedge = Hedge(self.standings, self.tasks, self.budget)
        self._breaker = Breaker(self.standings, clock=loop.time)
        self.first = Choice(FIRST, True, None, loop.time())
        self.second = Choice(SECOND, False, self.behind, loop.time())
        reads = self.standings.of(FIRST).reads
        for number in range(self.seen):
            reads.took(P95 if number % 10 == 0 else QUICK)

    async def below(self, routed: RoutedCall[Any]) -> Answer[Any]:
        """What stands below the router."""
        return await self._breaker(routed, self._answer)

    def earn(self) -> None:
        """As after many reads."""
        self.hedge._earned = SAVED

    async def _answer(self, routed: RoutedCall[Any]) -> Answer[Any]:
        note = Sent(routed.target.name, asyncio.get_running_loop().time())
        self.sent.append(note)
        planned = self.plan.get(routed.target.name)
        seconds, error = planned.pop(0) if planned else (QUICK, None)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            note.cancelled = True
            raise
        if error is not None:
            raise error
        return Answer(f"copy {len(self.sent)}", routed.target.name)

    def others(self) -> Sequence[Choice]:
        return [] if self.alone else [self.second]

    async def read(self, call: Call[Any] | None = None) -> tuple[Answer[Any], Choice]:
        """One read, and nothing of it left behind."""
        asked = call or read()
        try:
            return await self.hedge.ask(
                asked, self.first, self.others, self.below, last=self.alone
            )
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not len(self.tasks)

    async def was_slow(self, times: int = 5) -> None:
        """The last reads of the first target were."""
        for _ in range(times):
            self.standings.of(FIRST).reads.took(SLOW)

    def whose(self) -> list[str]:
        """The targets of the copies, in their order."""
        return [each.target for each in self.sent]


def test_a_read_that_is_quick_is_sent_once() -> None:
    async def work() -> None:
        peers = Peers()
        peers.earn()
        answer, choice = await peers.read()
        assert (answer.source, choice) == ("primary", peers.first)
        assert peers.whose() == ["primary"]

    virtually(work)


def test_one_copy_is_sent_after_p95_and_to_the_same_target() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)]})
        peers.earn()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        answer, choice = await peers.read()
        assert choice is peers.first
        assert peers.whose() == ["primary", "primary"]
        assert peers.sent[1].at - begun == pytest.approx(P95, abs=1e-5)
        assert loop.time() - begun == pytest.approx(P95 + QUICK, abs=1e-4)
        assert [each.cancelled for each in peers.sent] == [True, False]
        assert answer.value == "copy 2"

    virtually(work)


def test_no_third_copy_is_sent_however_long_the_second_takes() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None), (SLOW * 2, None)]})
        peers.earn()
        await peers.read()
        assert peers.whose() == ["primary", "primary"]
        assert [each.cancelled for each in peers.sent] == [False, True]

    virtually(work)


def test_the_next_target_gets_it_when_the_last_five_reads_were_slow() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)]})
        peers.earn()
        await peers.was_slow(4)
        assert not peers.standings.of(FIRST).slow()
        await peers.was_slow(1)
        answer, choice = await peers.read()
        assert (answer.source, choice) == ("failover", peers.second)
        assert peers.whose() == ["primary", "failover"]

    virtually(work)


def test_after_four_slow_reads_it_is_still_the_answer_that_was_lost() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)]})
        peers.earn()
        await peers.was_slow(4)
        await peers.read()
        assert peers.whose() == ["primary", "primary"]

    virtually(work)


def test_a_target_that_is_behind_gets_no_copy() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)]}, behind=0.5)
        peers.earn()
        await peers.was_slow()
        await peers.read()
        assert peers.whose() == ["primary", "primary"]

    virtually(work)


def test_a_target_that_is_left_alone_gets_no_copy() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)]})
        peers.earn()
        await peers.was_slow()
        peers.standings.of(SECOND).failed(Unavailable("away"))
        await peers.read()
        assert peers.whose() == ["primary", "primary"]

    virtually(work)


def test_where_there_is_no_other_target_the_same_one_is_asked() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)]}, alone=True)
        peers.earn()
        await peers.was_slow()
        await peers.read()
        assert peers.whose() == ["primary", "primary"]

    virtually(work)


def test_who_is_behind_is_asked_when_the_copy_is_sent_and_not_before() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)]})
        peers.earn()
        await peers.was_slow()

        def written() -> None:
            peers.second = replace(peers.second, behind=0.0)

        asyncio.get_running_loop().call_later(QUICK, written)
        await peers.read()
        assert peers.whose() == ["primary", "primary"]

    virtually(work)


def test_the_loser_counts_for_nothing_in_the_breaker() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)]})
        peers.earn()
        await peers.was_slow()
        tries = peers.standings.of(FIRST).tries
        _, choice = await peers.read()
        assert choice is peers.second
        standing = peers.standings.of(FIRST)
        assert standing.breaker.state is State.CLOSED  # it opens at the first failure
        assert not standing.failures
        assert standing.tries == tries
        assert peers.sent[0].cancelled

    virtually(work)


@pytest.mark.parametrize("error", [NotFound("none"), Denied("no"), Unavailable("away")])
def test_what_a_replica_says_besides_a_value_is_no_answer(error: SkykeepError) -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)], "failover": [(QUICK, error)]})
        peers.earn()
        await peers.was_slow()
        answer, choice = await peers.read()
        assert (answer.source, choice) == ("primary", peers.first)
        assert peers.whose() == ["primary", "failover"]

    virtually(work)


@pytest.mark.parametrize("error", [NotFound("none"), Denied("no")])
@pytest.mark.parametrize("late", [0.5, SLOW])
def test_what_the_home_says_is_the_answer(error: SkykeepError, late: float) -> None:
    """While the replica is silent, or after it has failed."""

    async def work() -> None:
        refusal = (QUICK, Throttled("later")) if late == SLOW else (SLOW, None)
        peers = Peers({"primary": [(late, error)], "failover": [refusal]})
        peers.earn()
        await peers.was_slow()
        with pytest.raises(type(error)) as caught:
            await peers.read()
        assert caught.value is error
        assert peers.whose() == ["primary", "failover"]

    virtually(work)


def test_a_home_that_says_no_on_the_second_copy_has_answered_too() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None), (QUICK, NotFound("none"))]})
        peers.earn()
        with pytest.raises(NotFound):
            await peers.read()
        assert peers.sent[0].cancelled

    virtually(work)


@pytest.mark.parametrize("quicker", ["primary", "failover"])
def test_when_both_fail_the_first_targets_error_is_told(quicker: str) -> None:
    async def work() -> None:
        peers = Peers(
            {
                "primary": [(0.5 if quicker == "primary" else SLOW, Unavailable("first"))],
                "failover": [(SLOW if quicker == "primary" else QUICK, Unavailable("second"))],
            }
        )
        peers.earn()
        await peers.was_slow()
        with pytest.raises(Unavailable, match="first"):
            await peers.read()
        assert peers.whose() == ["primary", "failover"]

    virtually(work)


def test_a_read_that_fails_before_p95_is_not_sent_again_here() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(QUICK, Unavailable("at once"))]})
        peers.earn()
        with pytest.raises(Unavailable, match="at once"):
            await peers.read()
        assert peers.whose() == ["primary"]

    virtually(work)


def test_a_caller_who_is_cancelled_leaves_no_copy() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None), (SLOW, None)]})
        peers.earn()
        reading = asyncio.ensure_future(peers.read())
        await asyncio.sleep(2 * P95)
        assert len(peers.tasks) == 2
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert [each.cancelled for each in peers.sent] == [True, True]

    virtually(work)


def test_nothing_is_sent_twice_before_twenty_reads_are_known() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)]}, seen=SEEN - 1)
        peers.earn()
        await peers.read()
        assert peers.whose() == ["primary"]
        assert peers.standings.of(FIRST).reads.count == SEEN
        peers.plan = {"primary": [(SLOW * 2, None)]}
        await peers.read()
        assert peers.whose() == ["primary", "primary", "primary"]

    virtually(work)


def test_ten_thousand_reads_cost_at_most_five_in_a_hundred_more() -> None:
    """A fifth of them is slow: four times what the budget pays for."""

    async def work() -> Counter[str]:
        dice = random.Random(11)
        peers = Peers(alone=True)
        peers.standings.of(FIRST).reads = _usual()
        for number in range(10_000):
            slow = dice.random() < 0.2
            peers.plan = {"primary": [(SLOW if slow else QUICK, None)]}
            await peers.read()
            assert len(peers.sent) - (number + 1) <= 0.05 * (number + 1)
        return Counter(peers.whose())

    sent = virtually(work)
    assert 10_400 < sent["primary"] <= 10_500


def test_reads_that_become_slow_together_spend_no_more_than_was_saved() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)] * 200})
        peers.earn()
        await asyncio.gather(*(one_of_many(peers) for _ in range(64)))
        assert len(peers.sent) == 64 + 5

    async def one_of_many(peers: Peers) -> None:
        await peers.hedge.ask(read(), peers.first, peers.others, peers.below, last=False)

    virtually(work)


def test_a_budget_of_nothing_sends_nothing() -> None:
    async def work() -> None:
        peers = Peers({"primary": [(SLOW, None)] * 100}, budget=0.0)
        for _ in range(100):
            await peers.read()
        assert peers.whose() == ["primary"] * 100

    virtually(work)


class _Unmoved(Latencies):
    """They stay as they were: what is tried is the budget, not what p95 adapts to."""

    def took(self, seconds: float) -> None:
        pass


def _usual() -> Latencies:
    reads = _Unmoved()
    for number in range(100):
        Latencies.took(reads, P95 if number % 10 == 0 else QUICK)
    return reads


# -- in the whole stack


@pytest.fixture
def hedging() -> dict[str, Any]:
    """Settings that ask again at the first occasion."""
    return {"hedge": HedgeSettings(enabled=True, budget=1.0)}


def test_an_answer_of_the_hedges_replica_is_marked(hedging: dict[str, Any]) -> None:
    async def work() -> None:
        async with fleet(**hedging) as each:
            await each.secrets.put(NAME, "one")
            await each.replay()
            reads = each.stack.standings.of(each.primary).reads
            for _ in range(SEEN):
                await each.secrets.get(NAME, fresh=True)
            for _ in range(5):
                reads.failed()
            each.primary.secrets.latency = 1.0
            found = await each.secrets.get(NAME, fresh=True)
            assert found.provenance is not None
            assert found.provenance.source == "failover-0"
            assert found.provenance.degraded
            assert not found.provenance.stale

    virtually(work)


def test_a_replica_that_is_owed_the_name_is_not_asked_by_a_hedge(
    hedging: dict[str, Any],
) -> None:
    async def work() -> None:
        async with fleet(**hedging) as each:
            await each.secrets.put(NAME, "one")
            await each.replay()
            for _ in range(SEEN):
                await each.secrets.get(NAME, fresh=True)
            each.failover[0].away()
            await each.secrets.put(NAME, "two")
            each.failover[0].back()
            reads = each.stack.standings.of(each.primary).reads
            for _ in range(5):
                reads.failed()
            each.primary.secrets.latency = 1.0
            before = each.failover[0].secrets.calls["get"]
            found = await each.secrets.get(NAME, fresh=True)
            assert found.provenance is not None
            assert (found.value.text(), found.provenance.source) == ("two", "primary")
            assert not found.provenance.degraded
            assert each.failover[0].secrets.calls["get"] == before

    virtually(work)
