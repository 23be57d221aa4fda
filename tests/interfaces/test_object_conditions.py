"""Conditional writes whose answer is lost: known again by their mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from skykeep.errors import Conflict, Invalid, Unavailable
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectInfo,
)
from skykeep.interfaces.object_writing import MARK
from skykeep.providers.memory.objects import MemoryObjects
from tests.interfaces.object_sinks import SMALL, memory, objects_over

pytestmark = pytest.mark.asyncio


class LosesAnswers(MemoryObjects):
    """What is asked is done, twice; the second answer is the caller's, as after a retry."""

    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        await super().write(key, data, attributes, condition)
        return await super().write(key, data, attributes, condition)

    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
    ) -> ObjectInfo:
        await super().complete_upload(key, upload, parts, condition)
        return await super().complete_upload(key, upload, parts, condition)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("size", [10, 1000], ids=["whole", "parts"])
@pytest.mark.parametrize("condition", ["if_absent", "if_match"])
async def test_a_lost_answer_of_a_conditional_write_is_no_conflict(
    size: int, condition: str
) -> None:
    driver = LosesAnswers()
    objects, front, _ = objects_over(driver)
    asked: dict[str, Any] = {"if_absent": True}
    if condition == "if_match":
        old = await MemoryObjects(driver.store).write("a", b"old")
        asked = {"if_match": old.etag}
    info = await objects.put("a", b"x" * size, metadata={"owner": "a"}, **asked)
    assert (info.key, info.size, info.metadata) == ("a", size, {"owner": "a"})
    assert info.etag == (await objects.head("a")).etag
    assert MARK in driver.store.kept["a"].info.metadata
    for shown in (await objects.head("a"), (await objects.get("a")).info):
        assert shown.metadata == {"owner": "a"}, "the mark is not shown"
    writes = [c for c in front.calls if c.operation == "objects.put" and not c.idempotent]
    assert len(writes) == (size > SMALL), "all but the beginning of an upload may be repeated"


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("lost", ["write", "write_part", "complete_upload"])
@pytest.mark.parametrize("absent", [True, False])
async def test_an_answer_that_is_lost_is_asked_for_again(lost: str, absent: bool) -> None:
    driver = memory()
    objects, _, _ = objects_over(driver, attempts=3)
    driver.fail_next(Unavailable("reset"), operation=lost, applied=True)
    driver.fail_next(Unavailable("reset"), operation="head")  # by which the mark is read
    size = 10 if lost == "write" else 1000
    if lost == "complete_upload" and not absent:
        # Nothing in the store says whose it is: the outcome is in doubt, and so it is told.
        with pytest.raises(Unavailable):
            await objects.put("a", b"x" * size)
    else:
        assert (await objects.put("a", b"x" * size, if_absent=absent)).size == size
    assert (await objects.get("a")).data == b"x" * size
    assert not driver.store.begun


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("size", [10, 1000], ids=["whole", "parts"])
async def test_a_conflict_with_others_is_one(size: int) -> None:
    driver = memory()
    objects, front, _ = objects_over(driver)
    await objects.put("a", b"theirs", if_absent=True)
    conditions: tuple[dict[str, Any], ...] = ({"if_absent": True}, {"if_match": '"other"'})
    for asked in conditions:
        with pytest.raises(Conflict):
            await objects.put("a", b"x" * size, **asked)
    with pytest.raises(Conflict):
        await objects.put("b", b"x" * size, if_match='"other"')
    assert (await objects.get("a")).data == b"theirs"
    assert not driver.store.begun
    with pytest.raises(Invalid, match="not both"):
        await objects.put("a", b"", if_absent=True, if_match='"etag"')
    driver = memory(metadata=False)
    objects, front, _ = objects_over(driver)
    await objects.put("a", b"", if_absent=True)
    (call,) = [each for each in front.calls if each.operation == "objects.put"]
    assert not call.idempotent, "without a mark it is not known again"
