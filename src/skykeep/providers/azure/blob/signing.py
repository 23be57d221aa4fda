"""What an account's key signs: requests (Shared Key), and URLs for others.

"Authorize with Shared Key", "Create a service SAS" and "Create a user delegation SAS", Azure
Storage REST API. The service sorts ``x-ms-`` headers as .NET's cultures do and not as the
documentation says: hyphens do not count, ``_`` comes before digits, digits before letters
(``azure.storage.blob._shared.authentication`` 12.31, which tests hold this against).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from skykeep.envelope.digests import hmac_sha256

# What is signed of the other headers, in this order; ``Date`` is empty beside ``x-ms-date``,
# and so is ``Range`` beside ``x-ms-range``.
_SIGNED: Final = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)
_UNRESERVED: Final = "-_.~"


def query_of(pairs: Mapping[str, str]) -> str:
    """The query as it is sent, encoded; ``""`` if there is none."""
    return "&".join(f"{name}={quote(value, safe=_UNRESERVED)}" for name, value in pairs.items())


def text_to_sign(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    account: str,
    length: int,
) -> str:
    """What Shared Key signs.

    Args:
        method: in upper case.
        path: percent-encoded, with what the endpoint puts before it.
        query: names and values, not encoded.
        headers: names in lower case.
        account: the storage account's name.
        length: bytes of the body.
    """
    known = {**headers, "content-length": str(length) if length else ""}
    lines = [method, *(known.get(name, "") for name in _SIGNED)]
    own = sorted((name for name in headers if name.startswith("x-ms-")), key=_weight)
    lines += [f"{name}:{headers[name]}" for name in own]
    lines += [f"/{account}{path}", *(f"{name}:{query[name]}" for name in sorted(query))]
    return "\n".join(lines)


def signature(key: bytes, text: str) -> str:
    """Base64 of HMAC-SHA256."""
    return base64.b64encode(hmac_sha256(key, text.encode())).decode()


def _weight(name: str) -> str:
    return name.replace("-", "").replace("_", "!")


@dataclass(frozen=True, slots=True)
class DelegationKey:
    """A user delegation key: signs for whoever asked for it.

    Attributes:
        fields: what Azure says of it and a URL repeats, by the names in URLs (``skoid`` …).
        ends: when it ends, seconds since 1970.
        value: the key itself.
    """

    fields: Mapping[str, str]
    ends: float
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a URL allows.

    Attributes:
        path: ``/ACCOUNT/CONTAINER/BLOB``, not encoded.
        permissions: in Azure's order, ``r``, ``cw``.
        expiry: ``2026-01-31T12:00:00Z``.
        version: of the API, by which the text is put together; 2020-12-06 or later, and of a
            user delegation before 2025-07-05.
        protocol: ``https``, or ``https,http``.
        scope: the encryption scope of what is written; ``""`` is the container's.
    """

    path: str
    permissions: str
    expiry: str
    version: str
    protocol: str
    scope: str = ""

    def query(self, key: bytes | DelegationKey) -> dict[str, str]:
        """The query that makes a URL of the blob good for it."""
        pairs = {
            "sv": self.version,
            "spr": self.protocol,
            "se": self.expiry,
            "sr": "b",
            "sp": self.permissions,
        }
        if self.scope:
            pairs["ses"] = self.scope
        if isinstance(key, DelegationKey):
            pairs |= key.fields
            # after the key's fields: saoid, suoid, scid, which are for Data Lake
            who = [*(key.fields[name] for name in DELEGATION), "", "", ""]
            secret = key.value
        else:
            who, secret = [""], key  # no stored access policy
        lines = [
            self.permissions,
            "",  # from now on
            self.expiry,
            f"/blob{self.path}",
            *who,
            "",  # from any address
            self.protocol,
            self.version,
            "b",
            "",  # no snapshot
            self.scope,
            *[""] * 5,  # the answer's headers are the blob's own
        ]
        pairs["sig"] = signature(secret, "\n".join(lines))
        return pairs


DELEGATION: Final[Mapping[str, str]] = {
    "skoid": "SignedOid",
    "sktid": "SignedTid",
    "skt": "SignedStart",
    "ske": "SignedExpiry",
    "sks": "SignedService",
    "skv": "SignedVersion",
}
"""The fields of a user delegation key: in URLs, and in Azure's answer; in the text's order."""
