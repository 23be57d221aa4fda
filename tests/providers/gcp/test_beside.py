"""Tags, metadata and notes: what others may have written there, and what is too much."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.conformance.cases import refused
from skykeep.errors import (
    Conflict,
    Invalid,
    NotFound,
    Quota,
    Unavailable,
    VersionUnavailable,
)
from skykeep.interfaces.secret_checks import check_attributes
from skykeep.interfaces.secret_driver import KEEP, PREVIOUS, Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.beside import EMPTY, Beside
from skykeep.providers.gcp.writing import SecretManager as Driver
from tests.peers.faults import FaultProxy, LostResponse
from tests.providers.gcp.going_wrong import NOTHING, OTHER, VALUE, action, says

printable = st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12
).filter(lambda text: not text.startswith(("skykeep-", "goog-")))
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
pairs = st.dictionaries(printable, texts, max_size=5)


@given(pairs, pairs)
def test_what_is_given_comes_back(tags: dict[str, str], metadata: dict[str, str]) -> None:
    attributes = check_attributes(metadata, tags, None)
    kept = EMPTY.given(attributes).noted(claim="c", name="n", changed_at="2026-01-01")
    assert (kept.tags, kept.metadata, kept.expires_at) == (tags, metadata, None)
    again = kept.given(Attributes(tags={}, metadata={}))
    assert (again.tags, again.metadata) == ({}, {})
    assert set(again.annotations) == {"skykeep-claim", "skykeep-name", "skykeep-changed-at"}


@given(pairs)
def test_one_is_left_while_the_other_changes(tags: dict[str, str]) -> None:
    kept = EMPTY.given(Attributes(tags=tags, metadata={"a": "b"}))
    other = kept.given(Attributes(tags=KEEP, metadata={"c d": "e"}))
    assert (other.tags, other.metadata) == (tags, {"c d": "e"})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1, "b": "c"}', "null", "[" * 100_000])
def test_what_others_wrote_into_our_notes_does_no_harm(text: str) -> None:
    names = ("skykeep-tags", "skykeep-metadata", "skykeep-expires-at", "skykeep-changed-at")
    found = Beside({}, dict.fromkeys(names, text))
    expected = {"b": "c"} if "b" in text else {}
    assert (found.tags, found.metadata) == (expected, expected)
    assert (found.expires_at, found.changed_at) == (None, None)


def test_a_time_without_a_zone_is_none_of_ours() -> None:
    assert Beside({}, {"skykeep-expires-at": "2026-01-01T00:00:00"}).expires_at is None
    found = Beside({}, {"skykeep-expires-at": "2026-01-01T05:45:00+05:45"}).expires_at
    assert found == datetime(2026, 1, 1, tzinfo=UTC)


def test_labels_of_tools_take_their_room() -> None:
    tools = {f"goog-{n}": "x" for n in range(20)}
    tags = {f"t{n}": "x" for n in range(44)}
    assert len(Beside(tools, {}).given(Attributes(tags=tags)).labels) == 64
    with pytest.raises(Invalid, match="64"):
        Beside(tools, {}).given(Attributes(tags={**tags, "one": "more"}))


@pytest.mark.asyncio
async def test_a_pinned_previous_of_nonsense_is_none(
    driver: Driver, judge: Any, place: str
) -> None:
    await driver.create("made", OTHER, NOTHING)
    await driver.update("made", VALUE, NOTHING)
    for note, expected in (("2:x", None), ("x", "1"), ("1:1", "1"), ("2:", None), ("2:2", "2")):
        judge.update_secret(
            secret={"name": f"{place}made", "annotations": {"skykeep-previous": note}},
            update_mask={"paths": ["annotations"]},
        )
        if expected is None:
            await refused(NotFound, driver.get("made", stage=PREVIOUS))
        else:
            assert (await driver.get("made", stage=PREVIOUS)).version == expected


@pytest.mark.asyncio
async def test_more_stages_than_there_is_room_for(
    driver: Driver, judge: Any, place: str
) -> None:
    await driver.create("made", VALUE, NOTHING)
    judge.update_secret(
        secret={"name": f"{place}made", "version_aliases": {f"a{n}": 1 for n in range(50)}},
        update_mask={"paths": ["version_aliases"]},
    )
    await refused(Quota, driver.move_stage("made", "blue", "1"))
    await driver.move_stage("made", "a7", None)
    await driver.move_stage("made", "blue", "1")
    assert len((await driver.versions("made"))[0].stages) == 51


@pytest.mark.asyncio
async def test_stages_of_what_has_no_version(driver: Driver, judge: Any, place: str) -> None:
    parent, _, stem = place.rpartition("/secrets/")
    secret: dict[str, Any] = {"replication": {"automatic": {}}}
    judge.create_secret(parent=parent, secret_id=f"{stem}made", secret=secret)
    await refused(NotFound, driver.move_stage("made", PREVIOUS, None))
    await refused(NotFound, driver.move_stage("made", "blue", "1"))
    await refused(NotFound, driver.get("made", stage=PREVIOUS))
    await refused(NotFound, driver.get("made", stage="blue"))
    await driver.annotate("made", Attributes(tags={"a": "b"}))
    assert (await driver.describe("made")).tags == {"a": "b"}


@pytest.mark.asyncio
async def test_previous_on_a_version_that_cannot_be_read(
    driver: Driver, judge: Any, place: str
) -> None:
    await driver.create("made", OTHER, NOTHING)
    await driver.update("made", VALUE, NOTHING)
    judge.destroy_secret_version(name=f"{place}made/versions/1")
    await refused(VersionUnavailable, driver.get("made", stage=PREVIOUS))


@pytest.mark.asyncio
async def test_a_child_goes_on_with_connections_of_its_own(driver: Driver) -> None:
    await driver.create("made", VALUE, NOTHING)
    driver.after_fork()
    assert (await driver.get("made")).value == VALUE


@pytest.mark.asyncio
async def test_a_doubt_that_cannot_be_cleared(driver: Driver, proxy: FaultProxy) -> None:
    """Whether the lost write is there cannot be found out: so nothing is written."""
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(LostResponse(), when=action("AddSecretVersion"))
    with pytest.raises(Unavailable):
        await driver.update("made", VALUE, NOTHING)
    proxy.fail(says("UNAVAILABLE", 503), when=action("GetSecretVersion"))
    await refused(Unavailable, driver.update("made", VALUE, NOTHING))
    again = await driver.update("made", VALUE, NOTHING)
    assert (again.version, again.changed) == ("2", False)


@pytest.mark.asyncio
async def test_only_so_much_is_kept_of_what_is_in_doubt(
    driver: Driver, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skykeep.providers.gcp.creating.REMEMBERED", 2)
    proxy.fail(says("UNAVAILABLE", 503), times=3, when=action("CreateSecret"))
    for name in ("a", "b", "c"):
        with pytest.raises(Unavailable):
            await driver.create(name, SecretValue("x"), NOTHING)
    assert len(driver._claims) == 2
    await driver.create("a", VALUE, NOTHING)
    await refused(Conflict, driver.create("a", VALUE, NOTHING))
