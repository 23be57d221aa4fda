"""By what right requests are made: Entra's tokens, the account's key, a shared access
signature."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol
from urllib.parse import parse_qsl

from skykeep.errors import ConfigError
from skykeep.providers.azure.blob.signing import signature, text_to_sign
from skykeep.providers.azure.challenge import challenge_of
from skykeep.providers.azure.session import TokenSource
from skykeep.providers.wire import Reply

SCOPE: Final = "https://storage.azure.com/.default"
"""What tokens are asked for, in every cloud (``azure.storage.blob._shared.constants``)."""


class Sent(NamedTuple):
    """A request before it is authorized.

    Attributes:
        method: in upper case.
        path: percent-encoded, with what the endpoint puts before it.
        query: names and values, not encoded.
        headers: names in lower case.
        length: bytes of the body.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    length: int


class Access(Protocol):
    """One way to be allowed."""

    @property
    def key(self) -> bytes | None:
        """The account's key, where it is known."""

    @property
    def signs(self) -> bool:
        """Whether URLs for others can be signed: by the account's key, or one that Azure gives
        us."""

    async def authorized(self, sent: Sent) -> tuple[Mapping[str, str], dict[str, str]]:
        """Query and headers with what makes the request good."""
        ...

    async def renewed(self, reply: Reply, headers: Mapping[str, str]) -> bool:
        """Whether there is another credential than the one that was refused."""
        ...

    async def of_source(self) -> tuple[Mapping[str, str], dict[str, str]]:
        """What lets Azure read a source of a copy: of its address, and headers. Nothing where
        the driver has to make a URL for it."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""

    def after_fork(self) -> None:
        """In a forked child: drop what must not be shared."""


class Entra:
    """Bearer tokens. What the service asks for in a challenge is heeded in part: the tenant and
    claims; the tokens are always storage's."""

    key = None
    signs = True

    def __init__(self, tokens: TokenSource, tenant: str | None) -> None:
        self.tokens = tokens
        self._tenant = tenant

    async def authorized(self, sent: Sent) -> tuple[Mapping[str, str], dict[str, str]]:
        """With a token."""
        return sent.query, {**sent.headers, "authorization": await self._bearer()}

    async def renewed(self, reply: Reply, headers: Mapping[str, str]) -> bool:
        """Another token: of the tenant that is asked for, or in place of the refused one.
        Raises ``Unauthenticated`` if there is none."""
        if reply.status != 401:
            return False
        challenge = challenge_of(reply.headers.get("www-authenticate", ""))
        if challenge is not None and challenge.grant is not None:
            tenant = challenge.grant.tenant
            if tenant is not None and tenant != self._tenant:
                self._tenant = tenant
                return True
        claims = None if challenge is None else challenge.claims
        refused = headers.get("authorization", "").removeprefix("Bearer ")
        try:
            await self.tokens.another(SCOPE, refused, self._tenant, claims)
        finally:
            del refused, headers  # reports of errors may show the variables of a frame
        return True

    async def of_source(self) -> tuple[Mapping[str, str], dict[str, str]]:
        """The same token."""
        return {}, {"x-ms-copy-source-authorization": await self._bearer()}

    async def _bearer(self) -> str:
        return f"Bearer {await self.tokens.token(SCOPE, self._tenant)}"

    async def close(self) -> None:
        """Close the connections."""
        await self.tokens.close()

    def after_fork(self) -> None:
        """Tokens stay, connections do not."""
        self.tokens.after_fork()


class SharedKey:
    """The account's key, which allows everything. ``read`` gives it as it is written; it is
    read at the first call, and again when it is refused."""

    signs = True

    def __init__(self, account: str, read: Callable[[], str]) -> None:
        self._account = account
        self._read = read
        self._key: bytes | None = None

    @property
    def key(self) -> bytes:
        """The key. Raises ``Unauthenticated`` if there is none, ``ConfigError``."""
        if self._key is None:
            self._key = _decoded(self._read())
        return self._key

    async def authorized(self, sent: Sent) -> tuple[Mapping[str, str], dict[str, str]]:
        """With a signature."""
        text = text_to_sign(
            sent.method,
            sent.path,
            sent.query,
            sent.headers,
            account=self._account,
            length=sent.length,
        )
        header = f"SharedKey {self._account}:{signature(self.key, text)}"
        return sent.query, {**sent.headers, "authorization": header}

    async def renewed(self, reply: Reply, headers: Mapping[str, str]) -> bool:
        """Whether the key was replaced where it is kept."""
        if reply.status != 403:
            return False
        before, self._key = self._key, None
        return self.key != before

    async def of_source(self) -> tuple[Mapping[str, str], dict[str, str]]:
        """Nothing: the source's URL is signed."""
        return {}, {}

    async def close(self) -> None:
        """Holds nothing."""

    def after_fork(self) -> None:
        """Holds nothing."""


class Signed:
    """A shared access signature that somebody gave us; as ``SharedKey``."""

    key = None
    signs = False

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._pairs: Mapping[str, str] | None = None

    async def authorized(self, sent: Sent) -> tuple[Mapping[str, str], dict[str, str]]:
        """With the signature in the query."""
        return {**sent.query, **self._query()}, dict(sent.headers)

    async def renewed(self, reply: Reply, headers: Mapping[str, str]) -> bool:
        """Whether it was replaced where it is kept."""
        if reply.status not in {401, 403}:
            return False
        before, self._pairs = self._pairs, None
        return self._query() != before

    async def of_source(self) -> tuple[Mapping[str, str], dict[str, str]]:
        """The same signature."""
        return self._query(), {}

    def _query(self) -> Mapping[str, str]:
        if self._pairs is None:
            pairs = dict(parse_qsl(self._read().lstrip("?"), keep_blank_values=True))
            if "sig" not in pairs:
                raise ConfigError(
                    "the shared access signature has no 'sig'",
                    hint="it is the part of a URL behind '?', as in sv=…&sig=…",
                )
            self._pairs = pairs
        return self._pairs

    async def close(self) -> None:
        """Holds nothing."""

    def after_fork(self) -> None:
        """Holds nothing."""


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass  # its text may show a part of the key
    finally:
        del text
    raise ConfigError(
        "the account's key is not base64",
        hint="copy it whole: az storage account keys list",
    )
