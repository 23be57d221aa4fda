"""Secrets in environment variables and dotenv files: read, never written."""

from skykeep.interfaces.provider import Provider

PROVIDER = Provider(
    name="env",
    settings="skykeep.providers.env.settings:EnvSettings",
    drivers={"secrets": "skykeep.providers.env.secrets:open_secrets"},
    embedded=True,
)
