"""Where calls go, by whose clock, and what is taken for an answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from skykeep.errors import SkykeepError, Unavailable
from skykeep.providers.vault.answers import Lookup
from tests.peers.faults import Answer, FaultProxy
from tests.peers.openbao import OpenBao
from tests.providers.vault.opening import session

pytestmark = pytest.mark.asyncio


@pytest.fixture
def proxy(openbao: OpenBao) -> Iterator[FaultProxy]:
    with FaultProxy(openbao.address) as made:
        yield made


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(
    openbao: OpenBao, proxy: FaultProxy, status: int
) -> None:
    """The token goes to nobody that the configuration does not name."""
    with FaultProxy(openbao.address) as elsewhere:
        location = ("Location", f"{elsewhere.address}/v1/secret/data/a")
        proxy.fail(Answer(status, b"", (location,)), times=None)
        given = session({"VAULT_TOKEN": openbao.token}, address=proxy.address)
        with pytest.raises(Unavailable) as caught:
            await given.call("GET", "secret/data/a", kind=dict)
        assert elsewhere.address.removeprefix("http://") in str(caught.value)
        assert not elsewhere.seen
        await given.close()


@pytest.mark.parametrize("minutes", [-10, 0, 10])
async def test_a_clock_that_is_wrong_here(openbao: OpenBao, minutes: int) -> None:
    """Times are told by the server's clock."""
    there = datetime.now(UTC) + timedelta(minutes=minutes)
    with FaultProxy(openbao.address) as proxy:
        given = session({"VAULT_TOKEN": openbao.token}, address=proxy.address)
        date = ("Date", format_datetime(there, usegmt=True))
        proxy.fail(Answer(200, b'{"data": {}}', (date,)))
        await given.call("GET", "auth/token/lookup-self", kind=Lookup)
        assert timedelta() <= given.now() - there < timedelta(minutes=1)
        await given.close()


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"<html>", b'{"data": null}', b'{"data": {"ttl": "canary"}}']
)
async def test_an_answer_of_another_shape(
    openbao: OpenBao, proxy: FaultProxy, body: bytes
) -> None:
    given = session({"VAULT_TOKEN": openbao.token}, address=proxy.address)
    proxy.fail(Answer(200, body))
    with pytest.raises(SkykeepError) as caught:
        await given.call("GET", "auth/token/lookup-self", kind=Lookup)
    assert type(caught.value) is Unavailable
    assert "canary" not in repr(vars(caught.value))
    await given.close()
