"""URLs that need no credentials: version 4 of Cloud Storage's signatures.

"V4 signing process with your own program" and "Canonical requests"; a test holds them against
those of Google's client. What signs is a service account: its key, or the IAM Service Account
Credentials API (``gcp/credentials``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from skykeep.envelope.digests import sha256

ALGORITHM: Final = "GOOG4-RSA-SHA256"
_BODY: Final = "UNSIGNED-PAYLOAD"
_UNRESERVED: Final = "-_.~"


class Unsigned:
    """A URL before its signature.

    Args:
        method: in upper case.
        host: as it is sent, with the port if it is not the scheme's own.
        path: percent-encoded.
        email: the service account that signs.
        now: UTC.
        seconds: how long it is good.

    Attributes:
        text: what is signed.
    """

    def __init__(
        self, method: str, host: str, path: str, *, email: str, now: datetime, seconds: int
    ) -> None:
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/auto/storage/goog4_request"
        self._query = _sorted(
            {
                "X-Goog-Algorithm": ALGORITHM,
                "X-Goog-Credential": f"{email}/{scope}",
                "X-Goog-Date": stamp,
                "X-Goog-Expires": str(seconds),
                "X-Goog-SignedHeaders": "host",
            }
        )
        canonical = f"{method}\n{path}\n{self._query}\nhost:{host}\n\nhost\n{_BODY}"
        digest = sha256(canonical.encode()).hex()
        self.text = f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode()

    def query(self, signature: bytes) -> str:
        """The URL's query."""
        return f"{self._query}&X-Goog-Signature={signature.hex()}"


def _sorted(pairs: Mapping[str, str]) -> str:
    return urlencode(sorted(pairs.items()), quote_via=quote, safe=_UNRESERVED)
