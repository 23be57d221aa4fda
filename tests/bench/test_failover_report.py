"""What is said of the speed in an outage is what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.failover import percentile, row
from bench.failover_report import BEGIN, END, KEPT, PAGE, table, write
from bench.objects_report import Results, kept
from bench.results import Machine

MACHINE = Machine(cores=2, system="Linux x86_64", python="3.11.7", sqlite="3.44.0", load=0.5)
ROWS = [
    row("first read", "s", 2.5, ("a try", 2.0), 1.01),
    row("hedged p50", "ms", 1.0, ("not hedged", 2.0), None),
]
RESULTS = Results("2026-11-22", MACHINE, {"skykeep": "0.1.0"}, ROWS)


def test_the_table_says_what_was_measured_and_what_was_missed() -> None:
    lines = table(RESULTS).splitlines()
    assert lines[0] == "| | measured | held against | | ratio | bar | |"
    assert lines[2:4] == [
        "| first read | 2.5 s | a try | 2 s | 1.25 | at most 1.01 | **missed** |",
        "| hedged p50 | 1 ms | not hedged | 2 ms | 0.5 |  |  |",
    ]


def test_a_percentile_is_by_nearest_rank() -> None:
    found = [float(number) for number in range(1, 101)]
    assert [percentile(found, share) for share in (0.5, 0.99, 1.0)] == [50, 99, 100]


def test_what_is_kept_is_what_the_page_shows() -> None:
    """`python -m bench.failover_report` after a change of its looks."""
    assert table(kept(KEPT)) in PAGE.read_text()


def test_the_table_goes_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(RESULTS, page)
    assert page.read_text() == f"before\n{BEGIN}\n{table(RESULTS)}\n{END}\nafter\n"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="failover: begin"):
        write(RESULTS, page)
    assert page.read_text() == "nothing"
