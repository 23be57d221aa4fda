from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from llm_shield.cli.console import Console, OutputFailed, Progress, columns, counted, printable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """In the test's body: pytest's capture sets the stream anew after the fixtures."""
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return made


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    now = 100.0
    monkeypatch.setattr("llm_shield.cli.console.time.monotonic", lambda: now)
    progress = Progress("scanned", Console(), total=1000)
    progress.at(10, 100)
    assert terminal.getvalue() == ""
    now += 2
    progress.at(6000, 430)
    assert terminal.getvalue() == "\rscanned: 6,000 lines, 43 %, 3,000 a second"
    progress.at(6001, 431)
    progress.end()
    assert terminal.getvalue().endswith("\r" + " " * 42 + "\r")


@pytest.mark.parametrize("json", [True, False])
def test_no_progress_elsewhere(monkeypatch: pytest.MonkeyPatch, json: bool) -> None:
    stream: Any = Terminal() if json else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    now = 100.0
    monkeypatch.setattr("llm_shield.cli.console.time.monotonic", lambda: now)
    console = Console()
    console.json = json
    progress = Progress("scanned", console)
    now += 2
    progress.at(6000)
    progress.end()
    assert stream.getvalue() == ""


def test_colours_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal_of(monkeypatch)
    console = Console()
    assert console.paint("x", "31") == "\x1b[31mx\x1b[0m"
    console.color = False
    assert console.paint("x", "31") == "x"
    console.color = True
    monkeypatch.setenv("NO_COLOR", "1")
    assert console.paint("x", "31") == "x"


def test_what_could_rewrite_a_terminal_is_shown_as_it_is_written() -> None:
    assert printable("a\x1b[31mb\x07\n") == "a\\x1b[31mb\\x07\n"


def test_an_output_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputFailed, match="closed"):
        Console().text("x")


def test_tables_and_counts() -> None:
    assert columns(["A", "B"], [["long", "x"]]) == "A     B\nlong  x"
    assert counted(1, "line") == "1 line"
    assert counted(1000, "line") == "1,000 lines"
