"""Reads that come together are asked together, and fail apart."""

from __future__ import annotations

import asyncio
import logging

import pytest

from skykeep.conformance.cases import shows_canary
from skykeep.errors import (
    NotFound,
    Throttled,
)
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from tests.peers.faults import (
    FaultProxy,
)
from tests.providers.aws.going_wrong import NOTHING, OTHER, VALUE, action, actions, says
from tests.providers.aws.opening import ENVIRON

pytestmark = pytest.mark.asyncio


async def test_reads_that_come_together_are_asked_together(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    names = [f"many/{n:02}" for n in range(45)]
    for name in names:
        await driver.create(name, SecretValue(name), NOTHING)
    proxy.seen.clear()
    found = await asyncio.gather(*(driver.get(name) for name in names))
    assert [each.value.text() for each in found] == names
    assert [each.name for each in found] == names
    assert actions(proxy) == ["BatchGetSecretValue"] * 3


async def test_one_that_is_missing_fails_no_other(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    for name in ("a", "c", "gone"):
        await driver.create(name, SecretValue(name), NOTHING)
    await driver.delete("gone")
    found = await asyncio.gather(
        *(driver.get(name) for name in ("a", "b", "c", "gone", "a")), return_exceptions=True
    )
    assert [type(each).__name__ for each in found] == [
        "Secret", "NotFound", "Secret", "NotFound", "Secret",
    ]  # fmt: skip
    assert isinstance(found[1], NotFound)
    assert "b" in str(found[1])


async def test_without_the_right_to_batches_reads_are_single(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    for name in "abc":
        await driver.create(name, SecretValue(name), NOTHING)
    proxy.seen.clear()
    proxy.fail(says("AccessDeniedException"), times=None, when=action("BatchGetSecretValue"))
    for _ in range(2):
        found = await asyncio.gather(*(driver.get(name) for name in "abc"))
        assert [each.value.text() for each in found] == ["a", "b", "c"]
    assert actions(proxy) == ["BatchGetSecretValue"] + ["GetSecretValue"] * 6


async def test_a_batch_that_is_throttled_is_not_asked_singly(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    proxy.fail(says("ThrottlingException"), times=None)
    found = await asyncio.gather(*(driver.get(n) for n in "abc"), return_exceptions=True)
    assert {type(each) for each in found} == {Throttled}
    assert len({id(each) for each in found}) == 3, "each caller has an error of its own"
    assert actions(proxy) == ["BatchGetSecretValue"]


async def test_a_cancelled_reader_takes_nobody_along(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    for name in "abc":
        await driver.create(name, SecretValue(name), NOTHING)
    for gone in range(3):
        tasks = [asyncio.ensure_future(driver.get(name)) for name in "abc"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        tasks[gone].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        for number, each in enumerate(found):
            if number == gone:
                assert isinstance(each, asyncio.CancelledError)
            else:
                assert not isinstance(each, BaseException)
                assert each.value.text() == "abc"[number]


async def test_logs_show_nothing(
    driver: SecretDriver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await driver.create("made", VALUE, NOTHING)
    await driver.update("made", OTHER, NOTHING)
    await asyncio.gather(driver.get("made"), driver.get("made"), driver.describe("made"))
    assert not shows_canary(caplog.text)
    assert ENVIRON["AWS_SECRET_ACCESS_KEY"] not in caplog.text


async def test_after_a_fork_nothing_of_the_parent_is_used(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    await driver.create("made", VALUE, NOTHING)
    driver.after_fork()
    assert (await driver.get("made")).value == VALUE
    found = await asyncio.gather(
        driver.get("made"), driver.get("other"), return_exceptions=True
    )
    assert [type(each).__name__ for each in found] == ["Secret", "NotFound"]
