"""What Key Vault says of keys becomes one of our errors, row by row."""

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
    PendingDelete,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.azure.errors import TABLE, failure_of
from skykeep.providers.azure.keys.errors import OWN, key_error
from skykeep.providers.wire import Reply


def error_of(
    status: int, code: str, inner: str = "", message: str = "in its words"
) -> SkykeepError:
    error: dict[str, object] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner}
    body = json.dumps({"error": error}).encode()
    failure = failure_of(Reply(status, {"x-ms-request-id": "request-1"}, body))
    return key_error(failure, "db/key", "wrapKey")


# Written down a second time, so that a slip in the table shows.
EXPECTED: dict[type[SkykeepError], str] = {
    NotFound: "KeyNotFound",
    KeyFailure: "KeyDisabled KeyNotYetValid KeyExpired",
    Invalid: "KeyOperationForbidden",
    Conflict: "ObjectAlreadyExists ObjectIsBeingRecovered",
    PendingDelete: "ObjectIsDeletedButRecoverable ObjectIsBeingDeleted",
}
KIND = {code: kind for kind, codes in EXPECTED.items() for code in codes.split()}


@pytest.mark.parametrize("code", sorted(OWN))
@pytest.mark.parametrize("inner", [True, False])
def test_a_code_of_keys(code: str, inner: bool) -> None:
    """Alone, or within an outer one, as the service has most of them."""
    error = error_of(403, "Forbidden", code) if inner else error_of(403, code)
    assert type(error) is KIND[code]
    assert error.resource == "db/key"
    assert error.request_id == "request-1"
    assert "secret" not in f"{error} {error.hint}"


def test_every_row_is_expected() -> None:
    assert set(OWN) == set(KIND)


ROWS: dict[str, tuple[int, str, str, str, type[SkykeepError], str]] = {
    "disabled": (
        403, "Forbidden", "", "Operation unwrapKey is not allowed on a disabled key.",
        KeyFailure, "is disabled",
    ),
    "expired": (
        403, "Forbidden", "", "Operation wrapKey is not allowed on an expired key.",
        KeyFailure, "not valid yet, or not any more",
    ),
    "not permitted": (
        403, "Forbidden", "", "Operation decrypt is not permitted on this key.",
        Invalid, "cannot do this",
    ),
    "kind": (400, "BadParameter", "", "key_ops has no such operation", Invalid, "cannot do"),
    "malformed": (400, "BadParameter", "", "in its words", Invalid, "malformed"),
    "policy": (
        403, "Forbidden", "ForbiddenByPolicy", "does not have keys wrapKey permission",
        Denied, "'wrapKey' on keys;",
    ),
    "role": (
        403, "Forbidden", "ForbiddenByRbac", "Caller is not authorized",
        Denied, "'wrapKey' on keys;",
    ),
    "firewall": (403, "Forbidden", "ForbiddenByFirewall", "", Denied, "firewall"),
    "token": (401, "Unauthorized", "", "AKV10022: Invalid audience.", Unauthenticated, "token"),
    "patience": (429, "Throttled", "", "", Throttled, "patience"),
    "down": (503, "ServiceUnavailable", "", "", Unavailable, "not available"),
    "vault": (404, "VaultNotFound", "", "", ConfigError, "no such vault"),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_a_row(row: str) -> None:
    status, code, inner, message, kind, words = ROWS[row]
    error = error_of(status, code, inner, message)
    assert type(error) is kind
    assert words in f"{error} {error.hint}"


@pytest.mark.parametrize("code", sorted(set(TABLE) - set(OWN)))
def test_all_else_is_read_as_of_secrets(code: str) -> None:
    assert type(error_of(400, code)) is TABLE[code].kind


def test_a_gateways_page_is_none_of_its_answers() -> None:
    failure = failure_of(Reply(404, {}, b"<html>no such page"))
    assert isinstance(key_error(failure, "db/key", "get"), Unavailable)
