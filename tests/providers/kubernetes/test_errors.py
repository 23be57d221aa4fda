"""The apiserver's refusals are our errors: by real answers, and by made ones where none can be
had."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
import pytest_asyncio

from skykeep.conformance.cases import CANARY, refused
from skykeep.errors import (
    ConfigError,
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    Quota,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.kubernetes.errors import TABLE, _row, error_of, status_of
from skykeep.providers.kubernetes.session import Session, open_session
from skykeep.providers.wire import Reply
from tests.peers.kube import Kube
from tests.providers.kubernetes.opening import NOTHING, context, opened, settings

VALUE = SecretValue(CANARY + b" value")
READ = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}


def reply(status: int, reason: str, message: str, *causes: str, **details: Any) -> Reply:
    """As an apiserver words it."""
    given = {"causes": [{"reason": cause} for cause in causes], **details}
    content = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": given,
        "code": status,
    }
    return Reply(status, {"Audit-Id": "made-up-id"}, json.dumps(content).encode())


# One case a row of the table, in its order: what such a server says.
MADE: list[tuple[Reply, type[SkykeepError], str]] = [
    (reply(404, "NotFound", 'namespaces "x" not found'), ConfigError, "check namespace"),
    (
        reply(404, "NotFound", "the server could not find the requested resource"),
        ConfigError,
        "no such API",
    ),
    (reply(404, "NotFound", 'secrets "a" not found'), NotFound, "no such Secret"),
    (reply(409, "AlreadyExists", 'secrets "a" already exists'), Conflict, "exists already"),
    (
        reply(
            409, "Conflict", 'Operation cannot be fulfilled on secrets "a": the object has …'
        ),
        Conflict,
        "meanwhile",
    ),
    (reply(401, "Unauthorized", "Unauthorized"), Unauthenticated, "skykeep doctor"),
    (
        reply(403, "Forbidden", 'secrets "a" is forbidden: exceeded quota: q, requested: …'),
        Quota,
        "raise the quota",
    ),
    (
        reply(403, "Forbidden", 'secrets "a" is forbidden: failed quota: q: must specify x'),
        Quota,
        "kubectl describe resourcequota",
    ),
    (
        reply(
            403,
            "Forbidden",
            'secrets "a" is forbidden: unable to create new content in namespace x …',
            "NamespaceTerminating",
        ),
        ConfigError,
        "being deleted",
    ),
    (
        reply(403, "Forbidden", 'secrets is forbidden: User "system:anonymous" cannot list …'),
        Unauthenticated,
        "no credentials",
    ),
    (
        reply(403, "Forbidden", 'users "jane" is forbidden: User "u" cannot impersonate …'),
        Denied,
        "'as'",
    ),
    (
        reply(
            403, "Forbidden", "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: x"
        ),
        Denied,
        "admission policy",
    ),
    (
        reply(403, "Forbidden", 'admission webhook "w" denied the request: no'),
        Denied,
        "admission webhook",
    ),
    (
        reply(403, "Forbidden", 'secrets "a" is forbidden: User "u" cannot get resource …'),
        Denied,
        "a Role",
    ),
    (
        reply(
            422, "Invalid", 'Secret "a" is invalid: data: Forbidden: field is immutable when …'
        ),
        Unsupported,
        "create it again",
    ),
    (
        reply(
            422, "Invalid", "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: x"
        ),
        Denied,
        "admission policy",
    ),
    (reply(422, "Invalid", 'Secret "a" is invalid: data: Too long'), Invalid, "Too long"),
    (
        reply(400, "BadRequest", 'admission webhook "w" denied the request: no'),
        Denied,
        "admission webhook",
    ),
    (reply(400, "BadRequest", "continue key is not valid: x"), Invalid, "begin the listing"),
    (reply(400, "BadRequest", "the body is no JSON"), Invalid, "no JSON"),
    (reply(400, "", 'admission webhook "w" denied the request: no'), Denied, "webhook"),
    (reply(410, "Expired", "The provided continue parameter is too old"), Invalid, "anew"),
    (reply(410, "Gone", "gone"), Invalid, "anew"),
    (reply(413, "RequestEntityTooLarge", "limit is 3145728"), Invalid, "too large"),
    (reply(405, "MethodNotAllowed", "the server does not allow this"), Unsupported, "allow"),
    (reply(406, "NotAcceptable", "only the following media types"), Unsupported, "1.15"),
    (reply(415, "UnsupportedMediaType", "the body of the request"), Unsupported, "this form"),
    (
        reply(429, "TooManyRequests", "storage is (re)initializing", retryAfterSeconds=7),
        Throttled,
        "patience",
    ),
    (
        reply(500, "InternalError", 'Internal error occurred: unable to transform key "/a": x'),
        KeyFailure,
        "decrypt",
    ),
    (
        reply(500, "StorageReadError", "data from the storage is not transformable"),
        Corrupt,
        "etcd",
    ),
    (reply(500, "InternalError", "etcdserver: request is too large"), Invalid, "etcd"),
    (
        reply(500, "InternalError", "etcdserver: mvcc: database space exceeded"),
        Quota,
        "defragment",
    ),
    (
        reply(500, "InternalError", 'failed calling webhook "w": connection refused'),
        Unavailable,
        "webhook",
    ),
    (
        reply(500, "InternalError", 'failed to call webhook: Post "https://w": refused'),
        Unavailable,
        "webhook",
    ),
    (reply(500, "InternalError", "etcdserver: leader changed"), Unavailable, "leader changed"),
    (reply(500, "ServerTimeout", "The get operation could not be"), Unavailable, "try again"),
    (reply(504, "Timeout", "request did not complete within"), Unavailable, "try again"),
    (reply(503, "ServiceUnavailable", "apiserver is shutting down"), Unavailable, "updated"),
]


@pytest.mark.parametrize("number", range(len(TABLE)))
def test_each_row(number: int) -> None:
    row = TABLE[number]
    made, kind, word = MADE[number]
    status = status_of(made)
    assert status is not None
    assert _row(made, status) is row, "the case is about another row"
    error = error_of(made)
    assert type(error) is kind
    assert word in str(error)
    assert "{" not in str(error)
    assert error.request_id == "made-up-id"


def test_there_is_a_case_for_each_row() -> None:
    assert len(MADE) == len(TABLE)


@pytest.mark.parametrize(
    ("made", "kind", "word"),
    [
        (reply(409, "NeverHeardOf", "it is so"), Invalid, "it is so"),
        (reply(500, "NeverHeardOf", "it is so"), Unavailable, "it is so"),
        (Reply(200, {}, b"<html>"), Unavailable, "something else than an apiserver"),
        (Reply(302, {}, b""), Unavailable, "HTTP 302"),
        (Reply(403, {}, b"<html>the proxy forbids"), Unavailable, "proxies on the way"),
        (Reply(404, {}, b"404 page not found"), Unavailable, "HTTP 404"),
        (Reply(404, {}, b'{"kind": "Secret"}'), Unavailable, "HTTP 404"),
        (Reply(502, {}, b""), Unavailable, "HTTP 502"),
        (Reply(401, {}, b"Unauthorized"), Unauthenticated, "does not know"),
        (Reply(429, {}, b"Too many requests, please try again later."), Throttled, "patience"),
    ],
)
def test_answers_that_no_row_is_about(made: Reply, kind: type[SkykeepError], word: str) -> None:
    error = error_of(made)
    assert type(error) is kind
    assert word in str(error)


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "3"}, {"retryAfterSeconds": 7}, 3.0),
        ({}, {"retryAfterSeconds": 7}, 7.0),
        ({"Retry-After": "soon"}, {}, None),
        ({}, {}, None),
    ],
)
def test_patience(
    headers: dict[str, str], details: dict[str, Any], seconds: float | None
) -> None:
    said = reply(429, "TooManyRequests", "later", **details)
    error = error_of(Reply(429, headers, said.body))
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


# -- real answers


@pytest_asyncio.fixture
async def session(kube: Kube, tmp_path: Path) -> AsyncIterator[Session]:
    config = kube.kubeconfig(tmp_path / "config")
    made = open_session(settings(kubeconfig=str(config)), context())
    yield made
    await made.close()


def call(
    method: str, path: str, body: Any = None, **more: str
) -> Callable[[Session], Awaitable[Any]]:
    return lambda session: session.call(method, path, body, kind=NoneType, **more)


ASKED: dict[str, tuple[Callable[[Session], Awaitable[Any]], type[SkykeepError], str]] = {
    "no Secret": (call("GET", "/api/v1/namespaces/default/secrets/no"), NotFound, "no such"),
    "no namespace": (
        call(
            "POST",
            "/api/v1/namespaces/nowhere/secrets",
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}},
        ),
        ConfigError,
        "nowhere",
    ),
    "no API": (call("GET", "/api/v9/secrets"), ConfigError, "no such API"),
    "no JSON": (
        call("POST", "/api/v1/namespaces/default/secrets", "text"),
        Invalid,
        "refuses it",
    ),
    "no method": (
        call("POST", "/api/v1/namespaces/default/secrets/a", {}),
        Unsupported,
        "does not allow",
    ),
    "no such form": (
        call("GET", "/api/v1/secrets", accept="application/x-made-up"),
        Unsupported,
        "this form",
    ),
    "no such body": (
        call("PATCH", "/api/v1/namespaces/default/secrets/a", {}, content_type="text/plain"),
        Unsupported,
        "cannot read",
    ),
    "a cursor that is none": (
        call("GET", "/api/v1/secrets?limit=1&continue=e30"),
        Invalid,
        "begin the listing anew",
    ),
    "a name that is none": (
        call(
            "POST",
            "/api/v1/namespaces/default/secrets",
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "A_"}},
        ),
        Invalid,
        "lower case",
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", ASKED)
async def test_what_a_server_refuses(kube: Kube, session: Session, asked: str) -> None:
    ask, kind, word = ASKED[asked]
    error = await refused(kind, ask(session))
    assert word in str(error)
    assert error.request_id, "the server's id of the request"


@pytest.mark.asyncio
async def test_a_role_that_allows_too_little(
    kube: Kube, namespace: str, tmp_path: Path
) -> None:
    admin = await opened(kube, tmp_path, namespace)
    await admin.create("made", VALUE, NOTHING)
    token = kube.service_account(namespace, READ)
    driver = await opened(kube, tmp_path, namespace, token=token)
    assert (await driver.get("made")).value == VALUE
    for work in (
        driver.create("new", VALUE, NOTHING),
        driver.update("made", SecretValue("other"), NOTHING),
        driver.delete("made"),
    ):
        error = await refused(Denied, work)
        assert "cannot" in str(error), "the verb that is missing"
        assert "system:serviceaccount" in str(error), "and who lacks it"
    await driver.close()
    await admin.close()


@pytest.mark.asyncio
async def test_a_quota_that_is_used_up(kube: Kube, namespace: str, tmp_path: Path) -> None:
    kube.quota(namespace, 1)
    driver = await opened(kube, tmp_path, namespace)
    await driver.create("one", VALUE, NOTHING)
    error = await refused(Quota, driver.create("two", VALUE, NOTHING))
    assert "count/secrets" in str(error)
    await driver.close()


@pytest.mark.asyncio
async def test_a_namespace_that_is_being_deleted(
    kube: Kube, namespace: str, tmp_path: Path
) -> None:
    driver: SecretDriver = await opened(kube, tmp_path, namespace)
    kube.call("DELETE", f"/api/v1/namespaces/{namespace}")
    error = await refused(ConfigError, driver.create("new", VALUE, NOTHING))
    assert "being deleted" in str(error)
    await driver.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("token", ["unknown", "expired"])
async def test_a_token_that_is_not_good(
    kube: Kube, namespace: str, tmp_path: Path, token: str
) -> None:
    text = "made-up"
    if token == "expired":
        text = kube.short_token(kube.account(namespace, READ), -60)
    driver = await opened(kube, tmp_path, namespace, token=text)
    error = await refused(Unauthenticated, driver.get("made"))
    assert f"token file {tmp_path / 'token'}" in str(error)
    assert text not in str(error)
    await driver.close()
