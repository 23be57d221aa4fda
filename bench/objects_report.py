"""What ``python -m bench.objects`` found: kept in ``objects.json``, as a table, as a plot.

``python -m bench.objects_report`` makes docs/plots/objects.svg and the table of
docs/guides/objects-speed.md again, after a change of their looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from bench.plot import SCHEMES
from bench.report import between
from bench.results import Machine

KEPT = Path(__file__).with_name("objects.json")
DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "guides" / "objects-speed.md"
PLOT = DOCS / "plots" / "objects.svg"
BEGIN, END = "<!-- objects: begin -->", "<!-- objects: end -->"

SMALL, LARGE = "µs CPU", "MiB/s"
"""The units of what is plotted."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure and what it is held to.

    Attributes:
        what, unit: of the figures.
        ours: the median.
        rival, theirs: who else, and its median; none for what is held to a fixed figure.
        held: what is compared with ``bar``: a ratio, or ``ours`` if ``fixed``.
        bar: None where nothing is asked.
        least: ``held`` is to be at least ``bar``, not at most.
        fixed: the bar is in ``unit``.
    """

    what: str
    unit: str
    ours: float
    rival: str
    theirs: float | None
    held: float
    bar: float | None
    least: bool = False
    fixed: bool = False

    @property
    def met(self) -> bool:
        """Whether it is as it has to be."""
        if self.bar is None:
            return True
        return self.held >= self.bar if self.least else self.held <= self.bar

    def rounded(self) -> Row:
        """With as many digits as mean something."""
        theirs = None if self.theirs is None else digits(self.theirs)
        return msgspec.structs.replace(
            self, ours=digits(self.ours), theirs=theirs, held=digits(self.held)
        )


def digits(figure: float) -> float:
    """Three of them."""
    return float(f"{figure:.3g}")


class Results(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run.

    Attributes:
        date: of its beginning, ISO 8601, UTC.
        machine: where.
        versions: of the packages that were measured.
        rows: in the order of the table.
    """

    date: str
    machine: Machine
    versions: dict[str, str]
    rows: list[Row]

    def save(self, path: Path = KEPT) -> None:
        """Keep it, readable."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")


def kept(path: Path = KEPT) -> Results:
    """What was kept last. Raises ``msgspec.ValidationError``, ``OSError``."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


# -- the table


def markdown(found: Results) -> str:
    """All rows, and where they were measured."""
    lines = [
        "| | skykeep | beside | | ratio | bar | |",
        "| --- | ---: | --- | ---: | ---: | --- | --- |",
    ]
    before = ""
    for row in found.rows:
        ours, theirs = f"{row.ours:g} {row.unit}", ""
        if row.theirs is not None:
            theirs = f"{row.theirs:g} {row.unit}"
        ratio = "" if row.fixed else f"{row.held:g}"
        bar = ""
        if row.bar is not None:
            side = "at least" if row.least else "at most"
            bar = f"{side} {row.bar:.3g}" + (f" {row.unit}" if row.fixed else "")
        met = "" if row.bar is None else ("met" if row.met else "**missed**")
        what = "" if row.what == before else row.what
        before = row.what
        lines.append(f"| {what} | {ours} | {row.rival} | {theirs} | {ratio} | {bar} | {met} |")
    machine = found.machine
    packages = ", ".join(f"{name} {number}" for name, number in found.versions.items())
    measured = (
        f"Medians of rounds in which all took turns, {found.date}; {machine.cores} cores, load "
        f"{machine.load:g} before; {machine.system}, Python {machine.python}; {packages}."
    )
    return "\n".join([*lines, "", measured])


# -- the plot

WIDTH, LEFT, RIGHT = 912, 190, 90
TOP, BAR, APART, HEAD = 20, 16, 6, 34
TITLE = "Objects: processor time of 4 KiB, throughput of 256 MiB"
_OURS = ("#0969da", "#4493f8")
_OTHERS = ("#afb8c1", "#57606a")


def panels(found: Results) -> dict[str, dict[str, float]]:
    """Title of a panel -> its bars, from the shortest time or the highest speed on."""
    titles = {SMALL: "µs of the processor, less is better", LARGE: "MiB/s, more is better"}
    made: dict[str, dict[str, float]] = {}
    for row in found.rows:
        if row.unit in titles and row.theirs is not None and "driver" not in row.what:
            bars = made.setdefault(f"{row.what}: {titles[row.unit]}", {"skykeep": row.ours})
            bars[row.rival] = row.theirs
    for title, bars in made.items():
        falling = title.endswith("more is better")
        made[title] = dict(sorted(bars.items(), key=lambda bar: bar[1], reverse=falling))
    return made


def svg(found: Results) -> str:
    """The plot as text; the same for the same results."""
    drawn, said, at = [], [], TOP + 24
    for title, bars in panels(found).items():
        drawn += list(_panel(title, bars, at))
        at += HEAD + len(bars) * (BAR + APART)
        said.append(f"{title}: {', '.join(f'{name} {bars[name]:g}' for name in bars)}.")
    box = f'width="{WIDTH}" height="{at + 8}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} viewBox="0 0 {WIDTH} {at + 8}"',
        ' role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(TITLE)}</title>',
        f'<desc id="desc">{escape(" ".join(said))}</desc>',
        f"<style>{_style()}</style>",
        f'<rect class="ground" {box} rx="6"/>',
        f'<text class="head" x="16" y="24">{escape(TITLE)}</text>',
        *drawn,
    ]
    return "\n".join([*lines, "</svg>", ""])


def _panel(title: str, bars: dict[str, float], at: int) -> Iterator[str]:
    longest = max(bars.values())
    yield f'<text class="head" x="16" y="{at + 18}">{escape(title)}</text>'
    for number, (name, figure) in enumerate(bars.items()):
        y = at + HEAD - 6 + number * (BAR + APART)
        length = (WIDTH - LEFT - RIGHT) * figure / longest
        kind = "ours" if name == "skykeep" else "other"
        yield f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
        yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}"/>'
        yield f'<text x="{LEFT + length + 6:.1f}" y="{y + 12}">{figure:g}</text>'


def _style() -> str:
    shared = [
        "text{font:11px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}",
        "text.head{font-size:13px;font-weight:600}",
    ]
    light, dark = _colours("light", 0), _colours("dark", 1)
    return "".join([*shared, light, "@media(prefers-color-scheme:dark){", dark, "}"])


def _colours(scheme: str, which: int) -> str:
    ground, text, grid = SCHEMES[scheme]
    return (
        f".ground{{fill:{ground};stroke:{grid}}}text{{fill:{text}}}"
        f".ours{{fill:{_OURS[which]}}}.other{{fill:{_OTHERS[which]}}}"
    )


def write(found: Results, page: Path = PAGE, plot: Path = PLOT) -> None:
    """The plot, and the table between the page's marks."""
    plot.write_text(svg(found))
    page.write_text(between(page.read_text(), BEGIN, END, markdown(found)))


if __name__ == "__main__":
    write(kept())
