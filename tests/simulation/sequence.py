"""A history's trace as a sequence diagram: lanes side by side, time downwards, plain SVG.

Both colour schemes are in it; the background is the picture's own. Distances say the order,
not the time: that is written at the side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from tests.simulation.record import Step
from tests.simulation.world import World

LANE = 190
LEFT = 132
TOP = 64
ROW = 24
TEXT = 12
"""Pixels; nothing is written smaller."""

CHARACTER = 6.4
"""Pixels that a character of that size takes, at most, on average."""

STYLE = """<style>
text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.lane { font-size: 14px; font-weight: 600; text-anchor: middle }
.time { fill: #59636e; text-anchor: end }
.title { font-size: 15px; font-weight: 600 }
.back { fill: #ffffff }
.plate { fill: #ffffff }
.life { stroke: #818b98; stroke-width: 1; stroke-dasharray: 2 4 }
.request, .answer, .note { stroke: #0969da; stroke-width: 1.5; fill: none }
.answer { stroke-dasharray: 6 3 }
.note { stroke: #59636e }
.error { stroke: #cf222e; stroke-width: 1.5; fill: none; stroke-dasharray: 6 3 }
.away { fill: #cf222e; opacity: .14 }
.lost { stroke: #cf222e; stroke-width: 2; fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .time { fill: #9198a1 }
  .back, .plate { fill: #0d1117 }
  .life { stroke: #656c76 }
  .request, .answer { stroke: #4493f8 }
  .note { stroke: #9198a1 }
  .error, .lost { stroke: #f85149 }
  .away { fill: #f85149; opacity: .22 }
}
</style>"""


def drawn(
    world: World,
    title: str,
    *,
    since: float = 0.0,
    until: float = float("inf"),
    names: Mapping[str, str] | None = None,
    away: Sequence[tuple[str, float, float]] = (),
) -> str:
    """The picture.

    Args:
        world: of a traced history.
        title: above it.
        since, until: seconds; what was sent before and after is left out.
        names: what to call the lanes.
        away: store, since when and until when it cannot be reached.
    """
    steps = sorted(
        (step for step in world.record.trace or () if since <= step.at <= until),
        key=lambda step: step.at,
    )
    lanes = _lanes(world, steps)
    moments = sorted(
        {step.at for step in steps}
        | {step.until for step in steps if step.until is not None}
        | {moment for _, begins, ends in away for moment in (begins, ends)}
    )
    places = {lane: LEFT + LANE * number for number, lane in enumerate(lanes)}
    rows = _rows(steps, moments, places)
    height = TOP + rows[moments[-1]] + 2 * ROW if moments else TOP
    width = LEFT + LANE * len(lanes) - LANE // 2 + 60
    called = names or {}
    size = f'width="{width}" height="{height:g}" viewBox="0 0 {width} {height:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}',
        ' role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(_described(steps, called))}</desc>',
        STYLE,
        f'<rect class="back" width="{width}" height="{height:g}"/>',
        f'<text class="title" x="16" y="22">{escape(title)}</text>',
    ]
    for store, begins, to in away:
        top, x = TOP + rows[begins], places[store]
        parts.append(
            f'<rect class="away" x="{x - 9}" y="{top:g}" width="18" '
            f'height="{TOP + rows[to] - top:g}"/>'
        )
    for lane, x in places.items():
        parts.append(
            f'<text class="lane" x="{x}" y="48">{escape(called.get(lane, lane))}</text>'
        )
        parts.append(f'<line class="life" x1="{x}" y1="56" x2="{x}" y2="{height - 12:g}"/>')
    shown: set[str] = set()
    for moment in sorted({step.at for step in steps}):
        label = f"{moment:.2f} s"
        if label not in shown:
            shown.add(label)
            parts.append(
                f'<text class="time" x="52" y="{TOP + rows[moment] + 4:g}">{label}</text>'
            )
    parts += _arrows(steps, places, rows)
    return "\n".join((*parts, "</svg>")) + "\n"


def _lanes(world: World, steps: Sequence[Step]) -> list[str]:
    used = {step.source for step in steps} | {step.target for step in steps}
    order = ["application", "p0", "p1", "journal", *world.stores]
    return [lane for lane in order if lane in used]


def _rows(
    steps: Sequence[Step], moments: Sequence[float], places: Mapping[str, int]
) -> dict[float, float]:
    """Where each moment stands: a row for each, and one more where several things begin at
    once, whose words would lie on each other."""
    at: dict[float, float] = {}
    y = 0.0
    for moment in moments:
        at[moment] = y
        beside = [_beside(step, places) for step in steps if step.at == moment]
        y += ROW * max([1, *(beside.count(each) for each in beside)])
    return at


def _beside(step: Step, places: Mapping[str, int]) -> tuple[float, str, bool]:
    """Where its words stand: at which moment, lane, and side of that."""
    return step.at, step.source, places[step.target] >= places[step.source]


def _arrows(
    steps: Sequence[Step],
    places: Mapping[str, int],
    rows: Mapping[float, float],
) -> list[str]:
    parts: list[str] = []
    taken: dict[tuple[float, str, bool], int] = {}
    for step in steps:
        beside = _beside(step, places)
        lower = ROW * taken.get(beside, 0)
        taken[beside] = taken.get(beside, 0) + 1
        x1, x2 = places[step.source], places[step.target]
        y1 = TOP + rows[step.at] + lower
        text = step.text.partition(" (")[0]
        if x1 == x2:
            parts.append(_words(text, x1 + 10, y1 + 4, "start"))
            continue
        lost = step.until is None
        until = step.at if step.until is None else step.until
        y2 = max(y1, TOP + rows[until]) if not lost else y1 + ROW / 2
        if lost:
            x2 = round(x1 + (x2 - x1) * 0.8)
        side = 1 if x2 > x1 else -1
        parts.append(
            f'<path class="{step.kind}" d="M{x1},{y1:g} L{x2 - 4 * side},{y2:g}"/>'
            f'<path class="{"lost" if lost else step.kind.replace("answer", "request")}" d="'
            + (
                f"M{x2 - 5},{y2 - 5:g} l10,10 m0,-10 l-10,10"
                if lost
                else f"M{x2 - 9 * side},{y2 - 4:g} L{x2 - 2 * side},{y2:g} "
                f"L{x2 - 9 * side},{y2 + 4:g}"
            )
            + '"/>'
        )
        anchor = "start" if side > 0 else "end"
        parts.append(_words(text, x1 + 10 * side, y1 + 4, anchor))
    return parts


def _words(text: str, x: float, y: float, anchor: str) -> str:
    """Text on a plate of the background's colour: a line may run below it."""
    wide = len(text) * CHARACTER
    left = x if anchor == "start" else x - wide
    size = f'width="{wide + 4:g}" height="15"'
    return (
        f'<rect class="plate" x="{left - 2:g}" y="{y - 11:g}" {size}/>'
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _described(steps: Sequence[Step], called: Mapping[str, str]) -> str:
    """The whole of it in words, for who does not see the lines."""
    said = []
    for step in steps:
        source, target = (
            called.get(step.source, step.source),
            called.get(step.target, step.target),
        )
        way = source if source == target else f"{source} to {target}"
        lost = " (lost)" if step.until is None else ""
        said.append(f"{step.at:.2f} s, {way}: {step.text.partition(' (')[0]}{lost}.")
    return " ".join(said)
