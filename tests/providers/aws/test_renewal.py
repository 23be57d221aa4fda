"""Keys that end in mid-flight, clocks that are wrong, rights that are missing."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from email.utils import formatdate

import pytest

from skykeep.errors import (
    Denied,
    Unauthenticated,
)
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.aws.credentials import Credentials, Keys
from skykeep.providers.aws.writing import SecretsManager
from tests.peers.faults import (
    FaultProxy,
)
from tests.peers.messages import Message
from tests.peers.peer import Server
from tests.providers.aws.going_wrong import NOTHING, VALUE, says
from tests.providers.aws.opening import opened

pytestmark = pytest.mark.asyncio


class Issued:
    """Keys that end when the test says so."""

    def __init__(self, *keys: Keys) -> None:
        self.keys = list(keys)
        self.asked: list[bool] = []

    def __call__(self, *, anew: bool) -> Keys:
        self.asked.append(anew)
        return self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]


def old_keys(request: Message) -> bool:
    """Requests that are signed with the keys that have ended."""
    return "Credential=OLD" in (request.header("authorization") or "")


def _with(driver: SecretDriver, finder: Issued) -> SecretsManager:
    assert isinstance(driver, SecretsManager)
    driver.client.credentials = Credentials(finder)
    return driver


@pytest.mark.parametrize("code", ["ExpiredTokenException", "ExpiredToken"])
async def test_keys_that_end_in_mid_flight_are_renewed_once(
    driver: SecretDriver, proxy: FaultProxy, code: str
) -> None:
    finder = Issued(Keys("OLD", "s", "t1"), Keys("NEW", "s", "t2"))
    driver = _with(driver, finder)
    await driver.create("made", VALUE, NOTHING)
    finder.asked.clear()
    proxy.fail(says(code), times=None, when=old_keys)
    assert (await driver.get("made")).value == VALUE
    assert finder.asked == [True]


async def test_many_calls_with_ended_keys_renew_them_once(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    finder = Issued(Keys("OLD", "s", "t1"), Keys("NEW", "s", "t2"))
    driver = _with(driver, finder)
    versions = [await driver.create(f"made/{n}", VALUE, NOTHING) for n in range(12)]
    finder.asked.clear()
    proxy.fail(says("ExpiredTokenException"), times=None, when=old_keys)
    found = await asyncio.gather(
        *(driver.get(f"made/{n}", version=made.version) for n, made in enumerate(versions))
    )
    assert {each.value.reveal() for each in found} == {VALUE.reveal()}
    assert finder.asked == [True]


async def test_keys_that_have_ended_and_are_all_there_is(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    proxy.fail(says("ExpiredTokenException"), times=None)
    with pytest.raises(Unauthenticated):
        await driver.get("made")
    assert len(proxy.seen) == 1, "the same keys are not tried again"


async def test_a_clock_ten_minutes_off(ministack: Server, prefix: str) -> None:
    """Like AWS, ministack checks the time of signatures; the first call finds the offset."""
    with FaultProxy(ministack.address) as proxy:
        made = await opened(proxy.address, secret_prefix=prefix)
        assert isinstance(made, SecretsManager)
        made.client.clock.read = lambda: time.time() - 600

        def is_late(request: Message) -> bool:
            stamp = request.header("x-amz-date") or ""
            at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return abs(at.timestamp() - time.time()) > 300

        proxy.fail(
            says("InvalidSignatureException", Date=formatdate(usegmt=True)),
            times=None,
            when=is_late,
        )
        await made.create("made", VALUE, NOTHING)
        assert [seen.fault is not None for seen in proxy.seen] == [True, False]
        assert (await made.get("made")).value == VALUE
        assert len(proxy.seen) == 3, "the offset is kept"
        await made.close()


async def test_a_signature_that_is_wrong_is_not_the_clock(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    answer = says("SignatureDoesNotMatch", 403, Date=formatdate(usegmt=True))
    proxy.fail(answer, times=None)
    with pytest.raises(Unauthenticated):
        await driver.get("made")
    assert len(proxy.seen) == 1


async def test_a_wrong_secret_key_is_found_out(ministack: Server, prefix: str) -> None:
    from tests.peers.clients import aws_user

    key = aws_user(ministack.address, {"Effect": "Allow", "Action": "*", "Resource": "*"})
    for secret, right in ((key.secret_key, True), ("wrong", False)):
        made = await opened(ministack.address, secret_prefix=prefix)
        _with(made, Issued(Keys(key.access_key, secret)))
        if right:
            await made.create("made", VALUE, NOTHING)
        else:
            with pytest.raises(Unauthenticated):
                await made.get("made")
        await made.close()


async def test_rights_that_are_missing_are_denied(ministack: Server, prefix: str) -> None:
    from tests.peers.clients import aws_user

    key = aws_user(
        ministack.address,
        {"Effect": "Allow", "Action": "secretsmanager:CreateSecret", "Resource": "*"},
    )
    made = await opened(ministack.address, secret_prefix=prefix)
    _with(made, Issued(Keys(key.access_key, key.secret_key)))
    await made.create("made", VALUE, NOTHING)
    with pytest.raises(Denied) as raised:
        await made.get("made")
    assert "doctor" in raised.value.hint
    await made.close()
