"""The README's part on the comparison, made from what was kept.

``python -m bench.report`` puts it into the README again, after a change of its wording.
"""

from __future__ import annotations

from pathlib import Path

from bench.results import Results, kept
from bench.store import OPERATIONS

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- compare: begin -->", "<!-- compare: end -->"


def duration(microseconds: float) -> str:
    """With the unit that leaves one to three digits before the point."""
    for unit, size in (("s", 1e6), ("ms", 1e3), ("µs", 1.0)):
        # 999.7 µs would be written as 1000 µs.
        if microseconds >= 0.9995 * size or unit == "µs":
            return f"{_digits(microseconds / size)} {unit}"
    raise AssertionError("the last unit takes all")


def _digits(number: float) -> str:
    """Two significant digits, or all before the point."""
    if number >= 9.95:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 0.095 else f"{number:.2g}"


def markdown(found: Results) -> str:
    """The table of all figures, of the derivations, and where they were measured."""
    sizes = found.sizes()
    lines = [
        "| | store | " + " | ".join(f"{size:,} secrets" for size in sizes) + " |",
        "| --- | --- |" + " ---: |" * len(sizes),
    ]
    for operation, what in OPERATIONS.items():
        for number, (store, figures) in enumerate(found.series(operation).items()):
            by_size = {figure.secrets: duration(figure.microseconds) for figure in figures}
            cells = [by_size.get(size, "not measured") for size in sizes]
            lines.append(f"| {'' if number else what} | {store} | {' | '.join(cells)} |")
    lines += ["", "| key derivation, alone | | |", "| --- | --- | ---: |"]
    lines += [
        f"| {one.store} | {one.how} | {duration(one.milliseconds * 1e3)} |"
        for one in found.derivations
    ]
    machine = found.machine
    packages = ", ".join(f"{name} {number}" for name, number in found.versions.items())
    rounds = sorted({figure.rounds for figure in found.figures}, reverse=True)
    measured = (
        f"Values of {found.value_bytes} bytes; medians of {' or '.join(map(str, rounds))} "
        f"rounds in which all took turns, {found.date}; {machine.cores} cores, load "
        f"{machine.load:g} before; {machine.system}, Python {machine.python}, "
        f"SQLite {machine.sqlite}; {packages}."
    )
    return "\n".join([*lines, "", measured])


def between(text: str, begin: str, end: str, content: str) -> str:
    """``text`` with the content between two marks replaced. Raises ``ValueError``."""
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"there is no {begin} … {end}")
    return f"{before}{begin}\n{content}\n{end}{after}"


def write(found: Results, readme: Path = README) -> None:
    """Into the README, between its marks."""
    readme.write_text(between(readme.read_text(), BEGIN, END, markdown(found)))


if __name__ == "__main__":
    write(kept())
