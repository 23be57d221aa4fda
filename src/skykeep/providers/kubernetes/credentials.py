"""What calls are authenticated with: found once, renewed ahead of its end.

A plugin blocks, so it runs in a thread, one at a time however many calls wait for it
(``interfaces/renewed.py``); a file is read by the call itself.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from skykeep.errors import Denied, SkykeepError, Unauthenticated
from skykeep.interfaces.renewed import Renewed

FILE_SECONDS: Final = 60.0
"""A token's file is read again after so long (client-go ``transport/token_source.go``, which
has the same: kubelet renews the file long before the token in it ends)."""
AHEAD: Final = 60.0
"""Seconds before its end from which on a credential is renewed beside the calls that use it."""
LAST: Final = 5.0
"""Seconds before its end from which on no call begins with it."""
PATIENCE: Final = 30.0
"""Seconds after a renewal has failed until it is tried again, while the old one is good."""


@dataclass(frozen=True, slots=True, eq=False)
class Credential:
    """What one call is authenticated with.

    Attributes:
        authorization: the header's value, or None.
        certificate, key: PEM of a client certificate, or None.
        ends_at: seconds since the epoch; None if that is not known.
        renew_at: when it is to be looked for again, likewise; None is never.
    """

    authorization: str | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    ends_at: float | None = None
    renew_at: float | None = None

    def same(self, other: Credential) -> bool:
        """Whether these are the very same."""
        return (self.authorization, self.certificate, self.key) == (
            other.authorization,
            other.certificate,
            other.key,
        )


class Source(Protocol):
    """Where credentials come from.

    Attributes:
        words: in words that say where to look: ``token of user 'ops' in ~/.kube/config``.
        blocks: finding takes long enough to need a thread.
    """

    words: str
    blocks: bool

    def find(self) -> Credential:
        """A credential. Raises ``Unauthenticated``, ``Denied``, ``ConfigError``."""

    def close(self) -> None:
        """End what is under way."""


class Given:
    """A credential that is what it is: a token, a user's name with a password, or none beside
    the client's certificate."""

    blocks = False

    def __init__(
        self, words: str, *, token: str | None = None, basic: tuple[str, str] | None = None
    ) -> None:
        self.words = words
        authorization = f"Bearer {token}" if token is not None else None
        if basic is not None:
            text = ":".join(basic)
            authorization = f"Basic {base64.b64encode(text.encode()).decode()}"
        self._credential = Credential(authorization)

    def find(self) -> Credential:
        """Always the same."""
        return self._credential

    def close(self) -> None:
        """Nothing is under way."""


class TokenFile:
    """The token that a file holds at this moment."""

    blocks = False

    def __init__(self, path: Path, words: str, clock: Callable[[], float] = time.time) -> None:
        self.words = words
        self._path = path
        self._clock = clock

    def find(self) -> Credential:
        """Reads it anew. Raises ``Unauthenticated`` if there is none, ``Denied``."""
        token, reason = "", None
        try:
            token = self._path.read_text("utf-8", "replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            reason = error.strerror
        if token:
            return Credential(f"Bearer {token}", renew_at=self._clock() + FILE_SECONDS)
        if reason is not None:
            raise Denied(
                f"{self._path} cannot be read: {reason}", hint="it must be this user's"
            )
        raise Unauthenticated(
            f"there is no token in {self._path}",
            hint="is the service account's token mounted (automountServiceAccountToken)?",
        )

    def close(self) -> None:
        """Nothing is under way."""


class Credentials:
    """The credential of one target. May be used from any event loop."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.time) -> None:
        self.source = source
        self._clock = clock
        self._read: Credential | None = None
        """What was read by the call itself, where that takes no time."""
        self._read_again = 0.0
        self._renewed: Renewed[Credential] | None = None
        if source.blocks:
            self._renewed = Renewed(
                lambda anew: source.find(),
                lambda found: found.ends_at,
                ahead=AHEAD,
                last=LAST,
                patience=PATIENCE,
                name="skykeep kubernetes plugin",
                clock=clock,
            )

    async def credential(self) -> Credential:
        """What to authenticate with. Raises what the source raises."""
        if self._renewed is not None:
            return await self._renewed.current()
        if self._read is None:
            return self._look()
        renew_at = self._read.renew_at
        if renew_at is not None and self._clock() >= max(renew_at, self._read_again):
            self._read_again = self._clock() + PATIENCE
            try:
                return self._look()
            except SkykeepError:
                pass  # the server says whether the one that was read is still good
        return self._read

    async def renewed(self, refused: Credential) -> Credential | None:
        """Another one than that which the server refused; None if there is no other."""
        if self._renewed is not None:
            found = await self._renewed.another(refused)
        else:
            kept = self._read
            found = self._look() if kept is None or kept is refused else kept
        return None if found.same(refused) else found

    def after_fork(self) -> None:
        """In a forked child: the parent's thread is not here."""
        if self._renewed is not None:
            self._renewed.after_fork()

    def close(self) -> None:
        """End a search that is under way."""
        self.source.close()

    def _look(self) -> Credential:
        self._read = self.source.find()
        return self._read
