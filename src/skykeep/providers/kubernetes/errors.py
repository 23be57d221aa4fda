"""The apiserver's refusals as our errors.

A refusal is a ``Status`` with a ``reason`` (k8s.io/apimachinery ``pkg/apis/meta/v1/types.go``,
``StatusReason``). Sentences are matched only where one reason means several things: admission
plugins have no codes of their own (``plugin/pkg/admission/resourcequota``, ``…/namespace/
lifecycle``; ``apiserver/pkg/admission/plugin/webhook/errors``). An answer without a ``Status``
is no answer of the API: of a proxy, or of the server's own gate, which says 429 in plain text
(``apiserver/pkg/util/flowcontrol``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from skykeep.errors import (
    ConfigError,
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


class Cause(msgspec.Struct):
    """One thing that is wrong."""

    reason: str = ""
    message: str = ""
    field: str = ""


class Details(msgspec.Struct, rename="camel"):
    """What a refusal is about."""

    name: str = ""
    kind: str = ""
    retry_after_seconds: int = 0
    causes: list[Cause] | None = None


class StatusMeta(msgspec.Struct, rename={"continue_": "continue"}):
    """``continue_`` of an expired listing: where it can be gone on with."""

    continue_: str = ""


class Status(msgspec.Struct):
    """The apiserver's refusal."""

    kind: str
    message: str = ""
    reason: str = ""
    details: Details | None = None
    metadata: StatusMeta | None = None
    code: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of refusal.

    Attributes:
        reason: of the status; ``""`` is one without a reason.
        says: what its message or the reason of a cause has, lower case; ``""`` is anything.
        kind: our class for it.
        message: what it means; ``{said}`` is what the server said.
        hint: what to do about it.
    """

    reason: str
    says: str
    kind: type[SkykeepError]
    message: str
    hint: str = ""


_ROLE = "a Role must allow that verb here: 'skykeep doctor' says which is missing"
_WEBHOOK = "see the cluster's admission webhooks"
_ADMISSION = "a rule of this cluster, not a Role: ask whoever looks after it"

# The first row that fits counts.
TABLE: Final = (
    Row(
        "NotFound",
        "namespaces ",
        ConfigError,
        "the namespace is not there: {said}",
        "check namespace in the configuration and in the context",
    ),
    Row(
        "NotFound",
        "could not find the requested resource",
        ConfigError,
        "this server has no such API: {said}",
        "check the server's address in the kubeconfig",
    ),
    Row("NotFound", "", NotFound, "there is no such Secret"),
    Row("AlreadyExists", "", Conflict, "the Secret exists already"),
    Row("Conflict", "", Conflict, "the Secret was changed meanwhile"),
    Row(
        "Unauthorized",
        "",
        Unauthenticated,
        "the apiserver does not know these credentials",
        "they have ended or are of another cluster: 'skykeep doctor' says which they are",
    ),
    Row(
        "Forbidden",
        "exceeded quota",
        Quota,
        "a ResourceQuota of the namespace is used up: {said}",
        "delete Secrets that are not used, or raise the quota",
    ),
    Row(
        "Forbidden",
        "failed quota",
        Quota,
        "a ResourceQuota forbids it: {said}",
        "see kubectl describe resourcequota",
    ),
    Row(
        "Forbidden",
        "namespaceterminating",
        ConfigError,
        "the namespace is being deleted",
        "nothing new can be made in it: use another one, or wait and make it again",
    ),
    Row(
        "Forbidden",
        "system:anonymous",
        Unauthenticated,
        "the call had no credentials that the apiserver takes",
        "check user and token in the kubeconfig",
    ),
    Row(
        "Forbidden",
        "impersonate",
        Denied,
        "these credentials may not act as another: {said}",
        "allow 'impersonate', or take 'as' out of the kubeconfig",
    ),
    Row(
        "Forbidden",
        "denied request",
        Denied,
        "an admission policy forbids it: {said}",
        _ADMISSION,
    ),
    Row(
        "Forbidden",
        "denied the request",
        Denied,
        "an admission webhook forbids it: {said}",
        _ADMISSION,
    ),
    Row("Forbidden", "", Denied, "these credentials may not do this: {said}", _ROLE),
    Row(
        "Invalid",
        "is immutable",
        Unsupported,
        "the Secret is immutable",
        "delete it and create it again",
    ),
    Row(
        "Invalid",
        "denied request",
        Denied,
        "an admission policy forbids it: {said}",
        _ADMISSION,
    ),
    Row("Invalid", "", Invalid, "Kubernetes refuses it: {said}"),
    Row(
        "BadRequest",
        "denied the request",
        Denied,
        "an admission webhook forbids it: {said}",
        _ADMISSION,
    ),
    Row(
        "BadRequest",
        "continue key",
        Invalid,
        "this cursor is not of this listing",
        "begin the listing anew",
    ),
    Row("BadRequest", "", Invalid, "Kubernetes refuses it: {said}"),
    Row(
        "", "denied the request", Denied, "an admission webhook forbids it: {said}", _ADMISSION
    ),
    Row(
        "Expired",
        "",
        Invalid,
        "the listing was interrupted for too long",
        "begin the listing anew",
    ),
    Row(
        "Gone",
        "",
        Invalid,
        "the listing was interrupted for too long",
        "begin the listing anew",
    ),
    Row("RequestEntityTooLarge", "", Invalid, "the request is too large for the apiserver"),
    Row("MethodNotAllowed", "", Unsupported, "the apiserver cannot do this: {said}"),
    Row(
        "NotAcceptable",
        "",
        Unsupported,
        "the apiserver cannot answer in this form: {said}",
        "it is older than Kubernetes 1.15",
    ),
    Row("UnsupportedMediaType", "", Unsupported, "the apiserver cannot read this form: {said}"),
    Row(
        "TooManyRequests",
        "",
        Throttled,
        "the apiserver asks for patience: {said}",
        "see its priority levels (API Priority and Fairness)",
    ),
    Row(
        "InternalError",
        "unable to transform key",
        KeyFailure,
        "the apiserver cannot decrypt the Secret: {said}",
        "see its encryption configuration and the key service behind it",
    ),
    Row(
        "StorageReadError",
        "",
        Corrupt,
        "the Secret cannot be read in etcd: {said}",
        "whoever looks after the cluster must mend or remove it",
    ),
    Row("InternalError", "request is too large", Invalid, "the Secret is too large for etcd"),
    Row(
        "InternalError",
        "database space exceeded",
        Quota,
        "the cluster's etcd is full",
        "whoever looks after the cluster must compact and defragment it",
    ),
    Row(
        "InternalError",
        "failed calling webhook",
        Unavailable,
        "an admission webhook does not answer: {said}",
        _WEBHOOK,
    ),
    Row(
        "InternalError",
        "failed to call webhook",
        Unavailable,
        "an admission webhook does not answer: {said}",
        _WEBHOOK,
    ),
    Row("InternalError", "", Unavailable, "the apiserver has failed: {said}", "see its log"),
    Row(
        "ServerTimeout",
        "",
        Unavailable,
        "the apiserver did not manage in time: {said}",
        "try again",
    ),
    Row(
        "Timeout", "", Unavailable, "the apiserver did not manage in time: {said}", "try again"
    ),
    Row(
        "ServiceUnavailable",
        "",
        Unavailable,
        "the apiserver is not ready: {said}",
        "is it starting or being updated?",
    ),
)  # fmt: skip  (one row, one refusal)
SERVER: Final = Row(
    "", "", Unavailable, "the apiserver cannot answer now: {said}", "see its log"
)
REFUSED: Final = Row("", "", Invalid, "Kubernetes refuses it: {said}")
FOREIGN: Final = Row(
    "",
    "",
    Unavailable,
    "something else than an apiserver answers at this address (HTTP {said})",
    "check the server's address, and the proxies on the way",
)
GATE: Final = Row(
    "",
    "",
    Throttled,
    "the apiserver asks for patience",
    "see its priority levels (API Priority and Fairness)",
)
UNKNOWN_CREDENTIALS: Final = next(row for row in TABLE if row.reason == "Unauthorized")


def status_of(reply: Reply) -> Status | None:
    """The refusal; None if this is no answer of the API."""
    try:
        said = msgspec.json.decode(reply.body, type=Status)
    except msgspec.MsgspecError:
        return None
    return said if said.kind == "Status" else None


def error_of(reply: Reply) -> SkykeepError:
    """The error that a reply of status 300 and above is."""
    status = status_of(reply)
    said = " ".join((status.message if status else "").split())[:300]
    row = _row(reply, status)
    if row is FOREIGN:
        said = str(reply.status)
    message = row.message.format(said=said or f"HTTP {reply.status}")
    request_id = reply.headers.get("Audit-Id", "")
    if row.kind is Throttled:
        return Throttled(
            message,
            retry_after=_patience(reply, status),
            hint=row.hint,
            request_id=request_id,
        )
    error = row.kind(message, hint=row.hint)
    error.request_id = request_id
    return error


def _row(reply: Reply, status: Status | None) -> Row:
    if status is None:
        if reply.status == 429:
            return GATE
        return UNKNOWN_CREDENTIALS if reply.status == 401 else FOREIGN
    causes = (status.details.causes if status.details else None) or ()
    said = " ".join([status.message, *(cause.reason for cause in causes)]).lower()
    for row in TABLE:
        if row.reason == status.reason and row.says in said:
            return row
    return SERVER if reply.status >= 500 else REFUSED


def _patience(reply: Reply, status: Status | None) -> float | None:
    """Seconds: ``Retry-After`` (RFC 9110, 10.2.3), else what the details say."""
    text = reply.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    seconds = status.details.retry_after_seconds if status and status.details else 0
    return float(seconds) if seconds > 0 else None
