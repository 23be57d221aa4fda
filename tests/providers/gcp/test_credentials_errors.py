"""What is told when there is no token: which link, why, and the mend. No credential shows."""

from __future__ import annotations

import builtins
import json
import logging
import subprocess
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import google.auth.exceptions
import pytest

from skykeep.errors import (
    ConfigError,
    Denied,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.gcp.auth_settings import AuthSettings
from skykeep.providers.gcp.credentials.library import RAISED, explained
from skykeep.providers.gcp.credentials.refusals import (
    EXCHANGE,
    IMPERSONATION,
    OAUTH,
    Row,
    impersonation_refusal,
    oauth_refusal,
)
from skykeep.providers.wire import Reply
from tests.peers.fakes.google_tokens import PROVIDER
from tests.peers.fakes.serving import Fake, Request
from tests.peers.fakes.serving import Reply as Answer
from tests.peers.tokens import Issuer
from tests.providers.gcp.google_home import ACCOUNT, REFRESH, TARGET, Home, home, machine
from tests.providers.gcp.opening import settings

SOURCE = "the login in FILE"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as made:
        yield made


async def refused(here: Home, **auth: Any) -> SkykeepError:
    """The error of a search, and nothing that is secret in it or in what was logged."""
    with pytest.raises(SkykeepError) as raised:
        await here.credentials(**auth).token()
    assert raised.value.target == "primary (gcp)"
    told = "".join(
        traceback.TracebackException.from_exception(raised.value, capture_locals=True).format()
    )
    for secret in secrets_of(here):
        assert secret not in told
        assert secret not in repr(raised.value)
    return raised.value


def secrets_of(here: Home) -> list[str]:
    """What must not be shown."""
    key = here.service_account()["private_key"].splitlines()
    return [REFRESH, here.tokens.client_secret, *key[1:3], *here.tokens.registry.given]


def answer(status: int, content: Mapping[str, Any], **headers: str) -> Reply:
    return Reply(status, headers, json.dumps(content).encode())


# -- the tables


@pytest.mark.parametrize(
    ("exchange", "code", "row"),
    [(False, code, row) for code, row in OAUTH.items()]
    + [(True, code, row) for code, row in EXCHANGE.items()],
)
def test_each_code_of_oauth(exchange: bool, code: str, row: Row) -> None:
    said = {"error": code, "error_description": "in Google's words"}
    error = oauth_refusal(answer(400, said), b"", SOURCE, exchange=exchange)
    assert type(error) is row.kind
    assert error.hint == row.hint != ""
    assert code in error.message
    assert ("in Google's words" in error.message) == row.quote
    assert "{" not in error.message


@pytest.mark.parametrize(("code", "row"), IMPERSONATION.items())
def test_each_code_of_an_impersonation(code: str, row: Row) -> None:
    detail = {"reason": code} if code in {"IAM_PERMISSION_DENIED", "SERVICE_DISABLED"} else {}
    status = "PERMISSION_DENIED" if detail else code
    said = {"status": status, "message": "in Google's words", "details": [detail]}
    error = impersonation_refusal(answer(403, {"error": said}), SOURCE, TARGET)
    assert type(error) is row.kind
    assert error.hint == row.hint != ""
    assert "{" not in error.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, Throttled), (500, Unavailable), (503, Unavailable), (302, Unavailable),
     (400, Unauthenticated)],
)  # fmt: skip
@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"error": 1}', b'{"error": "invented"}'])
def test_an_answer_without_a_code_goes_by_its_status(
    status: int, kind: type[SkykeepError], body: bytes
) -> None:
    for error in (
        oauth_refusal(Reply(status, {}, body), b"", SOURCE, exchange=False),
        impersonation_refusal(Reply(status, {}, body), SOURCE, TARGET),
    ):
        assert type(error) is kind


def test_how_long_to_wait() -> None:
    error = oauth_refusal(
        answer(429, {"error": "rate_limit_exceeded"}, **{"Retry-After": "7"}),
        b"",
        SOURCE,
        exchange=False,
    )
    assert isinstance(error, Throttled)
    assert error.retry_after == 7


def test_words_that_repeat_what_was_sent_are_left_out() -> None:
    sent = b"refresh_token=1%2F%2Fcanary-canary&client_secret=d-canary-canary"
    for quoted in ("d-canary-canary", "d-canary-canary is wrong"):
        said = {"error": "invalid_client", "error_description": quoted}
        error = oauth_refusal(answer(401, said), sent, SOURCE, exchange=False)
        assert "canary" not in str(error)
    said = {"error": "invalid_client", "error_description": "a\x1b[31m" + "b" * 1000}
    shown = str(oauth_refusal(answer(401, said), sent, SOURCE, exchange=False))
    assert "\x1b" not in shown
    assert len(shown) < 600


@pytest.mark.parametrize("name", RAISED)
def test_each_class_of_google_auth(name: str) -> None:
    kind, says, hint = RAISED[name]
    places = (google.auth.exceptions, subprocess, builtins)
    found = next(getattr(place, name) for place in places if hasattr(place, name))
    arguments = ("canary", 1) if name == "TimeoutExpired" else ("canary",)
    error = explained(found(*arguments), SOURCE)
    assert type(error) is kind
    assert says in error.message
    assert error.hint == hint
    assert "canary" not in str(error)


# -- files that are not right


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        ("no json", ConfigError, "it is not JSON"),
        ("[]", ConfigError, "it is not JSON"),
        ("{}", ConfigError, r"a type that is not known here \(none\)"),
        ('{"type": "gdch_service_account"}', ConfigError, "gdch_service_account"),
        ('{"type": "service_account"}', ConfigError, "key in .* is not whole"),
        ('{"type": "authorized_user", "refresh_token": "1//x"}', ConfigError, "is not whole"),
        ('{"type": "external_account"}', ConfigError, "is not whole"),
        ('{"type": "external_account_authorized_user"}', ConfigError, "is not whole"),
        ('{"type": "impersonated_service_account"}', ConfigError, "does not say whom"),
    ],
)
async def test_a_file_that_is_not_right(
    here: Home, content: str, kind: type[SkykeepError], says: str
) -> None:
    file = here.path / "bad.json"
    file.write_text(content, encoding="utf-8")
    here.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(file)
    error = await refused(here)
    assert type(error) is kind
    with pytest.raises(kind, match=says):
        raise error
    assert str(file) in error.message
    assert error.hint


@pytest.mark.asyncio
async def test_a_file_that_is_not_there(here: Home) -> None:
    """It is named, so that nothing else is tried."""
    here.log_in()
    here.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(here.path / "missing.json")
    error = await refused(here)
    assert type(error) is Unauthenticated
    assert "missing.json of GOOGLE_APPLICATION_CREDENTIALS cannot be read" in error.message


@pytest.mark.asyncio
async def test_a_private_key_that_is_damaged(here: Home) -> None:
    whole = here.service_account()
    here.name({**whole, "private_key": whole["private_key"].replace("M", "N", 5)})
    assert "is not whole" in (await refused(here)).message


@pytest.mark.asyncio
async def test_another_universe(here: Home) -> None:
    """Its tokens are not sent to Google's own; with an endpoint it is known where to."""
    here.name(here.service_account(universe_domain="apis.example.test"))
    error = await refused(here)
    assert type(error) is ConfigError
    assert "apis.example.test" in error.message
    assert "endpoint" in error.hint
    target = {"endpoint": "https://secretmanager.apis.example.test"}
    assert await here.credentials(target=target).token()


# -- token services that say no


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("user", "says"), [("", "has expired or was revoked"), ("reauth", "wants it renewed")]
)
async def test_a_login_that_has_ended(here: Home, user: str, says: str) -> None:
    here.log_in()
    here.tokens.logins[REFRESH] = user
    error = await refused(here)
    assert type(error) is Unauthenticated
    assert says in error.message
    assert error.hint == "log in again: gcloud auth application-default login"
    assert len(here.tokens.asked) == 1, "google-auth does not try again"


@pytest.mark.asyncio
async def test_a_client_that_is_gone(here: Home) -> None:
    here.log_in(here.login(client_id="another"))
    error = await refused(here)
    assert "does not know the OAuth client" in error.message


def federated(here: Home, token: str, **changes: Any) -> None:
    file = here.path / "token"
    file.write_text(token, encoding="utf-8")
    here.name(here.federation({"file": str(file)}, **changes))


@pytest.mark.asyncio
async def test_a_token_for_another_audience(here: Home) -> None:
    federated(here, here.identity_token(audience="https://github.com/example"))
    error = await refused(here)
    assert type(error) is Unauthenticated
    assert "[https://github.com/example] does not match" in error.message
    assert "allowed audiences" in error.hint


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["ended", "not signed by the issuer", "of another issuer"])
async def test_a_token_that_is_not_good(here: Home, how: str) -> None:
    if how == "ended":
        token = here.identity_token(seconds=-400)
    elif how == "of another issuer":
        token = here.identity_token(iss="https://elsewhere.test")
    else:
        token = Issuer().token("repo:example/shop", f"https:{PROVIDER}")
    federated(here, token)
    error = await refused(here)
    assert type(error) is Unauthenticated
    assert "does not accept the token" in error.message
    assert token not in str(error)


@pytest.mark.asyncio
async def test_an_attribute_condition(here: Home) -> None:
    here.tokens.condition = "repo:another/"
    federated(here, here.identity_token())
    error = await refused(here)
    assert type(error) is Denied
    assert "attribute condition" in error.message


@pytest.mark.asyncio
async def test_a_provider_that_is_not_there(here: Home) -> None:
    federated(here, here.identity_token(), audience=f"{PROVIDER}-gone")
    error = await refused(here)
    assert type(error) is Unauthenticated
    assert "disabled or deleted" in error.message
    federated(here, here.identity_token(), audience="//iam.googleapis.com/nonsense")
    assert type(await refused(here)) is ConfigError


@pytest.mark.asyncio
async def test_a_token_file_that_is_not_there(here: Home) -> None:
    here.name(here.federation({"file": str(here.path / "missing")}))
    error = await refused(here)
    assert type(error) is Unauthenticated
    assert "gave no token (RefreshError)" in error.message
    assert "credential_source" in error.hint


@pytest.mark.asyncio
async def test_a_program_that_fails(here: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says may be a token: it is not shown."""
    here.environ["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"] = "1"
    monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
    url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"
    leads = {"service_account_impersonation_url": f"{url}/{TARGET}:generateAccessToken"}
    source = {"executable": {"command": "sh -c 'echo canary-of-a-token; exit 3'"}}
    here.name(here.federation(source, **leads))
    error = await refused(here)
    assert type(error) is Unauthenticated
    assert "canary" not in str(error)


@pytest.mark.asyncio
async def test_without_the_api_nobody_is_acted_as(here: Home) -> None:
    here.name(here.service_account())
    here.tokens.enabled = False
    error = await refused(here, impersonate=TARGET)
    assert type(error) is ConfigError
    assert "gcloud services enable iamcredentials.googleapis.com" in error.hint


@pytest.mark.asyncio
async def test_a_deleted_key_acts_as_nobody(here: Home) -> None:
    here.name(here.service_account())
    here.tokens.registry.keys.clear()
    error = await refused(here, impersonate=TARGET)
    assert type(error) is Unauthenticated
    assert f"with which to act as {TARGET}" in error.message


# -- token services that do not answer, or not as they must


class Instead(Fake):
    """Answers everything in the same way."""

    def __init__(self, status: int, body: bytes, **headers: str) -> None:
        super().__init__()
        self.reply = Answer(status, body, headers)

    def answer(self, request: Request) -> Answer:
        return self.reply


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, b'{"error": "temporarily_unavailable"}', Unavailable),
        (500, b"<html>", Unavailable),
        (429, b"", Throttled),
        (302, b"", Unavailable),
        (200, b"<html>login here</html>", Unauthenticated),
        (200, b"{}", Unauthenticated),
    ],
)
async def test_a_token_service_in_trouble(
    here: Home, status: int, body: bytes, kind: type[SkykeepError]
) -> None:
    """It is asked once: our own layers try again."""
    here.log_in()
    with Instead(status, body, Location="http://127.0.0.1:1/") as instead:
        error = await refused(here, endpoints={"oauth2": instead.address})
        assert type(error) is kind
        assert len(instead.asked) == 1


@pytest.mark.asyncio
async def test_a_token_service_that_is_not_there(here: Home) -> None:
    here.log_in()
    with Instead(200, b"") as gone:
        pass
    error = await refused(here, endpoints={"oauth2": gone.address})
    assert type(error) is Unavailable
    assert "refuses connections" in error.message


@pytest.mark.asyncio
async def test_tokens_are_not_asked_for_in_the_clear(here: Home) -> None:
    """Plain http is for this host, and for metadata servers, whose addresses are not routed."""
    federated(here, here.identity_token(), token_url="http://sts.example.test/v1/token")
    error = await refused(here)
    assert type(error) is ConfigError
    assert "http" in error.message


@pytest.mark.asyncio
async def test_a_proxy_leads_to_token_services(here: Home) -> None:
    here.log_in()
    here.environ["HTTPS_PROXY"] = "http://127.0.0.1:1"
    error = await refused(here, endpoints={"oauth2": "https://oauth2.example.test"})
    assert "the proxy 127.0.0.1:1 (HTTPS_PROXY)" in error.message


@pytest.mark.asyncio
async def test_a_metadata_server_in_trouble(here: Home) -> None:
    with machine(here) as server:
        here.environ["GCE_METADATA_HOST"] = server.address.removeprefix("http://")
        server.flavor["Metadata-Flavor"] = "Google"
        with Instead(503, b"", **{"Metadata-Flavor": "Google"}) as instead:
            here.environ["GCE_METADATA_HOST"] = instead.address.removeprefix("http://")
            assert type(await refused(here)) is Unavailable
        with Instead(400, b"", **{"Metadata-Flavor": "Google"}) as instead:
            here.environ["GCE_METADATA_HOST"] = instead.address.removeprefix("http://")
            assert type(await refused(here)) is ConfigError
        with Instead(200, b"{}", **{"Metadata-Flavor": "Google"}) as instead:
            here.environ["GCE_METADATA_HOST"] = instead.address.removeprefix("http://")
            assert type(await refused(here)) is Unavailable


# -- nothing shows


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["login", "key", "federation", "machine", "acting"])
async def test_nothing_is_logged(
    here: Home, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    subject = here.identity_token()
    credentials = here.credentials()
    if kind == "login":
        here.log_in()
    elif kind == "federation":
        federated(here, subject)
    elif kind == "machine":
        with machine(here):
            await credentials.token()
    else:
        here.name(here.service_account())
    if kind == "acting":
        here.tokens.creators[TARGET] = {f"serviceAccount:{ACCOUNT}"}
        credentials = here.credentials(impersonate=TARGET)
    token = await credentials.known()
    said = caplog.text + repr(token) + repr(credentials)
    for secret in [*secrets_of(here), token.value, subject]:
        assert secret not in said


# -- what a configuration may say


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({"method": "file"}, "needs auth.credentials_file"),
        ({"method": "metadata", "credentials_file": "/x"}, "is not for the method 'metadata'"),
        ({"delegates": [TARGET]}, "needs auth.impersonate"),
        ({"impersonate": "../projects"}, "is not the e-mail"),
        ({"impersonate": TARGET, "delegates": ["a/b"]}, "is not the e-mail"),
        ({"scopes": []}, "is not empty"),
        ({"password": "x"}, "unknown field `password`"),
    ],
)
def test_settings_that_contradict_themselves(auth: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(auth=auth)


def test_nothing_secret_can_be_written_there() -> None:
    """Every key names a place, an account or an address."""
    assert set(AuthSettings.__struct_fields__) == {
        "method",
        "credentials_file",
        "impersonate",
        "delegates",
        "quota_project",
        "scopes",
        "endpoints",
    }
