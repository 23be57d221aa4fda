"""A process that forks with a vault open: both go on, nothing is lost, nothing hangs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import programs
from tests.faults.forking import CASES


@pytest.mark.parametrize("case", CASES)
def test_parent_and_child_go_on(case: str, tmp_path: Path) -> None:
    assert programs.run("forking", tmp_path / "vault", case) == {"case": case}
