"""``Keys``: what is checked before a call, scopes, and what each call is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import pytest

from skykeep.conformance.keys_cases import keys_over
from skykeep.errors import Invalid, KeyFailure, NotFound, Unsupported
from skykeep.interfaces.call import Answer, Call, Effect, Front, Target
from skykeep.interfaces.key_context import (
    MAX_PAIRS,
    checked_context,
    context_bytes,
    packed_context,
)
from skykeep.interfaces.key_driver import KeyCapabilities, Signature
from skykeep.interfaces.keys import MAX_CIPHERTEXT_BYTES, Keys
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.tasks import Tasks
from skykeep.providers.memory.keys import MemoryKeys

DIGEST = bytes(32)
Use = Callable[[Keys], Awaitable[object]]

pytestmark = pytest.mark.filterwarnings("error")

WRONG: dict[str, Use] = {
    "a name": lambda keys: keys.encrypt("a//b", b"v"),
    "an empty name": lambda keys: keys.describe(""),
    "an empty native name": lambda keys: keys.describe("native:"),
    "a value that is none": lambda keys: keys.encrypt("key", cast("bytes", 5)),
    "an empty value": lambda keys: keys.encrypt("key", b""),
    "an empty data key": lambda keys: keys.wrap("key", SecretValue(b"")),
    "an empty ciphertext": lambda keys: keys.decrypt("key", b""),
    "text for a ciphertext": lambda keys: keys.unwrap("key", cast("bytes", "abc")),
    "a huge ciphertext": lambda keys: keys.rewrap("key", bytes(MAX_CIPHERTEXT_BYTES + 1)),
    "a short digest": lambda keys: keys.sign("key", bytes(31)),
    "a long digest": lambda keys: keys.verify("key", bytes(33), Signature(b"x")),
    "a digest as text": lambda keys: keys.sign("key", cast("bytes", "0" * 32)),
    "a purpose": lambda keys: keys.create("key", purpose=cast("Any", "wrap")),
    "an algorithm to encrypt": lambda keys: keys.create("key", algorithm="rsa-pss-sha256"),
    "an unknown algorithm": lambda keys: keys.create(
        "key", purpose="sign", algorithm=cast("Any", "md5")
    ),
    "a context": lambda keys: keys.generate("key", context={"": "x"}),
    "a context of AWS's": lambda keys: keys.generate("key", context={"AWS:x": "x"}),
}


@pytest.mark.parametrize("use", WRONG.values(), ids=WRONG.keys())
@pytest.mark.asyncio
async def test_what_can_never_succeed_makes_no_call(use: Use) -> None:
    keys, counted = keys_over(MemoryKeys())
    with pytest.raises(Invalid):
        await use(keys)
    assert not counted.calls


@pytest.mark.asyncio
async def test_the_largest_ciphertext_is_asked_about() -> None:
    keys, counted = keys_over(MemoryKeys())
    await keys.create("key")
    with pytest.raises(KeyFailure):
        await keys.decrypt("key", bytes(MAX_CIPHERTEXT_BYTES))
    assert counted.calls["decrypt"] == 1


@pytest.mark.asyncio
async def test_a_scope_is_before_every_name() -> None:
    driver = MemoryKeys()
    keys, _ = keys_over(driver, "tenant/web/")
    assert (await keys.create("key")).name == "key"
    assert list(driver.store.keys) == ["tenant/web/key"]
    assert (await keys.describe("key")).name == "key"
    assert (await keys.rotate("key")).name == "key"
    await keys.create("a/key")
    whole, _ = keys_over(driver)
    await whole.create("tenant/webs/key")
    assert sorted([info.name async for info in keys.list()]) == ["a/key", "key"]
    assert [info.name async for info in keys.list("a/")] == ["a/key"]
    ciphertext = await keys.encrypt("key", b"v")
    assert (await whole.decrypt("tenant/web/key", ciphertext)).reveal() == b"v"
    for use in (keys.describe("native:tenant/webs/key"), keys.encrypt("native:x", b"v")):
        with pytest.raises(Invalid, match="scope"):
            await use
    with pytest.raises(Invalid):
        await keys.describe("n" * 250)  # with the scope it is too long


@pytest.mark.asyncio
async def test_a_listing_goes_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skykeep.interfaces.keys.PAGE", 3)
    keys, counted = keys_over(MemoryKeys())
    for number in range(7):
        await keys.create(f"k/{number}")
    listing = keys.list("k")
    first = await listing.next_page()
    assert first is not None
    assert [info.name for info in first] == ["k/0", "k/1", "k/2"]
    rest = [info.name async for info in keys.list("k", cursor=listing.cursor)]
    assert rest == [f"k/{number}" for number in range(3, 7)]
    assert counted.calls["list"] == 3
    while await listing.next_page() is not None:
        pass
    assert listing.cursor is None
    assert await listing.next_page() is None


@pytest.mark.asyncio
async def test_a_store_chooses_the_algorithm() -> None:
    driver = MemoryKeys(capabilities=KeyCapabilities(signatures=("ecdsa-p256-sha256",)))
    keys, _ = keys_over(driver)
    assert (await keys.create("key", purpose="sign")).algorithm == "ecdsa-p256-sha256"
    with pytest.raises(Invalid, match="it can: ecdsa-p256-sha256"):
        await keys.create("other", purpose="sign", algorithm="rsa-pss-sha256")
    none, _ = keys_over(MemoryKeys(capabilities=KeyCapabilities(signatures=())))
    with pytest.raises(Unsupported):
        await none.create("key", purpose="sign")


class Watched:
    """A front that notes the calls."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.calls: list[Call[Any]] = []

    async def __call__(self, call: Call[Any], /) -> Answer[Any]:
        self.calls.append(call)
        return Answer(await call.send(self.target), "test")

    def invalidate(self, resource: str | None) -> None:
        """Nothing is cached."""


@pytest.mark.asyncio
async def test_no_answer_is_cached_or_shared_and_only_uses_are_sent_again() -> None:
    """Two callers who ask for a data key must not get the same one."""
    _, counted = keys_over(MemoryKeys())
    front = Watched(cast("Target", counted))
    keys = Keys(cast("Front", front), cast("Target", counted), Tasks())
    await keys.create("key")
    await keys.create("signs", purpose="sign")
    made = await keys.generate("key")
    await keys.unwrap("key", made.wrapped)
    await keys.rewrap("key", await keys.wrap("key", made.plain))
    await keys.decrypt("key", await keys.encrypt("key", b"v"))
    await keys.verify("signs", DIGEST, await keys.sign("signs", DIGEST))
    await keys.describe("key")
    await keys.rotate("key")
    async for _ in keys.list():
        pass
    assert {call.cache_key for call in front.calls} == {None}
    writes = {call.operation for call in front.calls if call.effect is Effect.WRITE}
    assert writes == {"keys.create", "keys.rotate"}
    assert {call.operation for call in front.calls if not call.idempotent} == writes
    assert {call.resource for call in front.calls} == {"key", "signs", ""}


@pytest.mark.asyncio
async def test_errors_of_the_store_come_through() -> None:
    driver = MemoryKeys()
    keys, _ = keys_over(driver)
    with pytest.raises(NotFound):
        await keys.generate("absent")
    await keys.create("key")
    driver.store.keys["key"].state = "disabled"
    with pytest.raises(KeyFailure, match="disabled"):
        await keys.generate("key")
    assert (await keys.describe("key")).state == "disabled"


@pytest.mark.asyncio
async def test_a_thousand_callers_of_data_keys_make_one_call_of_the_store() -> None:
    driver = MemoryKeys()
    keys, _ = keys_over(driver)
    await keys.create("key")
    driver.calls.clear()
    batch = keys.data_keys("key")
    made = await asyncio.gather(*(batch.to_seal(10) for _ in range(1000)))
    assert len({each.wrapped for each in made}) == 1
    assert driver.calls == {"generate": 1}


# -- contexts


def test_a_context_is_sorted_and_does_not_change() -> None:
    given = {"b": "2", "a": "1"}
    pairs = checked_context(given)
    given["c"] = "3"
    assert list(pairs.items()) == [("a", "1"), ("b", "2")]
    with pytest.raises(TypeError):
        pairs["c"] = "3"  # type: ignore[index]  # it must not
    assert checked_context(None) == checked_context({}) == {}


@pytest.mark.parametrize(
    "pairs",
    [
        {"": "x"},
        {"aws:x": "y"},
        {"a": "line\nfeed"},
        {"a\0": "b"},
        {"a": "\ud800"},
        {"a": "\x7f"},
        {1: "x"},
        {"x": 1},
        {"x": b"y"},
        {f"name-{number}": "" for number in range(MAX_PAIRS + 1)},
    ],
)
def test_what_is_no_context(pairs: Mapping[str, str]) -> None:
    with pytest.raises(Invalid):
        checked_context(pairs)


def test_the_packed_form_tells_all_contexts_apart() -> None:
    contexts: list[dict[str, str]] = [
        {}, {"a": ""}, {"": "a"}, {"a": "b"}, {"ab": ""}, {"a": "b", "c": "d"},
        {"a": "bcd"}, {"ab": "cd"}, {"a": "b", "cd": ""}, {"a": "d", "c": "b"},
        {"a": "\0\0\0\1b"}, {"é": ""}, {"e\u0301": ""},
    ]  # fmt: skip
    assert len({packed_context(pairs) for pairs in contexts}) == len(contexts)
    assert packed_context({"c": "d", "a": "b"}) == packed_context({"a": "b", "c": "d"})


def test_the_size_of_a_context_is_its_bytes() -> None:
    assert context_bytes({}) == 0
    assert context_bytes({"ab": "c", "é": "😀"}) == 3 + 2 + 4
