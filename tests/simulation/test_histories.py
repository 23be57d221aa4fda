"""Random histories, and that they say the same each time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.campaign import campaign
from tests.simulation.faults import planted
from tests.simulation.generate import generate
from tests.simulation.history import script
from tests.simulation.planting import caught
from tests.simulation.shrink import shrink
from tests.simulation.world import run

BLOCKS = 4
HISTORIES = 2000
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
@pytest.mark.parametrize("number", range(BLOCKS))
def test_no_history_violates_anything(number: int) -> None:
    size = HISTORIES // BLOCKS
    figures = campaign(size, number * size, failures=1)
    assert not figures.failed, "\n\n".join(
        script(shrink(generate(seed)), f"seed {seed}: {violations[0].invariant}")
        for seed, violations in figures.failed
    )
    assert figures.histories == size
    # What is not there proves nothing.
    assert figures.kills > size / 10
    assert figures.conflicts > size / 100
    assert figures.outcomes["read: done, marked"] > size / 2
    assert figures.outcomes["write: doubt"] > size / 10
    assert figures.outcomes["write: done"] > size


def test_a_seed_says_the_same_in_every_process() -> None:
    program = (
        "from tests.simulation.campaign import fingerprint\n"
        "print([fingerprint(seed) for seed in range(40)])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert len(set(said.pop().strip("[]\n").split(", "))) == 40


def test_a_failing_history_is_short_and_its_script_fails(tmp_path: Path) -> None:
    name = "no_journal"
    catch = caught(name)
    assert catch is not None
    whole = generate(catch.seed)
    with planted(name):
        short = shrink(whole)
        assert run(short).violations
    assert len(short.events) < len(whole.events)
    assert len(short.events) <= 3
    program = tmp_path / "fails.py"
    program.write_text(
        script(short, catch.invariant).replace("\n))\n", f"\n), fault={name!r})\n"),
        encoding="utf-8",
    )
    for text, code in ((program.read_text("utf-8"), 1), (script(short, "whole"), 0)):
        program.write_text(text, encoding="utf-8")
        ended = subprocess.run(
            [sys.executable, str(program)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
            text=True,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert ("violated: " in ended.stdout) is (code == 1)
