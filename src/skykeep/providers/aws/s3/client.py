"""One call to one bucket: credentials, signature, what a refusal is answered with."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from skykeep.errors import SkykeepError
from skykeep.providers.aws.clock import ServiceClock
from skykeep.providers.aws.credentials import Credentials
from skykeep.providers.aws.errors import ENDED, NOT_CURRENT, Failure, read_failure
from skykeep.providers.aws.s3.errors import explain
from skykeep.providers.aws.s3.signing import EMPTY, UNSIGNED, S3Signer
from skykeep.providers.wire import Reply, Wire

_NONE: Mapping[str, str] = {}


class Bucket:
    """Calls one bucket. Sends a request once, but for two reasons to sign anew: the keys have
    ended and there are others, or this host's clock is wrong. In both the service has refused
    the request, so nothing is done twice.

    Args:
        wire: to the bucket: a host of its own, or with its name as the endpoint's path.
        region: that is signed for.
        credentials: whose.
    """

    def __init__(
        self,
        wire: Wire,
        region: str,
        credentials: Credentials,
    ) -> None:
        self.region = region
        self.wire = wire
        self.over_tls = wire.origin.scheme == "https"
        self._credentials = credentials
        self.clock = ServiceClock()
        self._base = wire.origin.base_path
        self._signer = S3Signer(region, wire.origin.host_header)

    async def ask(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        headers: Mapping[str, str] = _NONE,
        body: bytes = b"",
        digest: str | None = None,
    ) -> tuple[Reply, Failure | None]:
        """Send it; the answer, and what it says if it says no.

        Args:
            method: in upper case.
            path: of ``path_of``, or ``/`` for the bucket.
            query: of ``signing.query_of``.
            headers: names in lower case.
            body: as it is sent.
            digest: SHA-256 of the body, hexadecimal; None where TLS protects it.

        Raises ``Unavailable`` for no whole answer, and what finding credentials raises.
        """
        sent: Mapping[str, str] = _NONE
        try:
            keys = await self._credentials.keys()
            unsigned = {
                **headers,
                "x-amz-content-sha256": digest or (UNSIGNED if body else EMPTY),
            }
            target = f"{path}?{query}" if query else path
            renewed = corrected = False
            while True:
                sent = self._signer.signed(
                    method, self._base + path, query, unsigned, keys=keys, stamp=self.stamp()
                )
                reply = await self.wire.send(method, target, headers=sent, body=body)
                if reply.status < 300:
                    return reply, None
                failure = read_failure(reply)
                # What answers HEAD has no body, and so no code.
                wordless = method == "HEAD" and failure.status == 403
                if (failure.code in NOT_CURRENT or wordless) and not corrected:
                    corrected = True
                    if self.clock.corrected(reply):
                        continue
                if failure.code in ENDED and not renewed:
                    renewed = True
                    others = await self._credentials.renewed(keys)
                    if others is not None:
                        keys = others
                        continue
                return reply, failure
        finally:
            del body, sent  # no traceback shows one, nor the session's token

    async def call(
        self,
        action: str,
        method: str,
        path: str,
        query: str = "",
        *,
        subject: str = "",
        headers: Mapping[str, str] = _NONE,
        body: bytes = b"",
        digest: str | None = None,
    ) -> Reply:
        """As ``ask``. Raises what ``errors.TABLE`` says of a refusal."""
        try:
            reply, failure = await self.ask(
                method, path, query, headers=headers, body=body, digest=digest
            )
        finally:
            del body
        if failure is not None:
            raise self.refusal(reply, action, subject)
        return reply

    def refusal(self, reply: Reply, action: str, subject: str) -> SkykeepError:
        """Our error for an answer that says no."""
        return explain(reply, subject=subject, action=action, region=self.region)

    async def presigned(self, method: str, path: str, seconds: int) -> str:
        """The URL that needs no other credentials."""
        keys = await self._credentials.keys()
        query = self._signer.presigned(method, self._base + path, keys, self.stamp(), seconds)
        return f"{self.wire.origin.url}{path}?{query}"

    def stamp(self) -> str:
        """Now, by the service's clock if ours is wrong."""
        return self.clock.stamp()

    async def close(self) -> None:
        """Close the connections."""
        await self.wire.close()

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's is used again."""
        self.wire.after_fork()
        self._credentials.after_fork()


def path_of(key: str) -> str:
    """The path of an object: percent-encoded once, slashes as they are."""
    return "/" + quote(key, safe="/-_.~")
