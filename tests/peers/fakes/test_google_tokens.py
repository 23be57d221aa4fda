"""google-auth takes its tokens from the fakes, and what is wrong is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import google.auth.exceptions
import pytest
import requests
from google.auth import identity_pool, impersonated_credentials
from google.auth.compute_engine import _metadata
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials

from tests.peers.fakes.aws_signature import AwsAccounts
from tests.peers.fakes.google_metadata import MetadataServer
from tests.peers.fakes.google_tokens import (
    ACCESS_TOKEN,
    CLOUD_PLATFORM,
    EXCHANGE,
    JWTS,
    PROVIDER,
    GoogleTokens,
    Registry,
)

TARGET = "target@skykeep-tests.iam.gserviceaccount.com"
MIDDLE = "middle@skykeep-tests.iam.gserviceaccount.com"
LOGIN: Any = Credentials  # it has no types


@pytest.fixture
def tokens() -> Iterator[GoogleTokens]:
    with GoogleTokens() as made:
        made.logins["1//good"] = "ada@example.test"
        yield made


@pytest.fixture
def request_() -> Iterator[Any]:
    with requests.Session() as session:
        yield Request(session)


def login(tokens: GoogleTokens, **changes: str) -> Any:
    given = {
        "refresh_token": "1//good",
        "token_uri": f"{tokens.address}/token",
        "client_id": tokens.client_id,
        "client_secret": tokens.client_secret,
        **changes,
    }
    return LOGIN(None, **given)


def post(url: str, content: Any, token: str = "", form: bool = False) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return requests.post(url, urlencode(content), headers=headers, timeout=30)
    return requests.post(url, json.dumps(content), headers=headers, timeout=30)


def test_a_login_gets_a_token(tokens: GoogleTokens, request_: Any) -> None:
    made = login(tokens)
    made.refresh(request_)
    assert tokens.registry.given[made.token].principal == "user:ada@example.test"
    about = post(f"{tokens.address}/tokeninfo", {"access_token": made.token}, form=True).json()
    assert about["email"] == "ada@example.test"
    assert CLOUD_PLATFORM in about["scope"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"refresh_token": "1//bad"}, "invalid_grant"),
        ({"client_id": "another"}, "invalid_client"),
        ({"client_secret": "another"}, "invalid_client"),
    ],
)
def test_another_login_gets_none(
    tokens: GoogleTokens, request_: Any, changes: dict[str, str], error: str
) -> None:
    with pytest.raises(google.auth.exceptions.RefreshError, match=error):
        login(tokens, **changes).refresh(request_)
    assert tokens.registry.given == {}


def test_a_token_that_is_nobodys_has_no_info(tokens: GoogleTokens) -> None:
    reply = post(f"{tokens.address}/tokeninfo", {"access_token": "x"}, form=True)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_token")


class Subject:
    """Gives the pool's credentials the token of the issuer."""

    def __init__(self, token: str) -> None:
        self.token = token

    def get_subject_token(self, context: Any, request: Any) -> str:
        return self.token


def federated(tokens: GoogleTokens, **changes: Any) -> Any:
    """google-auth's credentials of a workload identity pool."""
    now = int(time.time())
    claims = {"iat": now - 60, "nbf": now - 60}
    audience = changes.pop("aud", f"https:{PROVIDER}")
    kind: Any = identity_pool.Credentials
    return kind(
        audience=changes.pop("audience", PROVIDER),
        subject_token_type=JWTS[0],
        token_url=f"{tokens.address}/v1/token",
        subject_token_supplier=Subject(
            tokens.issuer.token("repo:example", audience, **{**claims, **changes})
        ),
        scopes=[CLOUD_PLATFORM],
    )


def test_a_token_of_the_issuer_is_exchanged(tokens: GoogleTokens, request_: Any) -> None:
    made = federated(tokens)
    made.refresh(request_)
    assert tokens.registry.given[made.token].principal.endswith("/subject/repo:example")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "https://elsewhere.test"}, "invalid_grant"),
        ({"seconds": -30}, "invalid_grant"),
        ({"iss": "https://elsewhere.test"}, "invalid_grant"),
        ({"audience": PROVIDER + "x"}, "invalid_target"),
        ({"audience": "//iam.googleapis.com/x"}, "invalid_request"),
    ],
)
def test_a_token_that_is_not_good_is_not(
    tokens: GoogleTokens, request_: Any, changes: dict[str, Any], error: str
) -> None:
    with pytest.raises(google.auth.exceptions.OAuthError, match=error):
        federated(tokens, **changes).refresh(request_)


def test_a_signature_of_somebody_else_is_not_good(tokens: GoogleTokens, request_: Any) -> None:
    with GoogleTokens() as others:
        made = federated(others)
        made._sts_client._token_exchange_endpoint = f"{tokens.address}/v1/token"
        with pytest.raises(google.auth.exceptions.OAuthError, match="invalid_grant"):
            made.refresh(request_)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": ""}, "invalid_scope"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml1"}, "invalid_request"),
    ],
)
def test_what_an_exchange_must_say(
    tokens: GoogleTokens, changes: Mapping[str, str], error: str
) -> None:
    sent = {
        "grant_type": EXCHANGE,
        "audience": PROVIDER,
        "scope": CLOUD_PLATFORM,
        "requested_token_type": ACCESS_TOKEN,
        "subject_token_type": JWTS[0],
        "subject_token": "x",
        **changes,
    }
    reply = post(f"{tokens.address}/v1/token", sent, form=True)
    assert (reply.status_code, reply.json()["error"]) == (400, error)


def test_a_signature_of_aws_is_bound_to_the_provider() -> None:
    accounts = AwsAccounts()
    accounts.keys["AKIA"] = ("s", "arn:aws:iam::1:user/a")
    for headers in ([], [{"key": "Authorization", "value": "AWS4-HMAC-SHA256 nonsense"}]):
        sent = {"url": "https://sts.amazonaws.com", "method": "POST", "headers": headers}
        assert accounts.arn(json.dumps(sent), PROVIDER) is None


def acting(tokens: GoogleTokens, **changes: Any) -> Any:
    kind: Any = impersonated_credentials.Credentials
    url = f"{tokens.address}/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"
    given = {"target_principal": TARGET, "target_scopes": [CLOUD_PLATFORM], **changes}
    return kind(login(tokens), iam_endpoint_override=url, **given)


def test_acting_as_another(tokens: GoogleTokens, request_: Any) -> None:
    tokens.creators = {TARGET: {f"serviceAccount:{MIDDLE}"}, MIDDLE: {"user:ada@example.test"}}
    made = acting(tokens, delegates=[f"projects/-/serviceAccounts/{MIDDLE}"])
    made.refresh(request_)
    assert tokens.registry.given[made.token].principal == f"serviceAccount:{TARGET}"
    with pytest.raises(google.auth.exceptions.RefreshError, match="IAM_PERMISSION_DENIED"):
        acting(tokens).refresh(request_)


@pytest.mark.parametrize("changes", [{"lifetime": 3601}, {"target_scopes": []}])
def test_acting_has_limits(
    tokens: GoogleTokens, request_: Any, changes: dict[str, Any]
) -> None:
    tokens.creators = {TARGET: {"user:ada@example.test"}}
    with pytest.raises(google.auth.exceptions.RefreshError, match="INVALID_ARGUMENT"):
        acting(tokens, **changes).refresh(request_)


def test_who_may_do_what_on_the_project(tokens: GoogleTokens) -> None:
    token = tokens.registry.issue("user:ada@example.test")
    tokens.permissions["user:ada@example.test"] = {"a.b.c"}
    url = f"{tokens.address}/v1/projects/skykeep-tests:testIamPermissions"
    asked = {"permissions": ["a.b.c", "d.e.f"]}
    assert post(url, asked, token).json() == {"permissions": ["a.b.c"]}
    assert post(url, asked).status_code == 401
    assert post(url, asked, "ya29.nobodys").status_code == 401
    assert post(url, {"permissions": ["a.*"]}, token).status_code == 400
    assert post(url.replace("skykeep-tests", "other"), asked, token).status_code == 403
    tokens.enabled = False
    refused = post(url, asked, token).json()["error"]
    assert refused["details"][0]["reason"] == "SERVICE_DISABLED"
    late = tokens.registry.issue("user:ada@example.test", lifetime=-1)
    tokens.enabled = True
    assert post(url, asked, late).status_code == 401


def test_the_metadata_server(request_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with MetadataServer(Registry()) as server:
        root = f"{server.address}/computeMetadata/v1/"
        # It read its variables when it was imported.
        monkeypatch.setattr(_metadata, "_get_metadata_root", lambda use_mtls: root)
        get: Any = _metadata.get_service_account_token
        token, _ = get(request_)
        assert server.registry.given[token].principal == f"serviceAccount:{server.account}"
        assert get(request_)[0] == token, "it keeps the token"
        project: Any = _metadata.get_project_id
        assert project(request_) == "skykeep-tests"
        url = f"{root}instance/service-accounts/default/token"
        assert requests.get(url, timeout=30).status_code == 403, "without the header"
        server.account = None
        with pytest.raises(google.auth.exceptions.TransportError, match="404"):
            get(request_)
