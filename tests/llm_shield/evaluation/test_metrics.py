from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.evaluation.metrics import Rate, Tally, auc, matched, wilson


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(hits: int, of: int, low: float, high: float) -> None:
    assert list(wilson(hits, of)) == pytest.approx([low, high], abs=5e-5)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_the_share_lies_in_its_interval(one: int, other: int) -> None:
    rate = Rate(min(one, other), max(one, other))
    low, high = rate.interval
    assert 0.0 <= low <= high <= 1.0
    if rate.value is not None:
        assert low <= rate.value <= high


def test_nothing_has_no_rate() -> None:
    assert Rate(0, 0).value is None
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert str(Rate(0, 0)) == "n/a"
    assert auc([], [0.1]) is auc([0.1], []) is None


RISKS = st.lists(
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5001, 0.9, 1.0]), min_size=1, max_size=60
)


@given(RISKS, RISKS)
def test_auc_is_the_share_of_pairs_in_order(flagged: list[float], clean: list[float]) -> None:
    pairs = [(a > b) + (a == b) / 2 for a in flagged for b in clean]
    assert auc(flagged, clean) == pytest.approx(sum(pairs) / len(pairs))


def test_auc_as_scikit_learn_has_it() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    flagged, clean = [0.9, 0.8, 0.8, 0.3], [0.8, 0.3, 0.2, 0.1, 0.1]
    truth = [1] * len(flagged) + [0] * len(clean)
    assert auc(flagged, clean) == pytest.approx(metrics.roc_auc_score(truth, flagged + clean))


def test_a_tally() -> None:
    tally = Tally()
    tally.add(True, 0.9, True, kind="jailbreak")
    tally.add(True, 0.4, False, kind="jailbreak")
    tally.add(True, 0.7, True, kind="leak")
    tally.add(False, 0.1, False, kind="question")
    tally.add(False, 0.8, True, kind="question")
    assert (tally.recall, tally.false_positive_rate) == (Rate(2, 3), Rate(1, 2))
    assert (tally.precision, tally.accuracy) == (Rate(2, 3), Rate(3, 5))
    assert tally.auc == pytest.approx(4 / 6)
    assert tally.by_kind["jailbreak", True] == Rate(1, 2)
    assert tally.by_kind["question", False] == Rate(1, 2)
    said = tally.to_dict()
    assert said["cases"] == 5
    assert said["recall"] == {
        "value": 0.6667,
        "low": 0.2077,
        "high": 0.9385,
        "hits": 2,
        "of": 3,
    }


def test_where_nothing_should_be_found_there_is_no_precision() -> None:
    tally = Tally()
    tally.add(False, 0.8, True)
    assert tally.precision.value is None
    assert tally.false_positive_rate == Rate(1, 1)


def test_spans_are_matched_by_kind_and_overlap() -> None:
    expected = [(0, 4, "pii.card"), (10, 14, "pii"), (20, 24, "pii.iban")]
    findings = [(3, 6, "pii.card"), (10, 12, "pii.email"), (24, 28, "pii.iban")]
    assert list(matched(expected, findings)) == [
        ("pii.card", True),
        ("pii", True),
        ("pii.iban", False),
    ]
    tally = Tally()
    tally.add(True, 1.0, True, spans=expected, findings=findings)
    assert tally.spans["pii.iban"] == Rate(0, 1)
