"""Rows that we wrote: lines of a text file, with alternatives.

A line is ``label[,kind...] | family | text``; in the text ``{one|another}`` stands for one
of the
alternatives, which may hold alternatives in turn. Lines with ``#`` and empty ones are comments.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from training.rows import Row

DATA = Path(__file__).with_name("data")
MOST = 24
"""Texts that one line makes at most."""
_INNERMOST = re.compile(r"\{([^{}]*)\}")


def written(name: str, seed: int, most: int = MOST) -> list[Row]:
    """The rows of ``data/NAME.txt``, their source ``own``, their group the line's family, their
    kind the label's kinds joined by commas. The same seed gives the same rows."""
    rows: list[Row] = []
    for number, line in enumerate((DATA / f"{name}.txt").read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        label, family, text = (part.strip() for part in line.split(" | ", 2))
        first, _, kinds = label.partition(",")
        # The text seeds its own choices: a new line changes no other line's rows.
        chance = random.Random(f"{seed}:{text}")  # noqa: S311  (no secret)
        texts = dict.fromkeys(expanded(text, chance) for _ in range(4 * most))
        rows += [
            Row(each, int(first), "own", kind=kinds, group=f"{family}:{number}")
            for each in list(texts)[:most]
        ]
    return rows


def expanded(text: str, chance: random.Random) -> str:
    """One of the texts that it stands for."""
    while (found := _INNERMOST.search(text)) is not None:
        text = text[: found.start()] + chance.choice(found[1].split("|")) + text[found.end() :]
    return text


def families(rows: list[Row]) -> Iterator[str]:
    """The families of the rows, each once."""
    yield from dict.fromkeys(row.group.partition(":")[0] for row in rows)
