"""Rows of our own data files, and prompts with another's answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llm_shield.evaluation.corpus import Case

_DATA = Path(__file__).parents[1] / "data"


def rows(file: str) -> list[dict[str, Any]]:
    """The rows of a JSONL file of ``evaluation/data``."""
    lines = (_DATA / file).read_text("utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def shuffled(file: str) -> Iterator[Case]:
    """Each prompt with its own answer, and with that of the row a third of the list on."""
    pairs = rows(file)
    away = len(pairs) // 3
    for at, pair in enumerate(pairs):
        other = pairs[(at + away) % len(pairs)]["answer"]
        kind = pair.get("kind", "question")
        yield Case(pair["answer"], False, f"{kind}, own answer", prompt=pair["prompt"])
        if other != pair["answer"]:
            yield Case(other, True, f"{kind}, another's answer", prompt=pair["prompt"])
