"""Key Vault's errors -> ours: by code, in a table; by HTTP status only where there is no code.

The service answers ``{"error": {"code": …, "message": …, "innererror": {"code": …}}}``
(``azure.keyvault.secrets._generated.models.KeyVaultError`` 4.12), and the inner code says more.
It has no list of codes; those here are from azure-security-docs ``articles/key-vault/general/
{rest-error-codes,common-error-codes}.md``, from recorded answers in azure-sdk-for-{js,net} and
from what users have met (issues azure-sdk-for-js 24756, terraform-provider-azurerm 10454 and
12285, azure-sdk-for-net 26027; the sources of single answers are in the tests' fake).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

import msgspec

from skykeep.errors import (
    ConfigError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    PendingDelete,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
    VersionUnavailable,
)
from skykeep.interfaces.names import shown
from skykeep.providers.wire import Reply

DISABLED: Final = "SecretDisabled"
DELETING: Final = "ObjectIsBeingDeleted"
RECOVERING: Final = "ObjectIsBeingRecovered"
TOMBSTONE: Final = "ObjectIsDeletedButRecoverable"
MISSING: Final = "SecretNotFound"
UNABLE: Final = frozenset({"ForbiddenByPolicy", "ForbiddenByRbac", "AccessDenied"})
"""The credentials lack a right; other kinds of 403 are about the way or the secret."""


class Row(NamedTuple):
    """What a code means.

    Attributes:
        kind: the error that is raised.
        says: what went wrong; ``{name}`` is what it is about.
        hint: what to do; ``{needs}`` is the right that the request needs.
        quote: the service's own words may be added: they do not quote what we sent.
    """

    kind: type[SkykeepError]
    says: str
    hint: str = ""
    quote: bool = False


_LATER = "Azure needs some seconds for it: try again"
_RIGHTS = (
    "it needs the right '{needs}' on secrets; `skykeep doctor` shows the smallest role "
    "assignment, which takes minutes to be known everywhere"
)
_DENIED = Row(Denied, "these credentials have no right to this ({name})", _RIGHTS)
_DOWN = Row(Unavailable, "Azure Key Vault failed inside", "try again; see status.azure.com")
_BUSY = Row(
    Throttled,
    "Azure Key Vault asks for patience",
    "a vault answers 4,000 requests in 10 s, and makes 300 secrets: cache, or use more vaults",
)
_BAD = Row(Invalid, "Azure Key Vault refuses the request for {name} as malformed")
_WHO = Row(
    Unauthenticated,
    "Azure Key Vault does not accept the token",
    "`skykeep doctor` shows whose it is",
    quote=True,
)
_GONE = Row(NotFound, "there is no secret {name} in this vault, or no such version of it")
_NO_VAULT = Row(
    ConfigError, "there is no such vault", "check vault_url, or vault and cloud, for its name"
)

TABLE: Final[Mapping[str, Row]] = {
    DISABLED: Row(
        VersionUnavailable,
        "this version of {name} is disabled",
        "enable it: az keyvault secret set-attributes --enabled true",
    ),
    MISSING: _GONE,
    TOMBSTONE: Row(
        PendingDelete,
        "the secret {name} was deleted and its tombstone holds the name",
        "restore or purge it first",
    ),
    DELETING: Row(PendingDelete, "the secret {name} is being deleted or purged", _LATER),
    RECOVERING: Row(Conflict, "the secret {name} is being restored", _LATER),
    "Conflict": Row(Conflict, "another request is changing {name}", _LATER, quote=True),
    "ConflictError": Row(Conflict, "another request is changing {name}", _LATER, quote=True),
    "ObjectAlreadyExists": Row(Conflict, "the name {name} exists already"),
    "SecretManagedByKeyVault": Row(
        Unsupported,
        "the secret {name} belongs to a certificate of the vault, which changes it",
        "nothing happened; change the certificate",
    ),
    "ForbiddenByPolicy": _DENIED,
    "ForbiddenByRbac": _DENIED,
    "AccessDenied": _DENIED,
    "Forbidden": Row(Denied, "Azure Key Vault forbids this ({name})", _RIGHTS, quote=True),
    "ForbiddenByFirewall": Row(
        Denied,
        "the vault's firewall does not let this host in",
        "let its address in (az keyvault network-rule add), or come by the vault's network",
        quote=True,
    ),
    "ForbiddenByConnection": Row(
        Denied,
        "the vault is closed to the public network, and this host does not come by its "
        "private link",
        "run this inside of its network, or check that the vault's name leads there in the DNS",
    ),
    "Unauthorized": _WHO,
    "AKV10000": Row(
        Unauthenticated, "Azure Key Vault has seen no token", "is a proxy taking it?"
    ),
    "AKV10022": Row(
        Unauthenticated,
        "the token is for another service than this cloud's vaults",
        "check vault_url and cloud: is the vault in the cloud that the credentials are of?",
        quote=True,
    ),
    "AKV10032": Row(
        Unauthenticated,
        "the token is of another tenant than the vault's",
        "set tenant to the vault's own, and log in there",
        quote=True,
    ),
    "AKV10046": Row(
        Unauthenticated,
        "Azure Key Vault cannot verify the token's signature now",
        "try again; if it stays so, is the token of this cloud?",
    ),
    "BadParameter": _BAD,
    "BadRequest": _BAD,
    "NotSupported": Row(Unsupported, "Azure Key Vault cannot do this here", quote=True),
    "MethodNotAllowed": Row(Unsupported, "Azure Key Vault cannot do this here", quote=True),
    "SecretTooLarge": Row(Invalid, "the value of {name} is too large for Azure Key Vault"),
    "RequestTooLarge": Row(Invalid, "the request for {name} is too large for Azure Key Vault"),
    "Throttled": _BUSY,
    "TooManyRequests": _BUSY,
    "VaultNotFound": _NO_VAULT,
    "ResourceNotFound": _NO_VAULT,
    "InternalServerError": _DOWN,
    "InternalError": _DOWN,
    "ServiceUnavailable": Row(
        Unavailable, "Azure Key Vault is not available now", "try again; see status.azure.com"
    ),
    "ServerBusy": Row(Unavailable, "Azure Key Vault is overloaded", "try again"),
    "GatewayTimeout": _DOWN,
    "RequestTimeout": _DOWN,
}

# A code that nobody has met yet.
_BY_STATUS: Final[Mapping[int, Row]] = {
    400: _BAD,
    401: _WHO,
    403: TABLE["Forbidden"],
    404: _GONE,
    409: TABLE["Conflict"],
    413: TABLE["RequestTooLarge"],
    429: _BUSY,
}
FOREIGN: Final = Row(
    Unavailable,
    "something else than Azure Key Vault answers at this address (HTTP {status})",
    "check vault_url, and the proxies on the way",
)
_AKV = re.compile(r"AKV[0-9]{5}")


class _Said(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    innererror: _Said | None = None
    innerError: _Said | None = None  # noqa: N815 - as older versions of the service spell it


class _Body(msgspec.Struct):
    error: _Said


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal.

    Attributes:
        code: the innermost that the service gave; ``""`` if this is no answer of its.
        said: its own words, which may quote a part of a token.
        inner: the innermost code as given, also where ``TABLE`` has none like it.
    """

    status: int
    code: str
    said: str = field(repr=False)
    request_id: str
    retry_after: float | None = None
    inner: str = ""


def failure_of(reply: Reply) -> Failure:
    """What a reply of status 300 and above says."""
    try:
        error = msgspec.json.decode(reply.body, type=_Body).error
    except msgspec.MsgspecError:
        error = _Said()
    inner = error.innererror or error.innerError
    said = " ".join((error.message or "").split())[:300]
    code = (inner.code if inner is not None else None) or error.code or ""
    if code == "Unauthorized" and (found := _AKV.match(said)):
        code = found.group()
    # An inner code that is not known says less than the outer one.
    if code not in TABLE and error.code is not None and error.code in TABLE:
        code = error.code
    return Failure(
        reply.status,
        code,
        said,
        reply.headers.get("x-ms-request-id", ""),
        patience(reply.headers.get("Retry-After", "")),
        (inner.code if inner is not None else None) or "",
    )


def error_of(failure: Failure, name: str, needs: str) -> SkykeepError:
    """The error that it is. ``name`` is the secret's, or what else it was about, as the
    application knows it; ``needs`` the right that the request needed."""
    row = _row(failure)
    message = row.says.format(name=shown(name), status=failure.status)
    hint = row.hint.format(needs=needs)
    if row.quote and failure.said:
        message += f": {failure.said}"
    error: SkykeepError
    if row.kind is Throttled:
        error = Throttled(message, retry_after=failure.retry_after, hint=hint)
    elif row.kind is ConfigError:
        error = ConfigError(message, hint=hint)
    else:
        error = row.kind(message, hint=hint)
    error.resource = name
    error.request_id = failure.request_id
    return error


def _row(failure: Failure) -> Row:
    if failure.code in TABLE:
        return TABLE[failure.code]
    if failure.status >= 500:
        return _DOWN
    if failure.status == 429 or failure.code:
        return _BY_STATUS.get(failure.status, FOREIGN)
    return FOREIGN


def patience(text: str) -> float | None:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3): a number, or a date."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
