"""``kill -9`` at any moment: what was acknowledged is kept, what was removed stays away."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from tests.faults.programs import report
from tests.journal.processes import start


@pytest.mark.slow
def test_60_kills_of_writing_processes(tmp_path: Path) -> None:
    told = report(start("killed_writers", tmp_path, 60, 20261122))
    assert cast("int", told["acknowledged"]) > 1000
    assert cast("int", told["in doubt"]) > 100
    assert cast("int", told["gone"]) > 200


@pytest.mark.slow
def test_processes_that_make_it_at_once_or_are_killed_while_they_do(tmp_path: Path) -> None:
    told = report(start("makers", tmp_path, 40, 20261122))
    assert cast("int", told["made"]) + cast("int", told["not made"]) == 40
    assert told["made"], "all kills came before the journal was there"
    assert told["not made"], "no kill came before the journal was there"
