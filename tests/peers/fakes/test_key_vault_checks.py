"""What Key Vault refuses, and what it does not: each check by its own test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.fakes.asking_key_vault import Answer, ask, put

PAST, FUTURE = 1_000_000_000, 4_000_000_000


@pytest.fixture
def vault(key_vault: KeyVaults) -> KeyVault:
    return key_vault.new()


def refused(answer: Answer, status: int, code: str, inner: str | None = None) -> bool:
    return (answer.status, answer.code, answer.inner) == (status, code, inner)


def bad(answer: Answer, inner: str | None = None) -> bool:
    return refused(answer, 400, "BadParameter", inner)


# -- the request


@pytest.mark.parametrize("query", ["", "api-version=2015-06-01", "api-version=latest"])
def test_an_api_version_has_to_be_known(vault: KeyVault, query: str) -> None:
    assert bad(ask(vault, "GET", "/secrets", query=query))


@pytest.mark.parametrize("version", ["2016-10-01", "7.0", "7.6", "2025-07-01", "2026-04-01"])
def test_the_versions_of_the_client_are_known(vault: KeyVault, version: str) -> None:
    assert ask(vault, "GET", "/secrets", query=f"api-version={version}").status == 200


@pytest.mark.parametrize("name", ["a" * 127, "0", "-", "A-0-z"])
def test_names_that_are_taken(vault: KeyVault, name: str) -> None:
    assert put(vault, name).status == 200
    assert ask(vault, "GET", f"/secrets/{name}").status == 200


@pytest.mark.parametrize("name", ["a" * 128, "a_b", "a.b", "a%2Fb", "%C3%A4", "a%20b"])
def test_names_that_are_refused(vault: KeyVault, name: str) -> None:
    for method, path in [
        ("PUT", f"/secrets/{name}"),
        ("GET", f"/secrets/{name}"),
        ("GET", f"/secrets/{name}/{'0' * 32}"),
        ("GET", f"/secrets/{name}/versions"),
        ("PATCH", f"/secrets/{name}"),
        ("DELETE", f"/secrets/{name}"),
        ("POST", f"/secrets/{name}/backup"),
        ("GET", f"/deletedsecrets/{name}"),
        ("DELETE", f"/deletedsecrets/{name}"),
        ("POST", f"/deletedsecrets/{name}/recover"),
    ]:
        answer = ask(vault, method, path, {"value": "x"})
        assert bad(answer), (method, path)
        assert answer.message.startswith("The request URI contains an invalid name: ")


def test_a_name_is_the_same_in_any_case_and_keeps_its_own(vault: KeyVault) -> None:
    put(vault, "Db-Password", "one")
    put(vault, "DB-PASSWORD", "two")
    found = ask(vault, "GET", "/secrets/db-password").body
    assert found["value"] == "two"
    assert "/secrets/Db-Password/" in found["id"]
    assert len(ask(vault, "GET", "/secrets").body["value"]) == 1


def test_a_path_that_there_is_not(vault: KeyVault) -> None:
    assert refused(ask(vault, "PUT", "/secrets/", {"value": ""}), 405, "MethodNotAllowed")
    assert refused(ask(vault, "POST", "/secrets/a"), 405, "MethodNotAllowed")
    assert refused(ask(vault, "GET", "/storage"), 404, "NotFound")


# -- what is to be kept


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b'"x"'])
def test_a_body_is_an_object(vault: KeyVault, body: bytes) -> None:
    put(vault, "a")
    for method, path in [
        ("PUT", "/secrets/a"),
        ("PATCH", "/secrets/a"),
        ("POST", "/secrets/restore"),
    ]:
        assert bad(ask(vault, method, path, body))


@pytest.mark.parametrize(
    "body", [{}, {"value": None}, {"value": 1}, {"value": ["x"]}, {"value": "\ud800"}]
)
def test_a_value_is_a_string(vault: KeyVault, body: dict[str, Any]) -> None:
    assert bad(ask(vault, "PUT", "/secrets/a", body))


@pytest.mark.parametrize("value", ["", "\u00e9\u4e2d\U0001f511\n\x00", "x" * 25_600])
def test_a_value_comes_back_as_it_was(vault: KeyVault, value: str) -> None:
    assert put(vault, "a", value).body["value"] == value
    assert ask(vault, "GET", "/secrets/a").body["value"] == value


@pytest.mark.parametrize("value", ["x" * 25_601, "\u00e9" * 12_801])
def test_a_value_has_25600_bytes_at_most(vault: KeyVault, value: str) -> None:
    assert bad(put(vault, "a", value), "SecretTooLarge")


RIGHT: list[dict[str, Any]] = [
    {"contentType": "c" * 255},
    {"tags": {str(number): "" for number in range(15)}},
    {"tags": {"n" * 256: "v" * 256}},
    {"attributes": {"enabled": True, "nbf": PAST, "exp": FUTURE}},
    {"attributes": {"enabled": None, "nbf": None}, "tags": None, "contentType": None},
]
WRONG: list[dict[str, Any]] = [
    {"contentType": "c" * 256},
    {"contentType": 1},
    {"tags": {str(number): "" for number in range(16)}},
    {"tags": {"n" * 257: ""}},
    {"tags": {"n": "v" * 257}},
    {"tags": {"n": 1}},
    {"tags": ["n"]},
    {"attributes": []},
    {"attributes": {"enabled": 1}},
    {"attributes": {"exp": "2026-01-01"}},
    {"attributes": {"nbf": 1.5}},
    {"attributes": {"exp": True}},
]


@pytest.mark.parametrize("fields", RIGHT)
def test_fields_within_their_limits_are_kept(vault: KeyVault, fields: dict[str, Any]) -> None:
    made = put(vault, "a", **fields)
    changed = ask(vault, "PATCH", "/secrets/a", fields)
    for answer in (made, changed):
        assert answer.status == 200
        for key, content in fields.items():
            if content is None:
                assert key not in answer.body
            elif key == "attributes":
                given = {name for name, value in content.items() if value is not None}
                assert {name: answer.body[key][name] for name in given} == {
                    name: content[name] for name in given
                }
            else:
                assert answer.body[key] == content


@pytest.mark.parametrize("fields", WRONG)
def test_fields_beyond_their_limits_are_refused(
    vault: KeyVault, fields: dict[str, Any]
) -> None:
    assert bad(put(vault, "a", **fields))
    assert ask(vault, "GET", "/secrets/a").status == 404
    put(vault, "a")
    assert bad(ask(vault, "PATCH", "/secrets/a", fields))


# -- versions and their attributes


def test_a_set_takes_nothing_over(vault: KeyVault) -> None:
    put(vault, "a", tags={"k": "v"}, contentType="t", attributes={"exp": FUTURE})
    found = put(vault, "a").body
    assert "tags" not in found
    assert "contentType" not in found
    assert "exp" not in found["attributes"]


def test_an_update_leaves_what_it_does_not_name(vault: KeyVault) -> None:
    put(vault, "a", tags={"k": "v"}, contentType="t", attributes={"exp": FUTURE})
    nulls = {"tags": None, "contentType": None, "attributes": {"exp": None, "enabled": None}}
    for body in ({}, nulls):
        found = ask(vault, "PATCH", "/secrets/a", body).body
        assert (found["tags"], found["contentType"]) == ({"k": "v"}, "t")
        assert found["attributes"]["exp"] == FUTURE
        assert found["attributes"]["enabled"]
    found = ask(vault, "PATCH", "/secrets/a", {"tags": {}, "value": "ignored"}).body
    assert found["tags"] == {}
    assert "value" not in found
    assert ask(vault, "GET", "/secrets/a").body["value"] == "x"


@pytest.mark.parametrize("attributes", [{"exp": PAST}, {"nbf": FUTURE}])
def test_dates_refuse_no_read(vault: KeyVault, attributes: dict[str, int]) -> None:
    put(vault, "a", attributes=attributes)
    assert ask(vault, "GET", "/secrets/a").body["value"] == "x"


def test_a_disabled_version_is_not_read_and_no_other_takes_its_place(vault: KeyVault) -> None:
    old = put(vault, "a", "old").body["id"].rpartition("/")[2]
    new = put(vault, "a", "new", attributes={"enabled": False}).body["id"].rpartition("/")[2]
    for path in ("/secrets/a", "/secrets/a/", f"/secrets/a/{new}"):
        assert refused(ask(vault, "GET", path), 403, "Forbidden", "SecretDisabled")
    assert ask(vault, "GET", f"/secrets/a/{old}").body["value"] == "old"
    (item,) = ask(vault, "GET", "/secrets").body["value"]
    assert item["attributes"]["enabled"] is False
    assert ask(vault, "DELETE", "/secrets/a").status == 200


def test_a_version_has_to_be_there(vault: KeyVault) -> None:
    put(vault, "a")
    for method in ("GET", "PATCH"):
        absent = ask(vault, method, f"/secrets/a/{'0' * 32}", {})
        assert refused(absent, 404, "SecretNotFound")
        assert f"a/{'0' * 32} was not found" in absent.message
        assert bad(ask(vault, method, "/secrets/a/not-a-version", {}))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/secrets/a"),
        ("PATCH", "/secrets/a"),
        ("DELETE", "/secrets/a"),
        ("POST", "/secrets/a/backup"),
        ("GET", "/deletedsecrets/a"),
        ("DELETE", "/deletedsecrets/a"),
        ("POST", "/deletedsecrets/a/recover"),
    ],
)
def test_what_was_never_there_is_not_found(vault: KeyVault, method: str, path: str) -> None:
    assert refused(ask(vault, method, path, {}), 404, "SecretNotFound")


# -- deletion


def test_a_deletion_takes_its_time(key_vault: KeyVaults) -> None:
    vault = key_vault.new(delete_polls=6)
    put(vault, "a")
    assert "scheduledPurgeDate" in ask(vault, "DELETE", "/secrets/a").body
    assert ask(vault, "GET", "/secrets").body["value"] == []
    assert ask(vault, "GET", "/deletedsecrets").body["value"] == []
    for method, path, status, inner in [
        ("GET", "/secrets/a", 404, None),
        ("GET", "/deletedsecrets/a", 404, None),
        ("PUT", "/secrets/a", 409, "ObjectIsBeingDeleted"),
        ("POST", "/deletedsecrets/a/recover", 409, "ObjectIsBeingDeleted"),
        ("DELETE", "/deletedsecrets/a", 409, "ObjectIsBeingDeleted"),
        ("DELETE", "/secrets/a", 404, None),
        ("GET", "/deletedsecrets/a", 200, None),
    ]:
        answer = ask(vault, method, path, {"value": "x"})
        assert answer.status == status, (method, path)
        assert status == 200 or answer.inner == inner


def test_a_deleted_name_is_taken(vault: KeyVault) -> None:
    put(vault, "a")
    ask(vault, "DELETE", "/secrets/A")
    taken = put(vault, "a")
    assert refused(taken, 409, "Conflict", "ObjectIsDeletedButRecoverable")
    assert "Secret a is currently in a deleted but recoverable state" in taken.message
    assert "value" not in ask(vault, "GET", "/deletedsecrets/a").body
    assert ask(vault, "GET", "/secrets/a/versions").body["value"] == []
    (item,) = ask(vault, "GET", "/deletedsecrets").body["value"]
    assert item["recoveryId"] == f"{vault.address}/deletedsecrets/a"


def test_a_recovery_takes_its_time_and_more_for_writes(key_vault: KeyVaults) -> None:
    vault = key_vault.new(recover_polls=3, recover_settling=2)
    put(vault, "a")
    ask(vault, "DELETE", "/secrets/a")
    assert ask(vault, "POST", "/deletedsecrets/a/recover").status == 200
    assert ask(vault, "GET", "/secrets/a").status == 404
    assert ask(vault, "GET", "/deletedsecrets/a").status == 404
    assert refused(put(vault, "a"), 409, "Conflict", "ObjectIsBeingRecovered")
    for _ in range(2):
        assert ask(vault, "GET", "/secrets/a").status == 200
        assert refused(put(vault, "a"), 409, "Conflict", "ObjectIsBeingRecovered")
    assert ask(vault, "GET", "/secrets/a").body["value"] == "x"
    assert put(vault, "a").status == 200


def test_a_purge_leaves_the_name_taken_for_a_while(key_vault: KeyVaults) -> None:
    vault = key_vault.new(purge_polls=3)
    put(vault, "a")
    blob = ask(vault, "POST", "/secrets/a/backup").body
    ask(vault, "DELETE", "/secrets/a")
    assert ask(vault, "DELETE", "/deletedsecrets/a").status == 204
    assert ask(vault, "GET", "/deletedsecrets/a").status == 404
    assert refused(put(vault, "a"), 409, "Conflict", "ObjectIsBeingDeleted")
    restored = ask(vault, "POST", "/secrets/restore", blob)
    assert refused(restored, 409, "Conflict", "ObjectIsBeingDeleted")
    assert put(vault, "a", "new").status == 200
    assert len(ask(vault, "GET", "/secrets/a/versions").body["value"]) == 1


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ({}, "Recoverable+Purgeable"),
        ({"retention_days": 7}, "CustomizedRecoverable+Purgeable"),
        ({"purge_protection": True}, "Recoverable"),
        ({"purge_protection": True, "retention_days": 7}, "CustomizedRecoverable"),
    ],
)
def test_purge_protection(key_vault: KeyVaults, settings: dict[str, Any], level: str) -> None:
    vault = key_vault.new(**settings)
    attributes = put(vault, "a").body["attributes"]
    assert attributes["recoveryLevel"] == level
    days = settings.get("retention_days", 90)
    assert attributes["recoverableDays"] == days
    gone = ask(vault, "DELETE", "/secrets/a").body
    assert gone["scheduledPurgeDate"] - gone["deletedDate"] == days * 86_400
    purged = ask(vault, "DELETE", "/deletedsecrets/a")
    if "purge_protection" in settings:
        assert refused(purged, 403, "Forbidden")
        assert "purge protection is enabled" in purged.message
    else:
        assert purged.status == 204


def test_a_certificates_secret_is_only_read(vault: KeyVault) -> None:
    vault.make_managed("cert", "MIIK")
    found = ask(vault, "GET", "/secrets/cert").body
    assert (found["value"], found["managed"]) == ("MIIK", True)
    assert ask(vault, "GET", "/secrets").body["value"][0]["managed"]
    for method, path in [
        ("PUT", "/secrets/cert"),
        ("PATCH", "/secrets/cert"),
        ("DELETE", "/secrets/cert"),
        ("POST", "/secrets/cert/backup"),
    ]:
        answer = ask(vault, method, path, {"value": "x"})
        assert refused(answer, 403, "Forbidden", "SecretManagedByKeyVault")


@pytest.mark.parametrize("blob", ["", "bm9uLWV4aXN0aW5n", "\u00e9"])
def test_a_backup_is_one_that_was_given(vault: KeyVault, blob: str) -> None:
    answer = ask(vault, "POST", "/secrets/restore", {"value": blob})
    assert refused(answer, 400, "Malformed backup blob")
