"""What a cache keeps is bounded, and each fill is newer than what it replaces."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from skykeep.errors import NotFound, Unavailable
from skykeep.interfaces.call import Answer, Call, Effect
from skykeep.layers.kept import Entry, Kept, Key
from tests.layers.caches import layer, settle
from tests.layers.calls import read, write
from tests.layers.clock import Clock

NAMES = st.sampled_from(["a", "b", "c"])
VERSIONS = st.sampled_from(["1", "2"])


def key(name: str, version: str) -> Key:
    return ("secrets.get", name, (version, None), None)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "end", "drop", "clear", "clear all"]), NAMES, VERSIONS
        ),
        max_size=60,
    )
)
def test_no_fill_is_older_than_a_write_or_than_what_it_replaces(
    steps: list[tuple[str, str, str]],
) -> None:
    kept = Kept(4)
    under_way: list[tuple[str, str, int]] = []
    barred: set[int] = set()
    for what, name, version in steps:
        if what == "begin":
            under_way.append((name, version, kept.ticket(name)))
        elif what == "end" and under_way:
            of, its, ticket = under_way.pop()  # the last one first: out of order
            there = kept.entries.get(key(of, its))
            assert kept.hand_in(of, ticket) is (ticket not in barred)
            if ticket not in barred:
                answer = Answer(ticket, "primary (fake)")
                kept.put(key(of, its), Entry(0, 0, answer, ticket))
                newest = max(ticket, there.ticket if there else 0)
                assert kept.entries[key(of, its)].answer.value == newest
        elif what == "drop":
            kept.drop(key(name, version))
            assert key(name, version) not in kept.entries
        elif what.startswith("clear"):
            resource = name if what == "clear" else None
            kept.clear(resource)
            barred |= {at for of, _, at in under_way if resource in {of, None}}
            assert not any(resource in {one[1], None} for one in kept.entries)
        assert len(kept.entries) <= 4
        assert {one for keys in kept._keys.values() for one in keys} == set(kept.entries)
    for name, _, ticket in under_way:
        kept.hand_in(name, ticket)
    assert not kept._waiting


class Store:
    """One secret, its versions counted. Others may write it; it may be away."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.version = 1
        self.away = False

    async def __call__(self, call: Call[int]) -> Answer[int]:
        """Write or read."""
        if self.away:
            raise Unavailable("down")
        if call.effect is Effect.WRITE:
            self.version += 1
        if self.version % 7 == 0:
            raise NotFound("gone")
        return Answer(self.version, "primary (fake)", self.clock.now)


STEPS = st.one_of(
    st.sampled_from(["write", "others write", "away", "back", "fresh", "strict"]),
    st.floats(0, 200),  # a pause
    st.just("read"),
    st.sampled_from([0.0, 50.0, 250.0]).map(lambda bound: ("read", bound)),
)


@settings(deadline=None)
@given(
    st.lists(STEPS, max_size=40),
    st.sampled_from([0.0, 30.0, 90.0]),
    st.sampled_from([0.0, 40.0]),
    st.sampled_from([0.0, 120.0]),
)
def test_no_answer_is_older_than_it_says(
    steps: list[object], ahead: float, revalidate: float, max_stale: float
) -> None:
    """Whatever happens to the store: 100 seconds unmarked, more only as set, and marked."""
    clock = Clock()

    async def play() -> None:
        store, written = Store(clock), 0
        cache = layer(100, clock, ahead=ahead, revalidate=revalidate, max_stale=max_stale)
        for step in steps:
            if isinstance(step, float):
                clock.now += step
                continue
            if step in {"away", "back"}:
                store.away = step == "away"
                continue
            if step == "others write":
                store.version += 1
                continue
            call = write("a") if step == "write" else read("a")
            call.fresh, call.strict = step == "fresh", step == "strict"
            call.max_stale = step[1] if isinstance(step, tuple) else None
            try:
                answer = await cache(call, store)
            except (NotFound, Unavailable):
                continue
            finally:
                if step == "write":
                    written = store.version
            await settle()
            age = clock.now - answer.at
            assert answer.value >= written
            assert answer.stale is (age >= 100)
            assert age < 100 + max(revalidate, max_stale)
            assert answer.cached or age == 0
            assert not (call.strict and answer.stale)
            assert not (call.fresh and answer.cached)
            assert call.max_stale is None or age <= call.max_stale

    asyncio.run(play())
