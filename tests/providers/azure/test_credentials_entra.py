"""Applications log in to Entra: by secret, and by a token of another issuer."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import (
    ConfigError,
    Denied,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.azure.credentials.entra_errors import BY_ERROR, TABLE, sentence
from skykeep.providers.azure.credentials.links import Links
from tests.peers.certificates import Authority
from tests.peers.fakes.entra import CLIENT, Entra, Federated, refusal
from tests.peers.fakes.key_vault_settings import OWNER, TENANT
from tests.peers.fakes.serving import Reply
from tests.peers.faults import FaultProxy, LostResponse
from tests.peers.tokens import Issuer
from tests.providers.azure.logins import (
    APPLICATION,
    SCOPE,
    SECRET,
    SERVICE,
    Logins,
    settings,
)

pytestmark = pytest.mark.asyncio

SUBJECT = "system:serviceaccount:shop:till"
ELSEWHERE = "11111111-0000-4000-8000-222222222222"


@pytest.fixture(scope="module")
def cluster() -> Issuer:
    return Issuer("https://cluster.test")


# -- client secrets


@pytest.mark.parametrize("method", ["default", "environment", "client_secret"])
async def test_a_secret_in_variables(logins: Logins, entra: Entra, method: str) -> None:
    made = await logins(SERVICE, method)
    assert await made.token(SCOPE, None) == entra.issued[-1]
    assert made.source == "client secret from the variable AZURE_CLIENT_SECRET"
    found = (await made.current(SCOPE, None)).claims
    assert (found["oid"], found["tid"], found["appid"]) == (OWNER, TENANT, CLIENT)
    assert found["xms_cc"] == ["CP1"], "claims challenges can be answered"


async def test_a_secret_in_another_variable(logins: Logins) -> None:
    environ = {"S": f" {SECRET}\n"}
    keys = {"tenant": TENANT, "client_id": CLIENT, "client_secret_env": "S"}
    assert await logins.token(environ, "client_secret", **keys)


async def test_a_secret_in_a_file_is_read_at_each_login(
    logins: Logins, entra: Entra, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("canary-expired\n")
    keys = {"client_secret_file": str(file)}
    made = await logins(APPLICATION, "client_secret", **keys)
    with pytest.raises(Unauthenticated, match="has expired"):
        await made.token(SCOPE, None)
    file.write_text(f"{SECRET}\n")
    assert await made.token(SCOPE, None) == entra.issued[0]


async def test_a_secret_that_is_not_there(logins: Logins, tmp_path: Path) -> None:
    error = await logins.refusal(Unauthenticated, APPLICATION, "client_secret")
    assert "AZURE_CLIENT_SECRET" in str(error)
    gone = str(tmp_path / "gone")
    error = await logins.refusal(
        Unauthenticated, APPLICATION, "client_secret", client_secret_file=gone
    )
    assert gone in str(error)
    await logins.refusal(Denied, APPLICATION, "client_secret", client_secret_file=str(tmp_path))


@pytest.mark.parametrize("missing", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
async def test_an_application_that_is_not_named(logins: Logins, missing: str) -> None:
    environ = {key: value for key, value in SERVICE.items() if key != missing}
    with pytest.raises(ConfigError, match=missing):
        await logins(environ, "client_secret")


async def test_a_wrong_secret(logins: Logins) -> None:
    environ = {**SERVICE, "AZURE_CLIENT_SECRET": "canary-wrong"}
    error = await logins.refusal(Unauthenticated, environ, "default", "canary-wrong")
    assert "the client secret is wrong" in str(error)
    assert "AADSTS7000215" in str(error)
    assert error.request_id.startswith("0a1b2c3d"), "the trace id"


async def test_an_answer_that_repeats_the_secret_is_not_shown(
    logins: Logins, entra: Entra
) -> None:
    entra.next = [refusal(7000215, "invalid_client", f"Invalid secret '{SECRET}'")]
    error = await logins.refusal(Unauthenticated, SERVICE)
    assert "the client secret is wrong" in str(error)


async def test_wrong_tenant_wrong_application_wrong_cloud(logins: Logins) -> None:
    nowhere = {**SERVICE, "AZURE_TENANT_ID": "nowhere.example"}
    assert "no such tenant" in str(await logins.refusal(ConfigError, nowhere))
    unknown = {**SERVICE, "AZURE_CLIENT_ID": ELSEWHERE}
    assert "not in this tenant" in str(await logins.refusal(Unauthenticated, unknown))
    made = await logins(SERVICE)
    with pytest.raises(ConfigError, match="AADSTS500011"):
        await made.token("https://vault.other.example/.default", None)


async def test_a_tenant_that_would_be_another_path(logins: Logins, entra: Entra) -> None:
    environ = {**SERVICE, "AZURE_TENANT_ID": "a/../b"}
    await logins.refusal(ConfigError, environ)
    made = await logins(SERVICE, allowed_tenants=["*"])
    with pytest.raises(Unauthenticated, match="none"):
        await made.token(SCOPE, "a/../b")
    assert not entra.asked


# -- other tenants


async def test_credentials_are_shown_to_their_own_tenant_only(
    logins: Logins, entra: Entra
) -> None:
    made = await logins(SERVICE)
    with pytest.raises(Unauthenticated, match="allowed_tenants"):
        await made.token(SCOPE, ELSEWHERE)
    assert not entra.forms
    assert await made.token(SCOPE, TENANT.upper())


@pytest.mark.parametrize("how", ["one", "any", "target"])
async def test_other_tenants_that_are_allowed(logins: Logins, entra: Entra, how: str) -> None:
    entra.tenants.append(ELSEWHERE)
    entra.register(secrets=[SECRET], tenants=(TENANT, ELSEWHERE))
    cases: dict[str, dict[str, Any]] = {
        "one": {"allowed_tenants": [ELSEWHERE]},
        "any": {"allowed_tenants": ["*"]},
        "target": {"tenant_of_vault": ELSEWHERE},
    }
    made = await logins(SERVICE, **cases[how])
    await made.token(SCOPE, ELSEWHERE)
    assert (await made.current(SCOPE, ELSEWHERE)).claims["tid"] == ELSEWHERE
    if how == "target":
        assert (await made.current(SCOPE, None)).claims["tid"] == ELSEWHERE
        assert len(entra.forms) == 1


async def test_multi_tenancy_can_be_turned_off(logins: Logins) -> None:
    environ = {**SERVICE, "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH": "true"}
    made = await logins(environ, allowed_tenants=["*"])
    with pytest.raises(Unauthenticated):
        await made.token(SCOPE, ELSEWHERE)


async def test_a_domain_stands_for_the_tenant_that_the_vault_names(
    logins: Logins, entra: Entra
) -> None:
    entra.tenants.append("till.onmicrosoft.com")
    entra.register(secrets=[SECRET], tenants=("till.onmicrosoft.com",))
    made = await logins({**SERVICE, "AZURE_TENANT_ID": "till.onmicrosoft.com"})
    await made.token(SCOPE, TENANT)
    assert entra.asked[-1].path.startswith("/till.onmicrosoft.com/")


# -- what Entra refuses


@pytest.mark.parametrize("number", TABLE)
async def test_each_number(logins: Logins, entra: Entra, number: int) -> None:
    kind, says, hint = TABLE[number]
    entra.next = [refusal(number, "unknown", "Words of Entra.")]
    error = await logins.refusal(kind, SERVICE)
    assert error.message.startswith(says)
    assert f"AADSTS{number}: Words of Entra" in error.message
    assert error.hint == hint


@pytest.mark.parametrize("name", BY_ERROR)
async def test_each_oauth_error_of_an_unknown_number(
    logins: Logins, entra: Entra, name: str
) -> None:
    kind, says, _ = BY_ERROR[name]
    entra.next = [refusal(999999, name, "Words of Entra.")]
    error = await logins.refusal(kind, SERVICE)
    assert error.message.startswith(says)
    assert "AADSTS999999" in error.message


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"", Unauthenticated),
        (403, b"<html>blocked</html>", Unauthenticated),
        (500, b"", Unavailable),
        (503, b"<html>", Unavailable),
        (200, b"<html>", Unavailable),
        (200, b"{}", Unavailable),
        (200, b'{"access_token": "", "expires_in": 1}', Unavailable),
        (302, b"", Unauthenticated),
    ],
)
async def test_answers_that_are_not_entras(
    logins: Logins, entra: Entra, status: int, body: bytes, kind: type[SkykeepError]
) -> None:
    entra.next = [Reply(status, body, {"Location": "https://elsewhere.test/"})]
    error = await logins.refusal(kind, SERVICE)
    assert not isinstance(error, Unavailable) or not error.sent or status >= 500
    assert len(entra.asked) == 1


async def test_what_is_shown_of_entras_words(azure_issuer: Issuer) -> None:
    token = azure_issuer.token("a", "b")
    host = "westeurope.oic-prod-aks.example-cluster.azure.com"
    assert sentence(f"issuer '{host}' of {token}\r\nTrace ID: 1") == f"issuer '{host}' of ***"
    assert sentence("\x1b[31m red \u202e") == "[31m red"
    assert len(sentence("x" * 1000)) == 300
    assert sentence(" \n ") == ""


async def test_throttled(logins: Logins, entra: Entra) -> None:
    by_number = refusal(50196, "invalid_grant", "The server is in a loop.")
    for reply in (Reply(429), by_number):
        entra.next = [Reply(reply.status, reply.body, {"Retry-After": "7"})]
        error = await logins.refusal(Throttled, SERVICE)
        assert isinstance(error, Throttled)
        assert error.retry_after == 7.0


async def test_an_answer_that_is_lost(
    logins: Logins, entra: Entra, authority: Authority
) -> None:
    trust = ssl.create_default_context(cafile=str(authority.ca))
    with FaultProxy(entra.address, authority.issue().server(), trust) as proxy:
        proxy.fail(LostResponse())
        environ = {**SERVICE, "AZURE_AUTHORITY_HOST": proxy.address}
        error = await logins.refusal(Unavailable, environ)
        assert isinstance(error, Unavailable)
        assert not error.sent, "of the call that the token is for, nothing was"
        assert await logins.token(environ)


async def test_an_authority_that_is_not_there(logins: Logins) -> None:
    environ = {**SERVICE, "AZURE_AUTHORITY_HOST": "https://127.0.0.1:1/"}
    error = await logins.refusal(Unavailable, environ)
    assert isinstance(error, Unavailable)
    assert not error.sent
    assert "Microsoft Entra" in str(error)


async def test_an_authority_that_nobody_vouches_for(logins: Logins, entra: Entra) -> None:
    environ = {**SERVICE, "SSL_CERT_FILE": ""}
    await logins.refusal(Unavailable, environ)
    assert not entra.forms


async def test_an_authority_in_the_configuration(
    entra: Entra, authority: Authority, logins: Logins
) -> None:
    environ = {**SERVICE, "AZURE_AUTHORITY_HOST": "https://127.0.0.1:1/", "SSL_CERT_FILE": ""}
    keys = {"authority": entra.address.removeprefix("https://"), "authority_ca": logins.ca}
    assert await logins.token(environ, "client_secret", **keys)


@pytest.mark.parametrize(
    ("vault", "environ", "auth", "authority"),
    [
        ("till.vault.azure.net", {}, {}, "login.microsoftonline.com"),
        ("till.vault.usgovcloudapi.net", {}, {}, "login.microsoftonline.us"),
        ("till.vault.azure.cn", {}, {}, "login.chinacloudapi.cn"),
        ("vault.example.com", {}, {}, "login.microsoftonline.com"),
        ("till.vault.azure.cn", {"AZURE_AUTHORITY_HOST": "https://a.test/"}, {}, "a.test"),
        (
            "till.vault.azure.cn",
            {"AZURE_AUTHORITY_HOST": "a.test"},
            {"authority": "b.test"},
            "b.test",
        ),
    ],
)
async def test_where_logins_go(
    vault: str, environ: dict[str, str], auth: dict[str, str], authority: str
) -> None:
    given = settings(vault_url=f"https://{vault}/", auth=auth)
    assert Links(given, environ, "primary").authority == f"https://{authority}"


# -- tokens of others


@pytest.fixture
def token_file(entra: Entra, cluster: Issuer, tmp_path: Path) -> Path:
    entra.register(federated=[Federated(cluster, SUBJECT)])
    file = tmp_path / "token"
    file.write_text(cluster.token(SUBJECT, "api://AzureADTokenExchange") + "\n")
    return file


def replace(file: Path, content: str) -> None:
    """As the kubelet does."""
    file.write_text(content)


@pytest.mark.parametrize("method", ["default", "workload_identity"])
async def test_workload_identity(
    logins: Logins, entra: Entra, token_file: Path, method: str
) -> None:
    environ = {**APPLICATION, "AZURE_FEDERATED_TOKEN_FILE": str(token_file)}
    made = await logins(environ, method)
    assert await made.token(SCOPE, None) == entra.issued[-1]
    assert made.source == f"workload identity, token from {token_file}"


async def test_workload_identity_by_the_configuration_alone(
    logins: Logins, token_file: Path
) -> None:
    keys = {"tenant": TENANT, "client_id": CLIENT, "federated_token_file": str(token_file)}
    assert await logins.token({}, "workload_identity", **keys)


async def test_the_token_is_read_at_each_login(
    logins: Logins, entra: Entra, token_file: Path
) -> None:
    environ = {**APPLICATION, "AZURE_FEDERATED_TOKEN_FILE": str(token_file)}
    made = await logins(environ)
    first = await made.token(SCOPE, None)
    replace(token_file, "not.a.token")
    with pytest.raises(Unauthenticated, match="malformed"):
        await made.another(SCOPE, first, None)


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ("subject", 700213),
        ("issuer", 700211),
        ("audience", 700212),
        ("ended", 700024),
        ("signature", 50013),
    ],
)
async def test_a_token_that_is_not_trusted(
    logins: Logins, token_file: Path, cluster: Issuer, wrong: str, number: int
) -> None:
    audience = "api://AzureADTokenExchange"
    token = {
        "subject": lambda: cluster.token("system:serviceaccount:shop:thief", audience),
        "issuer": lambda: Issuer("https://another.test").token(SUBJECT, audience),
        "audience": lambda: cluster.token(SUBJECT, "api://elsewhere"),
        "ended": lambda: cluster.token(SUBJECT, audience, seconds=-1),
        "signature": lambda: Issuer(cluster.url).token(SUBJECT, audience),
    }[wrong]()
    replace(token_file, token)
    environ = {**APPLICATION, "AZURE_FEDERATED_TOKEN_FILE": str(token_file)}
    error = await logins.refusal(Unauthenticated, environ, "default", token)
    assert f"AADSTS{number}" in str(error)
    if wrong == "subject":
        assert "system:serviceaccount:shop:thief" in str(error), "so that it can be compared"


async def test_a_token_file_that_is_not_there(logins: Logins, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    environ = {**APPLICATION, "AZURE_FEDERATED_TOKEN_FILE": gone}
    assert gone in str(await logins.refusal(Unauthenticated, environ))
    with pytest.raises(ConfigError, match="AZURE_FEDERATED_TOKEN_FILE"):
        await logins(APPLICATION, "workload_identity")


# -- claims challenges


async def test_a_claims_challenge(logins: Logins, entra: Entra) -> None:
    made = await logins(SERVICE)
    first = await made.token(SCOPE, None)
    wanted = {"access_token": {"nbf": {"essential": True, "value": "1"}}}
    second = await made.another(SCOPE, first, None, json.dumps(wanted))
    assert second != first
    assert json.loads(entra.forms[-1]["claims"]) == {
        "access_token": {
            "nbf": {"essential": True, "value": "1"},
            "xms_cc": {"values": ["CP1"]},
        }
    }
    assert await made.token(SCOPE, None) == second
    third = await made.token(SCOPE, None, json.dumps(wanted))
    assert third not in {first, second}
