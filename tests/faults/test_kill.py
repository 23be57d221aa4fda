"""``kill -9`` at any moment: what was acknowledged is there, nothing is half there."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from tests.faults import programs


@pytest.mark.slow
def test_200_kills_of_a_writing_process(tmp_path: Path) -> None:
    told = programs.run("killed_writer", tmp_path / "vault", 200, 20240607)
    acknowledged, in_doubt = cast("int", told["acknowledged"]), cast("int", told["in doubt"])
    assert acknowledged > 2000, "too few writes were acknowledged to prove anything"
    assert in_doubt > 20, "hardly a kill met a write under way"


@pytest.mark.slow
def test_50_kills_while_a_vault_is_made(tmp_path: Path) -> None:
    told = programs.run("killed_init", tmp_path / "vaults", 50)
    assert sum(cast("int", count) for count in told.values()) == 50
    assert told["vault"] != 50, "no kill came before the vault was there"
