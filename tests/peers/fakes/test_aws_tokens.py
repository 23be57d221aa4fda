"""botocore takes its credentials from the fakes, and what is wrong is refused."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore.session
import pytest
from botocore.credentials import SSOProvider
from botocore.exceptions import CredentialRetrievalError, UnauthorizedSSOTokenError
from botocore.utils import ContainerMetadataFetcher

from tests.peers.fakes.aws_tokens import ContainerCredentials, SsoPortal

START = "https://tests.awsapps.com/start"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials but those of the test; no second try, which would wait."""
    monkeypatch.setattr(ContainerMetadataFetcher, "RETRY_ATTEMPTS", 1)
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    # botocore looked for the home when it was imported.
    place = tmp_path / ".aws" / "sso" / "cache"
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(place))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def found() -> tuple[str, str]:
    """The key that the default chain finds, and by which way."""
    credentials = botocore.session.Session().get_credentials()
    frozen = credentials.get_frozen_credentials()
    return frozen.access_key, credentials.method


@pytest.mark.parametrize("file", [False, True])
def test_a_container_gets_its_credentials(
    file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ContainerCredentials() as endpoint:
        for name, value in endpoint.environ(tmp_path / "token" if file else None).items():
            monkeypatch.setenv(name, value)
        assert found() == (endpoint.given[0], "container-role")


def test_a_wrong_token_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with ContainerCredentials() as endpoint:
        for name, value in endpoint.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer wrong")
        with pytest.raises(CredentialRetrievalError, match="401"):
            found()
        assert endpoint.given == []


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SsoPortal:
    """Not yet running; the profile points at it."""
    made = SsoPortal()
    (tmp_path / "config").write_text(
        f"[default]\nsso_start_url = {START}\nsso_region = us-east-1\n"
        f"sso_account_id = {made.account}\nsso_role_name = {made.role}\nregion = us-east-1\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", made.address)
    return made


def log_in(home: Path, token: str) -> None:
    """Leave what ``aws sso login`` leaves."""
    # The name of the file is botocore's choice; it protects nothing.
    name = hashlib.sha1(START.encode(), usedforsecurity=False).hexdigest()
    ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = {
        "startUrl": START,
        "region": "us-east-1",
        "accessToken": token,
        "expiresAt": ends,
    }
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    (cache / f"{name}.json").write_text(json.dumps(content))


def test_a_login_gets_a_roles_credentials(portal: SsoPortal, tmp_path: Path) -> None:
    with portal:
        log_in(tmp_path, portal.token)
        assert found() == (portal.given[0], "sso")


def test_another_login_gets_none(portal: SsoPortal, tmp_path: Path) -> None:
    with portal:
        log_in(tmp_path, "another")
        with pytest.raises(UnauthorizedSSOTokenError):
            found()
        assert portal.given == []
