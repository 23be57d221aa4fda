from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.finding import Finding, Verdict
from llm_shield.result import Found, Status
from llm_shield.scanner import Cost, Request
from llm_shield.text import Text
from skykeep.errors import Invalid, MissingExtra, Unavailable
from tests.llm_shield.pipeline.fakes import (
    RESOURCES,
    Fake,
    matching,
    pipeline,
    raises,
    request,
    says,
    statuses,
    waits_for,
)

SECRET = "the user's own words"


@pytest.fixture
def never() -> asyncio.Event:
    return asyncio.Event()


async def others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


@pytest.mark.asyncio
async def test_the_result_has_what_all_scanners_say() -> None:
    first = Fake("First", says(0.3, Finding("a.b", 4, 6, 0.3, "why", "**")))
    second = Fake("Second", says(0.6, Finding("c", 0, 1, 0.6, "so"), facts={"language": "en"}))
    result = await pipeline(first, second).scan("abcdefgh", request())
    assert not result.valid
    assert result.risk == 0.6
    assert result.sanitized == "abcd**gh"
    assert list(result.findings) == [
        Found("c", 0, 1, 0.6, "so", None, "Second"),
        Found("a.b", 4, 6, 0.3, "why", "**", "First"),
    ]
    assert result.scanner("First").valid
    assert result.scanner("Second").valid is False
    assert result.scanner("Second").facts == {"language": "en"}
    with pytest.raises(KeyError):
        result.scanner("Third")


@pytest.mark.asyncio
async def test_a_risk_of_the_threshold_is_not_valid() -> None:
    scanners = [Fake("At", says(0.4), threshold=0.4), Fake("Below", says(0.399), threshold=0.4)]
    result = await pipeline(*scanners).scan("x", request())
    assert [one.valid for one in result.scanners] == [False, True]


@pytest.mark.asyncio
async def test_json_has_the_names_of_the_service() -> None:
    scanner = Fake("Lone", says(0.61234567, Finding("k", 0, 1, 0.61234567, "why", "*")))
    result = await pipeline(scanner).scan("\ud800\x00", request())
    document = json.loads(json.dumps(result.to_dict()))
    assert document.pop("scanTimeMs") >= 0
    assert document["scannerResults"][0].pop("scanTimeMs") >= 0
    finding = {
        "kind": "k",
        "start": 0,
        "end": 1,
        "score": 0.6123,
        "reason": "why",
        "replacement": "*",
    }
    assert document == {
        "isValid": False,
        "riskScore": 0.6123,
        "sanitizedText": "*\x00",
        "findings": [{"scanner": "Lone", **finding}],
        "scannerResults": [
            {
                "name": "Lone",
                "status": "done",
                "isValid": False,
                "riskScore": 0.6123,
                "findings": [finding],
                "facts": {},
            }
        ],
    }


# -- order, and the rest that is skipped


@pytest.mark.asyncio
async def test_cheap_scanners_go_first_in_their_order() -> None:
    order: list[str] = []

    def noting(name: str) -> Any:
        async def behaviour(text: Text, request: Request) -> Verdict:
            order.append(name)
            return Verdict()

        return behaviour

    given_ones = [
        Fake("Network", noting("Network"), cost=Cost.NETWORK),
        Fake("Model", noting("Model"), cost=Cost.MODEL),
        Fake("B", noting("B")),
        Fake("A", noting("A")),
    ]
    result = await pipeline(*given_ones).scan("x", request())
    assert order == ["B", "A", "Model", "Network"]
    assert [one.name for one in result.scanners] == order


@pytest.mark.asyncio
async def test_a_risk_at_the_bound_skips_the_rest(never: asyncio.Event) -> None:
    after = Fake("After", says())
    model = Fake("Model", waits_for(never), cost=Cost.MODEL)
    other = Fake("Other", waits_for(never), cost=Cost.MODEL)
    scanners = pipeline(
        Fake("Low", says(0.69)), Fake("High", says(0.7)), after, model, other, bound=0.7
    )
    result = await scanners.scan("x", request())
    assert statuses(result.scanners) == {
        "Low": "done",
        "High": "done",
        "After": "skipped",
        "Model": "skipped",
        "Other": "skipped",
    }
    assert result.scanner("After").valid is None
    assert not after.begun
    assert not model.begun


@pytest.mark.asyncio
async def test_without_a_bound_nothing_is_skipped() -> None:
    result = await pipeline(Fake("High", says(1.0)), Fake("After", says())).scan("x", request())
    assert set(statuses(result.scanners).values()) == {"done"}


@pytest.mark.asyncio
async def test_models_run_side_by_side_and_the_first_at_the_bound_ends_the_others(
    never: asyncio.Event,
) -> None:
    slow = Fake("Slow", waits_for(never), cost=Cost.MODEL)
    network = Fake("Network", waits_for(never), cost=Cost.NETWORK)

    async def after_slow(text: Text, request: Request) -> Verdict:
        await slow.has_begun.wait()
        return Verdict.of((), 0.95)

    quick = Fake("Quick", after_slow, cost=Cost.MODEL)
    result = await pipeline(quick, slow, network, bound=0.9).scan("x", request())
    assert statuses(result.scanners) == {
        "Quick": "done",
        "Slow": "skipped",
        "Network": "skipped",
    }
    assert slow.ended == 1
    assert not network.begun
    assert not await others()


@pytest.mark.asyncio
async def test_a_failure_that_means_invalid_skips_nobody() -> None:
    scanners = pipeline(
        Fake("Broken", raises(Unavailable("it is away"))), Fake("After", says()), bound=0.7
    )
    result = await scanners.scan("x", request())
    assert statuses(result.scanners) == {"Broken": "failed", "After": "done"}


# -- failures


@pytest.mark.parametrize(
    ("policy", "valid", "risk"), [("open", True, 0.0), ("closed", False, 1.0)]
)
@pytest.mark.parametrize("cost", [Cost.PATTERN, Cost.MODEL])
@pytest.mark.asyncio
async def test_what_fails_is_reported_and_counts_as_its_setting_says(
    policy: str, valid: bool, risk: float, cost: Cost
) -> None:
    broken = Fake(
        "Broken", raises(Unavailable("the model is away")), cost=cost, on_failure=policy
    )
    after = Fake("After", says(), cost=cost)
    result = await pipeline(broken, after).scan("x", request())
    assert (result.valid, result.risk) == (valid, risk)
    failed = result.scanner("Broken")
    assert failed.status is Status.FAILED
    assert failed.error == "Unavailable: the model is away"
    assert failed.to_dict()["error"] == failed.error
    assert result.scanner("After").status is Status.DONE


@pytest.mark.parametrize("cost", [Cost.PATTERN, Cost.MODEL])
@pytest.mark.asyncio
async def test_one_that_takes_too_long_is_ended_and_reported(
    never: asyncio.Event, cost: Cost
) -> None:
    slow = Fake("Slow", waits_for(never), cost=cost, timeout_seconds=1e-6, on_failure="open")
    other = Fake("Other", says(0.2), cost=cost)
    result = await pipeline(slow, other).scan("x", request())
    assert result.valid
    assert result.scanner("Slow").status is Status.TIMED_OUT
    assert result.scanner("Slow").error == "Unavailable: it took longer than 1e-06 s"
    assert result.scanner("Other").status is Status.DONE
    assert slow.ended == 1
    assert not await others()


@pytest.mark.asyncio
async def test_a_timeout_of_its_own_is_a_failure_and_not_ours() -> None:
    async def behaviour(text: Text, request: Request) -> Verdict:
        await asyncio.sleep(0)
        raise TimeoutError(SECRET)

    result = await pipeline(Fake("Own", behaviour)).scan("x", request())
    assert result.scanner("Own").status is Status.FAILED
    assert result.scanner("Own").error.startswith("TimeoutError at ")


@pytest.mark.parametrize("cost", [Cost.PATTERN, Cost.MODEL])
@pytest.mark.asyncio
async def test_a_bug_is_contained_reported_and_logged_without_the_text(
    caplog: pytest.LogCaptureFixture, cost: Cost
) -> None:
    bug = Fake("Buggy", raises(KeyError(SECRET)), cost=cost)
    after = Fake("After", says(), cost=cost)
    with caplog.at_level(logging.ERROR, "llm_shield"):
        result = await pipeline(bug, after).scan(SECRET, request())
    failed = result.scanner("Buggy")
    assert failed.status is Status.FAILED
    assert failed.error.startswith("KeyError at fakes.py:")
    assert result.scanner("After").status is Status.DONE
    assert "a bug in scanner Buggy: KeyError at fakes.py:" in caplog.text
    assert "in behaviour" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in json.dumps(result.scanner("Buggy").to_dict())


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict((), 1.5),
        Verdict((), float("nan")),
        Verdict((Finding("k", 0, 2, 0.5, "past the end"),), 0.5),
        Verdict((Finding("k", 1, 0, 0.5, "backwards"),), 0.5),
    ],
)
@pytest.mark.asyncio
async def test_a_verdict_that_cannot_be_is_a_failure(verdict: Verdict) -> None:
    async def behaviour(text: Text, request: Request) -> Verdict:
        return verdict

    result = await pipeline(Fake("Odd", behaviour)).scan("x", request())
    assert result.scanner("Odd").status is Status.FAILED
    assert not result.valid


@pytest.mark.asyncio
async def test_what_was_cancelled_by_nobody_is_a_failure() -> None:
    async def behaviour(text: Text, request: Request) -> Verdict:
        gone: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        gone.cancel()
        return await gone

    for cost in (Cost.PATTERN, Cost.MODEL):
        pair = (Fake("Odd", behaviour, cost=cost), Fake("After", says(), cost=cost))
        result = await pipeline(*pair).scan("x", request())
        assert statuses(result.scanners) == {"Odd": "failed", "After": "done"}


@pytest.mark.asyncio
async def test_an_interrupt_is_not_contained() -> None:
    class Interrupt(BaseException):
        pass

    with pytest.raises(Interrupt):
        await pipeline(Fake("Stop", raises(Interrupt()))).scan("x", request())


# -- cancellation


@pytest.mark.parametrize("cost", [Cost.PATTERN, Cost.MODEL])
@pytest.mark.asyncio
async def test_a_cancellation_is_passed_on_and_leaves_no_task(
    never: asyncio.Event, cost: Cost
) -> None:
    several = [Fake(name, waits_for(never), cost=cost) for name in "AB"]
    scan = asyncio.create_task(pipeline(*several).scan("x", request()))
    await several[0].has_begun.wait()
    scan.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scan
    assert [each.ended for each in several] == [each.begun for each in several]
    assert not await others()


@pytest.mark.asyncio
async def test_a_cancelled_scan_leaves_no_embedding_behind(never: asyncio.Event) -> None:
    class Embedder:
        async def windows(self, text: Text) -> None:
            await never.wait()

    async def embeds(text: Text, request: Request) -> Verdict:
        await request.windows(text)
        return Verdict()

    resources = replace(RESOURCES, embedder=Embedder)  # type: ignore[arg-type]  # a stand-in
    scanner = Fake("Model", embeds, cost=Cost.MODEL, timeout_seconds=1e-6)
    result = await pipeline(scanner).scan("x", Request(resources))
    assert result.scanner("Model").status is Status.TIMED_OUT
    assert not await others()


# -- any text


@pytest.mark.asyncio
async def test_a_text_over_the_limit_is_refused_unread() -> None:
    scanner = Fake("Reader", says())
    limited = pipeline(scanner, max_characters=100_000)
    await limited.scan("x" * 100_000, request())
    with pytest.raises(Invalid, match=r"100,001 characters; at most 100,000"):
        await limited.scan("x" * 100_001, request())
    assert scanner.begun == 1


@given(st.text(st.characters(codec=None, categories=None), max_size=40))
def test_any_text_is_scanned(text: str) -> None:
    scanners = pipeline(Fake("Letters", matching(r"[a-z\ud800-\udfff\x00]+")))
    result = asyncio.run(scanners.scan(text, request()))
    assert result.scanner("Letters").status is Status.DONE
    assert len(result.sanitized) <= max(len(text), 1) * 3
    json.dumps(result.to_dict())


@pytest.mark.asyncio
async def test_scanners_that_are_not_installed_are_in_the_result() -> None:
    why = f"MissingExtra: {MissingExtra('no presidio', hint='pip install it')}"
    result = await pipeline(Fake("A", says()), missing={"Sensitive": why}).scan("x", request())
    assert result.scanner("Sensitive").status is Status.SKIPPED
    assert result.scanner("Sensitive").error == "MissingExtra: no presidio; pip install it"
    assert result.valid
