"""A source that could not be reached rests: an outage is waited for once."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from skykeep.errors import Throttled, Unavailable
from tests.loading.four_places import KEYS, Make, told


@pytest.mark.asyncio
async def test_an_outage_is_waited_for_once(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("cloud", "from the cloud")
        await here.keep("mounted", "from the mount")
        loader = await here.loader("rest_seconds: 30")
        here.driver.fail_next(Unavailable("down"))
        await loader.get(KEYS)
        here.now += 29.9
        loaded = await loader.load(KEYS)
        assert here.driver.calls["get"] == 1
        assert str(loaded.misses[0]) == "cloud (memory): down (not asked again yet)"
        assert loaded.secret.provenance is not None
        assert loaded.secret.provenance.degraded
        here.now += 0.2
        assert told(await loader.load(KEYS))[:2] == ("from the cloud", "cloud (memory)")


@pytest.mark.asyncio
async def test_a_source_at_rest_is_asked_before_giving_up(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("cloud", "from the cloud")
        await here.keep("mounted", "from the mount")
        loader = await here.loader()
        here.driver.fail_next(Unavailable("down"))
        await loader.get(KEYS)
        (here.root / "run/secrets/api_keys").unlink()
        loaded = await loader.load(KEYS)
        assert told(loaded)[0] == "from the cloud"
        # It answered: it is the first again.
        await here.keep("mounted", "from the mount")
        assert told(await loader.load(KEYS))[:2] == ("from the cloud", "cloud (memory)")


@pytest.mark.asyncio
async def test_fresh_asks_a_source_at_rest(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("cloud", "from the cloud")
        await here.keep("mounted", "from the mount")
        loader = await here.loader()
        here.driver.fail_next(Unavailable("down"))
        await loader.get(KEYS)
        assert (await loader.get(KEYS, fresh=True)).value.text() == "from the cloud"


@pytest.mark.asyncio
async def test_a_throttled_source_rests_as_long_as_it_asked(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("cloud", "from the cloud")
        await here.keep("mounted", "from the mount")
        loader = await here.loader("rest_seconds: 0")
        here.driver.fail_next(Throttled("slowly", retry_after=60))
        await loader.get(KEYS)
        here.now += 59
        assert (await loader.get(KEYS)).value.text() == "from the mount"
        here.now += 2
        assert (await loader.get(KEYS)).value.text() == "from the cloud"
