from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.finding import Verdict
from llm_shield.models.embedder import Embedder
from llm_shield.scanner import Request
from llm_shield.scanners.ban_topics import BanTopics, BanTopicsSettings, Topic
from llm_shield.text import Decoded, Text
from skykeep.errors import ConfigError
from tests.llm_shield.models.rig import Letters, embedder_on, resources

POLITICS = "politics, elections, government and political parties"
SPORTS = "sports, athletes, games and championships"


def made(embedder: Embedder, *topics: str | Topic, **settings: float) -> BanTopics:
    return BanTopics(BanTopicsSettings(topics=topics, **settings), resources(embedder))  # type: ignore[arg-type]  # one dict for settings of several types


async def judged(embedder: Embedder, text: str, *topics: str | Topic) -> Verdict:
    scanner = made(embedder, *topics)
    return await scanner.scan(Text(text), Request(scanner.resources))


@pytest.mark.asyncio
async def test_a_text_about_a_banned_topic_is_found(embedder: Embedder) -> None:
    text = "The party won the election and will form a coalition government."
    verdict = await judged(embedder, text, POLITICS, SPORTS)
    (found,) = verdict.findings
    assert found.kind == "topic.politics-elections-government-and-political-parties"
    assert (found.start, found.end) == (0, len(text))
    assert verdict.risk == found.score > 0.5
    assert "coalition" not in found.reason


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "text",
    [
        "How do I sort a list of numbers in Python?",
        "Boil the potatoes for twenty minutes and add salt.",
        "Hello, how are you?",
        "My printer does not print any more.",
    ],
)
async def test_other_texts_are_not(embedder: Embedder, text: str) -> None:
    assert not (await judged(embedder, text, POLITICS, SPORTS)).findings


@pytest.mark.asyncio
async def test_the_passage_of_a_long_text_is_named(embedder: Embedder) -> None:
    code = "Sort the list of numbers, then write a loop that prints each of them. " * 30
    match = "The team won the championship after their striker scored two goals. " * 12
    text = code + match + code
    verdict = await judged(embedder, text, Topic(name="sport", descriptions=(SPORTS,)))
    assert verdict.findings
    assert {each.kind for each in verdict.findings} == {"topic.sport"}
    for each in verdict.findings:
        assert each.start < len(code + match)
        assert each.end > len(code)


@pytest.mark.asyncio
async def test_what_an_encoding_hides_is_found_at_its_place(embedder: Embedder) -> None:
    text = Text("Look: xxxx yyyy")
    hidden = "The party won the election and will form a coalition government."
    text.__dict__["decoded"] = (Decoded("base64", hidden, 6, 10),)
    scanner = made(embedder, Topic(name="politics", descriptions=(POLITICS,)))
    verdict = await scanner.scan(text, Request(scanner.resources))
    (found,) = verdict.findings
    assert (found.start, found.end) == (6, 10)
    assert found.reason == "is about the banned topic 'politics', in base64"


@pytest.mark.asyncio
async def test_without_topics_nothing_is_judged_or_read() -> None:
    embedder = Embedder()
    scanner = made(embedder)
    await scanner.load()
    verdict = await scanner.scan(Text("anything"), Request(scanner.resources))
    assert verdict == Verdict(facts={"judged": False, "why": "no topic is banned"})
    assert embedder._encoder is None
    embedder.close()


@pytest.mark.asyncio
async def test_topics_are_embedded_once() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    scanner = made(embedder, "abc")
    await scanner.load()
    before = len(letters.order)
    for _ in range(3):
        await scanner.scan(Text("x"), Request(scanner.resources))
    assert len(letters.order) == before + 3
    embedder.close()


@pytest.mark.parametrize(
    "topics", [["  "], ["a b", "A  b"], [{"name": "x", "descriptions": [" "]}], ["!!!"]]
)
def test_topics_that_make_no_sense_are_refused(topics: list[object]) -> None:
    settings = msgspec.convert({"topics": topics}, BanTopicsSettings)
    with pytest.raises(ConfigError):
        BanTopics(settings, resources(Embedder()))


@pytest.mark.parametrize(
    "bad", [{"topics": [{"name": "a b", "descriptions": ["x"]}]}, {"margin": 2}, {"topic": []}]
)
def test_settings_are_checked(bad: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, BanTopicsSettings)


@given(st.text(max_size=120))
def test_any_text_gets_a_bounded_answer(text: str) -> None:
    async def check() -> None:
        embedder = embedder_on(Letters())
        verdict = await judged(embedder, text, "abc", "xyz")
        assert 0 <= verdict.risk <= 1
        assert all(0 <= f.start <= f.end <= len(text) for f in verdict.findings)
        assert all(0 <= f.score <= 1 for f in verdict.findings)
        embedder.close()

    asyncio.run(check())
