"""The embedded default: one encrypted SQLite file of secrets and keys, and a directory of
objects.

Importing this imports no SQLite, and none of the drivers.
"""

from skykeep.interfaces.provider import Provider

PROVIDER = Provider(
    name="local",
    settings="skykeep.providers.local.settings:LocalSettings",
    drivers={
        "secrets": "skykeep.providers.local.secrets:open_secrets",
        "objects": "skykeep.providers.local.objects.driver:open_objects",
        "keys": "skykeep.providers.local.keys:open_keys",
    },
    embedded=True,
)
