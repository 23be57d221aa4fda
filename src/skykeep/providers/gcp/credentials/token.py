"""What a link of the chain gives: a token, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from skykeep.providers.gcp.credentials.exchange import Exchange


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """An access token.

    Attributes:
        value: what follows ``Bearer``.
        ends: seconds since the epoch, or None if nobody said.
        source: which link of the chain gave it, in words that say where to look.
        principal: as IAM's policies name it, ``serviceAccount:NAME@…`` or ``principal://…``;
            None if only Google knows, as for a user's login.
        project: the project that the credentials say they are of, or None.
        quota_project: the project whose quota they say is used, or None.
        renewable: another one can be had without anybody's doing.
    """

    value: str = field(repr=False)
    ends: float | None
    source: str
    principal: str | None = None
    project: str | None = None
    quota_project: str | None = None
    renewable: bool = True

    def via(self, **changes: object) -> Token:
        """The same with other attributes."""
        return replace(self, **changes)  # type: ignore[arg-type]  # names of fields, checked there


class Source(Protocol):
    """A link of the chain that has something to give. Blocks."""

    def token(self, exchange: Exchange, scopes: tuple[str, ...]) -> Token:
        """A token, got now. Raises ``Unauthenticated``, ``Denied``, ``Throttled``,
        ``Unavailable``, ``ConfigError``, ``MissingExtra``."""
        ...


def service_account(email: str) -> str:
    """A service account as IAM's policies name it ("Principal identifiers")."""
    return f"serviceAccount:{email}"
