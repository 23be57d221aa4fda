"""Vaults with keys in them, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from skykeep.providers.local.keys import LocalKeys, open_keys
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import unlock
from skykeep.providers.local.verify import Counts, verify
from tests.providers.local.vaults import Place


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[LocalKeys]:
    """A driver of keys."""
    driver = await open_keys(place.settings, place.context)
    try:
        yield driver
    finally:
        await driver.close()


def verified(place: Place) -> Counts:
    """What was found to be whole."""
    return verify(place.path, unlock(read_header(place.path), place.settings, place.context))
