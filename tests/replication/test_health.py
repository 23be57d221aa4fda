"""How targets are, as a person and as a monitor sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from skykeep.errors import (
    Corrupt,
    Denied,
    Invalid,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.interfaces.call import Role
from skykeep.journal.entries import Brings, Entry
from skykeep.layers.stack import Swept
from skykeep.replication.digests import NAME as DIGEST_KEY
from skykeep.replication.health import Health, TargetHealth, health, prometheus
from skykeep.settings.model import BreakerSettings
from tests.replication.exposition import parsed
from tests.replication.fleet import NAME, Fleet, Store, fleet

pytestmark = pytest.mark.asyncio


async def asked(each: Fleet) -> Health:
    return await health(each.stack, each.stores, "production", "")


async def test_all_is_well() -> None:
    async with fleet(backups=1) as each:
        each.backups[0].region = "eu-1"
        found = await asked(each)
        assert (found.environment, found.status, found.doubt, found.journal) == (
            "production",
            "ok",
            0,
            None,
        )
        assert [target.name for target in found.targets] == [
            store.name for store in each.stores
        ]
        assert [target.role for target in found.targets] == ["primary", "failover", "backup"]
        assert found.targets[2].region == "eu-1"
        for target in found.targets:
            assert (target.status, target.error, target.breaker) == ("up", None, "closed")
            assert (target.owed, target.behind, target.stuck, target.drift) == (
                0,
                None,
                (),
                None,
            )
            assert target.seconds >= 0


async def test_each_target_is_asked_one_thing_that_needs_no_value() -> None:
    async with fleet(backups=1) as each:
        await each.secrets.put(DIGEST_KEY, "x" * 32)
        await each.replay()
        for store in each.stores:
            store.secrets.calls.clear()
        await health(each.stack, each.stores, None, "team/")
        for store in each.stores:
            assert store.secrets.calls == {"describe": 1}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unavailable, "down"),
        (Throttled, "down"),
        (Denied, "refuses"),
        (Unauthenticated, "refuses"),
        (Invalid, "refuses"),
    ],
)
async def test_a_target_that_does_not_answer_us(error: type[SkykeepError], status: str) -> None:
    async with fleet() as each:
        each.failover[0].away(error)
        found = await asked(each)
        assert found.status == "degraded"
        primary, other = found.targets
        assert (primary.status, other.status) == ("up", status)
        assert other.error == f"{error.__name__}: planted by a test [failover-0]"


@pytest.mark.parametrize("error", [Unavailable, Denied])
async def test_with_all_that_are_read_away_the_environment_is_down(
    error: type[SkykeepError],
) -> None:
    async with fleet(backups=1) as each:
        each.primary.away()
        assert (await asked(each)).status == "degraded"
        each.failover[0].away(error)
        assert (await asked(each)).status == "down"
        each.failover[0].back()
        each.backups[0].away()
        each.primary.back()
        assert (await asked(each)).status == "degraded"


async def test_a_target_that_cannot_be_opened_does_not_end_it() -> None:
    class Closed(Store):
        async def driver(self, capability: str) -> Any:
            raise Unavailable("no route")

    stores: list[Store] = [Store("primary", Role.PRIMARY), Closed("backup-0", Role.BACKUP)]
    async with fleet(stores=stores) as each:
        found = await asked(each)
        assert found.targets[1].error == "Unavailable: no route [backup-0]"
        assert found.status == "degraded"


async def test_the_breaker_and_the_latencies_are_told() -> None:
    async with fleet(breaker=BreakerSettings(failures=1, probe_seconds=3600)) as each:
        await each.secrets.put(NAME, "one")
        await each.replay()
        await each.secrets.get(NAME)
        each.failover[0].away()
        await asked(each)
        primary, other = (await asked(each)).targets
        assert (primary.breaker, other.breaker) == ("closed", "open")
        assert other.status == "down"
        assert primary.p50 is not None
        assert primary.p99 is not None
        assert 0 < primary.p50 <= primary.p99


async def test_what_is_owed_since_when_and_what_is_stuck() -> None:
    async with fleet(backups=1) as each:
        each.failover[0].away(Denied)
        await each.secrets.put("a", "1")
        await each.secrets.delete("a")
        await each.replay()
        await each.secrets.put("b", "1")
        first = next(iter(each.journal))
        await each.journal.change(first, ticks=first.ticks - 100)
        each.failover[0].back()
        found = await asked(each)
        assert found.status == "degraded"
        primary, other, backup = found.targets
        assert (primary.owed, primary.behind, primary.stuck) == (0, None, ())
        assert (other.owed, other.stuck) == (3, ("a",))
        assert other.behind is not None
        assert 100 <= other.behind < 200
        assert (backup.owed, backup.stuck) == (1, ())
        assert backup.behind is not None
        assert 0 <= backup.behind < 100


async def in_doubt(each: Fleet) -> None:
    journal = each.journal
    await journal.begin(
        Entry(
            name="a",
            brings=Brings.VALUE,
            home="primary",
            made=0.0,
            ticks=0.0,
            boot="",
            revision=1,
            command=b"",
        )
    )


async def test_a_write_in_doubt_is_counted() -> None:
    async with fleet() as each:
        await in_doubt(each)
        found = await asked(each)
        assert (found.doubt, found.status) == (1, "degraded")


async def test_what_another_process_has_owed_since_is_seen() -> None:
    async with fleet() as one, fleet(stores=one.stores, state=one.state) as other:
        await other.secrets.put(NAME, "one")
        assert (await asked(one)).targets[1].owed == 1


async def test_a_journal_that_cannot_be_read_is_said() -> None:
    async with fleet() as each:

        def broken(since: int) -> tuple[int, list[tuple[int, bytes | None]]]:
            raise Corrupt("planted")

        each.journal._store.changes = broken  # type: ignore[method-assign]  # a planted fault
        found = await asked(each)
        assert (found.journal, found.status) == ("planted", "degraded")
        assert found.targets[0].status == "up"


async def test_drift_is_what_the_last_sweep_found() -> None:
    class Sweeps:
        @property
        def found(self) -> Mapping[str, Swept]:
            return {"failover-0": Swept(0.0, 3, ("a", "b", "c")), "backup-0": Swept(0.0, 0, ())}

        async def serve(self) -> None:
            raise AssertionError

    async with fleet(backups=1) as each:
        each.stack.sweeper = Sweeps()
        found = await asked(each)
        assert [target.drift for target in found.targets] == [None, 3, 0]
        assert found.status == "degraded"


async def test_with_one_target_there_is_nothing_to_be_owed() -> None:
    async with fleet(failover=0) as each:
        each.stack.journal = None
        found = await asked(each)
        assert (found.status, found.journal, found.doubt) == ("ok", None, 0)
        assert found.targets[0].behind is None


# -- for monitors


FULL = Health(
    'pro"d',
    "degraded",
    (
        TargetHealth(
            "main", "aws", "primary", None, "up", None, 0.25, "closed", 0.1, 0.2, 0, None, ()
        ),
        TargetHealth(
            'e\\u "x"\n', "gcp", "failover", "eu", "refuses", "no", 1.5, "half-open",
            None, None, 3, 12.5, ("a", "b"), 4,
        ),
        TargetHealth(
            "safe", "local", "backup", None, "down", "no", 2, "open", None, None, 1, 0.5, (), 0
        ),
    ),
    2,
    None,
)  # fmt: skip


def values(name: str) -> list[float]:
    return list(parsed(prometheus(FULL))[name].samples.values())


async def test_the_text_is_prometheus_own() -> None:
    metrics = parsed(prometheus(FULL))
    assert all(metric.kind == "gauge" and metric.help for metric in metrics.values())
    assert {name: len(metric.samples) for name, metric in metrics.items()} == {
        "skykeep_target_up": 3,
        "skykeep_target_answer_seconds": 3,
        "skykeep_target_breaker_open": 3,
        "skykeep_target_owed_writes": 3,
        "skykeep_target_behind_seconds": 3,
        "skykeep_target_drift": 3,
        "skykeep_target_conflicts": 3,
        "skykeep_ok": 1,
        "skykeep_doubtful_writes": 1,
    }
    up = metrics["skykeep_target_up"]
    assert up.of(target='e\\u "x"\n', role="failover") == 0, "names are escaped and come back"
    assert metrics["skykeep_ok"].of(environment='pro"d') == 0


async def test_each_metric_says_what_it_is_called() -> None:
    assert values("skykeep_target_up") == [1, 0, 0]
    assert values("skykeep_target_answer_seconds") == [0.25, 1.5, 2]
    assert values("skykeep_target_breaker_open") == [0, 1, 1]
    assert values("skykeep_target_owed_writes") == [0, 3, 1]
    assert values("skykeep_target_behind_seconds") == [0, 12.5, 0.5]
    assert values("skykeep_target_drift") == [0, 4, 0]
    assert values("skykeep_target_conflicts") == [0, 2, 0]
    assert values("skykeep_ok") == [0]
    assert values("skykeep_doubtful_writes") == [2]


async def test_where_all_is_well_that_is_told() -> None:
    well = replace(FULL, status="ok", targets=FULL.targets[:1], environment=None)
    assert parsed(prometheus(well))["skykeep_ok"].of(environment="") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "skykeep_x 1\n",
        "# HELP a b\n# TYPE a gauge\na{b} 1\n",
        '# HELP a b\n# TYPE a gauge\na{b="c"d"} 1\n',
        "# HELP a b\n# TYPE a gauge\na one\n",
        "# HELP a b\n# TYPE a gauge\na 1\na 2\n",
        "# HELP a b\n# TYPE a gauge\na 1",
    ],
)
async def test_another_text_would_be_noticed(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        parsed(text)
