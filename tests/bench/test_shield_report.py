"""What is said of the shield's speed is what was measured."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import msgspec
import pytest

from bench.objects_report import Results
from bench.results import Machine
from bench.shield_fresh import fixed
from bench.shield_report import (
    BEGIN,
    END,
    KEPT,
    PAGE,
    PLOT,
    Kept,
    Line,
    Scaling,
    svg,
    table,
    write,
)

MACHINE = Machine(cores=2, system="Linux x86_64", python="3.11.7", sqlite="3.44.0", load=0.5)
ROWS = [fixed("the cheap ten, 1 KB", "ms", 0.2, 0.3), fixed("first scan", "s", 2.5, 2.0)]
RESULTS = Results("2026-11-22", MACHINE, {"skykeep": "0.1.0"}, ROWS)
SCALING = Scaling([Line("A<B", [1_000, 10_000, 100_000], [1.0, 2.0, 24.0])])


def test_the_table_says_what_was_measured_and_what_was_missed() -> None:
    lines = table(RESULTS, SCALING).splitlines()
    assert lines[0] == "| | measured | beside | | ratio | bar | |"
    assert lines[2:4] == [
        "| the cheap ten, 1 KB | 0.2 ms |  |  |  | at most 0.3 ms | met |",
        "| first scan | 2.5 s |  |  |  | at most 2 s | **missed** |",
    ]
    assert lines[-1] == "| A<B | 1 | 2 | 24 | 12.0 x |"


def test_growth_is_the_worst_step_of_ten_from_ten_kilobytes_on() -> None:
    assert Line("A", [1_000, 10_000, 1_000_000], [1, 100, 1_000]).growth == pytest.approx(
        10**0.5
    )
    assert Line("A", [10_000, 100_000, 1_000_000], [1, 9, 99]).growth == pytest.approx(11)
    assert Line("A", [1_000], [1]).growth == 1


def test_the_plot_has_a_line_for_each_scanner_and_says_all_in_words() -> None:
    document = fromstring(svg(SCALING))  # noqa: S314  (our own)
    space = "{http://www.w3.org/2000/svg}"
    lines = [each.get("class") for each in document.iter(f"{space}path")]
    assert lines.count("line") == 1
    said = document.findtext(f"{space}desc")
    assert said == "A<B: 1 ms for 1 KB, 2 ms for 10 KB, 24 ms for 100 KB."


def test_what_is_kept_is_what_the_page_and_the_plot_show() -> None:
    """`python -m bench.shield_report` after a change of their looks."""
    found = msgspec.json.decode(KEPT.read_bytes(), type=Kept)
    assert table(found.results, found.scaling) in PAGE.read_text()
    assert PLOT.read_text() == svg(found.scaling)


def test_what_is_kept_has_all_that_is_held_to_a_bar() -> None:
    """With llm-guard beside it: what was measured with ``--alone`` is not published."""
    found = msgspec.json.decode(KEPT.read_bytes(), type=Kept)
    assert "llm-guard" in found.results.versions
    held = {row.what for row in found.results.rows if row.bar is not None}
    assert {"Secrets, 1 KB", "Secrets, 10 KB", "the cheap ten, 1 KB"} < held
    assert len(found.scaling.lines) == 21


def test_the_tables_go_between_the_marks(tmp_path: Path) -> None:
    page, plot = tmp_path / "page.md", tmp_path / "plot.svg"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(Kept(RESULTS, SCALING), page, plot)
    content = table(RESULTS, SCALING)
    assert page.read_text() == f"before\n{BEGIN}\n{content}\n{END}\nafter\n"
    assert plot.read_text() == svg(SCALING)
