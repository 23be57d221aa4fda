"""What a login gives, and what every way to log in is."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import msgspec

LONG: Final = 2 * 3600.0
"""Seconds; a token that lives this long is renewed after half its life, as MSAL does
(msal 1.39 ``managed_identity.py``, ``acquire_token_for_client``)."""
AHEAD: Final = 300.0
"""Seconds before its end from which on another token is renewed beside the calls that use it
(azure-identity 1.27 ``_constants.py``, ``DEFAULT_REFRESH_OFFSET``)."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a token is wanted for.

    Attributes:
        scope: ``https://vault.azure.net/.default``.
        tenant: the one that the vault or the target's settings name; None: that of the
            credentials.
        claims: what the vault said that a token has to have, JSON (a claims challenge).
        anew: no token that was given before will do.
    """

    scope: str
    tenant: str | None = None
    claims: str | None = None
    anew: bool = False

    @property
    def resource(self) -> str:
        """The scope as older endpoints name it."""
        return self.scope.removesuffix("/.default")


@dataclass(frozen=True, slots=True)
class Token:
    """What authenticates calls.

    Attributes:
        value: the token itself; never shown.
        source: where it came from, in words.
        ends: when it ends, seconds of ``time.monotonic()``.
        renew: from when on it is renewed beside its use, the same clock.
        tenant: the one it is good for; None if that does not matter or is not known.
    """

    value: str = field(repr=False)
    source: str
    ends: float
    renew: float
    tenant: str | None = None

    @property
    def expires_at(self) -> datetime:
        """When it ends, UTC, by this host's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.ends - time.monotonic())

    @property
    def claims(self) -> Mapping[str, Any]:
        """What it says of itself, not verified: only its receiver can; ``{}`` if opaque."""
        return claims_of(self.value)


def made(value: str, source: str, seconds: float, renew_in: float | None = None) -> Token:
    """A token that is good for ``seconds`` from now on."""
    now = time.monotonic()
    if renew_in is None or not 0 < renew_in < seconds:
        renew_in = seconds / 2 if seconds >= LONG else max(seconds - AHEAD, seconds / 2)
    tenant = claims_of(value).get("tid")
    return Token(value, source, now + seconds, now + renew_in, str(tenant) if tenant else None)


def claims_of(token: str) -> dict[str, Any]:
    """The payload of a JSON web token (RFC 7519, 3); ``{}`` for what is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        found = msgspec.json.decode(text)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return {}
    return found if isinstance(found, dict) else {}


class Missed(Exception):
    """This way to log in is not there. ``reason`` says what is missing, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Link(Protocol):
    """One way to log in."""

    @property
    def name(self) -> str:
        """As the chain's error lists it: ``managed identity``."""

    @property
    def source(self) -> str:
        """Where it gets tokens, in words that say where to look."""

    async def token(self, ask: Ask) -> Token:
        """A token. Raises ``Missed``; ``Unauthenticated``, ``Denied``, ``Throttled``,
        ``Unavailable``, ``ConfigError``, ``MissingExtra``."""
        ...

    async def close(self) -> None:
        """Let go of connections."""

    def after_fork(self) -> None:
        """In a forked child: drop what must not be shared with the parent."""
