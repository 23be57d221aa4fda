"""What token services refuse with -> ours: by code, in tables; by status where there is none.

OAuth 2.0's codes are those of RFC 6749, section 5.2, and RFC 8693, section 2.2.2; Google's own
(``invalid_rapt``, ``admin_policy_enforced``, ``org_internal``) of "Using OAuth 2.0 for Web
Server Applications", "Errors", and of google-auth 2.62 (``oauth2/reauth.py``). What the
Security Token Service means by them: "Troubleshoot Workload Identity Federation" and issues
161, 202 and 211 of google-github-actions/auth. Those of the IAM Service Account Credentials API
are of ``google/rpc/code.proto`` and ``google/api/error_reason.proto``; the refused
impersonation: issue 340 there.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from skykeep.errors import (
    ConfigError,
    Denied,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.wire import Reply


class Row(NamedTuple):
    """What a code means.

    Attributes:
        kind: the error that is raised.
        says: what went wrong; ``{source}`` is where the credentials are from.
        hint: the mend.
        quote: Google's own words are added, if they repeat nothing that was sent.
    """

    kind: type[SkykeepError]
    says: str
    hint: str
    quote: bool = True


LOGIN: Final = "log in again: gcloud auth application-default login"
CREATOR: Final = "roles/iam.serviceAccountTokenCreator"

_ENDED = Row(Unauthenticated, "the login in {source} has expired or was revoked", LOGIN, False)
_AGAIN = Row(
    Unauthenticated,
    "the session of the login in {source} is over: the organisation wants it renewed",
    LOGIN,
    False,
)
_CLIENT = Row(
    Unauthenticated,
    "Google does not know the OAuth client of the login in {source}, or has disabled it",
    LOGIN,
)
_ORGANISATION = Row(
    Denied,
    "the organisation's policy does not let the login in {source} have a token",
    "ask its administrator, or use a service account",
)
_SCOPE = Row(
    ConfigError, "Google does not know a scope that is asked for", "look at auth.scopes"
)
_MALFORMED = Row(
    ConfigError,
    "Google does not take the credentials in {source} as they are",
    "make the file anew",
)
_BUSY = Row(Throttled, "Google asks for patience with tokens", "fewer processes at once")
_DOWN = Row(Unavailable, "Google's token service failed inside", "try again", False)

OAUTH: Final[dict[str, Row]] = {
    "invalid_grant": _ENDED,
    "invalid_rapt": _AGAIN,
    "rapt_required": _AGAIN,
    "invalid_client": _CLIENT,
    "deleted_client": _CLIENT,
    "disabled_client": _CLIENT,
    "unauthorized_client": _CLIENT,
    "admin_policy_enforced": _ORGANISATION,
    "org_internal": _ORGANISATION,
    "access_denied": _ORGANISATION,
    "invalid_scope": _SCOPE,
    "invalid_request": _MALFORMED,
    "unsupported_grant_type": _MALFORMED,
    "rate_limit_exceeded": _BUSY,
    "slow_down": _BUSY,
    "temporarily_unavailable": _DOWN,
    "server_error": _DOWN,
    "internal_failure": _DOWN,
}
"""``error``, or ``error_subtype`` where there is one, of oauth2.googleapis.com."""

EXCHANGE: Final[dict[str, Row]] = {
    "invalid_grant": Row(
        Unauthenticated,
        "Google's Security Token Service does not accept the token that {source} leads to",
        "is it fresh, of the provider's issuer, and for the provider's audience? Look at the "
        "provider's allowed audiences and at this host's clock",
    ),
    "invalid_target": Row(
        Unauthenticated,
        "the workload identity pool or its provider that {source} names is not there, or is "
        "disabled or deleted",
        "look at `audience` there: it has the project's number, the pool and the provider",
    ),
    "invalid_request": Row(
        ConfigError,
        "Google's Security Token Service does not take {source} as it is",
        "look at `audience` and `subject_token_type` there",
    ),
    "unauthorized_client": Row(
        Denied,
        "the provider's attribute condition rejects the token that {source} leads to",
        "compare the condition with the token's claims",
    ),
    "access_denied": _ORGANISATION,
    "invalid_client": Row(
        Unauthenticated,
        "Google does not know the client that {source} names",
        "look at `client_id` there",
    ),
    "invalid_scope": _SCOPE,
    "unsupported_grant_type": _MALFORMED,
    "rate_limit_exceeded": _BUSY,
    "temporarily_unavailable": _DOWN,
    "server_error": _DOWN,
    "internal_failure": _DOWN,
}
"""``error`` of sts.googleapis.com."""

_WHOM = Row(
    Denied,
    "{source} may not act as {whom}",
    f"give it {CREATOR} on that service account (with delegates: each on the next)",
    False,
)
IMPERSONATION: Final[dict[str, Row]] = {
    "IAM_PERMISSION_DENIED": _WHOM,
    "PERMISSION_DENIED": _WHOM,
    "SERVICE_DISABLED": Row(
        ConfigError,
        "the IAM Service Account Credentials API is not enabled in the project of {source}",
        "enable it: gcloud services enable iamcredentials.googleapis.com",
        False,
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Row(
        Denied,
        "the token of {source} has not the scope that acting as {whom} needs",
        "give the instance the scope cloud-platform; scopes are fixed when it is made",
        False,
    ),
    "NOT_FOUND": Row(
        ConfigError,
        "there is no service account {whom}",
        "look at auth.impersonate, or at the address in the credentials",
        False,
    ),
    "FAILED_PRECONDITION": Row(
        Denied,
        "tokens cannot be made for {whom}",
        "is the service account disabled, or forbidden by the organisation's policy?",
    ),
    "INVALID_ARGUMENT": Row(
        ConfigError,
        "Google does not take the request to act as {whom}",
        "look at auth.scopes, auth.delegates and the service account's e-mail",
    ),
    "UNAUTHENTICATED": Row(
        Unauthenticated,
        "Google does not accept the token of {source}, with which to act as {whom}",
        "is its key deleted, its account disabled, or this host's clock wrong?",
        False,
    ),
    "RESOURCE_EXHAUSTED": _BUSY,
    "UNAVAILABLE": _DOWN,
    "INTERNAL": _DOWN,
    "UNKNOWN": _DOWN,
    "DEADLINE_EXCEEDED": _DOWN,
}
"""``reason`` of ErrorInfo or ``status`` of iamcredentials.googleapis.com."""


class _Said(msgspec.Struct):
    """The error of an OAuth service."""

    error: str = ""
    error_subtype: str = ""
    error_description: str = ""


class _Detail(msgspec.Struct):
    reason: str = ""


class _Status(msgspec.Struct):
    status: str = ""
    message: str = ""
    details: tuple[_Detail, ...] = ()


class _Wrapped(msgspec.Struct):
    error: _Status


def oauth_refusal(reply: Reply, sent: bytes, source: str, *, exchange: bool) -> SkykeepError:
    """Our error for an answer of the OAuth endpoint, or (``exchange``) of the Security Token
    Service. ``sent`` is the form that was sent: what it holds is not quoted."""
    try:
        said = msgspec.json.decode(reply.body, type=_Said)
    except msgspec.MsgspecError:
        said = _Said()
    table = EXCHANGE if exchange else OAUTH
    row = table.get(said.error_subtype) or table.get(said.error)
    words = _quotable(said.error_description, sent)
    return _made(row, reply, words, said.error, source=source, whom="")


def impersonation_refusal(reply: Reply, source: str, whom: str) -> SkykeepError:
    """Our error for an answer of ``generateAccessToken``."""
    try:
        said = msgspec.json.decode(reply.body, type=_Wrapped).error
    except msgspec.MsgspecError:
        said = _Status()
    codes = [*(detail.reason for detail in said.details if detail.reason), said.status]
    row = next((IMPERSONATION[code] for code in codes if code in IMPERSONATION), None)
    words = _quotable(said.message, b"")
    return _made(row, reply, words, codes[0], source=source, whom=whom)


def _made(
    row: Row | None, reply: Reply, words: str, code: str, *, source: str, whom: str
) -> SkykeepError:
    if row is None or reply.status >= 500 or reply.status == 429:
        row = _by_status(reply.status) or row or _UNKNOWN
    says = row.says.format(source=source, whom=whom)
    shown = ", ".join(part for part in (_code(code), words if row.quote else "") if part)
    if shown:
        says += f" ({shown})"
    if row.kind is Throttled:
        return Throttled(says, retry_after=_seconds(reply), hint=row.hint)
    return row.kind(says, hint=row.hint)


_UNKNOWN = Row(
    Unauthenticated, "Google gave no token for {source}", "`skykeep doctor` may say more"
)
_STRANGE = Row(
    Unavailable,
    "what answers for Google's token service is not Google",
    "look at auth.endpoints and at proxies on the way",
    False,
)


def _by_status(status: int) -> Row | None:
    if status == 429:
        return _BUSY
    if status >= 500:
        return _DOWN
    return _STRANGE if 300 <= status < 400 or status == 407 else None


def _code(code: str) -> str:
    return code if re.fullmatch(r"[A-Za-z_]{1,60}", code) else ""


def _quotable(words: str, sent: bytes) -> str:
    """Google's words, without control characters; nothing if they repeat what was sent."""
    values = [value for _, value in parse_qsl(sent.decode("ascii", "replace"))]
    if any(value in words for value in values if len(value) >= 8 and "//" not in value):
        return ""
    words = "".join(each if each.isprintable() else " " for each in words).strip()
    return words if len(words) <= 300 else words[:297] + "..."


def _seconds(reply: Reply) -> float | None:
    given = reply.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() else None
