"""Whose credentials a call to Google is made with: found once, renewed ahead of their end.

Belongs here: the links of Google's chain (Application Default Credentials), gcloud's own login,
acting as a service account, and what is told when there is no token. Does not: what the tokens
are for. google-auth signs, exchanges and refreshes what is in files; it is imported when a file
is found, in the thread that looks for a token. The metadata server, gcloud and
impersonation need none of it.

``chain.py`` the order · ``files.py`` kinds of files · ``library.py`` google-auth's classes ·
``metadata.py`` · ``gcloud.py`` · ``impersonation.py`` · ``signing.py`` signatures ·
``exchange.py`` requests · ``refusals.py`` what token services refuse with · ``token.py`` what
comes out
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from skykeep.errors import Unauthenticated
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.renewed import Renewed
from skykeep.providers.gcp.credentials.chain import Chain
from skykeep.providers.gcp.credentials.gcloud import project_of
from skykeep.providers.gcp.credentials.signing import signer
from skykeep.providers.gcp.credentials.token import Token
from skykeep.providers.gcp.settings import GcpSettings

GOOGLE_CLOUD_PROJECT: Final = "GOOGLE_CLOUD_PROJECT"
GCLOUD_PROJECT: Final = "GCLOUD_PROJECT"
GOOGLE_CLOUD_QUOTA_PROJECT: Final = "GOOGLE_CLOUD_QUOTA_PROJECT"

AHEAD: Final = 225.0
"""Seconds before its end from which on a token is renewed beside the calls that use it: what
google-auth takes (``_helpers.REFRESH_THRESHOLD``), since the metadata server has no other one
until five minutes before."""
LAST: Final = 30.0
"""Seconds before its end from which on no call begins with it."""


class Credentials:
    """The token of one target, for all its clients; from any event loop."""

    def __init__(self, settings: GcpSettings, environ: Mapping[str, str], target: str) -> None:
        self._settings = settings
        self._environ = environ
        self.chain = Chain(settings, environ, target)
        self._renewed = Renewed[Token](
            self.chain,
            lambda token: token.ends,
            ahead=AHEAD,
            last=LAST,
            name="skykeep google credentials",
        )

    @property
    def quota_project(self) -> str | None:
        """The project whose quota is used, if any is named; known after the first token."""
        kept = self._renewed.kept
        return (
            self._settings.auth.quota_project
            or self._environ.get(GOOGLE_CLOUD_QUOTA_PROJECT)
            or (kept.quota_project if kept else None)
        )

    async def token(self) -> str:
        """What follows ``Bearer``. Raises ``Unauthenticated``, ``Denied``, ``Throttled``,
        ``Unavailable``, ``ConfigError``, ``MissingExtra``."""
        return (await self._renewed.current()).value

    async def known(self) -> Token:
        """The token with what is known of it. Raises as ``token``."""
        return await self._renewed.current()

    async def signer(self) -> str:
        """The e-mail of the service account that ``sign`` signs for. Raises as ``token``, and
        ``Unsupported`` for credentials that are no service account's."""
        return signer(await self._renewed.current())

    async def sign(self, data: bytes) -> bytes:
        """Its signature: RSA with SHA-256. Raises as ``signer``."""
        token = await self._renewed.current()
        return await asyncio.to_thread(self.chain.sign, token, data)

    async def another(self, refused: str, now: datetime | None = None) -> str:
        """A token in the place of one that Google refused, by its clock at ``now``. Raises
        ``Unauthenticated`` if there is no other."""
        if now is not None:
            self.chain.ahead = (now - datetime.now(UTC)).total_seconds()
        kept = self._renewed.kept
        if kept is not None and kept.value == refused:
            kept = await self._renewed.another(kept)
        elif kept is None:
            kept = await self._renewed.current()
        if kept.value == refused:
            raise Unauthenticated(
                f"Google does not accept the token from {kept.source}",
                hint="is its key or account deleted or disabled, or this host's clock wrong?",
            )
        return kept.value

    async def project(self) -> str | None:
        """The project of the environment, else of the credentials, else of gcloud's active
        configuration. Raises as ``token``."""
        named = self._environ.get(GOOGLE_CLOUD_PROJECT) or self._environ.get(GCLOUD_PROJECT)
        if named:
            return named
        return (await self._renewed.current()).project or project_of(self._environ)

    async def close(self) -> None:
        """Nothing is held: connections end with the search that made them."""

    def after_fork(self) -> None:
        """In a forked child: the token stays; who was getting one is not here."""
        self._renewed.after_fork()


async def open_credentials(settings: GcpSettings, context: OpenContext) -> Credentials:
    """The credentials of a target. Cheap: nothing is read and nobody asked yet."""
    return Credentials(settings, context.environ, context.target)
