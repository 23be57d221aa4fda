"""Azure's own library gets tokens from the fakes, and each thing that they check is checked."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import azure.identity
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from tests.peers.azure import KeyVaults
from tests.peers.certificates import Authority
from tests.peers.fakes.azure_hosts import AppService, CloudShell, Host, Imds, MachineLearning
from tests.peers.fakes.entra import CLIENT, EXCHANGE, JWT_BEARER, Entra, Federated
from tests.peers.fakes.key_vault_settings import TENANT
from tests.peers.tokens import Issuer, base64url, encoded
from tests.providers.azure.logins import SCOPE, certificate, pem

SECRET = "made-up-" + "secret"
SUBJECT = "system:serviceaccount:shop:till"
SYSTEM_VARIABLES = (
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "MSI_ENDPOINT",
    "MSI_SECRET",
)


@pytest.fixture
def entra(authority: Authority, key_vault: KeyVaults) -> Iterator[Entra]:
    with Entra(authority.issue().server(), key_vault.issuer) as fake:
        fake.register(secrets=[SECRET], expired=["old"])
        yield fake


@pytest.fixture
def options(entra: Entra, authority: Authority) -> dict[str, Any]:
    """How the library is told of the fake."""
    return {
        "authority": entra.address,
        "connection_verify": str(authority.ca),
        "disable_instance_discovery": True,
        "retry_total": 0,
    }


def sent(
    url: str,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None = None,
    ca: Path | None = None,
) -> tuple[int, Any]:
    """Status and JSON of a GET, or of the POST of a form."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    if ca is not None:
        context = ssl.create_default_context(cafile=str(ca))
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=30, context=context
        )
    body = None if form is None else urlencode(form)
    kind = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET" if form is None else "POST", target, body, {**kind, **headers})
        reply = connection.getresponse()
        content = reply.read()
        return reply.status, json.loads(content) if content else None
    finally:
        connection.close()


def accepted(key_vault: KeyVaults, token: str) -> int:
    """What the vault answers to a list with this token."""
    url = f"{key_vault.address}/secrets?api-version=7.4"
    return sent(url, {"Authorization": f"Bearer {token}"}, ca=key_vault.ca)[0]


# -- the judge


def test_a_client_secret(entra: Entra, key_vault: KeyVaults, options: dict[str, Any]) -> None:
    with azure.identity.ClientSecretCredential(TENANT, CLIENT, SECRET, **options) as judge:
        token = judge.get_token(SCOPE)
    assert token.token == entra.issued[-1]
    assert abs(token.expires_on - time.time() - entra.seconds) < 60
    assert accepted(key_vault, token.token) == 200


def test_a_federated_token(
    entra: Entra, key_vault: KeyVaults, options: dict[str, Any], tmp_path: Path
) -> None:
    issuer = Issuer("https://cluster.test")
    entra.register(federated=[Federated(issuer, SUBJECT)])
    file = tmp_path / "token"
    file.write_text(issuer.token(SUBJECT, EXCHANGE))
    with azure.identity.WorkloadIdentityCredential(
        tenant_id=TENANT, client_id=CLIENT, token_file_path=str(file), **options
    ) as judge:
        assert accepted(key_vault, judge.get_token(SCOPE).token) == 200


def test_a_certificate(entra: Entra, key_vault: KeyVaults, options: dict[str, Any]) -> None:
    made, key = certificate()
    entra.register(certificates=[made])
    with azure.identity.CertificateCredential(
        TENANT, CLIENT, certificate_data=pem(made, key), **options
    ) as judge:
        assert accepted(key_vault, judge.get_token(SCOPE).token) == 200


@pytest.mark.parametrize("kind", [Imds, AppService, MachineLearning, CloudShell])
def test_managed_identities(
    entra: Entra,
    key_vault: KeyVaults,
    kind: type[Host],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in SYSTEM_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with kind(entra.token) as host:
        environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": host.address}
        if isinstance(host, (AppService, MachineLearning, CloudShell)):
            environ = host.environ()
        if isinstance(host, MachineLearning):
            host.dates = "%s"  # msal knows the number only; azure-identity alone knew the date
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        with azure.identity.ManagedIdentityCredential(retry_total=0) as judge:
            token = judge.get_token(SCOPE).token
        assert token == host.given[-1]
        assert accepted(key_vault, token) == 200


# -- what the fakes check


def number(entra: Entra, authority: Authority, tenant: str = TENANT, **form: str) -> int:
    """The number with which a login is refused; 0 if it is not."""
    whole = {
        "client_id": CLIENT,
        "grant_type": "client_credentials",
        "scope": SCOPE,
        "client_secret": SECRET,
        **form,
    }
    url = f"{entra.address}/{tenant}/oauth2/v2.0/token"
    given = {key: value for key, value in whole.items() if value}
    _, content = sent(url, {}, given, ca=authority.ca)
    return int(content.get("error_codes", [0])[0])


def test_what_a_login_needs(entra: Entra, authority: Authority) -> None:
    assert number(entra, authority) == 0
    assert number(entra, authority, client_secret="wrong") == 7000215
    assert number(entra, authority, client_secret="old") == 7000222
    assert number(entra, authority, client_secret="") == 7000216
    assert number(entra, authority, client_id="another") == 700016
    assert number(entra, authority, tenant="another.example") == 90002
    assert number(entra, authority, grant_type="password") == 70003
    assert number(entra, authority, scope="https://vault.azure.net") == 1002012
    assert number(entra, authority, scope="https://elsewhere.example/.default") == 500011


def shown(head: Mapping[str, Any], body: Mapping[str, Any], key: Any) -> str:
    signed = f"{encoded(dict(head))}.{encoded(dict(body))}"
    return f"{signed}.{base64url(key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


@pytest.mark.parametrize(
    ("wrong", "refused"),
    [
        ({}, 0),
        ({"key": True}, 700027),
        ({"x5t": "AAAA"}, 700027),
        ({"alg": "none"}, 700027),
        ({"aud": "https://elsewhere.example"}, 700023),
        ({"iss": "another"}, 700023),
        ({"exp": 1}, 700024),
        ({"nbf": 1 << 33}, 700024),
        ({"type": "another"}, 7000216),
        ({"malformed": True}, 50027),
    ],
)
def test_what_a_certificate_is_checked_for(
    entra: Entra, authority: Authority, wrong: dict[str, Any], refused: int
) -> None:
    made, key = certificate()
    entra.register(certificates=[made])
    thumbprint = base64url(made.fingerprint(SHA1()))  # noqa: S303  (how Entra names it)
    head = {"alg": "RS256", "x5t": thumbprint} | {
        k: wrong[k] for k in ("alg", "x5t") if k in wrong
    }
    body = {
        "aud": f"{entra.address}/{TENANT}/oauth2/v2.0/token",
        "iss": CLIENT,
        "sub": CLIENT,
        "exp": int(time.time()) + 600,
    } | {name: wrong[name] for name in ("aud", "iss", "exp", "nbf") if name in wrong}
    signer = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assertion = shown(head, body, signer if "key" in wrong else key)
    found = number(
        entra,
        authority,
        client_secret="",
        client_assertion_type=wrong.get("type", JWT_BEARER),
        client_assertion="x" if "malformed" in wrong else assertion,
    )
    assert found == refused


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({"Metadata": "true"}, {}, 200),
        ({}, {}, 400),
        ({"Metadata": "True"}, {}, 400),
        ({"Metadata": "true"}, {"api-version": "2017-01-01"}, 400),
        ({"Metadata": "true"}, {"resource": ""}, 400),
        ({"Metadata": "true"}, {"resource": SCOPE}, 400),
        ({"Metadata": "true"}, {"client_id": "unknown"}, 400),
    ],
)
def test_what_imds_checks(
    entra: Entra, headers: dict[str, str], query: dict[str, str], code: int
) -> None:
    whole = {"api-version": "2018-02-01", "resource": "https://vault.azure.net", **query}
    with Imds(entra.token) as host:
        url = f"{host.address}{host.path}?{urlencode(whole)}"
        assert sent(url, headers)[0] == code


@pytest.mark.parametrize("wrong", ["", "header", "version"])
def test_what_app_service_and_machine_learning_check(entra: Entra, wrong: str) -> None:
    for kind, header, version in (
        (AppService, "X-IDENTITY-HEADER", "2019-08-01"),
        (MachineLearning, "secret", "2017-09-01"),
    ):
        with kind(entra.token) as host:
            url = next(value for name, value in host.environ().items() if "ENDPOINT" in name)
            proof = next(v for name, v in host.environ().items() if "ENDPOINT" not in name)
            query = {
                "api-version": "2000-01-01" if wrong == "version" else version,
                "resource": "https://vault.azure.net",
            }
            headers = {header: "x" if wrong == "header" else proof}
            code, _ = sent(f"{url}?{urlencode(query)}", headers)
            assert code == {"": 200, "header": 401, "version": 400}[wrong]


def test_what_cloud_shell_checks(entra: Entra) -> None:
    with CloudShell(entra.token) as host:
        url = host.environ()["MSI_ENDPOINT"]
        form = {"resource": "https://vault.azure.net"}
        for headers, data, code in (
            ({"Metadata": "true"}, form, 200),
            ({}, form, 400),
            ({"Metadata": "true"}, None, 400),
        ):
            assert sent(url, headers, data)[0] == code
