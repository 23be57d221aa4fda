"""The embedded default: one encrypted SQLite file. Importing this imports no SQLite."""

from skykeep.interfaces.provider import Provider

PROVIDER = Provider(
    name="local",
    settings="skykeep.providers.local.settings:LocalSettings",
    drivers={"secrets": "skykeep.providers.local.secrets:open_secrets"},
    embedded=True,
)
