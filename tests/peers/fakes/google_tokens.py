"""Google's token services: OAuth 2.0, Security Token Service, IAM Service Account Credentials;
and the part of Resource Manager that says who may do what.

What each checks, and its words:

- ``POST /token`` and ``/tokeninfo`` of oauth2.googleapis.com: "Using OAuth 2.0 for Web Server
  Applications" ("Refreshing an access token"), issue 4080 of cline/cline (``invalid_rapt``).
- ``POST /v1/token`` and ``/v1/oauthtoken`` of sts.googleapis.com: the reference of the Security
  Token Service ("Method: token"), RFC 8693; the words: issues 161, 202 and 211 of
  google-github-actions/auth.
- ``…:generateAccessToken`` of iamcredentials.googleapis.com: its reference; the refusal: issue
  340 of google-github-actions/auth.
- ``…:signBlob`` there: "Method: projects.serviceAccounts.signBlob".
- ``…:testIamPermissions`` of cloudresourcemanager.googleapis.com: its reference.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote

import google.auth.jwt
from google.auth.exceptions import GoogleAuthError

from tests.peers.fakes.aws_signature import AwsAccounts
from tests.peers.fakes.serving import Fake, Reply, Request, as_json
from tests.peers.tokens import Issuer

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
PROVIDER = (
    "//iam.googleapis.com/projects/123456789012/locations/global/"
    "workloadIdentityPools/tests/providers/tests"
)
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
verified: Any = google.auth.jwt.decode  # raises if a signature or a time is not right
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
AWS = "urn:ietf:params:aws:token-type:aws4_request"
JWTS = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
HOUR = 3600


@dataclass
class Issuance:
    """A token that was given, or one that is to be taken for one."""

    principal: str
    expires: float
    scopes: str = CLOUD_PLATFORM


@dataclass
class Registry:
    """The tokens that were given, shared by the services. ``told`` hears of each one."""

    told: Callable[[str, str, float], None] = lambda token, principal, expires: None
    given: dict[str, Issuance] = field(default_factory=dict)
    # Of service accounts that sign for themselves: e-mail -> PEM of the public key by key id.
    keys: dict[str, dict[str, str]] = field(default_factory=dict)

    def issue(self, principal: str, *, lifetime: float = HOUR, scopes: str = "") -> str:
        token = f"ya29.{secrets.token_urlsafe(48)}"
        ends = time.time() + lifetime
        self.given[token] = Issuance(principal, ends, scopes or CLOUD_PLATFORM)
        self.told(token, principal, ends)
        return token

    def principal(self, request: Request) -> str | None:
        """Whose bearer token a request has; None if it is none that is good."""
        _, _, token = request.headers.get("authorization", "").partition(" ")
        found = self.given.get(token)
        if found is not None:
            return found.principal if found.expires > time.time() else None
        return self._signed(token)

    def _signed(self, token: str) -> str | None:
        try:
            email = json.loads(_decoded(token.split(".")[1]))["iss"]
            claims = verified(token, certs=self.keys[email])
        except (IndexError, KeyError, ValueError, GoogleAuthError):
            return None
        good = claims.get("sub") == email and CLOUD_PLATFORM in claims.get("scope", "")
        return f"serviceAccount:{email}" if good else None


class OAuthError(Exception):
    def __init__(self, error: str, description: str, status: int = 400, **more: str) -> None:
        super().__init__(error)
        self.reply = as_json(status, {"error": error, "error_description": description, **more})


class RpcError(Exception):
    def __init__(self, status: int, code: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        content: dict[str, Any] = {"code": status, "message": message, "status": code}
        if reason:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            detail = {"@type": kind, "reason": reason, "domain": "iam.googleapis.com"}
            content["details"] = [detail]
        self.reply = as_json(status, {"error": content})


class GoogleTokens(Fake):
    """All of them at one address.

    Attributes:
        issuer: the one whose tokens the workload identity provider takes.
        aws: the AWS accounts whose signatures it takes.
        audiences: what a token's ``aud`` may be.
        condition: what its ``sub`` must begin with.
        logins: refresh token -> the user's e-mail; with an empty one the login has ended.
        creators: service account -> who may make tokens for it.
        permissions: principal -> what it may do on the project as a whole.
        signers: service account -> what signs for it.
        enabled: whether the IAM and Resource Manager APIs are.
    """

    client_id = "tests.apps.googleusercontent.com"
    client_secret = "d-EXAMPLE-of-the-tests"  # pragma: allowlist secret (made up)
    project = "skykeep-tests"

    def __init__(
        self, registry: Registry | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls)
        self.registry = registry or Registry()
        self.aws = AwsAccounts()
        self.audiences = {f"https:{PROVIDER}"}
        self.condition = ""
        self.logins: dict[str, str] = {}
        self.creators: dict[str, set[str]] = {}
        self.permissions: dict[str, set[str]] = {}
        self.signers: dict[str, Callable[[bytes], bytes]] = {}
        self.enabled = True

    def answer(self, request: Request) -> Reply:
        try:
            match request.method, request.path:
                case "POST", "/token":
                    return self._refresh(form(request), f"{HOUR - 1}")
                case "POST", "/tokeninfo":
                    return self._info(form(request))
                case "POST", "/v1/token":
                    return self._exchange(form(request))
                case "POST", "/v1/oauthtoken":
                    return self._workforce(request)
            if found := re.fullmatch(
                "/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken", request.path
            ):
                return self._act(unquote(found[1]), request)
            if found := re.fullmatch(
                "/v1/projects/-/serviceAccounts/([^/:]+):signBlob", request.path
            ):
                return self._sign(unquote(found[1]), request)
            if found := re.fullmatch("/v1/projects/([^/:]+):testIamPermissions", request.path):
                return self._test(found[1], request)
        except (OAuthError, RpcError) as refusal:
            return refusal.reply
        return as_json(404, {"error": {"code": 404, "message": "Not Found"}})

    @cached_property
    def issuer(self) -> Issuer:
        """Made when it is asked for: its key takes a while."""
        return Issuer()

    # -- OAuth 2.0

    def _refresh(self, sent: Mapping[str, str], expires_in: str) -> Reply:
        if sent.get("client_id") != self.client_id:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        if sent.get("client_secret") != self.client_secret:
            raise OAuthError("invalid_client", "Unauthorized", 401)
        if sent.get("grant_type") != "refresh_token":
            raise OAuthError(
                "unsupported_grant_type", f"Invalid grant_type: {sent.get('grant_type')}"
            )
        return self._logged_in(sent.get("refresh_token", ""), expires_in)

    def _logged_in(self, refresh_token: str, expires_in: str) -> Reply:
        user = self.logins.get(refresh_token)
        if user is None:
            raise OAuthError("invalid_grant", "Bad Request")
        if not user:
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
        if user == "reauth":
            raise OAuthError(
                "invalid_grant",
                "reauth related error (invalid_rapt)",
                error_subtype="invalid_rapt",
            )
        token = self.registry.issue(f"user:{user}")
        content = {"access_token": token, "expires_in": int(expires_in), "token_type": "Bearer"}
        return as_json(200, {**content, "scope": CLOUD_PLATFORM})

    def _info(self, sent: Mapping[str, str]) -> Reply:
        found = self.registry.given.get(sent.get("access_token", ""))
        if found is None or found.expires < time.time():
            raise OAuthError("invalid_token", "Invalid Value")
        left = int(found.expires - time.time())
        about = {"exp": str(int(found.expires)), "expires_in": str(left), "scope": found.scopes}
        email = found.principal.partition(":")[2]
        return as_json(200, {**about, "email": email, "email_verified": "true"})

    def _workforce(self, request: Request) -> Reply:
        pair = f"{self.client_id}:{self.client_secret}"
        wanted = f"Basic {base64.b64encode(pair.encode()).decode()}"
        if request.headers.get("authorization") != wanted:
            raise OAuthError("invalid_client", "The OAuth client is not known.", 401)
        return self._logged_in(form(request).get("refresh_token", ""), f"{HOUR}")

    # -- Security Token Service

    def _exchange(self, sent: Mapping[str, str]) -> Reply:
        if sent.get("grant_type") != EXCHANGE or sent.get("requested_token_type") not in {
            ACCESS_TOKEN,
            None,
        }:
            raise OAuthError("unsupported_grant_type", "Invalid grant_type.")
        audience = sent.get("audience", "")
        if not re.fullmatch(
            r"//iam\.googleapis\.com/projects/[0-9]+/locations/global/"
            "workloadIdentityPools/[^/]+/providers/[^/]+",
            audience,
        ):
            raise OAuthError(
                "invalid_request",
                'Invalid value for "audience". This value should be the full resource name of '
                "the Identity Provider.",
            )
        if audience != PROVIDER:
            raise OAuthError(
                "invalid_target",
                'The target service indicated by the "audience" parameters is invalid. This '
                "might either be because the pool or provider is disabled or deleted or "
                "because it doesn't exist.",
            )
        if not sent.get("scope"):
            raise OAuthError("invalid_scope", "Scope is required.")
        subject = self._subject(sent.get("subject_token_type", ""), sent["subject_token"])
        if not subject.startswith(self.condition):
            raise OAuthError(
                "unauthorized_client",
                "The given credential is rejected by the attribute condition.",
            )
        pool = PROVIDER.rpartition("/providers/")[0]
        token = self.registry.issue(f"principal:{pool}/subject/{subject}", scopes=sent["scope"])
        content = {"access_token": token, "issued_token_type": ACCESS_TOKEN}
        return as_json(200, {**content, "token_type": "Bearer", "expires_in": HOUR})

    def _subject(self, kind: str, token: str) -> str:
        if kind == AWS:
            arn = self.aws.arn(token, PROVIDER)
            if arn is None:
                raise OAuthError("invalid_grant", "Received invalid AWS response of type.")
            return arn
        if kind not in JWTS:
            raise OAuthError("invalid_request", 'Invalid value for "subject_token_type".')
        try:
            claims = verified(token, certs=self.issuer.public_key)
        except ValueError as error:
            raise OAuthError("invalid_grant", _stale(str(error))) from None
        except GoogleAuthError as error:
            raise OAuthError("invalid_grant", _stale(str(error))) from None
        if claims["iss"] != self.issuer.url:
            raise OAuthError(
                "invalid_grant", f"The issuer in ID Token {claims['iss']} does not match."
            )
        if claims["aud"] not in self.audiences:
            raise OAuthError(
                "invalid_grant",
                f"The audience in ID Token [{claims['aud']}] does not match the expected "
                "audience.",
            )
        return str(claims["sub"])

    # -- IAM Service Account Credentials

    def _sign(self, email: str, request: Request) -> Reply:
        sent = json.loads(request.body)
        self._reach(email, request, sent, "signBlob")
        signature = self.signers[email](base64.b64decode(sent["payload"]))
        return as_json(200, {"keyId": "1", "signedBlob": base64.b64encode(signature).decode()})

    def _act(self, email: str, request: Request) -> Reply:
        sent = json.loads(request.body)
        who = self._reach(email, request, sent, "getAccessToken")
        seconds = re.fullmatch("([0-9]+)s", sent.get("lifetime", f"{HOUR}s"))
        if seconds is None or int(seconds[1]) > HOUR or not sent.get("scope"):
            raise RpcError(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        lifetime = float(seconds[1])
        token = self.registry.issue(who, lifetime=lifetime, scopes=" ".join(sent["scope"]))
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + lifetime))
        return as_json(200, {"accessToken": token, "expireTime": ends})

    def _reach(self, email: str, request: Request, sent: Mapping[str, Any], what: str) -> str:
        """The account, if the caller may act as it, by those in between."""
        who = self._caller(request)
        chain = [each.rpartition("/")[2] for each in sent.get("delegates") or []]
        for account in (*chain, email):
            if who not in self.creators.get(account, set()):
                raise RpcError(
                    403,
                    "PERMISSION_DENIED",
                    f"Permission 'iam.serviceAccounts.{what}' denied on resource (or it may "
                    "not exist).",
                    "IAM_PERMISSION_DENIED",
                )
            who = f"serviceAccount:{account}"
        return who

    # -- Resource Manager

    def _test(self, project: str, request: Request) -> Reply:
        who = self._caller(request)
        if project != self.project:
            raise RpcError(403, "PERMISSION_DENIED", "The caller does not have permission")
        asked = json.loads(request.body)["permissions"]
        if any("*" in each for each in asked):
            raise RpcError(400, "INVALID_ARGUMENT", "Permissions with wildcards are not valid.")
        allowed = self.permissions.get(who, set())
        held = [each for each in asked if each in allowed or "*" in allowed]
        return as_json(200, {"permissions": held} if held else {})

    def _caller(self, request: Request) -> str:
        who = self.registry.principal(request)
        if who is None:
            raise RpcError(
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access "
                "token, login cookie or other valid authentication credential.",
            )
        if not self.enabled:
            raise RpcError(
                403,
                "PERMISSION_DENIED",
                "The API has not been used in project 123456789012 before or it is disabled.",
                "SERVICE_DISABLED",
            )
        return who


def form(request: Request) -> dict[str, str]:
    """The fields of a form that was sent."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("application/x-www-form-urlencoded"):
        raise OAuthError("invalid_request", "The content type is not a form's.")
    return {key: values[0] for key, values in parse_qs(request.body.decode()).items()}


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _stale(said: str) -> str:
    """google-auth's words tell which check failed; Google's own do not show the token."""
    if "expired" in said.lower():
        return "ID Token is stale to sign-in."
    return "Error connecting to the given credential's issuer or its signature is invalid."
