"""Cases: objects put together from parts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from skykeep.conformance.cases import case, refused
from skykeep.conformance.objects_cases import (
    ABSENT,
    UNKNOWN_ETAG,
    body,
    keys_under,
    part_bytes,
    plant,
    unchanged,
    unsupported,
    upload,
)
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.errors import Conflict, Invalid, NotFound
from skykeep.interfaces.object_driver import Condition, ObjectDriver

ENDED = "no-such-upload"


class Parts:
    """Nothing is there before the last call; then all of it is."""

    @pytest.mark.parametrize("count", [1, 2, 3])
    @pytest.mark.parametrize("last", ["as-large", "smaller"])
    @case("write", "parts")
    async def test_parts_become_the_object(
        self, driver: ObjectDriver, store: ObjectsHarness, count: int, last: str
    ) -> None:
        size = part_bytes(driver, store)
        parts = [body(f"part {n}", size) for n in range(count)]
        if last == "smaller":
            parts[-1] = b"z"
        info = await upload(driver, "dir/large", *parts)
        found = await driver.read("dir/large")
        assert found.data == b"".join(parts)
        assert (info.key, info.size, info.etag) == (
            "dir/large",
            len(found.data),
            found.info.etag,
        )
        assert await keys_under(driver) == ["dir/large"]
        assert list(await driver.uploads("")) == []

    @case("write", "parts")
    async def test_parts_are_in_the_order_of_their_numbers(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        size = part_bytes(driver, store)
        parts = {n: body(f"part {n}", size) for n in (1, 2, 3)}
        id_ = await driver.begin_upload("large")
        # Sent the other way round and side by side, with a number left out.
        later, sooner = await asyncio.gather(
            driver.write_part("large", id_, 5, parts[3]),
            driver.write_part("large", id_, 3, parts[2]),
        )
        first = await driver.write_part("large", id_, 1, parts[1])
        await driver.complete_upload("large", id_, [first, sooner, later])
        assert (await driver.read("large")).data == b"".join(parts.values())

    @case("write", "parts")
    async def test_a_part_can_be_sent_again(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        size = part_bytes(driver, store)
        id_ = await driver.begin_upload("large")
        tokens = [
            await driver.write_part("large", id_, 1, body("one", size)),
            await driver.write_part("large", id_, 2, body("lost", size)),
        ]
        tokens[1] = await driver.write_part("large", id_, 2, body("two", size))
        again = await driver.write_part("large", id_, 1, body("one", size))
        await driver.complete_upload("large", id_, [again, tokens[1]])
        assert (await driver.read("large")).data == body("one", size) + body("two", size)

    @case("write", "parts")
    async def test_parts_that_are_not_named_are_left_out(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        size = part_bytes(driver, store)
        id_ = await driver.begin_upload("large")
        tokens = [
            await driver.write_part("large", id_, n, body(f"{n}", size)) for n in (1, 2, 3)
        ]
        await driver.complete_upload("large", id_, [tokens[0], tokens[2]])
        assert (await driver.read("large")).data == body("1", size) + body("3", size)

    @case("write", "parts")
    async def test_nothing_is_visible_before_the_end(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        await driver.write("old", body("old"))
        async with unchanged(driver, "old", "dir/new"):
            for key in ("old", "dir/new"):
                id_ = await driver.begin_upload(key)
                await driver.write_part(key, id_, 1, body("new"))
            assert await keys_under(driver) == ["old"]
            assert (await driver.list("", cursor=None, limit=9, delimiter=True)).prefixes == []

    @case("write", "parts")
    async def test_an_aborted_upload_leaves_nothing(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        await driver.write("old", body("old"))
        async with unchanged(driver, "old", "dir/new"):
            for key in ("old", "dir/new"):
                id_ = await driver.begin_upload(key)
                token = await driver.write_part(key, id_, 1, body("new"))
                await driver.abort_upload(key, id_)
                await driver.abort_upload(key, id_)
                assert list(await driver.uploads("")) == []
                await refused(NotFound, driver.write_part(key, id_, 2, body("late")))
                await refused(NotFound, driver.complete_upload(key, id_, [token]))
        assert await keys_under(driver) == ["old"]

    @case("write", "parts")
    async def test_an_upload_ends_once(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        id_ = await driver.begin_upload("large")
        token = await driver.write_part("large", id_, 1, body())
        await driver.complete_upload("large", id_, [token])
        async with unchanged(driver, "large"):
            await refused(NotFound, driver.write_part("large", id_, 2, body("late")))
            # A store that remembers may answer the same call in the same way.
            try:
                again = await driver.complete_upload("large", id_, [token])
            except NotFound:
                pass
            else:
                assert again.etag == (await driver.head("large")).etag
            await driver.abort_upload("large", id_)

    @case("write", "parts")
    async def test_an_upload_that_never_was(self, driver: ObjectDriver) -> None:
        id_ = await driver.begin_upload("mine")
        token = await driver.write_part("mine", id_, 1, body())
        async with unchanged(driver, "mine", "absent"):
            for key, given in (("absent", ENDED), ("mine", ENDED), ("absent", id_)):
                await refused(NotFound, driver.write_part(key, given, 1, body()))
                await refused(NotFound, driver.complete_upload(key, given, [token]))
            await driver.abort_upload("absent", ENDED)
        await driver.complete_upload("mine", id_, [token])
        assert (await driver.read("mine")).data == body()

    @case("write", "parts")
    async def test_parts_that_were_not_sent(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        size = part_bytes(driver, store)
        id_ = await driver.begin_upload("large")
        other = await driver.begin_upload("other")
        token = await driver.write_part("large", id_, 1, body("one", size))
        foreign = await driver.write_part("other", other, 2, body("two", size))
        async with unchanged(driver, "large"):
            for tokens in ([], [token, foreign], [token, "no-such-part"]):
                await refused(Invalid, driver.complete_upload("large", id_, tokens))

    @case("write", "parts")
    async def test_part_numbers_have_bounds(self, driver: ObjectDriver) -> None:
        most = driver.capabilities.max_parts
        id_ = await driver.begin_upload("large")
        for number in (-1, 0, most + 1):
            await refused(Invalid, driver.write_part("large", id_, number, body()))
        token = await driver.write_part("large", id_, most, body("last"))
        await driver.complete_upload("large", id_, [token])
        assert (await driver.read("large")).data == body("last")

    @case("write", "parts")
    async def test_a_part_that_is_too_small(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        size = driver.capabilities.min_part_bytes
        if size <= 1:
            pytest.skip("no part is too small")
        if 2 * size > store.largest:
            pytest.skip("the harness writes nothing that large")

        async def parts(first: int) -> None:
            await upload(driver, "large", body("a", first), body("b", size))

        async with unchanged(driver, "large"):
            await refused(Invalid, parts(size - 1))
        await parts(size)
        assert (await driver.head("large")).size == 2 * size

    @case("write", "parts")
    async def test_a_part_that_is_too_large(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        most = driver.capabilities.max_part_bytes
        if most >= store.largest:
            pytest.skip("the harness writes nothing that large")
        id_ = await driver.begin_upload("large")
        error = await refused(Invalid, driver.write_part("large", id_, 1, body(size=most + 1)))
        assert f"{most:,}" in str(error), "it names the limit"
        token = await driver.write_part("large", id_, 1, body(size=most))
        await driver.complete_upload("large", id_, [token])
        assert (await driver.read("large")).data == body(size=most)

    @case("write", "parts")
    async def test_an_object_that_is_too_large(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        most = driver.capabilities.max_object_bytes
        if most >= store.largest:
            pytest.skip("the harness writes nothing that large")
        half = body("a", most // 2 + 1)
        if len(half) > driver.capabilities.max_part_bytes:
            pytest.skip("two parts are not too large")
        async with unchanged(driver, "large"):
            await refused(Invalid, upload(driver, "large", half, half))
        await upload(driver, "large", half, half[: most - len(half)])
        assert (await driver.head("large")).size == most

    @case("write", "parts")
    async def test_uploads_are_listed_until_they_end(self, driver: ObjectDriver) -> None:
        keys = ["a/one", "a/two", "ab/three", "b c+d%/four"]
        ids = {key: await driver.begin_upload(key) for key in keys}
        for key, id_ in ids.items():
            await driver.write_part(key, id_, 1, body(key))

        async def found(prefix: str) -> list[tuple[str, str]]:
            return sorted((each.key, each.id) for each in await driver.uploads(prefix))

        assert await found("") == sorted(ids.items())
        assert await found("a") == sorted((key, ids[key]) for key in keys[:2])
        assert await found("b c+d%") == [(keys[3], ids[keys[3]])]
        assert await found("a/one") == []
        begun = [each.begun_at for each in await driver.uploads("")]
        times = [at for at in begun if at is not None]
        assert times == sorted(times), "the oldest first"
        assert all(at.utcoffset() == timedelta(0) for at in times), "times are in UTC"
        await driver.abort_upload(keys[0], ids[keys[0]])
        token = await driver.write_part(keys[1], ids[keys[1]], 1, body(keys[1]))
        await driver.complete_upload(keys[1], ids[keys[1]], [token])
        assert await found("a") == []
        assert await found("") == sorted((key, ids[key]) for key in keys[2:])

    @case("write", "parts")
    async def test_two_uploads_of_one_key(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        ids = [await driver.begin_upload("large") for _ in range(2)]
        assert ids[0] != ids[1]
        tokens = [
            await driver.write_part("large", id_, 1, body(f"{n}")) for n, id_ in enumerate(ids)
        ]
        await driver.complete_upload("large", ids[1], [tokens[1]])
        assert (await driver.read("large")).data == body("1")
        # A store may end the others with the first: no body is ever a mixture.
        try:
            await driver.complete_upload("large", ids[0], [tokens[0]])
        except NotFound:
            assert (await driver.read("large")).data == body("1")
        else:
            assert (await driver.read("large")).data == body("0")

    @case("write", "parts", "conditional_parts", "exclusive_create")
    async def test_an_upload_that_creates(self, driver: ObjectDriver) -> None:
        await plant(driver, "there")
        async with unchanged(driver, "there"):
            await refused(Conflict, upload(driver, "there", body("new"), condition=ABSENT))
        await upload(driver, "new", body("new"), condition=ABSENT)
        assert (await driver.read("new")).data == body("new")

    @case("write", "parts", "conditional_parts", "compare_and_set")
    async def test_an_upload_that_replaces(self, driver: ObjectDriver) -> None:
        old = await driver.write("made", body("old"))
        async with unchanged(driver, "made", "absent"):
            for key, etag in (("made", UNKNOWN_ETAG), ("absent", old.etag)):
                given = Condition(etag)
                await refused(Conflict, upload(driver, key, body("new"), condition=given))
        await upload(driver, "made", body("new"), condition=Condition(old.etag))
        assert (await driver.read("made")).data == body("new")

    @case("write", "parts", off="conditional_parts")
    async def test_without_conditional_parts_it_is_refused(self, driver: ObjectDriver) -> None:
        old = await driver.write("made", body("old"))
        for given in (ABSENT, Condition(old.etag)):
            id_ = await driver.begin_upload("made")
            token = await driver.write_part("made", id_, 1, body("new"))
            await unsupported(
                driver, "made", driver.complete_upload("made", id_, [token], given)
            )

    @case("write", off="parts")
    async def test_without_parts_all_of_it_is_refused(self, driver: ObjectDriver) -> None:
        await driver.write("made", body())
        for work in (
            driver.begin_upload("made"),
            driver.write_part("made", ENDED, 1, body("new")),
            driver.complete_upload("made", ENDED, ["token"]),
            driver.abort_upload("made", ENDED),
            driver.uploads(""),
        ):
            await unsupported(driver, "made", work)
