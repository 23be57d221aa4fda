"""What several writes come to, and how a target is brought there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skykeep.errors import Conflict, Denied, Invalid, NotFound, PendingDelete, Unavailable
from skykeep.interfaces.call import Held, Role
from skykeep.interfaces.secret_command import Kind, SecretCommand, digest_of, look
from skykeep.interfaces.secret_data import SecretInfo
from skykeep.interfaces.secret_driver import (
    KEEP,
    VALUES_ONLY,
    Attributes,
    SecretCapabilities,
    Stamp,
)
from skykeep.interfaces.secret_replay import Wanted, bring, fitting, fold, of_home, says
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING
from tests.replication.fleet import NAME, Store

ONE, TWO = SecretValue(b"one"), SecretValue(b"two")
SOON = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
OLDER, NEWER = Stamp(1, bytes(16)), Stamp(2, bytes(16))
TAGS = {"team": "pay"}
NO_CAS = replace(EVERYTHING, compare_and_set=False, conditional_changes=False)


def command(kind: Kind, value: SecretValue | None = None, **said: Any) -> SecretCommand:
    return SecretCommand(kind, NAME, value, Attributes(**said), tags=TAGS)


def store(can: SecretCapabilities = EVERYTHING) -> Store:
    return Store("replica", Role.FAILOVER, can)


async def holding(value: str, can: SecretCapabilities = EVERYTHING) -> tuple[Store, Held]:
    target = store(can)
    await target.others_write(value)
    return target, await look(target, NAME)


# -- fold


def test_nothing_comes_to_nothing() -> None:
    assert fold([]) == Wanted()
    assert fold([]).open


def test_the_last_value_counts_and_attributes_add_up() -> None:
    found = fold(
        [
            command("create", ONE, metadata={"a": "1"}, tags={"x": "1"}, stamp=OLDER),
            command("update", TWO, metadata={"b": "2"}, stamp=NEWER),
            command("annotate", expires_at=SOON),
        ]
    )
    said = Attributes({"b": "2"}, {"x": "1"}, SOON, NEWER)
    assert found == Wanted(TWO, None, said, TAGS)
    assert found.digest == digest_of(TWO)
    assert not found.open


def test_a_value_without_a_stamp_does_not_get_another_values() -> None:
    one, two = command("put", ONE, stamp=OLDER), command("put", TWO)
    assert fold([one, two]).attributes.stamp is None
    assert fold([two, one]).attributes.stamp == OLDER
    assert fold([one, command("annotate", tags={"x": "1"})]).attributes.stamp == OLDER
    said = Attributes(tags={"x": "1"}, stamp=OLDER)
    assert two.after(said).attributes == Attributes(tags={"x": "1"})


def test_the_order_matters() -> None:
    one, two = command("put", ONE), command("put", TWO)
    assert fold([one, two]).value == TWO
    assert fold([two, one]).value == ONE


def test_what_is_removed_stays_removed() -> None:
    found = fold([command("put", ONE, expires_at=SOON, tags={"x": "1"}), command("annotate")])
    assert found.attributes == Attributes(KEEP, {"x": "1"}, SOON)
    found = fold(
        [command("put", ONE, expires_at=SOON, tags={"x": "1"}), command("annotate", tags={})]
    )
    assert found.attributes == Attributes(KEEP, {}, SOON)
    found = fold([command("put", ONE, expires_at=SOON), command("annotate", expires_at=None)])
    assert found.attributes.expires_at is None


def test_a_delete_leaves_nothing_of_what_was_before_it() -> None:
    found = fold([command("put", ONE, tags={"x": "1"}), command("delete")])
    assert found == Wanted(gone="delete")
    assert not found.open


def test_a_value_after_a_delete_begins_anew() -> None:
    found = fold(
        [command("put", ONE, tags={"x": "1"}), command("delete"), command("create", TWO)]
    )
    assert found == Wanted(TWO, None, Attributes(), TAGS)


@pytest.mark.parametrize("kinds", [("delete", "purge"), ("purge", "delete"), ("purge",)])
def test_a_purge_wins(kinds: tuple[Kind, ...]) -> None:
    assert fold([command(kind) for kind in kinds]).gone == "purge"


def test_a_purge_before_a_value_is_past() -> None:
    found = fold([command("purge"), command("create", TWO), command("delete")])
    assert found.gone == "delete"


@pytest.mark.parametrize("kind", ["restore", "promote"])
def test_what_only_the_home_knows_is_open(kind: Kind) -> None:
    found = fold([command("put", ONE, tags={"x": "1"}), command(kind)])
    assert found == Wanted(None, None, Attributes(), TAGS)
    assert found.open
    assert fold([command("delete"), command("restore")]).open
    assert fold([command(kind), command("put", TWO)]).value == TWO


def test_what_is_said_alone_leaves_the_value_open() -> None:
    found = fold([command("annotate", tags={"x": "1"})])
    assert found.open
    assert found.attributes.tags == {"x": "1"}


# -- what the home holds


@pytest.mark.asyncio
async def test_what_the_home_holds_with_all_that_it_tells() -> None:
    target = store()
    said = Attributes({"a": "1"}, {"x": "1"}, SOON, NEWER)
    await target.beside.create(NAME, ONE, said)
    assert of_home(await look(target, NAME), TAGS) == Wanted(ONE, None, said, TAGS)


@pytest.mark.asyncio
async def test_what_the_home_does_not_tell_is_kept() -> None:
    _, held = await holding("one")
    assert of_home(held, {}).attributes == Attributes()


# -- bring: a value


@pytest.mark.asyncio
async def test_it_is_created_where_nothing_is() -> None:
    target = store()
    await bring(target, NAME, Wanted(ONE, None, Attributes(stamp=NEWER), TAGS), Held())
    info = await target.beside.describe(NAME)
    assert (await target.holds(), info.stamp, info.tags) == ("one", NEWER, TAGS)


@pytest.mark.asyncio
@pytest.mark.parametrize("can", [EVERYTHING, NO_CAS])
async def test_it_takes_the_place_of_what_was_seen(can: SecretCapabilities) -> None:
    target, held = await holding("one", can)
    await bring(target, NAME, Wanted(TWO, None, Attributes(tags={"x": "1"}), TAGS), held)
    info = await target.beside.describe(NAME)
    assert (await target.holds(), info.tags) == ("two", {"x": "1", **TAGS})


@pytest.mark.asyncio
async def test_what_is_not_shown_is_replaced() -> None:
    target, _ = await holding("one")
    await bring(target, NAME, Wanted(TWO), Held(known=False))
    assert await target.holds() == "two"


@pytest.mark.asyncio
async def test_an_equal_value_makes_no_version_and_gets_what_is_said() -> None:
    target, held = await holding("one")
    await bring(target, NAME, Wanted(ONE, None, Attributes(tags={"x": "1"})), held)
    assert len(await target.beside.versions(NAME)) == 1
    assert (await target.beside.describe(NAME)).tags == {"x": "1"}
    calls = target.secrets.calls.copy()
    await bring(target, NAME, Wanted(ONE), held)
    assert target.secrets.calls == calls, "nothing was to be said"


@pytest.mark.asyncio
async def test_what_others_wrote_since_is_not_replaced() -> None:
    target, held = await holding("one")
    await target.others_write("theirs")
    with pytest.raises(Conflict):
        await bring(target, NAME, Wanted(TWO), held)
    with pytest.raises(Conflict):
        await bring(target, NAME, Wanted(TWO), Held())
    with pytest.raises(Conflict):
        await bring(target, NAME, Wanted(gone="delete"), held)
    assert await target.holds() == "theirs"


@pytest.mark.asyncio
async def test_what_was_deleted_since_is_not_made_again() -> None:
    target, held = await holding("one")
    await target.beside.purge(NAME)
    with pytest.raises(NotFound):
        await bring(target, NAME, Wanted(TWO), held)
    assert await target.holds() is None


@pytest.mark.asyncio
@pytest.mark.parametrize("can", [EVERYTHING, NO_CAS])
async def test_a_tombstone_gives_way(can: SecretCapabilities) -> None:
    target, _ = await holding("one", can)
    await target.beside.delete(NAME)
    await bring(target, NAME, Wanted(TWO, None, Attributes(stamp=NEWER)), Held())
    assert await target.holds() == "two"
    assert (await target.beside.describe(NAME)).stamp == NEWER


@pytest.mark.asyncio
async def test_over_a_tombstone_the_write_has_a_condition() -> None:
    # F4: a late copy of it replaced what was written since.
    target, _ = await holding("one")
    await target.beside.delete(NAME)
    update = target.secrets.update

    async def others_first(*args: Any, **kwargs: Any) -> Any:
        await target.others_write("theirs")
        return await update(*args, **kwargs)

    target.secrets.update = others_first  # type: ignore[method-assign]  # a race
    with pytest.raises(Conflict):
        await bring(target, NAME, Wanted(TWO), Held())
    assert await target.holds() == "theirs"


@pytest.mark.asyncio
async def test_a_tombstone_that_is_not_seen_is_told() -> None:
    target, _ = await holding("one")
    await target.beside.delete(NAME)
    with pytest.raises(PendingDelete):
        await bring(target, NAME, Wanted(TWO), Held(known=False))


@pytest.mark.asyncio
async def test_a_value_that_does_not_fit_is_refused_before_anything_is_sent() -> None:
    target = store(replace(EVERYTHING, max_value_bytes=2))
    with pytest.raises(Invalid, match="at most 2 bytes"):
        await bring(target, NAME, Wanted(ONE), Held())
    assert not target.secrets.calls


# -- bring: nothing


@pytest.mark.asyncio
async def test_a_delete_leaves_what_can_be_restored_and_a_purge_does_not() -> None:
    target, held = await holding("one")
    await bring(target, NAME, Wanted(gone="delete"), held)
    assert (await target.beside.describe(NAME)).deleted_at is not None
    await bring(target, NAME, Wanted(gone="purge"), Held())
    with pytest.raises(NotFound):
        await target.beside.describe(NAME)


@pytest.mark.asyncio
@pytest.mark.parametrize("gone", ["delete", "purge"])
async def test_what_is_gone_already_is_gone(gone: Any) -> None:
    target, held = await holding("one")
    await target.beside.purge(NAME)
    await bring(target, NAME, Wanted(gone=gone), held)


@pytest.mark.asyncio
async def test_a_delete_of_what_is_not_there_asks_nothing() -> None:
    target = store()
    await bring(target, NAME, Wanted(gone="delete"), Held())
    assert not target.secrets.calls


@pytest.mark.asyncio
async def test_a_delete_reaches_what_is_not_shown() -> None:
    target, _ = await holding("one")
    await bring(target, NAME, Wanted(gone="delete"), Held(known=False))
    assert await target.holds() is None


@pytest.mark.asyncio
@pytest.mark.parametrize("error", [Denied, Unavailable])
async def test_a_delete_that_is_refused_is_not_taken_for_done(error: type[Exception]) -> None:
    target, held = await holding("one")
    target.away(error)
    with pytest.raises(error):
        await bring(target, NAME, Wanted(gone="delete"), held)


@pytest.mark.asyncio
async def test_a_delete_without_conditions() -> None:
    target, held = await holding("one", NO_CAS)
    await target.others_write("theirs")
    await bring(target, NAME, Wanted(gone="delete"), held)
    assert await target.holds() is None


# -- bring: what is said alone


@pytest.mark.asyncio
async def test_what_is_said_alone_changes_no_value() -> None:
    target, held = await holding("one")
    await bring(target, NAME, Wanted(attributes=Attributes(metadata={"a": "1"})), held)
    assert await target.holds() == "one"
    assert (await target.beside.describe(NAME)).metadata == {"a": "1"}


@pytest.mark.asyncio
@pytest.mark.parametrize("lacks", ["metadata", "tags", "expiry"])
async def test_what_a_store_cannot_keep_is_left_out(lacks: str) -> None:
    can = replace(EVERYTHING, **{lacks: False})
    said = Attributes({"a": "1"}, {"x": "1"}, SOON, NEWER)
    kept = fitting(can, said)
    assert kept.stamp == NEWER
    fields = {"metadata": kept.metadata, "tags": kept.tags, "expiry": kept.expires_at}
    assert {name for name, value in fields.items() if value is KEEP} == {lacks}
    target = store(can)
    await bring(target, NAME, Wanted(ONE, None, said), Held())
    await bring(target, NAME, Wanted(TWO, None, said), await look(target, NAME))
    await bring(target, NAME, Wanted(TWO, None, said), await look(target, NAME))
    await bring(target, NAME, Wanted(None, None, said), await look(target, NAME))
    assert says(await target.beside.describe(NAME), kept)


@pytest.mark.asyncio
async def test_a_store_of_values_alone_gets_values_alone() -> None:
    target = store(VALUES_ONLY)
    said = Attributes({"a": "1"}, {"x": "1"}, SOON, NEWER)
    await bring(target, NAME, Wanted(ONE, None, said, TAGS), Held())
    await bring(target, NAME, Wanted(TWO, None, said, TAGS), await look(target, NAME))
    await bring(target, NAME, Wanted(None, None, said, TAGS), await look(target, NAME))
    assert await target.holds() == "two"
    await bring(target, NAME, Wanted(gone="delete"), await look(target, NAME))
    assert await target.holds() is None


# -- says


INFO = SecretInfo(NAME, "1", None, None, {"a": "1"}, {"x": "1", **TAGS}, SOON)


@pytest.mark.parametrize(
    ("said", "so"),
    [
        (Attributes(), True),
        (Attributes(metadata={"a": "1"}), True),
        (Attributes(metadata={}), False),
        (Attributes(metadata={"a": "1", "b": "2"}), False),
        (Attributes(tags={"x": "1"}), True),  # standing ones may be beside it
        (Attributes(tags={"x": "2"}), False),
        (Attributes(tags={"y": "1"}), False),
        (Attributes(expires_at=SOON), True),
        (Attributes(expires_at=SOON + timedelta(seconds=0.9)), True),
        (Attributes(expires_at=SOON - timedelta(seconds=1)), False),
        (Attributes(expires_at=None), False),
    ],
)
def test_whether_a_secret_has_what_was_said_of_it(said: Attributes, so: bool) -> None:
    assert says(INFO, said) is so


def test_no_expiry_is_what_was_said_where_there_is_none() -> None:
    assert says(replace(INFO, expires_at=None), Attributes(expires_at=None))
    assert not says(replace(INFO, expires_at=None), Attributes(expires_at=SOON))
