"""The credential chain, link by link, against token services; renewal; what is told if none."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import (
    ConfigError,
    Denied,
    SkykeepError,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.aws.credentials import Keys, finder_of
from skykeep.providers.aws.identity import open_identity
from tests.peers.peer import Server
from tests.peers.web_identity import WebIdentity
from tests.providers.aws.opening import context, settings

LATER = "2099-01-01T00:00:00Z"
GIVEN = {
    "AccessKeyId": "ASIAGIVEN",
    "SecretAccessKey": "given-secret",
    "Token": "given-token",
    "Expiration": LATER,
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of this host, and no instance metadata."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@contextmanager
def token_service(
    *answers: dict[str, Any], status: int = 200
) -> Iterator[tuple[str, list[Any]]]:
    """Gives the answers in order, the last one for ever; its address, and what it saw."""
    left = list(answers)
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, dict(self.headers)))
            body = json.dumps(left.pop(0) if len(left) > 1 else left[0]).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  (the name that the server looks for)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def find(**keys: Any) -> Keys:
    """What the chain finds now."""
    return finder_of(settings(**keys), os.environ, "primary (aws)", "us-east-1")(anew=False)


async def source(address: str, **keys: Any) -> str:
    """In which words the identity names where the keys are from."""
    environ = {**os.environ, "AWS_ENDPOINT_URL": address}
    asked = await open_identity(settings(**keys), context(environ))
    try:
        return (await asked.whoami()).source
    finally:
        await asked.close()


def profiles(home: Path, name: str, text: str) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    (home / ".aws" / name).write_text(text, encoding="utf-8")


def test_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert (find().access, find().token, find().method) == ("AKIA", None, "env")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t")
    assert find().token == "t"
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", LATER)
    found = find()
    assert (found.access, found.token, found.method) == ("AKIA", "t", "env")
    assert found.expires_at == datetime(2099, 1, 1, tzinfo=UTC)


@pytest.mark.asyncio
async def test_a_profile(tmp_path: Path, moto: Server, monkeypatch: Any) -> None:
    profiles(
        tmp_path,
        "credentials",
        "[default]\naws_access_key_id=D\naws_secret_access_key=d\n"
        "[ops]\naws_access_key_id=O\naws_secret_access_key=o\naws_session_token=t\n",
    )
    assert find().access == "D"
    found = find(profile="ops")
    assert (found.access, found.token, found.method) == ("O", "t", "shared-credentials-file")
    said = await source(moto.address, profile="ops")
    assert said == "profile 'ops' in the AWS credentials file"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "E")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "e")
    assert find().access == "E", "variables go before the default profile"
    assert find(profile="ops").access == "O", "and a profile that is named before variables"


def test_the_region_of_a_profile(tmp_path: Path) -> None:
    from skykeep.providers.aws.session import Session

    profiles(tmp_path, "config", "[profile ops]\nregion=eu-north-1\n")
    given = settings(profile="ops", region=None)
    assert asyncio.run(Session.of(given, context(dict(os.environ)))).region == "eu-north-1"
    with pytest.raises(ConfigError, match="region"):
        asyncio.run(Session.of(settings(region=None), context(dict(os.environ))))
    given = settings(region=None)
    for variable in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        environ = {"AWS_DEFAULT_REGION": "eu-west-1", variable: "eu-west-2"}
        assert asyncio.run(Session.of(given, context(environ))).region == "eu-west-2"


def test_a_process(tmp_path: Path) -> None:
    said = json.dumps({"Version": 1, **GIVEN, "SessionToken": "t"})
    (tmp_path / "said.json").write_text(said, encoding="utf-8")
    profiles(tmp_path, "config", f"[default]\ncredential_process=cat {tmp_path}/said.json\n")
    found = find()
    assert (found.access, found.method) == ("ASIAGIVEN", "custom-process")
    assert found.expires_at is not None


def _signed_in(home: Path, monkeypatch: pytest.MonkeyPatch, ends: str = LATER) -> None:
    start = "https://example.awsapps.com/start"
    profiles(
        home,
        "config",
        f"[profile ops]\nsso_start_url={start}\nsso_region=us-east-1\n"
        "sso_account_id=123456789012\n"
        "sso_role_name=Reader\n",
    )
    cache = home / ".aws" / "sso" / "cache"
    # Where it is, botocore decides when it is imported.
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(cache))
    cache.mkdir(parents=True)
    name = hashlib.sha1(start.encode()).hexdigest()  # noqa: S324  (as the AWS CLI names it)
    token = {"startUrl": start, "region": "us-east-1", "accessToken": "sso", "expiresAt": ends}
    (cache / f"{name}.json").write_text(json.dumps(token), encoding="utf-8")


def test_the_sso_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _signed_in(tmp_path, monkeypatch)
    role = {
        "roleCredentials": {
            "accessKeyId": "ASIASSO",
            "secretAccessKey": "s",
            "sessionToken": "t",
            "expiration": 4070908800000,
        }
    }
    with token_service(role) as (address, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", address)
        found = find(profile="ops")
        path, headers = seen[0]
    assert (found.access, found.method) == ("ASIASSO", "sso")
    assert found.expires_at == datetime(2099, 1, 1, tzinfo=UTC)
    assert path.startswith("/federation/credentials?")
    assert headers["x-amz-sso_bearer_token"] == "sso"


def test_an_sso_session_that_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _signed_in(tmp_path, monkeypatch, ends="2020-01-01T00:00:00Z")
    with pytest.raises(Unauthenticated, match="aws sso login") as raised:
        find(profile="ops")
    assert "profile 'ops'" in str(raised.value)


def test_a_container_asks_with_its_token(tmp_path: Path, monkeypatch: Any) -> None:
    file = tmp_path / "token"
    file.write_text("pod-token", encoding="utf-8")
    with token_service(GIVEN) as (address, seen):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{address}/v1/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))
        found = find()
    assert (found.access, found.method) == ("ASIAGIVEN", "container-role")
    assert seen[0][1]["Authorization"] == "pod-token"


@pytest.mark.asyncio
async def test_an_instance(ministack: Server, moto: Server, monkeypatch: Any) -> None:
    """As ministack is set up, it has IMDSv2 only: without a token of its own it says 401."""
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", ministack.address)
    found = find()
    assert found.method == "iam-role"
    assert found.token
    assert found.expires_at is not None
    assert await source(moto.address) == "the instance's role (EC2 metadata, IMDSv2)"


def test_a_web_identity_token(
    seaweedfs: WebIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SeaweedFS verifies the token: its signature, issuer, audience and age."""
    file = tmp_path / "token"
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    monkeypatch.setenv("AWS_ROLE_ARN", seaweedfs.role)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", seaweedfs.address)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    file.write_text(seaweedfs.token(), encoding="utf-8")
    found = find()
    assert found.method == "assume-role-with-web-identity"
    assert found.token
    assert found.expires_at is not None
    file.write_text(seaweedfs.token(seconds=-600), encoding="utf-8")
    with pytest.raises(SkykeepError) as raised:
        find()
    assert type(raised.value) in {Denied, Unauthenticated}
    file.unlink()
    with pytest.raises(Unauthenticated, match="token file"):
        find()


@pytest.mark.asyncio
async def test_a_role_is_assumed(moto: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.address)
    role = "arn:aws:iam::123456789012:role/reader"
    found = find(role_arn=role, external_id="xyz", session_name="me")
    assert found.method == "assume-role"
    assert found.access.startswith("ASIA")
    assert found.expires_at is not None
    environ = dict(os.environ)
    asked = await open_identity(settings(role_arn=role, session_name="me"), context(environ))
    who = await asked.whoami()
    await asked.close()
    assert who.principal == "arn:aws:sts::123456789012:assumed-role/reader/me"
    assert who.source == f"the assumed role {role}"
    assert who.renewable
    assert who.expires_at is not None


def test_a_role_that_may_not_be_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    refusal = {"Error": {"Code": "AccessDenied"}}
    with token_service(refusal, status=403) as (address, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", address)
        with pytest.raises(SkykeepError) as raised:
            find(role_arn="arn:aws:iam::123456789012:role/reader")
    assert raised.value.target == "primary (aws)"


@pytest.mark.parametrize(
    ("prepare", "kind", "word"),
    [
        ({}, Unauthenticated, "no AWS credentials"),
        ({"AWS_PROFILE": "absent"}, ConfigError, "no such AWS profile"),
        ({"AWS_ACCESS_KEY_ID": "A"}, Unauthenticated, "not whole"),
        (
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/x"},
            Unavailable,
            "metadata service",
        ),
    ],
)
def test_what_is_told_if_there_are_none(
    monkeypatch: pytest.MonkeyPatch,
    prepare: dict[str, str],
    kind: type[SkykeepError],
    word: str,
) -> None:
    monkeypatch.setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1")
    for name, text in prepare.items():
        monkeypatch.setenv(name, text)
    # botocore pauses between its tries of a container's endpoint.
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    with pytest.raises(kind, match=word) as raised:
        find()
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_the_loggers_that_show_keys_are_quiet(
    monkeypatch: Any, caplog: Any, moto: Server
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.address)
    found = find(role_arn="arn:aws:iam::123456789012:role/reader")
    for word in (found.secret, found.token or "-", "hunter2hunter2"):
        assert word not in caplog.text
