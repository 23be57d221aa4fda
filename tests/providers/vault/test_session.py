"""The token of a session: one login for all, renewed in time, ended when it is over."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from skykeep.errors import Denied, Unauthenticated
from skykeep.providers.vault import keeper, tokens
from skykeep.providers.vault.answers import Lookup
from skykeep.providers.vault.session import Session
from tests.peers.faults import Answer, FaultProxy, LostResponse, Silence, When
from tests.peers.messages import Message
from tests.peers.openbao import AppRole, OpenBao
from tests.providers.vault.opening import session

pytestmark = pytest.mark.asyncio

KV = 'path "{mount}/*" {{ capabilities = ["create", "read", "update", "delete", "list"] }}'


def to(*ends: str) -> When:
    """Requests whose path ends so."""

    def is_one(request: Message) -> bool:
        path = request.head.split(b" ", 2)[1].partition(b"?")[0].decode()
        return path.endswith(ends)

    return is_one


def paths(proxy: FaultProxy) -> list[str]:
    """What came through, in order, without ``/v1/``."""
    return [
        seen.request.head.split(b" ", 2)[1].decode().removeprefix("/v1/") for seen in proxy.seen
    ]


class Clock:
    """The time of the keeper and its tokens; moved by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    module = SimpleNamespace(monotonic=made.monotonic)
    monkeypatch.setattr(keeper, "time", module)
    monkeypatch.setattr(tokens, "time", module)
    return made


@pytest.fixture
def proxy(openbao: OpenBao) -> Iterator[FaultProxy]:
    with FaultProxy(openbao.address) as made:
        yield made


@pytest.fixture
def mount(openbao: OpenBao) -> str:
    made = openbao.kv(2)
    openbao.call("POST", f"{made}/data/a", {"data": {"value": "x"}})
    return made


@pytest.fixture
def role(openbao: OpenBao, mount: str) -> AppRole:
    policy = openbao.policy(KV.format(mount=mount))
    return openbao.approle(policy, "default", token_ttl="1h", token_max_ttl="4h")


def logged_in(proxy: FaultProxy, role: AppRole, secret_id: str | None = None) -> Session:
    environ = {"VAULT_ROLE_ID": role.role_id, "VAULT_SECRET_ID": secret_id or role.secret_id}
    auth = {"method": "approle", "mount": role.mount}
    return session(environ, address=proxy.address, auth=auth)


@pytest_asyncio.fixture
async def made(proxy: FaultProxy, role: AppRole) -> AsyncIterator[Session]:
    opened = logged_in(proxy, role)
    yield opened
    await opened.close()


async def read(made: Session, mount: str) -> Any:
    return await made.call("GET", f"{mount}/data/a", kind=dict)


def count(proxy: FaultProxy, end: str) -> int:
    return sum(path.partition("?")[0].endswith(end) for path in paths(proxy))


async def test_a_hundred_calls_log_in_once(
    openbao: OpenBao, made: Session, proxy: FaultProxy, mount: str
) -> None:
    await asyncio.gather(*(read(made, mount) for _ in range(100)))
    assert count(proxy, "/login") == 1
    assert count(proxy, "/data/a") == 100


async def test_a_refused_login_is_tried_once_for_all_that_wait(
    openbao: OpenBao, proxy: FaultProxy, role: AppRole, mount: str
) -> None:
    """A hundred wrong passwords would lock the user out."""
    wrong = logged_in(proxy, role, "wrong")
    done = await asyncio.gather(
        *(read(wrong, mount) for _ in range(100)), return_exceptions=True
    )
    assert {type(each) for each in done} == {Unauthenticated}
    assert len({id(each) for each in done}) == 100, "each has an error of its own"
    assert paths(proxy) == [f"auth/{role.mount}/login"]
    await wrong.close()


async def test_who_waits_takes_over_from_a_login_that_was_cancelled(
    openbao: OpenBao, made: Session, proxy: FaultProxy, mount: str
) -> None:
    proxy.fail(Silence(), when=to("/login"))
    first = asyncio.ensure_future(read(made, mount))
    others = [asyncio.ensure_future(read(made, mount)) for _ in range(5)]
    while not proxy.seen:  # noqa: ASYNC110  (it fills in a thread)
        await asyncio.sleep(0)
    first.cancel()
    assert len(await asyncio.gather(*others)) == 5
    assert first.cancelled()
    assert count(proxy, "/login") == 2


async def test_who_waits_can_be_cancelled_alone(
    openbao: OpenBao, made: Session, proxy: FaultProxy, mount: str
) -> None:
    first, second = (asyncio.ensure_future(read(made, mount)) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    await first
    assert second.cancelled()


async def test_a_token_that_was_revoked_in_mid_flight_is_got_anew_once(
    openbao: OpenBao, made: Session, proxy: FaultProxy, mount: str
) -> None:
    await read(made, mount)
    openbao.call("POST", "auth/token/revoke", {"token": (await made.token()).value})
    await asyncio.gather(*(read(made, mount) for _ in range(20)))
    assert count(proxy, "/login") == 2


async def test_a_given_token_that_ended_is_said(openbao: OpenBao, mount: str) -> None:
    token = openbao.new_token()
    given = session({"VAULT_TOKEN": token}, address=openbao.address)
    openbao.call("POST", "auth/token/revoke", {"token": token})
    with pytest.raises(Unauthenticated) as caught:
        await read(given, mount)
    assert "VAULT_TOKEN" in str(caught.value)
    assert token not in repr(vars(caught.value))
    await given.close()


async def test_a_given_token_is_read_again(openbao: OpenBao, mount: str) -> None:
    """A sidecar has put another one there."""
    policy = openbao.policy(KV.format(mount=mount))
    environ = {"VAULT_TOKEN": openbao.new_token(policy)}
    given = session(environ, address=openbao.address)
    await read(given, mount)
    openbao.call("POST", "auth/token/revoke", {"token": environ["VAULT_TOKEN"]})
    environ["VAULT_TOKEN"] = openbao.new_token(policy)
    await read(given, mount)
    await given.close()


@pytest.mark.parametrize("default", [True, False])
async def test_a_policy_that_refuses_is_no_bad_token(
    openbao: OpenBao, proxy: FaultProxy, mount: str, default: bool
) -> None:
    token = openbao.new_token(
        openbao.policy('path "nowhere" { capabilities = ["read"] }'),
        no_default_policy=not default,
    )
    given = session({"VAULT_TOKEN": token}, address=proxy.address)
    with pytest.raises(Denied, match=f"'read' on '{mount}/data/a'"):
        await read(given, mount)
    assert len(proxy.seen) == 1
    await given.close()


@pytest.mark.parametrize("known", [True, False])
async def test_a_server_that_says_little_is_asked_about_the_token(
    openbao: OpenBao, proxy: FaultProxy, mount: str, known: bool
) -> None:
    token = openbao.new_token() if known else "s.none"
    given = session({"VAULT_TOKEN": token}, address=proxy.address)
    proxy.fail(Answer(403, b'{"errors":["permission denied"]}'), when=to("/data/a"))
    with pytest.raises(Denied if known else Unauthenticated):
        await read(given, mount)
    await given.close()


# -- renewal


async def test_a_token_is_renewed_ahead_of_its_end(
    openbao: OpenBao, made: Session, proxy: FaultProxy, mount: str, clock: Clock
) -> None:
    await read(made, mount)
    clock.ahead = 2000.0
    await read(made, mount)
    assert count(proxy, "/renew-self") == 0, "more than a third is left"
    clock.ahead = 2500.0
    await asyncio.gather(*(read(made, mount) for _ in range(20)))
    assert count(proxy, "/renew-self") == 1
    assert count(proxy, "/login") == 1
    await read(made, mount)
    assert count(proxy, "/renew-self") == 1, "it has a whole lease again"


async def test_a_token_that_has_ended_is_not_renewed(
    openbao: OpenBao, made: Session, proxy: FaultProxy, mount: str, clock: Clock
) -> None:
    await read(made, mount)
    clock.ahead = 3700.0
    await read(made, mount)
    assert count(proxy, "/renew-self") == 0
    assert count(proxy, "/login") == 2


async def test_a_token_at_its_longest_life_is_replaced(
    openbao: OpenBao, proxy: FaultProxy, mount: str, clock: Clock
) -> None:
    policy = openbao.policy(KV.format(mount=mount))
    role = openbao.approle(policy, token_ttl="1h", token_max_ttl="1h")
    short = logged_in(proxy, role)
    await read(short, mount)
    proxy.fail(
        Answer(200, b'{"auth":{"client_token":"","lease_duration":60,"renewable":true}}'),
        when=to("/renew-self"),
    )
    clock.ahead = 3000.0
    await read(short, mount)
    assert count(proxy, "/login") == 2
    await short.close()


@pytest.mark.parametrize(
    "refusal", [Answer(503, b'{"errors":["Vault is sealed"]}'), LostResponse(), Answer(429)]
)
async def test_a_renewal_that_fails_is_left_alone_for_a_while(
    made: Session,
    proxy: FaultProxy,
    mount: str,
    clock: Clock,
    refusal: Answer | LostResponse,
) -> None:
    await read(made, mount)
    proxy.fail(refusal, when=to("/renew-self"), times=None)
    clock.ahead = 2500.0
    await asyncio.gather(*(read(made, mount) for _ in range(20)))
    assert count(proxy, "/renew-self") == 1
    clock.ahead += keeper.PATIENCE + 1
    await read(made, mount)
    assert count(proxy, "/renew-self") == 2
    assert count(proxy, "/login") == 1


async def test_a_login_that_fails_while_the_token_is_good_harms_nobody(
    openbao: OpenBao, proxy: FaultProxy, mount: str, clock: Clock
) -> None:
    """A secret id for one use: there is no second login."""
    policy = openbao.policy(KV.format(mount=mount))
    role = openbao.approle(policy, token_ttl="1h", token_type="batch")
    once = openbao.call(
        "POST", f"auth/{role.mount}/role/{role.role}/secret-id", {"num_uses": 1}
    )["data"]["secret_id"]
    made = logged_in(proxy, role, once)
    await read(made, mount)
    clock.ahead = 3000.0
    for _ in range(3):
        await read(made, mount)
    assert count(proxy, "/login") == 2, "tried again, and then left alone"
    clock.ahead = 3700.0
    with pytest.raises(Unauthenticated):
        await read(made, mount)
    await made.close()


@pytest.mark.parametrize("may_ask", [True, False])
async def test_a_given_token_is_asked_for_its_end_after_a_minute(
    openbao: OpenBao, proxy: FaultProxy, mount: str, clock: Clock, may_ask: bool
) -> None:
    policy = openbao.policy(KV.format(mount=mount))
    token = openbao.new_token(policy, ttl="1h", no_default_policy=not may_ask)
    given = session({"VAULT_TOKEN": token}, address=proxy.address)
    await read(given, mount)
    assert len(proxy.seen) == 1
    clock.ahead = 61.0
    for _ in range(3):
        await read(given, mount)
    assert count(proxy, "/lookup-self") == 1
    clock.ahead = 2600.0
    await read(given, mount)
    assert count(proxy, "/renew-self") == (1 if may_ask else 0)
    await given.close()


async def test_a_root_token_is_for_ever(
    openbao: OpenBao, proxy: FaultProxy, mount: str, clock: Clock
) -> None:
    given = session({"VAULT_TOKEN": openbao.token}, address=proxy.address)
    await read(given, mount)
    for days in range(1, 4):
        clock.ahead = days * 86_400.0
        await read(given, mount)
    assert count(proxy, "/lookup-self") == 1
    assert count(proxy, "/renew-self") == 0
    await given.close()


# -- the end


async def test_a_token_of_a_login_ends_with_its_session(
    openbao: OpenBao, proxy: FaultProxy, role: AppRole
) -> None:
    made = logged_in(proxy, role)
    token = (await made.token()).value
    await made.close()
    assert openbao.ask("GET", "auth/token/lookup-self", token=token)[0] == 403


async def test_a_given_token_does_not(openbao: OpenBao) -> None:
    token = openbao.new_token()
    given = session({"VAULT_TOKEN": token}, address=openbao.address)
    await given.call("GET", "auth/token/lookup-self", kind=Lookup)
    await given.close()
    assert openbao.ask("GET", "auth/token/lookup-self", token=token)[0] == 200


async def test_one_that_the_parent_process_got_does_not(
    openbao: OpenBao, proxy: FaultProxy, role: AppRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = logged_in(proxy, role)
    token = (await made.token()).value
    monkeypatch.setattr(os, "getpid", lambda: -1)
    made.after_fork()
    await made.close()
    assert openbao.ask("GET", "auth/token/lookup-self", token=token)[0] == 200


@pytest.mark.parametrize("fault", [LostResponse(), Silence(), Answer(500)])
async def test_a_farewell_that_fails_is_no_error(
    openbao: OpenBao, proxy: FaultProxy, role: AppRole, fault: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(keeper, "FAREWELL", 0.05)
    made = logged_in(proxy, role)
    await made.token()
    proxy.fail(fault, when=to("/revoke-self"))
    await made.close()
    assert count(proxy, "/revoke-self") == 1
