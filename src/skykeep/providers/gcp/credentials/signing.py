"""Signatures of a service account: with its key where that is here, else by Google.

The call: "Method: projects.serviceAccounts.signBlob" of the IAM Service Account Credentials
API. A user's login has no key, and one of workload identity federation none unless it acts as a
service account.
"""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable
from urllib.parse import quote

import msgspec

from skykeep.errors import Unsupported
from skykeep.providers.gcp.credentials.exchange import IAM, Exchange, decoded
from skykeep.providers.gcp.credentials.refusals import impersonation_refusal
from skykeep.providers.gcp.credentials.token import Token

ACCOUNT: Final = "serviceAccount:"


@runtime_checkable
class Signs(Protocol):
    """A source that has its own way to sign."""

    def sign(self, exchange: Exchange, data: bytes) -> bytes:
        """RSA with SHA-256, PKCS #1 v1.5. Blocks. Raises our errors."""
        ...


class _Request(msgspec.Struct):
    delegates: tuple[str, ...]
    payload: bytes


class _Signed(msgspec.Struct, rename="camel"):
    signed_blob: bytes


def signer(token: Token) -> str:
    """Who signs: the service account's e-mail. Raises ``Unsupported`` where nobody can."""
    principal = token.principal or ""
    if principal.startswith(ACCOUNT):
        return principal.removeprefix(ACCOUNT)
    raise Unsupported(
        f"{token.source} cannot sign: it is no service account",
        hint="set auth.impersonate to one that it may act as",
    )


def signed(source: object, token: Token, exchange: Exchange, data: bytes) -> bytes:
    """The signature of the service account that the token is of. Raises as ``signer``."""
    email = signer(token)
    if isinstance(source, Signs):
        return source.sign(exchange, data)
    return sign_blob(exchange, token, email, (), data)


def sign_blob(
    exchange: Exchange, token: Token, email: str, delegates: tuple[str, ...], data: bytes
) -> bytes:
    """The service account's signature, by Google; whose token it is needs
    ``iam.serviceAccounts.signBlob`` on the account, also where it is its own."""
    headers = {"Authorization": f"Bearer {token.value}", "Content-Type": "application/json"}
    url = f"{IAM}/v1/projects/-/serviceAccounts/{quote(email, safe='@')}:signBlob"
    body = msgspec.json.encode(_Request(delegates, data))
    try:
        reply = exchange.send("POST", url, headers=headers, body=body)
    finally:
        del headers
    if reply.status != 200:
        raise impersonation_refusal(reply, token.source, email)
    found = decoded(reply, _Signed, "the IAM Service Account Credentials API")
    assert isinstance(found, _Signed)  # noqa: S101 - what was asked for
    return found.signed_blob
