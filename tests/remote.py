"""A cloud over a driver in memory that gets the layers of a remote store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from skykeep import Cloud, registry
from skykeep.providers.memory import PROVIDER
from skykeep.providers.memory.secrets import MemorySecrets, share
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.model import CacheSettings, Environment, RetrySettings


@contextmanager
def remote(driver: MemorySecrets, **changes: Any) -> Iterator[Cloud]:
    """A cloud whose store is ``driver``; the caller closes it on its own loop."""
    store = f"remote-{id(driver)}"
    changes.setdefault("cache", CacheSettings())
    environment = Environment(
        primary=MemorySettings(backend="memory", store=store),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        **changes,
    )
    share(store, driver)
    far = replace(PROVIDER, embedded=False)
    try:
        with mock.patch.object(registry, "provider", return_value=far):
            cloud = Cloud(environment, environ={})
        yield cloud
    finally:
        share(store, None)
