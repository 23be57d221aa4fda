"""The guide's session and its program do as they are printed."""

from __future__ import annotations

import re
from pathlib import Path

from skykeep.drift.sides import AT_ONCE
from skykeep.layers.pace import SHARE
from tests.apps.cli import transcript
from tests.repo.tree import ROOT, python

GUIDE = (ROOT / "docs" / "guides" / "sync.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))


def session(text: str) -> list[tuple[str, str]]:
    """Each command with what is printed below it."""
    return [
        (command, shown)
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)
    ]


def masked(text: str) -> str:
    return transcript.masked(text, Path("/nowhere"))


def test_the_session_and_the_program(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    steps = [transcript.Step([], [command]) for command, _ in session(BLOCKS["console"])]
    config = f"cat > skykeep.yaml <<'END'\n{BLOCKS['yaml']}END"
    ran = transcript.play([transcript.Step([], [config]), *steps], room)[1:]
    found = [masked(one.out + one.err) for one in ran]
    assert found == [masked(shown) for _, shown in session(BLOCKS["console"])]
    assert len(found) == 9

    home = room / "home"
    done = python(
        *("-W", "error", "-c", BLOCKS["python"]),
        cwd=home,
        env=transcript.environment(home),
    )
    assert sorted(done.stdout.splitlines()) == sorted(BLOCKS["text"].splitlines())


def test_the_figures() -> None:
    assert f"{AT_ONCE} secrets are under way at once" in GUIDE
    assert (SHARE, "half of the quota" in GUIDE) == (0.5, True)
