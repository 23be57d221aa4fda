"""``python -m bench``: measure, print the table, keep it in ``results.json`` and the README.

Exits 1 if a bar was missed. ``--write`` puts the table into README.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import sys
from dataclasses import asdict
from pathlib import Path

from bench import report
from bench.cases import Row, rows

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def table(found: list[Row]) -> str:
    """As Markdown."""
    lines = [
        "| what | skykeep | held against | at most | |",
        "| --- | ---: | --- | --- | --- |",
    ]
    for row in found:
        theirs = "" if row.theirs is None else f": {row.theirs:.1f} {row.unit}"
        lines.append(
            f"| {row.what} | {row.ours:.1f} {row.unit} | {row.against}{theirs} "
            f"| {row.rule} ({row.bar:.0f} {row.unit}) | {'met' if row.met else '**missed**'} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """Where it was measured."""
    return (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()} {platform.machine()}"
    )


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    write = parser.parse_args().write
    found = rows()
    print(table(found))
    print(f"\n{machine()}; medians.")
    if write:
        results = {
            "machine": machine(),
            "rows": [{**asdict(row), "met": row.met} for row in found],
        }
        (ROOT / "bench" / "results.json").write_text(json.dumps(results, indent=1) + "\n")
        said = f"{table(found)}\n\n{machine()}; medians of one run."
        report.README.write_text(report.between(report.README.read_text(), BEGIN, END, said))
    return 0 if all(row.met for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
