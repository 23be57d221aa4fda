"""What the clients of one target share: settings, region, credentials, environment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from skykeep.interfaces.provider import OpenContext
from skykeep.providers.aws.client import Client
from skykeep.providers.aws.credentials import Credentials, finder_of
from skykeep.providers.aws.endpoints import Service, address, no_region, region_of
from skykeep.providers.aws.settings import AwsSettings
from skykeep.providers.wire import Wire, WireOptions


@dataclass(frozen=True, slots=True)
class Session:
    """One target, ready to make clients."""

    settings: AwsSettings
    region: str
    target: str
    environ: Mapping[str, str] = field(repr=False)
    credentials: Credentials

    @classmethod
    async def of(cls, settings: AwsSettings, context: OpenContext) -> Session:
        """The session of a target. Raises ``ConfigError`` if no region is to be found."""
        region = region_of(settings, context.environ)
        if region is None:
            from skykeep.providers.aws.chain import profile_region

            region = await asyncio.to_thread(profile_region, settings.profile)
        if not region:
            raise no_region()
        finder = finder_of(settings, context.environ, context.target, region)
        return cls(settings, region, context.target, context.environ, Credentials(finder))

    def client(self, service: Service, region: str | None = None) -> Client:
        """A client of the service; the caller closes it. Raises ``ConfigError``,
        ``MissingExtra``."""
        region = region or self.region
        wire = Wire(
            address(service, region, self.settings, self.environ),
            options=WireOptions.of(self.settings),
            environ=self.environ,
            extra="aws",
            name=self.target,
        )
        return Client(service, region, wire, self.credentials)
