"""Cases: values come back byte for byte, under their own key alone; nothing shows itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from skykeep.conformance.cases import CANARY, case, refused, secret, shows_canary
from skykeep.conformance.keys_cases import AT_ONCE, NONE, PAIRS, damaged, keys_over, make
from skykeep.conformance.keys_harness import KeysHarness
from skykeep.errors import Invalid, KeyFailure, NotFound
from skykeep.interfaces.key_driver import DATA_KEY_BYTES, KeyDriver
from skykeep.interfaces.secret_value import SecretValue

VALUES = {
    "one-byte": b"x",
    "nul": b"\0",
    "every-byte": bytes(range(256)),
    "not-utf-8": b"\xff\xfe\x80 caf\xe9",
    "crlf": b"\r\nline one\r\nline two\r\n",
    "blank": b"  \t\n",
    "a-data-key": bytes(range(100, 132)),
    "base64": b"AAECAwQFBgcICQ==",
    "like-a-ciphertext": b"vault:v1:AAECAwQF",
    "json": b'{"a": [1, null, "\\u00e9"]}',
}

GARBAGE = {
    "one-byte": b"x",
    "zeros": bytes(100),
    "ones": b"\xff" * 100,
    "text": b"this was never encrypted by anybody, here or elsewhere",
    "base64": b"AQICAHhwbGFpbiB0ZXh0IGluIGJhc2U2NA==",
    "like-a-ciphertext": b"vault:v1:" + b"QUJD" * 20,
    "long": bytes(range(256)) * 24,
}

Ask = Callable[[KeyDriver, str], Coroutine[Any, Any, object]]

USES: dict[str, Ask] = {
    "describe": lambda driver, name: driver.describe(name),
    "encrypt": lambda driver, name: driver.encrypt(name, secret(), NONE),
    "decrypt": lambda driver, name: driver.decrypt(name, bytes(100), NONE),
    "generate": lambda driver, name: driver.generate(name, NONE),
}


class Values:
    """What is encrypted is what is decrypted."""

    @pytest.mark.parametrize("pairs", [NONE, PAIRS], ids=["no-context", "context"])
    @pytest.mark.parametrize("data", VALUES.values(), ids=VALUES.keys())
    @case()
    async def test_a_value_comes_back_byte_for_byte(
        self, driver: KeyDriver, store: KeysHarness, data: bytes, pairs: dict[str, str]
    ) -> None:
        await make(driver, store, "key")
        ciphertext = await driver.encrypt("key", SecretValue(data), pairs)
        assert isinstance(ciphertext, bytes)
        assert (await driver.decrypt("key", ciphertext, pairs)).reveal() == data

    @case()
    async def test_a_ciphertext_hides_its_value_and_is_another_each_time(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        first = await driver.encrypt("key", secret(), NONE)
        second = await driver.encrypt("key", secret(), NONE)
        assert first != second
        for ciphertext in (first, second):
            assert CANARY not in ciphertext
            assert not shows_canary(ciphertext.decode("latin-1"))

    @pytest.mark.parametrize("below", [1, 0])
    @case()
    async def test_the_largest_value_is_encrypted(
        self, driver: KeyDriver, store: KeysHarness, below: int
    ) -> None:
        await make(driver, store, "key")
        size = driver.capabilities.max_plaintext_bytes - below
        keys, counted = keys_over(driver)
        value = SecretValue((b"0123456789abcdef" * (size // 16 + 1))[:size])
        ciphertext = await keys.encrypt("key", value, context=PAIRS)
        assert await keys.decrypt("key", ciphertext, context=PAIRS) == value
        assert counted.calls == {"encrypt": 1, "decrypt": 1}

    @case()
    async def test_one_byte_more_is_refused_before_any_call(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        keys, counted = keys_over(driver)
        size = driver.capabilities.max_plaintext_bytes + 1
        value = SecretValue((CANARY * (size // len(CANARY) + 1))[:size])
        for work in (keys.encrypt("key", value), keys.wrap("key", value)):
            error = await refused(Invalid, work)
            assert f"{size - 1:,}" in str(error), "the error names the limit"
        assert not counted.calls

    @case()
    async def test_nothing_is_refused_before_any_call(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        keys, counted = keys_over(driver)
        await refused(Invalid, keys.encrypt("key", b""))
        await refused(Invalid, keys.decrypt("key", b""))
        await refused(Invalid, keys.rewrap("key", b""))
        assert not counted.calls

    @case()
    async def test_many_at_once_do_not_mix(self, driver: KeyDriver, store: KeysHarness) -> None:
        await make(driver, store, "key")

        async def round_trip(number: int) -> None:
            value, pairs = secret(str(number)), {"number": str(number)}
            ciphertext = await driver.encrypt("key", value, pairs)
            assert await driver.decrypt("key", ciphertext, pairs) == value

        await asyncio.gather(*(round_trip(number) for number in range(AT_ONCE)))

    @case()
    async def test_another_driver_opens_it(self, driver: KeyDriver, store: KeysHarness) -> None:
        if not store.persistent:
            pytest.skip("the store ends with its driver")
        await make(driver, store, "key")
        ciphertext = await driver.encrypt("key", secret("kept"), PAIRS)
        other = await store.reopen()
        assert await other.decrypt("key", ciphertext, PAIRS) == secret("kept")
        assert await other.describe("key") == await driver.describe("key")


class DataKeysOf:
    """New data keys, plain and wrapped."""

    @case()
    async def test_a_data_key_is_32_bytes_and_opens(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        made = [await driver.generate("key", PAIRS) for _ in range(3)]
        assert {each.plain.size for each in made} == {DATA_KEY_BYTES}
        assert len({each.plain.reveal() for each in made}) == len(made)
        assert len({each.wrapped for each in made}) == len(made)
        for each in made:
            assert await driver.decrypt("key", each.wrapped, PAIRS) == each.plain
            assert each.plain.reveal() not in each.wrapped

    @case()
    async def test_a_data_key_opens_under_its_own_context_and_key(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key", "other")
        made = await driver.generate("key", PAIRS)
        await refused(KeyFailure, driver.decrypt("key", made.wrapped, NONE))
        await refused(KeyFailure, driver.decrypt("other", made.wrapped, PAIRS))

    @case()
    async def test_a_data_key_shows_nothing(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        made = await driver.generate("key", NONE)
        for text in (repr(made), str(made), repr(driver), str(vars(driver))):
            assert made.plain.reveal().hex() not in text
            assert repr(made.plain.reveal())[2:-1] not in text
            assert repr(made.wrapped)[2:-1] not in text


class Damaged:
    """What is not as it was made does not open, and the store does not say why."""

    @case()
    async def test_a_damaged_ciphertext_does_not_open(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        ciphertext = await driver.encrypt("key", secret("whole"), NONE)
        for other in damaged(ciphertext):
            await refused(KeyFailure, driver.decrypt("key", other, NONE))
        assert await driver.decrypt("key", ciphertext, NONE) == secret("whole")

    @pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
    @case()
    async def test_what_is_no_ciphertext_does_not_open(
        self, driver: KeyDriver, store: KeysHarness, data: bytes
    ) -> None:
        await make(driver, store, "key")
        await refused(KeyFailure, driver.decrypt("key", data, NONE))
        await refused(KeyFailure, driver.decrypt("key", data, PAIRS))

    @case()
    async def test_a_ciphertext_of_another_key_does_not_open(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key", "other")
        ciphertext = await driver.encrypt("key", secret(), PAIRS)
        await refused(KeyFailure, driver.decrypt("other", ciphertext, PAIRS))
        assert await driver.decrypt("key", ciphertext, PAIRS) == secret()

    @case()
    async def test_all_that_does_not_open_is_told_alike(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key", "other")
        ciphertext = await driver.encrypt("key", secret(), PAIRS)
        told = {
            (await refused(KeyFailure, work)).message.replace("'other'", "'key'")
            for work in (
                driver.decrypt("key", ciphertext, NONE),
                driver.decrypt("key", ciphertext[:-1] + bytes([ciphertext[-1] ^ 1]), PAIRS),
                driver.decrypt("other", ciphertext, PAIRS),
            )
        }
        assert len(told) == 1, f"whoever tries values out learns from it: {told}"


class Absent:
    """Keys that are not there; calls that are given up."""

    @pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
    @case()
    async def test_a_key_that_is_not_there_is_not_found(
        self, driver: KeyDriver, store: KeysHarness, use: Ask
    ) -> None:
        await refused(NotFound, use(driver, "absent"))
        await make(driver, store, "there/key")
        for near in ("there", "there/key/below", "there/ke", "there/key2", "There/key"):
            await refused(NotFound, use(driver, near))

    @pytest.mark.parametrize("steps", [0, 1, 3, 10])
    @case()
    async def test_a_call_that_is_given_up_harms_nothing(
        self, driver: KeyDriver, store: KeysHarness, steps: int
    ) -> None:
        await make(driver, store, "key")
        ciphertext = await driver.encrypt("key", secret("before"), PAIRS)
        calls: list[Coroutine[Any, Any, object]] = [
            driver.encrypt("key", secret(), PAIRS),
            driver.decrypt("key", ciphertext, PAIRS),
            driver.generate("key", PAIRS),
            driver.describe("key"),
        ]
        if driver.capabilities.rotate:
            calls.append(driver.rotate("key"))
        if driver.capabilities.rewrap:
            calls.append(driver.rewrap("key", ciphertext, PAIRS))
        for call in calls:
            task = asyncio.ensure_future(call)
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        again = await driver.encrypt("key", secret("after"), PAIRS)
        assert await driver.decrypt("key", ciphertext, PAIRS) == secret("before")
        assert await driver.decrypt("key", again, PAIRS) == secret("after")
