"""What the last reads took, by nearest rank, and when a target is slow."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.layers.latencies import WINDOW, Latencies

SECONDS = st.floats(0, 10, allow_nan=False)


@given(st.lists(SECONDS, min_size=1, max_size=2 * WINDOW), st.floats(0.001, 1))
def test_a_percentile_is_that_of_the_last_256_reads(took: list[float], share: float) -> None:
    reads = Latencies()
    for seconds in took:
        reads.took(seconds)
    last = sorted(took[-WINDOW:])
    value = reads.percentile(share)
    assert value == last[math.ceil(share * len(last)) - 1]
    assert value is not None
    assert sum(one <= value for one in last) >= share * len(last)


def test_reads_of_long_ago_are_forgotten() -> None:
    dice, reads, took = random.Random(7), Latencies(), []
    for number in range(5 * WINDOW):
        took.append(dice.choice([0.01, 0.02, dice.random()]))
        reads.took(took[-1])
        last = sorted(took[-WINDOW:])
        assert reads.count == len(last) == min(number + 1, WINDOW)
        for share in (0.5, 0.95, 0.99, 1.0):
            assert reads.percentile(share) == last[math.ceil(share * len(last)) - 1]


def test_nothing_is_known_of_no_reads() -> None:
    reads = Latencies()
    assert reads.percentile(0.95) is None
    reads.left(60)
    assert not reads.slow(1)


def usual() -> Latencies:
    """Reads that took 10 to 19 ms."""
    reads = Latencies()
    for number in range(100):
        reads.took(0.010 + (number % 10) / 1000)
    return reads


def test_a_target_is_slow_after_n_slow_tries_in_a_row() -> None:
    reads = usual()
    for _ in range(4):
        reads.took(0.5)
    assert not reads.slow(5)
    reads.took(0.5)
    assert reads.slow(5)
    reads.took(0.012)
    assert not reads.slow(1)


@pytest.mark.parametrize("how", ["failed", "left late"])
def test_what_has_no_answer_in_time_is_slow(how: str) -> None:
    reads = usual()
    for _ in range(5):
        if how == "failed":
            reads.failed()
        else:
            reads.left(0.5)
    assert reads.slow(5)
    assert reads.percentile(1.0) == pytest.approx(0.019)  # it is no latency of a read


def test_a_try_that_was_given_up_early_says_nothing() -> None:
    reads = usual()
    for _ in range(5):
        reads.failed()
    reads.left(0.001)
    assert reads.slow(5)
    assert not reads.slow(6)
