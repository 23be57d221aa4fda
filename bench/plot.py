"""``python -m bench.plot``: docs/plots/compare.svg, from what ``bench.compare`` kept.

One panel for each operation, on the same two logarithmic axes: secrets in the store, and time.
Every line has its name and its last figure at its end; who cannot see the lines finds all
figures in ``desc``. The background is the plot's own and follows the reader's colour scheme.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from bench.report import duration
from bench.results import Figure, Results, kept
from bench.store import OPERATIONS

PLOT = Path(__file__).parent.parent / "docs" / "plots" / "compare.svg"
WIDTH, HEIGHT = 912, 440
LEFT, TOP, BOTTOM = 62, 68, 56
PANEL, GUTTER = 128, 142
"""Width of the part with the lines, and of the part with their names; the last one, with the
longest names, has what is left."""

APART = 15
"""Names stand at least so far from each other, from base line to base line."""

TITLE = "Time of one operation, by the number of secrets in the store"


@dataclass(frozen=True)
class Look:
    """How a store is drawn: never by its colour alone.

    Attributes:
        key: the class in the style sheet.
        light, dark: colours on the two backgrounds, of a contrast of at least 4.5.
        mark: a path around the origin.
        dash: of the line.
        width: of the line.
    """

    key: str
    light: str
    dark: str
    mark: str
    dash: str = "none"
    width: float = 1.8


_ROUND = "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z"
LOOKS = {
    "skykeep": Look("a", "#0969da", "#4493f8", _ROUND, width=3),
    "skykeep, passphrase": Look("b", "#0969da", "#4493f8", _ROUND, dash="5 3"),
    "keyring": Look("c", "#9a6700", "#d29922", "M-4,-4h8v8h-8z"),
    "pykeepass": Look("d", "#8250df", "#ab7df8", "M0,-5l5,9h-10z"),
    "sealed file": Look("e", "#1a7f37", "#3fb950", "M0,-5l5,5l-5,5l-5,-5z"),
}
"""Label of a store -> its look."""

SCHEMES = {
    "light": ("#ffffff", "#1f2328", "#d1d9e0"),
    "dark": ("#0d1117", "#f0f6fc", "#3d444d"),
}
"""Background, text, and lines of the grid."""


class Scale:
    """From figures to pixels, logarithmically."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        """``low`` is at ``begin``, ``high`` at ``end``."""
        self._low = math.log10(low)
        self._begin = begin
        self._step = (end - begin) / (math.log10(high) - self._low)

    def __call__(self, figure: float) -> float:
        return self._begin + (math.log10(figure) - self._low) * self._step


def svg(found: Results) -> str:
    """The plot as text; the same for the same results."""
    times = [figure.microseconds for figure in found.figures]
    decades = [10.0**n for n in range(_down(min(times)), _up(max(times)) + 1)]
    sizes = found.sizes()
    floor, ceiling = HEIGHT - BOTTOM, TOP
    down = Scale(decades[0], decades[-1], floor, ceiling)
    series = {operation: found.series(operation) for operation in OPERATIONS}
    box = f'width="{WIDTH}" height="{HEIGHT}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(TITLE)}</title>',
        f'<desc id="desc">{escape(_in_words(found))}</desc>',
        f"<style>{_style()}</style>",
        f'<rect class="ground" {box} rx="6"/>',
        f'<text class="head" x="16" y="24">{escape(TITLE)}</text>',
    ]
    lines += [
        f'<text x="{LEFT - 8}" y="{down(decade) + 4:.1f}" text-anchor="end">'
        f"{_tick(decade)}</text>"
        for decade in decades
    ]
    for number, (operation, what) in enumerate(OPERATIONS.items()):
        left = LEFT + number * (PANEL + GUTTER)
        across = Scale(sizes[0], sizes[-1], left + 8, left + PANEL - 8)
        lines.append(f'<text class="head" x="{left}" y="{TOP - 12}">{escape(what)}</text>')
        lines += [
            f'<path class="grid" d="M{left},{down(decade):.1f}h{PANEL}"/>' for decade in decades
        ]
        for size in sizes:
            lines.append(
                f'<path class="grid" d="M{across(size):.1f},{floor}V{ceiling}"/>'
                f'<text x="{across(size):.1f}" y="{floor + 17}" text-anchor="middle">'
                f"{size:,}</text>"
            )
        lines += _panel(series[operation], across, down, left + PANEL)
        lines.append(
            f'<text x="{left + PANEL / 2:.1f}" y="{floor + 36}" text-anchor="middle">'
            "secrets in the store</text>"
        )
    return "\n".join([*lines, "</svg>", ""])


def _panel(
    series: dict[str, list[Figure]], across: Scale, down: Scale, right: int
) -> Iterator[str]:
    """Lines, marks and names; the first store's last, so that it lies on top."""
    ends = {store: down(figures[-1].microseconds) for store, figures in series.items()}
    names = dict(zip(ends, spread(list(ends.values()), APART, HEIGHT - BOTTOM), strict=True))
    for store, figures in reversed(series.items()):
        look = LOOKS[store]
        places = [(across(one.secrets), down(one.microseconds)) for one in figures]
        path = "L".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<g class="{look.key}"><path class="line" d="M{path}"/>'
        for x, y in places:
            yield f'<path class="mark" transform="translate({x:.1f} {y:.1f})" d="{look.mark}"/>'
        said = f"{store} {duration(figures[-1].microseconds)}"
        yield f'<text x="{right + 4}" y="{names[store] + 4:.1f}">{escape(said)}</text></g>'


def spread(places: Sequence[float], apart: float, lowest: float) -> list[float]:
    """The places moved as little as it takes to be ``apart``, none below ``lowest``.

    In the order in which they were given. A heap that would reach too far down is moved up.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    heaps: list[list[int]] = []  # neighbours that touch, around the mean of their places
    for one in order:
        heaps.append([one])
        while len(heaps) > 1 and _bottom(heaps[-2], places, apart, lowest) + apart > _top(
            heaps[-1], places, apart, lowest
        ):
            last = heaps.pop()
            heaps[-1] += last
    found = [0.0] * len(places)
    for heap in heaps:
        for number, one in enumerate(heap):
            found[one] = _top(heap, places, apart, lowest) + number * apart
    return found


def _top(heap: list[int], places: Sequence[float], apart: float, lowest: float) -> float:
    height = (len(heap) - 1) * apart
    mean = sum(places[one] for one in heap) / len(heap)
    return min(mean - height / 2, lowest - height)


def _bottom(heap: list[int], places: Sequence[float], apart: float, lowest: float) -> float:
    return _top(heap, places, apart, lowest) + (len(heap) - 1) * apart


def _tick(decade: float) -> str:
    """A power of ten has no digits after the point."""
    return duration(decade).replace(".0 ", " ")


def _down(figure: float) -> int:
    return math.floor(math.log10(figure))


def _up(figure: float) -> int:
    return math.ceil(math.log10(figure))


def _in_words(found: Results) -> str:
    """Every figure of the plot."""
    said = []
    for operation, what in OPERATIONS.items():
        for store, figures in found.series(operation).items():
            each = ", ".join(
                f"{duration(one.microseconds)} at {one.secrets:,} secrets" for one in figures
            )
            said.append(f"{what}, {store}: {each}.")
    return " ".join(said)


def _style() -> str:
    shared = [
        "text{font:11px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}",
        "text.head{font-size:13px;font-weight:600}",
        ".line,.grid{fill:none}",
        ".mark{stroke:none}",
    ]
    shared += [
        f".{look.key} .line{{stroke-width:{look.width:g};stroke-dasharray:{look.dash}}}"
        for look in LOOKS.values()
    ]
    light, dark = _colours("light"), _colours("dark")
    return "".join([*shared, *light, "@media(prefers-color-scheme:dark){", *dark, "}"])


def _colours(scheme: str) -> list[str]:
    ground, text, grid = SCHEMES[scheme]
    rules = [f".ground{{fill:{ground};stroke:{grid}}}text{{fill:{text}}}.grid{{stroke:{grid}}}"]
    for look in LOOKS.values():
        colour = look.light if scheme == "light" else look.dark
        rules.append(
            f".{look.key} .line{{stroke:{colour}}}"
            f".{look.key} .mark,.{look.key} text{{fill:{colour}}}"
        )
    return rules


def write(found: Results, path: Path = PLOT) -> None:
    """Where the README shows it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(found))


if __name__ == "__main__":
    write(kept())
