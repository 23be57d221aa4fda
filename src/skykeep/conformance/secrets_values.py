"""Cases: values come back byte for byte, names never meet, nothing shows itself."""

from __future__ import annotations

import pytest

from skykeep.conformance.cases import (
    CANARY,
    NOTHING,
    case,
    listed,
    names_of,
    observe,
    put,
    refused,
    secret,
    shows_canary,
    unchanged,
)
from skykeep.conformance.harness import SecretsHarness
from skykeep.errors import Conflict, Invalid, NotFound
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue

VALUES = {
    "text": b"correct horse battery staple",
    "one-byte": b"x",
    "every-byte": bytes(range(256)),
    "not-utf-8": b"\xff\xfe\x80 caf\xe9",
    "utf-8": "pässwörd ✓ 密码 😀".encode(),
    "byte-order-mark": b"\xef\xbb\xbftext",
    "newline-ended": b"secret\n",
    "crlf-ended": b"line one\r\nline two\r\n",
    "blank-ended": b"  secret \t",
    "only-a-newline": b"\n",
    "nul-inside": b"a\0b",
    "nul-ended": b"secret\0",
    "only-nul": b"\0",
    "json": b'{"user": "app", "password": "p\\u0061ss"}',
    "base64": b"c2VjcmV0Cg==",
    "hex": b"00ff",
    "quoted": b'"it\'s $HOME `id` %s {0} \\n"',
    "10-KB": bytes(range(250)) * 40,
}

NAMES = {
    "one-letter": "a",
    "one-digit": "0",
    "number": "007",
    "deep": "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
    "every-mark": "a.b-c_d/e_f-g.h",
    "upper-case": "DB/PASSWORD",
    "begins-with-a-dash": "-rf/--help",
    "begins-with-a-dot": ".hidden/.env",
    "ends-with-a-dot": "dir./file.",
    "dots": ".../a..b",
    "marks-in-a-row": "a--b__c..d",
    "an-escape": "a-2F-b/_2e_/x2F",
    "a-device": "con/nul/prn.txt",
    "a-dunder": "__proto__/constructor",
    "a-word-of-ours": "versions/current/metadata",
    "looks-native": "native/name",
}

NEIGHBOURS = (
    "a", "a/b", "a/b/c", "ab", "abc", "a.b", "a-b", "a_b", "a--b", "a__b", "a-/b", "a/-b",
    "a_/b", "a/_b", "a/b.", "a./b", "db", "dbx", "db/x", "db-x", "db/password", "db-password",
    "db.password", "db_password",
)  # fmt: skip


class Values:
    """What is written is what is read."""

    @pytest.mark.parametrize("data", VALUES.values(), ids=VALUES.keys())
    @case()
    async def test_a_value_comes_back_byte_for_byte(
        self, driver: SecretDriver, store: SecretsHarness, data: bytes
    ) -> None:
        if not driver.capabilities.write and not store.can_hold(data):
            pytest.skip("nobody can put such a value into the store")
        data = data[: _most(driver, store)]
        await put(driver, store, "kept", SecretValue(data))
        found = await driver.get("kept")
        assert found.value.reveal() == data
        assert found.name == "kept"
        assert found.version

    @case("write")
    async def test_an_updated_value_comes_back_byte_for_byte(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        await driver.create("kept", secret("first"), NOTHING)
        for whole in VALUES.values():
            data = whole[: _most(driver, store)]
            await driver.update("kept", SecretValue(data), NOTHING)
            assert (await driver.get("kept")).value.reveal() == data

    @case("write", "empty_values")
    async def test_an_empty_value_is_kept(self, driver: SecretDriver) -> None:
        await driver.create("empty", SecretValue(b""), NOTHING)
        assert (await driver.get("empty")).value.reveal() == b""
        await driver.create("emptied", secret(), NOTHING)
        assert (await driver.update("emptied", SecretValue(b""), NOTHING)).changed
        assert (await driver.get("emptied")).value.reveal() == b""

    @case("write", off="empty_values")
    async def test_an_empty_value_is_invalid(self, driver: SecretDriver) -> None:
        await driver.create("kept", secret(), NOTHING)
        async with unchanged(driver, "kept", "new"):
            await refused(Invalid, driver.create("new", SecretValue(b""), NOTHING))
            await refused(Invalid, driver.update("kept", SecretValue(b""), NOTHING))

    @pytest.mark.parametrize("below", [1, 0])
    @case("write")
    async def test_the_largest_value_is_kept(
        self, driver: SecretDriver, store: SecretsHarness, below: int
    ) -> None:
        size = _most(driver, store) - below
        data = _noise(size)
        await driver.create("large", SecretValue(data), NOTHING)
        assert (await driver.get("large")).value.reveal() == data

    @case("write")
    async def test_one_byte_over_the_largest_value_is_invalid(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        most = driver.capabilities.max_value_bytes
        data = _noise(min(most, MAX_VALUE_BYTES) + 1)
        if most >= MAX_VALUE_BYTES:
            with pytest.raises(Invalid):  # no driver is ever asked
                SecretValue(data)
            return
        over = SecretValue(data)
        await driver.create("kept", secret(), NOTHING)
        async with unchanged(driver, "kept", "new"):
            error = await refused(Invalid, driver.create("new", over, NOTHING))
            assert f"{most:,}" in str(error) or str(most) in str(error), "it names the limit"
            await refused(Invalid, driver.update("kept", over, NOTHING))

    @case()
    async def test_nothing_shows_the_value(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        await put(driver, store, "kept", secret("shown nowhere"))
        found = await driver.get("kept")
        assert not shows_canary(f"{found!r} {found} {found.value!r} {found.value}")
        page = await driver.list("", cursor=None, limit=10)
        assert not shows_canary(f"{page!r} {await driver.describe('kept')!r} {driver!r}")
        if driver.capabilities.versions:
            assert not shows_canary(repr(await driver.versions("kept")))

    @case("write")
    async def test_another_driver_sees_what_was_written(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        if not store.persistent:
            pytest.skip("the store does not outlive its driver")
        await driver.create("kept", secret("first"), NOTHING)
        await driver.update("kept", secret("second"), NOTHING)
        await driver.create("gone", secret(), NOTHING)
        await driver.delete("gone")
        other = await store.reopen()
        for name in ("kept", "gone"):
            assert await observe(other, name) == await observe(driver, name)
        await other.update("kept", secret("third"), NOTHING)
        assert (await driver.get("kept")).value == secret("third")


class Names:
    """Every portable name is kept, and no two meet."""

    @pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
    @case("write")
    async def test_a_name_comes_back_as_it_was(
        self, driver: SecretDriver, store: SecretsHarness, name: str
    ) -> None:
        if not await _created(driver, store, name):
            return
        assert (await driver.get(name)).name == name
        assert (await driver.describe(name)).name == name
        assert names_of(await listed(driver)) == [name]

    @pytest.mark.parametrize("shape", ["one-segment", "many-segments"])
    @pytest.mark.parametrize("size", [63, 127, 254, 255])
    @case("write")
    async def test_a_long_name_is_kept_or_invalid(
        self, driver: SecretDriver, store: SecretsHarness, size: int, shape: str
    ) -> None:
        name = "n" * size if shape == "one-segment" else ("n/" * size)[: size - 1] + "n"
        if not await _created(driver, store, name):
            return
        assert (await driver.get(name)).name == name
        assert names_of(await listed(driver)) == [name]

    @case("write")
    async def test_long_names_that_differ_at_the_end_do_not_meet(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        stem = "n" * (store.longest_name - 1)
        for end in "ab":
            await driver.create(stem + end, secret(end), NOTHING)
        for end in "ab":
            assert (await driver.get(stem + end)).value == secret(end)

    @case("write")
    async def test_neighbours_do_not_meet(self, driver: SecretDriver) -> None:
        for name in NEIGHBOURS:
            await driver.create(name, secret(name), NOTHING)
        for name in NEIGHBOURS:
            assert (await driver.get(name)).value == secret(name), name
        assert names_of(await listed(driver)) == sorted(NEIGHBOURS)

    @case("write")
    async def test_a_write_touches_no_neighbour(self, driver: SecretDriver) -> None:
        others = ("a", "a/b/c", "ab", "a-b")
        for name in ("a/b", *others):
            await driver.create(name, secret(name), NOTHING)
        async with unchanged(driver, *others):
            await driver.update("a/b", secret("other"), NOTHING)
            await driver.delete("a/b")
            if driver.capabilities.soft_delete:
                await driver.purge("a/b")

    @case("write", "case_sensitive")
    async def test_names_that_differ_in_case_are_different(self, driver: SecretDriver) -> None:
        names = ("db/Password", "db/password", "DB/password", "DB/PASSWORD")
        for name in names:
            await driver.create(name, secret(name), NOTHING)
        for name in names:
            assert (await driver.get(name)).value == secret(name)
            assert (await driver.get(name)).name == name
        assert names_of(await listed(driver, "DB")) == ["DB/PASSWORD", "DB/password"]

    @case("write", off="case_sensitive")
    async def test_names_that_differ_in_case_are_one(self, driver: SecretDriver) -> None:
        await driver.create("db/Password", secret(), NOTHING)
        async with unchanged(driver, "db/Password"):
            await refused(Conflict, driver.create("DB/password", secret("other"), NOTHING))
        found = await driver.get("DB/PASSWORD")
        assert found.value == secret()
        assert found.name.casefold() == "db/password"
        assert len(await listed(driver)) == len(await listed(driver, "DB")) == 1

    @case("write")
    async def test_a_native_name_is_kept(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        name = store.native_name
        if name is None:
            pytest.skip("the harness names no native name")
        await driver.create(name, secret("first"), NOTHING)
        assert (await driver.get(name)).name == name
        assert (await driver.describe(name)).name == name
        await driver.update(name, secret("second"), NOTHING)
        assert (await driver.get(name)).value == secret("second")
        await driver.delete(name)
        await refused(NotFound, driver.get(name))


def _most(driver: SecretDriver, store: SecretsHarness) -> int:
    return min(driver.capabilities.max_value_bytes, store.value_limit)


async def _created(driver: SecretDriver, store: SecretsHarness, name: str) -> bool:
    """Whether the name is kept; one that the store need not carry may be ``Invalid``."""
    if len(name) <= store.longest_name and name.count("/") < store.most_segments:
        await driver.create(name, secret(), NOTHING)
        return True
    try:
        await driver.create(name, secret(), NOTHING)
    except Invalid:
        assert await listed(driver) == []
        return False
    return True


def _noise(size: int) -> bytes:
    """Bytes of which no part repeats at a block's length, with the canary in front."""
    pattern = bytes((i * 131 + 17) % 251 for i in range(251))
    return (CANARY + pattern * (size // 251 + 1))[:size]
