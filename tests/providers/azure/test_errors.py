"""Key Vault's refusals are our errors: a row of the table each, and as the vault says it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from skykeep.errors import (
    ConfigError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    PendingDelete,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
    VersionUnavailable,
)
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure.errors import TABLE, error_of, failure_of
from skykeep.providers.wire import Reply
from tests.peers.azure import KeyVault, KeyVaults
from tests.providers.azure.judge import judge_of
from tests.providers.azure.opening import Tokens, opened

NOTHING = Attributes()
VALUE = SecretValue("x")


def reply(status: int, code: str, inner: str = "", said: str = "in its words") -> Reply:
    """As Key Vault words it."""
    error: dict[str, Any] = {"code": code, "message": said}
    if inner:
        error["innererror"] = {"code": inner}
    headers = {"x-ms-request-id": "id-1"}
    return Reply(status, headers, json.dumps({"error": error}).encode())


def meaning(answer: Reply) -> SkykeepError:
    return error_of(failure_of(answer), "db/password", "get")


CONFLICT, FORBIDDEN, GONE = (409, "Conflict"), (403, "Forbidden"), (404, "SecretNotFound")

# code -> what such an answer is, what it becomes, and what the sentence says.
MADE: dict[str, tuple[Reply, type[SkykeepError], str]] = {
    "SecretDisabled": (
        reply(*FORBIDDEN, "SecretDisabled"),
        VersionUnavailable,
        "--enabled true",
    ),
    "SecretNotFound": (reply(*GONE), NotFound, "no secret 'db/password'"),
    "ObjectIsDeletedButRecoverable": (
        reply(*CONFLICT, "ObjectIsDeletedButRecoverable"),
        PendingDelete,
        "restore or purge",
    ),
    "ObjectIsBeingDeleted": (reply(*CONFLICT, "ObjectIsBeingDeleted"), PendingDelete, "again"),
    "ObjectIsBeingRecovered": (
        reply(*CONFLICT, "ObjectIsBeingRecovered"),
        Conflict,
        "restored",
    ),
    "ObjectAlreadyExists": (reply(*CONFLICT, "ObjectAlreadyExists"), Conflict, "exists"),
    "Conflict": (reply(*CONFLICT), Conflict, "in its words"),
    "ConflictError": (reply(409, "ConflictError"), Conflict, "another request"),
    "SecretManagedByKeyVault": (
        reply(*FORBIDDEN, "SecretManagedByKeyVault"),
        Unsupported,
        "certificate",
    ),
    "ForbiddenByPolicy": (reply(*FORBIDDEN, "ForbiddenByPolicy"), Denied, "right 'get'"),
    "ForbiddenByRbac": (reply(*FORBIDDEN, "ForbiddenByRbac"), Denied, "minutes"),
    "AccessDenied": (reply(403, "AccessDenied"), Denied, "right 'get'"),
    "Forbidden": (reply(*FORBIDDEN), Denied, "in its words"),
    "ForbiddenByFirewall": (reply(*FORBIDDEN, "ForbiddenByFirewall"), Denied, "network-rule"),
    "ForbiddenByConnection": (
        reply(*FORBIDDEN, "ForbiddenByConnection"),
        Denied,
        "private link",
    ),
    "Unauthorized": (reply(401, "Unauthorized"), Unauthenticated, "in its words"),
    "AKV10000": (
        reply(401, "Unauthorized", said="AKV10000: Request is missing a Bearer"),
        Unauthenticated,
        "proxy",
    ),
    "AKV10022": (
        reply(401, "Unauthorized", said="AKV10022: Invalid audience. Expected https://v"),
        Unauthenticated,
        "cloud",
    ),
    "AKV10032": (
        reply(401, "Unauthorized", said="AKV10032: Invalid issuer. Expected one of t"),
        Unauthenticated,
        "set tenant",
    ),
    "AKV10046": (
        reply(401, "Unauthorized", said="AKV10046: Unable to resolve the key"),
        Unauthenticated,
        "signature",
    ),
    "BadParameter": (reply(400, "BadParameter"), Invalid, "malformed"),
    "BadRequest": (reply(400, "BadRequest"), Invalid, "malformed"),
    "SecretTooLarge": (reply(400, "BadParameter", "SecretTooLarge"), Invalid, "too large"),
    "RequestTooLarge": (reply(413, "RequestTooLarge"), Invalid, "too large"),
    "NotSupported": (reply(400, "NotSupported"), Unsupported, "cannot do this"),
    "MethodNotAllowed": (reply(405, "MethodNotAllowed"), Unsupported, "cannot do this"),
    "Throttled": (reply(429, "Throttled"), Throttled, "patience"),
    "TooManyRequests": (reply(429, "TooManyRequests"), Throttled, "patience"),
    "VaultNotFound": (reply(404, "VaultNotFound"), ConfigError, "no such vault"),
    "ResourceNotFound": (reply(404, "ResourceNotFound"), ConfigError, "no such vault"),
    "InternalServerError": (reply(500, "InternalServerError"), Unavailable, "failed inside"),
    "InternalError": (reply(500, "InternalError"), Unavailable, "failed inside"),
    "ServiceUnavailable": (reply(503, "ServiceUnavailable"), Unavailable, "not available"),
    "ServerBusy": (reply(503, "ServerBusy"), Unavailable, "overloaded"),
    "GatewayTimeout": (reply(504, "GatewayTimeout"), Unavailable, "failed inside"),
    "RequestTimeout": (reply(408, "RequestTimeout"), Unavailable, "failed inside"),
}


def test_each_row_has_a_case() -> None:
    assert MADE.keys() == TABLE.keys()


@pytest.mark.parametrize("code", MADE)
def test_a_row(code: str) -> None:
    answer, kind, said = MADE[code]
    error = meaning(answer)
    assert type(error) is kind
    assert said in str(error)
    assert error.request_id == "id-1"
    assert error.resource == "db/password"
    assert ("in its words" in str(error)) <= TABLE[code].quote


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(400, "Unheard"), Invalid),
        (reply(401, "Unheard"), Unauthenticated),
        (reply(403, "Unheard"), Denied),
        (reply(404, "Unheard"), NotFound),
        (reply(409, "Unheard"), Conflict),
        (reply(413, "Unheard"), Invalid),
        (reply(418, "Unheard"), Unavailable),
        (reply(429, "Unheard"), Throttled),
        (reply(500, "Unheard"), Unavailable),
        (reply(403, "Forbidden", "Unheard"), Denied),
        (reply(400, "BadParameter", "Unheard"), Invalid),
        (reply(404, "VaultNotFound", "Unheard"), ConfigError),
        (Reply(429, {}, b"slow down"), Throttled),
        (Reply(502, {}, b"<html>bad gateway"), Unavailable),
        (Reply(503, {}, b""), Unavailable),
        (Reply(404, {}, b"<html>no such page"), Unavailable),
        (Reply(403, {}, b"<html>the proxy forbids"), Unavailable),
        (Reply(307, {"Location": "https://elsewhere"}, b""), Unavailable),
        (Reply(404, {}, b'{"error": "text"}'), Unavailable),
        (Reply(404, {}, b"{}"), Unavailable),
    ],
)
def test_answers_of_no_row(answer: Reply, kind: type[SkykeepError]) -> None:
    """An answer without a code is a proxy's, or a page: no proof that a secret is not there."""
    assert type(meaning(answer)) is kind


def test_the_older_spelling_of_the_inner_error() -> None:
    body = {"error": {"code": "Forbidden", "innerError": {"code": "SecretDisabled"}}}
    assert type(meaning(Reply(403, {}, json.dumps(body).encode()))) is VersionUnavailable


@pytest.mark.parametrize("code", ["BadParameter", "SecretTooLarge"])
def test_what_may_quote_us_is_not_quoted(code: str) -> None:
    assert "hunter2" not in str(meaning(reply(400, "BadParameter", code, said="'hunter2'?")))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-7"}, None),
        ({"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0.0),
    ],
)
def test_patience(header: dict[str, str], seconds: float | None) -> None:
    error = meaning(Reply(429, header, b""))
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


def test_patience_until_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    error = meaning(Reply(429, {"Retry-After": later}, b""))
    assert isinstance(error, Throttled)
    assert error.retry_after is not None
    assert 3000 < error.retry_after <= 3600


# -- as the vault says it

READER = "11111111-0000-4000-8000-000000000002"


async def refusal(vault: KeyVault, work: str, oid: str = "") -> SkykeepError:
    """What a driver raises that does such a thing."""
    tokens = Tokens(vault.vaults, oid) if oid else None
    driver = opened(vault, tokens=tokens)
    works: dict[str, Any] = {
        "get": lambda: driver.get("made"),
        "list": lambda: driver.list("", cursor=None, limit=5),
        "create": lambda: driver.create("new", VALUE, NOTHING),
        "update": lambda: driver.update("made", SecretValue("y"), NOTHING),
        "annotate": lambda: driver.annotate("made", Attributes(tags={"a": "b"})),
        "delete": lambda: driver.delete("made"),
        "restore": lambda: driver.restore("gone"),
        "purge": lambda: driver.purge("gone"),
    }
    try:
        with pytest.raises(SkykeepError) as caught:
            await works[work]()
    finally:
        await driver.close()
    return caught.value


@pytest.mark.asyncio
@pytest.mark.parametrize("model", ["policy", "rbac"])
@pytest.mark.parametrize(
    ("work", "right"),
    [
        ("get", "get"),
        ("list", "list"),
        ("create", "set"),
        ("update", "set"),
        ("annotate", "set"),
        ("delete", "delete"),
        ("restore", "recover"),
        ("purge", "purge"),
    ],
)
async def test_a_right_that_is_missing(
    key_vault: KeyVaults, model: str, work: str, right: str
) -> None:
    rights = [] if right in {"get", "list"} else ["get", "list"]
    vault = key_vault.new(model=model)
    with judge_of(vault) as judge:
        judge.set_secret("made", "x")
        judge.set_secret("gone", "x")
        judge.begin_delete_secret("gone").wait()
    vault.change(grants=[{"oid": READER, "permissions": rights}])
    error = await refusal(vault, work, READER)
    assert type(error) is Denied
    assert f"'{right}'" in error.hint
    assert error.request_id


@pytest.mark.asyncio
async def test_who_may_write_and_not_read(key_vault: KeyVaults) -> None:
    """A write looks at what is there first; unseen, it would drop tags and make versions."""
    for rights, said in ((["set"], "'get'"), (["set", "list"], "looks at what is there")):
        vault = key_vault.new()
        with judge_of(vault) as judge:
            judge.set_secret("made", "x")
        vault.change(grants=[{"oid": READER, "permissions": rights}])
        error = await refusal(vault, "update", READER)
        assert type(error) is Denied
        assert said in str(error)


@pytest.mark.asyncio
async def test_who_may_list_and_not_read(key_vault: KeyVaults) -> None:
    vault = key_vault.new()
    with judge_of(vault) as judge:
        judge.set_secret("made", "x")
        second = judge.set_secret("made", "y").properties.version
    vault.change(grants=[{"oid": READER, "permissions": ["list"]}])
    driver = opened(vault, tokens=Tokens(key_vault, READER))
    assert len(await driver.versions("made")) == 2
    info = await driver.describe("made")
    assert info.version in {known.id for known in await driver.versions("made")}
    assert second in {known.id for known in await driver.versions("made")}
    with pytest.raises(Denied):
        await driver.get("made")
    await driver.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ({"firewall": True}, Denied, "firewall"),
        ({"public_access": False}, Denied, "private link"),
        ({"throttle": 1, "retry_after": 7}, Throttled, "patience"),
        ({"throttle": 1, "retry_after": None}, Throttled, "patience"),
    ],
)
async def test_the_vault_refuses(
    key_vault: KeyVaults, settings: dict[str, Any], kind: type[SkykeepError], said: str
) -> None:
    vault = key_vault.new()
    vault.change(**settings)
    error = await refusal(vault, "get")
    assert type(error) is kind
    assert said in str(error)
    if isinstance(error, Throttled):
        assert error.retry_after == settings["retry_after"]
