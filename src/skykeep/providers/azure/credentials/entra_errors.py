"""What Microsoft Entra answers instead of a token -> ours.

By number first ("Microsoft Entra authentication and authorization error codes",
learn.microsoft.com/entra/identity-platform/reference-error-codes), and, since Microsoft says
there that numbers change, by the OAuth error (RFC 6749, 5.2) where the number is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from skykeep.errors import (
    ConfigError,
    Denied,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.wire import Reply

_SECRET = "make a new one, or use one of its values (auth.client_secret_env)"  # noqa: S105  (a sentence)  # pragma: allowlist secret
_FEDERATION = "compare issuer, subject and audience with the application's federated credential"
_LOGIN = "log in again: az login (or azd auth login, Connect-AzAccount)"
_APP = "check auth.client_id and auth.tenant"
_CERTIFICATE = "upload this certificate to the application, or use the one that is there"
_CLOUD = "check cloud, auth.tenant and auth.authority: each cloud has its own"

TABLE: Final[dict[int, tuple[type[SkykeepError], str, str]]] = {
    7000215: (Unauthenticated, "the client secret is wrong", f"its id is no secret; {_SECRET}"),
    7000222: (Unauthenticated, "the client secret has expired", _SECRET),
    7000216: (Unauthenticated, "a client secret or an assertion is missing", _SECRET),
    7000218: (Unauthenticated, "a client secret or an assertion is missing", _SECRET),
    700016: (Unauthenticated, "the application is not in this tenant", _APP),
    7000229: (Unauthenticated, "the application has no service principal in this tenant", _APP),
    7000112: (Denied, "the application is disabled", "enable it in Entra"),
    700054: (ConfigError, "the application does not allow this kind of login", _APP),
    90002: (ConfigError, "there is no such tenant", _CLOUD),
    900021: (ConfigError, "there is no such tenant", _CLOUD),
    900023: (ConfigError, "the tenant is neither an id nor a domain", "check auth.tenant"),
    90013: (ConfigError, "Entra does not take the login as it is", ""),
    900382: (ConfigError, "the application is of another cloud", _CLOUD),
    90072: (Unauthenticated, "the account is not in this tenant", "check auth.tenant"),
    500011: (ConfigError, "this tenant does not know Key Vault by that scope", _CLOUD),
    70011: (ConfigError, "the scope is not valid", _CLOUD),
    1002012: (ConfigError, "the scope is not valid", _CLOUD),
    650057: (ConfigError, "the application may not ask for this resource", _CLOUD),
    65001: (Denied, "nobody consented to this application", "an administrator has to"),
    700213: (Unauthenticated, "no federated credential has this token's subject", _FEDERATION),
    700211: (Unauthenticated, "no federated credential has this token's issuer", _FEDERATION),
    700212: (Unauthenticated, "no federated credential has this token's audience", _FEDERATION),
    700238: (Unauthenticated, "no federated credential fits this token", _FEDERATION),
    70021: (Unauthenticated, "no federated credential fits this token", _FEDERATION),
    700024: (
        Unauthenticated,
        "the token or certificate that was shown is not within its time",
        "is this host's clock right, and is the token file renewed?",
    ),
    700023: (Unauthenticated, "the audience of the assertion is wrong", _FEDERATION),
    700027: (Unauthenticated, "the certificate is not the application's", _CERTIFICATE),
    700030: (
        Unauthenticated,
        "the certificate's subject is not one that the application trusts",
        _CERTIFICATE,
    ),
    1000502: (
        Unauthenticated,
        "the certificate has expired, or is not valid yet",
        _CERTIFICATE,
    ),
    50027: (Unauthenticated, "the token that was shown is malformed", "look at its file"),
    5002730: (Unauthenticated, "the token that was shown is malformed", "look at its file"),
    500132: (Unauthenticated, "the token that was shown is malformed", "look at its file"),
    50013: (
        Unauthenticated,
        "the token that was shown is not signed by its issuer",
        _FEDERATION,
    ),
    50034: (Unauthenticated, "there is no such account in this tenant", "check auth.tenant"),
    50020: (Unauthenticated, "the account is not in this tenant", "check auth.tenant"),
    50053: (Denied, "the account is locked, or the address is blocked", "wait, or ask Entra"),
    50057: (Denied, "the account is disabled", ""),
    50055: (Unauthenticated, "the account's password has expired", _LOGIN),
    50126: (Unauthenticated, "the user name or the password is wrong", _LOGIN),
    50058: (Unauthenticated, "nobody is logged in", _LOGIN),
    50076: (Unauthenticated, "the login wants a second factor", _LOGIN),
    50079: (Unauthenticated, "the login wants a second factor", _LOGIN),
    50078: (Unauthenticated, "the second factor has expired", _LOGIN),
    50132: (Unauthenticated, "the login was ended", _LOGIN),
    50133: (Unauthenticated, "the login was ended", _LOGIN),
    50173: (Unauthenticated, "the login was ended", _LOGIN),
    70008: (Unauthenticated, "the login has expired", _LOGIN),
    70043: (Unauthenticated, "the login has expired", _LOGIN),
    700082: (Unauthenticated, "the login has expired", _LOGIN),
    700084: (Unauthenticated, "the login has expired", _LOGIN),
    53000: (Denied, "Conditional Access wants a compliant device", "ask Entra's administrator"),
    53001: (Denied, "Conditional Access wants a joined device", "ask Entra's administrator"),
    53003: (Denied, "Conditional Access forbids it", "ask Entra's administrator"),
    530036: (Denied, "Conditional Access forbids it", "ask Entra's administrator"),
    50105: (Denied, "nobody assigned this application to the account", "assign it in Entra"),
    50196: (Throttled, "Entra saw the same request too often", ""),
    90033: (Unavailable, "Entra has a fault that passes", ""),
    90024: (Unavailable, "Entra has a fault that passes", ""),
    90012: (Unavailable, "Entra took too long", ""),
    10001: (Unavailable, "Entra has a fault that passes", ""),
}
BY_ERROR: Final[dict[str, tuple[type[SkykeepError], str, str]]] = {
    "invalid_client": (Unauthenticated, "Entra refused the credentials", _APP),
    "unauthorized_client": (Unauthenticated, "Entra refused the application", _APP),
    "invalid_grant": (Unauthenticated, "Entra refused the login", _LOGIN),
    "interaction_required": (Unauthenticated, "Entra wants a person to log in", _LOGIN),
    "invalid_scope": (ConfigError, "the scope is not valid", _CLOUD),
    "invalid_resource": (ConfigError, "this tenant does not know Key Vault", _CLOUD),
    "invalid_request": (ConfigError, "Entra does not take the login as it is", _APP),
    "temporarily_unavailable": (Unavailable, "Entra has a fault that passes", ""),
    "server_error": (Unavailable, "Entra has a fault that passes", ""),
}

_NUMBER = re.compile(r"AADSTS(\d{4,8})")
_TRACE = re.compile(r"Trace ID: ([0-9a-fA-F-]{36})")
_UNPRINTABLE = re.compile(r"[^ -~]+")
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,2}")  # begins with '{"'
LONGEST: Final = 300  # characters of a foreign sentence that are shown


class Refusal(msgspec.Struct):
    """The body of an error."""

    error: str = ""
    error_description: str = ""
    error_codes: list[int] = []
    trace_id: str = ""


def sentence(text: str, hidden: Iterable[str] = ()) -> str:
    """The first line of a foreign text, fit to be shown; ``""`` if ``hidden`` is in it."""
    if any(word and word in text for word in hidden):
        return ""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return _TOKEN.sub("***", _UNPRINTABLE.sub(" ", line))[:LONGEST].strip()


def numbers_in(text: str) -> list[int]:
    """The AADSTS numbers that a text has."""
    return [int(found) for found in _NUMBER.findall(text)]


def error_of(reply: Reply, source: str, hidden: Sequence[str] = ()) -> SkykeepError:
    """The error that an answer of the token endpoint is."""
    try:
        said = msgspec.json.decode(reply.body, type=Refusal, strict=False)
    except msgspec.MsgspecError:
        said = Refusal()  # its exception may show a part of the body
    text = sentence(said.error_description, hidden)
    made = refusal(
        said.error_codes or numbers_in(text), said.error, text, source, request_id=said.trace_id
    )
    if made is None:
        made = by_status(reply, f"Entra gave no token for {source}", text or said.error)
        made.request_id = said.trace_id
    if isinstance(made, Throttled):
        made.retry_after = seconds_of(reply)
    return made


def refusal(
    numbers: Sequence[int], error: str, text: str, source: str, *, request_id: str = ""
) -> SkykeepError | None:
    """The error that AADSTS numbers, or the OAuth error, stand for; None if neither is known.

    ``text`` is Entra's own sentence, made fit by `sentence`.
    """
    row = next((TABLE[number] for number in numbers if number in TABLE), BY_ERROR.get(error))
    if row is None:
        return None
    kind, says, hint = row
    message = f"{says} ({source})"
    if text:
        message += f": {text.rstrip('.')}"
    made = kind(message, hint=hint)
    made.request_id = request_id
    return made


def by_status(reply: Reply, what: str, text: str) -> SkykeepError:
    """The error that a status stands for, where nothing else is known."""
    message = f"{what}: HTTP {reply.status}" + (f", {text}" if text else "")
    if reply.status == 429:
        return Throttled(message, retry_after=seconds_of(reply))
    if reply.status >= 500:
        return Unavailable(message)
    return Unauthenticated(message, hint="look at the authority, the endpoint and the proxy")


def seconds_of(reply: Reply) -> float | None:
    """What ``Retry-After`` says, if it says seconds."""
    text = reply.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def trace_in(text: str) -> str:
    """The trace id in a sentence of Entra's; ``""`` if there is none."""
    found = _TRACE.search(text)
    return found[1] if found else ""
