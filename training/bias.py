"""The head that tells generalising sentences: ``python -m training bias --wheels WHEELS``.

It sees the embedding of a sentence and what ``llm_shield.generalising`` says of its words.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_shield import generalising
from training import toxic_corpora as corpora
from training.cards import write
from training.corpora import s_labs
from training.embed import embed
from training.packages import Packages
from training.people import data_of, figures, fitted, leave_one_out, shown
from training.rows import TEST, TRAIN, Row
from training.splits import distinct, share, without_copies
from training.templates import written

NAME = "bias"
OPTIONS: dict[str, Any] = {"rate": 0.06, "own": 1.5}


def sentence(text: str) -> str:
    """A corpus's row as a sentence: a capital, a full stop."""
    text = generalising.plain(text)
    return text if text[-1:] in {".", "!", "?"} else f"{text[:1].upper()}{text[1:]}."


def rows_of(packages: Packages, seed: int) -> tuple[list[Row], list[Row]]:
    """Training and test rows. Tested on GEST, on a part of StereoSet, and on texts of
    other kinds that name groups."""
    from llm_shield.evaluation.corpora import bias_written

    gathered = [
        replace(each, text=sentence(each.text))
        for each in corpora.stereotypes(packages) + corpora.stereoset(packages)
    ]
    tested = [
        replace(each, split=TEST)
        for each in gathered
        if each.source == "gest" or ("stereoset" in each.source and share(each.text, 3) < 0.2)
    ]
    rest = [
        each
        for each in gathered
        if each.source != "gest"
        and not ("stereoset" in each.source and share(each.text, 3) < 0.2)
        and (each.source != "sbic" or share(each.text, seed) < 0.4)
    ]
    people = corpora.dreaddit(packages) + corpora.questions(packages)
    tested += [each for each in people if each.split == TEST and each.source != "dreaddit"]
    rest += [each for each in people if each.split == TRAIN and share(each.text, seed) < 0.4]
    rest += [e for e in s_labs(packages) if e.label == 0 and share(e.text, seed) < 0.1]
    rest += written("bias", seed)
    apart = [each.text for each in bias_written.cases()] + [each.text for each in tested]
    return distinct(without_copies(rest, apart, 0.8)), distinct(tested)


def features(rows: Sequence[Row]) -> NDArray[np.float32]:
    """The embedding, then the forms of the words."""
    texts = [generalising.plain(each.text) for each in rows]
    return np.hstack([embed(texts, "groups"), generalising.features(texts)]).astype(np.float32)


def main(chosen: Namespace) -> None:
    """Train, measure on what was kept apart, write the head and its card."""
    rows, tested = rows_of(Packages(chosen.wheels), chosen.seed)
    found = features(rows)
    if chosen.leave_one_out:
        leave_one_out(rows, found, chosen.seed, **OPTIONS)
        return
    head = fitted(rows, found, chosen.seed, **OPTIONS)
    measured = figures(head, tested, features(tested))
    shown(measured)
    card = {
        "about": "whether a sentence says something of all of a group of people",
        "licence": "Apache-2.0",
        "classes": ["generalisation"],
        "features": "all-MiniLM-L6-v2-int8, 384 numbers; llm_shield.generalising, 12 numbers",
        "data": data_of(rows),
        "split": "threshold: scores out of fold, four folds by group; tested on GEST"
        " (whole), a fifth"
        " of StereoSet, and questions that name groups",
        "seed": chosen.seed,
        "metrics": {"tested": measured},
        "limits": "English; it tells that a sentence generalises about a group, not whether"
        " that"
        " is true or biased; StereoSet's labels here follow from its sentences' form",
    }
    print(NAME, write(NAME, head, card, chosen.out))
