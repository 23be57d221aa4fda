"""The examples and the session of the guide on watching print what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.docs_site.sessions import made, same

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "watch.md").read_text("utf-8")

EXAMPLES = re.findall(
    r"^```python\n(.*?)^```\n\nIt prints:\n\n```text\n(.*?)^```",
    GUIDE,
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The variables of somebody who has a vault."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SKYKEEP_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "skykeep", "init", "--key-file", str(tmp_path / "key")]
    subprocess.run(command, env=environ, check=True, capture_output=True)
    return environ


def test_every_example_says_what_it_prints() -> None:
    assert len(EXAMPLES) == GUIDE.count("```python\n") > 0


@pytest.mark.parametrize(("example", "expected"), EXAMPLES)
def test_the_example_prints_what_the_guide_says(
    example: str, expected: str, home: dict[str, str]
) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        env=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, expected), ended.stderr


def test_the_session_prints_what_the_guide_shows() -> None:
    section = GUIDE.partition("\n## On the command line\n")[2].partition("\n## ")[0]
    assert "$ skykeep watch" in section
    assert same(made(section)) == same(section)
