"""Every reason and code of Cloud Storage becomes one of our errors, by its word."""

from __future__ import annotations

import json

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
)
from skykeep.providers.gcp.storage.errors import STATUSES, TABLE, explain, read_refusal
from skykeep.providers.wire import Reply
from tests.peers.faults import Answer
from tests.providers.gcp.going_wrong import said
from tests.providers.gcp.storage.going_wrong import says, says_xml

# What each must become; written down a second time, so that a slip in the table shows.
EXPECTED: dict[type[SkykeepError], str] = {
    NotFound: "notFound NoSuchKey NOT_FOUND",
    ConfigError: "NoSuchBucket InvalidBucketName sslRequired wrongUrlForUpload",
    Conflict: "conditionNotMet conflict PreconditionFailed FAILED_PRECONDITION",
    Throttled: "rateLimitExceeded userRateLimitExceeded SlowDown TooManyRequests "
    "RESOURCE_EXHAUSTED ABORTED",
    Denied: "accessNotConfigured accountDisabled AuthenticationRequiredRequesterPays "
    "countryBlocked forbidden insufficientPermissions objectUnderActiveHold "
    "orgPolicyConstraintFailed retentionPolicyNotMet userProjectAccessDenied "
    "userProjectAccountProblem userProjectInconsistent userProjectInvalid userProjectMissing "
    "AccessDenied AccountProblem OrgPolicyConstraintFailed UserProjectAccessDenied "
    "UserProjectAccountProblem UserProjectInconsistent UserProjectInvalid UserProjectMissing "
    "SERVICE_DISABLED IAM_PERMISSION_DENIED PERMISSION_DENIED",
    Unauthenticated: "authError expired invalidCredentials keyInvalid lockedDomainExpired "
    "AuthenticationRequired ExpiredToken InvalidSecurity InvalidToken MalformedSecurityHeader "
    "MissingSecurityHeader RequestTimeTooSkewed SignatureDoesNotMatch",
    Unavailable: "backendError badGateway gatewayTimeout gone internalError "
    "uploadBrokenConnection BadDigest CrcMismatch InternalError RequestTimeout "
    "ServiceUnavailable",
    Invalid: "badRequest badRequestException invalid invalidAltValue invalidArgument "
    "invalidParameter parseError requestedRangeNotSatisfiable required uploadTooLarge "
    "InvalidArgument InvalidRange InvalidURI KeyTooLong MalformedHeaderValue",
    KeyFailure: "cloudKmsBadKey cloudKmsCannotChangeKeyName cloudKmsDecryptionKeyNotFound "
    "cloudKmsDisabledKey cloudKmsEncryptionKeyNotFound cloudKmsKeyLocationNotAllowed "
    "customerEncryptionAlgorithmIsInvalid customerEncryptionKeyFormatIsInvalid "
    "customerEncryptionKeyIsIncorrect customerEncryptionKeySha256IsInvalid "
    "resourceIsEncryptedWithCustomerEncryptionKey "
    "resourceNotEncryptedWithCustomerEncryptionKey "
    "CloudKmsBadKey CloudKmsDecryptionKeyNotFound CloudKmsDisabledKey "
    "CustomerEncryptionAlgorithmIsInvalid CustomerEncryptionKeyFormatIsInvalid "
    "CustomerEncryptionKeyIsIncorrect ResourceIsEncryptedWithCustomerEncryptionKey",
    Quota: "quotaExceeded",
    Unsupported: "methodNotAllowed turnedDown MethodNotAllowed NotImplemented",
}
KIND = {word: kind for kind, words in EXPECTED.items() for word in words.split()}
OF_ALL = {word for word in KIND if word.isupper()}


def reply(answer: Answer, **headers: str) -> Reply:
    return Reply(answer.status, {**dict(answer.headers), **headers}, answer.body)


def ours(answer: Answer | Reply) -> SkykeepError:
    got = answer if isinstance(answer, Reply) else reply(answer)
    return explain(read_refusal(got), subject="'a/b'", action="objects.get")


def test_both_lists_name_the_same_words() -> None:
    assert set(KIND) == set(TABLE)


@pytest.mark.parametrize("word", sorted(set(KIND) - OF_ALL))
@pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 503])
def test_a_word_becomes_ours_whatever_the_status(word: str, status: int) -> None:
    for error in (ours(says(word, status)), ours(says_xml(word, status))):
        assert type(error) is KIND[word]
        assert word in str(error)
        assert "'a/b'" in str(error)
        assert "Google Cloud Storage" in str(error)


@pytest.mark.parametrize("word", sorted(OF_ALL))
def test_words_of_all_services_are_known_too(word: str) -> None:
    for content in (said(word), said("UNKNOWN", word)):
        assert type(ours(Reply(400, {}, json.dumps(content).encode()))) is KIND[word]


def test_words_that_only_the_common_table_knows() -> None:
    content = said("PERMISSION_DENIED", "SECURITY_POLICY_VIOLATED")
    error = ours(Reply(403, {}, json.dumps(content).encode()))
    assert type(error) is Denied
    assert "VPC Service Controls" in str(error)
    assert "Google Cloud Storage" in str(error)
    assert type(ours(Reply(503, {}, json.dumps(said("UNAVAILABLE")).encode()))) is Unavailable


@pytest.mark.parametrize("status", sorted({*STATUSES, 402, 500, 502, 599}))
@pytest.mark.parametrize("reason", ["somethingNew", "Not a word"])
def test_a_word_that_nobody_knows_goes_by_the_status(status: int, reason: str) -> None:
    row = STATUSES.get(status)
    expected = row.kind if row else Unavailable if status >= 500 else Invalid
    assert type(ours(says(reason, status))) is expected


def test_a_login_that_is_required_is_no_malformed_request() -> None:
    assert type(ours(says("required", 401))) is Unauthenticated
    assert type(ours(says("required", 400))) is Invalid


@pytest.mark.parametrize(
    "message",
    [
        'Provided CRC32C "n03x6A==" doesn\'t match calculated CRC32C "AAAAAA==".',
        'Provided MD5 hash "n03x6A==" doesn\'t match calculated MD5 hash "AAAAAA==".',
    ],
)
def test_a_body_that_was_damaged_can_be_sent_again(message: str) -> None:
    assert type(ours(says("invalid", 400, message))) is Unavailable
    assert type(ours(says("invalid", 400, f"metadata {message}"))) is Invalid


def test_what_is_about_the_key_is_told_so() -> None:
    message = (
        "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service "
        "account has been authorized to use this key."
    )
    content = said("PERMISSION_DENIED", "", message)
    assert type(ours(Reply(403, {}, json.dumps(content).encode()))) is KeyFailure


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", Throttled),
        (500, b"<html>oops", Unavailable),
        (502, b"", Unavailable),
        (503, b"not json {", Unavailable),
        (403, b"<html>proxy says no", Unavailable),
        (404, b"", Unavailable),
        (404, b"{}", Unavailable),
        (404, b'{"error": "text"}', Unavailable),
        (404, b'{"error": {"code": 403, "errors": "none"}}', Unavailable),
        (404, b"<Error><Message>no code</Message></Error>", Unavailable),
        (403, b"[" * 100_000, Unavailable),
    ],
)
def test_without_a_word(status: int, body: bytes, kind: type[SkykeepError]) -> None:
    assert type(ours(Reply(status, {}, body))) is kind


@pytest.mark.parametrize("word", ["invalid", "badRequest", "InvalidArgument", "BadDigest"])
def test_words_that_may_quote_what_was_sent_are_left_out(word: str) -> None:
    for answer in (says(word, 400, "hunter2 no"), says_xml(word, 400, "hunter2 no")):
        error = ours(answer)
        assert "hunter2" not in f"{error} {vars(error)}"


def test_ids_and_waits_are_kept() -> None:
    got = reply(says("rateLimitExceeded", 429), **{"X-GUploader-UploadID": "id-1"})
    error = ours(Reply(got.status, {**got.headers, "retry-after": "7"}, got.body))
    assert isinstance(error, Throttled)
    assert (error.request_id, error.retry_after) == ("id-1", 7.0)


def test_marks_of_xml_are_read_and_nothing_unprintable_is_shown() -> None:
    error = ours(says_xml("AccessDenied", 403, "a &lt;b&gt; &amp; c\x1b[31m"))
    assert "a <b> & c" in str(error)
    assert "\x1b" not in str(error)
