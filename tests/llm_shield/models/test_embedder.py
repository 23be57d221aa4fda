from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Callable
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.models.embedder import Embedder, nothing
from llm_shield.models.encoder import Encoder
from llm_shield.models.worker import RUN_TOKENS
from llm_shield.text import Text
from skykeep.errors import Invalid, Throttled, Unavailable
from tests.llm_shield.models.rig import Letters, embedder_on


async def held(letters: Letters, embedder: Embedder) -> asyncio.Task[object]:
    """A request that is being run and does not end before the gate opens."""
    letters.gate.clear()
    first = asyncio.ensure_future(embedder.embed(["first"]))
    assert await asyncio.to_thread(letters.began.acquire, timeout=60)
    return first


async def waiting(embedder: Embedder, count: int) -> None:
    """Until so many requests have no answer yet."""
    await until(lambda: embedder._worker._open >= count)


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110  (another thread makes it true, without an event)
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_a_request_that_comes_alone_is_run_at_once() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    vectors = await embedder.embed(["ab", "abc"])
    assert vectors.shape == (2, 384)
    assert letters.order == ["ab", "abc"]
    embedder.close()


@pytest.mark.asyncio
async def test_requests_that_wait_are_run_together_by_length() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    first = await held(letters, embedder)
    others = [asyncio.ensure_future(embedder.embed([f"{each:04}"])) for each in range(32)]
    await waiting(embedder, 33)
    letters.gate.set()
    found = await asyncio.gather(*others)
    await first
    assert len(letters.runs) == 2
    assert sorted(letters.runs[1]) == [f"{each:04}" for each in range(32)]
    for each, vectors in enumerate(found):
        assert vectors[0, ord("0")] == f"{each:04}".count("0")
    embedder.close()


@pytest.mark.asyncio
async def test_a_run_has_so_many_tokens_at_most() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    first = await held(letters, embedder)
    others = [asyncio.ensure_future(embedder.embed([f"{each:014}"])) for each in range(40)]
    await waiting(embedder, 41)
    letters.gate.set()
    await asyncio.gather(first, *others)
    assert [len(run) for run in letters.runs[1:]] == [RUN_TOKENS // 16, RUN_TOKENS // 16, 8]
    embedder.close()


@pytest.mark.asyncio
async def test_a_short_text_does_not_wait_for_a_long_one() -> None:
    letters = Letters(window=128)
    embedder = embedder_on(letters, max_windows=None)
    first = await held(letters, embedder)
    words = "".join(chr(0x4E00 + each) for each in range(126 * 60))
    long = asyncio.ensure_future(embedder.windows(Text(words)))
    await waiting(embedder, 2)
    short = asyncio.ensure_future(embedder.embed(["short"]))
    await waiting(embedder, 3)
    letters.gate.set()
    await asyncio.gather(first, long, short)
    # What was under way, one turn of the long one, and then the short one.
    assert letters.runs.index(["short"]) <= 2
    assert len(letters.order) == 2 + 61
    embedder.close()


@pytest.mark.asyncio
async def test_a_stream_of_short_texts_does_not_hold_up_a_long_one() -> None:
    letters = Letters(window=128)
    embedder = embedder_on(letters)
    first = await held(letters, embedder)
    words = "".join(chr(0x4E00 + each) for each in range(126 * 60))
    long = asyncio.ensure_future(embedder.windows(Text(words)))
    await waiting(embedder, 2)
    short = [asyncio.ensure_future(embedder.embed([f"{each:0120}"])) for each in range(4)]
    await waiting(embedder, 6)
    letters.gate.set()
    sent = 4
    while not long.done():
        _, pending = await asyncio.wait(short, return_when=asyncio.FIRST_COMPLETED)
        short = list(pending)
        while len(short) < 4:
            short.append(asyncio.ensure_future(embedder.embed([f"{sent:0120}"])))
            sent += 1
            assert sent < 1000
    await asyncio.gather(first, *short)
    embedder.close()


@pytest.mark.asyncio
async def test_turns_are_fair() -> None:
    """Of three that wait, each has its first window run before any has its second."""
    letters = Letters(window=128)
    embedder = embedder_on(letters)
    first = await held(letters, embedder)
    texts = [
        "".join(chr(base + each) for each in range(126 * 4))
        for base in (0x5100, 0x6100, 0x7100)
    ]
    others = [asyncio.ensure_future(embedder.windows(Text(each))) for each in texts]
    await waiting(embedder, 4)
    letters.gate.set()
    await asyncio.gather(first, *others)
    texts = [Text(each).normal for each in texts]
    heads = [letters.order.index(each[:126]) for each in texts]
    seconds = [letters.order.index(each[124:250]) for each in texts]
    assert max(heads) < min(seconds)
    embedder.close()


@pytest.mark.asyncio
async def test_one_that_is_cancelled_takes_nothing_from_the_others() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    first = await held(letters, embedder)
    gone = asyncio.ensure_future(embedder.embed(["gone"]))
    kept = asyncio.ensure_future(embedder.embed(["kept"]))
    await waiting(embedder, 3)
    gone.cancel()
    await asyncio.wait([gone])
    letters.gate.set()
    assert (await kept).shape == (1, 384)
    await first
    assert "gone" not in letters.order
    assert embedder._worker._open == 0
    embedder.close()


@pytest.mark.asyncio
async def test_one_that_is_cancelled_while_it_is_run_hurts_nobody() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    first = await held(letters, embedder)
    first.cancel()
    await asyncio.wait([first])
    letters.gate.set()
    assert (await embedder.embed(["next"])).shape == (1, 384)
    assert embedder._worker._open == 0
    embedder.close()


@pytest.mark.asyncio
async def test_an_error_reaches_all_of_its_run_and_no_others() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    first = await held(letters, embedder)
    both = [asyncio.ensure_future(embedder.embed([each])) for each in ("aa", "bb")]
    await waiting(embedder, 3)
    letters.error = Unavailable("no memory")
    letters.gate.set()
    answers = await asyncio.gather(first, *both, return_exceptions=True)
    assert [str(each) for each in answers] == ["no memory"] * 3
    letters.error = None
    assert (await embedder.embed(["again"])).shape == (1, 384)
    embedder.close()


@pytest.mark.asyncio
async def test_too_many_that_wait_are_refused() -> None:
    letters = Letters()
    embedder = embedder_on(letters, max_waiting=2)
    first = await held(letters, embedder)
    second = asyncio.ensure_future(embedder.embed(["second"]))
    await waiting(embedder, 2)
    with pytest.raises(Throttled, match="2 requests wait"):
        await embedder.embed(["third"])
    letters.gate.set()
    await asyncio.gather(first, second)
    assert (await embedder.embed(["fourth"])).shape == (1, 384)
    embedder.close()


@pytest.mark.asyncio
async def test_closing_ends_those_that_wait_and_the_thread() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    first = await held(letters, embedder)
    second = asyncio.ensure_future(embedder.embed(["second"]))
    await waiting(embedder, 2)
    closing = asyncio.ensure_future(asyncio.to_thread(embedder.close))
    await until(lambda: embedder._worker._closed)
    letters.gate.set()
    await closing
    assert (await first) is not None  # it was under way
    with pytest.raises(Unavailable, match="closed"):
        await second
    with pytest.raises(Unavailable, match="closed"):
        await embedder.embed(["later"])
    thread = embedder._worker._thread
    assert thread is not None
    assert not thread.is_alive()
    embedder.close()


@pytest.mark.asyncio
async def test_a_fault_of_the_thread_itself_reaches_all_that_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    first = await held(letters, embedder)
    second = asyncio.ensure_future(embedder.embed(["second"]))
    await waiting(embedder, 2)

    def broken() -> NoReturn:
        raise RuntimeError("a fault")

    monkeypatch.setattr(embedder._worker, "_take", broken)
    letters.gate.set()
    await first
    with pytest.raises(RuntimeError, match="a fault"):
        await second
    with pytest.raises(Unavailable, match="closed"):
        await embedder.embed(["later"])


@pytest.mark.asyncio
async def test_one_that_was_made_before_a_fork_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = embedder_on(Letters())
    await embedder.embed(["x"])
    with monkeypatch.context() as other:
        other.setattr(os, "getpid", lambda: -1)
        with pytest.raises(Unavailable, match="made in another process"):
            await embedder.embed(["x"])
    embedder.close()


@pytest.mark.asyncio
async def test_nobody_keeps_its_thread_alive() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    await embedder.embed(["x"])
    thread = embedder._worker._thread
    assert thread is not None
    del embedder
    gc.collect()
    await asyncio.to_thread(thread.join, 60)
    assert not thread.is_alive()


@pytest.mark.asyncio
async def test_windows_that_repeat_are_run_once() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    found = await embedder.windows(Text("(" * 200_000))
    assert len(found.spans) > 10_000
    assert found.vectors.shape == (len(found.spans), 384)
    assert len(letters.order) <= 2
    embedder.close()


@pytest.mark.asyncio
async def test_more_windows_than_allowed_are_refused() -> None:
    embedder = embedder_on(Letters(), max_windows=3)
    assert len((await embedder.windows(Text("a" * 44))).spans) == 3
    with pytest.raises(Invalid, match="more than 3 windows"):
        await embedder.windows(Text("a" * 45))
    embedder.close()


@pytest.mark.asyncio
async def test_an_empty_text_has_no_windows() -> None:
    embedder = embedder_on(Letters())
    for text in ("", " \n\t "):
        found = await embedder.windows(Text(text))
        assert list(found.spans) == []
        assert found.vectors.shape == (0, 384)
    assert nothing().vectors.shape == (0, 384)
    embedder.close()


@given(st.text(st.sampled_from("abc漢 \n\u200b\x00\ud800"), max_size=400))
def test_windows_cover_all_tokens_in_order(text: str) -> None:
    async def check() -> None:
        letters = Letters()
        embedder = embedder_on(letters)
        given_text = Text(text)
        found = await embedder.windows(given_text)
        assert all(0 <= start < end <= len(text) for start, end in found.spans)
        assert list(found.spans) == sorted(found.spans)
        tokens = [each for each in given_text.normal if not each.isspace()]
        assert (len(found.spans) == 0) == (not tokens)
        counts = [int(each.sum()) for each in found.vectors]
        assert sum(counts) - 2 * max(0, len(counts) - 1) == len(tokens)
        assert all(each == 16 for each in counts[:-1])
        embedder.close()

    asyncio.run(check())


@pytest.mark.asyncio
async def test_a_text_is_tokenised_once_however_long() -> None:
    letters = Letters(window=128)
    embedder = embedder_on(letters)
    for length in (10_000, 80_000):
        letters.tokenised = 0
        await embedder.windows(Text("ab cd " * (length // 6)))
        assert letters.tokenised <= length
    embedder.close()


def test_one_event_loop_after_another_may_use_it() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    for _ in range(3):
        assert asyncio.run(embedder.embed(["x"])).shape == (1, 384)
    embedder.close()


def test_several_event_loops_may_use_it_at_once() -> None:
    letters = Letters()
    embedder = embedder_on(letters)
    found: list[int] = []

    def use() -> None:
        found.extend(asyncio.run(embedder.embed([f"{each}"])).shape[0] for each in range(20))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [1] * 80
    embedder.close()


@pytest.mark.asyncio
async def test_its_vectors_are_the_encoders(embedder: Embedder, encoder: Encoder) -> None:
    text = "The committee met in Geneva. " * 60
    found = await embedder.windows(Text(text))
    first = await embedder.embed([text])
    assert np.abs(first[0] - encoder.encode([text])[0]).max() < 1e-6
    assert np.abs(found.vectors[0] - first[0]).max() < 1e-6
    assert found.spans[0][0] == 0
    assert found.spans[-1][1] == len(text) - 1
    assert all(a[1] > b[0] for a, b in zip(found.spans, found.spans[1:], strict=False))


@pytest.mark.asyncio
async def test_who_comes_while_it_is_read_waits_for_the_one_reading() -> None:
    reads: list[str] = []

    class Files:
        async def read(self, model: str, file: str) -> bytes:
            reads.append(file)
            from llm_shield.models.pins import installed, pin_of

            return installed(pin_of(model, file)).read_bytes()

    embedder = Embedder(Files())  # type: ignore[arg-type]  # as little as it uses
    asked = [asyncio.ensure_future(embedder.embed([each])) for each in "abc"]
    await asyncio.sleep(0)
    asked[0].cancel()
    assert (await asked[1]).shape == (1, 384)
    assert (await asked[2]).shape == (1, 384)
    assert sorted(reads) == ["model.onnx", "tokenizer.json"]
    embedder.close()


@pytest.mark.parametrize(
    "bad",
    [{"window": 15}, {"overlap": 63}, {"max_windows": 0}, {"threads": 0}, {"window": 513}],
)
def test_settings_that_make_no_sense_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        Embedder(**bad)  # type: ignore[arg-type]  # one setting of several types
