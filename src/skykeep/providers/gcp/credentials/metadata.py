"""The metadata server of Compute Engine, GKE, Cloud Run, Cloud Functions and App Engine.

Calls: "About VM metadata", "Authenticate workloads using service accounts" (Compute Engine).
Not google-auth's own client (``compute_engine/_metadata.py``): it needs requests, reads its
variables when it is imported, and tries three times with pauses where there is no such server.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from skykeep.errors import (
    ConfigError,
    Denied,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.gcp.credentials.exchange import Exchange, decoded
from skykeep.providers.gcp.credentials.token import Token, service_account
from skykeep.providers.wire import Reply

GCE_METADATA_HOST: Final = "GCE_METADATA_HOST"
GCE_METADATA_TIMEOUT: Final = "GCE_METADATA_TIMEOUT"
NO_GCE_CHECK: Final = "NO_GCE_CHECK"

LINK_LOCAL: Final = "169.254.169.254"
"""Always the server's; its name metadata.google.internal may take long to be not found."""
CONNECT: Final = 1.0
"""Seconds for a connection, where ``GCE_METADATA_TIMEOUT`` says nothing: on Google's machines
it takes a millisecond, and elsewhere packets to this address are lost."""
FLAVOR: Final = {"Metadata-Flavor": "Google"}
"""Demanded in requests, against forged ones; given in answers."""
_PATH: Final = "/computeMetadata/v1/"
_WORDS: Final = "the metadata server"
_PRODUCT: Final = Path("/sys/class/dmi/id/product_name")


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float


class Metadata:
    """The service account that this instance, pod or service runs as."""

    words = _WORDS

    def __init__(self, environ: Mapping[str, str]) -> None:
        host = environ.get(GCE_METADATA_HOST) or environ.get("GCE_METADATA_ROOT") or LINK_LOCAL
        self._root = f"http://{host}"
        self._named = host != LINK_LOCAL
        self._connect = _seconds(environ.get(GCE_METADATA_TIMEOUT, ""))
        self._about: tuple[str | None, str | None] | None = None

    def token(self, exchange: Exchange, scopes: tuple[str, ...]) -> Token:
        """As the server caches it: the same one until five minutes before its end."""
        asked = quote(",".join(scopes), safe="")
        reply = self._ask(exchange, f"instance/service-accounts/default/token?scopes={asked}")
        if reply.status != 200:
            raise _refusal(reply)
        granted = decoded(reply, _Granted, _WORDS)
        assert isinstance(granted, _Granted)  # noqa: S101 - what was asked for
        if self._about is None:
            self._about = (
                self._text(exchange, "instance/service-accounts/default/email"),
                self.project(exchange),
            )
        email, project = self._about
        return Token(
            granted.access_token,
            time.time() + granted.expires_in,
            _WORDS,
            principal=service_account(email) if email and "@" in email else email,
            project=project,
        )

    def project(self, exchange: Exchange) -> str | None:
        """The project's id."""
        return self._text(exchange, "project/project-id")

    def _text(self, exchange: Exchange, path: str) -> str | None:
        reply = self._ask(exchange, path)
        found = reply.body.decode("utf-8", "replace").strip()
        return found if reply.status == 200 and found else None

    def _ask(self, exchange: Exchange, path: str) -> Reply:
        """Raises ``Unauthenticated`` where there is no such server, ``Unavailable`` if a server
        that must be there does not answer."""
        failure: SkykeepError
        try:
            reply = exchange.send(
                "GET", f"{self._root}{_PATH}{path}", headers=FLAVOR, direct=self._connect
            )
            if reply.headers.get("Metadata-Flavor") == "Google":
                return reply
            failure = ConfigError(
                f"what answers at {self._root} is not Google's metadata server",
                hint="look at GCE_METADATA_HOST and at what stands in the way",
            )
        except Unavailable as error:
            if self._named or _is_google():
                failure = Unavailable(
                    f"{_WORDS} does not answer: {error.message}",
                    sent=error.sent,
                    hint="on GKE it needs some seconds after a pod's start; else look at "
                    "network policies",
                )
            else:
                failure = Unauthenticated(
                    "there is no metadata server: this is not a machine of Google's",
                    hint=error.hint,
                )
        raise failure


def _is_google() -> bool:
    """Whether the firmware says that this is a machine of Google's, as google-auth asks it."""
    try:
        return _PRODUCT.read_text(encoding="ascii", errors="replace").startswith("Google")
    except OSError:
        return False


def _seconds(given: str) -> float:
    try:
        return max(float(given), 0.1)
    except ValueError:
        return CONNECT


def _refusal(reply: Reply) -> SkykeepError:
    match reply.status:
        case 404:
            return Unauthenticated(
                f"{_WORDS} has no service account: none is attached here",
                hint="attach one to the instance or service; on GKE see Workload Identity",
            )
        case 400:
            return ConfigError(f"{_WORDS} does not give the scopes", hint="look at auth.scopes")
        case 403:
            return Denied(
                f"{_WORDS} may not make tokens for the service account",
                hint="on GKE: does the Kubernetes service account have its annotation "
                "iam.gke.io/gcp-service-account, and roles/iam.workloadIdentityUser on that?",
            )
        case 429:
            return Throttled(f"{_WORDS} asks for patience", hint="fewer processes at once")
        case _:
            return Unavailable(
                f"{_WORDS} fails (status {reply.status})", hint="try again in some seconds"
            )
