"""Secrets in a directory of files, as Kubernetes and Docker mount them: read, never written."""

from skykeep.interfaces.provider import Provider

PROVIDER = Provider(
    name="files",
    settings="skykeep.providers.files.settings:FilesSettings",
    drivers={"secrets": "skykeep.providers.files.secrets:open_secrets"},
    embedded=True,
)
