"""URLs for those without credentials: shared access signatures of one blob."""

from __future__ import annotations

import base64
import time
from typing import Final, Literal

from skykeep.errors import Unavailable
from skykeep.providers.azure.blob.client import API_VERSION
from skykeep.providers.azure.blob.reading import Reading
from skykeep.providers.azure.blob.signing import (
    DELEGATION,
    DelegationKey,
    Grant,
    query_of,
)
from skykeep.providers.azure.blob.xml import children, key_info, root

_PERMISSIONS: Final = {"GET": "r", "PUT": "cw"}
LONGEST: Final = 7 * 24 * 3600
"""Seconds that a user delegation key lives at most ("Get User Delegation Key")."""
HOUR: Final = 3600


class Presigning(Reading):
    """Signs with the account's key, or with a key that Azure gives to whoever our token is of;
    its URLs then allow no more than the token does."""

    _delegation: DelegationKey | None = None

    async def presign(self, key: str, method: Literal["GET", "PUT"], seconds: int) -> str:
        """A URL with which anybody may do that, for so long. A write by it sends the header
        ``x-ms-blob-type: BlockBlob``. Raises ``Unsupported`` where all that we have is such a
        signature ourselves."""
        if not self.capabilities.presign:
            raise self.unsupported("presign")
        return await self._signed_url(key, _PERMISSIONS[method], seconds)

    async def _signed_url(self, key: str, permissions: str, seconds: int) -> str:
        path = self._path(key)
        container = self._container
        now = container.now()
        grant = Grant(
            f"/{container.account}/{container.name}/{self._prefix}{key}",
            permissions,
            _stamp(now + seconds),
            API_VERSION,
            "https" if container.wire.origin.scheme == "https" else "https,http",
            self._scope if "w" in permissions else "",
        )
        by = container.access.key
        query = grant.query(await self._delegated(now, seconds) if by is None else by)
        return f"{container.place_of(path)}?{query_of(query)}"

    async def _delegated(self, now: float, seconds: int) -> DelegationKey:
        """A key that lasts so long. Raises ``Denied`` for who may not have one."""
        known = self._delegation
        if known is not None and known.ends >= now + seconds:
            return known
        ends = now + min(max(2 * seconds, HOUR), LONGEST)
        reply = await self._container.call(
            "Get User Delegation Key",
            "POST",
            "/",
            {"restype": "service", "comp": "userdelegationkey"},
            headers={"content-type": "application/xml"},
            body=key_info(_stamp(now), _stamp(ends)),
        )
        told = children(root(reply, "Get User Delegation Key"))
        try:
            value = base64.b64decode(told.get("Value", ""), validate=True)
        except ValueError:
            value = b""
        if not value or not all(told.get(name) for name in DELEGATION.values()):
            raise Unavailable("Azure Blob Storage: a user delegation key came incomplete")
        fields = {name: told[theirs] for name, theirs in DELEGATION.items()}
        self._delegation = DelegationKey(fields, ends, value)
        return self._delegation


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
