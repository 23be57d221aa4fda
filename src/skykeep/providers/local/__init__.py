"""The embedded default: one encrypted SQLite file, and a directory of objects.

Importing this imports no SQLite, and neither of the two drivers.
"""

from skykeep.interfaces.provider import Provider

PROVIDER = Provider(
    name="local",
    settings="skykeep.providers.local.settings:LocalSettings",
    drivers={
        "secrets": "skykeep.providers.local.secrets:open_secrets",
        "objects": "skykeep.providers.local.objects.driver:open_objects",
    },
    embedded=True,
)
