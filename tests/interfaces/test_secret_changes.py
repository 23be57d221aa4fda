"""What one look finds to be different from the one before, and what is no change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skykeep.errors import Denied, NotFound, SkykeepError, Throttled, Unavailable
from skykeep.interfaces.secret_changes import PASSING, Change, Source, Survey
from skykeep.interfaces.secret_driver import (
    VALUES_ONLY,
    Attributes,
    Provenance,
    Secret,
    SecretInfo,
    Stamp,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from tests.interfaces.following import source_of

pytestmark = pytest.mark.asyncio

UNTOLD = replace(EVERYTHING, version_in_list=False)
ONE_VALUE = replace(EVERYTHING, versions=False)
STORES = {"told": EVERYTHING, "untold": UNTOLD, "one value": ONE_VALUE}

each_store = pytest.mark.parametrize("store", STORES)
values_or_not = pytest.mark.parametrize("values", [True, False])


async def put(driver: MemorySecrets, name: str, text: str) -> None:
    try:
        await driver.update(name, SecretValue(text), Attributes())
    except NotFound:
        await driver.create(name, SecretValue(text), Attributes())


async def changes(survey: Survey) -> list[tuple[str, str, str | None]]:
    looked = await survey.look()
    assert not looked.failures
    return [(change.name, change.kind, change.version) for change in looked.changes]


@each_store
@values_or_not
@pytest.mark.parametrize("by_prefix", [True, False])
async def test_a_life(store: str, values: bool, by_prefix: bool) -> None:
    driver = MemorySecrets(capabilities=STORES[store])
    await put(driver, "db/other", "stays")
    asked: dict[str, Any] = {"names": [], "prefix": "db"} if by_prefix else {"names": ["db/a"]}
    survey = Survey(source_of(driver), values=values, **asked)
    assert await changes(survey) == []
    assert await changes(survey) == []
    await put(driver, "db/a", "one")
    assert await changes(survey) == [("db/a", "created", "1")]
    await put(driver, "db/a", "two")
    await put(driver, "db/a", "three")
    assert await changes(survey) == [("db/a", "changed", "3")]
    assert await changes(survey) == []
    await driver.delete("db/a")
    assert await changes(survey) == [("db/a", "deleted", "3")]
    assert await changes(survey) == []
    await driver.restore("db/a")
    assert await changes(survey) == [("db/a", "created", "3")]


@each_store
async def test_the_new_value_comes_with_the_change_if_it_is_asked_for(store: str) -> None:
    driver = MemorySecrets(capabilities=STORES[store])
    with_values = Survey(source_of(driver), ["a"], "p", values=True)
    without = Survey(source_of(driver), ["a"], "p", values=False)
    for survey in (with_values, without):
        await survey.look()
    await put(driver, "a", "one")
    await put(driver, "p/b", "two")
    told = (await with_values.look()).changes
    assert [change.secret and change.secret.value.text() for change in told] == ["one", "two"]
    told = (await without.look()).changes
    assert [change.secret for change in told] == [None, None]


async def test_values_are_not_read_where_something_else_tells_the_change() -> None:
    driver = MemorySecrets()
    survey = Survey(source_of(driver), ["a"], "p", values=False)
    for text in ("one", "two"):
        await put(driver, "a", text)
        await put(driver, "p/b", text)
        await survey.look()
    assert driver.calls["get"] == 0


@each_store
@values_or_not
@pytest.mark.parametrize("initial", [True, False])
async def test_the_first_look_tells_what_is_there_only_when_asked(
    store: str, values: bool, initial: bool
) -> None:
    driver = MemorySecrets(capabilities=STORES[store])
    for name in ("a", "p/b", "p/c", "p/d"):
        await put(driver, name, "v")
    survey = Survey(source_of(driver), ["a", "gone"], "p", values=values, initial=initial)
    found = await survey.look()
    expected = ["a", "p/b", "p/c", "p/d"] if initial else []
    assert [change.name for change in found.changes] == expected
    assert {change.kind for change in found.changes} <= {"created"}
    assert all((change.secret is not None) is values for change in found.changes)
    assert await changes(survey) == []


async def test_a_listing_that_tells_versions_is_all_that_is_asked() -> None:
    driver = MemorySecrets()
    for number in range(5):
        await put(driver, f"p/{number}", "v")
    survey = Survey(source_of(driver), [], "p")
    await survey.look()
    await put(driver, "p/3", "w")
    driver.calls.clear()
    assert await changes(survey) == [("p/3", "changed", "2")]
    assert driver.calls == {"list": 3, "get": 1}
    driver.calls.clear()
    assert await changes(survey) == []
    assert driver.calls == {"list": 3}


async def test_one_made_anew_with_the_same_version_id_has_changed() -> None:
    driver = MemorySecrets()
    surveys = [
        Survey(source_of(driver), [], "p"),
        Survey(source_of(driver), [], "p", values=False),
        Survey(source_of(driver), ["p/a"]),
        Survey(source_of(driver), ["p/a"], values=False),
    ]
    await put(driver, "p/a", "one")
    for survey in surveys:
        await survey.look()
    await driver.purge("p/a")
    await put(driver, "p/a", "two")
    for survey in surveys:
        assert await changes(survey) == [("p/a", "changed", "1")]


async def test_without_versions_the_value_decides_and_not_the_id() -> None:
    driver = MemorySecrets(capabilities=replace(VALUES_ONLY, write=True))

    async def get(name: str) -> Secret:
        found = await driver.get(name)
        return replace(found, version=f"touched {driver.calls['get']} times")

    surveys = [
        Survey(replace(source_of(driver), get=get), ["p/a"], values=values)
        for values in (True, False)
    ]
    await put(driver, "p/a", "one")
    for survey in surveys:
        for _ in range(3):
            assert await changes(survey) == []
    await put(driver, "p/a", "two")
    for survey in surveys:
        assert [kind for _, kind, _ in await changes(survey)] == ["changed"]


async def test_what_stands_beside_the_value_is_no_change() -> None:
    driver = MemorySecrets()
    await put(driver, "p/a", "one")
    survey = Survey(source_of(driver), ["p/a"], "")
    await survey.look()
    await driver.annotate("p/a", Attributes(tags={"team": "web"}))
    assert await changes(survey) == []


# -- what is no answer is no change


@pytest.mark.parametrize("mark", [{"stale": True}, {"degraded": True}])
@values_or_not
async def test_what_a_replica_or_a_cache_tells_is_no_change(
    mark: dict[str, bool], values: bool
) -> None:
    driver, marks = MemorySecrets(), dict[str, bool]()

    async def get(name: str) -> Secret:
        found = await driver.get(name)
        return replace(found, provenance=Provenance("replica", **marks))

    async def describe(name: str) -> SecretInfo:
        found = await driver.describe(name)
        return replace(found, provenance=Provenance("replica", **marks))

    survey = Survey(
        replace(source_of(driver), get=get, describe=describe), ["a"], values=values
    )
    await put(driver, "a", "one")
    await survey.look()
    await put(driver, "a", "two")
    marks |= mark
    looked = await survey.look()
    assert (looked.changes, [*looked.failures]) == ([], ["a"])
    assert isinstance(looked.failures["a"], Unavailable)
    await driver.delete("a")
    if not values:  # a tombstone that a replica shows is no deletion
        assert (await survey.look()).changes == []
    marks.clear()
    assert await changes(survey) == [("a", "deleted", "1")]


@pytest.mark.parametrize("error", PASSING)
@each_store
async def test_what_could_not_be_asked_is_as_it_was(
    error: type[SkykeepError], store: str
) -> None:
    driver = MemorySecrets(capabilities=STORES[store])
    survey = Survey(source_of(driver), ["a"], "p")
    await put(driver, "a", "one")
    await put(driver, "p/b", "one")
    await survey.look()
    await put(driver, "a", "two")
    await driver.delete("p/b")
    driver.fail_next(error, times=2)
    looked = await survey.look()
    assert (looked.changes, {*looked.failures}) == ([], {"", "a"})
    assert all(type(found) is error for found in looked.failures.values())
    driver.clear_faults()
    assert await changes(survey) == [("a", "changed", "2"), ("p/b", "deleted", "1")]


@each_store
async def test_one_that_cannot_be_read_keeps_no_other_from_being_told(store: str) -> None:
    driver = MemorySecrets(capabilities=STORES[store])
    survey = Survey(source_of(driver), [], "p")
    await put(driver, "p/a", "one")
    await put(driver, "p/b", "one")
    await survey.look()
    await put(driver, "p/a", "two")
    await put(driver, "p/b", "two")
    driver.fail_next(Throttled, operation="get")
    looked = await survey.look()
    assert [change.name for change in looked.changes] == ["p/b"]
    assert [*looked.failures] == ["p/a"]
    assert await changes(survey) == [("p/a", "changed", "2")]


async def test_one_that_was_there_and_did_not_answer_at_first_is_not_created_later() -> None:
    driver = MemorySecrets(capabilities=UNTOLD)
    for name in ("p/a", "p/b", "p/c"):
        await put(driver, name, "one")
    survey = Survey(source_of(driver), [], "p", values=False)
    driver.fail_next(Unavailable, operation="describe", times=2)
    assert {*(await survey.look()).failures} == {"p/a", "p/b"}
    await driver.delete("p/b")
    assert await changes(survey) == []
    await put(driver, "p/a", "two")
    assert await changes(survey) == [("p/a", "changed", "2")]


async def test_the_first_look_is_the_first_that_is_answered() -> None:
    driver = MemorySecrets()
    await put(driver, "a", "one")
    await put(driver, "p/b", "one")
    survey = Survey(source_of(driver), ["a"], "p")
    driver.fail_next(Unavailable, times=2)
    assert {*(await survey.look()).failures} == {"", "a"}
    assert await changes(survey) == []
    await put(driver, "a", "two")
    await put(driver, "p/c", "two")
    assert await changes(survey) == [("a", "changed", "2"), ("p/c", "created", "1")]


async def test_a_store_that_cannot_be_opened_yet() -> None:
    driver = MemorySecrets()
    await put(driver, "a", "one")
    source, outage = source_of(driver), [Unavailable("not there yet")]

    async def capabilities() -> Any:
        if outage:
            raise outage.pop()
        return driver.capabilities

    survey = Survey(replace(source, capabilities=capabilities), ["a"], initial=True)
    assert [*(await survey.look()).failures] == [""]
    assert await changes(survey) == [("a", "created", "1")]


@pytest.mark.parametrize("operation", ["get", "list"])
async def test_a_refusal_is_raised(operation: str) -> None:
    driver = MemorySecrets()
    survey = Survey(source_of(driver), ["a"], "p")
    await survey.look()
    driver.fail_next(Denied, operation=operation)
    with pytest.raises(Denied):
        await survey.look()


# -- listings are hints


async def test_a_listing_that_is_behind_takes_nothing_back() -> None:
    driver, behind = MemorySecrets(), MemorySecrets()
    source = replace(source_of(driver), list=source_of(behind).list)
    survey = Survey(source, [], "p")
    for store in (driver, behind):
        await put(store, "p/a", "one")
    await survey.look()
    await put(driver, "p/a", "two")
    assert await changes(survey) == []  # the listing has not heard of it
    await put(behind, "p/a", "two")
    assert await changes(survey) == [("p/a", "changed", "2")]
    await behind.purge("p/a")  # and now it has forgotten it
    assert await changes(survey) == []
    await put(behind, "p/a", "one")  # or shows what was
    assert await changes(survey) == []
    await put(behind, "p/ghost", "one")  # or what is not
    assert await changes(survey) == []


# -- homes that move


def moved(versions: dict[str, str], stamps: dict[str, Stamp] | None = None) -> Source:
    """A secret of one value whose home, and its version id there, are told by the test."""
    driver = MemorySecrets()

    async def get(name: str) -> Secret:
        (home, version), *_ = versions.items()
        value = SecretValue("one")
        return Secret(name, value, version, None, provenance=Provenance(home))

    async def describe(name: str) -> SecretInfo:
        (home, version), *_ = versions.items()
        stamp = None if stamps is None else stamps[home]
        return SecretInfo(name, version, None, None, stamp=stamp, provenance=Provenance(home))

    return replace(source_of(driver), get=get, describe=describe)


async def test_another_home_with_the_same_value_is_no_change() -> None:
    home = {"aws": "a1"}
    survey = Survey(moved(home), ["a"])
    await survey.look()
    home.clear()
    home["azure"] = "7"
    assert await changes(survey) == []
    home["azure"] = "8"
    assert await changes(survey) == [("a", "changed", "8")]


async def test_without_values_the_stamps_say_so() -> None:
    home = {"aws": "a1"}
    one, other = Stamp(1, bytes(16)), Stamp(2, bytes(16))
    stamps = {"aws": one, "azure": one, "gcp": other}
    survey = Survey(moved(home, stamps), ["a"], values=False)
    await survey.look()
    home.clear()
    home["azure"] = "7"
    assert await changes(survey) == []
    home.clear()
    home["gcp"] = "7"
    assert await changes(survey) == [("a", "changed", "7")]


# -- what is cached is forgotten


async def test_what_has_changed_is_dropped_from_the_cache() -> None:
    driver, forgotten = MemorySecrets(), list[str]()
    survey = Survey(source_of(driver, forgotten), ["a", "b"], values=False)
    await survey.look()
    await put(driver, "b", "one")
    await survey.look()
    assert forgotten == ["b"]


async def test_errors_that_are_told_hold_no_frames() -> None:
    driver = MemorySecrets()
    survey = Survey(source_of(driver), ["a"], "p")
    driver.fail_next(Unavailable, times=2)
    for error in (await survey.look()).failures.values():
        assert (error.__traceback__, error.__context__, error.__cause__) == (None,) * 3


# -- a history of anything


NAMES = ("p/a", "p/b", "c")
ACTS = st.lists(
    st.tuples(st.sampled_from(["put", "delete", "look", "outage"]), st.sampled_from(NAMES)),
    max_size=25,
)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("values", [True, False])
@settings(max_examples=40, deadline=None)
@given(acts=ACTS)
async def test_what_is_told_adds_up_to_what_is_there(
    store: str, values: bool, acts: list[tuple[str, str]]
) -> None:
    driver = MemorySecrets(capabilities=replace(STORES[store], soft_delete=False))
    survey = Survey(source_of(driver), ["c"], "p", values=values)
    await survey.look()
    told: dict[str, str | None] = {}

    def take(found: Sequence[Change]) -> None:
        for change in found:
            assert (change.kind == "created") is (change.name not in told)
            if change.kind == "deleted":
                del told[change.name]
            else:
                told[change.name] = change.version

    for number, (act, name) in enumerate(acts):
        if act == "put":
            await put(driver, name, str(number))
        elif act == "delete":
            try:
                await driver.purge(name)
            except NotFound:
                pass
        else:
            if act == "outage":
                driver.fail_next(Unavailable, times=2)
            take((await survey.look()).changes)
            driver.clear_faults()
    take((await survey.look()).changes)
    there = {}
    for name in NAMES:
        try:
            there[name] = (await driver.get(name)).version
        except NotFound:
            continue
    assert told == there
