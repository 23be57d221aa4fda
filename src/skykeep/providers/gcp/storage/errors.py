"""Cloud Storage's errors -> ours: by reason or code, in a table; what all of Google's services
say is in ``gcp/errors.py``.

The JSON API tells a reason in ``error.errors`` ("HTTP status and error codes for JSON"; Google
says that the list is not complete), the XML API a code in ``<Code>`` ("… for XML"). Front ends
answer as other services do, with ``google.rpc.Status``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any, Final

from skykeep.errors import (
    ConfigError,
    Conflict,
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
from skykeep.providers.gcp.errors import (
    CODES,
    REASONS,
    Failure,
    Row,
    printable,
    read_failure,
    translate,
)
from skykeep.providers.wire import Reply

TITLE: Final = "Google Cloud Storage"

_GONE = Row(NotFound, "there is no such object")
BUCKET: Final = Row(ConfigError, "there is no such bucket", "see bucket and objects_endpoint")
_BAD = Row(Invalid, "it refused the request as malformed", quote=False)
_LARGE = Row(Invalid, "the body is larger than it takes")
DAMAGED: Final = Row(Unavailable, "the body was damaged on its way", "try again", quote=False)
_CHANGED = Row(Conflict, "the object is not as the condition wants it")
_RANGE = Row(Invalid, "the range begins beyond the object's end")
_DOWN = Row(Unavailable, "it failed inside", "try again; then see status.cloud.google.com")
_BUSY = Row(
    Throttled,
    "it asks for patience",
    "fewer calls at once; one object takes one write a second",
)
_BROKEN = Row(Unavailable, "the upload broke on its way", "try again")
_MAY_NOT = Row(
    Denied,
    "these credentials may not do this",
    "give them roles/storage.objectUser on the bucket; without storage.objects.list, it says "
    "this of objects that are not there, too",
)
_WHO = Row(
    Unauthenticated,
    "it does not accept these credentials",
    "`skykeep doctor` says where they came from",
)
_PAYER = Row(
    Denied,
    "the bucket's readers pay, and no project of theirs is named that may",
    "set auth.quota_project to a project that these credentials may use",
)
_ACCOUNT = Row(Denied, "there is a problem with the project's account", "see its billing")
_KEY = Row(
    KeyFailure,
    "the key of Cloud KMS cannot be used",
    "is it enabled, in the bucket's location, and has Cloud Storage's service agent the role "
    "roles/cloudkms.cryptoKeyEncrypterDecrypter on it?",
)
_THEIRS = Row(
    KeyFailure,
    "the object is encrypted with a key that its writer kept (CSEK)",
    "skykeep sends no such keys: rewrite it without",
)
_HELD = Row(
    Denied,
    "a hold or a retention policy keeps the object as it is",
    "see the object's holds and the bucket's retention policy",
)
_POLICY = Row(
    Denied,
    "a policy of the organisation forbids it",
    "ask who keeps its organisation policies and service perimeters",
)
_CANNOT = Row(Unsupported, "this endpoint cannot do that", quote=False)
_OFF = Row(
    Denied,
    "the API is switched off in the project that pays",
    "gcloud services enable storage.googleapis.com, then wait a few minutes",
)
_CLOCK = Row(Unauthenticated, "this host's clock is wrong", "set it")

TABLE: Final[dict[str, Row]] = {
    # reasons of the JSON API
    "accessNotConfigured": _OFF,
    "accountDisabled": _ACCOUNT,
    "AuthenticationRequiredRequesterPays": _PAYER,
    "authError": _WHO,
    "backendError": _DOWN,
    "badGateway": _DOWN,
    "badRequest": _BAD,
    "badRequestException": _BAD,
    "cloudKmsBadKey": _KEY,
    "cloudKmsCannotChangeKeyName": _KEY,
    "cloudKmsDecryptionKeyNotFound": _KEY,
    "cloudKmsDisabledKey": Row(
        KeyFailure,
        "the key of Cloud KMS is disabled, destroyed, or scheduled to be",
        "enable or restore it",
    ),
    "cloudKmsEncryptionKeyNotFound": Row(
        KeyFailure, "there is no such key of Cloud KMS", "see sse_key and the bucket's own key"
    ),
    "cloudKmsKeyLocationNotAllowed": Row(
        KeyFailure,
        "the key of Cloud KMS is in another location than the bucket",
        "use one of the bucket's location",
    ),
    "conditionNotMet": _CHANGED,
    "conflict": Row(Conflict, "the bucket's state does not allow it"),
    "countryBlocked": _POLICY,
    "customerEncryptionAlgorithmIsInvalid": _THEIRS,
    "customerEncryptionKeyFormatIsInvalid": _THEIRS,
    "customerEncryptionKeyIsIncorrect": _THEIRS,
    "customerEncryptionKeySha256IsInvalid": _THEIRS,
    "expired": Row(Unauthenticated, "the access token has ended", "check this host's clock"),
    "forbidden": _MAY_NOT,
    "gatewayTimeout": _DOWN,
    "gone": Row(Unavailable, "the upload or the page has ended", "begin anew"),
    "insufficientPermissions": Row(
        Denied,
        "the access token lacks a scope",
        "on a virtual machine: stop it and set its access scopes to cloud-platform",
    ),
    "internalError": _DOWN,
    "invalid": _BAD,
    "invalidAltValue": _BAD,
    "invalidArgument": _BAD,
    "invalidParameter": _BAD,
    "invalidCredentials": _WHO,
    "keyInvalid": _WHO,
    "lockedDomainExpired": _WHO,
    "methodNotAllowed": _CANNOT,
    "notFound": _GONE,
    "objectUnderActiveHold": _HELD,
    "orgPolicyConstraintFailed": _POLICY,
    "parseError": _BAD,
    "quotaExceeded": Row(Quota, "a quota of the project is used up", "see its quotas"),
    "rateLimitExceeded": _BUSY,
    "requestedRangeNotSatisfiable": _RANGE,
    "required": _BAD,
    "resourceIsEncryptedWithCustomerEncryptionKey": _THEIRS,
    "resourceNotEncryptedWithCustomerEncryptionKey": _THEIRS,
    "retentionPolicyNotMet": _HELD,
    "sslRequired": Row(ConfigError, "it is asked without TLS", "see objects_endpoint"),
    "turnedDown": _CANNOT,
    "uploadBrokenConnection": _BROKEN,
    "uploadTooLarge": _LARGE,
    "userProjectAccessDenied": _PAYER,
    "userProjectAccountProblem": _PAYER,
    "userProjectInconsistent": _PAYER,
    "userProjectInvalid": _PAYER,
    "userProjectMissing": _PAYER,
    "userRateLimitExceeded": _BUSY,
    "wrongUrlForUpload": Row(
        ConfigError, "it is no address for uploads", "see objects_endpoint"
    ),
    # codes of the XML API, as far as reading meets them
    "AccessDenied": _MAY_NOT,
    "AccountProblem": _ACCOUNT,
    "AuthenticationRequired": _WHO,
    "BadDigest": DAMAGED,
    "CloudKmsBadKey": _KEY,
    "CloudKmsDecryptionKeyNotFound": _KEY,
    "CloudKmsDisabledKey": Row(
        KeyFailure,
        "the key of Cloud KMS is disabled, destroyed, or scheduled to be",
        "enable or restore it",
    ),
    "CrcMismatch": DAMAGED,
    "CustomerEncryptionAlgorithmIsInvalid": _THEIRS,
    "CustomerEncryptionKeyFormatIsInvalid": _THEIRS,
    "CustomerEncryptionKeyIsIncorrect": _THEIRS,
    "ExpiredToken": Row(
        Unauthenticated, "the access token has ended", "check this host's clock"
    ),
    "InternalError": _DOWN,
    "InvalidArgument": _BAD,
    "InvalidBucketName": Row(ConfigError, "that is no bucket's name", "see bucket"),
    "InvalidRange": _RANGE,
    "InvalidSecurity": _WHO,
    "InvalidToken": _WHO,
    "InvalidURI": _BAD,
    "KeyTooLong": _BAD,
    "MalformedHeaderValue": _BAD,
    "MalformedSecurityHeader": _WHO,
    "MethodNotAllowed": _CANNOT,
    "MissingSecurityHeader": _WHO,
    "NoSuchBucket": BUCKET,
    "NoSuchKey": _GONE,
    "NotImplemented": _CANNOT,
    "OrgPolicyConstraintFailed": _POLICY,
    "PreconditionFailed": _CHANGED,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestTimeout": _BROKEN,
    "ResourceIsEncryptedWithCustomerEncryptionKey": _THEIRS,
    "ServiceUnavailable": _DOWN,
    "SignatureDoesNotMatch": _WHO,
    "SlowDown": _BUSY,
    "TooManyRequests": _BUSY,
    "UserProjectAccessDenied": _PAYER,
    "UserProjectAccountProblem": _PAYER,
    "UserProjectInconsistent": _PAYER,
    "UserProjectInvalid": _PAYER,
    "UserProjectMissing": _PAYER,
    # of all of Google's services, with hints of our own
    "SERVICE_DISABLED": _OFF,
    "IAM_PERMISSION_DENIED": _MAY_NOT,
    "PERMISSION_DENIED": _MAY_NOT,
    "NOT_FOUND": _GONE,
    "FAILED_PRECONDITION": _CHANGED,
    "RESOURCE_EXHAUSTED": _BUSY,
    "ABORTED": Row(Throttled, "another change of the object is under way", "try again"),
}

STATUSES: Final[dict[int, Row]] = {
    400: _BAD,
    401: _WHO,
    403: _MAY_NOT,
    404: _GONE,
    408: _BROKEN,
    409: TABLE["conflict"],
    410: TABLE["gone"],
    412: _CHANGED,
    413: _LARGE,
    416: _RANGE,
    429: _BUSY,
}
"""For an error of the JSON API whose reason nobody knows: its pages order them by status."""

_REASON = re.compile(r"[A-Za-z][A-Za-z0-9]{0,79}\Z")
_STATUS: Final = "HTTP "
_XML = re.compile(rb"\A\s*(?:<\?xml[^>]*\?>\s*)?<Error>")
_CODE = re.compile(rb"<Code>([A-Za-z][A-Za-z0-9]{0,79})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]{0,2000})</Message>")
_SUM = re.compile(r"(Provided|Specified) (CRC32C|MD5 hash) .{0,80}match calculated")


def read_refusal(reply: Reply) -> Failure:
    """What an answer other than 2xx says. ``code`` is as in ``"HTTP 404"`` where only the
    status of an error of the JSON API is known."""
    found = read_failure(reply)
    upload = printable(reply.headers.get("X-GUploader-UploadID", ""))
    found = replace(found, request_id=found.request_id or upload)
    head = reply.body[:10_000]
    if _XML.match(head):
        code, said = _CODE.search(head), _MESSAGE.search(head)
        text = unescape(said[1].decode("utf-8", "replace")) if said else ""
        return replace(found, reason=code[1].decode() if code else "", message=printable(text))
    if found.reason or found.code:
        return found
    error = _error(reply.body)
    for each in error.get("errors") or ():
        reason = each.get("reason") if isinstance(each, dict) else None
        if isinstance(reason, str) and _REASON.match(reason):
            return replace(found, reason=reason)
    if error.get("code") == reply.status:
        return replace(found, code=f"{_STATUS}{reply.status}")
    return found


def explain(failure: Failure, *, subject: str, action: str) -> SkykeepError:
    """Our error. ``subject`` is what it was about, as people know it."""
    row = row_of(failure)
    return translate(failure, subject=subject, action=action, title=TITLE, row=row)


def row_of(failure: Failure) -> Row | None:
    """The row of this service's own; None where ``gcp/errors.py`` says it all."""
    if failure.about_key:
        return _KEY
    if failure.status == 400 and _SUM.match(failure.message):
        return DAMAGED
    if failure.status == 401 and failure.reason == "required":
        return _WHO
    row = TABLE.get(failure.reason)
    if row is not None or failure.reason in REASONS:
        return row
    row = TABLE.get(failure.code)
    if row is not None or failure.code in CODES:
        return row
    if failure.code.startswith(_STATUS) or failure.reason:
        return STATUSES.get(failure.status) or (_DOWN if failure.status >= 500 else _BAD)
    return None


def is_gone(failure: Failure) -> bool:
    """Whether it says that the object is not there, or its bucket."""
    return row_of(failure) is _GONE


def is_condition(failure: Failure) -> bool:
    """Whether it says that a condition does not hold."""
    return row_of(failure) is _CHANGED


def _error(body: bytes) -> Mapping[str, Any]:
    if not body.lstrip().startswith(b"{"):
        return {}
    try:
        error = json.loads(body).get("error")
    except (ValueError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}
