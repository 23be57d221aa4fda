"""Opens the driver of a vault's secrets."""

from __future__ import annotations

from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.azure.session import open_session
from skykeep.providers.azure.settings import AzureSettings
from skykeep.providers.azure.writing import KeyVaultSecrets


async def open_secrets(settings: AzureSettings, context: OpenContext) -> SecretDriver:
    """The driver; sends nothing. Raises ``ConfigError``, ``MissingExtra``."""
    return KeyVaultSecrets(await open_session(settings, context))
