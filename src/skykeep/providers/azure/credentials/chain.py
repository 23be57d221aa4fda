"""Several ways to log in, tried in turn until one is there."""

from __future__ import annotations

from collections.abc import Sequence

from skykeep.errors import Unauthenticated
from skykeep.providers.azure.credentials.tokens import Ask, Link, Missed, Token


class Chain:
    """The first link that is there is kept. One that is there and fails ends the search: what
    comes after it would be somebody else.
    """

    name = "chain"

    def __init__(self, links: Sequence[Link]) -> None:
        self.links = tuple(links)
        self._found: Link | None = None

    @property
    def source(self) -> str:
        """Of the link that was found; else which are asked."""
        if self._found is not None:
            return self._found.source
        if len(self.links) == 1:
            return self.links[0].source
        return "Azure's default chain"

    async def token(self, ask: Ask) -> Token:
        """A token of the first link that is there. Raises ``Unauthenticated`` with the reasons
        of all if none is."""
        misses: dict[str, str] = {}
        if self._found is not None:
            try:
                return await self._found.token(ask)
            except Missed as miss:
                misses[self._found.name] = miss.reason
                self._found = None
        for link in self.links:
            if link.name in misses:
                continue
            try:
                token = await link.token(ask)
            except Missed as miss:
                misses[link.name] = miss.reason
            else:
                self._found = link
                return token
        reasons = "; ".join(f"{name}: {reason}" for name, reason in misses.items())
        raise Unauthenticated(
            f"no Azure credentials were found ({reasons})",
            hint="log in with az login, or say whose they are: auth in the configuration",
        )

    async def close(self) -> None:
        """Let go of connections."""
        for link in self.links:
            await link.close()

    def after_fork(self) -> None:
        """In a forked child: forget the parent's connections."""
        for link in self.links:
            link.after_fork()


class Absent:
    """A way to log in whose conditions are not met."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.source = name
        self._reason = reason

    async def token(self, ask: Ask) -> Token:
        """Always missed."""
        raise Missed(self._reason)

    async def close(self) -> None:
        """Holds nothing."""

    def after_fork(self) -> None:
        """Holds nothing."""
