"""Where secrets and parameters are kept."""

from __future__ import annotations

from typing import Any

from skykeep.providers.aws.client import Client
from skykeep.providers.aws.endpoints import named_address
from skykeep.providers.aws.session import Session


class Place:
    """The regions of one store.

    AWS's own addresses are of one region each, and a signature for another is refused ("Create
    a signed AWS API request", IAM User Guide: the credential scope). At an address that the
    settings or the environment name, one ARN is looked at, for which nothing is sent but the
    wish for a page of one; an empty store tells nothing.

    Args:
        session: whose settings count.
        client: of the service.
        action, field: what lists one entry, and where its answer has it.
    """

    def __init__(self, session: Session, client: Client, action: str, field: str) -> None:
        self._session = session
        self._client = client
        self._action = action
        self._field = field

    async def told(self) -> str | None:
        """The region, and those that new secrets are copied to; None if nobody tells.

        Raises as a listing.
        """
        settings, service = self._session.settings, self._client.service
        region = self._client.region
        if named_address(service, settings, self._session.environ):
            answer = await self._client.call(self._action, {"MaxResults": 1})
            entries = answer.get(self._field)
            told = _region(entries[0]) if isinstance(entries, list) and entries else ""
            if not told and not settings.replica_regions:
                return None
            # With copies a silent store is where its address was said to be: else nobody
            # would look at where the copies go.
            region = told or region
        return ",".join((region, *settings.replica_regions))


def _region(entry: Any) -> str:
    """Of ``arn:PARTITION:SERVICE:REGION:…``."""
    parts = str(entry.get("ARN", "")).split(":") if isinstance(entry, dict) else []
    return parts[3] if len(parts) > 3 else ""
