"""Vault's answers as our errors.

Vault has no error codes and gives refused requests no id: there is a status and a list of
English sentences. The sentences are matched only where one status means several things
(openbao ``website/content/api-docs/index.mdx``, "HTTP status codes"; ``sdk/logical/error.go``;
``vault/error.go``; Vault's ``website/content/api-docs/system/health.mdx`` for 472 and 473).
What a server of another kind answers, a proxy for example, is no answer of Vault's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from skykeep.errors import (
    ConfigError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    Quota,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces.names import shown
from skykeep.providers.wire import Reply


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of refusal.

    Attributes:
        status: of the reply.
        says: what a sentence of it has, lower case; ``""`` is anything.
        kind: our class for it.
        message: what it means; ``{said}`` is what the server said, ``{status}`` the status,
            ``{place}`` where a redirect leads.
        hint: what to do about it; ``{needs}`` is the capability and path of the request.
    """

    status: int
    says: str
    kind: type[SkykeepError]
    message: str
    hint: str = ""


def _standby(status: int) -> Row:
    return Row(
        status,
        "",
        Unavailable,
        "this node is a standby and sends its callers to {place}",
        "address that node, a load balancer that asks sys/health, or let standbys forward "
        "requests: the token is not sent to an address that is not configured",
    )


# The first row that fits counts.
TABLE: Final = (
    *(_standby(status) for status in (301, 302, 303, 307, 308)),
    Row(400, "check-and-set", Conflict, "the secret was changed meanwhile"),
    Row(
        400,
        "not supported",
        Unsupported,
        "Vault refuses it: {said}",
        "is the engine's version right? see kv in the configuration",
    ),
    Row(
        400,
        "namespace",
        ConfigError,
        "Vault refuses it: {said}",
        "check namespace in the configuration, or VAULT_NAMESPACE",
    ),
    Row(
        400,
        "from non-versioned",
        Unavailable,
        "the engine is being made ready for versions",
        "try again",
    ),
    Row(400, "", Invalid, "Vault refuses it: {said}"),
    Row(401, "", Unauthenticated, "Vault wants a token: {said}", "log in: see auth"),
    Row(403, "", Denied, "the token may not do this: {said}", "it needs {needs}"),
    Row(
        404,
        "no handler for route",
        ConfigError,
        "nothing is mounted at this path: {said}",
        "check mount, auth.mount and namespace in the configuration",
    ),
    Row(
        404,
        "namespace not found",
        ConfigError,
        "the server does not know the namespace",
        "check namespace in the configuration, or VAULT_NAMESPACE",
    ),
    Row(
        404,
        "versioned k/v",
        ConfigError,
        "the engine at the mount is KV 2",
        "set kv: 2 in the configuration, or leave it out",
    ),
    Row(404, "", NotFound, "there is nothing at this path"),
    Row(405, "", Unsupported, "Vault cannot do this here: {said}"),
    Row(412, "", Unavailable, "this node has not yet seen the latest write", "try again"),
    Row(413, "", Invalid, "the request is too large for Vault"),
    Row(
        429,
        "lease count quota",
        Quota,
        "Vault gives no more leases: {said}",
        "let tokens end that are not used, or raise the quota",
    ),
    Row(
        429,
        "",
        Throttled,
        "Vault asks for patience: {said}",
        "a rate limit quota or an overloaded server",
    ),
    Row(
        472,
        "",
        Unavailable,
        "this node is a disaster-recovery secondary, which answers no calls",
        "address the primary cluster",
    ),
    Row(
        473,
        "",
        Unavailable,
        "this node is a performance standby, which cannot answer this",
        "address the active node",
    ),
    Row(500, "value being too large", Invalid, "the value is too large for Vault's storage"),
    Row(500, "no space left", Quota, "Vault's storage is full"),
    Row(503, "sealed", Unavailable, "the vault is sealed", "unseal it: vault operator unseal"),
    Row(
        503,
        "uninitialized",
        Unavailable,
        "the vault is not initialized",
        "initialize it: vault operator init",
    ),
)
SERVER: Final = Row(
    0,
    "",
    Unavailable,
    "Vault cannot answer now (HTTP {status}): {said}",
    "see the server's log",
)
FOREIGN: Final = Row(
    0,
    "",
    Unavailable,
    "something else than Vault answers at this address (HTTP {status})",
    "check the address, and the proxies on the way",
)
_BY_STATUS: Final = frozenset({301, 302, 303, 307, 308, 413, 429, 472, 473})
"""Statuses that mean the same without a body, and from a load balancer."""


class _Said(msgspec.Struct):
    errors: list[str] | None = None
    warnings: list[str] | None = None
    request_id: str | None = None


def sentences(reply: Reply) -> Sequence[str] | None:
    """What the server says is wrong: its errors, or its warnings where it gives a 404 no
    errors. None if this is no answer of Vault's."""
    try:
        said = msgspec.json.decode(reply.body, type=_Said)
    except msgspec.MsgspecError:
        return None
    if said.errors is None and said.request_id is None:
        return None
    return said.errors or (said.warnings if reply.status == 404 else None) or ()


def error_of(reply: Reply, method: str = "", path: str = "") -> SkykeepError:
    """The error that a reply of status 300 and above is, and one that is not Vault's."""
    found = sentences(reply)
    said = " ".join("; ".join(found or ()).split())[:300] or "no reason was given"
    row = _row(reply.status, said.lower())
    if found is None and reply.status < 500 and reply.status not in _BY_STATUS:
        row = FOREIGN
    place = urlsplit(reply.headers.get("Location", "")).netloc.rpartition("@")[2]
    message = row.message.format(said=said, status=reply.status, place=place or "another one")
    hint = row.hint.format(needs=_needs(method, path))
    if row.kind is Throttled:
        return Throttled(message, retry_after=_patience(reply), hint=hint)
    return row.kind(message, hint=hint)


def token_is_known(reply: Reply) -> bool | None:
    """Whether a request that was refused with 403 had a good token; None: it does not say.

    A policy's refusal comes as a list of errors ("1 error occurred: …", since it is made
    after the token was found); newer versions of Vault say "invalid token" of one that is none.
    """
    said = "; ".join(sentences(reply) or ()).lower()
    if "invalid token" in said or "bad token" in said:
        return False
    if "error occurred" in said or "preflight" in said:
        return True
    return None


def _row(status: int, said: str) -> Row:
    for row in TABLE:
        if row.status == status and row.says in said:
            return row
    return SERVER


def _needs(method: str, path: str) -> str:
    what = {"GET": "read", "LIST": "list", "DELETE": "delete"}.get(method, "create and update")
    return f"'{what}' on {shown(unquote(path.partition('?')[0]))}" if path else "a policy"


def _patience(reply: Reply) -> float | None:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3); Vault sends no dates in it."""
    text = reply.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None
