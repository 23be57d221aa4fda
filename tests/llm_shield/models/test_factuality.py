from __future__ import annotations

import asyncio
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.finding import Verdict
from llm_shield.models.embedder import Embedder
from llm_shield.scanners.claims import LONGEST_SENTENCE, claims_of, hedges, sentences
from llm_shield.scanners.factuality import Factuality, FactualitySettings
from llm_shield.text import Text
from tests.llm_shield.models.rig import Letters, answer_to, embedder_on, resources

CONTEXT = (
    "The Eiffel Tower was completed in 1889 for the World's Fair in Paris. It is 330 metres"
    " tall. It is not open on 14 July. Fifteen people work in its restaurant."
)


async def judged(
    embedder: Embedder, answer: str, context: str | None, **settings: float
) -> Verdict:
    given_to = resources(embedder)
    scanner = Factuality(FactualitySettings(**settings), given_to)  # type: ignore[arg-type]  # one dict for settings of several types
    return await scanner.scan(Text(answer), answer_to(given_to, context=context))


def said(answer: str, places: list[tuple[int, int]]) -> list[str]:
    return [answer[start:end] for start, end in places]


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ("It was completed in 1889.", []),
        ("It was completed in 1,889 and is 330.0 metres tall.", []),
        ("It was completed in 1899.", ["1899"]),
        ("It has 15 cooks.", []),
        ("It closes on the 14th of July, and on the 15th.", []),
        ("It closes on the 16th of July.", ["16th"]),
        ("It is -330 metres tall.", ["-330"]),
        ("Room A4 is part of the IPv6 wing.", []),
    ],
)
def test_numbers_that_the_context_does_not_have(answer: str, numbers: list[str]) -> None:
    assert said(answer, claims_of(answer, CONTEXT).numbers) == numbers


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ("The tower is in Paris.", []),
        ("The tower is in Lyon.", ["Lyon"]),
        ("Engineers built it for the world's fair of Paris.", []),
        ("However, The Tower was completed by Renault in July.", ["Renault"]),
        ("It closes in August.", ["August"]),
    ],
)
def test_names_that_the_context_does_not_have(answer: str, names: list[str]) -> None:
    assert said(answer, claims_of(answer, CONTEXT).names) == names


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("It is not open on 14 July.", False),
        ("The Eiffel Tower was not completed in 1889 for the World's Fair in Paris.", True),
        ("The Eiffel Tower was completed in 1889 for the World's Fair in Paris.", False),
        (
            "The Eiffel Tower was never not completed in 1889 for the World's Fair in Paris.",
            False,
        ),
        ("Nothing of this has anything to do with the rest.", False),
    ],
)
def test_sentences_negated_the_other_way(answer: str, found: bool) -> None:
    assert bool(claims_of(answer, CONTEXT).negated) == found


@pytest.mark.asyncio
async def test_each_claim_is_found_at_its_place_and_not_quoted(embedder: Embedder) -> None:
    answer = (
        "The Eiffel Tower was completed in 1899 in Lyon."
        " Monkeys in the jungle like to eat ripe yellow bananas."
    )
    verdict = await judged(embedder, answer, CONTEXT)
    assert [(each.kind, answer[each.start : each.end]) for each in verdict.findings] == [
        ("factuality.number", "1899"),
        ("factuality.name", "Lyon"),
        ("factuality.unsupported", "Monkeys in the jungle like to eat ripe yellow bananas."),
    ]
    assert verdict.risk == 0.8
    assert verdict.facts == {"hedges": 0, "compared": 2, "judged": True}
    for each in verdict.findings:
        assert not {"1899", "Lyon", "bananas"} & set(each.reason.split())


@pytest.mark.asyncio
async def test_an_answer_that_is_borne_out_has_no_finding(embedder: Embedder) -> None:
    answer = "The tower was completed in 1889. It is 330 metres tall and it is in Paris."
    assert not (await judged(embedder, answer, CONTEXT)).findings


@pytest.mark.asyncio
@pytest.mark.parametrize("context", [None, "", " \n"])
async def test_without_a_context_there_is_no_risk_and_facts_say_so(
    context: str | None,
) -> None:
    embedder = Embedder()
    verdict = await judged(embedder, "I think it was 1899, probably.", context)
    assert verdict == Verdict(
        facts={"hedges": 2, "judged": False, "why": "there is no context"}
    )
    assert embedder._encoder is None
    embedder.close()


@pytest.mark.asyncio
async def test_each_kind_can_be_left_alone() -> None:
    embedder = Embedder()
    off = {f"{kind}_score": 0.0 for kind in ("number", "name", "negation", "support")}
    answer = "It was completed in 1899 by Renault. It is open on 14 July."
    verdict = await judged(embedder, answer, CONTEXT, **off)
    assert not verdict.findings
    assert embedder._encoder is None
    del off["number_score"]
    found = (await judged(embedder, answer, CONTEXT, **off)).findings
    assert [each.kind for each in found] == ["factuality.number"]
    embedder.close()


@pytest.mark.asyncio
async def test_so_many_sentences_are_compared_at_most() -> None:
    embedder = embedder_on(Letters())
    answer = "One two three four five six. " * 50
    verdict = await judged(embedder, answer, CONTEXT, max_sentences=7)
    assert verdict.facts["compared"] == 7
    embedder.close()


def test_hedges_are_counted() -> None:
    assert hedges("I THINK so. Perhaps it's likely; unlikely, though, and thinking helps.") == 3


@given(st.text(st.sampled_from("ab. !?\n-1\"')"), max_size=300), st.integers(1, 60))
def test_sentences_are_in_order_and_leave_out_only_blanks(text: str, factor: int) -> None:
    long = text * factor
    places = list(sentences(long))
    kept = "".join(long[start:end] for start, end in places)
    assert "".join(kept.split()) == "".join(long.split())
    assert all(0 < end - start <= LONGEST_SENTENCE for start, end in places)
    assert all(a[1] <= b[0] for a, b in pairwise(places))


@given(st.text(max_size=120), st.text(max_size=120))
def test_any_text_gets_a_bounded_answer(answer: str, context: str) -> None:
    async def check() -> None:
        embedder = embedder_on(Letters())
        verdict = await judged(embedder, answer, context, min_words=1)
        assert 0 <= verdict.risk <= 1
        assert all(0 <= f.start <= f.end <= len(answer) for f in verdict.findings)
        embedder.close()

    asyncio.run(check())


@pytest.mark.parametrize(
    "unit",
    ["a", "(", "1,", "1.", "A b. ", "\n", "\n ", "No one. ", "It's ", "Abc def ghi. ", "9" * 9],
)
def test_the_work_is_linear(unit: str) -> None:
    """Eight times the text, far less than sixteen times the work (processor time)."""
    times = []
    for size in (32_768, 262_144):
        text = unit * (size // len(unit))
        began = process_time()
        claims_of(text, text)
        hedges(text)
        times.append(process_time() - began)
    assert times[1] < 16 * times[0] + 0.5
