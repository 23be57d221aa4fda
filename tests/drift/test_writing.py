"""``carry_out``: what was written is there, what others wrote stays, the rest is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from skykeep import drift
from skykeep.drift.writing import LOOKS
from skykeep.errors import (
    Conflict,
    Corrupt,
    Denied,
    NotFound,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.interfaces.provider import Kind
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Attributes,
    Secret,
    SecretCapabilities,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from tests.drift.pair import Pair, pair

AT = datetime(2027, 1, 1, tzinfo=UTC)
WITHOUT_CAS = replace(EVERYTHING, compare_and_set=False, conditional_changes=False)


async def values(both: Pair) -> dict[str, str]:
    return {
        info.name: (await both.b.get(info.name)).value.text() async for info in both.b.list()
    }


def errors(outcome: drift.Outcome) -> dict[str, type[Exception]]:
    return {step.name: type(error) for step, error in outcome.failed}


@pytest.mark.asyncio
async def test_b_holds_what_a_holds_and_what_only_b_had() -> None:
    async with pair(tags_a={"env": "a"}, tags_b={"env": "b"}) as both:
        await both.a.put("new", b"\xff", metadata={"k": "1"}, tags={"t": "1"}, expires_at=AT)
        await both.a.put("changed", "v")
        await both.b.put("changed", "w", metadata={"goes": "away"})
        await both.b.put("own", "stays")
        outcome = await both.synced()
        assert [step.name for step in outcome.written] == ["changed", "new"]
        new = await both.b.get("new")
        changed = await both.b.get("changed")
        assert await both.kinds() == {"changed": "same", "new": "same", "own": "only_in_b"}
        assert (await both.b.get("own")).value.text() == "stays"
    assert new.value.reveal() == b"\xff"
    assert (new.metadata, new.tags, new.expires_at) == ({"k": "1"}, {"t": "1", "env": "b"}, AT)
    assert (changed.value.text(), changed.version, changed.metadata) == ("v", "2", {})
    assert not {"delete", "purge"} & both.of_b.calls.keys()


@pytest.mark.asyncio
async def test_again_it_writes_nothing() -> None:
    async with pair() as both:
        for number in range(200):
            await both.a.put(f"n/{number}", str(number))
        assert len((await both.synced()).written) == 200
        writes = both.of_b.calls["create"] + both.of_b.calls["update"]
        again = await both.plan()
        assert again.counts == {"create": 0, "update": 0, "same": 200, "skip": 0}
        assert (await both.carry_out(again)) == drift.Outcome()
        assert both.of_b.calls["create"] + both.of_b.calls["update"] == writes


@pytest.mark.asyncio
async def test_what_is_written_is_what_a_holds_then() -> None:
    async with pair() as both:
        await both.a.put("x", "v")
        plan = await both.plan()
        await both.a.put("x", "newer")
        await both.carry_out(plan)
        assert await values(both) == {"x": "newer"}


# -- somebody else writes


@pytest.mark.asyncio
@pytest.mark.parametrize("capabilities", [EVERYTHING, WITHOUT_CAS])
async def test_what_others_wrote_since_the_plan_is_kept(
    capabilities: SecretCapabilities,
) -> None:
    async with pair(of_b=MemorySecrets(capabilities=capabilities)) as both:
        for name in ("new", "changed", "tags", "alone"):
            await both.a.put(name, "of a", tags={"t": "1"} if name == "tags" else {})
        await both.b.put("changed", "of b")
        await both.b.put("tags", "of a")
        plan = await both.plan()
        await both.b.put("new", "of others")
        await both.b.put("changed", "of others")
        outcome = await both.carry_out(plan)
        found = await values(both)
    assert errors(outcome) == {"changed": Conflict, "new": Conflict}
    assert found == {
        "alone": "of a", "changed": "of others", "new": "of others", "tags": "of a"
    }  # fmt: skip


@pytest.mark.asyncio
async def test_tags_are_changed_under_compare_and_set_too() -> None:
    async with pair() as both:
        await both.a.put("x", "v", tags={"t": "1"})
        await both.b.put("x", "v")
        plan = await both.plan()
        await both.b.put("x", "of others")
        assert errors(await both.carry_out(plan)) == {"x": Conflict}
        assert (await both.b.get("x")).tags == {}


@pytest.mark.asyncio
async def test_one_that_was_deleted_meanwhile_is_not_made_again() -> None:
    async with pair() as both:
        await both.a.put("x", "v")
        await both.b.put("x", "w")
        plan = await both.plan()
        await both.b.purge("x")
        assert errors(await both.carry_out(plan)) == {"x": NotFound}
        assert await values(both) == {}


@pytest.mark.asyncio
async def test_the_same_value_by_somebody_else_is_as_good() -> None:
    async with pair() as both:
        await both.a.put("x", "v")
        plan = await both.plan()
        await both.b.put("x", "v")
        outcome = await both.carry_out(plan)
        assert [step.name for step in outcome.written] == ["x"]


@pytest.mark.asyncio
async def test_what_goes_with_somebody_elses_value_is_theirs() -> None:
    async with pair() as both:
        await both.a.put("x", "v", tags={"of": "a"})
        plan = await both.plan()
        await both.b.put("x", "v", tags={"of": "others"})
        assert errors(await both.carry_out(plan)) == {"x": Conflict}
        assert (await both.b.get("x")).tags == {"of": "others"}


class Overtaken(MemorySecrets):
    """Somebody writes right after us."""

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        written = await super().create(name, value, attributes)
        await super().update(name, SecretValue("of others"), Attributes())
        return written


@pytest.mark.asyncio
async def test_a_write_right_after_ours_is_told() -> None:
    async with pair(of_b=Overtaken()) as both:
        await both.a.put("x", "v")
        outcome = await both.synced()
        ours = await both.b.get("x", version="1")
        assert await values(both) == {"x": "of others"}
    assert errors(outcome) == {"x": Conflict}
    assert ours.value.text() == "v"


# -- answers that are lost, late or wrong


@pytest.mark.asyncio
@pytest.mark.parametrize("there", [False, True])
async def test_a_lost_answer_is_settled_by_looking(there: bool) -> None:
    async with pair() as both:
        await both.a.put("x", "v", tags={"t": "1"})
        if there:
            await both.b.put("x", "w")
        plan = await both.plan()
        operation = "update" if there else "create"
        both.of_b.fail_next(Unavailable("lost"), operation=operation, applied=True)
        outcome = await both.carry_out(plan)
        assert [step.name for step in outcome.written] == ["x"]
        assert await both.kinds() == {"x": "same"}


class Halfway(MemorySecrets):
    """Breaks off between the value and what goes with it, which are two calls."""

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        await super().create(name, value, Attributes())
        raise Unavailable("lost")


@pytest.mark.asyncio
async def test_what_goes_with_a_value_is_written_after_a_lost_answer() -> None:
    async with pair(of_b=Halfway()) as both:
        await both.a.put("x", "v", tags={"t": "1"}, metadata={"m": "1"}, expires_at=AT)
        assert (await both.synced()).failed == []
        assert await both.kinds() == {"x": "same"}


@pytest.mark.asyncio
async def test_a_write_that_never_came_is_told() -> None:
    async with pair() as both:
        await both.a.put("x", "v")
        plan = await both.plan()
        both.of_b.fail_next(Unavailable("lost"), operation="create")
        assert errors(await both.carry_out(plan)) == {"x": Unavailable}
        assert await values(both) == {}


class Late(MemorySecrets):
    """Shows what was written when it is read again."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks
        self._before: dict[str, Secret | None] = {}
        self._read: Counter[str] = Counter()

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        before = await super().get(name)
        written = await super().update(name, value, attributes, stage=stage, expects=expects)
        self._before[name] = before
        return written

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        written = await super().create(name, value, attributes)
        self._before[name] = None
        return written

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        if name in self._before and self._read[name] < self._looks:
            self._read[name] += 1
            if (before := self._before[name]) is not None:
                return before
            raise NotFound("not yet")
        return await super().get(name, version=version, stage=stage)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("looks", "expected"),
    [(LOOKS - 1, {}), (LOOKS, {"changed": Conflict, "new": Unavailable})],
)
async def test_a_store_may_show_a_write_late(
    looks: int, expected: dict[str, type[Exception]]
) -> None:
    of_b = Late(looks)
    async with pair(of_b=of_b) as both:
        await both.a.put("new", "v")
        await both.a.put("changed", "v")
        await of_b.create("changed", SecretValue("w"), Attributes())
        of_b._before.clear()
        outcome = await both.synced()
        assert len(both.clock.slept) == 2 * (LOOKS - 1)
    assert errors(outcome) == expected


class Forgetful(MemorySecrets):
    """Keeps another value than it was given, or no tags."""

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        return await super().create(name, SecretValue("another"), attributes)

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        await super().describe(name)


@pytest.mark.asyncio
async def test_what_is_read_back_is_compared() -> None:
    async with pair(of_b=Forgetful()) as both:
        await both.a.put("x", "the value")
        await both.a.put("tags", "another", tags={"t": "1"})
        await both.b.put("tags", "another")
        outcome = await both.synced()
    assert errors(outcome) == {"tags": Corrupt, "x": Corrupt}
    assert not any("the value" in str(error) for _, error in outcome.failed)


# -- one that fails, and all that would


@pytest.mark.asyncio
async def test_one_that_fails_does_not_end_the_others() -> None:
    async with pair() as both:
        for number in range(100):
            await both.a.put(f"n/{number}", "v")
        plan = await both.plan()
        both.of_b.fail_next(Denied("may not"), times=3, operation="create")
        told: list[tuple[str, bool]] = []
        outcome = await drift.carry_out(
            plan,
            both.a,
            both.b,
            tell=lambda step, error: told.append((step.name, error is None)),
        )
    assert (len(outcome.written), len(outcome.failed), outcome.left) == (97, 3, [])
    assert len(told) == 100
    assert sum(good for _, good in told) == 97


@pytest.mark.asyncio
async def test_nothing_more_is_begun_when_all_would_fail() -> None:
    async with pair() as both:
        for number in range(50):
            await both.a.put(f"n/{number:02}", "v")
        plan = await both.plan()
        both.of_b.fail_next(Unauthenticated("expired"), operation="create")
        outcome = await both.carry_out(plan, at_once=1)
    assert errors(outcome) == {"n/00": Unauthenticated}
    assert len(outcome.written) + len(outcome.left) == 49
    assert len(outcome.left) >= 47


@pytest.mark.asyncio
async def test_throttled_writes_are_waited_for() -> None:
    async with pair() as both:
        for number in range(20):
            await both.a.put(f"n/{number}", "v")
        plan = await both.plan()
        both.of_b.fail_next(Throttled("later", retry_after=7), times=2, operation="create")
        outcome = await both.carry_out(plan)
        assert sum(both.clock.slept) >= 7
    assert (len(outcome.written), outcome.failed) == (20, [])


class Counting:
    """A pace that lets everybody go."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()

    async def take(self, kind: Kind, /) -> None:
        self.taken[kind] += 1


@pytest.mark.asyncio
async def test_every_call_takes_from_the_pace_of_its_store() -> None:
    a, b = Counting(), Counting()
    async with pair() as both:
        for name in ("new", "changed", "tags"):
            await both.a.put(name, "v", tags={"t": "1"})
        await both.b.put("changed", "w", tags={"t": "1"})
        await both.b.put("tags", "v")
        both.of_a.calls.clear()
        both.of_b.calls.clear()
        plan = await both.plan(pace_a=a, pace_b=b)
        await both.carry_out(plan, pace_a=a, pace_b=b)
    for pace, driver in ((a, both.of_a), (b, both.of_b)):
        calls = driver.calls
        assert pace.taken == Counter(
            {
                "read": calls["get"],
                "describe": calls["describe"],
                "list": calls["list"],
                "write": calls["create"] + calls["update"] + calls["annotate"],
            }
        )
        assert pace.taken["read"] > 0
