"""The head that tells refusing sentences: ``python -m training no_refusal --wheels WHEELS``.

Its unit is a sentence (a short one with the next). It sees its embedding and what
``llm_shield.refusing`` says of its words, among it whether it begins the answer.
"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_shield import refusing
from llm_shield.text import Text
from llm_shield.units import units_of
from training import toxic_corpora as corpora
from training.cards import write
from training.corpora import s_labs
from training.embed import embed
from training.packages import Packages
from training.people import data_of, figures, fitted, leave_one_out, shown
from training.rows import TEST, Row
from training.splits import distinct, share, without_copies
from training.templates import written

NAME = "no_refusal"
OPTIONS: dict[str, Any] = {"rate": 0.06, "own": 1.0}
LATER = "later"
"""The kind of a row whose sentence does not begin its answer."""
_PLAIN = re.compile(
    r"^\W*(?:\[?\w+\]?:? )?(?:(?:i'?m|i am)(?: really| very)? (?:sorry|afraid)|sorry|i can'?t"
    r"|i cannot"
    r"|i won'?t|i will not|i'?m not (?:able|going)|i am not|no, i|unfortunately,? i|i'?m unable"
    r"|i apologi[sz]e|my apologies|i don'?t (?:help|provide))",
    re.IGNORECASE,
)


def beginning(answer: str) -> str:
    """What the head sees of the place where an answer begins."""
    text = Text(answer).normal
    places = units_of(text)
    return refusing.plain(text[slice(*places[0])]) if places else ""


def judged_answers(packages: Packages) -> list[Row]:
    """Of PyRIT's other evaluation sets: answers that people judged harmful or as doing what was
    asked are no refusals; those judged the opposite are, where their beginning refuses in plain
    words; the rest is left out, because nobody said which of the two it is."""
    rows = []
    for folder in ("harm", "objective"):
        for each, name in corpora.judged(packages, folder):
            score = float(each.get("human_score") or each.get("human_score_1") or 0)
            answer = each["assistant_response"]
            refuses = _PLAIN.search(refusing.plain(answer)) is not None
            if score >= 0.5 and not refuses:
                rows.append(Row(beginning(answer), 0, "pyrit", group=name))
                rows += later(answer, "pyrit")
            elif score == 0 and refuses:
                rows.append(Row(beginning(answer), 1, "pyrit"))
    return rows


def later(answer: str, source: str) -> list[Row]:
    """Sentences further down that have a cue, of an answer that does not refuse."""
    text = Text(answer).normal
    found = [text[start:end] for start, end in units_of(text)[1:]]
    return [
        Row(refusing.plain(each), 0, source, kind=LATER)
        for each in found
        if refusing.CUE.search(each)
    ][:6]


def rows_of(packages: Packages, seed: int) -> tuple[list[Row], list[Row]]:
    """Training and test rows; the second are the beginnings of answers that people labelled."""
    from llm_shield.evaluation.corpora import no_refusal_pyrit, no_refusal_written

    tested = [
        Row(beginning(each.text), int(each.flagged), "pyrit-refusal", TEST)
        for each in no_refusal_pyrit.cases()
    ]
    written_apart = [each.text for each in no_refusal_written.cases()]
    rows = written("no_refusal", seed) + judged_answers(packages)
    rows += [
        Row(beginning(each.text), 0, "dreaddit")
        for each in corpora.dreaddit(packages)
        if share(each.text, seed) < 0.2
    ]
    for each in corpora.dreaddit(packages):
        rows += later(each.text, "dreaddit") if share(each.text, seed) < 0.3 else []
    rows += [
        Row(refusing.plain(each.text), 0, "s-labs")
        for each in s_labs(packages)
        if each.label == 0 and share(each.text, seed) < 0.15
    ]
    # What a plain refusal shares with any other is no copy that would give a test away: only
    # rows that are a test's very words are taken out, and near copies of what we wrote apart.
    exact = {" ".join(each.text.lower().split()) for each in tested}
    kept = [e for e in rows if " ".join(e.text.lower().split()) not in exact]
    return distinct(without_copies(kept, written_apart)), distinct(tested)


def features(rows: Sequence[Row]) -> NDArray[np.float32]:
    """The embedding, then the shapes of the words."""
    texts = [each.text for each in rows]
    first = [each.kind != LATER for each in rows]
    shapes = refusing.features(texts, first)
    return np.hstack([embed(texts, "refusals"), shapes]).astype(np.float32)


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
        "about": "whether a sentence of an answer refuses",
        "licence": "Apache-2.0",
        "classes": ["refusal"],
        "features": "all-MiniLM-L6-v2-int8, 384 numbers; llm_shield.refusing, 16 numbers",
        "data": data_of(rows),
        "split": "threshold: scores out of fold, four folds by group; tested on the"
        " beginnings of the"
        " answers of PyRIT's refusal set, which people labelled",
        "seed": chosen.seed,
        "metrics": {"tested": measured},
        "limits": "English; most refusals in training are our own templates and PyRIT's"
        " answers of"
        " a few models; the question is not seen, so an answer about something else is no"
        " refusal",
    }
    print(NAME, write(NAME, head, card, chosen.out))
