"""Cases: bodies come back byte for byte, keys never meet, nothing shows itself."""

from __future__ import annotations

import pytest

from skykeep.conformance.cases import case, refused, shows_canary
from skykeep.conformance.objects_cases import (
    body,
    by_bytes,
    keys_under,
    observe,
    plant,
    put,
    unchanged,
)
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.errors import Conflict, Invalid, NotFound
from skykeep.interfaces.object_driver import ObjectDriver
from skykeep.interfaces.object_keys import MAX_KEY_BYTES, check_key

BODIES = {
    "empty": b"",
    "one-byte": b"x",
    "every-byte": bytes(range(256)),
    "not-utf-8": b"\xff\xfe\x80 caf\xe9",
    "crlf": b"\r\n\r\nline one\r\nline two\r\n",
    "blank": b"  \t\n",
    "nul": b"\0",
    "gzip-magic": b"\x1f\x8b\x08\x00 but no gzip",
    "chunk-like": b"5\r\nhello\r\n0\r\n\r\n",
    "xml": b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
    "10-KB": bytes(range(250)) * 40,
}

KEYS = {
    "one-letter": "a",
    "deep": "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
    "space-inside": "a b/c  d/e f.txt",
    "plus": "a+b/c++",
    "percent": "100%/%2F/%20%zz%",
    "hash": "a#b/#c",
    "question": "a?b/?c=d&e=f",
    "ampersand": "a&b/&amp;",
    "equals": "date=2026-01-31/=",
    "quotes": 'it\'s/"quoted"/`tick`',
    "angles": "<a>/]]>",
    "colons": "a:b;c,d|e*f",
    "brackets": "[a]{b}(c)$d!@^~",
    "every-ascii-mark": "".join(map(chr, range(33, 127))).replace("\\", "").replace("/", "_"),
    "latin": "größe/naïve.txt",
    "wide": "密码/パスワード/암호.txt",
    "astral": "😀/\U0001d54f.bin",
    "right-to-left": "שלום/مرحبا.txt",
    "joined": "👩\u200d💻/x\u0301",  # x has no composed form with an accent
    "private-use": "\ue000/\U0010fffd",
    "non-character": "a\ufffeb\uffff",
    "byte-order-mark": "\ufeffa",
    "no-break-space": "a\u00a0b",
    "begins-with-a-dash": "-rf/--help",
    "begins-with-a-dot": ".hidden/.env",
    "dots": "a..b/...c",
    "upper-case": "DB/PASSWORD.TXT",
    "a-device": "con/nul/aux.txt",
    "a-number": "007/0",
    "a-date": "scan-results/2026/01/31/1f0c.json",
    "a-query": "a?versionId=null&uploads#x",
    "a-url": "https:/host/path",
    "a-template": "%s {0} ${HOME} $(id)",
}

NEIGHBOURS = (
    "a/b", "a/b-c", "a/b.c", "a/bc", "a/B", "A/b", "ab", "a-b", "a.b", "a b", "a+b", "a%2Fb",
    "a%20b", "a/b c", "a/b+c", "a/b%20c", "a_b", "á/b", "a%b", "a;b", "a=b",
)  # fmt: skip


class Values:
    """What is written is what is read."""

    @pytest.mark.parametrize("data", BODIES.values(), ids=BODIES.keys())
    @case()
    async def test_a_body_comes_back_byte_for_byte(
        self, driver: ObjectDriver, store: ObjectsHarness, data: bytes
    ) -> None:
        await put(driver, store, "kept", data)
        found = await driver.read("kept")
        assert found.data == data
        assert found.start == 0
        assert (found.info.key, found.info.size) == ("kept", len(data))
        assert found.info.etag

    @case("write")
    async def test_a_write_tells_what_head_and_read_tell(self, driver: ObjectDriver) -> None:
        written = await driver.write("kept", body())
        assert (written.key, written.size) == ("kept", len(body()))
        head, read = await driver.head("kept"), (await driver.read("kept")).info
        assert written.etag == head.etag == read.etag
        assert head.size == read.size == written.size
        assert head.modified_at == read.modified_at
        for info in (written, head, read):
            assert info.modified_at.utcoffset() is not None
            assert not info.modified_at.utcoffset(), "times are in UTC"

    @case("write")
    async def test_a_body_is_replaced_whole(self, driver: ObjectDriver) -> None:
        long = await driver.write("kept", body("long", 10_000))
        short = await driver.write("kept", body("short"))
        found = await driver.read("kept")
        assert found.data == body("short")
        assert (found.info.size, found.info.etag) == (short.size, short.etag)
        assert short.etag != long.etag
        assert short.modified_at >= long.modified_at
        await driver.write("kept", b"")
        assert (await driver.read("kept")).data == b""
        assert (await driver.head("kept")).size == 0

    @case()
    async def test_what_is_not_there_is_not_found(self, driver: ObjectDriver) -> None:
        await refused(NotFound, driver.head("absent"))
        await refused(NotFound, driver.read("absent"))
        await refused(NotFound, driver.read("absent", start=5, length=1))
        await refused(NotFound, driver.read("absent", if_match='"etag"'))

    @pytest.mark.parametrize("below", [1, 0])
    @case("write")
    async def test_the_largest_body_of_one_write_is_kept(
        self, driver: ObjectDriver, store: ObjectsHarness, below: int
    ) -> None:
        data = body(size=min(driver.capabilities.max_write_bytes, store.largest) - below)
        info = await driver.write("large", data)
        assert info.size == len(data)
        assert (await driver.read("large")).data == data

    @case("write")
    async def test_one_byte_more_than_one_write_takes_is_invalid(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        most = driver.capabilities.max_write_bytes
        if most >= store.largest:
            pytest.skip("the harness writes nothing that large")
        await driver.write("kept", body())
        async with unchanged(driver, "kept", "new"):
            for key in ("kept", "new"):
                error = await refused(Invalid, driver.write(key, body(size=most + 1)))
                assert f"{most:,}" in str(error), "it names the limit"

    @case()
    async def test_nothing_shows_the_body(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        await put(driver, store, "kept", body())
        found = await driver.read("kept")
        page = await driver.list("", cursor=None, limit=10)
        for shown in (found, found.info, page, await driver.head("kept"), driver):
            assert not shows_canary(f"{shown!r} {shown}")

    @case("write")
    async def test_another_driver_sees_what_was_written(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        if not store.persistent:
            pytest.skip("the store does not outlive its driver")
        await driver.write("kept", body("first"))
        await driver.write("gone", body())
        await driver.delete("gone")
        other = await store.reopen()
        for key in ("kept", "gone"):
            assert await observe(other, key) == await observe(driver, key)
        await other.write("kept", body("second"))
        assert (await driver.read("kept")).data == body("second")


class Keys:
    """Every portable key is kept as it is, and no two meet."""

    @pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
    @case("write")
    async def test_a_key_comes_back_as_it_was(self, driver: ObjectDriver, key: str) -> None:
        check_key(key)
        assert (await driver.write(key, body(key))).key == key
        assert (await driver.head(key)).key == key
        found = await driver.read(key)
        assert (found.info.key, found.data) == (key, body(key))
        assert await keys_under(driver) == [key]
        if "/" in key:
            parent, _, name = key.rpartition("/")
            assert await keys_under(driver, parent, delimiter=True) == [f"{parent}/{name}"]
        await driver.delete(key)
        await refused(NotFound, driver.head(key))
        assert await keys_under(driver) == []

    @pytest.mark.parametrize("of", ["one-segment", "segments", "levels", "wide"])
    @case("write")
    async def test_a_long_key_is_kept_or_invalid(
        self, driver: ObjectDriver, store: ObjectsHarness, of: str
    ) -> None:
        key = {
            "one-segment": "s" * 255,
            "segments": ("s" * 255 + "/") * 3 + "s" * 254 + "/s",  # exactly the most
            "levels": "a/" * (MAX_KEY_BYTES // 2),
            "wide": ("é" * 127 + "/") * 4,
        }[of].removesuffix("/")
        check_key(key)
        must = len(key.encode()) <= store.longest_key and key.count("/") < store.most_segments
        try:
            await driver.write(key, body())
        except Invalid:
            assert not must, "the harness says that the store has room for it"
            assert await keys_under(driver) == []
            return
        assert (await driver.read(key)).data == body()
        assert await keys_under(driver) == [key]

    @case("write")
    async def test_neighbours_do_not_meet(self, driver: ObjectDriver) -> None:
        await plant(driver, *NEIGHBOURS)
        for key in NEIGHBOURS:
            assert (await driver.read(key)).data == body(key), key
        assert by_bytes(await keys_under(driver)) == by_bytes(NEIGHBOURS)

    @pytest.mark.parametrize("there", ["a/b", "a b", "á/b"])
    @case("write")
    async def test_a_neighbour_is_not_found(self, driver: ObjectDriver, there: str) -> None:
        await plant(driver, there)
        for key in NEIGHBOURS:
            if key != there:
                await refused(NotFound, driver.head(key))
                await refused(NotFound, driver.read(key))
                await driver.delete(key)
        assert await keys_under(driver) == [there]

    @case("write")
    async def test_a_write_touches_no_neighbour(self, driver: ObjectDriver) -> None:
        others = ("a/b/c", "a/bc", "ab", "a-b")
        await plant(driver, "a/b/x", *others)
        async with unchanged(driver, *others):
            await driver.write("a/b/x", body("other"))
            await driver.delete("a/b/x")
            await driver.delete("a/b")

    @case("write", "nested_keys")
    async def test_a_key_can_be_the_beginning_of_another(self, driver: ObjectDriver) -> None:
        keys = ("a", "a/b", "a/b/c")
        await plant(driver, *keys)
        for key in keys:
            assert (await driver.read(key)).data == body(key)
        async with unchanged(driver, "a", "a/b/c"):
            await driver.delete("a/b")
        assert await keys_under(driver) == ["a", "a/b/c"]

    @pytest.mark.parametrize(("there", "new"), [("a/b", "a/b/c/d"), ("a/b/c/d", "a/b")])
    @case("write", off="nested_keys")
    async def test_a_key_cannot_be_the_beginning_of_another(
        self, driver: ObjectDriver, there: str, new: str
    ) -> None:
        await driver.write(there, body())
        async with unchanged(driver, there, new):
            await refused(Conflict, driver.write(new, body("new")))
            if driver.capabilities.parts:
                await refused(Conflict, _uploaded(driver, new))
            if driver.capabilities.copy:
                await refused(Conflict, driver.copy(there, new))
            await driver.delete(new)
        assert await keys_under(driver) == [there]
        await driver.delete(there)
        await driver.write(new, body("new"))
        assert await keys_under(driver) == [new]

    @case("write")
    async def test_what_lies_above_and_below_is_not_found(self, driver: ObjectDriver) -> None:
        await driver.write("a/b", body())
        for key in ("a", "a/b/c", "a/b/c/d"):
            await refused(NotFound, driver.head(key))
            await refused(NotFound, driver.read(key))
            await driver.delete(key)
        assert await keys_under(driver, "a/b") == []
        assert (await driver.read("a/b")).data == body()


async def _uploaded(driver: ObjectDriver, key: str) -> None:
    """An upload of one part; what is refused may be so at any of its calls."""
    id_ = await driver.begin_upload(key)
    token = await driver.write_part(key, id_, 1, body("new"))
    await driver.complete_upload(key, id_, [token])
