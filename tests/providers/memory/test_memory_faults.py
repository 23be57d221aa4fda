"""The faults that tests of applications plant in the in-memory driver."""

from __future__ import annotations

import time

import pytest

from skykeep.errors import Denied, NotFound, SkykeepError, Throttled, Unavailable
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import MemorySecrets

NOTHING = Attributes()


@pytest.fixture
def driver() -> MemorySecrets:
    return MemorySecrets()


async def _outcome(driver: MemorySecrets) -> str:
    try:
        await driver.get("a")
    except SkykeepError as error:
        return type(error).__name__
    return "answered"


@pytest.mark.asyncio
async def test_the_next_calls_fail_and_then_no_more(driver: MemorySecrets) -> None:
    await driver.create("a", SecretValue("1"), NOTHING)
    driver.fail_next(Unavailable("down"), times=2)
    assert [await _outcome(driver) for _ in range(3)] == [
        "Unavailable",
        "Unavailable",
        "answered",
    ]


@pytest.mark.asyncio
async def test_planted_errors_are_used_up_in_order(driver: MemorySecrets) -> None:
    driver.fail_next(Unavailable)
    driver.fail_next(Denied)
    assert [await _outcome(driver) for _ in range(3)] == ["Unavailable", "Denied", "NotFound"]


@pytest.mark.asyncio
async def test_an_error_for_one_operation_waits_for_it(driver: MemorySecrets) -> None:
    driver.fail_next(Denied, operation="create")
    assert await _outcome(driver) == "NotFound"
    with pytest.raises(Denied):
        await driver.create("a", SecretValue("1"), NOTHING)
    await driver.create("a", SecretValue("1"), NOTHING)


@pytest.mark.asyncio
async def test_each_error_is_a_copy_with_its_details(driver: MemorySecrets) -> None:
    error = Throttled("slow down", retry_after=1.5, request_id="r-1")
    driver.fail_next(error, times=2)
    raised = []
    for _ in range(2):
        with pytest.raises(Throttled) as found:
            await driver.get("a")
        raised.append(found.value)
        found.value.located(resource="a")
    assert raised[0] is not raised[1]
    assert error not in raised
    assert [(e.message, e.retry_after, e.request_id) for e in raised] == [
        ("slow down", 1.5, "r-1")
    ] * 2
    assert not error.resource


@pytest.mark.asyncio
async def test_a_lost_answer_leaves_the_write_done(driver: MemorySecrets) -> None:
    driver.fail_next(Unavailable("no answer"), operation="create", applied=True)
    with pytest.raises(Unavailable):
        await driver.create("a", SecretValue("1"), NOTHING)
    assert (await driver.get("a")).value.text() == "1"


@pytest.mark.asyncio
async def test_a_failed_call_leaves_the_store_alone(driver: MemorySecrets) -> None:
    driver.fail_next(Unavailable)
    with pytest.raises(Unavailable):
        await driver.create("a", SecretValue("1"), NOTHING)
    with pytest.raises(NotFound):
        await driver.get("a")


@pytest.mark.asyncio
async def test_calls_are_counted_failed_ones_too(driver: MemorySecrets) -> None:
    driver.fail_next(Unavailable)
    await _outcome(driver)
    await _outcome(driver)
    await driver.list("", cursor=None, limit=1)
    assert driver.calls == {"get": 2, "list": 1}


@pytest.mark.asyncio
async def test_latency_slows_each_call(driver: MemorySecrets) -> None:
    driver.latency = 0.05
    begun = time.monotonic()
    await _outcome(driver)
    assert time.monotonic() - begun >= 0.045


@pytest.mark.asyncio
async def test_faults_can_be_cleared(driver: MemorySecrets) -> None:
    driver.fail_next(Denied, times=9)
    driver.latency = 60.0
    driver.clear_faults()
    assert await _outcome(driver) == "NotFound"


def test_times_is_at_least_one(driver: MemorySecrets) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        driver.fail_next(Denied, times=0)
