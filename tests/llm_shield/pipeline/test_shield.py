from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from llm_shield import Answer, BlockingShield, Shield, Side, Verdict
from llm_shield import shield as module
from llm_shield.result import Status
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings
from llm_shield.settings import Chosen, ShieldSettings
from llm_shield.text import Text
from skykeep.errors import ConfigError, Corrupt, Invalid, MissingExtra, Unavailable, Unsupported
from tests.llm_shield.pipeline.fakes import Fake, matching, says, shield_of, waits_for


class Loud(Scanner[ScannerSettings]):
    """Remembers how often it was made and loaded; may refuse either."""

    name = "Sensitive"
    summary = "a fake"
    sides = frozenset(Side)
    refuses: Exception | None = None
    refuses_to_load: Exception | None = None
    made = loaded = 0

    def __init__(self, settings: ScannerSettings, resources: Resources) -> None:
        super().__init__(settings, resources)
        type(self).made += 1
        if self.refuses is not None:
            raise self.refuses

    async def load(self) -> None:
        type(self).loaded += 1
        if self.refuses_to_load is not None:
            raise self.refuses_to_load

    async def scan(self, text: Text, request: Request) -> Verdict:
        return Verdict()


def made_of(
    monkeypatch: pytest.MonkeyPatch, kind: type[Scanner[Any]], *, named: bool
) -> Shield:
    """A shield of one scanner on both sides."""
    one = Chosen(kind, kind.Settings(), named)
    monkeypatch.setattr(module, "chosen", lambda settings, side: [one])
    monkeypatch.setattr(module, "scanner_class", lambda name: kind)
    return shield_bare()


def shield_bare() -> Shield:
    return Shield(ShieldSettings())


@pytest.fixture
def loud() -> type[Loud]:
    return type("LoudOne", (Loud,), {})


# -- its life


@pytest.mark.asyncio
async def test_a_scanner_of_both_sides_is_made_and_loaded_once(
    monkeypatch: pytest.MonkeyPatch, loud: type[Loud]
) -> None:
    async with made_of(monkeypatch, loud, named=True) as shield:
        await asyncio.gather(shield.load(), shield.scan_prompt("x"), shield.scan_output("x"))
    assert (loud.made, loud.loaded) == (1, 1)


@pytest.mark.asyncio
async def test_the_first_scan_loads(monkeypatch: pytest.MonkeyPatch, loud: type[Loud]) -> None:
    shield = made_of(monkeypatch, loud, named=True)
    assert loud.loaded == 0
    results = await asyncio.gather(shield.scan_prompt("x"), shield.scan_prompt("y"))
    assert all(one.valid for one in results)
    assert loud.loaded == 1
    await shield.close()
    await shield.close()
    with pytest.raises(Unavailable, match="closed"):
        await shield.scan_prompt("x")


MISSING = MissingExtra("presidio is not installed", hint="pip install 'skykeep[shield-pii]'")


@pytest.mark.parametrize("where", ["refuses", "refuses_to_load"])
@pytest.mark.asyncio
async def test_an_extra_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, loud: type[Loud], where: str
) -> None:
    monkeypatch.setattr(loud, where, MISSING)
    # A preset goes without it, and says so.
    async with made_of(monkeypatch, loud, named=False) as shield:
        why = "MissingExtra: presidio is not installed; pip install 'skykeep[shield-pii]'"
        assert shield.missing == {"Sensitive": why}
        result = await shield.scan_prompt("x")
    assert result.valid
    assert result.scanner("Sensitive").status is Status.SKIPPED
    assert result.scanner("Sensitive").error == why
    # A configuration that names it does not.
    with pytest.raises(MissingExtra, match="presidio"):
        await made_of(monkeypatch, loud, named=True).load()
    # Nor does a preset go without what comes with the shield itself.
    monkeypatch.setattr(loud, "name", "Secrets")
    with pytest.raises(MissingExtra, match="presidio"):
        await made_of(monkeypatch, loud, named=False).load()


@pytest.mark.asyncio
async def test_a_damaged_model_is_an_error_at_once(
    monkeypatch: pytest.MonkeyPatch, loud: type[Loud]
) -> None:
    monkeypatch.setattr(loud, "refuses_to_load", Corrupt("it is another file"))
    shield = made_of(monkeypatch, loud, named=False)
    with pytest.raises(Corrupt):
        async with shield:
            pytest.fail("it was opened")
    with pytest.raises(Unavailable, match="closed"):
        await shield.load()


def test_settings_that_make_no_sense_are_refused_when_it_is_made() -> None:
    with pytest.raises(ConfigError, match="did you mean strict"):
        Shield.of("stric")


# -- texts


@pytest.mark.asyncio
async def test_an_answer_has_its_prompt_and_context() -> None:
    seen = []

    async def behaviour(text: Text, request: Request) -> Verdict:
        prompt = request.prompt.sent if request.prompt is not None else None
        context = request.context.sent if request.context is not None else None
        seen.append((request.side, text.sent, prompt, context, request.tenant, request.session))
        return Verdict()

    async with shield_of(Fake("Eye", behaviour)) as shield:
        await shield.scan_prompt("p", tenant="t", session="s")
        await shield.scan_output("a", prompt="", context="c")
        await shield.scan_many([Answer("b", "q")], side=Side.OUTPUT, tenant="t")
    assert seen == [
        (Side.INPUT, "p", None, None, "t", "s"),
        (Side.OUTPUT, "a", "", "c", "", ""),
        (Side.OUTPUT, "b", "q", None, "t", ""),
    ]


@pytest.mark.asyncio
async def test_a_prompt_or_context_over_the_limit_is_refused() -> None:
    async with shield_of(Fake("A", says()), max_characters=3) as shield:
        for where in ("prompt", "context"):
            with pytest.raises(Invalid, match="4 characters"):
                await shield.scan_output("a", **{where: "xxxx"})
            with pytest.raises(Invalid, match=f"the {where} has 4 characters"):
                shield.stream_output(**{where: "xxxx"})
            with pytest.raises(Invalid, match=f"the {where} has 4 characters"):
                await shield.scan_many([Answer("a", **{where: "xxxx"})], side=Side.OUTPUT)


@pytest.mark.asyncio
async def test_many_are_scanned_in_order_and_so_many_at_once() -> None:
    under_way = most = 0

    async def behaviour(text: Text, request: Request) -> Verdict:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(len(text)):
            await asyncio.sleep(0)
        under_way -= 1
        return Verdict.of((), len(text) / 100)

    texts = ["x" * (at * 7 % 20) for at in range(50)]
    async with shield_of(Fake("Len", behaviour), concurrency=3) as shield:
        results = await shield.scan_many(iter(texts))
        assert [one.risk for one in results] == [len(text) / 100 for text in texts]
        assert most == 3
        assert await shield.scan_many([]) == []
        with pytest.raises(Invalid, match="at least 1"):
            await shield.scan_many(texts, concurrency=0)


@pytest.mark.asyncio
async def test_one_of_many_that_is_too_long_ends_the_others() -> None:
    forever = Fake("Wait", waits_for(asyncio.Event()))
    async with shield_of(forever, max_characters=3) as shield:
        with pytest.raises(Invalid, match="4 characters"):
            await shield.scan_many(["a", "b", "cccc"])
    assert forever.begun == forever.ended == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- without an event loop


@pytest.fixture
def blocking() -> Iterator[BlockingShield]:
    with BlockingShield(shield_of(Fake("Keys", matching("key"), reach=10))) as shield:
        yield shield


def test_the_blocking_face(blocking: BlockingShield) -> None:
    assert blocking.scan_prompt("a key").sanitized == "a ***"
    assert blocking.scan_output("a key", prompt="p", context="c").sanitized == "a ***"
    assert [one.valid for one in blocking.scan_many(["a", "key"])] == [True, False]
    assert blocking.settings.preset == "standard"
    assert blocking.missing == {}
    with pytest.raises(Invalid):
        blocking.scan_prompt("x" * 100_001)


def test_blocking_streams(blocking: BlockingShield) -> None:
    for side in Side:
        parts = list(blocking.stream(["a k", "ey "] * 100, side=side))
        assert "".join(part.text for part in parts) == "a *** " * 100
        assert parts[-1].result is not None


def test_it_may_be_used_from_several_threads(blocking: BlockingShield) -> None:
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(blocking.scan_prompt("key").valid))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [False] * 8


def test_closed_it_refuses(blocking: BlockingShield) -> None:
    blocking.close()
    blocking.close()
    with pytest.raises(Unavailable, match="closed"):
        blocking.scan_prompt("x")


def test_after_a_fork_it_says_so(
    blocking: BlockingShield, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(Unsupported, match="forked"):
            blocking.scan_prompt("x")
        blocking.close()


def test_an_interrupt_cancels_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Fake("Wait", waits_for(asyncio.Event()))
    with BlockingShield(shield_of(wait)) as shield:
        real = threading.Event.wait
        first = True

        def interrupted(self: threading.Event, timeout: float | None = None) -> bool:
            nonlocal first
            if first and threading.current_thread() is threading.main_thread():
                first = False
                raise KeyboardInterrupt
            return real(self, timeout)

        monkeypatch.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            shield.scan_prompt("x")
        assert wait.begun == wait.ended


@pytest.mark.asyncio
async def test_resources_are_ended_with_it() -> None:
    async def behaviour(text: Text, request: Request) -> Verdict:
        await request.in_thread(lambda: None)
        return Verdict()

    shield = shield_of(Fake("Thread", behaviour, cost=Cost.MODEL))
    async with shield:
        assert (await shield.scan_prompt("x")).valid
        assert any(each.name.startswith("llm_shield") for each in threading.enumerate())
    assert shield._owned._pool is None
