from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield import streaming
from llm_shield.finding import Finding, Verdict
from llm_shield.pipeline import Pipeline
from llm_shield.result import Found, ScanResult
from llm_shield.scanner import Cost, Request
from llm_shield.shield import Shield
from llm_shield.streaming import OVERLAP, SEGMENT, Released, StreamResult
from llm_shield.text import Text
from skykeep.errors import Invalid, Unavailable
from tests.llm_shield.pipeline.fakes import (
    Fake,
    matching,
    pipeline,
    raises,
    request,
    says,
    shield_of,
    stream,
)


async def fed(scanners: Pipeline, chunks: Sequence[str]) -> tuple[list[Released], StreamResult]:
    under = stream(scanners)
    released = []
    for chunk in chunks:
        released.append(await under.feed(chunk))
        if under.ended:
            break
    return released, await under.finish()


def shown(released: Sequence[Released], result: StreamResult) -> str:
    return "".join(one.text for one in released) + result.rest


def judged(result: ScanResult) -> object:
    return (
        result.valid,
        result.risk,
        result.sanitized,
        list(result.findings),
        [(one.name, one.status, one.risk, one.valid, one.error) for one in result.scanners],
    )


def cut(text: str, places: Sequence[int]) -> list[str]:
    ends = [*sorted({place % (len(text) + 1) for place in places}), len(text)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


REACH = 100


@pytest.fixture(autouse=True, scope="module")
def short_steps() -> Iterator[None]:
    """Many windows in a short text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "STEP", STEP)
        yield


STEP = 16

PATTERNS = (
    ("key-[0-9]{4,12}", 20),
    (r"\bcode\b", 8),
    ("ab+a", 24),
    ("aa", 4),
    ("(?<=x)y|y(?=z)", 4),
)
"""Patterns, and a reach that holds for what the texts below have of them."""

WORDS = st.sampled_from(
    ["key-1234", "key-", "12345678", "code", "codec", " ", "abbba", "ab", "aaaaa", "xy", "yz"]
)


def patterns() -> list[Fake]:
    return [
        Fake(pattern, matching(pattern, f"[{at}]", 0.5 + at / 20), reach=reach)
        for at, (pattern, reach) in enumerate(PATTERNS)
    ]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.one_of(WORDS, st.text(max_size=6)), max_size=120).map("".join),
    st.lists(st.integers(0, 2000), max_size=40),
)
def test_chunked_equals_whole(text: str, places: list[int]) -> None:
    async def both() -> None:
        scanners = pipeline(*patterns(), Fake("Whole", says(0.1)))
        whole = await scanners.scan(text, request())
        released, result = await fed(scanners, cut(text, places))
        assert judged(result) == judged(whole)
        assert shown(released, result) == whole.sanitized
        told = [one for each in released for one in each.findings]
        assert told == [one for one in whole.findings if one in told]

    asyncio.run(both())


@pytest.mark.parametrize("size", [1, 2, 3, 7, 63, 64, 65, 1000])
@pytest.mark.asyncio
async def test_a_finding_across_a_border_is_found(size: int) -> None:
    scanners = pipeline(Fake("Keys", matching("key-[0-9]{4,12}"), reach=20))
    text = "".join(f"{'word ' * at} key-{at:04}, " for at in range(60))
    released, result = await fed(
        scanners, [text[at : at + size] for at in range(0, len(text), size)]
    )
    assert shown(released, result) == result.sanitized
    assert "key-" not in shown(released, result)
    assert result.sanitized.count("***") == 60


@pytest.mark.asyncio
async def test_so_much_is_held_back_and_no_more() -> None:
    reach = 200
    under = stream(pipeline(Fake("Keys", matching("key"), reach=reach)))
    out = 0
    for given_so_far in range(10, 20_000, 10):
        released = await under.feed("some words")
        out += len(released.text)
        assert given_so_far - out <= reach + STEP
        assert released.settled == 0 or given_so_far - released.settled <= reach + STEP
    assert out > 19_000


@pytest.mark.asyncio
async def test_findings_that_overlap_are_held_back_together() -> None:
    scanners = pipeline(
        Fake("Runs", matching("(?=(a{6}))a{3}", "[r]"), reach=8),
        Fake("Pairs", matching("aa", "[p]", 0.9), reach=8),
    )
    text = f"{'word ' * 40}{'a' * 301}{' word' * 40}"
    released, result = await fed(scanners, list(text))
    assert shown(released, result) == result.sanitized
    assert "aa" not in shown(released, result)


@pytest.mark.parametrize("chunk", [1, 16, 4096])
@pytest.mark.asyncio
async def test_the_work_is_linear_in_the_text(chunk: int) -> None:
    def scanners() -> tuple[Fake, Fake]:
        return (
            Fake("Cheap", matching("a{3}b"), reach=REACH),
            Fake("Model", says(0.1), cost=Cost.MODEL),
        )

    for length in (10_000, 80_000):
        cheap, model = scanners()
        text = "a" * length
        chunks = [text[at : at + chunk] for at in range(0, length, chunk)]
        await fed(pipeline(cheap, model, bound=0.9), chunks)
        # The whole text once, in the end; windows of three reaches at most a step.
        assert cheap.characters <= (2 + (3 * REACH + chunk) / STEP) * length
        assert model.characters <= (2 + OVERLAP / SEGMENT) * length


# -- early ends


@pytest.mark.asyncio
async def test_a_finding_at_the_bound_ends_the_stream() -> None:
    scanners = pipeline(Fake("Keys", matching("key-[0-9]{4}", score=0.95), reach=20), bound=0.9)
    under = stream(scanners)
    out, at = "", 0
    findings: list[Found] = []
    for at in range(1000):
        released = await under.feed("harmless " if at != 30 else "key-1234 ")
        out += released.text
        findings += released.findings
        if under.ended:
            break
    assert under.ended
    assert at < 62
    assert "harmless " * 30 + "key" not in out
    assert [one.kind for one in findings] == ["fake.key-[0-9]{4}"]
    with pytest.raises(Invalid, match="has ended"):
        await under.feed("more")
    result = await under.finish()
    assert result.ended_early
    assert not result.valid
    assert result.risk == 0.95
    assert result.rest == ""
    assert await under.finish() is result
    with pytest.raises(Invalid, match="has ended"):
        await under.feed("more")


@pytest.mark.asyncio
async def test_without_a_bound_it_never_ends_early() -> None:
    scanners = pipeline(Fake("Keys", matching("key", score=1.0), reach=20))
    released, result = await fed(scanners, ["a key "] * 200)
    assert not result.ended_early
    assert shown(released, result) == "a *** " * 200


@pytest.mark.asyncio
async def test_a_model_ends_the_stream_at_the_end_of_a_sentence() -> None:
    looked_at = []

    async def behaviour(text: Text, request: Request) -> Verdict:
        looked_at.append(text.sent)
        return Verdict.of(
            [Finding("bad", 0, len(text), 0.95, "it is")] if "evil" in text.sent else []
        )

    model = Fake("Model", behaviour, cost=Cost.MODEL)
    chunks = ["A good sentence. "] * 100 + ["An evil sentence. "] + ["And so on. "] * 1000
    released, result = await fed(pipeline(model, bound=0.9), chunks)
    assert result.ended_early
    assert len(released) < 250
    assert not result.valid
    assert all(one.endswith(". ") for one in looked_at[:-1])
    assert released[-1].text == ""
    assert released[-1].findings[0].scanner == "Model"


@pytest.mark.asyncio
async def test_a_part_that_was_worse_than_the_whole_still_counts() -> None:
    async def behaviour(text: Text, request: Request) -> Verdict:
        return Verdict.of((), 0.95 if len(text) < 1100 else 0.1)

    model = Fake("Model", behaviour, cost=Cost.MODEL)
    other = Fake("Cheap", says(0.2))
    scanners = pipeline(other, model, bound=0.9)
    under = stream(scanners)
    await under.feed("A sentence. " * 85 + "x" * 200)
    assert under.ended
    result = await under.finish()
    assert not result.valid
    assert result.risk == 0.95


@pytest.mark.asyncio
async def test_a_scanner_that_judges_wholes_is_not_asked_about_parts() -> None:
    relevance = Fake("Relevance", says(0.95), cost=Cost.MODEL)
    relevance.whole = True  # type: ignore[misc]  # as a class of its own would say
    _, result = await fed(pipeline(relevance, bound=0.9), ["A sentence. "] * 1000)
    assert relevance.begun == 1
    assert not result.ended_early
    assert result.rest == ""


@pytest.mark.parametrize("cost", [Cost.PATTERN, Cost.MODEL])
@pytest.mark.asyncio
async def test_a_failure_that_means_invalid_ends_the_stream(cost: Cost) -> None:
    reach = 20 if cost is Cost.PATTERN else 0
    calls = 0

    async def once(text: Text, request: Request) -> Verdict:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable("away for a moment")
        return Verdict()

    flaky = Fake("Flaky", once, cost=cost, reach=reach)
    _, result = await fed(pipeline(flaky, bound=0.9), ["A sentence. "] * 1000)
    assert result.ended_early
    assert not result.valid
    assert result.scanner("Flaky").error == "Unavailable: away for a moment"

    open_one = Fake(
        "Open", raises(Unavailable("away")), cost=cost, reach=reach, on_failure="open"
    )
    _, result = await fed(pipeline(open_one, bound=0.9), ["A sentence. "] * 1000)
    assert not result.ended_early
    assert result.valid


# -- limits and ends


@pytest.mark.asyncio
async def test_max_characters_holds() -> None:
    under = stream(pipeline(Fake("Keys", matching("key"), reach=10), max_characters=100))
    await under.feed("x" * 100)
    with pytest.raises(Invalid, match="101 characters; at most 100"):
        await under.feed("x")
    result = await under.finish()
    assert result.sanitized == "x" * 100


@pytest.mark.asyncio
async def test_an_empty_stream_has_a_result() -> None:
    result = await stream(pipeline(Fake("A", says()))).finish()
    assert result.valid
    assert result.rest == result.sanitized == ""


@pytest.mark.asyncio
async def test_nothing_is_held_back_where_nothing_can_lie_across() -> None:
    under = stream(pipeline(Fake("Count", says())))
    assert (await under.feed("at once")).text == "at once"


@pytest.mark.asyncio
async def test_a_shield_streams_an_iterator() -> None:
    async def chunks() -> AsyncIterator[str]:
        for _ in range(100):
            yield "a key "

    async with shield_of(Fake("Keys", matching("key"), reach=10)) as shield:
        parts = [part async for part in shield.stream(chunks())]
    assert "".join(part.text for part in parts) == "a *** " * 100
    result = parts[-1].result
    assert result is not None
    assert result.sanitized == "a *** " * 100
    assert [part.result for part in parts[:-1]] == [None] * (len(parts) - 1)


@pytest.mark.asyncio
async def test_what_makes_the_chunks_is_closed_at_an_early_end() -> None:
    closed = []

    async def chunks() -> AsyncIterator[str]:
        try:
            for _ in range(10_000):
                yield "a key "
        finally:
            closed.append(True)

    async with shield_of(Fake("Keys", matching("key", score=1.0), reach=10)) as shield:
        parts = [part async for part in shield.stream(chunks())]
    assert closed
    assert "".join(part.text for part in parts) == ""
    assert parts[-1].result is not None
    assert not parts[-1].result.valid


# -- the scanners that there are


PIECES = st.sampled_from(
    [
        "ghp_" + "0123456789abcdefABCDEF0123456789abcd",
        "AKIA" + "Z7Q2X4W6V3T5S7R2",
        "http://paypa1-secure-login.example.tk/verify?acc=1",
        "https://example.com/docs",
        "hello\u200bworld",
        "falcon",
        "ticket ABC-1234",
        "A sentence of words.",
        "\n",
        " ",
        ", ",
        "ghp_0123",
    ]
)
REAL = {
    "preset": "permissive",
    "output": {
        "Secrets": True,
        "InvisibleText": True,
        "MaliciousURLs": True,
        "BanSubstrings": {"substrings": ["falcon"], "redact": "[x]"},
        "RegexOutput": {"patterns": {"ticket": "ABC-[0-9]{4}"}},
    },
}


@settings(deadline=None, max_examples=60)
@given(st.lists(PIECES, max_size=60).map(" ".join), st.lists(st.integers(0, 4000), max_size=30))
def test_chunked_equals_whole_with_real_scanners(text: str, places: list[int]) -> None:
    async def both() -> None:
        async with Shield.of(REAL, only=list(REAL["output"])) as shield:
            whole = await shield.scan_output(text)
            under = shield.stream_output()
            out = "".join([(await under.feed(chunk)).text for chunk in cut(text, places)])
            result = await under.finish()
        assert judged(result) == judged(whole)
        assert out + result.rest == whole.sanitized

    asyncio.run(both())


@pytest.mark.asyncio
async def test_what_is_required_is_asked_in_the_end_only() -> None:
    for name, given_settings in {
        "RegexOutput": {"patterns": {"end": "the end$"}, "mode": "require-all"},
        "BanSubstrings": {"substrings": ["alpha", "omega"], "contains_all": True},
    }.items():
        async with Shield.of({"output": {name: given_settings}}, only=[name]) as shield:
            under = shield.stream_output()
            for _ in range(2000):
                await under.feed("words alpha ")
            await under.feed("the end")
            result = await under.finish()
        assert not result.ended_early
        assert result.valid
