"""What gitleaks' rules are tested with: texts that they must find, and others.

The texts are the literals in its rule generators; what those generate at random is not here.
Two negatives that are none but for their file's name are left out, since a prompt has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files

from llm_shield.evaluation.corpus import Case

SCANNER = "Secrets"
SOURCE = (
    "The literal test texts of 19 of gitleaks' rule generators (github.com/gitleaks/gitleaks)."
)
LICENCE = "MIT, Copyright (c) 2019 Zachary Rice."
SPLIT = "All of them; entropies and lists of our own were chosen with these texts in view."

BREAK = "\u00b7"
"""Stands after every eight characters of a text, which is written backwards: no scan of a
repository for secrets takes it for one."""


def rows() -> Iterator[dict[str, object]]:
    """``file``, ``rule``, ``flagged`` and ``text`` of each, readable."""
    data = files("llm_shield.evaluation").joinpath("data/gitleaks.jsonl")
    for line in data.read_text(encoding="utf-8").splitlines()[1:]:
        row = json.loads(line)
        yield {**row, "text": row["text"].replace(BREAK, "")[::-1]}


def cases() -> Iterator[Case]:
    """Each text, with gitleaks' rule as its kind."""
    for row in rows():
        yield Case(str(row["text"]), bool(row["flagged"]), str(row["rule"]))
