"""What ``python -m bench.shield`` found: kept in ``shield.json``, as tables and as a plot.

``python -m bench.shield_report`` makes docs/plots/shield.svg and the tables of
docs/shield/speed.md again, after a change of their looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from bench.objects_report import DOCS, Results, digits, markdown
from bench.plot import SCHEMES, Scale, spread
from bench.report import between

KEPT = Path(__file__).with_name("shield.json")
PAGE = DOCS / "shield" / "speed.md"
PLOT = DOCS / "plots" / "shield.svg"
BEGIN, END = "<!-- shield: begin -->", "<!-- shield: end -->"
PACKAGES = ("skykeep", "google-re2", "onnxruntime", "tokenizers")

WIDTH, HEIGHT = 912, 520
LEFT, RIGHT, TOP, BOTTOM = 70, 250, 44, 56
TITLE = "Processor time of one scan, by the length of the text"


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One scanner.

    Attributes:
        scanner: its name.
        sizes: characters of the texts.
        milliseconds: the median for each.
    """

    scanner: str
    sizes: list[int]
    milliseconds: list[float]

    @property
    def growth(self) -> float:
        """How many times longer ten times the text takes, at worst; from 10,000 characters on:
        below, what does not depend on the length counts."""
        pairs = list(zip(self.sizes, self.milliseconds, strict=True))
        steps = [
            (after[1] / before[1]) ** (math.log(10) / math.log(after[0] / before[0]))
            for before, after in pairwise(pairs)
            if before[0] >= 10_000
        ]
        return max(steps, default=1.0)


class Scaling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All scanners."""

    lines: list[Line]


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run."""

    results: Results
    scaling: Scaling


def table(found: Results, scaling: Scaling) -> str:
    """What is held to a bar, and each scanner at each length."""
    first = markdown(found).replace("| | skykeep | beside |", "| | measured | beside |", 1)
    sizes = sorted({size for line in scaling.lines for size in line.sizes})
    head = " | ".join(f"{size // 1000:,} KB" for size in sizes)
    rows = [
        f"| one scan, ms of the processor | {head} | ten times the text |",
        f"| --- |{' ---: |' * (len(sizes) + 1)}",
    ]
    for line in scaling.lines:
        times = dict(zip(line.sizes, line.milliseconds, strict=True))
        cells = " | ".join(
            f"{digits(times[size]):g}" if size in times else "" for size in sizes
        )
        rows.append(f"| {line.scanner} | {cells} | {line.growth:.1f} x |".replace("|  ", "| "))
    return "\n".join([first, "", *rows])


def svg(scaling: Scaling) -> str:
    """The plot as text; the same for the same figures."""
    times = [one for line in scaling.lines for one in line.milliseconds]
    sizes = sorted({size for line in scaling.lines for size in line.sizes})
    low, high = (10.0 ** round_to(math.log10(pick(times))) for round_to, pick in _ENDS)
    across = Scale(sizes[0], sizes[-1], LEFT, WIDTH - RIGHT)
    down = Scale(low, high, HEIGHT - BOTTOM, TOP)
    box = f'width="{WIDTH}" height="{HEIGHT}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(TITLE)}</title>',
        f'<desc id="desc">{escape(_in_words(scaling))}</desc>',
        f"<style>{_style()}</style>",
        f'<rect class="ground" {box} rx="6"/>',
        f'<text class="head" x="16" y="24">{escape(TITLE)}</text>',
    ]
    decade = low
    while decade <= high * 1.001:
        lines.append(
            f'<path class="grid" d="M{LEFT},{down(decade):.1f}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 8}" y="{down(decade) + 4:.1f}" text-anchor="end">'
            f"{_duration(decade)}</text>"
        )
        decade *= 10
    lines += [
        f'<path class="grid" d="M{across(size):.1f},{HEIGHT - BOTTOM}V{TOP}"/>'
        f'<text x="{across(size):.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">'
        f"{size // 1000:,} KB</text>"
        for size in sizes
    ]
    lines += _drawn(scaling, across, down)
    return "\n".join([*lines, "</svg>", ""])


_ENDS = ((math.floor, min), (math.ceil, max))


def _drawn(scaling: Scaling, across: Scale, down: Scale) -> Iterator[str]:
    ends = [down(line.milliseconds[-1]) for line in scaling.lines]
    names = spread(ends, 14, HEIGHT - BOTTOM)
    for line, end, name in zip(scaling.lines, ends, names, strict=True):
        places = [
            f"{across(size):.1f},{down(took):.1f}"
            for size, took in zip(line.sizes, line.milliseconds, strict=True)
        ]
        # Names stand in one column: a thin line leads to each.
        last = across(line.sizes[-1])
        yield f'<path class="line" d="M{"L".join(places)}"/>'
        yield f'<path class="lead" d="M{last:.1f},{end:.1f}L{WIDTH - RIGHT + 20},{name:.1f}"/>'
        said = f"{line.scanner} {_duration(line.milliseconds[-1])}"
        yield f'<text x="{WIDTH - RIGHT + 24}" y="{name + 4:.1f}">{escape(said)}</text>'


def _duration(milliseconds: float) -> str:
    for unit, factor in (("s", 1000.0), ("ms", 1.0)):
        if milliseconds >= factor:
            return f"{digits(milliseconds / factor):g} {unit}"
    return f"{digits(milliseconds * 1000):g} µs"


def _in_words(scaling: Scaling) -> str:
    return " ".join(
        f"{line.scanner}: "
        + ", ".join(
            f"{_duration(took)} for {size // 1000:,} KB"
            for size, took in zip(line.sizes, line.milliseconds, strict=True)
        )
        + "."
        for line in scaling.lines
    )


def _style() -> str:
    shared = [
        "text{font:11px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}",
        "text.head{font-size:13px;font-weight:600}",
        ".line,.grid,.lead{fill:none}.line{stroke-width:1.6}.lead{stroke-width:.6}",
    ]
    light, dark = _colours("light", "#0969da"), _colours("dark", "#4493f8")
    return "".join([*shared, light, "@media(prefers-color-scheme:dark){", dark, "}"])


def _colours(scheme: str, line: str) -> str:
    ground, text, grid = SCHEMES[scheme]
    return (
        f".ground{{fill:{ground};stroke:{grid}}}text{{fill:{text}}}.grid{{stroke:{grid}}}"
        f".line,.lead{{stroke:{line}}}"
    )


def save(results: Results, scaling: Scaling) -> None:
    """Keep it, and show it."""
    kept = Kept(results, scaling)
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
    write(kept)


def write(found: Kept, page: Path = PAGE, plot: Path = PLOT) -> None:
    """The plot, and the tables between the page's marks."""
    plot.write_text(svg(found.scaling))
    content = table(found.results, found.scaling)
    page.write_text(between(page.read_text(), BEGIN, END, content))


if __name__ == "__main__":
    write(msgspec.json.decode(KEPT.read_bytes(), type=Kept))
