"""Vault's refusals are our errors: by real answers, and by made ones where none can be had."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from types import NoneType

import pytest
import pytest_asyncio

from skykeep.errors import (
    ConfigError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    Quota,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.vault.errors import FOREIGN, SERVER, TABLE, error_of, token_is_known
from skykeep.providers.vault.session import Session
from skykeep.providers.wire import Reply
from tests.peers.openbao import OpenBao
from tests.providers.vault.opening import opened, session


def reply(status: int, *errors: str, **headers: str) -> Reply:
    """As Vault words it."""
    return Reply(status, headers, json.dumps({"errors": list(errors)}).encode())


# One case a row of the table, in its order: what such a server says.
MADE: list[tuple[Reply, type[SkykeepError], str]] = [
    *(
        (Reply(status, {"Location": "https://10.0.0.7:8200/v1/x"}, b""), Unavailable, "standby")
        for status in (301, 302, 303, 307, 308)
    ),
    (
        reply(400, "check-and-set parameter did not match the current version"),
        Conflict,
        "meanwhile",
    ),
    (reply(400, "metadata is not supported when versioning is disabled"), Unsupported, "kv"),
    (reply(400, "missing namespace in request"), ConfigError, "VAULT_NAMESPACE"),
    (
        reply(400, "Upgrading from non-versioned to versioned data. This backend will …"),
        Unavailable,
        "made ready",
    ),
    (reply(400, "mime: no media type"), Invalid, "mime"),
    (reply(401, "missing client token"), Unauthenticated, "see auth"),
    (
        reply(403, "1 error occurred:\n\t* permission denied\n\n"),
        Denied,
        "'read' on 's/data/a'",
    ),
    (
        reply(404, 'no handler for route "s/data/a". route entry not found.'),
        ConfigError,
        "auth.mount",
    ),
    (reply(404, "namespace not found"), ConfigError, "namespace"),
    (
        Reply(404, {}, b'{"request_id": "1", "warnings": ["a versioned K/V secrets engine"]}'),
        ConfigError,
        "kv: 2",
    ),
    (reply(404), NotFound, "nothing at this path"),
    (reply(405, "unsupported operation"), Unsupported, "unsupported operation"),
    (reply(412, "required index state not present"), Unavailable, "latest write"),
    (reply(413, "http: request body too large"), Invalid, "too large"),
    (reply(429, "lease count quota exceeded"), Quota, "leases"),
    (reply(429, "rate limit quota exceeded"), Throttled, "patience"),
    (Reply(472, {}, b""), Unavailable, "disaster-recovery"),
    (Reply(473, {}, b""), Unavailable, "performance standby"),
    (reply(500, "put failed due to value being too large"), Invalid, "storage"),
    (reply(500, "write /vault/raft: no space left on device"), Quota, "full"),
    (reply(503, "Vault is sealed"), Unavailable, "unseal it"),
    (reply(503, "vault is uninitialized"), Unavailable, "operator init"),
]


@pytest.mark.parametrize("number", range(len(TABLE)))
def test_each_row_of_the_table(number: int) -> None:
    given, kind, says = MADE[number]
    row = TABLE[number]
    assert row.status == given.status
    error = error_of(given, "GET", "s/data/a")
    assert type(error) is kind is row.kind
    assert says in str(error)
    pattern = re.escape(row.message).replace(r"\{said\}", ".*").replace(r"\{place\}", ".*")
    assert re.fullmatch(pattern, error.message), "another row came before"


def test_every_row_has_its_case() -> None:
    assert len(MADE) == len(TABLE)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_what_is_in_no_row_is_an_outage(status: int) -> None:
    error = error_of(reply(status, "local node not active but active cluster node not found"))
    assert type(error) is Unavailable
    assert SERVER.hint in str(error)
    assert "active cluster node" in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 412])
@pytest.mark.parametrize("body", [b"", b"<html>no such page", b"{}", b'["errors"]'])
def test_what_a_proxy_says_is_no_answer_of_vault(status: int, body: bytes) -> None:
    """A proxy's 404 proves no absence, and its 403 is not about the token."""
    error = error_of(Reply(status, {}, body))
    assert type(error) is Unavailable
    assert FOREIGN.hint in str(error)


@pytest.mark.parametrize("status", [413, 429, 503])
def test_a_load_balancer_may_say_so_too(status: int) -> None:
    kind = {413: Invalid, 429: Throttled, 503: Unavailable}[status]
    assert type(error_of(Reply(status, {}, b"<html>"))) is kind


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("-1", None), ("²", None)]
)
def test_how_long_to_wait_is_told(text: str, seconds: float | None) -> None:
    error = error_of(reply(429, "quota", **{"Retry-After": text}))
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


def test_a_redirect_shows_no_credentials_of_its_address() -> None:
    error = error_of(Reply(307, {"Location": "https://me:hunter2@10.0.0.7:8200/v1/x?a=b"}, b""))
    assert "10.0.0.7:8200" in str(error)
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (["permission denied"], None),
        (["1 error occurred:\n\t* permission denied\n\n"], True),
        (["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"], False),
        (["permission denied", "invalid token"], False),
        (["bad token"], False),
        (["preflight capability check returned 403, please ensure …"], True),
    ],
)
def test_whose_fault_a_refusal_is(said: list[str], known: bool | None) -> None:
    assert token_is_known(reply(403, *said)) is known


# -- real answers

Work = Callable[[Session, OpenBao, str], Awaitable[object]]
_BODY = {"data": {"value": "x"}}

REAL: dict[str, tuple[type[SkykeepError], Work]] = {
    "check-and-set": (
        Conflict,
        lambda s, o, m: s.call(
            "POST", f"{m}/data/a", {"options": {"cas": 7}, **_BODY}, kind=NoneType
        ),
    ),
    "no content type": (Invalid, lambda s, o, m: s.call("PATCH", f"{m}/data/a", kind=NoneType)),
    "no such mount": (ConfigError, lambda s, o, m: s.find("GET", "nowhere/data/a", kind=dict)),
    "a list of no mount": (
        ConfigError,
        lambda s, o, m: s.find("LIST", "nowhere/metadata/", kind=dict),
    ),
    "KV 1 on KV 2": (ConfigError, lambda s, o, m: s.find("GET", f"{m}/a", kind=dict)),
    "nothing there": (
        NotFound,
        lambda s, o, m: s.call("GET", f"{m}/data/nothing", kind=dict),
    ),
    "wrong method": (
        Unsupported,
        lambda s, o, m: s.call("DELETE", f"{m}/config", kind=NoneType),
    ),
    "too large": (
        Invalid,
        lambda s, o, m: s.call(
            "POST", f"{m}/data/a", {"data": {"value": "x" * 33_600_000}}, kind=NoneType
        ),
    ),
    "double slash": (Unavailable, lambda s, o, m: s.call("GET", f"{m}//a", kind=dict)),
}


@pytest_asyncio.fixture
async def root(openbao: OpenBao) -> AsyncIterator[Session]:
    made = session({"VAULT_TOKEN": openbao.token}, address=openbao.address)
    yield made
    await made.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("name", REAL)
async def test_real_answers(root: Session, openbao: OpenBao, name: str) -> None:
    kind, work = REAL[name]
    with pytest.raises(kind) as caught:
        await work(root, openbao, openbao.kv(2))
    assert type(caught.value) is kind


@pytest.mark.asyncio
async def test_a_namespace_that_is_not_there(openbao: OpenBao) -> None:
    made = session({"VAULT_TOKEN": openbao.token}, address=openbao.address, namespace="nope")
    with pytest.raises(ConfigError, match="namespace"):
        await made.find("GET", "secret/data/x", kind=dict)
    await made.close()


@pytest.mark.asyncio
async def test_a_rate_limit(openbao: OpenBao, root: Session) -> None:
    mount = openbao.kv(2)
    quota = {"rate": 1, "interval": "60s", "path": f"{mount}/"}
    openbao.call("POST", f"sys/quotas/rate-limit/{mount}", quota)

    async def often() -> None:
        for _ in range(3):
            await root.find("GET", f"{mount}/data/x", kind=dict)

    with pytest.raises(Throttled, match="rate limit"):
        await often()
    openbao.call("DELETE", f"sys/quotas/rate-limit/{mount}")


@pytest.mark.asyncio
async def test_a_sealed_vault_and_one_that_was_unsealed(openbao_sealable: OpenBao) -> None:
    openbao = openbao_sealable
    mount = openbao.kv(2)
    driver = await opened(openbao, mount)
    await driver.create("a", SecretValue("x"), Attributes())
    openbao.seal()
    try:
        for work in (driver.get("a"), driver.list("", cursor=None, limit=5)):
            with pytest.raises(Unavailable, match="unseal"):
                await work
        with pytest.raises(Unavailable, match="unseal"):
            await opened(openbao, mount)
    finally:
        openbao.unseal()
    assert (await driver.get("a")).value == SecretValue("x")
    await driver.close()


@pytest.mark.asyncio
async def test_a_wrong_version_of_the_engine_is_said(openbao: OpenBao) -> None:
    one = await opened(openbao, openbao.kv(2), kv=1)
    with pytest.raises(ConfigError, match="kv: 2"):
        await one.get("a")
    two = await opened(openbao, openbao.kv(1), kv=2)
    with pytest.raises(Unavailable, match="something else"):
        await two.create("a", SecretValue("x"), Attributes())
    with pytest.raises(Unavailable, match="not that of a KV 2"):
        await two.get("a")
    await one.close()
    await two.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("mount", "kind", "says"),
    [("nowhere", Denied, "no mount"), ("sys", ConfigError, "not key-value")],
)
async def test_a_mount_that_cannot_be(
    openbao: OpenBao, mount: str, kind: type[SkykeepError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        await opened(openbao, mount)


def test_the_address_is_by_default_that_of_the_vault_command() -> None:
    assert session({}).wire.origin.host == "127.0.0.1"
