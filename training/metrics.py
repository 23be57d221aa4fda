"""Recall and false-positive rate with Wilson's 95 % intervals, as cards hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_shield.evaluation.metrics import Rate, auc


def rates(scores: NDArray[Any], labels: NDArray[Any], threshold: float) -> dict[str, Any]:
    """Of these scores, flagged from the threshold on: counts, shares, intervals, AUC."""
    flagged = np.asarray(scores) >= threshold
    truth = np.asarray(labels) == 1
    found = Rate(int((flagged & truth).sum()), int(truth.sum()))
    wrong = Rate(int((flagged & ~truth).sum()), int((~truth).sum()))
    area = auc(np.asarray(scores)[truth].tolist(), np.asarray(scores)[~truth].tolist())
    return {
        "recall": _figure(found),
        "false_positive_rate": _figure(wrong),
        "auc": None if area is None else round(area, 4),
    }


def _figure(rate: Rate) -> dict[str, Any] | None:
    if rate.value is None:
        return None
    return {
        "value": round(rate.value, 4),
        "interval": [round(each, 4) for each in rate.interval],
        "of": rate.of,
    }


def line(name: str, figures: dict[str, Any]) -> str:
    """The figures in a line, for people."""
    parts: Sequence[tuple[str, Any]] = [
        ("recall", figures["recall"]),
        ("false positives", figures["false_positive_rate"]),
    ]
    said = [
        f"{word} {each['value']:.3f} [{each['interval'][0]:.3f}, {each['interval'][1]:.3f}]"
        f" of {each['of']}"
        for word, each in parts
        if each is not None
    ]
    return f"{name}: {', '.join(said)}, AUC {figures['auc']}"
