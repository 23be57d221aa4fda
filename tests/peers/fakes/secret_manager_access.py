"""Who calls, what they may do, and whether the project has the service.

The sentences and ``ErrorInfo`` of 401: googleapis/google-cloud-python issue 15080 and
googleapis/google-api-php-client issue 2479; their reasons (``CREDENTIALS_MISSING``,
``ACCESS_TOKEN_EXPIRED``, ``SERVICE_DISABLED``, ``CONSUMER_INVALID``, ``USER_PROJECT_DENIED``):
``google/api/error_reason.proto``. ``SERVICE_DISABLED``: googleapis/nodejs-secret-manager
issue 58.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.rpc import code_pb2, error_details_pb2

from tests.peers.fakes.secret_manager_errors import SERVICE, Refusal, denied, info

INTERFACE = "google.cloud.secretmanager.v1.SecretManagerService"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
REALM = 'Bearer realm="https://accounts.google.com/"'
EXPECTED = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


@dataclass(frozen=True)
class Grant:
    """Permissions, ``*`` for all, on resources whose names begin with ``prefix``.

    The prefix is that of an IAM condition ``resource.name.startsWith(…)``: it has the project's
    number, and what concerns a project as a whole (creating, listing) is outside of it.
    """

    permissions: frozenset[str]
    prefix: str = ""

    def allows(self, permission: str, resource: str) -> bool:
        named = "*" in self.permissions or permission in self.permissions
        return named and resource.startswith(self.prefix)


@dataclass
class Caller:
    """Whom a token stands for. ``expires`` is in seconds since the epoch."""

    principal: str
    grants: list[Grant] = field(default_factory=list)
    expires: float = float("inf")
    scopes: tuple[str, ...] = (SCOPE,)

    def may(self, permission: str, resource: str) -> bool:
        return any(grant.allows(permission, resource) for grant in self.grants)


@dataclass
class Project:
    """A project; the service knows it by id and by number, and answers with the number."""

    id: str
    number: str
    enabled: bool = True


@dataclass(frozen=True)
class Title:
    """How a service is called in what it says."""

    service: str = SERVICE
    interface: str = INTERFACE
    words: str = "Secret Manager API"


class Access:
    """The accepted tokens, the keys of service accounts, the projects."""

    def __init__(self, title: Title | None = None) -> None:
        self.title = title or Title()
        self.tokens: dict[str, Caller] = {}
        # By e-mail and key id: PEM of the public key, and what the account may do.
        self.keys: dict[tuple[str, str], tuple[str, Caller]] = {}
        self.projects: dict[str, Project] = {}

    def of(self, title: Title) -> Access:
        """The same tokens, keys and projects, at another service."""
        other = Access(title)
        other.tokens, other.keys, other.projects = self.tokens, self.keys, self.projects
        return other

    def add_project(self, project: Project) -> None:
        self.projects[project.id] = self.projects[project.number] = project

    def caller(self, headers: Mapping[str, str], method: str, now: float) -> Caller:
        """Whose bearer token it is. Refused with UNAUTHENTICATED, or for want of a scope."""
        place = {"service": self.title.service, "method": f"{self.title.interface}.{method}"}
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(
                code_pb2.UNAUTHENTICATED,
                f"Request is missing required authentication credential. {EXPECTED}",
                info("CREDENTIALS_MISSING", **place),
                headers={"WWW-Authenticate": REALM},
            )
        caller = self.tokens.get(token) or self._by_own_token(token, now)
        if caller is None or caller.expires <= now:
            reason = (
                "ACCESS_TOKEN_TYPE_UNSUPPORTED" if caller is None else "ACCESS_TOKEN_EXPIRED"
            )
            raise Refusal(
                code_pb2.UNAUTHENTICATED,
                f"Request had invalid authentication credentials. {EXPECTED}",
                info(reason, **place),
                headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
            )
        if SCOPE not in caller.scopes:
            raise Refusal(
                code_pb2.PERMISSION_DENIED,
                "Request had insufficient authentication scopes.",
                info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", **place),
                headers={
                    "WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{SCOPE}"'
                },
            )
        return caller

    def _by_own_token(self, token: str, now: float) -> Caller | None:
        """A token that a service account signed for itself (AIP-4111): RS256, issuer and
        subject are the account, for this service by ``aud`` or for ``scope``, for an hour at
        most."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        try:
            head, body, signature = token.split(".")
            header, claims = (json.loads(_decoded(part)) for part in (head, body))
            pem, caller = self.keys[claims["iss"], header["kid"]]
            key = serialization.load_pem_public_key(pem.encode())
            assert isinstance(key, rsa.RSAPublicKey)
            key.verify(
                _decoded(signature),
                f"{head}.{body}".encode(),
                padding.PKCS1v15(),
                hashes.SHA256(),
            )
        except (ValueError, KeyError, TypeError, InvalidSignature):
            return None
        issued, expires = float(claims.get("iat", 0)), float(claims.get("exp", 0))
        meant = claims.get("aud") == f"https://{self.title.service}/" or SCOPE in claims.get(
            "scope", ""
        )
        right = header.get("alg") == "RS256" and claims.get("sub") == claims["iss"] and meant
        if not right or expires - issued > 3600 or issued > now + 60:
            return None
        return Caller(caller.principal, caller.grants, expires)

    def project(self, name: str) -> Project:
        """The project that a resource's name begins with, by its id or its number."""
        project = self.projects.get(name)
        if project is None:
            raise Refusal(
                code_pb2.PERMISSION_DENIED,
                f"Permission denied on resource project {name}.",
                info(
                    "CONSUMER_INVALID", service=self.title.service, consumer=f"projects/{name}"
                ),
            )
        if not project.enabled:
            page = "https://console.developers.google.com/apis/api"
            url = f"{page}/{self.title.service}/overview?project={project.number}"
            help_ = error_details_pb2.Help()
            help_.links.add(description="Google developers console API activation", url=url)
            raise Refusal(
                code_pb2.PERMISSION_DENIED,
                f"{self.title.words} has not been used in project {project.number} before or "
                f"it is disabled. Enable it by visiting {url} then retry. If you enabled this "
                "API recently, wait a few minutes for the action to propagate to our systems "
                "and retry.",
                help_,
                info(
                    "SERVICE_DISABLED",
                    service=self.title.service,
                    consumer=f"projects/{project.number}",
                ),
            )
        return project

    def check_quota_project(self, caller: Caller, headers: Mapping[str, str]) -> None:
        """``x-goog-user-project`` needs ``serviceusage.services.use`` on that project."""
        named = headers.get("x-goog-user-project")
        if named is None:
            return
        project = self.projects.get(named)
        permission = "serviceusage.services.use"
        if project is None or not caller.may(permission, f"projects/{project.number}"):
            raise Refusal(
                code_pb2.PERMISSION_DENIED,
                f"Caller does not have required permission to use project {named}. Grant the "
                "caller the roles/serviceusage.serviceUsageConsumer role, or a custom role "
                f"with the {permission} permission.",
                info(
                    "USER_PROJECT_DENIED",
                    service=self.title.service,
                    consumer=f"projects/{named}",
                ),
            )

    def check(self, caller: Caller, permission: str, resource: str) -> None:
        if not caller.may(permission, resource):
            raise denied(permission, resource)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def caller_from(content: Mapping[str, Any]) -> Caller:
    """From the control's JSON: ``principal``, ``grants`` (``permissions``, ``prefix``),
    ``expires``, ``scopes``."""
    grants = [
        Grant(frozenset(grant["permissions"]), grant.get("prefix", ""))
        for grant in content.get("grants", [{"permissions": ["*"]}])
    ]
    expires = content.get("expires")
    return Caller(
        content.get("principal", "somebody@example.test"),
        grants,
        float("inf") if expires is None else float(expires),
        tuple(content.get("scopes", [SCOPE])),
    )
