"""The plot is what its script makes of what was measured, and can be read by everybody."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import plot
from bench.report import README, duration
from bench.results import Results, kept
from bench.store import GET, OPEN, OPERATIONS, SET
from tests.bench.results import figure, made_up

SVG = "{http://www.w3.org/2000/svg}"
RUN = kept()
MADE_UP = made_up(
    [
        figure(operation, size, microseconds)
        for operation in OPERATIONS
        for size, microseconds in ((10, 10.0), (1_000, 1_000.0), (100_000, 100_000.0))
    ]
)


def drawn(found: Results) -> ET.Element:
    return ET.fromstring(plot.svg(found))  # noqa: S314  (our own text)


def marks(group: ET.Element) -> list[tuple[float, float]]:
    moved = [path.get("transform", "") for path in group.iter(f"{SVG}path")]
    places = [re.fullmatch(r"translate\((\S+) (\S+)\)", each) for each in moved if each]
    return [(float(place[1]), float(place[2])) for place in places if place]


def names(found: Results) -> list[ET.Element]:
    """The names at the ends of the lines."""
    return [text for group in drawn(found).iter(f"{SVG}g") for text in group.iter(f"{SVG}text")]


def test_the_committed_plot_is_what_the_script_makes_of_the_results() -> None:
    """``python -m bench.plot`` makes it anew."""
    assert plot.PLOT.read_text() == plot.svg(RUN)


def test_the_readme_shows_it() -> None:
    place = plot.PLOT.relative_to(README.parent).as_posix()
    assert re.search(rf"!\[[^\]]{{20,}}\]\({re.escape(place)}\)", README.read_text())


def test_another_figure_makes_another_plot() -> None:
    other = made_up([figure(SET, 10, 11.0), *MADE_UP.figures[1:]])
    assert plot.svg(other) != plot.svg(MADE_UP)


def test_it_can_be_read_aloud() -> None:
    root = drawn(RUN)
    said = {part: root.findtext(f"{SVG}{part}") or "" for part in ("title", "desc")}
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    assert [root.findall(f"{SVG}{part}")[0].get("id") for part in said] == ["title", "desc"]
    assert len(said["title"]) > 20
    for one in RUN.figures:
        assert f"{duration(one.microseconds)} at {one.secrets:,} secrets" in said["desc"]


def test_both_axes_are_logarithmic() -> None:
    groups = drawn(MADE_UP).findall(f"{SVG}g")
    assert len(groups) == len(OPERATIONS)
    for group in groups:
        (x0, y0), (x1, y1), (x2, y2) = marks(group)
        assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11)
        assert y0 - y1 == pytest.approx(y1 - y2, abs=0.11)
        assert y0 > y1  # longer is higher


def test_a_mark_stands_at_the_line_of_its_decade() -> None:
    root = drawn(MADE_UP)
    ticks = {
        text.text: float(text.get("y", 0)) - 4
        for text in root.findall(f"{SVG}text")
        if text.get("text-anchor") == "end"
    }
    assert set(ticks) == {"10 µs", "100 µs", "1 ms", "10 ms", "100 ms"}
    first = marks(root.findall(f"{SVG}g")[0])
    assert [y for _, y in first] == [ticks["10 µs"], ticks["1 ms"], ticks["100 ms"]]


def test_every_line_has_its_name_and_last_figure_inside_the_picture() -> None:
    said = names(RUN)
    last = [
        f"{store} {duration(figures[-1].microseconds)}"
        for operation in OPERATIONS
        for store, figures in RUN.series(operation).items()
    ]
    assert sorted(str(text.text) for text in said) == sorted(last)
    for text in said:
        begin = float(text.get("x", 0))
        # Where the next panel begins, or the picture ends. A letter of a wide typeface takes
        # 6.5 pixels at this size, on average.
        limits = [*(plot.LEFT + n * (plot.PANEL + plot.GUTTER) for n in (1, 2)), plot.WIDTH]
        limit = next(each for each in limits if each > begin)
        assert begin + len(str(text.text)) * 6.5 <= limit
        assert plot.TOP - 12 < float(text.get("y", 0)) < plot.HEIGHT - plot.BOTTOM + 8


def test_names_do_not_touch() -> None:
    columns: dict[str, list[float]] = {}
    for text in names(RUN):
        columns.setdefault(text.get("x", ""), []).append(float(text.get("y", 0)))
    assert len(columns) == len(OPERATIONS)
    for places in columns.values():
        places.sort()
        assert all(second - first >= plot.APART - 0.11 for first, second in pairwise(places))


def test_names_in_a_heap_at_the_bottom_are_moved_up() -> None:
    found = made_up(
        [
            figure(OPEN, size, 10.0 + number, store)
            for size in (10, 1000)
            for number, store in enumerate(plot.LOOKS)
        ]
        + [figure(GET, 10, 90.0)]
    )
    places = sorted(float(text.get("y", 0)) for text in names(found))
    assert places[-1] <= plot.HEIGHT - plot.BOTTOM + 4


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.floats(0, 400), max_size=8), st.floats(1, 30), st.floats(380, 420))
def test_spreading_keeps_the_order_and_the_distance(
    places: list[float], apart: float, lowest: float
) -> None:
    found = plot.spread(places, apart, lowest)
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = [found[one] for one in order]
    assert all(second - first >= apart - 1e-6 for first, second in pairwise(moved))
    assert all(place <= lowest + 1e-6 for place in found)


def test_names_that_are_far_apart_stay() -> None:
    assert plot.spread([100.0, 10.0, 50.0], 15, 400) == [100.0, 10.0, 50.0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_read_on_their_background(scheme: str) -> None:
    """WCAG 2.1, 1.4.3: text needs a contrast of 4.5 to 1."""
    ground, text, _ = plot.SCHEMES[scheme]
    colours = [text, *(getattr(look, scheme) for look in plot.LOOKS.values())]
    assert {
        colour: contrast(colour, ground) for colour in colours if contrast(colour, ground) < 4.5
    } == {}


def test_no_store_is_known_by_its_colour_alone() -> None:
    assert len({(look.mark, look.dash) for look in plot.LOOKS.values()}) == len(plot.LOOKS)


def contrast(first: str, second: str) -> float:
    """WCAG 2.1, "contrast ratio"."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2.1, "relative luminance"."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
