"""Rows that we wrote: by hand in ``data/injection_*.jsonl``, and by the templates in
``data/templates.json``: each a sentence with slots, filled by chance.

A template's rows are one group, so that what is validated was made by templates that were not
trained on.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

from training.rows import Row

_SLOT = re.compile(r"\{(\w+)\}")
PER_TEMPLATE = 14
"""Rows of a template at most."""


def written(folder: Path, seed: int) -> list[Row]:
    """All of them, with the kind that we gave them: of attacks ``override``, ``jailbreak``,
    ``leak``, ``indirect``."""
    rows = []
    for path in sorted(folder.glob("injection_*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            each = json.loads(line)
            rows.append(Row(each["text"], each["label"], "written", kind=each["kind"]))
    table = json.loads((folder / "templates.json").read_text("utf-8"))
    for kind, templates in table["attacks"].items():
        rows += _made(templates, 1, kind, table["words"], seed)
    for kind, templates in table["benign"].items():
        rows += _made(templates, 0, kind, table["words"], seed)
    return rows


def _made(
    templates: list[str], label: int, kind: str, words: dict[str, Any], seed: int
) -> list[Row]:
    rows = []
    for template in templates:
        chance = random.Random(f"{seed}:{template}")  # noqa: S311  (repeatable)
        texts = {_filled(template, words, chance) for _ in range(PER_TEMPLATE)}
        rows += [
            Row(text, label, "templates", kind=kind, group=template) for text in sorted(texts)
        ]
    return rows


def _filled(template: str, words: dict[str, Any], chance: random.Random) -> str:
    text = template
    while _SLOT.search(text):
        text = _SLOT.sub(lambda slot: chance.choice(words[slot.group(1)]), text)
    # A sentence begins with a capital, but not all people write so.
    return text[:1].upper() + text[1:] if chance.random() < 0.8 else text
