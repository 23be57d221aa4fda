"""The storage account as Azure's Resource Manager knows it: its region, and the rules by which
it ages blobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from skykeep.errors import ConfigError, Denied, Invalid, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.providers.azure.blob.errors import Failure, explain
from skykeep.providers.azure.blob.rules import MAX_RULES, Rules
from skykeep.providers.azure.errors import patience
from skykeep.providers.azure.session import TokenSource
from skykeep.providers.wire import Reply, Wire

API_VERSION: Final = "2023-05-01"
"""Of ``Microsoft.Storage`` (azure-rest-api-specs, ``specification/storage``)."""
NO_POLICY: Final = "ManagementPolicyNotFound"
READ: Final = "Microsoft.Storage/storageAccounts/read"
RULES: Final = "Microsoft.Storage/storageAccounts/managementPolicies"


class _Said(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Refusal(msgspec.Struct):
    error: _Said


class _Account(msgspec.Struct):
    location: str = ""


class Management:
    """Asks about one account.

    Args:
        wire: to the Resource Manager.
        tokens: whose.
        scope: what tokens are asked for.
        tenant: the one that the settings name.
        account: the path of the account.
        rules: which of its rules are ours.
    """

    def __init__(
        self,
        wire: Wire,
        tokens: TokenSource,
        scope: str,
        tenant: str | None,
        *,
        account: str,
        rules: Rules,
    ) -> None:
        self._wire = wire
        self._tokens = tokens
        self._scope = scope
        self._tenant = tenant
        self._account = account
        self._rules = rules

    async def region(self) -> str | None:
        """Where the account is, ``westeurope``."""
        reply = await self._good("GET", "", needs=READ)
        return _decoded(reply, _Account).location or None

    async def lifecycle(self) -> Sequence[LifecycleRule]:
        """Our rules, in the order of their prefixes."""
        return self._rules.told((await self._policy())[0])

    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        """Make our rules these; others' stay. Azure knows no conditions here: of two who change
        rules at once, the later one counts.

        Raises ``Invalid`` before anything is changed.
        """
        ours = self._rules.made(rules)
        there, whole = await self._policy()
        others = [rule for rule in there if not self._rules.own(rule)]
        if there == others + ours:
            return
        if len(others) + len(ours) > MAX_RULES:
            raise Invalid(
                f"an account has at most {MAX_RULES} rules of lifecycle; {len(others)} are "
                "others'"
            )
        if not others and not ours:
            await self._good("DELETE", "/managementPolicies/default", needs=f"{RULES}/delete")
            return
        whole["rules"] = others + ours
        body = {"properties": {"policy": whole}}
        packed = msgspec.json.encode(body)
        await self._good("PUT", "/managementPolicies/default", packed, needs=f"{RULES}/write")

    async def _policy(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The account's rules, and what they are in, which may say more than we know of."""
        try:
            reply = await self._good(
                "GET", "/managementPolicies/default", needs=f"{RULES}/read"
            )
        except NotFound:
            return [], {}
        found = _decoded(reply, dict[str, Any])
        policy = found.get("properties", {}).get("policy", {})
        return list(policy.get("rules", [])), dict(policy)

    async def _good(self, method: str, below: str, body: bytes = b"", *, needs: str) -> Reply:
        """The answer. Raises what a refusal means; ``NotFound`` where there are no rules."""
        target = f"{self._account}{below}?api-version={API_VERSION}"
        token = await self._tokens.token(self._scope, self._tenant)
        try:
            reply = await self._send(method, target, token, body)
            if reply.status == 401:
                token = await self._tokens.another(self._scope, token, self._tenant)
                reply = await self._send(method, target, token, body)
        finally:
            del token  # reports of errors may show the variables of a frame
        if reply.status < 300:
            return reply
        raise _error_of(reply, needs)

    async def _send(self, method: str, target: str, token: str, body: bytes) -> Reply:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        del token
        if body:
            headers["content-type"] = "application/json"
        try:
            return await self._wire.send(method, target, headers=headers, body=body)
        finally:
            del headers

    async def close(self) -> None:
        """Close the connections."""
        try:
            await self._tokens.close()
        finally:
            await self._wire.close()

    def after_fork(self) -> None:
        """Tokens stay, connections do not."""
        self._tokens.after_fork()
        self._wire.after_fork()


def account_path(subscription: str, group: str, account: str) -> str:
    """Where the Resource Manager has the account."""
    return (
        f"/subscriptions/{subscription}/resourceGroups/{quote(group, safe='')}"
        f"/providers/Microsoft.Storage/storageAccounts/{account}"
    )


def _error_of(reply: Reply, needs: str) -> SkykeepError:
    """Our error for what the Resource Manager refuses; its codes are those of "Resource Manager
    error codes" and of ``Microsoft.Storage``."""
    try:
        said = msgspec.json.decode(reply.body, type=_Refusal).error
    except msgspec.MsgspecError:
        said = _Said()
    request_id = reply.headers.get("x-ms-request-id", "")
    title = "Azure Resource Manager"
    if said.code == NO_POLICY:
        return NotFound("the account has no rules of lifecycle", request_id=request_id)
    if said.code in {"AuthorizationFailed", "LinkedAuthorizationFailed"}:
        return Denied(
            f"{title}: these credentials may not do this: {said.code}",
            hint=f"they need {needs} for the storage account",
            request_id=request_id,
        )
    if said.code in {"ResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound"}:
        return ConfigError(
            f"{title}: there is no such storage account: {said.code}",
            hint="see subscription, resource_group and storage_account",
        )
    failure = Failure(
        reply.status,
        said.code,
        "",
        request_id,
        reply.headers.get("date", ""),
        patience(reply.headers.get("retry-after", "")),
    )
    return explain(failure, subject="the account", action="the Resource Manager")


def _decoded(reply: Reply, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except msgspec.MsgspecError:
        pass
    raise Unavailable(
        "something else than Azure Resource Manager answers at this address",
        hint="look at management_endpoint and at the proxies on the way",
    )
