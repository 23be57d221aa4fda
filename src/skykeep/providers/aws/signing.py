"""Signature Version 4 of one POST to one service.

The rules are those of "Create a signed AWS API request", IAM User Guide. botocore's own signer
is not used: importing it takes longer than all the rest of ``skykeep get``, and signing with it
is a third of the processor time of a call. A test holds both against each other over thousands
of requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from skykeep.envelope.digests import hmac_sha256, sha256
from skykeep.providers.aws.credentials import Keys

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is ready to be sent. Shows nothing of itself: it holds the value."""

    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Signer:
    """Signs for one service in one region; keeps the key that it derives for the day."""

    def __init__(self, service: str, region: str, host: str, path: str) -> None:
        """``host`` is what is sent as ``Host``; ``path`` is percent-encoded."""
        self._service = service
        self._region = region
        self._host = host
        self._path = path
        self._derived: tuple[Keys, str, bytes] | None = None

    def sign(self, headers: dict[str, str], body: bytes, keys: Keys, stamp: str) -> Request:
        """The request with its signature.

        Args:
            headers: names in lower case; all of them are signed.
            body: as it will be sent.
            keys: who signs.
            stamp: the time, UTC, as ``20150830T123600Z``.
        """
        headers = {**headers, "x-amz-date": stamp}
        if keys.token is not None:
            headers["x-amz-security-token"] = keys.token
        signed = sorted((*headers, "host"))
        names = ";".join(signed)
        lines = "".join(
            f"{name}:{self._host if name == 'host' else headers[name].strip()}\n"
            for name in signed
        )
        canonical = f"POST\n{self._path}\n\n{lines}\n{names}\n{sha256(body).hex()}"
        day = stamp[:8]
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(canonical.encode()).hex()}"
        signature = hmac_sha256(self._key(keys, day), text.encode()).hex()
        headers["authorization"] = (
            f"{_ALGORITHM} Credential={keys.access}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return Request(headers, body)

    def _key(self, keys: Keys, day: str) -> bytes:
        derived = self._derived
        if derived is not None and derived[0] is keys and derived[1] == day:
            return derived[2]
        key = f"AWS4{keys.secret}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac_sha256(key, part.encode())
        self._derived = (keys, day, key)
        return key
