"""Every code and every reason of Google's becomes one of our errors, by its word."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.api import error_reason_pb2
from google.rpc import code_pb2

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
from skykeep.providers.gcp.errors import CODES, REASONS, read_failure, translate
from skykeep.providers.wire import Reply
from tests.providers.gcp.going_wrong import said

# What each must become; written down a second time, so that a slip in the tables shows.
EXPECTED_CODES: dict[type[SkykeepError], str] = {
    NotFound: "NOT_FOUND",
    Denied: "PERMISSION_DENIED",
    Unauthenticated: "UNAUTHENTICATED",
    Invalid: "INVALID_ARGUMENT OUT_OF_RANGE",
    Conflict: "ALREADY_EXISTS FAILED_PRECONDITION",
    Throttled: "RESOURCE_EXHAUSTED ABORTED",
    Unavailable: "CANCELLED UNKNOWN DEADLINE_EXCEEDED INTERNAL UNAVAILABLE",
    Unsupported: "UNIMPLEMENTED",
    Corrupt: "DATA_LOSS",
}
EXPECTED_REASONS: dict[type[SkykeepError], str] = {
    Denied: "SERVICE_DISABLED BILLING_DISABLED API_KEY_SERVICE_BLOCKED "
    "API_KEY_HTTP_REFERRER_BLOCKED API_KEY_IP_ADDRESS_BLOCKED API_KEY_ANDROID_APP_BLOCKED "
    "API_KEY_IOS_APP_BLOCKED LOCATION_TAX_POLICY_VIOLATED USER_PROJECT_DENIED "
    "CONSUMER_SUSPENDED CONSUMER_INVALID SECURITY_POLICY_VIOLATED "
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT RESOURCE_PROJECT_INVALID USER_BLOCKED_BY_ADMIN "
    "RESOURCE_USAGE_RESTRICTION_VIOLATED ORG_RESTRICTION_VIOLATION "
    "ORG_RESTRICTION_HEADER_INVALID SERVICE_NOT_VISIBLE GCP_SUSPENDED "
    "LOCATION_POLICY_VIOLATED MISSING_ORIGIN LOCATION_ORG_POLICY_VIOLATED "
    "TLS_ORG_POLICY_VIOLATED IAM_PERMISSION_DENIED ENDPOINT_USAGE_RESTRICTION_VIOLATED "
    "TLS_CIPHER_RESTRICTION_VIOLATED",
    Unauthenticated: "API_KEY_INVALID ACCESS_TOKEN_EXPIRED ACCOUNT_STATE_INVALID "
    "ACCESS_TOKEN_TYPE_UNSUPPORTED CREDENTIALS_MISSING SESSION_COOKIE_INVALID "
    "OVERLOADED_CREDENTIALS CREDENTIAL_ANDROID_APP_INVALID JWT_TOKEN_INVALID "
    "CREDENTIAL_TYPE_UNSUPPORTED ACCOUNT_TYPE_UNSUPPORTED",
    Throttled: "RATE_LIMIT_EXCEEDED",
    Quota: "RESOURCE_QUOTA_EXCEEDED EMULATOR_QUOTA_EXCEEDED",
    Unsupported: "SYSTEM_PARAMETER_UNSUPPORTED MCP_SERVER_DISABLED",
}
CODE_KIND = {code: kind for kind, codes in EXPECTED_CODES.items() for code in codes.split()}
REASON_KIND = {word: kind for kind, words in EXPECTED_REASONS.items() for word in words.split()}
KEY = "projects/p/locations/global/keyRings/r/cryptoKeys/k"


def ours(body: Any, status: int = 400, **headers: str) -> SkykeepError:
    packed = body if isinstance(body, bytes) else json.dumps(body).encode()
    failure = read_failure(Reply(status, headers, packed))
    return translate(failure, subject="db/password", action="GetSecret")


@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 503])
def test_a_code_becomes_ours_whatever_the_status(code: str, status: int) -> None:
    error = ours(said(code), status)
    assert type(error) is CODE_KIND[code]
    assert code in str(error)
    assert "GetSecret" in str(error)
    assert "db/password" in str(error)


@pytest.mark.parametrize("reason", sorted(REASONS))
@pytest.mark.parametrize("code", ["PERMISSION_DENIED", "INVALID_ARGUMENT", "UNAUTHENTICATED"])
def test_a_reason_goes_before_the_code(reason: str, code: str) -> None:
    error = ours(said(code, reason), 403)
    assert type(error) is REASON_KIND[reason]
    assert reason in str(error)


def test_both_lists_name_the_same_words() -> None:
    assert set(CODE_KIND) == set(CODES)
    assert set(REASON_KIND) == set(REASONS)


@pytest.mark.parametrize(
    "code", [code for code in code_pb2.Code.DESCRIPTOR.values_by_name if code != "OK"]
)
def test_every_code_of_google_has_a_row(code: str) -> None:
    assert code in CODES


@pytest.mark.parametrize(
    "reason",
    [
        reason
        for reason in error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
        if reason != "ERROR_REASON_UNSPECIFIED"
    ],
)
def test_every_reason_of_google_has_a_row(reason: str) -> None:
    assert reason in REASONS


def test_every_row_says_what_to_do_where_somebody_can() -> None:
    for row in (*REASONS.values(), *CODES.values()):
        if row.kind in {Denied, Unauthenticated, KeyFailure, Unavailable}:
            assert row.hint, row.says


@pytest.mark.parametrize(
    ("code", "message", "more"),
    [
        ("FAILED_PRECONDITION", f"Cloud KMS key [{KEY}] is not enabled.", {}),
        ("PERMISSION_DENIED", f"Permission denied on resource '{KEY}'.", {}),
        ("PERMISSION_DENIED", "no", {"reason": "IAM_PERMISSION_DENIED", "domain": "K"}),
        (
            "FAILED_PRECONDITION",
            "no",
            {"PreconditionFailure": {"violations": [{"type": "KEY_DISABLED"}]}},
        ),
    ],
)
def test_a_failure_of_the_key(code: str, message: str, more: dict[str, Any]) -> None:
    given = {**more, "domain": "cloudkms.googleapis.com"} if "domain" in more else more
    error = ours(said(code, message=message, **given))
    assert type(error) is KeyFailure
    assert "cryptoKeyEncrypterDecrypter" in error.hint


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "INTERNAL", "INVALID_ARGUMENT"])
def test_what_only_names_a_key_is_no_failure_of_it(code: str) -> None:
    assert type(ours(said(code, message=KEY))) is CODE_KIND[code]


@pytest.mark.parametrize(
    ("delay", "seconds"), [("7s", 7.0), ("0.500s", 0.5), ("soon", None), ("-1s", None)]
)
def test_how_long_to_wait(delay: str, seconds: float | None) -> None:
    error = ours(said("RESOURCE_EXHAUSTED", RetryInfo={"retryDelay": delay}), 429)
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


def test_retry_after_of_the_head_is_taken_too() -> None:
    error = ours(b"", 429, **{"retry-after": "3"})
    assert isinstance(error, Throttled)
    assert error.retry_after == 3.0


def test_the_id_of_the_request_is_told() -> None:
    error = ours(said("INTERNAL", RequestInfo={"requestId": "r-1"}), 500)
    assert error.request_id == "r-1"
    assert "r-1" in str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", Throttled),
        (500, b"<html>oops", Unavailable),
        (502, b"", Unavailable),
        (503, b"not json {", Unavailable),
        (403, b"<html>proxy says no", Unavailable),
        (404, b"", Unavailable),
        (301, b"", Unavailable),
        (400, b'{"error": {"status": "NEW_CODE"}}', Invalid),
        (500, b'{"error": {"status": "NEW_CODE"}}', Unavailable),
        (429, b'{"error": {"status": "NEW_CODE"}}', Throttled),
        (400, b'{"error": {"status": ["list"], "details": "none"}}', Unavailable),
        (400, b'{"error": {"details": [1, {"@type": 7}, {"violations": 2}]}}', Unavailable),
        (400, b'{"error": "text"}', Unavailable),
        (400, b"[]", Unavailable),
        (400, b"{" * 100_000, Unavailable),
    ],
)
def test_without_a_code_that_is_known(
    status: int, body: bytes, kind: type[SkykeepError]
) -> None:
    assert type(ours(body, status)) is kind


def test_an_unknown_reason_leaves_it_to_the_code() -> None:
    assert type(ours(said("PERMISSION_DENIED", "REASON_OF_TOMORROW"))) is Denied


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "OUT_OF_RANGE", "NEW_CODE"])
def test_words_that_may_quote_the_value_are_left_out(code: str) -> None:
    violations = [{"field": "secret.labels", "description": "hunter2"}, {"field": "hunter2 \n"}]
    error = ours(
        said(code, message="Base64 of 'hunter2'", BadRequest={"fieldViolations": violations})
    )
    assert "hunter2" not in str(error)
    assert "hunter2" not in repr(vars(error))
    assert "secret.labels" in str(error), "which field it is about is told"


def test_words_are_shown_without_control_characters_and_cut() -> None:
    error = ours(said("PERMISSION_DENIED", message="no\x1b[31m" + "x" * 5000))
    assert "\x1b" not in str(error)
    assert len(str(error)) < 1000
