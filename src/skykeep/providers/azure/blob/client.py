"""One call to one container: who asks, when, what a refusal is answered with."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from email.utils import formatdate, parsedate_to_datetime
from typing import Final
from urllib.parse import quote

from skykeep.errors import SkykeepError
from skykeep.providers.azure.blob.access import Access, Sent
from skykeep.providers.azure.blob.errors import Failure, explain, failure_of
from skykeep.providers.azure.blob.signing import query_of
from skykeep.providers.wire import Reply, Wire

API_VERSION: Final = "2024-11-04"
"""``x-ms-version``, and what signatures are made by: it has all that is used here, and Azure's
other clouds have it, too ("Versioning for Azure Storage")."""
SKEW: Final = 4 * 60.0
"""Seconds that the clocks must differ before ours is corrected; Azure accepts 15 minutes
("Authorize with Shared Key")."""
RENEWALS: Final = 2
"""The service may name its tenant first, and then claims."""

_NONE: Final[Mapping[str, str]] = {}


class Container:
    """Calls one container. Sends a request once, but for two reasons to authorize it anew:
    there is another credential than the refused one, or this host's clock is wrong. In both the
    service has refused the request, so nothing is done twice.

    Args:
        wire: to the account.
        account, name: whose blobs, in which container.
        access: by what right.

    Attributes:
        read: this host's clock, seconds since 1970; tests turn it.
    """

    def __init__(self, wire: Wire, account: str, name: str, access: Access) -> None:
        self.wire = wire
        self.account = account
        self.name = name
        self.access = access
        self.read: Callable[[], float] = time.time
        self._offset = 0.0
        self._base = wire.origin.base_path

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = _NONE,
        *,
        headers: Mapping[str, str] = _NONE,
        body: bytes = b"",
    ) -> tuple[Reply, Failure | None]:
        """Send it; the answer, and what it says if it says no.

        Args:
            method: in upper case.
            path: of ``path_of``.
            query: names and values, not encoded.
            headers: names in lower case.
            body: as it is sent.

        Raises ``Unavailable`` for no whole answer, and what finding credentials raises.
        """
        try:
            renewals, corrected = 0, False
            while True:
                stamped = {
                    **headers,
                    "x-ms-version": API_VERSION,
                    "x-ms-client-request-id": str(uuid.uuid4()),
                    "x-ms-date": formatdate(self.now(), usegmt=True),
                }
                asked = Sent(method, self._base + path, query, stamped, len(body))
                good, sent = await self.access.authorized(asked)
                target = f"{path}?{query_of(good)}" if good else path
                reply = await self.wire.send(method, target, headers=sent, body=body)
                if reply.status < 300:
                    return reply, None
                failure = failure_of(reply)
                if reply.status in {401, 403}:
                    if not corrected and self._corrected(reply):
                        corrected = True
                        continue
                    if renewals < RENEWALS:
                        renewals += 1
                        if await self.access.renewed(reply, sent):
                            continue
                return reply, failure
        finally:
            # No traceback shows a body or a credential; a source of a copy has one in headers.
            del body, headers
            stamped = asked = sent = good = target = None  # type: ignore[assignment]  # nothing uses them

    async def call(
        self,
        action: str,
        method: str,
        path: str,
        query: Mapping[str, str] = _NONE,
        *,
        subject: str = "",
        headers: Mapping[str, str] = _NONE,
        body: bytes = b"",
    ) -> Reply:
        """As ``ask``. Raises what ``errors.TABLE`` says of a refusal."""
        try:
            reply, failure = await self.ask(method, path, query, headers=headers, body=body)
        finally:
            del body
        if failure is not None:
            raise self.refusal(failure, action, subject)
        return reply

    def refusal(self, failure: Failure, action: str, subject: str) -> SkykeepError:
        """Our error for an answer that says no."""
        return explain(failure, subject=subject, action=action, skew=self._skew(failure.date))

    def now(self) -> float:
        """Seconds since 1970, by the service's clock if ours is wrong."""
        return self.read() + self._offset

    def place_of(self, path: str) -> str:
        """The whole address of what is at a path."""
        return self.wire.origin.url + path

    async def close(self) -> None:
        """Close the connections."""
        try:
            await self.access.close()
        finally:
            await self.wire.close()

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's is used again."""
        self.access.after_fork()
        self.wire.after_fork()

    def _corrected(self, reply: Reply) -> bool:
        skew = self._skew(reply.headers.get("date", ""))
        if abs(skew) < SKEW:
            return False
        self._offset += skew
        return True

    def _skew(self, date: str) -> float:
        """Seconds that the service's clock is before the one that we go by."""
        try:
            return parsedate_to_datetime(date).timestamp() - self.now()
        except ValueError:
            return 0.0


def path_of(container: str, key: str = "") -> str:
    """The path of a container or of a blob: percent-encoded once, slashes as they are."""
    return f"/{container}/{quote(key, safe='/-_.~')}" if key else f"/{container}"
