"""Azure Resource Manager, as far as one storage account goes: its location, and its policy of
lifecycle.

Paths, versions and bodies: azure-rest-api-specs ``specification/storage/resource-manager/
Microsoft.Storage/stable/2023-05-01/{storage,managementpolicies}.json``; what a rule may say
besides: "Configure a lifecycle management policy" (azure-docs). Checked are the version, the
token's audience and time (not its signature), and the body; what a policy does is not done.
"""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any

from tests.peers.fakes.serving import Fake, Reply, Request, as_json

AUDIENCE = "https://management.azure.com"
VERSION = "2023-05-01"
SUBSCRIPTION = "5ca1ab1e-0000-4000-8000-000000000001"  # made up
GROUP = "rg_tests(1)"
LOCATION = "westeurope"
RULES = 100
PREFIXES = 10
_ACTIONS = {"tierToCool", "tierToCold", "tierToArchive", "delete"}
_PREFIX = re.compile(r"(?=[^/]{3,63}/)[a-z0-9]+(-[a-z0-9]+)*/")


class ResourceManager(Fake):
    """Knows the account ``account``.

    ``rules`` are the policy's, None while there is none; ``next`` the replies that come before
    the right ones.
    """

    def __init__(self, account: str) -> None:
        super().__init__()
        self.path = (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg_tests%281%29"
            f"/providers/Microsoft.Storage/storageAccounts/{account}"
        )
        self.rules: list[dict[str, Any]] | None = None
        self.next: list[Reply] = []

    def answer(self, request: Request) -> Reply:
        if self.next:
            return self.next.pop(0)
        if not _is_good(request.headers.get("authorization", "")):
            return error(401, "InvalidAuthenticationToken")
        if request.query != {"api-version": VERSION}:
            return error(400, "NoRegisteredProviderFound")
        if not request.path.startswith(self.path):
            return error(404, "ResourceNotFound")
        below = request.path.removeprefix(self.path)
        if (request.method, below) == ("GET", ""):
            return as_json(200, {"location": LOCATION, "kind": "StorageV2"})
        if below != "/managementPolicies/default":
            return error(404, "ResourceNotFound")
        if request.method == "PUT":
            return self._put(request)
        if request.method == "DELETE":
            self.rules = None
            return Reply(200)
        if self.rules is None:
            return error(404, "ManagementPolicyNotFound")
        return as_json(200, self._shown())

    def _put(self, request: Request) -> Reply:
        if request.headers.get("content-type") != "application/json":
            return error(415, "UnsupportedMediaType")
        body = json.loads(request.body)
        rules = body["properties"]["policy"]["rules"]
        wrong = "no rules" if not 1 <= len(rules) <= RULES else ""
        names = [rule.get("name", "") for rule in rules]
        if len(set(names)) < len(names):
            wrong = "a name comes twice"
        for rule in rules:
            wrong = wrong or _wrong_with(rule)
        if wrong:
            return error(400, "InvalidRequestPropertyValue", wrong)
        self.rules = rules
        return as_json(200, self._shown())

    def _shown(self) -> dict[str, Any]:
        return {
            "name": "DefaultManagementPolicy",
            "properties": {
                "lastModifiedTime": "2026-01-31T12:00:00Z",
                "policy": {"rules": self.rules},
            },
        }


def error(status: int, code: str, message: str = "in its words") -> Reply:
    """As the Resource Manager tells of one."""
    reply = as_json(status, {"error": {"code": code, "message": message}})
    return Reply(status, reply.body, {**reply.headers, "x-ms-request-id": "request-1"})


def _is_good(header: str) -> bool:
    kind, _, token = header.partition(" ")
    parts = token.split(".")
    if kind != "Bearer" or len(parts) != 3:
        return False
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return bool(claims["aud"] == AUDIENCE and claims["exp"] > time.time())


def _wrong_with(rule: dict[str, Any]) -> str:
    if set(rule) - {"enabled"} != {"name", "type", "definition"} or rule["type"] != "Lifecycle":
        return "fields of a rule"
    if not re.fullmatch(r"[A-Za-z0-9]{1,256}", rule["name"]):
        return "a rule's name"
    definition = rule["definition"]
    if set(definition) != {"actions", "filters"}:
        return "fields of a definition"
    base = definition["actions"].get("baseBlob", {})
    if not base or set(base) - _ACTIONS:
        return "actions"
    for age in base.values():
        days = age.get("daysAfterModificationGreaterThan", -1)
        if set(age) != {"daysAfterModificationGreaterThan"} or not 0 <= days <= 99_999:
            return "days"
    filters = definition["filters"]
    if filters.get("blobTypes") != ["blockBlob"]:
        return "types of blobs"
    prefixes = filters.get("prefixMatch", [])
    if len(prefixes) > PREFIXES or not all(map(_PREFIX.match, prefixes)):
        return "prefixes"
    return ""
