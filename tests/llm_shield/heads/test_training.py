"""The heads come from their scripts: rows, fitting and cards are reproducible; what is measured
holds a bar."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import llm_shield
from llm_shield.evaluation.corpus import named
from llm_shield.evaluation.metrics import auc
from llm_shield.models.heads import Head, card_of
from llm_shield.toxic_words import FEATURES
from tests.llm_shield.heads.rig import scanned
from training.fit import logits
from training.people import FOLDS, averaged, fitted, parts
from training.rows import Row
from training.splits import Copies
from training.templates import written

HEADS = Path(llm_shield.__file__).parent / "models" / "heads"
NAMES = ("toxicity", "no_refusal", "bias")


@pytest.mark.parametrize("name", [*NAMES, "toxic_words"])
def test_a_head_is_the_one_of_its_card(name: str) -> None:
    data = (HEADS / f"{name}.npz").read_bytes()
    card = json.loads((HEADS / f"{name}.json").read_text("utf-8"))
    assert card["sha256"] == hashlib.sha256(data).hexdigest()
    assert card["bytes"] == len(data)
    assert {"about", "data", "limits"} <= set(card)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_where_a_head_comes_from(name: str) -> None:
    card = card_of(name)
    assert card["seed"] > 0
    assert card["split"]
    assert all(each["rows"] > 0 for each in card["data"])
    assert card["metrics"]["tested"]["all"]["recall"]["of"] > 40


def test_the_kinds_of_toxicity_fit_its_features() -> None:
    head = Head.packaged("toxicity")
    assert head.inputs == 384 + FEATURES
    assert head.arrays["kinds_w"].shape == (head.inputs, len(head.card["kinds"]))


@pytest.mark.parametrize("name", NAMES)
def test_rows_that_we_wrote_are_made_the_same_way_each_time(name: str) -> None:
    rows = written(name, 7)
    assert rows == written(name, 7)
    assert rows != written(name, 8)
    assert len(rows) > 300
    assert {each.label for each in rows} == {0, 1}
    assert not [each for each in rows if "{" in each.text or "|" in each.text]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("corpus", ["written", "fresh"])
def test_no_row_that_is_measured_is_trained_on(name: str, corpus: str) -> None:
    tested = Copies(each.text for each in named(f"{name}-{corpus}".replace("_", "-")).cases())
    rows = written(name, 20_240_601)
    copies = [each.text for each in rows if tested.has(each.text)]
    # The script takes them out (`without_copies`); there are hardly any to take out.
    assert len(copies) <= 8


def test_the_same_rows_and_seed_give_the_same_head() -> None:
    chance = np.random.default_rng(3)
    rows = [Row(f"text {at}", at % 2, "own", group=f"g{at % 40}") for at in range(400)]
    label = np.array([each.label for each in rows])
    found = chance.normal(size=(400, 12)).astype(np.float32)
    found[:, 0] += 2.5 * label
    one, other = (fitted(rows, found, 5, rate=0.05, epochs=20) for _ in range(2))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[each], other[each]) for each in one)
    scores = logits(one, found)
    assert (auc(scores[label == 1].tolist(), scores[label == 0].tolist()) or 0) > 0.9
    # The threshold is at 0: about the share of clean rows that was asked for is above it.
    assert 0.0 <= (scores[label == 0] >= 0).mean() <= 0.1


def test_what_has_the_same_group_is_in_the_same_part() -> None:
    rows = [Row(f"text {at}", 0, "own", group=f"g{at % 9}") for at in range(90)]
    part = parts(rows, 1)
    assert set(part.tolist()) <= set(range(FOLDS))
    for group in range(9):
        assert len({int(part[at]) for at in range(90) if at % 9 == group}) == 1


def test_a_mean_of_heads_has_the_mean_of_their_logits() -> None:
    chance = np.random.default_rng(1)
    heads = [
        {
            "w0": chance.normal(size=(6, 4)),
            "b0": chance.normal(size=4),
            "w1": chance.normal(size=(4, 1)),
            "b1": chance.normal(size=1),
        }
        for _ in range(3)
    ]
    found = chance.normal(size=(20, 6))
    mean = np.mean([logits(each, found) for each in heads], axis=0)
    assert np.allclose(logits(averaged(heads), found), mean, atol=1e-5)


@pytest.mark.parametrize(
    ("corpus", "recall", "wrong", "area"),
    [
        ("toxicity-fresh", 0.7, 0.25, 0.85),
        ("no-refusal-fresh", 0.6, 0.15, 0.85),
        ("no-refusal-pyrit", 0.7, 0.08, 0.9),
        ("bias-fresh", 0.6, 0.2, 0.85),
    ],
)
def test_figures_hold_a_bar(corpus: str, recall: float, wrong: float, area: float) -> None:
    of = named(corpus)
    risks: dict[bool, list[float]] = {True: [], False: []}
    for case in of.cases():
        risks[case.flagged].append(scanned(of.scanner, case.text).risk)
    assert np.mean(np.array(risks[True]) >= 0.5) >= recall
    assert np.mean(np.array(risks[False]) >= 0.5) <= wrong
    assert (auc(risks[True], risks[False]) or 0) >= area
