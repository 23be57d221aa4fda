"""Google's errors -> ours: by the reason of ``ErrorInfo``, else by the code; both in tables.

An answer that says no is a ``google.rpc.Status`` as JSON (AIP-193): a code as a word, a
sentence and typed details. The reasons are those of ``google/api/error_reason.proto``, the
codes those of ``google/rpc/code.proto``; a test holds the tables against both. The HTTP status
decides only where there is no code: then it is not the service that answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from skykeep.errors import (
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    Quota,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from skykeep.providers.wire import Reply

TITLE: Final = "Google Secret Manager"


class Row(NamedTuple):
    """What a code or a reason means.

    Attributes:
        kind: the error that is raised.
        says: what went wrong, for people.
        hint: what to do.
        quote: the service's own sentence may be added: it does not quote what we sent.
    """

    kind: type[SkykeepError]
    says: str
    hint: str = ""
    quote: bool = True


_DOWN = Row(Unavailable, "it failed inside", "try again; then see status.cloud.google.com")
_BAD = Row(Invalid, "it refused the request as malformed", quote=False)
_BUSY = Row(Throttled, "it asks for patience", "fewer calls at once, or a higher quota")
_MAY_NOT = Row(
    Denied,
    "these credentials may not do this, or it does not exist",
    "`skykeep doctor` shows the role that is missing",
)
_WHO = Row(
    Unauthenticated,
    "it does not accept these credentials",
    "`skykeep doctor` says where they came from",
)
_KIND = Row(
    Unauthenticated,
    "it does not accept credentials of this kind",
    "`skykeep doctor` says where they came from; an OAuth 2.0 access token is needed",
)
_POLICY = Row(
    Denied,
    "a policy of the organisation forbids it",
    "ask who keeps its organisation policies and service perimeters",
)
_API_KEY = Row(Denied, "the API key may not be used for this", "no API key is needed: unset it")
_CONSUMER = Row(
    Denied, "the project does not exist or may not be used", "check project_id, or the account"
)
_KEY = Row(
    KeyFailure,
    "the key of Cloud KMS cannot be used",
    "is it enabled, in the secret's location, and has Secret Manager's service agent the role "
    "roles/cloudkms.cryptoKeyEncrypterDecrypter on it?",
)

REASONS: Final[dict[str, Row]] = {
    "SERVICE_DISABLED": Row(
        Denied,
        "the API is switched off in this project",
        "gcloud services enable secretmanager.googleapis.com, then wait a few minutes; "
        "or check project_id",
    ),
    "BILLING_DISABLED": Row(
        Denied, "the project has no billing account", "link one, or check project_id"
    ),
    "API_KEY_INVALID": Row(Unauthenticated, "the API key is not valid", _API_KEY.hint),
    "API_KEY_SERVICE_BLOCKED": _API_KEY,
    "API_KEY_HTTP_REFERRER_BLOCKED": _API_KEY,
    "API_KEY_IP_ADDRESS_BLOCKED": _API_KEY,
    "API_KEY_ANDROID_APP_BLOCKED": _API_KEY,
    "API_KEY_IOS_APP_BLOCKED": _API_KEY,
    "RATE_LIMIT_EXCEEDED": _BUSY,
    "RESOURCE_QUOTA_EXCEEDED": Row(
        Quota, "a quota of the project is used up", "see its quotas in the console"
    ),
    "LOCATION_TAX_POLICY_VIOLATED": _POLICY,
    "USER_PROJECT_DENIED": Row(
        Denied,
        "these credentials may not use the quota project",
        "give them roles/serviceusage.serviceUsageConsumer on it, or set auth.quota_project",
    ),
    "CONSUMER_SUSPENDED": _CONSUMER,
    "CONSUMER_INVALID": _CONSUMER,
    "SECURITY_POLICY_VIOLATED": Row(
        Denied,
        "a service perimeter (VPC Service Controls) forbids it",
        "call from inside of the perimeter, or ask for an access level",
    ),
    "ACCESS_TOKEN_EXPIRED": Row(
        Unauthenticated, "the access token has ended", "log in anew; check this host's clock"
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Row(
        Denied,
        "the access token lacks the scope cloud-platform",
        "on a virtual machine: stop it and set its access scopes to cloud-platform",
    ),
    "ACCOUNT_STATE_INVALID": Row(
        Unauthenticated, "the account is disabled or deleted", "use another, or enable it"
    ),
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": _KIND,
    "CREDENTIALS_MISSING": _WHO,
    "RESOURCE_PROJECT_INVALID": _CONSUMER,
    "SESSION_COOKIE_INVALID": _KIND,
    "USER_BLOCKED_BY_ADMIN": Row(
        Denied, "an administrator has blocked this account", "ask who administers it"
    ),
    "RESOURCE_USAGE_RESTRICTION_VIOLATED": _POLICY,
    "SYSTEM_PARAMETER_UNSUPPORTED": Row(
        Unsupported, "the endpoint does not know a parameter", "check the endpoint", quote=False
    ),
    "ORG_RESTRICTION_VIOLATION": _POLICY,
    "ORG_RESTRICTION_HEADER_INVALID": Row(
        Denied, "a proxy sets a wrong header of organisation restrictions", "look at the proxy"
    ),
    "SERVICE_NOT_VISIBLE": _CONSUMER,
    "GCP_SUSPENDED": Row(Denied, "the project is suspended", "see the console's notice"),
    "LOCATION_POLICY_VIOLATED": Row(
        Denied,
        "the organisation forbids this location (constraints/gcp.resourceLocations)",
        "set location or replica_locations to what is allowed",
    ),
    "MISSING_ORIGIN": _API_KEY,
    "OVERLOADED_CREDENTIALS": Row(
        Unauthenticated, "the request has two kinds of credentials", "does a proxy add some?"
    ),
    "LOCATION_ORG_POLICY_VIOLATED": Row(
        Denied,
        "the organisation forbids this location (constraints/gcp.resourceLocations)",
        "set location or replica_locations to what is allowed",
    ),
    "TLS_ORG_POLICY_VIOLATED": Row(
        Denied, "the organisation forbids this version of TLS", "leave tls.minimum at 1.3"
    ),
    "EMULATOR_QUOTA_EXCEEDED": Row(Quota, "a quota of the emulator is used up"),
    "CREDENTIAL_ANDROID_APP_INVALID": _KIND,
    "IAM_PERMISSION_DENIED": _MAY_NOT,
    "JWT_TOKEN_INVALID": Row(
        Unauthenticated,
        "it does not accept the token that we signed",
        "is the service account's key still valid, and this host's clock right?",
    ),
    "CREDENTIAL_TYPE_UNSUPPORTED": _KIND,
    "ACCOUNT_TYPE_UNSUPPORTED": _KIND,
    "ENDPOINT_USAGE_RESTRICTION_VIOLATED": Row(
        Denied,
        "the organisation forbids this endpoint (constraints/gcp.restrictEndpointUsage)",
        "set location, so that the regional endpoint is used",
    ),
    "TLS_CIPHER_RESTRICTION_VIOLATED": Row(
        Denied, "the organisation forbids the cipher suite", "see gcp.restrictTLSCipherSuites"
    ),
    "MCP_SERVER_DISABLED": Row(Unsupported, "the endpoint is not Secret Manager's"),
}

CODES: Final[dict[str, Row]] = {
    "CANCELLED": Row(Unavailable, "the call was cancelled on the way", "try again"),
    "UNKNOWN": _DOWN,
    "INVALID_ARGUMENT": _BAD,
    "DEADLINE_EXCEEDED": Row(Unavailable, "it did not answer in its own time", "try again"),
    "NOT_FOUND": Row(NotFound, "there is no such secret or version"),
    "ALREADY_EXISTS": Row(Conflict, "the name exists already"),
    "PERMISSION_DENIED": _MAY_NOT,
    "RESOURCE_EXHAUSTED": _BUSY,
    # What it is about depends on the call; ``reading.py`` and ``writing.py`` know it.
    "FAILED_PRECONDITION": Row(Conflict, "the secret's state does not allow it"),
    "ABORTED": Row(Throttled, "another change of the secret is under way", "try again"),
    "OUT_OF_RANGE": _BAD,
    "UNIMPLEMENTED": Row(Unsupported, "this endpoint does not know the call", quote=False),
    "INTERNAL": _DOWN,
    "UNAVAILABLE": _DOWN,
    "DATA_LOSS": Row(Corrupt, "it says that what it keeps is damaged", "ask Google's support"),
    "UNAUTHENTICATED": _WHO,
}

_WORD = re.compile(r"[A-Z][A-Z0-9_]{0,62}\Z")
_FIELD = re.compile(r"[A-Za-z0-9_.\[\]]{1,80}\Z")
_PRINTABLE = re.compile(r"[^\x20-\x7e]")
_QUOTED = 400
_SECONDS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?)s?\Z")

# A failure of the secret's key is told in Secret Manager's own codes. What shows it is where
# the error comes from, a violation of KMS's own kinds, or the key's name in the sentence.
_KMS = "cloudkms.googleapis.com"
_KEY_NAME = re.compile(r"/cryptoKeys/|\bcloudkms\.|Cloud KMS")
_ABOUT_KEYS = frozenset({"FAILED_PRECONDITION", "PERMISSION_DENIED", "NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that says no.

    Attributes:
        status: the HTTP status.
        code: of ``google.rpc.Code``; ``""`` if it says none.
        reason: of ``ErrorInfo``; ``""`` likewise.
        message: the service's sentence; may quote what was sent.
        fields: of the request, that it finds fault with.
        about_key: it is about the key of Cloud KMS.
        request_id: for Google's support, if it says one.
        retry_after: seconds, if it says.
    """

    status: int
    code: str
    reason: str
    message: str = field(repr=False)
    fields: tuple[str, ...] = ()
    about_key: bool = False
    request_id: str = ""
    retry_after: float | None = None


def read_failure(reply: Reply) -> Failure:
    """What an answer other than 2xx says."""
    error = _error(reply.body)
    code, message = _text(error, "status"), _text(error, "message")
    reason = domain = request_id = ""
    violations: list[str] = []
    fields: list[str] = []
    retry_after = _seconds(reply.headers.get("retry-after") or "")
    for kind, detail in _details(error):
        if kind == "ErrorInfo":
            reason, domain = _text(detail, "reason"), _text(detail, "domain")
        elif kind == "RetryInfo":
            retry_after = _seconds(_text(detail, "retryDelay"))
        elif kind == "RequestInfo":
            request_id = _text(detail, "requestId")
        elif kind == "PreconditionFailure":
            violations += [_text(each, "type") for each in _items(detail, "violations")]
        elif kind == "BadRequest":
            fields += [_text(each, "field") for each in _items(detail, "fieldViolations")]
    about_key = code in _ABOUT_KEYS and (
        domain == _KMS
        or any(violation.startswith("KEY_") for violation in violations)
        or _KEY_NAME.search(message) is not None
    )
    return Failure(
        reply.status,
        code if _WORD.match(code) else "",
        reason if _WORD.match(reason) else "",
        printable(message),
        tuple(name for name in fields if _FIELD.match(name)),
        about_key,
        printable(request_id),
        retry_after,
    )


def printable(words: str) -> str:
    """Words of others, as a message may show them."""
    return _PRINTABLE.sub(" ", words)[:_QUOTED]


def translate(
    failure: Failure, *, subject: str, action: str, title: str = TITLE, row: Row | None = None
) -> SkykeepError:
    """Our error. ``subject`` is what it was about, as people know it; ``title`` is the service
    that says it, ``row`` what it means where that service's own table knows it."""
    row = row or _row(failure)
    about = f"{title}: {row.says}" + (f" ({subject})" if subject else "")
    words = f"{failure.reason or failure.code or f'HTTP {failure.status}'} from {action}"
    if row.quote and failure.message:
        words += f": {failure.message}"
    elif failure.fields:
        words += f", in {', '.join(failure.fields)}"
    message = f"{about}: {words}"
    if row.kind is Throttled:
        return Throttled(
            message,
            retry_after=failure.retry_after,
            hint=row.hint,
            request_id=failure.request_id,
        )
    error = row.kind(message, hint=row.hint)
    error.request_id = failure.request_id
    return error


def _row(failure: Failure) -> Row:
    if failure.about_key:
        return _KEY
    return REASONS.get(failure.reason) or CODES.get(failure.code) or _by_status(failure)


def _by_status(failure: Failure) -> Row:
    """The row of an answer whose code nobody knows, or that has none."""
    if failure.status == 429:
        return _BUSY
    if failure.status >= 500:
        return _DOWN
    if failure.code:
        return Row(Invalid, "it refused the request", quote=False)
    return Row(
        Unavailable,
        "something on the way answers in its place",
        "look at the endpoint and at the proxy",
        quote=False,
    )


def _error(body: bytes) -> Mapping[str, Any]:
    if not body.lstrip().startswith(b"{"):
        return {}
    try:
        error = json.loads(body).get("error")
    except (ValueError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}


def _details(error: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each detail with the name of its type, without the package."""
    for detail in _items(error, "details"):
        yield _text(detail, "@type").rpartition(".")[2], detail


def _items(where: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = where.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(where: Mapping[str, Any], key: str) -> str:
    found = where.get(key)
    return found if isinstance(found, str) else ""


def _seconds(text: str) -> float | None:
    found = _SECONDS.match(text)
    return float(found[1]) if found else None
