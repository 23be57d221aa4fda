"""What docs/guides/outage.md calls safe, and what it does not, on stores in memory.

`kill -9`, restarts and a change at the provider's console are on the page itself.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import skykeep
from skykeep import drift
from skykeep.errors import NotFound, Unavailable
from skykeep.providers.memory.secrets import MemorySecrets, share

NAME = "db/password"
CONFIGURATION = """\
production:
  primary: {backend: memory, store: primary}
  failover: {backend: memory, store: failover}
  writes: failover
  cache: {ttl_seconds: 0}
"""

pytestmark = pytest.mark.asyncio


@dataclass
class Place:
    """A host with a configuration, and the two stores."""

    home: Path
    primary: MemorySecrets = field(default_factory=MemorySecrets)
    failover: MemorySecrets = field(default_factory=MemorySecrets)

    def __post_init__(self) -> None:
        share("primary", self.primary)
        share("failover", self.failover)
        self.configure(CONFIGURATION)

    def configure(self, text: str) -> None:
        (self.home / "skykeep.yaml").write_text(text)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[skykeep.Cloud]:
        """One program of the host."""
        async with skykeep.open(config=self.home / "skykeep.yaml") as cloud:
            yield cloud

    async def written_in_an_outage(self) -> None:
        """``first`` is everywhere; ``second`` is at the failover target and owed."""
        async with self.opened() as cloud:
            await cloud.secrets.put(NAME, "first")
            assert await cloud.replication.settle(10) == {}
            self.primary.fail_next(Unavailable, times=10**6)
            await cloud.secrets.put(NAME, "second")
            assert cloud.replication.owed() == {"primary (memory)": 1}
        self.primary.clear_faults()

    async def held(self) -> list[str | None]:
        """By the primary and the failover target, past all layers."""
        found: list[str | None] = []
        for store in (self.primary, self.failover):
            try:
                found.append((await MemorySecrets(store=store.store).get(NAME)).value.text())
            except NotFound:
                found.append(None)
        return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("SKYKEEP_HOME", str(tmp_path))
    return Place(tmp_path)


async def test_whoever_opens_the_environment_next_brings_it(place: Place) -> None:
    await place.written_in_an_outage()
    assert await place.held() == ["first", "second"]
    async with place.opened() as cloud:
        assert await cloud.replication.settle(10) == {}
    assert await place.held() == ["second", "second"]


async def test_back_to_writes_at_the_primary_alone(place: Place) -> None:
    await place.written_in_an_outage()
    place.configure(CONFIGURATION.replace("writes: failover", "writes: primary"))
    async with place.opened() as cloud:
        assert (await cloud.secrets.get(NAME)).value.text() == "second"
        assert await cloud.replication.settle(10) == {}
    assert await place.held() == ["second", "second"]


async def test_without_the_journal_the_write_is_at_its_home(place: Place) -> None:
    await place.written_in_an_outage()
    shutil.rmtree(place.home / "journal")
    async with place.opened() as cloud:
        # Nobody here knows any more: what the page warns of.
        found = await cloud.secrets.get(NAME)
        assert found.value.text() == "first"
        assert found.provenance is not None
        assert not found.provenance.stale
        ahead, behind = cloud.at("failover").secrets, cloud.at("primary").secrets
        done = await drift.carry_out(await drift.plan(ahead, behind), ahead, behind)
        assert [step.name for step in done.written] == [NAME]
    assert await place.held() == ["second", "second"]


async def test_a_delete_by_hand_is_a_conflict(place: Place) -> None:
    await place.written_in_an_outage()
    await MemorySecrets(store=place.primary.store).delete(NAME)
    async with place.opened() as cloud:
        assert (await cloud.replication.reconcile()).conflicts == [NAME]
        assert (await cloud.secrets.get(NAME)).value.text() == "second"
    assert await place.held() == [None, "second"]
