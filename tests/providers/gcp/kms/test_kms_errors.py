"""What Cloud KMS says becomes one of our errors, row by row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.api import error_reason_pb2
from google.rpc import code_pb2

from skykeep.errors import (
    ConfigError,
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from skykeep.providers.gcp.errors import CODES, read_failure
from skykeep.providers.gcp.kms.errors import key_error
from skykeep.providers.wire import Reply
from tests.providers.gcp.going_wrong import said

KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/disabled-purpose-destroy-checksum"
VERSION = f"{KEY}/cryptoKeyVersions/1"

OFF = "Cloud Key Management Service (KMS) API has not been used"


def error_of(code: str, message: str = "in its words", reason: str = "") -> SkykeepError:
    body = json.dumps(said(code, reason, message)).encode()
    return key_error(read_failure(Reply(400, {}, body)), subject="db/key", action="Encrypt")


ROWS: dict[str, tuple[str, str, str, type[SkykeepError], str]] = {
    "disabled": (
        "FAILED_PRECONDITION", f"{VERSION} is not enabled, current state is: DISABLED.", "",
        KeyFailure, "the key is disabled",
    ),
    "destroyed": (
        "FAILED_PRECONDITION", f"{VERSION} is not enabled, current state is: DESTROYED.", "",
        KeyFailure, "deleted",
    ),
    "to be destroyed": (
        "FAILED_PRECONDITION",
        f"{VERSION} is not enabled, current state is: DESTROY_SCHEDULED.", "",
        KeyFailure, "about to be deleted",
    ),
    "pending": (
        "FAILED_PRECONDITION",
        f"{VERSION} is not enabled, current state is: PENDING_GENERATION.", "",
        KeyFailure, "not ready",
    ),
    "purpose": (
        "FAILED_PRECONDITION", f"{KEY} has the purpose ASYMMETRIC_SIGN.", "",
        Invalid, "of a kind that cannot do this",
    ),
    "purpose, as an argument": (
        "INVALID_ARGUMENT", f"{KEY} has the wrong purpose.", "",
        Invalid, "of a kind that cannot do this",
    ),
    "malformed": ("INVALID_ARGUMENT", f"{KEY}: what is it?", "", Invalid, "malformed"),
    "ciphertext": (
        "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.", "",
        KeyFailure, "does not open",
    ),
    "another key": (
        "INVALID_ARGUMENT",
        "Decryption failed: verify that 'name' refers to the correct CryptoKey.", "",
        KeyFailure, "does not open",
    ),
    "checksum": (
        "INVALID_ARGUMENT",
        "The checksum in field plaintext_crc32c did not match the data in field plaintext.", "",
        Corrupt, "CRC-32C",
    ),
    "no key": ("NOT_FOUND", f"CryptoKey {KEY} not found.", "", NotFound, "db/key"),
    "no version": ("NOT_FOUND", f"CryptoKeyVersion {VERSION} not found.", "", NotFound, "db"),
    "no ring": (
        "NOT_FOUND", "KeyRing projects/p/locations/l/keyRings/r not found.", "",
        ConfigError, "key ring",
    ),
    "taken": ("ALREADY_EXISTS", f"CryptoKey {KEY} already exists.", "", Conflict, "exists"),
    "busy": ("ABORTED", KEY, "", Throttled, "another change of the key"),
    "denied": (
        "PERMISSION_DENIED",
        (f"Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '{KEY}' (or "
        "it may not exist)."), "",
        Denied, "may not do this",
    ),
    "denied, with its reason": (
        "PERMISSION_DENIED", "Permission 'cloudkms.x' denied", "IAM_PERMISSION_DENIED",
        Denied, "may not do this",
    ),
    "switched off": (
        "PERMISSION_DENIED",
        f"{OFF} in project p before or it is disabled.", "SERVICE_DISABLED",
        Denied, "switched off",
    ),
    "switched off, as in 2019": (
        "FAILED_PRECONDITION",
        "Google Cloud KMS API has not been used in this project before, or it is disabled.", "",
        Denied, "switched off",
    ),
    "a perimeter": (
        "PERMISSION_DENIED", "cloudkms.googleapis.com", "SECURITY_POLICY_VIOLATED",
        Denied, "perimeter",
    ),
    "quota": (
        "RESOURCE_EXHAUSTED", "cloudkms.googleapis.com", "RATE_LIMIT_EXCEEDED",
        Throttled, "patience",
    ),
    "token": (
        "UNAUTHENTICATED", "in its words", "ACCESS_TOKEN_EXPIRED",
        Unauthenticated, "has ended",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_a_row(row: str) -> None:
    code, message, reason, kind, words = ROWS[row]
    error = error_of(code, message, reason)
    assert type(error) is kind
    assert words in str(error)
    assert "Secret Manager" not in f"{error} {error.hint}"
    assert "secretmanager" not in f"{error} {error.hint}"


# What a code alone means; written down a second time, so that a slip in a table shows.
BY_CODE: dict[type[SkykeepError], str] = {
    NotFound: "NOT_FOUND",
    Denied: "PERMISSION_DENIED",
    Unauthenticated: "UNAUTHENTICATED",
    Invalid: "INVALID_ARGUMENT OUT_OF_RANGE",
    Conflict: "ALREADY_EXISTS",
    KeyFailure: "FAILED_PRECONDITION",
    Throttled: "RESOURCE_EXHAUSTED ABORTED",
    Unavailable: "CANCELLED UNKNOWN DEADLINE_EXCEEDED INTERNAL UNAVAILABLE",
    Unsupported: "UNIMPLEMENTED",
    Corrupt: "DATA_LOSS",
}
KIND = {code: kind for kind, codes in BY_CODE.items() for code in codes.split()}


@pytest.mark.parametrize("code", sorted(set(code_pb2.Code.keys()) - {"OK"}))
def test_every_code_is_known(code: str) -> None:
    assert type(error_of(code)) is KIND[code]
    assert code in CODES


@pytest.mark.parametrize(
    "reason", sorted(set(error_reason_pb2.ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"})
)
def test_no_reason_is_taken_for_one_of_secrets(reason: str) -> None:
    error = error_of("PERMISSION_DENIED", f"Cloud KMS, {KEY}", reason)
    assert not isinstance(error, KeyFailure)


@pytest.mark.parametrize(
    ("status", "body"), [(502, b"<html>bad gateway"), (404, b"<html>"), (403, b"the proxy")]
)
def test_what_is_no_answer_of_googles(status: int, body: Any) -> None:
    failure = read_failure(Reply(status, {}, body))
    error = key_error(failure, subject="db/key", action="Encrypt")
    assert isinstance(error, Unavailable)
