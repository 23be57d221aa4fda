"""Opens the bucket that the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from skykeep.errors import ConfigError
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.gcp.settings import GcpSettings
from skykeep.providers.gcp.storage.bucket import MAX_WRITE
from skykeep.providers.gcp.storage.client import Client
from skykeep.providers.gcp.storage.driver import CloudStorage
from skykeep.providers.wire import Wire, WireOptions

ENDPOINT: Final = "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE"
"""gcloud's own variable for the property ``api_endpoint_overrides/storage``."""
EMULATOR: Final = "STORAGE_EMULATOR_HOST"
"""Where an emulator is, for all of Google's clients; it is asked without credentials."""
DEFAULT: Final = "https://storage.googleapis.com"
EXCHANGE_SECONDS: Final = 300.0
"""For a call without a deadline: a part may be of many megabytes, and the way long."""


async def open_objects(settings: GcpSettings, context: OpenContext) -> CloudStorage:
    """The driver of a configured target. Asks nobody: the first call finds credentials.

    Raises ``ConfigError`` (bucket, endpoint, TLS), ``MissingExtra``.
    """
    from skykeep.providers.gcp.credentials import open_credentials

    if settings.bucket is None:
        raise ConfigError(
            "this Google Cloud target keeps no objects: it names no bucket",
            hint="set bucket to the name of one in Cloud Storage",
        )
    options = replace(
        WireOptions.of(settings),
        exchange_timeout=EXCHANGE_SECONDS,
        max_reply_bytes=MAX_WRITE,
        decompress=False,
    )
    address, emulated = address_of(settings, context.environ)
    wire = Wire(
        address, options=options, environ=context.environ, extra="gcp", name=context.target
    )
    credentials = None if emulated else await open_credentials(settings, context)
    return CloudStorage(settings, Client(wire, credentials))


def address_of(settings: GcpSettings, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Where the service is, as configured or as gcloud or Google's clients are told, and
    whether that is an emulator's."""
    given = settings.objects_endpoint or environ.get(ENDPOINT)
    if given:
        # gcloud's own value ends with the path of the JSON API.
        return given.rstrip("/").removesuffix("/storage/v1"), False
    emulator = environ.get(EMULATOR)
    if emulator:
        address = emulator if "://" in emulator else f"http://{emulator}"
        return address.rstrip("/"), True
    return DEFAULT, False
