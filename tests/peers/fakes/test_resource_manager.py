"""The fake of Azure Resource Manager refuses what Azure refuses."""

from __future__ import annotations

import copy
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.peers.fakes.resource_manager import AUDIENCE, VERSION, ResourceManager
from tests.peers.tokens import Issuer

RULE: dict[str, Any] = {
    "enabled": True,
    "name": "rule1",
    "type": "Lifecycle",
    "definition": {
        "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 9}}},
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["books/a"]},
    },
}
POLICY = "/managementPolicies/default"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def manager() -> Iterator[ResourceManager]:
    with ResourceManager("books") as fake:
        yield fake


def ask(
    manager: ResourceManager,
    method: str,
    below: str = POLICY,
    *,
    token: str,
    rules: list[dict[str, Any]] | None = None,
    version: str = VERSION,
    kind: str = "application/json",
) -> tuple[int, dict[str, Any]]:
    """Status and body of one call."""
    body = None
    if rules is not None:
        body = json.dumps({"properties": {"policy": {"rules": rules}}}).encode()
    request = urllib.request.Request(  # noqa: S310  (the fake's own address, http)
        f"{manager.address}{manager.path}{below}?api-version={version}",
        method=method,
        data=body,
        headers={"Authorization": f"Bearer {token}", "Content-Type": kind},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  (see above)
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_a_policy_is_kept_until_it_is_deleted(manager: ResourceManager, issuer: Issuer) -> None:
    token = issuer.token("x", AUDIENCE)
    assert ask(manager, "GET", token=token)[1]["error"]["code"] == "ManagementPolicyNotFound"
    assert ask(manager, "PUT", token=token, rules=[RULE])[0] == 200
    told = ask(manager, "GET", token=token)[1]
    assert told["properties"]["policy"]["rules"] == [RULE]
    assert ask(manager, "DELETE", token=token)[0] == 200
    assert ask(manager, "GET", token=token)[0] == 404


def test_whose_tokens_it_takes(manager: ResourceManager, issuer: Issuer) -> None:
    for token in (
        "",
        "opaque",
        issuer.token("x", "https://storage.azure.com"),
        issuer.token("x", AUDIENCE, seconds=-5),
    ):
        assert ask(manager, "GET", "", token=token)[0] == 401


def test_what_is_not_there(manager: ResourceManager, issuer: Issuer) -> None:
    token = issuer.token("x", AUDIENCE)
    assert ask(manager, "GET", "", token=token, version="2016-01-01")[0] == 400
    assert ask(manager, "GET", "/blobServices", token=token)[0] == 404
    manager.path = manager.path.replace("books", "other")
    assert ask(manager, "GET", "", token=token)[0] == 200
    assert ask(manager, "PUT", token=token, rules=[RULE], kind="text/plain")[0] == 415


def changed(path: str, value: Any) -> dict[str, Any]:
    """The rule with another value at a path of names."""
    rule = copy.deepcopy(RULE)
    *way, last = path.split(".")
    place = rule
    for name in way:
        place = place[name]
    place[last] = value
    return rule


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [RULE, RULE],
        [changed("name", "a-b")],
        [changed("type", "Other")],
        [changed("more", 1)],
        [changed("definition.more", 1)],
        [changed("definition.actions", {})],
        [changed("definition.actions.baseBlob", {"tierToHot": {}})],
        [changed("definition.actions.baseBlob.delete", {})],
        [
            changed(
                "definition.actions.baseBlob.delete", {"daysAfterModificationGreaterThan": -1}
            )
        ],
        [changed("definition.filters.blobTypes", [])],
        [changed("definition.filters.prefixMatch", ["a--b/x"])],
        [changed("definition.filters.prefixMatch", ["books/a"] * 11)],
        [changed("name", f"rule{n}") for n in range(101)],
    ],
)
def test_what_is_no_policy(
    manager: ResourceManager, issuer: Issuer, rules: list[dict[str, Any]]
) -> None:
    token = issuer.token("x", AUDIENCE)
    assert ask(manager, "PUT", token=token, rules=rules)[0] == 400
    assert manager.rules is None
