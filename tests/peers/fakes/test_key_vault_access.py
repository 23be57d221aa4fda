"""Whom the Key Vault fake knows, and what each may do."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from azure.keyvault.secrets import SecretClient
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.peers.azure import APPLICATION, RESOURCE, KeyVault, KeyVaults
from tests.peers.fakes.asking_key_vault import Answer, ask, put
from tests.peers.fakes.key_vault_settings import ACTIONS, OWNER, TENANT
from tests.peers.tokens import Issuer, base64url, encoded

SOMEBODY = "3975aeed-0000-4000-8000-445f32698091"
ISSUER = f"https://sts.windows.net/{TENANT}/"
CHALLENGE = (
    f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", '
    'resource="https://vault.azure.net"'
)


@pytest.fixture
def vault(key_vault: KeyVaults) -> KeyVault:
    return key_vault.new()


def unauthorized(answer: Answer, reason: str) -> bool:
    challenged = answer.headers.get("www-authenticate") == CHALLENGE
    return answer.status == 401 and challenged and answer.message.startswith(reason)


# -- tokens


@pytest.mark.parametrize("path", ["/secrets", "/nothing", "/secrets/not_a_name"])
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic eDp5", "PoP x"])
def test_without_a_token_there_is_a_challenge_before_all_else(
    vault: KeyVault, header: str | None, path: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = ask(vault, "GET", path, query="", token="", headers=headers)
    assert unauthorized(answer, "AKV10000")
    assert answer.code == "Unauthorized"


def forged(token: str) -> str:
    """The same claims, for another principal, under the old signature."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return f"{head}.{encoded({**claims, 'oid': SOMEBODY})}.{signature}"


def unsigned(token: str) -> str:
    return f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}."


@pytest.mark.parametrize(
    "kind", ["stranger", "forged", "unsigned", "garbage", "half", "list", "head"]
)
def test_a_token_is_signed_by_a_key_that_is_trusted(vault: KeyVault, kind: str) -> None:
    good = vault.vaults.token()
    token = {
        "stranger": Issuer().token(OWNER, RESOURCE, iss=ISSUER, oid=OWNER),
        "forged": forged(good),
        "unsigned": unsigned(good),
        "garbage": "no.token.atall",
        "half": good.rpartition(".")[0],
        "list": f"{encoded({'alg': 'RS256'})}.W10.eA",
        "head": good.replace(good.partition(".")[0], "W10"),
    }[kind]
    assert unauthorized(ask(vault, "GET", "/secrets", token=token), "AKV10046")
    assert ask(vault, "GET", "/secrets", token=good).status == 200


@pytest.mark.parametrize(("algorithm", "status"), [("RS256", 200), ("none", 401)])
def test_a_token_says_how_it_is_signed(vault: KeyVault, algorithm: str, status: int) -> None:
    key = load_pem_private_key(vault.vaults.issuer.private_key.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    signed = f"{encoded({'alg': algorithm})}.{vault.vaults.token().split('.')[1]}"
    signature = base64url(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))
    answer = ask(vault, "GET", "/secrets", token=f"{signed}.{signature}")
    assert answer.status == status


def test_another_key_can_be_trusted(key_vault: KeyVaults) -> None:
    other = Issuer()
    token = other.token(OWNER, RESOURCE, iss=ISSUER, oid=OWNER)
    assert ask(key_vault.shared, "GET", "/secrets", token=token).status == 401
    key_vault.trust(other.public_key)
    assert ask(key_vault.shared, "GET", "/secrets", token=token).status == 200


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"seconds": -1}, "[TokenExpired]"),
        ({"nbf": 4_000_000_000}, "Token not yet valid"),
        ({"audience": "https://vault.azure.net/"}, "AKV10022: Invalid audience. Expected"),
        ({"audience": "https://management.azure.com"}, "AKV10022"),
        ({"audience": ["https://vault.azure.net"]}, "AKV10022"),
        ({"tenant": "other"}, "AKV10032: Invalid issuer. Expected one of https://sts.windows"),
        ({"iss": "https://issuer.test"}, "AKV10032"),
        ({"tid": "other"}, "AKV10032"),
        ({"oid": None}, "The token names no principal"),
    ],
)
def test_a_token_is_for_this_vault_and_for_now(
    vault: KeyVault, claims: dict[str, Any], reason: str
) -> None:
    answer = ask(vault, "GET", "/secrets", token=vault.vaults.token(**{"oid": OWNER, **claims}))
    assert unauthorized(answer, reason)


@pytest.mark.parametrize(
    "claims",
    [
        {"audience": "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"},
        {"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0", "ver": "2.0"},
    ],
)
def test_tokens_of_version_2_are_accepted(vault: KeyVault, claims: dict[str, Any]) -> None:
    assert ask(vault, "GET", "/secrets", token=vault.vaults.token(**claims)).status == 200


def test_a_token_that_was_accepted_ends_all_the_same(vault: KeyVault) -> None:
    token = vault.vaults.token(tenant="other")
    vault.change(tenant="other")
    assert ask(vault, "GET", "/secrets", token=token).status == 200
    vault.change(tenant=TENANT)
    assert unauthorized(ask(vault, "GET", "/secrets", token=token), "AKV10032")


def test_another_cloud_has_another_authority_and_resource(key_vault: KeyVaults) -> None:
    authority, resource = "https://login.microsoftonline.us", "https://vault.usgovcloudapi.net"
    vault = key_vault.new(authority=authority, resource=resource)
    answer = ask(vault, "GET", "/secrets")
    assert answer.headers["www-authenticate"] == (
        f'Bearer authorization="{authority}/{TENANT}", resource="{resource}"'
    )
    token = key_vault.token(audience=resource)
    assert ask(vault, "GET", "/secrets", token=token).status == 200


def test_a_revoked_token_is_answered_with_the_claims_of_a_better_one(vault: KeyVault) -> None:
    now = int(time.time())
    vault.change(revoked_before=now)
    answer = ask(vault, "GET", "/secrets", token=vault.vaults.token(iat=now - 1))
    challenge = answer.headers["www-authenticate"]
    assert answer.status == 401
    assert 'error="insufficient_claims"' in challenge
    claims = json.loads(base64.b64decode(challenge.partition('claims="')[2].rstrip('"')))
    assert claims == {"access_token": {"nbf": {"essential": True, "value": str(now)}}}
    fresh = vault.vaults.token(iat=now)
    assert ask(vault, "GET", "/secrets", token=fresh).status == 200


def test_the_client_answers_the_claims_challenge(vault: KeyVault) -> None:
    now = int(time.time())
    credential = vault.vaults.credential(iat=now - 1)
    with SecretClient(
        vault.address,
        credential,
        connection_verify=str(vault.vaults.ca),
        verify_challenge_resource=False,
    ) as client:
        client.set_secret("a", "x")
        vault.change(revoked_before=now)
        credential.use(iat=now)
        assert client.get_secret("a").value == "x"
    assert [one["status"] for one in vault.requests()] == [401, 200, 401, 200]
    first, second = credential.asked
    assert (first.tenant, first.claims) == (TENANT, None)
    assert first.scopes == second.scopes == ("https://vault.azure.net/.default",)
    assert second.claims is not None
    assert json.loads(second.claims)["access_token"]["nbf"]["value"] == str(now)


# -- rights

OPERATIONS = [
    ("get", "GET", "/secrets/kept"),
    ("get", "GET", "/secrets/kept/{version}"),
    ("list", "GET", "/secrets"),
    ("list", "GET", "/secrets/kept/versions"),
    ("list", "GET", "/deletedsecrets"),
    ("set", "PUT", "/secrets/new"),
    ("update", "PATCH", "/secrets/kept"),
    ("update", "PATCH", "/secrets/kept/{version}"),
    ("delete", "DELETE", "/secrets/kept"),
    ("backup", "POST", "/secrets/kept/backup"),
    ("restore", "POST", "/secrets/restore"),
    ("recover", "POST", "/deletedsecrets/gone/recover"),
    ("purge", "DELETE", "/deletedsecrets/gone"),
    ("keys/list", "GET", "/keys"),
    ("certificates/list", "GET", "/certificates"),
]
DELETED = ("GET", "/deletedsecrets/gone")


@pytest.mark.parametrize(("permission", "method", "path"), [*OPERATIONS, ("get", *DELETED)])
def test_an_access_policy_says_what_is_allowed(
    vault: KeyVault, permission: str, method: str, path: str
) -> None:
    # "update" is no permission of its own here: it is part of "set".
    needed = "set" if permission == "update" else permission
    answers = tried(vault, needed, method, path)
    assert answers["none"].inner == answers["others"].inner == "ForbiddenByPolicy"
    caller = f"appid={APPLICATION};oid={SOMEBODY};iss={ISSUER}"
    words = needed.replace("/", " ") if "/" in needed else f"secrets {needed}"
    assert answers["others"].message.startswith(
        f"The user, group or application '{caller}' does not have {words} permission "
        f"on key vault '{vault.name};location=westeurope'."
    )
    assert answers["alone"].status in {200, 204}


@pytest.mark.parametrize(("permission", "method", "path"), [*OPERATIONS, ("list", *DELETED)])
def test_role_assignments_say_what_is_allowed(
    vault: KeyVault, permission: str, method: str, path: str
) -> None:
    vault.change(model="rbac")
    answers = tried(vault, permission, method, path)
    assert answers["none"].inner == answers["others"].inner == "ForbiddenByRbac"
    action = f"Action: 'Microsoft.KeyVault/vaults/{ACTIONS[permission]}'"
    assert action in answers["others"].message
    assert f"oid={SOMEBODY};" in answers["others"].message
    assert answers["alone"].status in {200, 204}


def tried(vault: KeyVault, permission: str, method: str, path: str) -> dict[str, Answer]:
    """By a principal without rights, with all but this one, and with this one alone."""
    owner = {"oid": OWNER}
    vault.change(grants=[owner])
    version = put(vault, "kept").body["id"].rpartition("/")[2]
    put(vault, "gone")
    put(vault, "restored")
    blob = ask(vault, "POST", "/secrets/restored/backup").body["value"]
    for gone in ("gone", "restored"):
        ask(vault, "DELETE", f"/secrets/{gone}")
    ask(vault, "DELETE", "/deletedsecrets/restored")
    place = path.format(version=version)
    token = vault.vaults.token(SOMEBODY)
    answers = {}
    for name, permissions in [
        ("none", []),
        ("others", [other for other in ACTIONS if other != permission]),
        ("alone", [permission]),
    ]:
        vault.change(grants=[owner, {"oid": SOMEBODY, "permissions": permissions}])
        answers[name] = ask(vault, method, place, {"value": blob}, token=token)
    return answers


def test_a_role_can_be_for_one_secret(vault: KeyVault) -> None:
    grants = [
        {"oid": OWNER},
        {"oid": SOMEBODY, "permissions": ["get", "list"], "secret": "Mine"},
    ]
    vault.change(model="rbac", grants=grants)
    put(vault, "mine")
    put(vault, "other")
    token = vault.vaults.token(SOMEBODY)
    allowed = {
        path: ask(vault, "GET", path, token=token).status
        for path in ("/secrets/mine", "/secrets/MINE/versions", "/secrets/other", "/secrets")
    }
    assert list(allowed.values()) == [200, 200, 403, 403]


def test_what_is_not_there_is_not_told_to_those_without_rights(vault: KeyVault) -> None:
    token = vault.vaults.token(SOMEBODY)
    assert ask(vault, "GET", "/secrets/nothing", token=token).status == 403


# -- the network, and too much of it


@pytest.mark.parametrize(
    ("settings", "inner", "said"),
    [
        ({"firewall": True}, "ForbiddenByFirewall", "Client address: 127.0.0.1\r\n"),
        (
            {"public_access": False},
            "ForbiddenByConnection",
            "Public network access is disabled",
        ),
    ],
)
def test_the_network_can_be_closed(
    key_vault: KeyVaults, settings: dict[str, Any], inner: str, said: str
) -> None:
    vault = key_vault.new(**settings)
    answer = ask(vault, "GET", "/secrets")
    assert (answer.status, answer.code, answer.inner) == (403, "Forbidden", inner)
    assert said in answer.message
    assert ask(vault, "GET", "/secrets", token="").status == 401


@pytest.mark.parametrize("seconds", [7, None])
def test_too_many_requests_are_refused(key_vault: KeyVaults, seconds: int | None) -> None:
    vault = key_vault.new(throttle=2, retry_after=seconds)
    for _ in range(2):
        answer = ask(vault, "GET", "/secrets")
        assert (answer.status, answer.code) == (429, "Throttled")
        assert answer.headers.get("retry-after") == (None if seconds is None else str(seconds))
    assert ask(vault, "GET", "/secrets").status == 200
