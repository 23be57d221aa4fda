"""Acting as a service account, by the IAM Service Account Credentials API.

The call: its reference, "Method: projects.serviceAccounts.generateAccessToken". Not
google-auth's class for it, which wants a source of its own kind; ours may be the metadata
server or gcloud.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import quote

import msgspec

from skykeep.errors import Unavailable
from skykeep.providers.gcp.auth_settings import CLOUD_PLATFORM
from skykeep.providers.gcp.credentials.exchange import IAM, Exchange, decoded
from skykeep.providers.gcp.credentials.refusals import impersonation_refusal
from skykeep.providers.gcp.credentials.signing import sign_blob
from skykeep.providers.gcp.credentials.token import Source, Token, service_account

LIFETIME: Final = 3600
"""Seconds; more needs an organisation's policy."""
ACCOUNTS: Final = "projects/-/serviceAccounts/"


class _Request(msgspec.Struct, rename="camel"):
    delegates: tuple[str, ...]
    scope: tuple[str, ...]
    lifetime: str


class _Granted(msgspec.Struct, rename="camel"):
    access_token: str
    expire_time: datetime


class Impersonated:
    """A service account that another identity acts as.

    Args:
        base: the other identity.
        email: the service account.
        delegates: those in between, in their order.
        quota_project: of the credentials file that says all this.
        url: the whole address to ask, where the file names one.
    """

    def __init__(
        self,
        base: Source,
        email: str,
        delegates: tuple[str, ...] = (),
        *,
        quota_project: str | None = None,
        url: str | None = None,
    ) -> None:
        self._base = base
        self._email = email
        self._delegates = tuple(f"{ACCOUNTS}{each}" for each in delegates)
        self._quota_project = quota_project
        self._url = url or f"{IAM}/v1/{ACCOUNTS}{quote(email, safe='@')}:generateAccessToken"

    def token(self, exchange: Exchange, scopes: tuple[str, ...]) -> Token:
        """With a token of the base, which is got for it each time."""
        base = self._base.token(exchange, (CLOUD_PLATFORM,))
        headers = {
            "Authorization": f"Bearer {base.value}",
            "Content-Type": "application/json",
        }
        body = msgspec.json.encode(_Request(self._delegates, scopes, f"{LIFETIME}s"))
        try:
            reply = exchange.send("POST", self._url, headers=headers, body=body)
        finally:
            del headers
        if reply.status != 200:
            raise impersonation_refusal(reply, base.source, self._email)
        granted = decoded(reply, _Granted, "the IAM Service Account Credentials API")
        assert isinstance(granted, _Granted)  # noqa: S101 - what was asked for
        if granted.expire_time.tzinfo is None:
            raise Unavailable(
                "the IAM Service Account Credentials API gives a time without zone"
            )
        return Token(
            granted.access_token,
            granted.expire_time.timestamp(),
            f"{base.source}, acting as {self._email}",
            principal=service_account(self._email),
            project=base.project,
            quota_project=self._quota_project or base.quota_project,
            renewable=base.renewable,
        )

    def sign(self, exchange: Exchange, data: bytes) -> bytes:
        """By Google, with a token of the base: it may act as the account, and so sign."""
        base = self._base.token(exchange, (CLOUD_PLATFORM,))
        return sign_blob(exchange, base, self._email, self._delegates, data)
