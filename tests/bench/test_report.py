"""The README's part on the comparison is made of what was kept, in units that can be read."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from bench import __main__ as bars
from bench import compare, report
from bench.cases import Row
from bench.results import kept
from bench.store import GET, OPEN, OPERATIONS, SET
from tests.bench.results import figure, made_up


@pytest.mark.parametrize(
    ("microseconds", "said"),
    [
        (0.0912, "0.091 µs"),
        (0.25, "0.2 µs"),
        (1.04, "1.0 µs"),
        (9.96, "10 µs"),
        (999.4, "999 µs"),
        (999.7, "1.0 ms"),
        (12_345, "12 ms"),
        (999_700, "1.0 s"),
        (62_000_000, "62 s"),
    ],
)
def test_durations_have_two_digits_and_the_nearest_unit(microseconds: float, said: str) -> None:
    assert report.duration(microseconds) == said


def test_every_figure_stands_in_its_row_and_column() -> None:
    found = made_up(
        [
            figure(SET, 1000, 2000.0),
            figure(SET, 10, 1000.0),
            figure(SET, 10, 5000.0, "keyring"),
            figure(GET, 10, 7.0),
        ]
    )
    rows = report.markdown(found).splitlines()
    assert rows[0] == "| | store | 10 secrets | 1,000 secrets |"
    assert rows[2:5] == [
        f"| {OPERATIONS[SET]} | skykeep | 1.0 ms | 2.0 ms |",
        "|  | keyring | 5.0 ms | not measured |",
        f"| {OPERATIONS[GET]} | skykeep | 7.0 µs | not measured |",
    ]
    assert "| skykeep | HKDF | 20 µs |" in rows


def test_what_is_between_the_marks_is_replaced_and_nothing_else() -> None:
    assert report.between("a<x>old</x>b", "<x>", "</x>", "new") == "a<x>\nnew\n</x>b"


@pytest.mark.parametrize("text", ["", "<x>", "</x>", "</x><x>"])
def test_a_missing_mark_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="there is no <x>"):
        report.between(text, "<x>", "</x>", "new")


def test_the_readme_says_what_was_measured() -> None:
    """``python -m bench.report`` after a change of the wording, ``bench.compare`` otherwise."""
    readme = report.README.read_text()
    assert report.between(readme, report.BEGIN, report.END, report.markdown(kept())) == readme
    before = readme.partition(report.BEGIN)[0]
    assert "-m bench.compare" in before[before.rindex("## How fast") :]


def test_what_is_kept_is_a_whole_run() -> None:
    found = kept()
    assert tuple(found.sizes()) == compare.SIZES
    everywhere = {kind.label for kind in compare.STORES}
    assert set(found.series(OPEN)) == everywhere
    assert (
        set(found.series(SET)) == set(found.series(GET)) == everywhere - {"skykeep, passphrase"}
    )
    assert all(
        [one.secrets for one in figures] == found.sizes()
        for operation in OPERATIONS
        for figures in found.series(operation).values()
    )
    assert min(one.microseconds for one in found.figures) > 0
    assert [one.store for one in found.derivations] == [kind.label for kind in compare.STORES]
    assert {kind.label: kind.derivation for kind in compare.STORES} == {
        one.store: one.how for one in found.derivations
    }
    assert found.versions.keys() == set(compare.PACKAGES)
    for one in found.figures:
        turns = [compare.takes_part(one.secrets, turn) for turn in range(compare.ROUNDS)]
        assert one.rounds == sum(turns)
    assert found.machine.cores >= 1
    assert date.fromisoformat(found.date).year >= 2026
    assert all(re.match(r"\d+\.\d+", number) for number in found.versions.values())


def test_the_readme_has_the_table_of_the_bars_as_it_was_kept() -> None:
    """``make bench`` measures; ``.venv/bin/python -m bench --write`` keeps what it found."""
    found = json.loads((report.README.parent / "bench" / "results.json").read_text())
    rows = []
    for kept_row in found["rows"]:
        met = kept_row.pop("met")
        rows.append(Row(**kept_row))
        assert rows[-1].met is met
    said = f"{bars.table(rows)}\n\n{found['machine']}; medians of one run."
    readme = report.README.read_text()
    assert report.between(readme, bars.BEGIN, bars.END, said) == readme
