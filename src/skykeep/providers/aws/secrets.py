"""Opens the store that the settings name."""

from __future__ import annotations

from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.aws.session import Session
from skykeep.providers.aws.settings import AwsSettings


async def open_secrets(settings: AwsSettings, context: OpenContext) -> SecretDriver:
    """The driver of a configured target. Asks nobody: the first call finds credentials.

    Raises ``ConfigError`` (region, endpoint, TLS), ``MissingExtra``.
    """
    session = await Session.of(settings, context)
    if settings.service == "ssm":
        from skykeep.providers.aws.parameters import Parameters

        return Parameters(session)
    from skykeep.providers.aws.writing import SecretsManager

    return SecretsManager(session)
