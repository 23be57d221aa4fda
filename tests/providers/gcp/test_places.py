"""Where Google keeps secrets, as a target asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.gcp.opening import opened

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("keys", "region"),
    [
        ({"location": "europe-west3"}, "europe-west3"),
        ({"region": "europe-west3"}, "europe-west3"),
        ({"location": "eu"}, "eu"),
        ({}, "global"),
        ({"region": "europe-west3", "location": "global"}, "global"),
        ({"replica_locations": ["europe-west1", "europe-west4"]}, "europe-west1,europe-west4"),
    ],
)
async def test_the_region_of_secrets(keys: dict[str, Any], region: str) -> None:
    """Nobody is asked: each path says the location, and the service holds calls to it."""
    driver = opened(NOWHERE, **keys)
    assert await driver.region() == region
    await driver.close()
