"""Whose credentials a target uses, and their tokens. Importing this imports no SDK.

``links.py`` which ways to log in a configuration means · ``chain.py`` several, in turn ·
``entra.py`` client secrets and federated tokens, with ``entra_errors.py`` · ``managed.py``
identities of the host · ``by_library.py`` what azure-identity does for us · ``keeper.py``
tokens kept, renewed, got anew · ``tokens.py`` what they all speak of
"""

from __future__ import annotations

from skykeep.interfaces.provider import OpenContext
from skykeep.providers.azure.credentials.keeper import Credentials
from skykeep.providers.azure.credentials.links import link_of
from skykeep.providers.azure.settings import AzureSettings

__all__ = ["Credentials", "open_credentials"]


async def open_credentials(settings: AzureSettings, context: OpenContext) -> Credentials:
    """The credentials of a target; nobody is asked yet. Raises ``ConfigError`` for a method
    whose conditions are not met."""
    link = link_of(settings, context.environ, context.target)
    return Credentials(link, context.target, settings.tenant)
