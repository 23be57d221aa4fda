"""JSON and paths of the fake of Secret Manager, by plain HTTP.

The judge here is the protocol as Google describes it; its own client is in
``test_secret_manager.py``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.peers.google import SecretManager
from tests.peers.google_http import AUTOMATIC, Asker


@pytest.fixture
def fake(secret_manager: SecretManager) -> Iterator[SecretManager]:
    yield secret_manager
    secret_manager.settle()


@pytest.fixture
def ask(fake: SecretManager) -> Asker:
    return Asker(fake)


def test_messages_are_as_protobuf_maps_them(ask: Asker) -> None:
    name = ask.secret()
    version = ask("POST", f"{name}:addVersion", {"payload": {"data": "AP8", "dataCrc32c": "0"}})
    assert version.error[:2] == (400, "INVALID_ARGUMENT")
    version = ask("POST", f"{name}:addVersion", {"payload": {"data": "AP8="}})
    shown = version.json
    assert shown["state"] == "ENABLED"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z", shown["createTime"])
    assert shown["replicationStatus"] == {"automatic": {}}
    assert "clientSpecifiedPayloadChecksum" not in shown  # a default is left out
    access = ask("GET", f"{name}/versions/latest:access").json
    assert access["payload"]["data"] == "AP8="
    assert re.fullmatch(r"\d+", access["payload"]["dataCrc32c"])
    assert ask("DELETE", name).json == {}


def test_enums_are_numbers_for_who_asks_so(ask: Asker) -> None:
    name = ask.secret(b"x")
    asked = quote("json;enum-encoding=int")
    assert ask("GET", f"{name}/versions/1?$alt={asked}").json["state"] == 1
    assert ask("GET", f"{name}/versions/1?$alt=json").json["state"] == "ENABLED"


@pytest.mark.parametrize(
    "parameter", ["alt=json", "prettyPrint=false", "$prettyPrint=0", "key=k"]
)
def test_system_parameters_are_ignored(ask: Asker, parameter: str) -> None:
    assert ask("GET", f"{ask.parent}/secrets?{parameter}").status == 200


@pytest.mark.parametrize("spelling", ["secretId", "secret_id"])
def test_both_spellings_of_a_field(ask: Asker, spelling: str) -> None:
    path = f"{ask.parent}/secrets?{spelling}=h-{secrets.token_hex(6)}"
    assert ask("POST", path, {**AUTOMATIC, "version_aliases": {}}).status == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({**AUTOMATIC, "foo": 1}, "Unknown name \"foo\" at 'secret': Cannot find field."),
        (
            {"replication": {"automatic": {"foo": 1}}},
            "Unknown name \"foo\" at 'secret.replication.automatic': Cannot find field.",
        ),
        ({**AUTOMATIC, "labels": {"a": 1}}, "Invalid JSON payload received."),
        ({**AUTOMATIC, "ttl": "1h"}, "Invalid JSON payload received."),
        (b"{", "Invalid JSON payload received."),
        (b"[]", "Invalid JSON payload received."),
    ],
)
def test_a_body_that_does_not_fit(ask: Asker, body: Any, said: str) -> None:
    answer = ask("POST", f"{ask.parent}/secrets?secretId=h-{secrets.token_hex(6)}", body)
    assert answer.error[:2] == (400, "INVALID_ARGUMENT")
    assert said in answer.json["error"]["message"]


def test_an_unknown_parameter_is_refused(ask: Asker) -> None:
    for name in ("pagesize", "parent.x", "updateMask"):
        answer = ask("GET", f"{ask.parent}/secrets?{name}=1")
        assert answer.error[:2] == (400, "INVALID_ARGUMENT")
        said = f'Unknown name "{name}": Cannot bind query parameter.'
        assert said in answer.json["error"]["message"]


def test_a_method_without_a_body_takes_none(ask: Asker) -> None:
    assert ask("DELETE", ask.secret(), {}).error[:2] == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("data", ["?", "A", "AAAAA", "A=A="])
def test_what_is_not_base64(ask: Asker, data: str) -> None:
    answer = ask("POST", f"{ask.secret()}:addVersion", {"payload": {"data": data}})
    assert answer.error[:2] == (400, "INVALID_ARGUMENT")
    assert "Base64" in answer.json["error"]["message"]


def test_both_alphabets_of_base64_and_no_padding(ask: Asker) -> None:
    name = ask.secret()
    for data in ("+/8=", "-_8=", "+/8"):
        assert ask("POST", f"{name}:addVersion", {"payload": {"data": data}}).status == 200
        read = ask("GET", f"{name}/versions/latest:access").json
        assert read["payload"]["data"] == "+/8="


@pytest.mark.parametrize("mask", ["versionAliases,labels", "version_aliases,labels"])
def test_a_mask_of_fields(ask: Asker, mask: str) -> None:
    name = ask.secret(b"x")
    body = {"versionAliases": {"a": "1"}, "labels": {"b": "c"}, "annotations": {"d": "e"}}
    shown = ask("PATCH", f"{name}?updateMask={mask}", body).json
    assert (shown["versionAliases"], shown["labels"]) == ({"a": "1"}, {"b": "c"})
    assert "annotations" not in shown


def test_an_etag_in_the_query(ask: Asker) -> None:
    name = ask.secret()
    assert ask("DELETE", f"{name}?etag=%221%22").error[:2] == (400, "FAILED_PRECONDITION")
    etag = ask("GET", name).json["etag"]
    assert ask("DELETE", f"{name}?etag={quote(etag)}").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "projects/p"),
        ("POST", "projects/p/secrets/s"),
        ("GET", "projects/p/secrets/s:unknown"),
        ("POST", "projects/p/secrets/s/versions/1:access"),
        ("PUT", "projects/p/secrets/s"),
        ("GET", "projects/p/secrets/s/t/versions/1"),
    ],
)
def test_a_path_of_no_method(ask: Asker, method: str, path: str) -> None:
    answer = ask(method, path, {} if method != "GET" else None)
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_an_error_of_each_kind(ask: Asker, fake: SecretManager) -> None:
    name = ask.secret()
    kinds = {
        "INVALID_ARGUMENT": 400,
        "FAILED_PRECONDITION": 400,
        "UNAUTHENTICATED": 401,
        "PERMISSION_DENIED": 403,
        "NOT_FOUND": 404,
        "ABORTED": 409,
        "RESOURCE_EXHAUSTED": 429,
        "INTERNAL": 500,
        "UNAVAILABLE": 503,
        "DEADLINE_EXCEEDED": 504,
    }
    fake.fail(*({"method": "GetSecret", "status": kind} for kind in kinds))
    assert {(a := ask("GET", name)).error[1]: a.status for _ in kinds} == kinds
    assert ask("GET", name).status == 200


def test_the_control_refuses_what_it_does_not_know(fake: SecretManager) -> None:
    wrong: tuple[dict[str, Any], ...] = ({"nothing": 1}, {"behind": "2"}, {"rules": []})
    for setting in wrong:
        with pytest.raises(AssertionError, match="error"):
            fake.set(**setting)
    with pytest.raises(AssertionError, match="error"):
        fake.kms("k", "BROKEN")
