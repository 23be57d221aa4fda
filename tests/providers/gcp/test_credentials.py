"""Every link of Google's chain, against token services that check what Google's check."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import ConfigError, MissingExtra, SkykeepError, Unauthenticated, Unavailable
from skykeep.providers.gcp.credentials import Credentials
from skykeep.providers.gcp.credentials.token import Token
from tests.peers.certificates import Authority
from tests.peers.fakes.google_tokens import CLOUD_PLATFORM, PROVIDER, GoogleTokens, verified
from tests.peers.google import PROJECT
from tests.providers.gcp.google_home import (
    ACCOUNT,
    KEY_ID,
    MIDDLE,
    REFRESH,
    TARGET,
    USER,
    Home,
    home,
    machine,
)

pytestmark = pytest.mark.asyncio
POOL = PROVIDER.rpartition("/providers/")[0]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as made:
        yield made


async def found(here: Home, **auth: Any) -> Token:
    """What the chain finds, taken for good by the services."""
    token = await here.credentials(**auth).known()
    given = here.tokens.registry.given.get(token.value)
    if given is not None:
        assert given.expires > time.time()
    return token


# -- files


async def test_a_service_accounts_key_signs_its_own_token(here: Home) -> None:
    here.name(here.service_account())
    token = await found(here)
    claims = verified(token.value, certs={KEY_ID: here.public_key})
    now = time.time()
    assert claims["iss"] == claims["sub"] == ACCOUNT
    assert claims["scope"] == CLOUD_PLATFORM
    assert "aud" not in claims
    assert now - 60 < claims["iat"] <= now
    assert claims["exp"] - claims["iat"] == 3600
    assert (token.principal, token.project) == (f"serviceAccount:{ACCOUNT}", PROJECT)
    assert token.ends == claims["exp"]
    assert "GOOGLE_APPLICATION_CREDENTIALS" in token.source
    assert here.tokens.asked == [], "nobody was asked for it"


async def test_a_users_login(here: Home) -> None:
    file = here.log_in(here.login(quota_project_id="billing"))
    credentials = here.credentials()
    token = await credentials.known()
    assert here.tokens.registry.given[token.value].principal == f"user:{USER}"
    assert token.source == f"the login in gcloud's application default login ({file})"
    assert token.principal is None, "the file does not say whose it is"
    assert token.ends is not None
    assert 3500 < token.ends - time.time() < 3600
    assert credentials.quota_project == "billing"
    here.environ["GOOGLE_CLOUD_QUOTA_PROJECT"] = "another"
    assert credentials.quota_project == "another"


async def test_where_gcloud_keeps_its_files(here: Home, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    here.write(here.login(), "elsewhere/application_default_credentials.json")
    here.environ["CLOUDSDK_CONFIG"] = str(elsewhere)
    assert str(elsewhere) in (await found(here)).source


async def test_the_order(here: Home) -> None:
    """A configured file, the variable, gcloud's login, the metadata server."""
    with machine(here):
        assert (await found(here)).source == "the metadata server"
        here.log_in()
        assert "login" in (await found(here)).source
        here.name(here.service_account())
        assert "GOOGLE_APPLICATION_CREDENTIALS" in (await found(here)).source
        file = here.write(here.login(), "mine.json")
        token = await found(here, credentials_file=str(file))
        assert "auth.credentials_file" in token.source
        token = await found(here, method="file", credentials_file=str(file))
        assert "auth.credentials_file" in token.source
        assert (await found(here, method="metadata")).source == "the metadata server"


async def test_federation_by_a_file(here: Home) -> None:
    file = here.path / "token"
    here.name(here.federation({"file": str(file)}))
    file.write_text(here.identity_token(), encoding="utf-8")
    token = await found(here)
    issued = here.tokens.registry.given[token.value]
    assert issued.principal == f"principal:{POOL}/subject/repo:example/shop"
    assert issued.scopes == CLOUD_PLATFORM
    assert token.principal == f"principalSet:{POOL}/*"
    assert token.project == "123456789012", "of the pool"
    assert "workload identity federation" in token.source


async def test_federation_by_a_file_in_json(here: Home) -> None:
    content = {"id_token": here.identity_token()}
    form = {"type": "json", "subject_token_field_name": "id_token"}
    file = here.write(content, "token.json")
    here.name(here.federation({"file": str(file), "format": form}))
    assert (await found(here)).principal == f"principalSet:{POOL}/*"


async def test_federation_by_an_address(here: Home) -> None:
    """As GitHub's: an address that is asked with a header."""
    from tests.peers.fakes.serving import Fake, Reply, Request, as_json

    class Issuing(Fake):
        def answer(self, request: Request) -> Reply:
            if request.headers.get("authorization") != "bearer for-the-runner":
                return as_json(401, {})
            return as_json(200, {"value": here.identity_token()})

    with Issuing() as issuing:
        source = {
            "url": f"{issuing.address}/token?audience=x",
            "headers": {"Authorization": "bearer for-the-runner"},
            "format": {"type": "json", "subject_token_field_name": "value"},
        }
        here.name(here.federation(source))
        token = await found(here)
        assert token.value in here.tokens.registry.given
        assert issuing.asked[0].target == "/token?audience=x"
        here.name(here.federation({**source, "headers": {}}))
        with pytest.raises(Unauthenticated, match="gave no token"):
            await found(here)


async def test_federation_by_a_program(here: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only with the consent that Google's own libraries ask for."""
    said = {
        "version": 1,
        "success": True,
        "token_type": "urn:ietf:params:oauth:token-type:jwt",
        "id_token": here.identity_token(),
        "expiration_time": int(time.time()) + 600,
    }
    file = here.write(said, "said.json")
    source = {"executable": {"command": f"cat {file}", "timeout_millis": 30_000}}
    here.name(here.federation(source))
    with pytest.raises(ConfigError, match="GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1"):
        await found(here)
    here.environ["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"] = "1"
    monkeypatch.setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
    # google-auth gives the program an environment with None in it, where there is no account.
    here.name(here.federation(source, **impersonating(here, f"principal:{POOL}/subject/repo")))
    assert (await found(here)).principal == f"serviceAccount:{TARGET}"


def impersonating(here: Home, subject: str) -> dict[str, str]:
    """The part of a configuration that leads on to a service account."""
    here.tokens.creators[TARGET] = {f"{subject}:example/shop"}
    url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"
    return {"service_account_impersonation_url": f"{url}/{TARGET}:generateAccessToken"}


async def test_federation_that_leads_to_a_service_account(here: Home) -> None:
    file = here.path / "token"
    file.write_text(here.identity_token(), encoding="utf-8")
    leads = impersonating(here, f"principal:{POOL}/subject/repo")
    here.name(here.federation({"file": str(file)}, **leads))
    token = await found(here)
    assert here.tokens.registry.given[token.value].principal == f"serviceAccount:{TARGET}"
    assert token.principal == f"serviceAccount:{TARGET}"
    here.tokens.creators.clear()
    with pytest.raises(SkykeepError, match="serviceAccountTokenCreator") as raised:
        await found(here)
    assert type(raised.value).__name__ == "Denied"


async def test_federation_by_aws(here: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request that AWS would be sent is signed, for the pool."""
    arn = "arn:aws:sts::123456789012:assumed-role/web/session"
    here.tokens.aws.keys["ASIATESTS"] = ("aws-secret-key", arn)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIATESTS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-key")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "aws-session-token")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    here.name(here.aws())
    token = await found(here)
    issued = here.tokens.registry.given[token.value]
    assert issued.principal == f"principal:{POOL}/subject/{arn}"
    assert token.source.startswith("AWS credentials by workload identity federation")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(Unauthenticated, match="does not accept the token"):
        await found(here)


async def test_a_login_of_a_workforce_pool(here: Home) -> None:
    here.tokens.logins[REFRESH] = USER
    pool = "//iam.googleapis.com/locations/global/workforcePools/staff"
    here.log_in(
        {
            "type": "external_account_authorized_user",
            "audience": f"{pool}/providers/tests",
            "refresh_token": REFRESH,
            "token_url": "https://sts.googleapis.com/v1/oauthtoken",
            "client_id": here.tokens.client_id,
            "client_secret": here.tokens.client_secret,
        }
    )
    token = await found(here)
    assert here.tokens.registry.given[token.value].principal == f"user:{USER}"
    here.tokens.logins[REFRESH] = ""
    with pytest.raises(Unauthenticated, match="gcloud"):
        await found(here)


class ByCertificate(GoogleTokens):
    """The Security Token Service where it speaks mutual TLS (``sts.mtls.googleapis.com``)."""

    shown = ""

    def _subject(self, kind: str, token: str) -> str:
        assert kind == "urn:ietf:params:oauth:token-type:mtls"
        self.shown = json.loads(token)[0]
        return "workload"


async def test_federation_by_a_certificate(
    here: Home, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X.509: the certificate is shown in the handshake, and to no other service."""
    context = authority.issue().server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca)
    ours = authority.issue("workload.test")
    paths = {"cert_path": str(ours.certificate), "key_path": str(ours.key)}
    file = here.write({"cert_configs": {"workload": paths}}, "certificates.json")
    monkeypatch.setenv("GOOGLE_API_CERTIFICATE_CONFIG", str(file))
    with ByCertificate(tls=context) as tokens:
        here.name(
            here.federation(
                {"certificate": {"use_default_certificate_config": True}},
                subject_token_type="urn:ietf:params:oauth:token-type:mtls",
                token_url=f"{tokens.address}/v1/token",
            )
        )
        tls = {"ca": str(authority.ca)}
        token = await here.credentials(target={"tls": tls}).token()
        assert tokens.registry.given[token].principal.endswith("/subject/workload")
        pem = ours.certificate.read_text(encoding="ascii")
        assert tokens.shown in pem.replace("\n", "")

        def ask_without() -> None:
            with here.credentials(target={"tls": tls}).chain.exchange() as exchange:
                exchange.send("GET", f"{tokens.address}/")

        with pytest.raises(Unavailable):
            await asyncio.to_thread(ask_without)


async def test_without_google_auth(here: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    here.name(here.service_account())
    monkeypatch.setitem(sys.modules, "google.auth.crypt", None)
    with pytest.raises(MissingExtra, match=r"pip install --upgrade 'skykeep\[gcp\]'"):
        await found(here)


# -- acting as another


async def test_acting_as_a_service_account(here: Home) -> None:
    here.name(here.service_account())
    here.tokens.creators[TARGET] = {f"serviceAccount:{ACCOUNT}"}
    token = await found(here, impersonate=TARGET)
    issued = here.tokens.registry.given[token.value]
    assert (issued.principal, issued.scopes) == (f"serviceAccount:{TARGET}", CLOUD_PLATFORM)
    assert token.principal == f"serviceAccount:{TARGET}"
    assert f"acting as {TARGET}" in token.source
    assert token.project == PROJECT
    assert token.ends is not None
    assert 3500 < token.ends - time.time() <= 3600


async def test_delegates_in_between(here: Home) -> None:
    here.log_in()
    here.tokens.creators = {MIDDLE: {f"user:{USER}"}, TARGET: {f"serviceAccount:{MIDDLE}"}}
    token = await found(here, impersonate=TARGET, delegates=[MIDDLE])
    assert here.tokens.registry.given[token.value].principal == f"serviceAccount:{TARGET}"
    with pytest.raises(SkykeepError, match="may not act as target@"):
        await found(here, impersonate=TARGET)


async def test_a_file_that_says_whom_to_act_as(here: Home) -> None:
    """What ``gcloud auth application-default login --impersonate-service-account`` leaves."""
    url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"
    here.tokens.creators = {MIDDLE: {f"user:{USER}"}, TARGET: {f"serviceAccount:{MIDDLE}"}}
    here.log_in(
        {
            "type": "impersonated_service_account",
            "delegates": [f"projects/-/serviceAccounts/{MIDDLE}"],
            "service_account_impersonation_url": f"{url}/{TARGET}:generateAccessToken",
            "source_credentials": here.login(),
            "quota_project_id": "billing",
        }
    )
    token = await found(here)
    assert (token.principal, token.quota_project) == (f"serviceAccount:{TARGET}", "billing")


async def test_the_metadata_server_and_from_there_another(here: Home) -> None:
    with machine(here) as server:
        here.tokens.creators[TARGET] = {f"serviceAccount:{server.account}"}
        token = await found(here, impersonate=TARGET)
        assert token.source == f"the metadata server, acting as {TARGET}"


# -- the metadata server


async def test_the_metadata_server(here: Home) -> None:
    with machine(here) as server:
        token = await found(here, scopes=["https://www.googleapis.com/auth/a", CLOUD_PLATFORM])
        assert here.tokens.registry.given[token.value].scopes == (
            f"https://www.googleapis.com/auth/a {CLOUD_PLATFORM}"
        )
        assert token.principal == f"serviceAccount:{server.account}"
        assert token.project == PROJECT
        assert token.ends is not None
        assert 3500 < token.ends - time.time() <= 3600
        assert {each.headers["metadata-flavor"] for each in server.asked} == {"Google"}


async def test_no_proxy_leads_to_the_metadata_server(here: Home) -> None:
    """A proxy would give its own host's token. Nobody has the address (RFC 5737)."""
    with machine(here) as proxy:
        here.environ["GCE_METADATA_HOST"] = "192.0.2.1"
        here.environ["GCE_METADATA_TIMEOUT"] = "0.1"
        here.environ["HTTP_PROXY"] = proxy.address
        with pytest.raises(Unavailable, match="does not answer"):
            await found(here)
        assert proxy.asked == []


async def test_a_machine_without_a_service_account(here: Home) -> None:
    with machine(here, account=None), pytest.raises(Unauthenticated) as raised:
        await found(here)
    assert "the metadata server has no service account" in raised.value.message
    assert "GOOGLE_APPLICATION_CREDENTIALS: not set" in raised.value.message


async def test_a_pod_that_may_not_act_as_its_account(here: Home) -> None:
    with machine(here) as server:
        server.refused = True
        with pytest.raises(SkykeepError, match=r"roles/iam\.workloadIdentityUser") as raised:
            await found(here)
    assert type(raised.value).__name__ == "Denied"


async def test_something_else_answers_for_the_metadata_server(here: Home) -> None:
    with machine(here) as server:
        server.flavor = {}
        with pytest.raises(ConfigError, match="is not Google's metadata server"):
            await found(here)


async def test_a_metadata_server_that_is_named_must_answer(here: Home) -> None:
    with machine(here):
        pass
    with pytest.raises(Unavailable, match="the metadata server does not answer"):
        await found(here)


async def test_what_was_tried_is_told(here: Home) -> None:
    with pytest.raises(Unauthenticated) as raised:
        await found(here)
    said = raised.value
    assert said.target == "primary (gcp)"
    for part in (
        "GOOGLE_APPLICATION_CREDENTIALS: not set",
        "gcloud's application default login: no file",
        str(here.path / ".config/gcloud"),
        "the metadata server: NO_GCE_CHECK forbids it",
    ):
        assert part in said.message
    assert "gcloud auth application-default login" in said.hint


# -- the gcloud command


def gcloud(here: Home, script: str) -> None:
    """A command of that name in front of all others; it notes with which words it is called."""
    folder = here.path / "bin"
    folder.mkdir()
    program = folder / "gcloud"
    program.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    here.environ["PATH"] = f"{folder}:{here.environ['PATH']}"


async def test_the_account_of_the_gcloud_command(here: Home) -> None:
    token = here.tokens.registry.issue(f"user:{USER}")
    said = {
        "credential": {"access_token": token, "token_expiry": "2099-01-01T00:00:00Z"},
        "configuration": {"properties": {"core": {"account": USER, "project": "of-gcloud"}}},
    }
    gcloud(
        here,
        "import sys\n"
        "assert sys.argv[1:] == ['config', 'config-helper', '--format=json']\n"
        f"print({json.dumps(said)!r})",
    )
    credentials = here.credentials(method="gcloud")
    got = await credentials.known()
    assert (got.value, got.principal) == (token, f"user:{USER}")
    assert got.source == f"the gcloud command's login ({USER})"
    assert await credentials.project() == "of-gcloud"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; sys.exit(1)", r"fails \(exit code 1\)"),
        ("print('no json: ya29.secret')", "in a form that is not its own"),
    ],
)
async def test_a_gcloud_command_that_gives_nothing(
    here: Home, script: str, message: str
) -> None:
    gcloud(here, script)
    with pytest.raises(SkykeepError, match=message) as raised:
        await found(here, method="gcloud")
    assert "ya29" not in str(raised.value)


async def test_without_a_gcloud_command(here: Home) -> None:
    here.environ["PATH"] = str(here.path)
    with pytest.raises(Unauthenticated, match="the gcloud command is not there"):
        await found(here, method="gcloud")


# -- the project


async def test_the_project(here: Home) -> None:
    """The variable, the credentials, gcloud's active configuration."""
    here.log_in()

    async def project() -> str | None:
        return await Credentials(here.settings(), here.environ, "primary (gcp)").project()

    assert await project() is None
    configurations = here.path / ".config/gcloud/configurations"
    configurations.mkdir()
    (configurations / "config_work").write_text("[core]\nproject = of-work\n")
    (configurations / "config_home").write_text("[core]\nproject = of-home\n")
    (here.path / ".config/gcloud/active_config").write_text("work")
    assert await project() == "of-work"
    here.environ["CLOUDSDK_ACTIVE_CONFIG_NAME"] = "home"
    assert await project() == "of-home"
    here.environ["CLOUDSDK_CORE_PROJECT"] = "of-the-variable"
    assert await project() == "of-the-variable"
    here.name(here.service_account())
    assert await project() == PROJECT
    here.environ["GCLOUD_PROJECT"] = "of-old"
    assert await project() == "of-old"
    here.environ["GOOGLE_CLOUD_PROJECT"] = "given"
    assert await project() == "given"
