"""Cases: conditions that the store decides, and many callers at once."""

from __future__ import annotations

import asyncio

import pytest

from skykeep.conformance.cases import case, refused
from skykeep.conformance.objects_cases import (
    ABSENT,
    AT_ONCE,
    UNKNOWN_ETAG,
    body,
    drivers_of,
    keys_under,
    kinds,
    outcome,
    unchanged,
    unsupported,
)
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.errors import Conflict, Invalid, NotFound, SkykeepError
from skykeep.interfaces.object_driver import (
    Condition,
    ObjectAttributes,
    ObjectDriver,
    ObjectInfo,
)


class Conditions:
    """``if_absent`` and ``if_match`` decide."""

    @case("write", "exclusive_create")
    async def test_a_create_where_nothing_is(self, driver: ObjectDriver) -> None:
        info = await driver.write("made", body(), condition=ABSENT)
        assert (await driver.head("made")).etag == info.etag

    @case("write", "exclusive_create")
    async def test_a_create_where_something_is(self, driver: ObjectDriver) -> None:
        await driver.write("made", body())
        await driver.write("empty", b"")
        for key in ("made", "empty"):
            async with unchanged(driver, key):
                await refused(Conflict, driver.write(key, body("new"), condition=ABSENT))

    @case("write", "exclusive_create")
    async def test_a_create_after_a_delete(self, driver: ObjectDriver) -> None:
        await driver.write("made", body())
        await driver.delete("made")
        await driver.write("made", body("anew"), condition=ABSENT)
        assert (await driver.read("made")).data == body("anew")

    @case("write", "compare_and_set")
    async def test_a_replacement_of_what_is_there(self, driver: ObjectDriver) -> None:
        etag = (await driver.write("made", body("0"))).etag
        for number in range(1, 4):
            etag = (
                await driver.write("made", body(f"{number}"), condition=Condition(etag))
            ).etag
        found = await driver.read("made")
        assert (found.data, found.info.etag) == (body("3"), etag)

    @pytest.mark.parametrize("expected", ["older", "unknown", "empty"])
    @case("write", "compare_and_set")
    async def test_a_replacement_of_something_else(
        self, driver: ObjectDriver, expected: str
    ) -> None:
        old = await driver.write("made", body("first"))
        await driver.write("made", body("second"))
        etag = {"older": old.etag, "unknown": UNKNOWN_ETAG, "empty": '""'}[expected]
        async with unchanged(driver, "made"):
            await refused(
                Conflict, driver.write("made", body("new"), condition=Condition(etag))
            )

    @case("write", "compare_and_set")
    async def test_a_replacement_of_what_is_not_there(self, driver: ObjectDriver) -> None:
        etag = (await driver.write("gone", body())).etag
        await driver.delete("gone")
        async with unchanged(driver, "gone", "absent"):
            for key in ("gone", "absent"):
                await refused(
                    Conflict, driver.write(key, body("new"), condition=Condition(etag))
                )

    @case("write", "compare_and_set")
    async def test_the_etag_of_another_object_is_none_of_this(
        self, driver: ObjectDriver
    ) -> None:
        await driver.write("made", body("made"))
        other = await driver.write("other", body("other"))
        async with unchanged(driver, "made", "other"):
            await refused(
                Conflict, driver.write("made", body("new"), condition=Condition(other.etag))
            )

    @case("write", "conditional_delete")
    async def test_a_conditional_delete(self, driver: ObjectDriver) -> None:
        old = await driver.write("made", body("first"))
        new = await driver.write("made", body("second"))
        async with unchanged(driver, "made"):
            for etag in (old.etag, UNKNOWN_ETAG):
                await refused(Conflict, driver.delete("made", if_match=etag))
        await driver.delete("made", if_match=new.etag)
        await refused(NotFound, driver.head("made"))
        await refused(Conflict, driver.delete("made", if_match=new.etag))

    @case("write", "metadata", "exclusive_create")
    async def test_what_can_never_be_kept_is_told_before_a_conflict(
        self, driver: ObjectDriver
    ) -> None:
        await driver.write("made", body())
        many = {"pair": "v" * driver.capabilities.max_metadata_bytes}
        async with unchanged(driver, "made"):
            await refused(
                Invalid,
                driver.write("made", body("new"), ObjectAttributes(metadata=many), ABSENT),
            )

    @case("write", "metadata", off="tags")
    async def test_what_the_store_cannot_do_is_told_first(self, driver: ObjectDriver) -> None:
        many = {"pair": "v" * driver.capabilities.max_metadata_bytes}
        given = ObjectAttributes(metadata=many, tags={"team": "a"})
        await driver.write("made", body())
        await unsupported(driver, "made", driver.write("made", body("new"), given))

    @case("write", "parts", "conditional_parts", "exclusive_create")
    async def test_an_upload_that_has_ended_is_told_before_a_conflict(
        self, driver: ObjectDriver
    ) -> None:
        await driver.write("made", body())
        id_ = await driver.begin_upload("made")
        token = await driver.write_part("made", id_, 1, body("new"))
        await driver.abort_upload("made", id_)
        async with unchanged(driver, "made"):
            await refused(NotFound, driver.complete_upload("made", id_, [token], ABSENT))

    @case("write", off="exclusive_create")
    async def test_without_exclusive_create_it_is_refused(self, driver: ObjectDriver) -> None:
        await driver.write("made", body())
        for key in ("made", "absent"):
            await unsupported(driver, key, driver.write(key, body("new"), condition=ABSENT))

    @case("write", off="compare_and_set")
    async def test_without_compare_and_set_it_is_refused(self, driver: ObjectDriver) -> None:
        etag = (await driver.write("made", body())).etag
        # Right or wrong: a store that cannot decide must not pretend to.
        for key, given in (("made", etag), ("made", UNKNOWN_ETAG), ("absent", etag)):
            await unsupported(
                driver, key, driver.write(key, body("new"), condition=Condition(given))
            )

    @case("write", off="conditional_delete")
    async def test_without_conditional_delete_it_is_refused(self, driver: ObjectDriver) -> None:
        etag = (await driver.write("made", body())).etag
        for key, given in (("made", etag), ("made", UNKNOWN_ETAG), ("absent", etag)):
            await unsupported(driver, key, driver.delete(key, if_match=given))


class AtOnce:
    """Many callers, through two drivers where the store allows it."""

    @case("write", "exclusive_create")
    async def test_of_many_creates_one_wins(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        drivers = await drivers_of(driver, store)
        for turn in range(3):
            key = f"made/{turn}"
            outcomes = await asyncio.gather(
                *(
                    outcome(
                        drivers[i % len(drivers)].write(key, body(f"{i}"), condition=ABSENT)
                    )
                    for i in range(AT_ONCE)
                )
            )
            await _one_winner(driver, key, outcomes)

    @case("write", "compare_and_set")
    async def test_of_many_replacements_one_wins(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        drivers = await drivers_of(driver, store)
        for turn in range(3):
            key = f"made/{turn}"
            expected = Condition((await driver.write(key, body("first"))).etag)
            outcomes = await asyncio.gather(
                *(
                    outcome(
                        drivers[i % len(drivers)].write(key, body(f"{i}"), condition=expected)
                    )
                    for i in range(AT_ONCE)
                )
            )
            await _one_winner(driver, key, outcomes)

    @case("write", "compare_and_set")
    async def test_no_update_is_lost(self, driver: ObjectDriver, store: ObjectsHarness) -> None:
        drivers = await drivers_of(driver, store)
        await driver.write("count", b"0")

        async def increment(own: ObjectDriver) -> None:
            for _ in range(AT_ONCE * AT_ONCE * 20):
                found = await own.read("count")
                new = str(int(found.data) + 1).encode()
                try:
                    await own.write("count", new, condition=Condition(found.info.etag))
                except Conflict:
                    continue
                return
            pytest.fail("a caller never wins")

        await asyncio.gather(*(increment(drivers[i % len(drivers)]) for i in range(AT_ONCE)))
        assert (await driver.read("count")).data == str(AT_ONCE).encode()

    @case("write", "conditional_delete")
    async def test_of_many_conditional_deletes_one_wins(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        drivers = await drivers_of(driver, store)
        etag = (await driver.write("made", body())).etag
        outcomes = await asyncio.gather(
            *(
                outcome(drivers[i % len(drivers)].delete("made", if_match=etag))
                for i in range(AT_ONCE)
            )
        )
        assert kinds(outcomes) == ["Conflict"] * (AT_ONCE - 1) + ["NoneType"]
        await refused(NotFound, driver.head("made"))

    @case("write")
    async def test_of_many_deletes_none_fails(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        drivers = await drivers_of(driver, store)
        await driver.write("deep/made", body())
        await asyncio.gather(
            *(drivers[i % len(drivers)].delete("deep/made") for i in range(AT_ONCE))
        )
        await refused(NotFound, driver.head("deep/made"))

    @case("write")
    async def test_many_writes_are_each_whole(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        drivers = await drivers_of(driver, store)
        bodies = [body(str(i), 5000 + i) for i in range(AT_ONCE)]
        written = await asyncio.gather(
            *(drivers[i % len(drivers)].write("made", data) for i, data in enumerate(bodies))
        )
        found = await driver.read("made")
        assert found.data in bodies
        winner = written[bodies.index(found.data)]
        assert (found.info.etag, found.info.size) == (winner.etag, winner.size)
        assert len({info.etag for info in written}) == AT_ONCE

    @case("write")
    async def test_a_reader_sees_one_body_or_the_other(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        drivers = await drivers_of(driver, store)
        bodies = [bytes([65 + i]) * (20_000 + i) for i in range(4)]
        await driver.write("made", bodies[0])
        done = asyncio.Event()

        async def write() -> None:
            try:
                for turn in range(40):
                    await drivers[-1].write("made", bodies[turn % len(bodies)])
                    await asyncio.sleep(0)
            finally:
                done.set()

        async def read() -> int:
            seen = 0
            while not done.is_set() or not seen:
                found = await driver.read("made")
                assert found.data in bodies, "it is a mixture of two"
                assert found.info.size == len(found.data), "what is told is of another"
                seen += 1
                await asyncio.sleep(0)
            return seen

        writing = asyncio.create_task(write())
        try:
            assert all(await asyncio.gather(read(), read(), read()))
        finally:
            await writing

    @case("write")
    async def test_many_keys_do_not_disturb_each_other(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        drivers = await drivers_of(driver, store)

        async def live(number: int) -> None:
            own, key = drivers[number % len(drivers)], f"dir-{number % 3}/{number}"
            await own.write(key, body(f"{number} first"))
            await own.write(key, body(f"{number} second"))
            if number % 2:
                await own.delete(key)

        await asyncio.gather(*(live(number) for number in range(4 * AT_ONCE)))
        left = [f"dir-{n % 3}/{n}" for n in range(4 * AT_ONCE) if not n % 2]
        assert await keys_under(driver) == sorted(left)
        for key in left:
            number = key.partition("/")[2]
            assert (await driver.read(key)).data == body(f"{number} second")


async def _one_winner(
    driver: ObjectDriver, key: str, outcomes: list[ObjectInfo | SkykeepError]
) -> None:
    """Of all outcomes one is an object, it is there, and the others are ``Conflict``."""
    assert kinds(outcomes) == ["Conflict"] * (AT_ONCE - 1) + ["ObjectInfo"]
    ((winner, info),) = [(i, o) for i, o in enumerate(outcomes) if isinstance(o, ObjectInfo)]
    found = await driver.read(key)
    assert (found.data, found.info.etag) == (body(f"{winner}"), info.etag)
