"""Every error of S3 becomes one of ours, by its code."""

from __future__ import annotations

import botocore.session
import pytest

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
from skykeep.providers.aws.s3.errors import TABLE, explain, real_region
from skykeep.providers.wire import Reply

# What each code must become; written down a second time, so that a slip in the table shows.
EXPECTED: dict[type[SkykeepError], str] = {
    NotFound: "NoSuchKey NoSuchUpload NoSuchVersion",
    ConfigError: "NoSuchBucket InvalidBucketName InvalidHostHeader PermanentRedirect "
    "AuthorizationHeaderMalformed IllegalLocationConstraintException IncorrectEndpoint "
    "InvalidLocationConstraint",
    Conflict: "PreconditionFailed InvalidBucketState",
    Throttled: "ConditionalRequestConflict OperationAborted KMS.ThrottlingException",
    Denied: "AccessDenied AccountProblem AllAccessDisabled InvalidPayer NotSignedUp",
    Unauthenticated: "InvalidSecurity InvalidToken",
    Unavailable: "BadDigest IncompleteBody Redirect TemporaryRedirect "
    "XAmzContentChecksumMismatch XAmzContentSHA256Mismatch",
    Invalid: "AccessControlListNotSupported AccessPointAlreadyOwnedByYou "
    "AuthorizationQueryParametersError BadRequest EncryptionTypeMismatch EntityTooLarge "
    "EntityTooSmall InvalidArgument InvalidDigest InvalidEncryptionAlgorithmError InvalidPart "
    "InvalidPartOrder InvalidRange InvalidRequest InvalidStorageClass InvalidTag InvalidURI "
    "InvalidWriteOffset KeyTooLongError MalformedXML MaxMessageLengthExceeded "
    "MetadataTooLarge MissingContentLength RequestHeaderSectionTooLarge TooManyParts "
    "UnexpectedContent UserKeyMustBeSpecified",
    VersionUnavailable: "InvalidObjectState ObjectNotInActiveTierError",
    KeyFailure: "KMS.DisabledException KMS.InvalidKeyUsageException "
    "KMS.KMSInvalidStateException KMS.NotFoundException "
    "ServerSideEncryptionConfigurationNotFoundError",
    Unsupported: "MethodNotAllowed NotImplemented",
    Quota: "InsufficientStorage QuotaExceeded XMinioAdminBucketQuotaExceeded XMinioStorageFull",
}
KIND = {code: kind for kind, codes in EXPECTED.items() for code in codes.split()}
# Of every service, which ``errors.py`` has; S3 is told of by them, too.
SHARED = {
    "SlowDown": Throttled,
    "ServiceUnavailable": Unavailable,
    "InternalError": Unavailable,
    "RequestTimeout": Unavailable,
    "RequestTimeTooSkewed": Unauthenticated,
    "SignatureDoesNotMatch": Unauthenticated,
    "InvalidAccessKeyId": Unauthenticated,
    "ExpiredToken": Unauthenticated,
    "TokenRefreshRequired": Unauthenticated,
}
ACTIONS = (
    "GetObject", "HeadObject", "PutObject", "DeleteObject", "DeleteObjects", "CopyObject",
    "ListObjectsV2", "HeadBucket", "CreateMultipartUpload", "UploadPart", "UploadPartCopy",
    "CompleteMultipartUpload", "AbortMultipartUpload", "ListMultipartUploads",
    "GetObjectTagging",
)  # fmt: skip


def said(code: str, status: int = 400, message: str = "in its words", **extra: str) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>"
        + "".join(f"<{name}>{text}</{name}>" for name, text in extra.items())
        + "<RequestId>request-1</RequestId></Error>"
    ).encode()
    return Reply(status, {"x-amz-request-id": "request-1"}, body)


def ours(reply: Reply) -> SkykeepError:
    return explain(reply, subject="'a/b'", action="GetObject", region="eu-west-1")


@pytest.mark.parametrize("code", sorted({*TABLE, *SHARED}))
@pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 503])
def test_a_code_becomes_ours_whatever_the_status(code: str, status: int) -> None:
    error = ours(said(code, status))
    assert type(error) is (KIND.get(code) or SHARED[code])
    assert error.request_id == "request-1"
    assert code in str(error)
    assert "'a/b'" in str(error)


def test_both_lists_name_the_same_codes() -> None:
    assert set(KIND) == set(TABLE)
    assert not set(SHARED) & set(TABLE)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_error_of_the_model_has_a_row(action: str) -> None:
    loader = botocore.session.Session().get_component("data_loader")
    operation = loader.load_service_model("s3", "service-2")["operations"][action]
    for error in operation.get("errors", ()):
        assert error["shape"] in TABLE


def test_any_other_error_of_the_key_service_is_one_of_the_key() -> None:
    assert type(ours(said("KMS.SomethingNewException"))) is KeyFailure


@pytest.mark.parametrize("code", ["PermanentRedirect", "AuthorizationHeaderMalformed"])
def test_a_wrong_region_is_named_with_the_right_one(code: str) -> None:
    for reply in (
        said(code, 301, Region="us-west-2"),
        Reply(301, {"x-amz-bucket-region": "us-west-2"}, said(code).body),
        Reply(301, {"x-amz-bucket-region": "us-west-2"}, b""),
    ):
        error = ours(reply)
        assert type(error) is ConfigError
        assert "in us-west-2, not in eu-west-1" in str(error)
        assert error.hint == "set region: us-west-2"


def test_what_is_no_region_is_not_shown() -> None:
    assert real_region(Reply(301, {"x-amz-bucket-region": "x\x1b[31m"}, b"")) == ""
    assert real_region(said("PermanentRedirect", 301, Region="a" * 99)) == ""


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", Throttled),
        (500, b"<html>oops", Unavailable),
        (502, b"", Unavailable),
        (503, b"not xml <", Unavailable),
        (403, b"<html>proxy says no", Unavailable),
        (404, b"", Unavailable),
        (400, b"<Error><Code>NewKindOfError</Code></Error>", Invalid),
        (500, b"<Error><Code>NewKindOfError</Code></Error>", Unavailable),
        (400, b"<Error><Code>bad code</Code></Error>", Unavailable),
    ],
)
def test_without_a_code_that_is_known(
    status: int, body: bytes, kind: type[SkykeepError]
) -> None:
    assert type(ours(Reply(status, {}, body))) is kind


@pytest.mark.parametrize("code", ["InvalidArgument", "MetadataTooLarge", "BadDigest", "New"])
def test_words_that_may_quote_what_was_sent_are_left_out(code: str) -> None:
    error = ours(said(code, message="x-amz-meta-key hunter2 is too long"))
    assert "hunter2" not in f"{error} {vars(error)}"


def test_retry_after_is_kept() -> None:
    reply = Reply(503, {"retry-after": "7"}, said("KMS.ThrottlingException").body)
    error = ours(reply)
    assert isinstance(error, Throttled)
    assert error.retry_after == 7.0
