"""Tokens: what a login gives, and the login that needs no call.

Where the ``vault`` command finds its token: ``VAULT_TOKEN``, then ``~/.vault-token``
(openbao ``website/content/docs/commands/index.mdx``; ``command/token/helper_internal.go``).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from skykeep.errors import Unauthenticated
from skykeep.interfaces.references import read_credential
from skykeep.providers.vault.answers import Granted
from skykeep.providers.vault.errors import error_of, sentences
from skykeep.providers.wire import Reply

VARIABLE = "VAULT_TOKEN"
FILE = ".vault-token"

JSON: Final = "application/json"
_REFUSED: Final = frozenset({400, 401, 403, 404, 405})

Send = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Reply]]
"""Method, path after ``/v1/``, headers, body: one call with the namespace and no token."""


def _now() -> float:
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Token:
    """What authenticates calls.

    Attributes:
        value: the token itself; never shown.
        source: where it came from, in words.
        lease: seconds that it is good for, from ``at`` on; None for ever, or unknown.
        renewable: the server prolongs it.
        ours: a login of ours got it, so that we end it.
        asked: what is known of its end comes from the server.
        at: when it was given, seconds of ``time.monotonic()``.
    """

    value: str = field(repr=False)
    source: str
    lease: float | None = None
    renewable: bool = False
    ours: bool = False
    asked: bool = False
    at: float = field(default_factory=_now)

    def left(self) -> float | None:
        """Seconds until it ends; None for never, or unknown."""
        return None if self.lease is None else self.at + self.lease - time.monotonic()


class Login(Protocol):
    """One way to get a token."""

    @property
    def source(self) -> str:
        """In words: ``VAULT_TOKEN``, ``approle at auth/approle``."""

    async def token(self, send: Send) -> Token:
        """A token. Raises ``Unauthenticated``, ``Unavailable``, ``ConfigError``."""
        ...


class GivenToken:
    """The token that a file, or ``VAULT_TOKEN`` or ``~/.vault-token``, holds at this moment."""

    def __init__(self, environ: Mapping[str, str], file: str | None = None) -> None:
        """``file``: the only place to look in, such as the sink of an agent."""
        self._environ = environ
        self._file = Path(environ.get("HOME", "~")).expanduser() / FILE
        self._named = Path(file).expanduser() if file else None

    @property
    def source(self) -> str:
        """Where it is read from now."""
        if self._named is not None:
            return str(self._named)
        return VARIABLE if self._environ.get(VARIABLE, "").strip() else f"~/{FILE}"

    async def token(self, send: Send) -> Token:
        """Reads it anew each time: a sidecar may have replaced the file."""
        if self._named is not None:
            found, where = read_credential(self._named), f"{self._named} has none"
        else:
            found = self._environ.get(VARIABLE, "").strip() or read_credential(self._file)
            where = f"neither {VARIABLE} nor ~/{FILE} has one"
        if not found:
            raise Unauthenticated(
                f"there is no token for Vault: {where}",
                hint="log in (vault login), set VAULT_TOKEN, or choose a login: see auth",
            )
        return Token(found, self.source)


async def log_in(send: Send, path: str, body: Mapping[str, Any], source: str) -> Token:
    """The token that a login gives. Raises ``Unauthenticated`` if it is refused."""
    packed = msgspec.json.encode(body)
    del body
    try:
        reply = await send("POST", path, {"Content-Type": JSON}, packed)
    finally:
        del packed  # reports of errors may show the variables of a frame
    return granted(reply, source)


def granted(reply: Reply, source: str, known: str = "") -> Token:
    """The token that a login or a renewal gave; ``known`` is the one that was renewed.

    Raises ``Unauthenticated`` if the server refuses, and what ``errors.TABLE`` says.
    """
    said = sentences(reply)
    if reply.status in _REFUSED and said is not None:
        hint = "check role and credentials, and where the method is mounted (auth.mount)"
        text = "; ".join(said)[:300] or f"HTTP {reply.status}"
        raise Unauthenticated(f"Vault refused the login by {source}: {text}", hint=hint)
    if reply.status >= 300:
        raise error_of(reply)
    try:
        auth = msgspec.json.decode(reply.body, type=Granted).auth
    except msgspec.MsgspecError:
        auth = None  # its exception may show a part of the body
    if auth is None:
        raise error_of(reply)
    # A root token is answered with a lease of 0: it has no end.
    return Token(
        auth.client_token or known,
        source,
        auth.lease_duration or None,
        auth.renewable,
        ours=True,
        asked=True,
    )
