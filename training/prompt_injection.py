"""The head of PromptInjection: ``python -m training prompt_injection --wheels WHEELS``."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_shield.models.heads import Head
from llm_shield.models.injection import KINDS, SURE, InjectionHead, cut_logits, shape
from llm_shield.models.ngrams import BUCKETS, buckets
from training import calibration, cards, fit, metrics
from training.calibration import ALLOWED
from training.documents import parts_of, risks
from training.embed import embed
from training.injection_data import Parts, prepared, windows
from training.packages import Packages
from training.rows import Row

CACHE = "prompt_injection"
NETWORKS = 3
"""MLPs whose mean counts: they differ by their seed."""
WEIGHTS = {
    ("templates", 0): 0.8,
    ("templates", 1): 0.6,
    ("written", 0): 4.0,
    ("written", 1): 2.0,
    ("neuralchemy", 0): 2.0,
}
"""Of rows, by source and label: less for many rows in few ways of saying it, more for few rows
in many, and for harmless ones that were chosen because they are hard."""

Arrays = dict[str, NDArray[Any]]


def main(arguments: argparse.Namespace) -> None:
    """Train it, or say what it is worth on sources it has not seen (``--leave-one-out``)."""
    packages = Packages(arguments.wheels)
    if arguments.leave_one_out:
        from training.leave_one_out import main as leave_one_out

        leave_one_out(packages, arguments.seed)
        return
    parts = prepared(packages, arguments.seed)
    arrays, threshold, facts = trained(parts, arguments.seed)
    head = InjectionHead(Head(arrays))
    tests = {}
    for name, rows in parts.test.items():
        scores = risks(head, parts_of(head, [row.text for row in rows], CACHE))
        tests[name] = metrics.rates(scores, labels(rows), 0.0)
        print(metrics.line(name, tests[name]))
    card = card_of(parts, arguments.seed, threshold, facts, tests)
    digest = cards.write("prompt_injection", arrays, card, arguments.out)
    print(f"threshold {threshold:.3f}, {facts}, sha256 {digest}")


def labels(rows: Sequence[Row]) -> NDArray[np.int64]:
    """Their labels."""
    return np.array([row.label for row in rows], np.int64)


def trained(parts: Parts, seed: int) -> tuple[Arrays, float, dict[str, Any]]:
    """The head's arrays, the threshold, and what was found on the way."""
    arrays = base(parts.train, seed)
    arrays |= {
        "combine": np.array([0.5, 0.5, *[0.0] * 6, 0.0], np.float32),
        "many": np.zeros(3, np.float32),
    }
    kinds, told_apart = kinds_of(parts)
    arrays |= kinds
    # Nine numbers are weighed on half of it, so that all of it can say what they do.
    arrays["combine"] = stacked(arrays, halves(parts.validation)[0])
    found = {
        name: calibration.looked_at(InjectionHead(Head(arrays)), rows, CACHE)
        for name, rows in calibration.groups(parts, seed).items()
    }
    taken, threshold = calibration.chosen(found)
    facts = {
        name: metrics.rates(each.risks(taken), each.labels, threshold)
        for name, each in found.items()
    }
    # The threshold is .5 from here on: what is sure is not changed by it, and presets need not
    # know the head.
    arrays["combine"][-1] -= np.float32(threshold)
    arrays["many"] = np.array(taken, np.float32)
    taken_off = dict(zip(("log_windows", "sentence", "decoded"), taken, strict=True))
    return arrays, 0.5, {**facts, "taken_off": taken_off, "kinds": told_apart}


_KIND = {
    "override": 0, "instruction_override": 0, "jailbreak": 1, "persona_replacement": 1,
    "leak": 2, "system_extraction": 2, "prompt_extraction": 2, "prompt_leak": 2,
}  # fmt: skip


def kinds_of(parts: Parts) -> tuple[Arrays, dict[str, Any]]:
    """What tells the kinds apart: fitted on the rows whose corpus names one of them, judged on
    those of the test splits."""
    train = [row for row in parts.train + parts.validation if row.label and row.kind in _KIND]
    tested = [row for rows in parts.test.values() for row in rows if row.kind in _KIND]
    truth = np.array([_KIND[row.kind] for row in train])
    # Each kind counts as much, however many rows it has.
    weights = 1.0 / np.bincount(truth)[truth] * len(truth) / len(KINDS)
    fitted = fit.logistic(
        embed([row.text for row in train], CACHE), truth, inverse_penalty=2.0, weights=weights
    )
    arrays = {"kinds_w": fitted["w0"], "kinds_b": fitted["b0"]}
    said = fit.logits(fitted, embed([row.text for row in tested], CACHE))
    shares = np.exp(said - said.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    wanted = np.array([_KIND[row.kind] for row in tested])
    sure = shares.max(axis=1) >= SURE
    right = shares.argmax(axis=1) == wanted
    return arrays, {
        "rows": len(tested),
        "told": round(float(sure.mean()), 3),
        "right_of_told": round(float(right[sure].mean()), 3) if sure.any() else None,
    }


def base(rows: Sequence[Row], seed: int, count: int = NETWORKS) -> Arrays:
    """The MLP and the n-grams, each trained alone."""
    vectors = embed([row.text for row in rows], CACHE)
    truth = labels(rows)
    weights = np.array([WEIGHTS.get((row.source, row.label), 1.0) for row in rows])
    networks = [
        fit.mlp(vectors, truth, seed=seed + at, weights=weights, hidden=96, epochs=25)
        for at in range(count)
    ]
    merged: Arrays = {
        "w0": np.concatenate([each["w0"] for each in networks], axis=1),
        "b0": np.concatenate([each["b0"] for each in networks]),
        "w1": np.concatenate([each["w1"] for each in networks]) / count,
        "b1": np.mean([each["b1"] for each in networks], axis=0),
    }
    merged = {name: np.asarray(value, np.float16) for name, value in merged.items()}
    return merged | ngrams([row.text for row in rows], truth, weights)


def counted(texts: Sequence[str]) -> Any:
    """The texts' buckets as a sparse matrix, each row of length 1."""
    from scipy.sparse import csr_matrix

    found = [buckets(each) for each in texts]
    values = np.concatenate(
        [np.full(len(each), 1 / max(1, len(each)) ** 0.5) for each in found]
    )
    starts = np.concatenate([[0], np.cumsum([len(each) for each in found])])
    return csr_matrix((values, np.concatenate(found), starts), shape=(len(texts), BUCKETS))


def ngrams(texts: Sequence[str], truth: NDArray[Any], weights: NDArray[Any]) -> Arrays:
    """A logistic regression on n-grams, its weights as int8."""
    found = fit.logistic(counted(texts), truth, inverse_penalty=8.0, weights=weights)
    values = found["w0"][:, 0].astype(np.float64)
    # The few largest are cut, so that the many small ones are not all 0.
    scale = float(np.quantile(np.abs(values[values != 0]), 0.9999)) / 127
    return {
        "ngrams": np.clip(np.rint(values / scale), -127, 127).astype(np.int8),
        "ngrams_scale": np.array([scale, found["b0"][0]], np.float32),
    }


def halves(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Validation rows in two: one to weigh the opinions, one to choose the threshold."""
    from training.splits import share

    first = [row for row in rows if share(row.group or row.text, 5) < 0.5]
    second = [row for row in rows if share(row.group or row.text, 5) >= 0.5]
    return first, second


def opinions(arrays: Arrays, rows: Sequence[Row]) -> NDArray[np.float64]:
    """What is weighed: shape (rows, 8)."""
    head = InjectionHead(Head(arrays))
    texts = [row.text for row in rows]
    meant = cut_logits(Head(arrays).probabilities(embed(texts, CACHE)))
    worded = np.array([head.wording(each) for each in texts])
    return np.column_stack([meant, worded, np.array([shape(each) for each in texts])])


def stacked(arrays: Arrays, rows: Sequence[Row]) -> NDArray[np.float32]:
    """The weights of the opinions: a logistic regression, and so calibrated (Platt)."""
    features = opinions(arrays, rows)
    found = fit.logistic(features, labels(rows), inverse_penalty=1.0)
    return np.concatenate([found["w0"][:, 0], found["b0"]]).astype(np.float32)


def thresholds(arrays: Arrays, rows: Sequence[Row]) -> tuple[float, dict[str, Any]]:
    """The lowest threshold at which no group's false-positive rate is above ``ALLOWED``: each
    group has its own way to go wrong."""
    head = InjectionHead(Head(arrays))
    texts = [row.text for row in rows]
    logit = head.logits(embed(texts, CACHE), texts)
    risk = 1 / (1 + np.exp(-logit))
    truth = labels(rows)
    groups = {
        "neuralchemy": [row.source == "neuralchemy" for row in rows],
        "s-labs": [row.source == "s-labs" for row in rows],
        "written": [row.source in {"written", "templates"} for row in rows],
        "other": [
            row.source not in {"neuralchemy", "s-labs", "written", "templates"} for row in rows
        ],
    }
    facts: dict[str, Any] = {}
    found = []
    for name, chosen in groups.items():
        mask = np.array(chosen)
        if (truth[mask] == 0).sum() >= 20:
            found.append(fit.threshold_at(risk[mask], truth[mask], ALLOWED[name]))
            facts[name] = round(found[-1], 3)
    threshold = max(found)
    facts["validation"] = metrics.rates(risk, truth, threshold)
    return round(float(threshold), 3), facts


def of_texts(head: InjectionHead, texts: Sequence[str], most: int = 20) -> NDArray[np.float64]:
    """The risk of whole texts by their windows, without sentences looked at by themselves."""
    from llm_shield.text import Text

    parts = [windows(Text(each).normal, most) for each in texts]
    flat = [window for part in parts for window in part]
    logit = head.logits(embed(flat, CACHE), flat)
    out, at = [], 0
    for part in parts:
        surest = float(logit[at : at + len(part)].max()) if part else -12.0
        out.append(head.of_many(surest, len(part)))
        at += len(part)
    risk: NDArray[np.float64] = 1 / (1 + np.exp(-np.array(out)))
    return risk


def card_of(
    parts: Parts, seed: int, threshold: float, facts: dict[str, Any], tests: dict[str, Any]
) -> dict[str, Any]:
    """The card: see ``cards.write``."""
    counts = Counter((row.source, row.label) for row in parts.train)
    return {
        "about": "how likely a window of text is an attack on the model that reads it",
        "encoder": "all-MiniLM-L6-v2-int8, windows of 128 tokens",
        "data": "training/README.md names each source with its licence; those of WritingBench"
        " and of AgentBench's shell tasks (inspect-evals) are not verified",
        "split": "as published, else 15 % validation by group; nothing nearly the same (Jaccard"
        " .7) as a tested text is trained on",
        "limits": [
            "made for English; other European languages are found less well, others by wording",
            "does not know who speaks: a wish in a prompt may be an attack in a document",
            "judges one text, not a conversation",
            "five rules for the threshold were tried on validation, the tests seen for each",
            "technical prose was added after long-documents had shown what it does",
        ],
        "seed": seed,
        "threshold": threshold,
        "training_rows": {
            source: {"attacks": counts[source, 1], "harmless": counts[source, 0]}
            for source in sorted({name for name, _ in counts})
        },
        "validation": facts,
        "tests": tests,
    }


def sources_of(rows: Iterable[Row]) -> set[str]:
    """Their sources."""
    return {row.source for row in rows}
