"""Cases: the context belongs to what is encrypted under it, as a whole and exactly."""

from __future__ import annotations

import pytest

from skykeep.conformance.cases import case, refused, secret
from skykeep.conformance.keys_cases import NONE, PAIRS, keys_over, make
from skykeep.conformance.keys_harness import KeysHarness
from skykeep.errors import Invalid, KeyFailure
from skykeep.interfaces.key_context import MAX_PAIRS
from skykeep.interfaces.key_driver import KeyDriver

CONTEXTS = {
    "one": {"a": "b"},
    "empty-value": {"a": ""},
    "spaces": {" a ": " b "},
    "marks": {'q"&=;,:|': "\\{}[]<>%20/+"},
    "wide": {"密码": "パスワード 😀"},
    "like-json": {"a": '","b":"c'},
    "prototype": {"__proto__": "constructor", "length": "0"},
    "most-pairs": {f"name-{number:02}": f"value {number}" for number in range(MAX_PAIRS)},
}

GIVEN = {"a": "b", "cd": "ef"}
OTHERS = {
    "none": {},
    "less": {"a": "b"},
    "less-of-the-first": {"cd": "ef"},
    "more": {**GIVEN, "g": "h"},
    "an-empty-one-more": {**GIVEN, "g": ""},
    "another-value": {"a": "x", "cd": "ef"},
    "another-name": {"x": "b", "cd": "ef"},
    "an-empty-value": {"a": "", "cd": "ef"},
    "longer-value": {"a": "b ", "cd": "ef"},
    "upper-case-value": {"a": "B", "cd": "ef"},
    "upper-case-name": {"A": "b", "cd": "ef"},
    "values-swapped": {"a": "ef", "cd": "b"},
    "names-for-values": {"b": "a", "ef": "cd"},
    "other-boundary": {"a": "b", "c": "def"},
    "one-for-two": {"a": "bcdef"},
    "like-json": {"a": 'b","cd":"ef'},
    "like-a-query": {"a": "b&cd=ef"},
}


class Contexts:
    """What is encrypted under a context opens under the same one."""

    @pytest.mark.parametrize("pairs", CONTEXTS.values(), ids=CONTEXTS.keys())
    @case()
    async def test_a_context_is_any_text(
        self, driver: KeyDriver, store: KeysHarness, pairs: dict[str, str]
    ) -> None:
        await make(driver, store, "key")
        ciphertext = await driver.encrypt("key", secret(), pairs)
        assert await driver.decrypt("key", ciphertext, pairs) == secret()
        await refused(KeyFailure, driver.decrypt("key", ciphertext, NONE))

    @case()
    async def test_the_order_of_pairs_does_not_matter(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        turned = dict(reversed(PAIRS.items()))
        ciphertext = await driver.encrypt("key", secret(), PAIRS)
        assert await driver.decrypt("key", ciphertext, turned) == secret()
        made = await driver.generate("key", turned)
        assert await driver.decrypt("key", made.wrapped, PAIRS) == made.plain

    @pytest.mark.parametrize("pairs", OTHERS.values(), ids=OTHERS.keys())
    @case()
    async def test_another_context_opens_nothing(
        self, driver: KeyDriver, store: KeysHarness, pairs: dict[str, str]
    ) -> None:
        await make(driver, store, "key")
        ciphertext = await driver.encrypt("key", secret(), GIVEN)
        await refused(KeyFailure, driver.decrypt("key", ciphertext, pairs))
        theirs = await driver.encrypt("key", secret(), pairs)
        await refused(KeyFailure, driver.decrypt("key", theirs, GIVEN))
        assert await driver.decrypt("key", ciphertext, GIVEN) == secret()

    @case()
    async def test_composed_and_decomposed_letters_are_different(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        ciphertext = await driver.encrypt("key", secret(), {"name": "\u00e9"})
        await refused(KeyFailure, driver.decrypt("key", ciphertext, {"name": "e\u0301"}))

    @pytest.mark.parametrize("below", [1, 0])
    @case()
    async def test_the_largest_context_is_taken(
        self, driver: KeyDriver, store: KeysHarness, below: int
    ) -> None:
        await make(driver, store, "key")
        keys, counted = keys_over(driver)
        pairs = _of(driver.capabilities.max_context_bytes - below)
        ciphertext = await keys.encrypt("key", secret(), context=pairs)
        assert await keys.decrypt("key", ciphertext, context=pairs) == secret()
        assert counted.calls == {"encrypt": 1, "decrypt": 1}
        await refused(KeyFailure, keys.decrypt("key", ciphertext, context=_of(20)))

    @case()
    async def test_a_larger_context_is_refused_before_any_call(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        keys, counted = keys_over(driver)
        limit = driver.capabilities.max_context_bytes
        pairs = _of(limit + 1)
        for work in (
            keys.encrypt("key", secret(), context=pairs),
            keys.decrypt("key", b"ciphertext", context=pairs),
            keys.generate("key", context=pairs),
            keys.rewrap("key", b"ciphertext", context=pairs),
        ):
            assert f"{limit:,}" in str(await refused(Invalid, work))
        assert not counted.calls

    @case("store_checks_context")
    async def test_the_store_is_told_the_context(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        if store.told() is None:
            pytest.skip("nobody can be asked what the store was told")
        ciphertext = await driver.encrypt("key", secret(), {"told": "by-encrypt"})
        made = await driver.generate("key", {"told": "by-generate"})
        await driver.decrypt("key", ciphertext, {"told": "by-encrypt"})
        await driver.decrypt("key", made.wrapped, {"told": "by-generate"})
        told = [dict(pairs) for pairs in store.told() or ()]
        assert told.count({"told": "by-encrypt"}) == 2
        assert told.count({"told": "by-generate"}) == 2

    @case(off="store_checks_context")
    async def test_a_store_that_checks_none_is_told_none(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        ciphertext = await driver.encrypt("key", secret(), GIVEN)
        await refused(KeyFailure, driver.decrypt("key", ciphertext, NONE))
        assert await driver.decrypt("key", ciphertext, GIVEN) == secret()
        assert not store.told()


def _of(size: int) -> dict[str, str]:
    """A context of that many bytes, in pairs of up to a thousand."""
    pairs: dict[str, str] = {}
    while size > 0:
        name = f"{len(pairs):02}"
        take = min(size, 1000)
        if size - take in (1, 2):
            take -= 3  # a name needs two bytes
        pairs[name] = "v" * (take - len(name))
        size -= take
    return pairs
