"""Sessions: apart by tenant, bounded, forgotten, safe for threads, and silent."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.anonymising import RestoreStream, anonymise, restore
from llm_shield.finding import Finding
from llm_shield.session_vault import ENTRY_BYTES, SESSION_BYTES, SessionVault
from skykeep.errors import Invalid, NotFound, Quota, SkykeepError

CANARY = "canary-7f3a@example.org"


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_tenant_never_gets_anothers_value() -> None:
    vault = SessionVault()
    theirs = vault.session("acme", "one")
    [mark] = theirs.placeholders([("EMAIL", "a@b.co")])
    for tenant in ("other", "", "acme\0", "acm"):
        assert restore(mark, vault.session(tenant, "one")) == mark
    # Nor does a tenant whose name and session, joined, read the same.
    vault.session("a", "b-c").placeholders([("EMAIL", "x@y.zz")])
    assert restore("[EMAIL_1]", vault.session("a-b", "c")) == "[EMAIL_1]"
    assert restore(mark, vault.session("acme", "one")) == "a@b.co"


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("12"), st.sampled_from(["v", "w"])),
        max_size=30,
    )
)
def test_every_session_knows_its_own_values_only(steps: list[tuple[str, str, str]]) -> None:
    vault = SessionVault()
    model: dict[tuple[str, str], list[str]] = {}
    for tenant, name, value in steps:
        known = model.setdefault((tenant, name), [])
        if value not in known:
            known.append(value)
        said = vault.session(tenant, name).placeholders([("X", value)])
        assert said == [f"[X_{known.index(value) + 1}]"]
    for (tenant, name), known in model.items():
        session = vault.session(tenant, name)
        assert [session.value("X", str(n)) for n in (1, 2, 3)] == (known + [None] * 3)[:3]


def test_a_session_expires_after_its_last_use() -> None:
    clock = Clock()
    vault = SessionVault(ttl_seconds=60, clock=clock)
    one = vault.session("acme", "one")
    [mark] = one.placeholders([("EMAIL", "a@b.co")])
    clock.now += 59
    assert restore(mark, one) == "a@b.co"
    clock.now += 59
    assert restore(mark, one) == "a@b.co"
    clock.now += 60
    for call in (
        lambda: restore(mark, one),
        lambda: one.placeholders([("EMAIL", "a@b.co")]),
        lambda: vault.existing("acme", "one"),
        lambda: one.take([("EMAIL", "4")]),
    ):
        with pytest.raises(NotFound):
            call()
    assert len(vault) == 0
    # A new one of the same name begins with nothing.
    assert restore(mark, vault.session("acme", "one")) == mark


def test_sweeping_forgets_those_that_expired_and_no_others() -> None:
    clock = Clock()
    vault = SessionVault(ttl_seconds=60, clock=clock)
    for name in "abc":
        vault.session("acme", name)
        clock.now += 15
    vault.existing("acme", "a")
    clock.now += 30
    assert vault.sweep() == 1
    assert len(vault) == 2
    with pytest.raises(NotFound):
        vault.existing("acme", "b")


def test_limits_refuse_and_drop_nothing() -> None:
    vault = SessionVault(max_entries=2, max_sessions=2)
    one = vault.session("acme", "one")
    marks = one.placeholders([("EMAIL", "a@b.co"), ("EMAIL", "c@d.co")])
    with pytest.raises(Quota):
        one.placeholders([("EMAIL", "a@b.co"), ("EMAIL", "e@f.co")])
    with pytest.raises(Quota):
        one.take([("EMAIL", "9")])
    assert one.placeholders([("EMAIL", "c@d.co")]) == marks[1:]
    vault.session("acme", "two")
    with pytest.raises(Quota):
        vault.session("acme", "three")
    vault.session("other", "three")  # another tenant has its own
    assert restore("".join(marks), one) == "a@b.coc@d.co"
    assert vault.forget("acme", "two") is True
    assert vault.forget("acme", "two") is False
    vault.session("acme", "three")


def test_bytes_are_counted_and_given_back() -> None:
    room = 2 * SESSION_BYTES + ENTRY_BYTES + 10
    vault = SessionVault(max_bytes=room)
    one = vault.session("acme", "one")
    vault.session("other", "two")
    with pytest.raises(Quota):
        vault.session("third", "three")
    with pytest.raises(Quota):
        one.placeholders([("EMAIL", "x" * 11)])
    one.placeholders([("EMAIL", "\u00e9" * 5)])
    with pytest.raises(Quota):
        one.placeholders([("EMAIL", "y")])
    vault.forget("acme", "one")
    vault.session("third", "three").placeholders([("EMAIL", "z" * 10)])


@pytest.mark.parametrize("name", ["ttl_seconds", "max_entries", "max_sessions", "max_bytes"])
def test_limits_are_above_nothing(name: str) -> None:
    with pytest.raises(Invalid):
        SessionVault(**{name: 0})  # type: ignore[arg-type]  # the name is one of four


def test_closed_it_has_nothing_and_takes_nothing() -> None:
    with SessionVault() as vault:
        one = vault.session("acme", "one")
        one.placeholders([("EMAIL", "a@b.co")])
    assert len(vault) == 0
    with pytest.raises(NotFound):
        one.value("EMAIL", "1")
    with pytest.raises(Invalid):
        vault.session("acme", "one")


def test_a_session_has_a_name() -> None:
    with pytest.raises(Invalid):
        SessionVault().session("acme", "")


def test_threads_give_one_placeholder_to_one_value() -> None:
    vault = SessionVault()
    values = [f"user{n}@example.org" for n in range(40)]

    def work(turn: int) -> dict[str, str]:
        session = vault.session("acme", "one")
        order = values[turn:] + values[:turn]
        return {each: session.placeholders([("EMAIL", each)])[0] for each in order}

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(work, range(40)))
    assert all(each == seen[0] for each in seen)
    assert sorted(seen[0].values()) == sorted(f"[EMAIL_{n}]" for n in range(1, 41))
    session = vault.session("acme", "one")
    assert {restore(mark, session): mark for mark in seen[0].values()} == seen[0]


def test_threads_fill_it_to_its_limit_exactly() -> None:
    vault = SessionVault(max_entries=50)

    def work(turn: int) -> int:
        taken = 0
        for n in range(20):
            try:
                vault.session("acme", "one").placeholders([("X", f"{turn}-{n}")])
                taken += 1
            except Quota:
                pass
        return taken

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 50


async def _conversation(vault: SessionVault, tenant: str) -> None:
    session = vault.session(tenant, "same-id")
    text = f"mail {tenant}@example.org"
    for _ in range(20):
        sent = anonymise(text, [Finding("pii.email", 5, len(text), 1.0, "")], session)
        await asyncio.sleep(0)
        assert sent == "mail [EMAIL_1]"
        assert restore(sent, session) == text


@pytest.mark.asyncio
async def test_tasks_of_many_tenants_do_not_meet() -> None:
    vault = SessionVault()
    await asyncio.gather(*(_conversation(vault, f"tenant{n}") for n in range(20)))


def test_no_value_is_in_what_is_printed_logged_or_raised(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    vault = SessionVault(max_entries=1)
    session = vault.session("acme", "one")
    [mark] = session.placeholders([("EMAIL", CANARY)])
    stream = RestoreStream(session)
    stream.feed(mark[:4])
    told = [repr(vault), str(vault), repr(session), repr(stream), repr(SessionVault.__dict__)]
    for call in (
        lambda: session.placeholders([("EMAIL", f"{CANARY}x")]),
        lambda: vault.existing("other", "one"),
        lambda: anonymise(CANARY, [Finding("pii.email", 0, 99, 1.0, "")], session),
    ):
        try:
            call()
        except SkykeepError as error:
            told += [str(error), repr(error), *traceback.format_exception(error, chain=True)]
        else:
            pytest.fail("it should have raised")
    for each in (vault, session, stream):
        for copied in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError) as caught:
                copied(each)
            told.append(str(caught.value))
    assert CANARY not in "".join(told) + caplog.text
