"""Managed identities: tokens from the host itself, asked directly.

Where: azure-identity 1.27 ``_credentials/managed_identity.py``, and for the requests msal 1.39
``managed_identity.py``. Virtual machines, scale sets, AKS nodes and container instances:
"How to use managed identities for Azure resources on an Azure VM to acquire an access token";
App Service, Functions and Container Apps: "How to use managed identities for App Service and
Azure Functions", "REST endpoint reference" (both learn.microsoft.com). Azure Arc and Service
Fabric have ways of their own to trust each other: ``by_library.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from skykeep.errors import (
    ConfigError,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.azure.auth_settings import AuthSettings
from skykeep.providers.azure.credentials.entra_errors import (
    by_status,
    numbers_in,
    refusal,
    seconds_of,
    sentence,
)
from skykeep.providers.azure.credentials.tokens import Ask, Missed, Token, made
from skykeep.providers.wire import Reply, Wire

IMDS: Final = "http://169.254.169.254"
IMDS_PATH: Final = "/metadata/identity/oauth2/token"
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
TRANSIENT: Final = frozenset({404, 410})
"""Of IMDS: it is being updated, up to 70 seconds ("Error handling", "Retry guidance")."""

_DATES = ("%m/%d/%Y %H:%M:%S %z", "%m/%d/%Y %I:%M:%S %p %z")
"""How version 2017-09-01 writes the end of a token, on Linux and on Windows."""


class Given(msgspec.Struct):
    """The answer with a token; the number of seconds, or the second of its end."""

    access_token: str
    expires_in: float | str | None = None
    expires_on: float | str | None = None
    refresh_in: float | None = None


class Fault(msgspec.Struct):
    """``code`` and ``message`` of an error inside an error."""

    code: str = ""
    message: str = ""


class Refused(msgspec.Struct):
    """The body of an error: IMDS's, App Service's old one, Azure's usual one."""

    error: str | Fault = ""
    error_description: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint that gives tokens of managed identities.

    Attributes:
        name: of the service, in words.
        url: with its path.
        version: ``api-version``; None if it has none.
        headers: with what it wants to know us by.
        ids: how it names a client id, a resource id and an object id; empty if it has one
            identity only.
        post: it is asked by a form.
        found: its variables are there; IMDS has none, and may not be there.
    """

    name: str
    url: str
    version: str | None
    headers: Mapping[str, str] = field(repr=False)
    ids: tuple[str, str, str] | None = ("client_id", "msi_res_id", "object_id")
    post: bool = False
    found: bool = True


def place_of(environ: Mapping[str, str]) -> Place | str:
    """Where this host's tokens are; the name of the platform for one that only Azure's own
    library serves."""
    endpoint, header = environ.get("IDENTITY_ENDPOINT"), environ.get("IDENTITY_HEADER")
    if endpoint and header:
        if environ.get("IDENTITY_SERVER_THUMBPRINT"):
            return "Service Fabric"
        headers = {"X-IDENTITY-HEADER": header, "Metadata": "true"}
        ids = ("client_id", "mi_res_id", "object_id")
        return Place("App Service", endpoint, "2019-08-01", headers, ids)
    if endpoint and environ.get("IMDS_ENDPOINT"):
        return "Azure Arc"
    endpoint, header = environ.get("MSI_ENDPOINT"), environ.get("MSI_SECRET")
    if endpoint and header:
        ids = ("clientid", "msi_res_id", "object_id")
        return Place("Azure Machine Learning", endpoint, "2017-09-01", {"secret": header}, ids)
    if endpoint:
        return Place("Cloud Shell", endpoint, None, {"Metadata": "true"}, None, post=True)
    host = environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    url = (host or IMDS).rstrip("/") + IMDS_PATH
    return Place("IMDS", url, "2018-02-01", {"Metadata": "true"}, found=bool(host))


class ManagedIdentity:
    """The identity of the host, or one of those assigned to it."""

    name = "managed identity"

    def __init__(
        self,
        place: Place,
        auth: AuthSettings,
        make: Callable[[str], Wire],
        *,
        may_miss: bool,
    ) -> None:
        """``may_miss``: no answer at all means that this host is not Azure's."""
        named = (auth.client_id, auth.resource_id, auth.object_id)
        self._params = {} if place.version is None else {"api-version": place.version}
        if place.ids is not None:
            self._params |= {
                key: value for key, value in zip(place.ids, named, strict=True) if value
            }
        elif any(named):
            raise ConfigError(
                f"{place.name} has one identity: none can be named",
                hint="take auth.client_id, auth.resource_id and auth.object_id out",
            )
        which = next((value for value in named if value), None)
        self.source = f"managed identity ({place.name}{f', {which}' if which else ''})"
        self._place = place
        self._make = make
        self._may_miss = may_miss and not place.found
        self._wire: Wire | None = None

    async def token(self, ask: Ask) -> Token:
        """A token of the identity's own tenant. The endpoint keeps tokens for most of their
        life and cannot be asked to forget one."""
        parts = urlsplit(self._place.url)
        if self._wire is None:
            self._wire = self._make(f"{parts.scheme}://{parts.netloc}")
        params = urlencode({**self._params, "resource": ask.resource})
        target = parts.path or "/"
        query = "&".join(each for each in (parts.query, params) if each)
        failure: Missed | SkykeepError
        try:
            if self._place.post:
                headers = {**self._place.headers, **FORM}
                reply = await self._wire.send(
                    "POST", target, headers=headers, body=params.encode()
                )
            else:
                reply = await self._wire.send(
                    "GET", f"{target}?{query}", headers=self._place.headers
                )
        except Unavailable as error:
            failure = Missed(f"no answer from {self._place.name}")
            if not self._may_miss:
                failure = Unavailable(
                    f"no token from {self.source}: {error.message}",
                    sent=False,
                    hint="does this run in Azure, and is an identity assigned to it?",
                )
        else:
            if reply.status == 200:
                self._may_miss = False
                return self._given(reply)
            failure = self._refused(reply)
        raise failure

    def _given(self, reply: Reply) -> Token:
        given = Given("")
        try:
            given = msgspec.json.decode(reply.body, type=Given)
            seconds = _seconds(given)
        except (msgspec.MsgspecError, ValueError):
            seconds = 0.0  # their exceptions may show a part of the body
        if seconds <= 0 or not given.access_token:
            del given, reply
            raise Unavailable(f"the answer of {self.source} holds no token", sent=False)
        return made(given.access_token, self.source, seconds, given.refresh_in)

    def _refused(self, reply: Reply) -> Missed | SkykeepError:
        try:
            said = msgspec.json.decode(reply.body, type=Refused)
        except msgspec.MsgspecError:
            said = Refused()  # its exception may show a part of the body
        fault = said.error if isinstance(said.error, Fault) else Fault(said.error)
        text = sentence(said.error_description or said.message or fault.message or fault.code)
        if reply.status == 403 and b"unreachable" in reply.body and self._may_miss:
            # Docker Desktop answers for addresses that are not there (azure-identity, imds.py).
            return Missed(f"no answer from {self._place.name}")
        if reply.status == 429:
            return Throttled(f"{self.source}: too many requests", retry_after=seconds_of(reply))
        if reply.status >= 500 or reply.status in TRANSIENT:
            return by_unavailable(reply, self.source, text)
        by_number = refusal(numbers_in(text), "", text, self.source)
        if by_number is not None:
            return by_number
        if reply.status == 400:
            reason = f"no such identity is assigned to this host: {text}".rstrip(": .")
            if self._may_miss:
                return Missed(f"{reason} (IMDS)")
            return Unauthenticated(
                f"{reason} ({self.source})",
                hint="assign an identity to it, or name the one that is: auth.client_id",
            )
        return by_status(reply, f"no token from {self.source}", text)

    async def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            await self._wire.close()

    def after_fork(self) -> None:
        """In a forked child: forget the parent's connections."""
        if self._wire is not None:
            self._wire.after_fork()


def by_unavailable(reply: Reply, source: str, text: str) -> Unavailable:
    """The endpoint is there, and gives nothing now."""
    said = f", {text}" if text else ""
    return Unavailable(
        f"no token from {source}: HTTP {reply.status}{said}",
        sent=False,
        hint="is an identity assigned to this host? Else it passes within a minute",
    )


def _seconds(given: Given) -> float:
    """Seconds that a token is good for. Raises ``ValueError``."""
    if given.expires_in not in {None, ""}:
        return float(given.expires_in or 0)
    ends = given.expires_on or ""
    now = datetime.now(UTC)
    if isinstance(ends, str) and "/" in ends:
        for form in _DATES:
            try:
                return (datetime.strptime(ends, form).astimezone(UTC) - now).total_seconds()
            except ValueError:
                continue
    return float(ends) - now.timestamp()
