"""Secrets that go from store to store, through six of them, and come back the same."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from skykeep import Secrets, drift
from tests.journeys.six_stores import ORDER, SixStores

AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
VALUES = {
    "db/password": b"s3cret",
    "db/binary": bytes(range(256)),
    "web.api_key": "naïve\n".encode(),
    "TLS-key": b"-----BEGIN-----\n" * 40,
}


async def kinds(a: Secrets, b: Secrets) -> dict[str, str]:
    return {each.name: str(each.kind) async for each in drift.compare(a, b)}


async def step(a: Secrets, b: Secrets, expected: dict[str, int]) -> None:
    """From one store to the next, and what the plan had to say."""
    plan = await drift.plan(a, b)
    assert {name: count for name, count in plan.counts.items() if count} == expected
    outcome = await drift.carry_out(plan, a, b)
    assert outcome.failed == []
    assert outcome.left == []
    assert await kinds(a, b) == dict.fromkeys(VALUES, "same")


@pytest.mark.slow
@pytest.mark.asyncio
async def test_through_six_stores(stores: SixStores) -> None:
    clouds = [stores.open(store) for store in ORDER]
    try:
        first = clouds[0].secrets
        for name, value in VALUES.items():
            await first.put(name, value)
        await first.annotate("db/password", tags={"team": "web"}, expires_at=AT)
        for a, b in pairwise(clouds):
            await step(a.secrets, b.secrets, {"create": len(VALUES)})
        last = await clouds[-1].secrets.get("db/password")
        assert (last.value.reveal(), last.tags, last.expires_at) == (
            b"s3cret", {"team": "web"}, AT,
        )  # fmt: skip

        # A value that changed, and a tag: each store by its own way to write under a condition.
        await first.put("db/password", "another")
        await first.annotate("TLS-key", tags={"team": "ops"})
        for a, b in pairwise(clouds):
            await step(a.secrets, b.secrets, {"update": 2, "same": len(VALUES) - 2})

        # Once more there is nothing to do, from the last to the first.
        await step(clouds[-1].secrets, first, {"same": len(VALUES)})
    finally:
        for cloud in clouds:
            await cloud.close()
