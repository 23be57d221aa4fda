from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.finding import Verdict
from llm_shield.models.embedder import Embedder, Windows
from llm_shield.scanners.relevance import Relevance, RelevanceSettings, highest, risk_of
from llm_shield.text import Text
from tests.llm_shield.models.rig import Letters, answer_to, embedder_on, resources


async def judged(
    embedder: Embedder, answer: str, prompt: str | None, **settings: float
) -> Verdict:
    given_to = resources(embedder)
    scanner = Relevance(RelevanceSettings(**settings), given_to)  # type: ignore[arg-type]  # one dict for settings of several types
    return await scanner.scan(Text(answer), answer_to(given_to, prompt))


@pytest.mark.asyncio
async def test_an_answer_to_the_question_is_relevant_and_another_is_not(
    embedder: Embedder,
) -> None:
    prompt = "How do I bake a loaf of sourdough bread at home?"
    good = await judged(embedder, "Mix flour, water and starter, let the dough rise.", prompt)
    assert not good.findings
    assert good.risk < 0.1
    bad = await judged(embedder, "The central bank raised its interest rate again.", prompt)
    (found,) = bad.findings
    assert (found.kind, found.start, found.end) == ("relevance", 0, 48)
    assert bad.risk == found.score > 0.9
    assert "bank" not in found.reason


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "prompt", "why"),
    [
        ("The bank raised its interest rate.", None, "the prompt is not known"),
        ("Paris.", "What is the capital of France?", "the answer is too short"),
        ("", "What is the capital of France?", "the answer is too short"),
        ("The bank raised its interest rate.", "Hello", "the prompt is too short"),
        ("\u0300 \u0300" * 9, "\u0300" * 9, "the answer is too short"),
    ],
)
async def test_what_cannot_be_judged_is_not_and_says_why(
    answer: str, prompt: str | None, why: str
) -> None:
    embedder = embedder_on(Letters())
    assert await judged(embedder, answer, prompt) == Verdict(
        facts={"judged": False, "why": why}
    )
    embedder.close()


@pytest.mark.asyncio
async def test_one_passage_of_a_long_answer_that_is_relevant_is_enough(
    embedder: Embedder,
) -> None:
    other = "The central bank raised its interest rate again. " * 40
    prompt = "How do I bake a loaf of sourdough bread at home?"
    assert (await judged(embedder, other, prompt)).findings
    good = "To bake sourdough bread, mix flour, water and starter. " * 20
    assert not (await judged(embedder, other + good, prompt)).findings


@pytest.mark.asyncio
async def test_settings_move_the_line(embedder: Embedder) -> None:
    prompt, answer = "What is the weather like today?", "It may rain later, take an umbrella."
    verdict = await judged(embedder, answer, prompt)
    similarity = verdict.facts["similarity"]
    assert isinstance(similarity, float)
    assert not verdict.findings
    strict = await judged(embedder, answer, prompt, min_similarity=similarity + 0.05)
    assert strict.findings
    lenient = await judged(embedder, answer, prompt, threshold=0.0)
    assert lenient.findings


def test_the_risk_falls_as_the_similarity_rises() -> None:
    risks = [risk_of(each / 100, 0.25) for each in range(-100, 101)]
    assert risks == sorted(risks, reverse=True)
    assert risk_of(0.25, 0.25) == 0.5
    assert 0 < risks[-1] < risks[0] < 1


def test_of_many_windows_the_nearest_pair_counts() -> None:
    vectors = np.zeros((200, 384), np.float32)
    vectors[np.arange(200), np.arange(200)] = 1
    many = Windows([(0, 1)] * 200, vectors)
    one = Windows([(0, 1)], vectors[150:151])
    none = Windows([(0, 1)], vectors[300 % 200 : 101][:1] * 0)
    assert highest(many, one) == highest(one, many) == 1.0
    assert highest(many, none) == 0.0


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_gets_a_bounded_answer(answer: str, prompt: str) -> None:
    async def check() -> None:
        embedder = embedder_on(Letters())
        verdict = await judged(embedder, answer, prompt, min_words=0, min_prompt_words=0)
        assert 0 <= verdict.risk <= 1
        assert all(0 <= f.start <= f.end <= len(answer) for f in verdict.findings)
        embedder.close()

    asyncio.run(check())


@pytest.mark.asyncio
@pytest.mark.parametrize("unit", ["a", "(", "a@", "QUJD", "\n", "a b "])
async def test_the_work_is_linear(unit: str) -> None:
    """Eight times the text has at most about eight times the windows; each letter once."""
    letters = Letters()
    embedder = embedder_on(letters)
    counts = []
    for size in (16_384, 131_072):
        letters.tokenised = 0
        await judged(embedder, unit * (size // len(unit)), "one two three four")
        counts.append(letters.tokenised)
    assert counts[1] <= 9 * counts[0] + 100
    embedder.close()
