"""What ``python -m bench.failover`` found: kept in ``failover.json``, as a table in the docs.

``python -m bench.failover_report`` makes the table again, after a change of its looks.
"""

from __future__ import annotations

from pathlib import Path

from bench.objects_report import DOCS, Results, kept, markdown
from bench.report import between

KEPT = Path(__file__).with_name("failover.json")
PAGE = DOCS / "guides" / "failover-speed.md"
BEGIN, END = "<!-- failover: begin -->", "<!-- failover: end -->"
PACKAGES = ("skykeep", "aiohttp")


def table(found: Results) -> str:
    """All rows, and where they were measured."""
    return markdown(found).replace("| | skykeep | beside |", "| | measured | held against |", 1)


def write(found: Results, page: Path = PAGE) -> None:
    """The table, between the page's marks."""
    page.write_text(between(page.read_text(), BEGIN, END, table(found)))


def save(found: Results) -> None:
    """Keep it, and show it."""
    found.save(KEPT)
    write(found)


if __name__ == "__main__":
    write(kept(KEPT))
