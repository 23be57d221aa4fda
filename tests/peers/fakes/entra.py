"""Microsoft Entra's token endpoint: secrets, certificates and federated tokens are verified.

Paths and forms: Microsoft Learn, "Microsoft identity platform and the OAuth 2.0 client
credentials flow", "Microsoft identity platform application authentication certificate
credentials"; numbers and words of errors: "Microsoft Entra authentication and authorization
error codes", and answers that people have posted (named beside the number). The OpenID document
is for clients that look for the endpoint first, as MSAL does.

What it issues are tokens of version 1, as Key Vault gets them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key

from tests.peers.fakes.key_vault_settings import OWNER, TENANT
from tests.peers.fakes.serving import Fake, Reply, Request, as_json
from tests.peers.tokens import Issuer

VAULTS = (
    "https://vault.azure.net",
    "https://vault.usgovcloudapi.net",
    "https://vault.azure.cn",
)
CLIENT = "5a6d2d3f-0000-4000-8000-3b1f0c9a7e21"  # made up
EXCHANGE = "api://AzureADTokenExchange"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Federated:
    """Whose tokens an application trusts."""

    issuer: Issuer
    subject: str
    audience: str = EXCHANGE


@dataclass(frozen=True)
class Assertion:
    """A JSON web token that is shown as a proof: header, payload, what is signed, by what."""

    head: dict[str, Any]
    body: dict[str, Any]
    signed: bytes
    signature: bytes


@dataclass
class Application:
    """An application of one or several tenants, and what it can prove itself by."""

    client_id: str = CLIENT
    oid: str = OWNER
    tenants: tuple[str, ...] = (TENANT,)
    secrets: list[str] = field(default_factory=list, repr=False)
    expired: list[str] = field(default_factory=list, repr=False)
    certificates: list[x509.Certificate] = field(default_factory=list)
    federated: list[Federated] = field(default_factory=list)


class Refused(Exception):
    """An error of Entra's: its number, OAuth error, words and status."""

    def __init__(self, number: int, error: str, words: str, status: int = 400) -> None:
        super().__init__(number)
        self.number = number
        self.error = error
        self.words = words
        self.status = status


class Entra(Fake):
    """``issued`` are the tokens so far; ``next`` the replies that come before right ones."""

    def __init__(self, tls: ssl.SSLContext, issuer: Issuer, seconds: int = 3599) -> None:
        super().__init__(tls)
        self.issuer = issuer
        self.seconds = seconds
        self.refresh_in: int | None = None
        self.tenants = [TENANT]
        self.applications: dict[str, Application] = {}
        self.issued: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.next: list[Reply] = []

    def register(self, **about: Any) -> Application:
        made = Application(**about)
        self.applications[made.client_id] = made
        return made

    def answer(self, request: Request) -> Reply:
        tenant, _, rest = request.path.removeprefix("/").partition("/")
        if request.method == "GET" and rest == "v2.0/.well-known/openid-configuration":
            return as_json(200, self.document(tenant))
        if request.method != "POST" or rest != "oauth2/v2.0/token":
            return Reply(404)
        form = {
            key: values[0]
            for key, values in parse_qs(request.body.decode(), keep_blank_values=True).items()
        }
        self.forms.append(form)
        if self.next:
            return self.next.pop(0)
        try:
            if request.headers.get("content-type", "").partition(";")[0] != (
                "application/x-www-form-urlencoded"
            ):
                raise Refused(900144, "invalid_request", "The body must be a form.")
            return as_json(200, self.granted(tenant, form))
        except Refused as refused:
            return refusal(refused.number, refused.error, refused.words, refused.status)

    def document(self, tenant: str) -> dict[str, Any]:
        return {
            "token_endpoint": f"{self.address}/{tenant}/oauth2/v2.0/token",
            "authorization_endpoint": f"{self.address}/{tenant}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{self.address}/{tenant}/oauth2/v2.0/devicecode",
            "issuer": f"{self.address}/{tenant}/v2.0",
            "jwks_uri": f"{self.address}/{tenant}/discovery/v2.0/keys",
        }

    def granted(self, tenant: str, form: Mapping[str, str]) -> dict[str, Any]:
        if tenant not in self.tenants:
            raise Refused(
                90002, "invalid_request", f"Tenant '{tenant}' not found. Check to make sure."
            )
        application = self.applications.get(form.get("client_id", ""))
        if application is None or tenant not in application.tenants:
            raise Refused(
                700016,
                "unauthorized_client",
                f"Application with identifier '{form.get('client_id')}' was not found in the "
                f"directory '{tenant}'.",
            )
        if form.get("grant_type") != "client_credentials":
            raise Refused(70003, "unsupported_grant_type", "The grant type isn't supported.")
        self.prove(tenant, application, form)
        resource, default, _ = form.get("scope", "").rpartition("/.default")
        if not default:
            raise Refused(
                1002012, "invalid_scope", "The provided value for scope is not valid."
            )
        if resource not in VAULTS:
            raise Refused(
                500011,
                "invalid_resource",
                f"The resource principal named {resource} was not found in the tenant.",
            )
        claims = json.loads(form.get("claims") or "{}")
        capabilities = claims.get("access_token", {}).get("xms_cc", {}).get("values", [])
        made = self.token(
            application.oid,
            tenant,
            resource,
            appid=application.client_id,
            idtyp="app",
            xms_cc=capabilities,
        )
        answer = {"token_type": "Bearer", "expires_in": self.seconds, "access_token": made}
        return answer | ({"refresh_in": self.refresh_in} if self.refresh_in else {})

    def token(self, oid: str, tenant: str, resource: str, **claims: Any) -> str:
        made = self.issuer.token(
            oid,
            resource,
            seconds=self.seconds,
            **{
                "iss": f"https://sts.windows.net/{tenant}/",
                "iat": int(time.time()),
                "oid": oid,
                "tid": tenant,
                "ver": "1.0",
                "uti": secrets.token_hex(8),
                **claims,
            },
        )
        self.issued.append(made)
        return made

    def prove(self, tenant: str, application: Application, form: Mapping[str, str]) -> None:
        given = form.get("client_secret")
        if given is not None:
            if given in application.expired:
                raise Refused(
                    7000222,
                    "invalid_client",
                    f"The provided client secret keys for app '{application.client_id}' are "
                    "expired.",
                    401,
                )
            if given not in application.secrets:
                # azure-sdk-for-go's recordings.
                raise Refused(
                    7000215,
                    "invalid_client",
                    "Invalid client secret provided. Ensure the secret being sent in the "
                    "request is the client secret value, not the client secret ID, for a "
                    f"secret added to app '{application.client_id}'.",
                    401,
                )
            return
        if form.get("client_assertion_type") != JWT_BEARER or "client_assertion" not in form:
            raise Refused(
                7000216, "invalid_client", "'client_assertion' or 'client_secret' is required."
            )
        shown = parts_of(form["client_assertion"])
        if "x5t" in shown.head or "x5t#S256" in shown.head:
            self.prove_certificate(tenant, application, shown)
        else:
            prove_federated(application, shown)

    def prove_certificate(
        self, tenant: str, application: Application, shown: Assertion
    ) -> None:
        head, body = shown.head, shown.body
        wrong = Refused(
            700027,
            "invalid_client",
            "The certificate with identifier used to sign the client assertion is not "
            "registered on application.",
            401,
        )
        for certificate in application.certificates:
            der = certificate.public_bytes(Encoding.DER)
            prints = {
                "x5t": hashlib.sha1(der, usedforsecurity=False).digest(),
                "x5t#S256": hashlib.sha256(der).digest(),
            }
            key = certificate.public_key()
            if any(
                name in head and decoded(head[name]) != found for name, found in prints.items()
            ):
                continue
            if not isinstance(key, rsa.RSAPublicKey):
                raise wrong
            if not is_signed(key, shown):
                raise wrong
            who = body.get("iss"), body.get("sub")
            audience = f"{self.address}/{tenant}/oauth2/v2.0/token"
            if who != (application.client_id,) * 2 or body.get("aud") != audience:
                raise Refused(700023, "invalid_client", "Client assertion audience is wrong.")
            check_time(body)
            return
        raise wrong


def prove_federated(application: Application, shown: Assertion) -> None:
    body = shown.body
    # Words: azure-workload-identity, "Troubleshooting"; trino's AzureAccessTokenProviderTest.
    words = "No matching federated identity record found for presented assertion"
    known = [each for each in application.federated if each.issuer.url == body.get("iss")]
    if not known:
        raise Refused(700211, "invalid_client", f"{words} issuer '{body.get('iss')}'.", 401)
    known = [each for each in known if each.subject == body.get("sub")]
    if not known:
        raise Refused(700213, "invalid_client", f"{words} subject '{body.get('sub')}'.", 401)
    known = [each for each in known if each.audience in body.get("aud", "")]
    if not known:
        raise Refused(700212, "invalid_client", f"{words} audience '{body.get('aud')}'.", 401)
    key = load_pem_public_key(known[0].issuer.public_key.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    if not is_signed(key, shown):
        raise Refused(50013, "invalid_grant", "Assertion failed signature validation.", 401)
    check_time(body)


def check_time(body: Mapping[str, Any]) -> None:
    if not body.get("nbf", 0) - 300 <= time.time() < body.get("exp", 0):
        raise Refused(
            700024,
            "invalid_client",
            "Client assertion is not within its valid time range.",
            401,
        )


def is_signed(key: rsa.RSAPublicKey, shown: Assertion) -> bool:
    digest = hashes.SHA256()
    schemes: dict[object, padding.AsymmetricPadding] = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(padding.MGF1(digest), digest.digest_size),
    }
    if shown.head.get("alg") not in schemes:
        return False
    try:
        key.verify(shown.signature, shown.signed, schemes[shown.head["alg"]], digest)
    except InvalidSignature:
        return False
    return True


def parts_of(token: str) -> Assertion:
    try:
        head, body, signature = token.split(".")
        return Assertion(
            json.loads(decoded(head)),
            json.loads(decoded(body)),
            f"{head}.{body}".encode(),
            decoded(signature),
        )
    except (ValueError, binascii.Error):
        raise Refused(50027, "invalid_request", "JWT token is invalid or malformed.") from None


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def refusal(number: int, error: str, words: str, status: int = 400) -> Reply:
    """An error as Entra writes it."""
    trace, correlation = "0a1b2c3d-0000-4000-8000-000000000001", secrets.token_hex(16)
    stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    content = {
        "error": error,
        "error_description": f"AADSTS{number}: {words}\r\nTrace ID: {trace}\r\nCorrelation "
        f"ID: {correlation}\r\nTimestamp: {stamp}",
        "error_codes": [number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    return as_json(status, content)
