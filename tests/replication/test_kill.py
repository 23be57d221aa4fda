"""``kill -9`` of a process that writes to two targets: nothing acknowledged is lost, all
targets come to hold the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.programs import report
from tests.replication.killed_writer import MOMENTS
from tests.replication.programs import start

ROUNDS = 10 * len(MOMENTS)


@pytest.mark.slow
def test_60_kills_at_every_step_and_between(tmp_path: Path) -> None:
    told = report(start("killed_writer", tmp_path, ROUNDS, 20261122))
    assert ROUNDS == 60
    assert isinstance(told["acknowledged"], int)
    assert told["acknowledged"] > 300, "too few writes were acknowledged to prove anything"
    assert isinstance(told["cut off"], int)
    assert told["cut off"] > 30, "hardly a kill met a write under way"
    assert isinstance(told["in doubt"], int)
    assert told["in doubt"] > 5, "hardly a record was left in doubt"
