"""Secrets kept in this process and nowhere else: for tests, demonstrations and drafts.

Belongs here: the in-memory store, the driver over it and the faults that tests may plant
in it. Does not: anything that outlives the process.
"""

from __future__ import annotations

from skykeep.interfaces.provider import Provider

PROVIDER = Provider(
    name="memory",
    settings="skykeep.providers.memory.settings:MemorySettings",
    drivers={
        "secrets": "skykeep.providers.memory.secrets:open_secrets",
        "objects": "skykeep.providers.memory.objects:open_objects",
        "keys": "skykeep.providers.memory.keys:open_keys",
    },
    embedded=True,
)
