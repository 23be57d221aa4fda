"""A process that forks with a journal open: both go on, nothing is lost, nothing hangs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.programs import report
from tests.journal.forking import CASES
from tests.journal.processes import start


@pytest.mark.parametrize("case", CASES)
def test_parent_and_child_go_on(case: str, tmp_path: Path) -> None:
    assert report(start("forking", tmp_path / "production.db", case)) == {"case": case}
