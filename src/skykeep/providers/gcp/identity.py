"""Who Google takes us for, what these credentials may do, and what they should be allowed.

Secret Manager itself is asked whether the token is good, by a call that needs no permission
(``TestIamPermissions``); whose token it is, the credentials say. Only of a user's login they
do not: there Google's OAuth endpoint is asked (``tokeninfo``, by POST, so that the token is in
no address), and if it cannot be, that is said. That endpoint alone would not do: it knows
neither tokens that a service account signs for itself nor those of workload identity
federation, and inside a service perimeter it is often out of reach.

``projects.testIamPermissions`` of Resource Manager and that of a secret: "There are no
permissions required for making this API call"; of a secret that is not there, the answer is
empty, so that one that is there is asked about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from skykeep.errors import ConfigError, Denied, SkykeepError
from skykeep.interfaces.identity import Identity, IdentityDriver, Permission, Policy
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.gcp.answers import Secrets
from skykeep.providers.gcp.credentials import Credentials
from skykeep.providers.gcp.credentials.exchange import OAUTH2, RESOURCE_MANAGER, Exchange
from skykeep.providers.gcp.credentials.token import Token
from skykeep.providers.gcp.errors import translate
from skykeep.providers.gcp.names import Names, substring
from skykeep.providers.gcp.policy import (
    NEEDLESS,
    NEEDLESS_ON_PROJECT,
    NEEDS,
    Need,
    Scope,
    document,
)
from skykeep.providers.gcp.session import Session, open_session
from skykeep.providers.gcp.settings import GLOBAL, GcpSettings

EXAMPLE: Final = "skykeep-example"
PAGE: Final = 250
"""Secrets looked through for one under the prefix and one beside it."""

_READ: Final = "secretmanager.versions.access"
_LIST: Final = "secretmanager.secrets.list"
_ASKED: Final = "asked"
_OAUTH: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class _Held(msgspec.Struct):
    permissions: tuple[str, ...] = ()


class _Info(msgspec.Struct):
    email: str = ""


class GcpIdentity(IdentityDriver):
    """Answers for the credentials of one target."""

    def __init__(
        self, session: Session, settings: GcpSettings, credentials: Credentials
    ) -> None:
        self._session = session
        self._settings = settings
        self._credentials = credentials
        self._project: str | None = settings.project

    async def whoami(self) -> Identity:
        project = await self._named_project()
        scope = Scope(self._settings, project)
        await self._on_secret(f"{scope.begins}{EXAMPLE}", [_READ])
        token = await self._credentials.known()
        principal = token.principal
        if principal is None:
            principal = await asyncio.to_thread(self._user, token)
        ends = None if token.ends is None else datetime.fromtimestamp(token.ends, UTC)
        place = None if self._settings.place == GLOBAL else self._settings.place
        return Identity(principal, token.source, project, place, ends, token.renewable)

    async def permissions(self) -> Sequence[Permission]:
        scope = Scope(self._settings, await self._named_project())
        secrets, listed = await self._secrets(scope)
        names = Names(self._settings.secret_prefix or "")
        start = names.start("")
        inside = next((each for each in secrets if names.has(each, start)), None)
        outside = next((each for each in secrets if not names.has(each, start)), None)
        token = await self._credentials.known()
        on_project = await asyncio.to_thread(self._on_project, scope.project, token)
        there = [need.permission for need in NEEDS if not need.on_project]
        on_secret = None
        if inside is not None:
            on_secret = await self._on_secret(inside, [*there, *NEEDLESS])
        found = [
            _of_project(need, scope, on_project, listed)
            if need.on_project
            else _of_secret(need, scope, on_secret, on_project)
            for need in NEEDS
        ]
        found += _needless(NEEDLESS, scope.resource, on_secret or on_project or ())
        project = f"projects/{scope.project}"
        found += _needless(NEEDLESS_ON_PROJECT, project, on_project or ())
        if start:
            held = frozenset(on_project or ())
            if outside is not None:
                held |= await self._on_secret(outside, there)
            found += _needless(there, f"outside {scope.resource}", held)
        return found

    def policy(self, *, read_only: bool = False) -> Policy:
        return Policy(
            "gcloud commands",
            document(Scope(self._settings, self._project), read_only=read_only),
            "say in MEMBER whom it is for, then run it: sh policy.sh",
        )

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    async def _named_project(self) -> str:
        if self._project is None:
            self._project = await self._credentials.project()
        if not self._project:
            raise ConfigError(
                "no project is named", hint="give project_id, or set GOOGLE_CLOUD_PROJECT"
            )
        return self._project

    # -- what Secret Manager says

    async def _on_secret(self, secret: str, permissions: Iterable[str]) -> frozenset[str]:
        """Which of the permissions are held on a secret."""
        body = msgspec.json.encode({"permissions": list(permissions)})
        path = f"{await self._session.secret(secret)}:testIamPermissions"
        answer = await self._session.call(
            "POST", path, body, kind=_Held, subject="", action="TestIamPermissions"
        )
        return frozenset(answer.permissions)

    async def _secrets(self, scope: Scope) -> tuple[list[str], bool]:
        """Ids of secrets, and whether listing them is allowed: first those that may be under
        the prefix, then a page of all."""
        parent = await self._session.parent()
        found: list[str] = []
        part = substring(self._settings.secret_prefix or "")
        for query in ({"filter": f"name:{part}"}, {}) if part else ({},):
            words = urlencode({"pageSize": str(PAGE), **query})
            answer, failure = await self._session.ask(
                "GET", f"{parent}/secrets?{words}", kind=Secrets
            )
            if answer is None:
                assert failure is not None  # noqa: S101 - one of the two is there
                error = translate(failure, subject=scope.resource, action="ListSecrets")
                if isinstance(error, Denied):
                    return [], False
                raise error
            found += [each.id for each in answer.secrets]
        return found, True

    # -- what others say; these block

    def _on_project(self, project: str, token: Token) -> frozenset[str] | None:
        """Which permissions are held on the project as a whole; None if Resource Manager does
        not say, for its API is often not enabled."""
        asked = [*(need.permission for need in NEEDS), *NEEDLESS, *NEEDLESS_ON_PROJECT]
        headers = {"Authorization": f"Bearer {token.value}", "Content-Type": "application/json"}
        quota = self._credentials.quota_project
        if quota:
            headers["X-Goog-User-Project"] = quota
        url = f"{RESOURCE_MANAGER}/v1/projects/{project}:testIamPermissions"
        body = msgspec.json.encode({"permissions": asked})
        try:
            with self._credentials.chain.exchange() as exchange:
                reply = exchange.send("POST", url, headers=headers, body=body)
            if reply.status == 200:
                return frozenset(msgspec.json.decode(reply.body, type=_Held).permissions)
        except (SkykeepError, msgspec.MsgspecError):
            pass
        return None

    def _user(self, token: Token) -> str:
        """Whose login it is."""
        try:
            with self._credentials.chain.exchange() as exchange:
                found = _email(exchange, token)
        except (SkykeepError, msgspec.MsgspecError):
            found = ""
        return f"user:{found}" if found else "a user (Google does not say who)"


def _of_project(
    need: Need, scope: Scope, held: frozenset[str] | None, listed: bool
) -> Permission:
    if need.permission == _LIST:
        allowed: bool | None = listed  # what was done counts for more than what was asked
        how = "tried"
    elif held is not None:
        allowed, how = need.permission in held, _ASKED
    else:
        allowed, how = None, "not tried"
    resource = f"projects/{scope.project}"
    return Permission(need.permission, resource, need.operations, allowed, how)


def _email(exchange: Exchange, token: Token) -> str:
    body = urlencode({"access_token": token.value}).encode()
    reply = exchange.send("POST", f"{OAUTH2}/tokeninfo", headers=_OAUTH, body=body)
    if reply.status != 200:
        return ""
    return msgspec.json.decode(reply.body, type=_Info).email


def _of_secret(
    need: Need,
    scope: Scope,
    held: frozenset[str] | None,
    on_project: frozenset[str] | None,
) -> Permission:
    if held is not None:
        allowed: bool | None = need.permission in held
        how = _ASKED
    elif on_project is not None and need.permission in on_project:
        allowed, how = True, "asked of the project"
    else:
        allowed, how = None, "no secret there to ask about"
    return Permission(need.permission, scope.resource, need.operations, allowed, how)


def _needless(
    permissions: Iterable[str], resource: str, held: Iterable[str]
) -> list[Permission]:
    found = frozenset(held)
    return [
        Permission(each, resource, (), True, _ASKED) for each in permissions if each in found
    ]


async def open_identity(settings: GcpSettings, context: OpenContext) -> GcpIdentity:
    """The identity of a configured target. Raises ``ConfigError``, ``MissingExtra``."""
    session = await open_session(settings, context)
    credentials = session.credentials
    assert isinstance(credentials, Credentials)  # noqa: S101 - what open_session makes
    return GcpIdentity(session, settings, credentials)
