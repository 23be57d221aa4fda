"""The whole driver: what is left, URLs for others."""

from __future__ import annotations

from typing import Literal

from skykeep.errors import Unsupported
from skykeep.providers.gcp.storage.lifecycle import Lifecycle
from skykeep.providers.gcp.storage.signing import Unsigned


class CloudStorage(Lifecycle):
    """Objects of one bucket."""

    async def presign(self, key: str, method: Literal["GET", "PUT"], seconds: int) -> str:
        """A URL with which anybody may do that, for so long.

        Raises ``Unsupported`` for credentials that cannot sign, and for a write with
        ``sse_key``: the URL could not say it.
        """
        if method == "PUT" and self._kms:
            raise _not_here("a URL for writing cannot name sse_key")
        credentials = self._client.credentials
        if credentials is None:
            raise _not_here("an emulator is asked without credentials, which would sign")
        origin = self._client.wire.origin
        path = self._media(self._place(key))
        email = await credentials.signer()
        unsigned = Unsigned(
            method,
            origin.host_header,
            origin.base_path + path,
            email=email,
            now=self._client.clock.now(),
            seconds=seconds,
        )
        signature = await credentials.sign(unsigned.text)
        return f"{origin.url}{path}?{unsigned.query(signature)}"


def _not_here(why: str) -> Unsupported:
    return Unsupported(
        f"Cloud Storage cannot do 'presign' here: {why}", hint="nothing happened"
    )
