"""``compare``: every kind, by stamps or by values, and never a value shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from skykeep import drift
from skykeep.drift.sides import IN_A_ROW, TRIES
from skykeep.errors import (
    Denied,
    NotFound,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.interfaces.secret_driver import (
    Attributes,
    Page,
    Secret,
    SecretInfo,
    Stamp,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from skykeep.replication.digests import NAME
from tests.drift.pair import pair

STAMPED = replace(EVERYTHING, stamps=True, stamp_with_value=True)
AT = datetime(2027, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


class Failing(MemorySecrets):
    """Some names cannot be read."""

    def __init__(self, errors: dict[str, SkykeepError]) -> None:
        super().__init__()
        self._errors = errors

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        if name in self._errors:
            raise self._errors[name]
        return await super().get(name, version=version, stage=stage)


class Backwards(MemorySecrets):
    """Lists in the order opposite to names', and the first page twice."""

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        items: Sequence[SecretInfo] = (
            await super().list(prefix, cursor=None, limit=1000, deleted=deleted)
        ).items
        return Page([*items][::-1], "again" if cursor is None else None)


@pytest.mark.asyncio
async def test_every_kind() -> None:
    of_b = Failing({"denied": Denied("may not")})
    async with pair(of_b=of_b) as both:
        for name in ("same", "differs", "denied", "only/a"):
            await both.a.put(name, "of a")
        await both.b.put("same", "of a")
        for name in ("differs", "denied", "only/b"):
            await both.b.put(name, "of b")
        found = await both.compared()
    assert {name: str(each.kind) for name, each in found.items()} == {
        "same": "same",
        "differs": "differs",
        "denied": "unknown",
        "only/a": "only_in_a",
        "only/b": "only_in_b",
    }
    assert found["differs"].what == ("value",)
    assert found["denied"].reason == "B: may not"
    assert isinstance(found["denied"].error, Denied)
    assert found["only/a"].b is None
    assert found["only/b"].a is None


@pytest.mark.asyncio
async def test_the_order_of_listings_and_what_they_tell_twice_do_not_matter() -> None:
    async with pair(of_b=Backwards()) as both:
        for number in range(300):
            await both.a.put(f"n/{number}", str(number % 7))
            await both.b.put(f"n/{number + 100}", str((number + 100) % 7))
        kinds = await both.kinds()
    assert kinds == {
        f"n/{number}": "only_in_a" if number < 100 else "only_in_b" if number > 299 else "same"
        for number in range(400)
    }


@pytest.mark.asyncio
async def test_a_prefix_is_of_whole_segments() -> None:
    async with pair() as both:
        for name in ("db", "db/x", "dbx/y"):
            await both.a.put(name, "v")
        assert await both.kinds("db/") == {"db/x": "only_in_a"}


@pytest.mark.asyncio
async def test_nothing_told_holds_a_value() -> None:
    value = "s3cr3t-of-this-test"
    of_b = Failing({"c": NotFound("gone")})
    async with pair(of_b=of_b) as both:
        for name in "abc":
            await both.a.put(name, value)
            await both.b.put(name, f"{value}-{name}")
        found = (await both.compared()).values()
    assert len(found) == 3
    assert value not in repr([*found])
    assert not any(value in str(each.error) for each in found)


@pytest.mark.asyncio
async def test_digests_say_which_values_are_equal_and_are_drawn_anew() -> None:
    async with pair() as both:
        for name, text in (("x", "one"), ("y", "two"), ("z", "one")):
            await both.a.put(name, text)
            await both.b.put(name, "one")
        runs = [await both.compared(), await both.compared()]
    digests = [
        {
            f"{name} {side}": seen.digest
            for name, each in run.items()
            for side, seen in (("a", each.a), ("b", each.b))
            if seen is not None
        }
        for run in runs
    ]
    for each in digests:
        assert all(digest is not None and len(digest) == 8 for digest in each.values())
        assert each["x a"] == each["x b"] == each["z a"] == each["y b"] != each["y a"]
    assert digests[0]["x a"] != digests[1]["x a"]


@pytest.mark.asyncio
async def test_metadata_tags_and_expiry_differ_too() -> None:
    async with pair() as both:
        await both.a.put("m", "v", metadata={"k": "1"})
        await both.a.put("t", "v", tags={"k": "1"})
        await both.a.put("e", "v", expires_at=AT)
        await both.a.put("second", "v", expires_at=AT)
        for name in ("m", "t", "e"):
            await both.b.put(name, "v")
        # Some stores keep it to the second.
        await both.b.put("second", "v", expires_at=AT.replace(microsecond=0))
        found = await both.compared()
    assert {name: each.what for name, each in found.items()} == {
        "m": ("metadata",),
        "t": ("tags",),
        "e": ("expires_at",),
        "second": (),
    }


@pytest.mark.asyncio
async def test_what_one_of_them_cannot_keep_is_no_difference() -> None:
    plain = MemorySecrets(
        capabilities=replace(EVERYTHING, metadata=False, tags=False, expiry=False)
    )
    async with pair(of_b=plain) as both:
        await both.a.put("x", "v", metadata={"k": "1"}, tags={"t": "1"}, expires_at=AT)
        await both.b.put("x", "v")
        assert await both.kinds() == {"x": "same"}


@pytest.mark.asyncio
async def test_standing_tags_are_no_difference() -> None:
    async with pair(tags_a={"env": "staging"}, tags_b={"env": "production"}) as both:
        await both.a.put("x", "v", tags={"team": "web"})
        await both.b.put("x", "v", tags={"team": "web"})
        assert await both.kinds() == {"x": "same"}
        await both.b.put("x", "v", tags={"team": "ops"})
        assert await both.kinds() == {"x": "differs"}


# -- stamps


async def _stamped(driver: MemorySecrets, name: str, value: str, stamp: Stamp | None) -> None:
    await driver.create(name, SecretValue(value), Attributes(stamp=stamp))


ONE, TWO = Stamp(1, b"1" * 16), Stamp(2, b"2" * 16)


@pytest.mark.asyncio
async def test_by_stamps_no_value_is_read() -> None:
    of_a, of_b = MemorySecrets(capabilities=STAMPED), MemorySecrets(capabilities=STAMPED)
    async with pair(of_a, of_b) as both:
        for name, a, b in (
            ("same", ONE, replace(ONE, revision=7)),
            ("b is newer", ONE, TWO),
            ("a is newer", TWO, ONE),
        ):
            await _stamped(of_a, name.replace(" ", "-"), "v", a)
            await _stamped(of_b, name.replace(" ", "-"), "v", b)
        found = await both.compared(one_environment=True)
    assert {name: (str(each.kind), each.newer) for name, each in found.items()} == {
        "same": ("same", None),
        "b-is-newer": ("differs", "b"),
        "a-is-newer": ("differs", "a"),
    }
    assert of_a.calls["get"] == of_b.calls["get"] == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(("a", "b"), [(None, None), (ONE, None), (None, ONE)])
async def test_a_missing_stamp_is_no_drift_values_are_read(
    a: Stamp | None, b: Stamp | None
) -> None:
    of_a, of_b = MemorySecrets(capabilities=STAMPED), MemorySecrets(capabilities=STAMPED)
    async with pair(of_a, of_b) as both:
        await _stamped(of_a, "same", "v", a)
        await _stamped(of_b, "same", "v", b)
        await _stamped(of_a, "differs", "v", a)
        await _stamped(of_b, "differs", "w", b)
        assert await both.kinds(one_environment=True) == {"differs": "differs", "same": "same"}
    assert of_a.calls["get"] == of_b.calls["get"] == 2


@pytest.mark.asyncio
async def test_stamps_of_two_environments_are_made_with_two_keys() -> None:
    of_a, of_b = MemorySecrets(capabilities=STAMPED), MemorySecrets(capabilities=STAMPED)
    async with pair(of_a, of_b) as both:
        await _stamped(of_a, "x", "v", ONE)
        await _stamped(of_b, "x", "v", TWO)
        assert await both.kinds() == {"x": "same"}
        assert await both.kinds(one_environment=True) == {"x": "differs"}


class Bare(MemorySecrets):
    """Its listing tells no stamps."""

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        page = await super().list(prefix, cursor=cursor, limit=limit, deleted=deleted)
        return Page([replace(info, stamp=None) for info in page.items], page.cursor)


@pytest.mark.asyncio
async def test_stamps_that_no_listing_tells_are_asked_for() -> None:
    of_a, of_b = Bare(capabilities=STAMPED), Bare(capabilities=STAMPED)
    async with pair(of_a, of_b) as both:
        await _stamped(of_a, "x", "v", ONE)
        await _stamped(of_b, "x", "v", TWO)
        assert await both.kinds(one_environment=True) == {"x": "differs"}
    assert of_a.calls["describe"] == of_b.calls["describe"] == 1
    assert of_a.calls["get"] == of_b.calls["get"] == 0


class Shadow(Bare):
    """Its listing still shows what was deleted."""

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        page = await super().list(prefix, cursor=cursor, limit=limit, deleted=True)
        return Page([replace(info, deleted_at=None) for info in page.items], page.cursor)


@pytest.mark.asyncio
async def test_the_stamp_of_a_deleted_secret_is_not_taken_for_its_value() -> None:
    of_a, of_b = Bare(capabilities=STAMPED), Shadow(capabilities=STAMPED)
    async with pair(of_a, of_b) as both:
        await _stamped(of_a, "x", "v", ONE)
        await _stamped(of_b, "x", "v", ONE)
        await both.b.delete("x")
        assert await both.kinds(one_environment=True) == {"x": "unknown"}


# -- what fails


@pytest.mark.asyncio
async def test_one_that_was_listed_and_is_gone_is_unknown() -> None:
    async with pair(of_a=Failing({"x": NotFound("no such secret")})) as both:
        await both.a.put("x", "v")
        await both.b.put("x", "v")
        found = await both.compared()
    assert found["x"].kind is drift.Kind.UNKNOWN
    assert "A listed it" in found["x"].reason


@pytest.mark.asyncio
async def test_one_without_an_answer_does_not_end_the_others() -> None:
    async with pair(of_a=Failing({"n/3": Unavailable("no answer")})) as both:
        for number in range(50):
            await both.a.put(f"n/{number}", "v")
            await both.b.put(f"n/{number}", "v")
        kinds = await both.kinds()
    assert [name for name, kind in kinds.items() if kind == "unknown"] == ["n/3"]
    assert len(kinds) == 50


@pytest.mark.asyncio
async def test_a_store_that_is_away_ends_it() -> None:
    away: dict[str, SkykeepError] = {f"n/{n}": Unavailable("no answer") for n in range(200)}
    async with pair(of_b=Failing(away)) as both:
        for name in away:
            await both.a.put(name, "v")
            await both.b.put(name, "v")
        with pytest.raises(Unavailable, match="no answer"):
            await both.compared(at_once=1)
    assert both.of_a.calls["get"] <= IN_A_ROW + 2


@pytest.mark.asyncio
async def test_a_store_that_answers_every_second_time_is_not_away() -> None:
    names = [f"n/{number:02}" for number in range(3 * IN_A_ROW)]
    errors: dict[str, SkykeepError] = {name: Unavailable("no answer") for name in names[::2]}
    async with pair(of_b=Failing(errors)) as both:
        for name in names:
            await both.a.put(name, "v")
            await both.b.put(name, "v")
        kinds = await both.kinds(at_once=1)
    assert [name for name, kind in kinds.items() if kind == "unknown"] == names[::2]


@pytest.mark.asyncio
async def test_credentials_that_ended_end_it() -> None:
    async with pair() as both:
        for name in "abcdefgh":
            await both.a.put(name, "v")
            await both.b.put(name, "v")
        both.of_b.fail_next(Unauthenticated("expired"), operation="get")
        with pytest.raises(Unauthenticated):
            await both.compared(at_once=1)


@pytest.mark.asyncio
async def test_a_listing_that_fails_is_raised() -> None:
    async with pair() as both:
        both.of_b.fail_next(Unavailable("no answer"), operation="list")
        with pytest.raises(Unavailable):
            await both.compared()


@pytest.mark.asyncio
async def test_throttled_calls_are_waited_for() -> None:
    async with pair() as both:
        for name in ("x", "y"):
            await both.a.put(name, "v")
            await both.b.put(name, "v")
        both.of_a.fail_next(Throttled("later"), operation="list")
        both.of_b.fail_next(Throttled("later", retry_after=45), times=2, operation="get")
        assert await both.kinds() == {"x": "same", "y": "same"}
        assert max(both.clock.slept) >= 45


@pytest.mark.asyncio
async def test_a_store_that_throttles_for_ever_ends_it() -> None:
    async with pair() as both:
        await both.a.put("x", "v")
        await both.b.put("x", "v")
        both.of_b.fail_next(Throttled("later"), times=100, operation="get")
        with pytest.raises(Throttled):
            await both.compared()
    assert both.of_b.calls["get"] == TRIES


@pytest.mark.asyncio
async def test_all_wait_while_one_is_throttled() -> None:
    async with pair() as both:
        patience = both.clock.patience()
        calls: list[float] = []

        async def work() -> None:
            calls.append(both.clock.now)
            if len(calls) == 1:
                raise Throttled("later", retry_after=10)

        await patience(work)
        await patience(work)
    assert calls == [0.0, 10.0, 10.0]


@pytest.mark.asyncio
async def test_names_that_differ_in_case_meet_where_the_store_has_them_as_one() -> None:
    of_b = MemorySecrets(capabilities=replace(EVERYTHING, case_sensitive=False))
    async with pair(of_b=of_b) as both:
        await both.a.put("Db", "v")
        await both.b.put("dB", "v")
        assert await both.kinds() == {"Db": "same"}


@pytest.mark.asyncio
async def test_the_age_of_a_value_is_told() -> None:
    before = datetime.now(UTC)
    async with pair() as both:
        await both.a.put("x", "v")
        await both.b.put("x", "w")
        (found,) = (await both.compared()).values()
    for seen in (found.a, found.b):
        assert seen is not None
        assert seen.version == "1"
        assert seen.changed_at is not None
        assert before <= seen.changed_at <= before + timedelta(minutes=5)


@pytest.mark.asyncio
async def test_the_key_of_digests_stays_in_its_environment() -> None:
    async with pair() as both:
        for side, value in ((both.a, "key of a"), (both.b, "key of b")):
            await side.put(NAME, value)
            await side.put("x", "v")
        assert await both.kinds() == {"x": "same"}
        assert (await both.plan()).counts["same"] == 1
        assert await both.kinds(one_environment=True) == {NAME: "differs", "x": "same"}
