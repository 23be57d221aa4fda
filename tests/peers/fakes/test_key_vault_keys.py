"""What the keys of the Key Vault fake do and refuse: each check by its own test."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest

from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.fakes.asking_key_vault import Answer, ask, follow, put
from tests.peers.fakes.key_vault_settings import ACTIONS, OWNER

PAST, FUTURE = 1_000_000_000, 4_000_000_000
SOMEBODY = "0f5b7c1e-0000-4000-8000-6e1a0b8a4d55"  # made up
OAEP = "RSA-OAEP-256"


@pytest.fixture
def vault(key_vault: KeyVaults) -> KeyVault:
    return key_vault.new()


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make(vault: KeyVault, name: str, kty: str = "RSA", **fields: Any) -> Answer:
    return ask(vault, "POST", f"/keys/{name}/create", {"kty": kty, **fields})


def use(
    vault: KeyVault, name: str, operation: str, value: bytes, algorithm: str = OAEP, **more: Any
) -> Answer:
    body = {"alg": algorithm, "value": text(value), **more}
    return ask(vault, "POST", f"/keys/{name}/{operation}", body)


def refused(answer: Answer, status: int, code: str, inner: str | None = None) -> bool:
    return (answer.status, answer.code, answer.inner) == (status, code, inner)


def bad(answer: Answer) -> bool:
    return refused(answer, 400, "BadParameter")


# -- what is made and shown


def test_a_key_is_shown_without_its_private_half(vault: KeyVault) -> None:
    made = make(vault, "Db-Key", key_size=3072).body
    key = made["key"]
    version = key["kid"].rpartition("/")[2]
    assert len(version) == 32
    assert int(version, 16)
    assert set(key) == {"kid", "kty", "key_ops", "n", "e"}
    assert len(base64.urlsafe_b64decode(f"{key['n']}==")) == 384
    assert ask(vault, "GET", "/keys/db-key").body == made
    assert ask(vault, "GET", f"/keys/DB-KEY/{version}").body == made
    curve = make(vault, "curve", "EC", crv="P-256").body["key"]
    assert set(curve) == {"kid", "kty", "key_ops", "crv", "x", "y"}
    assert curve["key_ops"] == ["sign", "verify"]


def test_a_name_that_is_there_gets_another_version(vault: KeyVault) -> None:
    first, second = make(vault, "a").body, make(vault, "a", "EC").body
    assert first["key"]["kid"] != second["key"]["kid"]
    versions = ask(vault, "GET", "/keys/a/versions").body["value"]
    kids = {first["key"]["kid"], second["key"]["kid"]}
    assert {item["kid"] for item in versions} == kids
    assert ask(vault, "GET", "/keys/a").body == second
    rotated = ask(vault, "POST", "/keys/a/rotate").body
    assert rotated["key"]["kty"] == "EC"
    assert rotated["key"]["kid"] not in kids


@pytest.mark.parametrize(
    "fields",
    [
        {"kty": "oct"},
        {"kty": None},
        {"key_size": 1024},
        {"key_size": "2048"},
        {"kty": "EC", "crv": "P-999"},
        {"kty": "EC", "key_ops": ["encrypt"]},
        {"key_ops": ["fly"]},
        {"key_ops": "sign"},
        {"attributes": {"enabled": "no"}},
        {"tags": {"a": 1}},
    ],
)
def test_keys_that_cannot_be_made(vault: KeyVault, fields: dict[str, Any]) -> None:
    assert bad(ask(vault, "POST", "/keys/a/create", {"kty": "RSA", **fields}))
    assert ask(vault, "GET", "/keys/a").status == 404


@pytest.mark.parametrize("name", ["a" * 128, "a_b", "a.b", "%C3%A4"])
def test_names_that_are_refused(vault: KeyVault, name: str) -> None:
    answer = make(vault, name)
    assert bad(answer)
    assert answer.message.startswith("The request URI contains an invalid name: ")


def test_a_list_has_pages_of_25_and_no_versions(vault: KeyVault) -> None:
    for number in range(27):
        make(vault, f"k{number:02}", "EC")
    first = ask(vault, "GET", "/keys").body
    second = follow(vault, first["nextLink"]).body
    assert (len(first["value"]), len(second["value"])) == (25, 2)
    assert second["nextLink"] is None
    kids = [item["kid"] for item in first["value"] + second["value"]]
    assert [kid.rpartition("/")[2] for kid in kids] == [f"k{at:02}" for at in range(27)]
    assert bad(ask(vault, "GET", "/keys", query="api-version=7.6&maxresults=26"))
    assert bad(ask(vault, "GET", "/keys", query="api-version=7.6&$skiptoken=nonsense"))
    assert bad(ask(vault, "GET", "/keys", query="api-version=1.0"))


def test_keys_and_secrets_do_not_meet(vault: KeyVault) -> None:
    put(vault, "both")
    make(vault, "both", "EC")
    ask(vault, "DELETE", "/secrets/both")
    assert ask(vault, "GET", "/keys/both").status == 200
    assert ask(vault, "GET", "/deletedkeys").body["value"] == []


# -- what keys do


def test_what_is_wrapped_is_unwrapped_by_its_version_alone(vault: KeyVault) -> None:
    old = make(vault, "a").body["key"]["kid"].rpartition("/")[2]
    content = os.urandom(32)
    wrapped = use(vault, "a", "wrapkey", content).body
    data = base64.urlsafe_b64decode(f"{wrapped['value']}==")
    make(vault, "a")
    assert use(vault, f"a/{old}", "unwrapkey", data).body["value"] == text(content)
    answer = use(vault, "a", "unwrapKey", data)
    assert bad(answer)
    assert answer.message == "Error occurred while decoding OAEP padding."
    assert refused(use(vault, f"a/{'0' * 32}", "unwrapkey", data), 404, "KeyNotFound")


def test_what_cannot_be_wrapped_or_unwrapped(vault: KeyVault) -> None:
    make(vault, "a", key_size=2048)
    make(vault, "curve", "EC")
    assert use(vault, "a", "encrypt", b"x" * 190).status == 200
    assert bad(use(vault, "a", "encrypt", b"x" * 191))
    assert bad(use(vault, "a", "decrypt", b"x" * 255))
    assert bad(use(vault, "a", "encrypt", b"x", "A256GCM"))
    for value in ("a+b/", "x", "", "ä", 5, None):
        body = {"alg": OAEP, "value": value}
        answer = ask(vault, "POST", "/keys/a/encrypt", body)
        assert bad(answer), value
        assert "is not base64url" in answer.message
    assert refused(
        use(vault, "curve", "wrapkey", b"x"), 403, "Forbidden", "KeyOperationForbidden"
    )


def test_signatures(vault: KeyVault) -> None:
    digest = os.urandom(32)
    make(vault, "a")
    make(vault, "curve", "EC")
    for name, algorithm, size in (
        ("a", "PS256", 256),
        ("a", "RS256", 256),
        ("curve", "ES256", 64),
    ):
        made = use(vault, name, "sign", digest, algorithm)
        signature = base64.urlsafe_b64decode(f"{made.body['value']}==")
        assert len(signature) == size
        for given, good in ((digest, True), (bytes(32), False)):
            said = use(vault, name, "verify", signature, algorithm, digest=text(given))
            assert said.body == {"value": good}
        answer = use(vault, name, "sign", b"short", algorithm)
        assert bad(answer)
        assert answer.message.startswith("Invalid length of 'value': 5 bytes.")
    assert bad(use(vault, "curve", "sign", digest, "PS256"))
    assert bad(use(vault, "a", "sign", digest, "ES256"))


OPERATIONS = ("encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify")
ALGORITHM = {"sign": "PS256", "verify": "PS256"}


def tried(vault: KeyVault, operation: str) -> Answer:
    """An operation on the key "a" whose contents are right."""
    algorithm = ALGORITHM.get(operation, OAEP)
    value = b"x" * (256 if operation in {"decrypt", "unwrapkey", "verify"} else 32)
    return use(vault, "a", operation, value, algorithm, digest=text(bytes(32)))


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_disabled_key(vault: KeyVault, operation: str, public: bool) -> None:
    make(vault, "a", attributes={"enabled": False})
    vault.change(public_while_disabled=public)
    assert ask(vault, "GET", "/keys/a").body["attributes"]["enabled"] is False
    answer = tried(vault, operation)
    if public and operation in {"encrypt", "wrapkey", "verify"}:
        assert answer.status == 200
    else:
        assert refused(answer, 403, "Forbidden", "KeyDisabled")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("times", "inner"), [({"nbf": FUTURE}, "KeyNotYetValid"), ({"exp": PAST}, "KeyExpired")]
)
def test_a_key_out_of_its_time(
    vault: KeyVault, operation: str, times: dict[str, int], inner: str
) -> None:
    make(vault, "a", attributes=times)
    answer = tried(vault, operation)
    if operation in {"decrypt", "unwrapkey", "verify"}:
        assert answer.status in {200, 400}  # 400: what is given was never encrypted
    else:
        assert refused(answer, 403, "Forbidden", inner)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_key_does_what_its_operations_say(vault: KeyVault, operation: str) -> None:
    make(vault, "a", key_ops=[])
    # No operation given is as none named: those of the kind.
    assert ask(vault, "GET", "/keys/a").body["key"]["key_ops"]
    whole = {"wrapkey": "wrapKey", "unwrapkey": "unwrapKey"}.get(operation, operation)
    others = [
        name
        for name in ("encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify")
        if name != whole
    ]
    assert ask(vault, "PATCH", "/keys/a", {"key_ops": others}).status == 200
    answer = tried(vault, operation)
    assert refused(answer, 403, "Forbidden", "KeyOperationForbidden")
    assert answer.message == f"Operation {whole} is not permitted on this key."


# -- deletion


def test_a_deleted_key_is_gone_and_holds_its_name(key_vault: KeyVaults) -> None:
    vault = key_vault.new(delete_polls=1, recover_polls=1, recover_settling=1, purge_polls=1)
    make(vault, "a")
    deleted = ask(vault, "DELETE", "/keys/a").body
    assert deleted["recoveryId"].endswith("/deletedkeys/a")
    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == 90 * 86_400
    assert refused(make(vault, "a"), 409, "Conflict", "ObjectIsBeingDeleted")
    assert refused(make(vault, "a"), 409, "Conflict", "ObjectIsDeletedButRecoverable")
    assert refused(ask(vault, "GET", "/keys/a"), 404, "KeyNotFound")
    assert [item["kid"] for item in ask(vault, "GET", "/deletedkeys").body["value"]]
    assert ask(vault, "GET", "/deletedkeys/a").status == 200
    assert ask(vault, "POST", "/deletedkeys/a/recover").status == 200
    for _ in range(2):
        assert refused(make(vault, "a"), 409, "Conflict", "ObjectIsBeingRecovered")
    assert make(vault, "a").status == 200
    ask(vault, "DELETE", "/keys/a")
    assert refused(
        ask(vault, "DELETE", "/deletedkeys/a"), 409, "Conflict", "ObjectIsBeingDeleted"
    )
    assert ask(vault, "DELETE", "/deletedkeys/a").status == 204
    assert refused(make(vault, "a"), 409, "Conflict", "ObjectIsBeingDeleted")
    assert make(vault, "a").status == 200


def test_a_purge_may_be_forbidden(key_vault: KeyVaults) -> None:
    vault = key_vault.new(purge_protection=True)
    make(vault, "a")
    ask(vault, "DELETE", "/keys/a")
    assert refused(ask(vault, "DELETE", "/deletedkeys/a"), 403, "Forbidden")


# -- rights

CALLS = [
    ("keys/get", "GET", "/keys/a"),
    ("keys/get", "GET", "/keys/a/{version}"),
    ("keys/get", "GET", "/deletedkeys/gone"),
    ("keys/list", "GET", "/keys"),
    ("keys/list", "GET", "/keys/a/versions"),
    ("keys/list", "GET", "/deletedkeys"),
    ("keys/create", "POST", "/keys/new/create"),
    ("keys/update", "PATCH", "/keys/a"),
    ("keys/update", "PATCH", "/keys/a/{version}"),
    ("keys/rotate", "POST", "/keys/a/rotate"),
    ("keys/delete", "DELETE", "/keys/a"),
    ("keys/recover", "POST", "/deletedkeys/gone/recover"),
    ("keys/purge", "DELETE", "/deletedkeys/gone"),
    ("keys/encrypt", "POST", "/keys/a/encrypt"),
    ("keys/decrypt", "POST", "/keys/a/decrypt"),
    ("keys/wrapKey", "POST", "/keys/a/{version}/wrapkey"),
    ("keys/unwrapKey", "POST", "/keys/a/{version}/unwrapkey"),
    ("keys/sign", "POST", "/keys/a/sign"),
    ("keys/verify", "POST", "/keys/a/verify"),
]


@pytest.mark.parametrize("model", ["policy", "rbac"])
@pytest.mark.parametrize(("right", "method", "path"), CALLS)
def test_each_call_needs_its_right(
    vault: KeyVault, model: str, right: str, method: str, path: str
) -> None:
    version = make(vault, "a").body["key"]["kid"].rpartition("/")[2]
    make(vault, "gone", "EC")
    ask(vault, "DELETE", "/keys/gone")
    place = path.format(version=version)
    token = vault.vaults.token(SOMEBODY)
    body = {"kty": "EC", "alg": OAEP, "value": text(bytes(32))}
    answers = []
    # By the data action, which under RBAC is one for get and list.
    others = [one for one in ACTIONS if ACTIONS[one] != ACTIONS[right]]
    for rights in (others, [right]):
        grants = [{"oid": OWNER}, {"oid": SOMEBODY, "permissions": rights}]
        vault.change(model=model, grants=grants)
        answers.append(ask(vault, method, place, body, token=token))
    inner = {"policy": "ForbiddenByPolicy", "rbac": "ForbiddenByRbac"}[model]
    assert refused(answers[0], 403, "Forbidden", inner)
    kind, _, name = right.partition("/")
    words = (
        f"does not have {kind} {name} permission"
        if model == "policy"
        else f"Microsoft.KeyVault/vaults/{ACTIONS[right]}"
    )
    assert words in answers[0].message
    assert answers[1].status in {200, 204, 400}


def test_a_role_can_be_for_one_key(vault: KeyVault) -> None:
    make(vault, "mine", "EC")
    make(vault, "other", "EC")
    put(vault, "mine")
    rights = ["keys/get", "keys/list", "get"]
    grants = [{"oid": OWNER}, {"oid": SOMEBODY, "permissions": rights, "key": "Mine"}]
    vault.change(model="rbac", grants=grants)
    token = vault.vaults.token(SOMEBODY)
    paths = ("/keys/mine", "/keys/MINE/versions", "/keys/other", "/keys", "/secrets/mine")
    found = [ask(vault, "GET", path, token=token).status for path in paths]
    assert found == [200, 200, 403, 403, 403]
