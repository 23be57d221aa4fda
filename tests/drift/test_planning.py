"""``plan``: decided before anything is written, with the reason for each that is skipped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from skykeep import drift
from skykeep.errors import Denied, Invalid, NotFound, Unavailable, Unsupported
from skykeep.interfaces.secret_driver import (
    Attributes,
    Page,
    SecretInfo,
    Stamp,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from tests.drift.pair import pair
from tests.drift.test_comparing import STAMPED

AT = datetime(2027, 1, 1, tzinfo=UTC)
WRITES = ("create", "update", "annotate", "delete", "purge", "restore", "move_stage")


def store(**limits: Any) -> MemorySecrets:
    return MemorySecrets(capabilities=replace(EVERYTHING, **limits))


def told(plan: drift.Plan) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {step.name: (step.action, step.what) for step in plan.steps}


def reason(plan: drift.Plan) -> str:
    (step,) = plan.steps
    assert step.action == "skip"
    assert step.what == ()
    return step.reason


@pytest.mark.asyncio
async def test_each_step_and_nothing_is_written() -> None:
    async with pair() as both:
        await both.a.put("new", "v", metadata={"k": "1"}, expires_at=AT)
        await both.a.put("bare", "v")
        await both.a.put("changed", "v")
        await both.b.put("changed", "w")
        await both.a.put("tagged", "v", tags={"t": "1"})
        await both.b.put("tagged", "v", tags={"t": "2"}, metadata={"own": "1"})
        await both.a.put("same", "v")
        await both.b.put("same", "v")
        await both.b.put("b/2", "v")
        await both.b.put("b/1", "v")
        before = {call: both.of_b.calls[call] for call in WRITES}
        progress: list[int] = []
        plan = await drift.plan(both.a, both.b, progress=progress.append)
        assert {call: both.of_b.calls[call] for call in WRITES} == before
    assert told(plan) == {
        "bare": ("create", ("value",)),
        "changed": ("update", ("value",)),
        "new": ("create", ("value", "metadata", "expires_at")),
        "same": ("same", ()),
        "tagged": ("update", ("metadata", "tags")),
    }
    assert [step.name for step in plan.steps] == sorted(told(plan))
    assert plan.only_in_b == ("b/1", "b/2")
    assert plan.counts == {"create": 2, "update": 2, "same": 1, "skip": 0}
    assert [step.name for step in plan.writes] == ["bare", "changed", "new", "tagged"]
    assert progress == [*range(1, 8)]


@pytest.mark.asyncio
async def test_what_b_cannot_keep_is_left_out_and_said() -> None:
    async with pair(of_b=store(metadata=False, expiry=False)) as both:
        await both.a.put("x", "v", metadata={"k": "1"}, tags={"t": "1"}, expires_at=AT)
        await both.a.put("y", "v")
        await both.a.put("z", "v", metadata={"k": "1"})
        await both.b.put("z", "v")
        plan = await both.plan()
    assert told(plan)["x"] == ("create", ("value", "tags"))
    assert {step.name: step.without for step in plan.steps} == {
        "x": ("metadata", "expires_at"),
        "y": (),
        "z": ("metadata",),
    }


@pytest.mark.asyncio
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    ("limits", "value", "says"),
    [
        ({"max_value_bytes": 3}, b"1234", "it has 4 bytes; B keeps at most 3"),
        ({"max_value_bytes": 3}, b"123", ""),
        ({"max_binary_bytes": 3}, b"\xff234", "B keeps of binary values at most 3"),
        ({"max_binary_bytes": 3}, b"1234", ""),
        ({"empty_values": False}, b"", "B keeps no empty value"),
    ],
)
async def test_values_that_b_has_no_room_for(
    there: bool, limits: dict[str, Any], value: bytes, says: str
) -> None:
    async with pair(of_b=store(**limits)) as both:
        await both.a.put("x", value)
        if there:
            await both.b.put("x", "o")
        plan = await both.plan()
        if says:
            assert says in reason(plan)
        else:
            assert told(plan) == {"x": ("update" if there else "create", ("value",))}


@pytest.mark.asyncio
async def test_values_are_not_read_for_limits_that_a_has_too() -> None:
    async with pair(store(max_value_bytes=10), store(max_value_bytes=10)) as both:
        await both.a.put("x", "v")
        await both.plan()
    assert both.of_a.calls["get"] == 0


@pytest.mark.asyncio
async def test_a_newer_value_in_b_is_pointed_out() -> None:
    of_a, of_b = MemorySecrets(capabilities=STAMPED), MemorySecrets(capabilities=STAMPED)
    async with pair(of_a, of_b) as both:
        for driver, revision in ((of_a, 1), (of_b, 2)):
            stamp = Stamp(revision, bytes([revision]) * 16)
            value = SecretValue(f"v{revision}")
            await driver.create("x", value, Attributes(stamp=stamp))
        (step,) = (await both.plan(one_environment=True)).steps
    assert (step.action, step.reason) == ("update", "the value in B is newer")


@pytest.mark.asyncio
async def test_what_cannot_be_compared_is_not_written() -> None:
    async with pair() as both:
        await both.a.put("x", "v")
        await both.b.put("x", "w")
        both.of_b.fail_next(Denied("may not"), operation="get")
        plan = await both.plan()
    assert reason(plan) == "B: may not"
    assert isinstance(plan.steps[0].error, Denied)


@pytest.mark.asyncio
async def test_a_deleted_secret_in_b_holds_its_name() -> None:
    async with pair() as both:
        await both.a.put("x", "v")
        await both.b.put("x", "w")
        await both.b.delete("x")
        assert "restore or purge it" in reason(await both.plan())


class Behind(MemorySecrets):
    """Its listing shows nothing."""

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        return Page([], None)


@pytest.mark.asyncio
async def test_a_listing_that_is_behind_is_not_believed() -> None:
    async with pair(of_b=Behind()) as both:
        await both.a.put("x", "v")
        await both.b.put("x", "w")
        assert "does not show it yet" in reason(await both.plan())


class Narrow(MemorySecrets):
    """Cannot carry names with dots."""

    async def describe(self, name: str) -> SecretInfo:
        if "." in name:
            raise Invalid("no dots here")
        return await super().describe(name)


@pytest.mark.asyncio
async def test_names_that_b_cannot_carry() -> None:
    async with pair(of_b=Narrow()) as both:
        await both.a.put("a.b", "v")
        plan = await both.plan()
    assert reason(plan) == "B cannot carry the name: no dots here"
    assert isinstance(plan.steps[0].error, Invalid)


@pytest.mark.asyncio
async def test_names_that_are_the_stores_own() -> None:
    async with pair() as both:
        await both.a.put("native:odd name!", "v")
        assert "no portable one" in reason(await both.plan())


@pytest.mark.asyncio
async def test_who_may_not_ask_may_still_write() -> None:
    async with pair() as both:
        await both.a.put("x", "v")
        both.of_b.fail_next(Denied("may not"), operation="describe")
        assert told(await both.plan()) == {"x": ("create", ("value",))}


@pytest.mark.asyncio
async def test_no_answer_to_the_question_skips_that_one() -> None:
    async with pair() as both:
        await both.a.put("x", "v")
        await both.a.put("y", "v")
        both.of_b.fail_next(Unavailable("no answer"), operation="describe")
        plan = await both.plan(at_once=1)
    assert sorted(plan.counts.items()) == [
        ("create", 1), ("same", 0), ("skip", 1), ("update", 0)
    ]  # fmt: skip


@pytest.mark.asyncio
async def test_a_value_that_went_while_it_was_looked_at_is_skipped() -> None:
    async with pair(of_b=store(max_value_bytes=3)) as both:
        await both.a.put("x", "v")
        both.of_a.fail_next(NotFound("gone"), operation="get")
        assert reason(await both.plan()) == "gone"


@pytest.mark.asyncio
async def test_a_store_that_is_only_read() -> None:
    async with pair(of_b=store(write=False)) as both:
        with pytest.raises(Unsupported, match="only read"):
            await both.plan()
    assert both.of_a.calls["list"] == 0
