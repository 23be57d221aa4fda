"""The session in the guide on objects is what the commands print."""

from __future__ import annotations

from pathlib import Path

from scripts.docs_site.sessions import made, same

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "objects.md"


def section() -> str:
    """The part of the guide that is a session."""
    text = GUIDE.read_text(encoding="utf-8")
    return text.partition("\n## On the command line\n")[2].partition("\n## ")[0]


def test_the_session_prints_what_the_guide_shows() -> None:
    assert "$ skykeep obj sync" in section()
    assert same(made(section())) == same(section())


def test_a_session_that_shows_something_else_is_found() -> None:
    false = section().replace("(15 bytes)", "(16 bytes)")
    assert same(made(false)) != same(false)
