"""Blob Storage's errors -> ours: by code, in a table; by HTTP status only where there is none.

The codes are those of "Azure Blob Storage error codes" and "Common REST API error codes" (Azure
Storage REST API) and of ``azure.storage.blob.StorageErrorCode`` 12.31, as far as the calls that
are made here can meet them. A code comes in ``x-ms-error-code``, also with an answer to HEAD,
and in the body.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

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
    VersionUnavailable,
)
from skykeep.providers.azure.blob.xml import children, parsed
from skykeep.providers.azure.errors import Row, patience
from skykeep.providers.wire import Reply

TITLE: Final = "Azure Blob Storage"
WRONG_CLOCK: Final = 10 * 60.0
"""Seconds; Azure accepts a difference of 15 minutes."""

_BAD = Row(Invalid, "it refused the request as malformed")
_ATTRIBUTES = Row(Invalid, "it does not take what is kept beside the body")
_BLOCKS = Row(Invalid, "the parts do not make an object")
_LARGE = Row(Invalid, "the body is larger than it takes")
_DAMAGED = Row(Unavailable, "the body was damaged on its way", "try again")
_GONE = Row(NotFound, "there is no such object")
_CONTAINER = Row(
    ConfigError,
    "there is no such container",
    "see container, storage_account and objects_endpoint",
)
_CONDITION = Row(Conflict, "the object is not as the condition wants it")
_THERE = Row(Conflict, "there is such an object already")
_LEASE = Row(
    Conflict,
    "somebody holds a lease on the object or the container",
    "wait until it ends, or break it: az storage blob lease break",
    quote=True,
)
_IMMUTABLE = Row(
    Denied,
    "an immutability policy or a legal hold keeps the object as it is",
    "see az storage container immutability-policy",
)
_SNAPSHOTS = Row(Conflict, "the object has snapshots that are in the way", quote=True)
_COPY = Row(Conflict, "a copy to this object is under way", "wait until it ends")
_WHO = Row(
    Unauthenticated,
    "it does not accept these credentials",
    "is the key or the token of this account, whole, and not rotated or revoked?",
)
_TOKEN = Row(
    Unauthenticated,
    "it does not accept the token",
    "is the account in the tenant of the credentials? See tenant and auth",
)
_ROLE = Row(
    Denied,
    "these credentials may not do this",
    "they need the role Storage Blob Data Contributor (reading: Reader; tags: Owner) for the "
    "container; a new assignment takes minutes to be known",
)
_CLOSED = Row(
    Denied,
    "the account's network rules do not let this host in, or the credentials may not do this",
    "let its address in (az storage account network-rule add), come by the account's network, "
    "or see the signature's permissions",
)
_SIGNATURE = Row(
    Denied,
    "the shared access signature is not good for this",
    "it needs racwdl and, for tags, t, for the container",
    quote=True,
)
_ACCOUNT = Row(Denied, "the account is disabled", "see the subscription in Azure's portal")
_ARCHIVED = Row(
    VersionUnavailable,
    "the object is in the archive tier and has to be rehydrated before it is read",
    "rehydrate it: az storage blob set-tier --tier Hot",
)
_BUSY = Row(Throttled, "it asks for patience", "the account's limits may be reached")
_DOWN = Row(Unavailable, "it failed inside", "try again; see status.azure.com")
_CANNOT = Row(Unsupported, "this account cannot do that", quote=True)
_SOURCE = Row(Unavailable, "it could not read the source of a copy", "try again", quote=True)
_FULL = Row(Quota, "the account has no room for it", "see its quotas")
_KEY = Row(
    KeyFailure,
    "the key of the account's encryption, or encryption_scope, cannot be used",
    "is it enabled, and may the account use it?",
    quote=True,
)

TABLE: Final[dict[str, Row]] = {
    "AccountBeingCreated": Row(Unavailable, "the account is being made", "try again later"),
    "AccountIsDisabled": _ACCOUNT,
    "AuthenticationFailed": _WHO,
    "AuthorizationFailure": _CLOSED,
    "AuthorizationPermissionMismatch": _ROLE,
    "AuthorizationProtocolMismatch": _SIGNATURE,
    "AuthorizationResourceTypeMismatch": _SIGNATURE,
    "AuthorizationServiceMismatch": _SIGNATURE,
    "AuthorizationSourceIPMismatch": _SIGNATURE,
    "BlobAccessTierNotSupportedForAccountType": _CANNOT,
    "BlobAlreadyExists": _THERE,
    "BlobArchived": _ARCHIVED,
    "BlobBeingRehydrated": _ARCHIVED,
    "BlobImmutableDueToLegalHold": _IMMUTABLE,
    "BlobImmutableDueToPolicy": _IMMUTABLE,
    "BlobNotFound": _GONE,
    "BlobOperationNotSupported": _CANNOT,
    "BlobOverwritten": _CONDITION,
    "BlobTierInadequateForContentLength": _LARGE,
    "BlobUsesCustomerSpecifiedEncryption": _KEY,
    "BlockCountExceedsLimit": _BLOCKS,
    "BlockListTooLong": _BLOCKS,
    "CannotVerifyCopySource": _SOURCE,
    "ConditionHeadersNotSupported": _BAD,
    "ConditionNotMet": _CONDITION,
    "ContainerBeingDeleted": Row(
        ConfigError, "the container is being deleted", "see container; it takes half a minute"
    ),
    "ContainerDisabled": Row(Denied, "the container is disabled", "ask who runs the account"),
    "ContainerNotFound": _CONTAINER,
    "ContentLengthLargerThanTierLimit": _LARGE,
    "CopyAcrossAccountsNotSupported": _CANNOT,
    "CopyIdMismatch": _COPY,
    "Crc64Mismatch": _DAMAGED,
    "EmptyMetadataKey": _ATTRIBUTES,
    "FeatureNotSupportedForAccount": _CANNOT,
    "FeatureVersionMismatch": _CANNOT,
    "InsufficientAccountPermissions": _ROLE,
    "InternalError": _DOWN,
    "InvalidAuthenticationInfo": _TOKEN,
    "InvalidBlobOrBlock": Row(
        Conflict,
        "parts that another tool sent for this key are in the way",
        "delete the object, or wait: Azure drops them a week after the last one",
    ),
    "InvalidBlobTier": _ATTRIBUTES,
    "InvalidBlobType": Row(
        Conflict,
        "the object is a page or an append blob, which cannot be written so",
        "delete it first",
    ),
    "InvalidBlockId": _BLOCKS,
    "InvalidBlockList": _BLOCKS,
    "InvalidHeaderValue": _BAD,
    "InvalidHttpVerb": _BAD,
    "InvalidInput": _BAD,
    "InvalidMarker": Row(
        Invalid, "this cursor is not of this listing", "begin the listing anew"
    ),
    "InvalidMd5": _BAD,
    "InvalidMetadata": _ATTRIBUTES,
    "InvalidOperation": _BAD,
    "InvalidQueryParameterValue": _BAD,
    "InvalidRange": Row(Invalid, "the range begins beyond the object's end"),
    "InvalidResourceName": Row(
        Invalid, "it does not take this name", "see the key, container and objects_prefix"
    ),
    "InvalidSourceBlobType": _CANNOT,
    "InvalidSourceBlobUrl": _BAD,
    "InvalidUri": _BAD,
    "InvalidXmlDocument": _BAD,
    "InvalidXmlNodeValue": _BAD,
    "KeyBasedAuthenticationNotPermitted": Row(
        Denied,
        "the account takes no keys and no signatures made by them",
        "use Entra's tokens: see auth",
    ),
    "KeyVaultEncryptionKeyNotFound": _KEY,
    "KeyVaultAccessTokenCannotBeAcquired": _KEY,
    "KeyVaultVaultNotFound": _KEY,
    "LeaseIdMismatchWithBlobOperation": _LEASE,
    "LeaseIdMismatchWithContainerOperation": _LEASE,
    "LeaseIdMissing": _LEASE,
    "LeaseLost": _LEASE,
    "LeaseNotPresentWithBlobOperation": _LEASE,
    "Md5Mismatch": _DAMAGED,
    "MetadataTooLarge": _ATTRIBUTES,
    "MissingContentLengthHeader": _BAD,
    "MissingRequiredHeader": _BAD,
    "MissingRequiredQueryParameter": _BAD,
    "MissingRequiredXmlNode": _BAD,
    "MultipleConditionHeadersNotSupported": _BAD,
    "NoAuthenticationInformation": Row(
        Unauthenticated, "it has seen no credentials", "is a proxy taking them?"
    ),
    "NoPendingCopyOperation": _COPY,
    "OperationTimedOut": Row(
        Unavailable, "it has not ended the request in time", "try again; it may have been done"
    ),
    "OutOfRangeInput": _BAD,
    "OutOfRangeQueryParameterValue": _BAD,
    "PendingCopyOperation": _COPY,
    "PublicAccessNotPermitted": Row(
        Denied, "it was asked without credentials, and lets nobody in so", "see auth"
    ),
    "QuotaExceeded": _FULL,
    "RequestBodyTooLarge": _LARGE,
    "RequestEntityTooLarge": _LARGE,
    "RequestUrlFailedToParse": _BAD,
    "ResourceNotFound": _CONTAINER,
    "ResourceTypeMismatch": _BAD,
    "ServerBusy": _BUSY,
    "SnapshotCountExceeded": _SNAPSHOTS,
    "SnapshotOperationRateExceeded": _BUSY,
    "SnapshotsPresent": _SNAPSHOTS,
    "SourceConditionNotMet": Row(Conflict, "the source of the copy was replaced meanwhile"),
    "SystemInUse": _BUSY,
    "TagsTooLarge": _ATTRIBUTES,
    "TargetConditionNotMet": _CONDITION,
    "UnauthorizedBlobOverwrite": Row(
        Denied, "these credentials may make objects and not replace them", _ROLE.hint
    ),
    "UnsupportedHeader": _CANNOT,
    "UnsupportedHttpVerb": _CANNOT,
    "UnsupportedQueryParameter": _CANNOT,
    "UnsupportedXmlNode": _CANNOT,
}

# A code that nobody has met yet.
_BY_STATUS: Final = {
    400: _BAD,
    401: _TOKEN,
    403: _CLOSED,
    404: _GONE,
    409: Row(Conflict, "the object's state does not allow it"),
    412: _CONDITION,
    429: _BUSY,
}
_FOREIGN = Row(
    Unavailable,
    "something else answers at this address",
    "look at objects_endpoint and at the proxies on the way",
)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,79}")


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal.

    Attributes:
        status: of HTTP.
        code: Azure's; ``""`` if this is no answer of its.
        said: its own words, of one line; they may quote what was sent.
        request_id: Azure's.
        date: when it answered, by its clock, as the header has it.
        retry_after: seconds, if it says so.
    """

    status: int
    code: str
    said: str = field(repr=False)
    request_id: str
    date: str = ""
    retry_after: float | None = None


def failure_of(reply: Reply) -> Failure:
    """What a reply of status 300 and above says."""
    told = children(parsed(reply.body)) if reply.body[:1] in {b"<", b"\xef"} else {}
    code = reply.headers.get("x-ms-error-code") or told.get("Code", "")
    said = told.get("Message", "").partition("\n")[0]
    return Failure(
        reply.status,
        code if _CODE.fullmatch(code) else "",
        "".join(mark for mark in said if mark.isprintable())[:300],
        reply.headers.get("x-ms-request-id", ""),
        reply.headers.get("date", ""),
        patience(reply.headers.get("retry-after", "")),
    )


def explain(failure: Failure, *, subject: str, action: str, skew: float = 0.0) -> SkykeepError:
    """Our error for a refusal.

    Args:
        failure: what was said.
        subject: what it was about, as people know it.
        action: as Azure names it.
        skew: seconds that Azure's clock is before ours.
    """
    row = _row(failure)
    hint = row.hint
    about = f"{TITLE}: {row.says}" + (f" ({subject})" if subject else "")
    message = f"{about}: {failure.code or f'HTTP {failure.status}'} from {action}"
    if row.quote and failure.said:
        message += f": {failure.said}"
    if row.kind is Unauthenticated and abs(skew) > WRONG_CLOCK:
        hint = f"this host's clock is {abs(skew) / 60:.0f} minutes off: set it"
    error: SkykeepError
    if row.kind is Throttled:
        error = Throttled(message, retry_after=failure.retry_after, hint=hint)
    else:
        error = row.kind(message, hint=hint)
    error.request_id = failure.request_id
    return error


def _row(failure: Failure) -> Row:
    row = TABLE.get(failure.code)
    if row is not None:
        return row
    if failure.status == 429:
        return _BUSY
    if failure.status >= 500:
        return _DOWN
    return _BY_STATUS.get(failure.status, _FOREIGN) if failure.code else _FOREIGN
