"""Calls to Secret Manager: its address, the project, the token with each call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol, TypeVar

import msgspec

from skykeep.errors import ConfigError, Unavailable
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.gcp.clock import ServiceClock
from skykeep.providers.gcp.errors import TITLE, Failure, read_failure, translate
from skykeep.providers.gcp.settings import GLOBAL, GcpSettings
from skykeep.providers.wire import Reply, Wire, WireOptions

T = TypeVar("T")

ENDPOINT: Final = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER"
"""gcloud's own variable for the property ``api_endpoint_overrides/secretmanager``."""

_JSON: Final = "application/json"


class Credentials(Protocol):
    """What ``credentials`` gives; see there."""

    @property
    def quota_project(self) -> str | None:
        """Whose quota is used; known after the first token."""

    async def token(self) -> str:
        """An access token that has not ended."""

    async def another(self, refused: str, now: datetime | None = None) -> str:
        """A token in the place of one that was refused at this time of the service's."""

    async def project(self) -> str | None:
        """The project of the environment or of the credentials."""

    async def close(self) -> None:
        """Let go of connections."""

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's is used again."""


class Session:
    """An authenticated conversation with one location of one project.

    A call whose token is refused is sent once more, with another token: the service has not
    done it. No redirect is followed: the token goes to the configured address alone.
    """

    def __init__(
        self,
        wire: Wire,
        credentials: Credentials,
        project: str | None,
        place: str = GLOBAL,
        title: str = TITLE,
    ) -> None:
        """``title``: the service, for errors."""
        self.wire = wire
        self.credentials = credentials
        self._project = project
        self._where = "" if place == GLOBAL else f"/locations/{place}"
        self._clock = ServiceClock()
        self._title = title

    async def parent(self) -> str:
        """``projects/P`` or ``projects/P/locations/L``. Raises ``ConfigError``."""
        if self._project is None:
            self._project = await self.credentials.project()
        if not self._project:
            raise ConfigError(
                "no project is named",
                hint="give project_id, or set GOOGLE_CLOUD_PROJECT",
            )
        return f"projects/{self._project}{self._where}"

    async def secret(self, stored: str) -> str:
        """A secret's resource name: of an id in the project, or itself."""
        if stored.startswith("projects/"):
            return stored
        return f"{await self.parent()}/secrets/{stored}"

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        kind: type[T],
        subject: str,
        action: str,
    ) -> T:
        """Send it and give the answer.

        Args:
            method: of HTTP.
            path: what follows ``/v1/``, with its query, percent-encoded.
            body: JSON, without any value; see ``ask``.
            kind: the shape of the answer.
            subject: what it is about, for errors.
            action: as Google names it, for errors.

        Raises what the tables of ``errors`` say; ``Unavailable`` for no whole answer.
        """
        answer, failure = await self.ask(method, path, body, kind=kind)
        if failure is not None:
            raise translate(failure, subject=subject, action=action)
        assert answer is not None  # noqa: S101 - an answer is there or a failure is
        return answer

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, kind: type[T]
    ) -> tuple[T, None] | tuple[None, Failure]:
        """The answer, or what it says if it says no. ``body`` is JSON and may hold a value."""
        try:
            reply = await self._authenticated(method, path, body)
        finally:
            del body  # reports of errors may show the variables of a frame
        if 200 <= reply.status < 300:
            return decoded(reply, kind, self._title), None
        return None, read_failure(reply)

    def now(self) -> datetime:
        """The service's time by its last answer, to a second; else this host's."""
        return self._clock.now()

    async def close(self) -> None:
        """Close all connections."""
        try:
            await self.credentials.close()
        finally:
            await self.wire.close()

    def after_fork(self) -> None:
        """In a forked child: tokens stay, connections do not."""
        self.credentials.after_fork()
        self.wire.after_fork()

    async def _authenticated(self, method: str, path: str, body: bytes) -> Reply:
        try:
            token = await self.credentials.token()
            reply = await self._send(method, path, body, token)
            if reply.status != 401:
                return reply
            token = await self.credentials.another(token, self.now())
            return await self._send(method, path, body, token)
        finally:
            token = ""
            del body

    async def _send(self, method: str, path: str, body: bytes, token: str) -> Reply:
        headers = {"Authorization": f"Bearer {token}"}
        if self.credentials.quota_project:
            headers["X-Goog-User-Project"] = self.credentials.quota_project
        if body:
            headers["Content-Type"] = _JSON
        try:
            reply = await self.wire.send(method, f"/v1/{path}", headers=headers, body=body)
        finally:
            del headers, body, token
        self._clock.see(reply)
        return reply


async def open_session(settings: GcpSettings, context: OpenContext) -> Session:
    """The session of a target. Asks nobody: the first call finds credentials.

    Raises ``ConfigError`` (endpoint, TLS), ``MissingExtra``.
    """
    from skykeep.providers.gcp.credentials import open_credentials

    wire = Wire(
        address(settings, context.environ),
        options=WireOptions.of(settings),
        environ=context.environ,
        extra="gcp",
        name=context.target,
    )
    credentials = await open_credentials(settings, context)
    return Session(wire, credentials, settings.project, settings.place)


def address(settings: GcpSettings, environ: Mapping[str, str]) -> str:
    """Where the service is: as configured, as gcloud is told, else by the location.

    Regional endpoints: cloud.google.com/secret-manager/docs/reference/rest, "Service endpoint".
    """
    given = settings.endpoint or environ.get(ENDPOINT)
    if given:
        return given.rstrip("/")
    if settings.place == GLOBAL:
        return "https://secretmanager.googleapis.com"
    return f"https://secretmanager.{settings.place}.rep.googleapis.com"


def decoded(reply: Reply, kind: type[T], title: str = TITLE) -> T:
    """The body in its shape. Raises ``Unavailable`` if it has another one."""
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except msgspec.MsgspecError:
        pass  # its exception may show a part of the body
    raise strange(title)


def strange(title: str = TITLE) -> Unavailable:
    """The error for an answer that is not the service's."""
    return Unavailable(
        f"{title}: the answer is not as its answers are",
        hint="look at the endpoint and at the proxy",
    )
