"""What a command does not need is not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LOAD = """
import sys
from skykeep.settings.load import Flags, load
from skykeep.settings.model import TargetSettings
load(Flags({flags}), environ={environ!r}, settings_of=lambda name: TargetSettings)
print([name for name in {heavy!r} if name in sys.modules])
"""
HEAVY = ["yaml", "platformdirs", "difflib", "skykeep.settings.report"]


def imported(environ: dict[str, str], flags: str = "") -> str:
    code = LOAD.format(environ=environ, flags=flags, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_without_a_file(home: Path) -> None:
    environ = {"SKYKEEP_HOME": str(home)}
    assert imported(environ) == "[]"


def test_with_a_right_file(home: Path) -> None:
    (home / "skykeep.yaml").write_text("a: {primary: {backend: local}}\n")
    assert imported({"SKYKEEP_HOME": str(home)}) == "['yaml']"
