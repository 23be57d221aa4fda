"""What is said of the speed of objects is what was measured."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from bench import objects_report
from bench.objects_report import PAGE, PLOT, Results, Row, digits, kept, markdown, panels, svg
from bench.results import Machine

MACHINE = Machine(cores=2, system="Linux x86_64", python="3.11.7", sqlite="3.44.0", load=0.5)
ROWS = [
    Row("S3: get", "µs CPU", 200, "obstore", 190, 200 / 190, 1.15),
    Row("S3: get", "µs CPU", 200, "<boto3>", 900, 4.5, 5.0, least=True),
    Row("S3: up", "MiB/s", 400, "boto3", 300, 4 / 3, 0.95, least=True),
    Row("S3: up, memory", "MiB", 30, "boto3", 40, 30, 61, fixed=True),
    Row("sealed", "times as long", 1.2, "not sealed", None, 1.2, None),
]
RESULTS = Results("2026-11-22", MACHINE, {"skykeep": "0.1.0"}, ROWS)


def test_a_bar_is_met_from_its_own_side() -> None:
    assert [row.met for row in ROWS] == [True, False, True, True, True]
    edge = Row("x", "s", 1, "y", 1, 1.3, 1.3)
    assert edge.met
    assert Row("x", "s", 1, "y", 1, 1.3, 1.3, least=True).met
    assert not Row("x", "s", 1, "y", 1, 1.31, 1.3).met


def test_figures_have_the_digits_that_mean_something() -> None:
    assert [digits(figure) for figure in (1234.5, 0.98765, 3.0)] == [1230, 0.988, 3]
    row = Row("x", "s", 1.23456, "", None, 1.23456, None).rounded()
    assert (row.ours, row.theirs, row.held) == (1.23, None, 1.23)


def test_the_table() -> None:
    lines = markdown(RESULTS).splitlines()
    assert lines[2:7] == [
        "| S3: get | 200 µs CPU | obstore | 190 µs CPU | 1.05263 | at most 1.15 | met |",
        "|  | 200 µs CPU | <boto3> | 900 µs CPU | 4.5 | at least 5 | **missed** |",
        "| S3: up | 400 MiB/s | boto3 | 300 MiB/s | 1.33333 | at least 0.95 | met |",
        "| S3: up, memory | 30 MiB | boto3 | 40 MiB |  | at most 61 MiB | met |",
        "| sealed | 1.2 times as long | not sealed |  | 1.2 |  |  |",
    ]
    assert "2 cores, load 0.5 before; Linux x86_64, Python 3.11.7" in lines[-1]


def test_the_plot_has_a_bar_for_each_rival_and_says_all_in_words() -> None:
    made = list(panels(RESULTS).values())
    assert made == [
        {"obstore": 190, "skykeep": 200, "<boto3>": 900},
        {"skykeep": 400, "boto3": 300},
    ]
    assert [list(bars) for bars in made] == [
        ["obstore", "skykeep", "<boto3>"],
        ["skykeep", "boto3"],
    ]
    text = svg(RESULTS)
    space = "{http://www.w3.org/2000/svg}"
    document = fromstring(text)  # noqa: S314  (our own)
    bars = [each.get("class") for each in document.iter(f"{space}rect")]
    assert bars == ["ground", "other", "ours", "other", "ours", "other"]
    said = document.findtext(f"{space}desc")
    assert said is not None
    assert "obstore 190, skykeep 200, <boto3> 900" in said


def test_what_is_kept_is_what_the_page_and_the_plot_show(tmp_path: Path) -> None:
    """`python -m bench.objects_report` after a change of their looks."""
    found = kept()
    assert markdown(found) in PAGE.read_text()
    assert PLOT.read_text() == svg(found)
    found.save(tmp_path / "objects.json")
    assert kept(tmp_path / "objects.json") == found


def test_a_page_without_its_marks_is_left_alone(tmp_path: Path) -> None:
    page, plot = tmp_path / "page.md", tmp_path / "plot.svg"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="objects: begin"):
        objects_report.write(RESULTS, page, plot)
    assert page.read_text() == "nothing"
