"""An answer that is read while it comes: for services that tell what happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, final

from skykeep.errors import SkykeepError
from skykeep.providers.wire.reply import Reply

if TYPE_CHECKING:
    import aiohttp


@final
class Stream:
    """The head of an answer, and its body line by line. Holds a connection until it is closed.

    Attributes:
        status: the HTTP status.
        headers: names in any case.
    """

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        limit: int,
        *,
        failures: tuple[type[Exception], ...],
        explain: Callable[[Exception], SkykeepError],
        too_long: Callable[[], Exception],
    ) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._limit = limit
        self._failures = failures
        self._explain = explain
        self._too_long = too_long
        self._begun = bytearray()
        self._whole: list[bytes] = []  # lines that are there, the next one last

    async def line(self) -> bytes | None:
        """The next line that has an end, without it; None when the answer has ended. Raises
        ``Unavailable`` if it breaks off, and for a line longer than an answer may be."""
        while not self._whole:
            piece = await self._piece()
            if not piece:
                return None
            if b"\n" in piece:
                *lines, rest = (self._begun + piece).split(b"\n")
                self._whole = [bytes(line) for line in reversed(lines)]
                self._begun = rest
            else:
                self._begun += piece
            self._check(len(self._begun))
        return self._whole.pop()

    async def whole(self) -> Reply:
        """All of it, as a reply: for a refusal. Raises ``Unavailable``."""
        body = bytearray()
        while piece := await self._piece():
            body += piece
            self._check(len(body))
        return Reply(self.status, self.headers, bytes(body))

    def close(self) -> None:
        """Hang up. May be called twice."""
        self._response.close()

    async def _piece(self) -> bytes:
        """What has come; nothing at the end."""
        try:
            return await self._response.content.readany()
        except self._failures as error:
            failure = self._explain(error)
        self.close()
        raise failure

    def _check(self, size: int) -> None:
        if size > self._limit:
            self.close()
            raise self._explain(self._too_long())
