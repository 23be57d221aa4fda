"""Opens the driver."""

from __future__ import annotations

from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.gcp.session import open_session
from skykeep.providers.gcp.settings import GcpSettings
from skykeep.providers.gcp.writing import SecretManager


async def open_secrets(settings: GcpSettings, context: OpenContext) -> SecretDriver:
    """The driver of a configured target. Asks nobody: the first call finds credentials.

    Raises ``ConfigError`` (endpoint, TLS), ``MissingExtra``.
    """
    return SecretManager(await open_session(settings, context), settings)
