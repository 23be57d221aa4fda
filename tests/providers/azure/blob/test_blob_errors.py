"""Every error of Blob Storage becomes one of ours, by its code."""

from __future__ import annotations

import pytest
from azure.storage.blob import StorageErrorCode

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
from skykeep.providers.azure.blob.errors import TABLE, Failure, explain, failure_of
from skykeep.providers.wire import Reply

# What each code must become; written down a second time, so that a slip in the table shows.
EXPECTED: dict[type[SkykeepError], str] = {
    NotFound: "BlobNotFound",
    ConfigError: "ContainerNotFound ContainerBeingDeleted ResourceNotFound",
    Conflict: "BlobAlreadyExists BlobOverwritten ConditionNotMet CopyIdMismatch "
    "InvalidBlobOrBlock InvalidBlobType LeaseIdMismatchWithBlobOperation "
    "LeaseIdMismatchWithContainerOperation LeaseIdMissing LeaseLost "
    "LeaseNotPresentWithBlobOperation NoPendingCopyOperation PendingCopyOperation "
    "SnapshotCountExceeded SnapshotsPresent SourceConditionNotMet TargetConditionNotMet",
    Throttled: "ServerBusy SnapshotOperationRateExceeded SystemInUse",
    Denied: "AccountIsDisabled AuthorizationFailure AuthorizationPermissionMismatch "
    "AuthorizationProtocolMismatch AuthorizationResourceTypeMismatch "
    "AuthorizationServiceMismatch AuthorizationSourceIPMismatch BlobImmutableDueToLegalHold "
    "BlobImmutableDueToPolicy ContainerDisabled InsufficientAccountPermissions "
    "KeyBasedAuthenticationNotPermitted PublicAccessNotPermitted UnauthorizedBlobOverwrite",
    Unauthenticated: "AuthenticationFailed InvalidAuthenticationInfo "
    "NoAuthenticationInformation",
    Unavailable: "AccountBeingCreated CannotVerifyCopySource Crc64Mismatch InternalError "
    "Md5Mismatch OperationTimedOut",
    VersionUnavailable: "BlobArchived BlobBeingRehydrated",
    KeyFailure: "BlobUsesCustomerSpecifiedEncryption KeyVaultAccessTokenCannotBeAcquired "
    "KeyVaultEncryptionKeyNotFound KeyVaultVaultNotFound",
    Unsupported: "BlobAccessTierNotSupportedForAccountType BlobOperationNotSupported "
    "CopyAcrossAccountsNotSupported FeatureNotSupportedForAccount FeatureVersionMismatch "
    "InvalidSourceBlobType UnsupportedHeader UnsupportedHttpVerb UnsupportedQueryParameter "
    "UnsupportedXmlNode",
    Quota: "QuotaExceeded",
    Invalid: "BlobTierInadequateForContentLength BlockCountExceedsLimit BlockListTooLong "
    "ConditionHeadersNotSupported ContentLengthLargerThanTierLimit EmptyMetadataKey "
    "InvalidBlobTier InvalidBlockId InvalidBlockList InvalidHeaderValue InvalidHttpVerb "
    "InvalidInput InvalidMarker InvalidMd5 InvalidMetadata InvalidOperation "
    "InvalidQueryParameterValue InvalidRange InvalidResourceName InvalidSourceBlobUrl "
    "InvalidUri InvalidXmlDocument InvalidXmlNodeValue MetadataTooLarge "
    "MissingContentLengthHeader MissingRequiredHeader MissingRequiredQueryParameter "
    "MissingRequiredXmlNode MultipleConditionHeadersNotSupported OutOfRangeInput "
    "OutOfRangeQueryParameterValue RequestBodyTooLarge RequestEntityTooLarge "
    "RequestUrlFailedToParse ResourceTypeMismatch TagsTooLarge",
}
KIND = {code: kind for kind, codes in EXPECTED.items() for code in codes.split()}

# Of operations and services that are not used here, by what their names begin with or are.
ELSEWHERE = (
    "AccountAlreadyExists", "AppendPosition", "BlobNotArchived", "CannotChangeToLowerTier",
    "CannotDeleteFileOrDirectory", "ClientCacheFlushDelay", "ContainerAlreadyExists",
    "ContainerQuota", "ContentLengthMustBeZero", "DeletePending", "DestinationPath",
    "DirectoryNotEmpty", "FileLock", "FileShare", "Filesystem", "Incremental",
    "InfiniteLease", "InvalidDestinationPath", "InvalidFileOrDirectory", "InvalidFlush",
    "InvalidPageRange", "InvalidPropertyName", "InvalidRenameSource", "InvalidSourceOr",
    "InvalidSourceUri", "InvalidVersionForPageBlob", "LeaseAlready", "LeaseIdMismatchWithLease",
    "LeaseIs", "LeaseNameMismatch", "LeaseNotPresentWithContainer",
    "LeaseNotPresentWithLease", "MaxBlobSize", "Message", "OperationNotAllowedOnIncremental",
    "ParentNotFound", "Path", "PopReceipt", "PreviousSnapshot", "Queue", "ReadOnlyAttribute",
    "RenameDestination", "ResourceAlreadyExists", "SequenceNumber", "Share", "SharingViolation",
    "SourcePath", "TotalShares", "UnsupportedRestVersion",
)  # fmt: skip


def said(code: str, status: int = 400, message: str = "in its words", **headers: str) -> Reply:
    body = (
        '﻿<?xml version="1.0" encoding="utf-8"?>'
        f"<Error><Code>{code}</Code><Message>{message}\nRequestId:x\nTime:y</Message></Error>"
    ).encode()
    return Reply(status, {"x-ms-request-id": "request-1", **headers}, body)


def ours(reply: Reply, skew: float = 0.0) -> SkykeepError:
    return explain(failure_of(reply), subject="'a/b'", action="Get Blob", skew=skew)


@pytest.mark.parametrize("code", sorted(TABLE))
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 500, 503])
def test_a_code_becomes_ours_whatever_the_status(code: str, status: int) -> None:
    error = ours(said(code, status))
    assert type(error) is KIND[code]
    # An error of the configuration has no request.
    assert error.request_id == "request-1"
    assert code in str(error)
    assert "'a/b'" in str(error)


def test_both_lists_name_the_same_codes() -> None:
    assert set(KIND) == set(TABLE)


def test_every_code_of_the_client_has_a_row() -> None:
    known = {code.value for code in StorageErrorCode}
    missing = {code for code in known - set(TABLE) if not code.startswith(ELSEWHERE)}
    assert missing == set()


def test_a_code_comes_in_a_header_where_there_is_no_body() -> None:
    reply = Reply(404, {"x-ms-error-code": "BlobNotFound"}, b"")
    assert type(ours(reply)) is NotFound


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", Throttled),
        (500, b"<html>oops", Unavailable),
        (502, b"", Unavailable),
        (503, b"not xml <", Unavailable),
        (403, b"<html>proxy says no", Unavailable),
        (404, b"", Unavailable),
        (301, b"", Unavailable),
        (400, b"<Error><Code>NewKindOfError</Code></Error>", Invalid),
        (401, b"<Error><Code>NewKindOfError</Code></Error>", Unauthenticated),
        (403, b"<Error><Code>NewKindOfError</Code></Error>", Denied),
        (404, b"<Error><Code>NewKindOfError</Code></Error>", NotFound),
        (409, b"<Error><Code>NewKindOfError</Code></Error>", Conflict),
        (412, b"<Error><Code>NewKindOfError</Code></Error>", Conflict),
        (500, b"<Error><Code>NewKindOfError</Code></Error>", Unavailable),
        (400, b"<Error><Code>bad code</Code></Error>", Unavailable),
        (400, b"<!DOCTYPE x><Error><Code>InvalidInput</Code></Error>", Unavailable),
    ],
)
def test_without_a_code_that_is_known(
    status: int, body: bytes, kind: type[SkykeepError]
) -> None:
    assert type(ours(Reply(status, {}, body))) is kind


@pytest.mark.parametrize(
    "code", ["InvalidHeaderValue", "MetadataTooLarge", "AuthenticationFailed", "New"]
)
def test_words_that_may_quote_what_was_sent_are_left_out(code: str) -> None:
    error = ours(said(code, message="x-ms-meta-key hunter2 is too long"))
    assert "hunter2" not in f"{error} {vars(error)}"
    assert "hunter2" not in repr(failure_of(said(code, message="hunter2")))


def test_words_that_help_are_told_on_one_line() -> None:
    error = ours(said("LeaseIdMissing", 412, "There is a lease\x85 on it"))
    assert "There is a lease on it" in str(error)
    assert "RequestId" not in str(error)


def test_retry_after_is_kept() -> None:
    error = ours(said("ServerBusy", 503, **{"retry-after": "7"}))
    assert isinstance(error, Throttled)
    assert error.retry_after == 7.0


@pytest.mark.parametrize(("skew", "told"), [(0.0, False), (-1800.0, True), (1800.0, True)])
def test_a_wrong_clock_is_named(skew: float, told: bool) -> None:
    error = ours(said("AuthenticationFailed", 403), skew)
    assert ("clock is 30 minutes off" in error.hint) is told


def test_a_lease_is_no_condition() -> None:
    failure = Failure(412, "LeaseIdMissing", "", "")
    assert "lease" in str(explain(failure, subject="'a'", action="Put Blob"))
