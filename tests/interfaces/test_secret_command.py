"""A write as data: what it does at a target, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from skykeep.errors import (
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    PendingDelete,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
    VersionUnavailable,
)
from skykeep.interfaces.call import Held, Role
from skykeep.interfaces.secret_command import (
    Kind,
    SecretCommand,
    digest_of,
    look,
)
from skykeep.interfaces.secret_driver import Attributes, SecretCapabilities
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING
from tests.replication.fleet import NAME, Store

ONE, TWO = SecretValue(b"one"), SecretValue(b"two")
PLAIN = replace(EVERYTHING, compare_and_set=False, conditional_changes=False)
KINDS = get_args(Kind)


def store(can: SecretCapabilities = EVERYTHING) -> Store:
    return Store("primary", Role.PRIMARY, can)


async def holding(value: str, can: SecretCapabilities = EVERYTHING) -> tuple[Store, Held]:
    target = store(can)
    await target.others_write(value)
    return target, await look(target, NAME)


def command(kind: Kind, **given: Any) -> SecretCommand:
    return SecretCommand(kind, NAME, **given)


# -- looking


@pytest.mark.asyncio
async def test_what_is_there_is_seen_with_its_version_and_digest() -> None:
    target, held = await holding("one")
    assert (held.version, held.digest, held.known) == ("1", digest_of(ONE), True)
    assert held.answer.value == ONE
    assert await command("put").look(target) == await look(target, NAME)


@pytest.mark.asyncio
async def test_where_nothing_is_that_is_known() -> None:
    target, _ = await holding("one")
    assert await look(target, "other") == Held()
    await target.beside.delete(NAME)
    assert await look(target, NAME) == Held(None, None, True)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error", [VersionUnavailable, Denied, Corrupt, KeyFailure, Unsupported]
)
async def test_what_is_not_shown_is_not_known(error: type[SkykeepError]) -> None:
    target, _ = await holding("one")
    target.away(error)
    assert await look(target, NAME) == Held(None, None, False)


@pytest.mark.asyncio
@pytest.mark.parametrize("error", [Unavailable, Throttled, Unauthenticated, Invalid])
async def test_a_target_that_does_not_answer_has_said_nothing(
    error: type[SkykeepError],
) -> None:
    target, _ = await holding("one")
    target.away(error)
    with pytest.raises(error):
        await look(target, NAME)


# -- done under what was seen


@pytest.mark.asyncio
async def test_put_replaces_what_was_seen() -> None:
    target, held = await holding("one")
    written = await command("put", value=TWO).apply(target, held)
    assert (written.version, await target.holds()) == ("2", "two")


@pytest.mark.asyncio
async def test_put_creates_where_nothing_was_seen() -> None:
    target = store()
    await command("put", value=ONE).apply(target, Held())
    assert await target.holds() == "one"
    assert target.secrets.calls["update"] == 0


OTHERS: list[tuple[SecretCommand, SecretCapabilities]] = [
    (command("put", value=TWO), EVERYTHING),
    (command("update", value=TWO), EVERYTHING),
    (command("annotate", attributes=Attributes(tags={"a": "b"})), EVERYTHING),
    (command("delete"), EVERYTHING),
    (command("promote", version="1"), EVERYTHING),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("write", "can"), OTHERS, ids=[each.kind for each, _ in OTHERS])
async def test_what_somebody_else_wrote_since_is_not_replaced(
    write: SecretCommand, can: SecretCapabilities
) -> None:
    target, held = await holding("one", can)
    await target.others_write("theirs")
    with pytest.raises(Conflict):
        await write.apply(target, held)
    assert await target.holds() == "theirs"


@pytest.mark.asyncio
@pytest.mark.parametrize(("write", "_"), OTHERS, ids=[each.kind for each, _ in OTHERS])
async def test_a_store_without_conditions_is_given_none(
    write: SecretCommand, _: SecretCapabilities
) -> None:
    target, held = await holding("one", PLAIN)
    await target.others_write("theirs")
    await write.apply(target, held)


@pytest.mark.asyncio
@pytest.mark.parametrize(("write", "_"), OTHERS, ids=[each.kind for each, _ in OTHERS])
async def test_without_what_was_seen_it_is_unconditional(
    write: SecretCommand, _: SecretCapabilities
) -> None:
    target, _held = await holding("one")
    await target.others_write("theirs")
    await write.apply(target)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["update", "annotate", "delete", "promote"])
async def test_the_applications_own_condition_goes_first(kind: Kind) -> None:
    target, held = await holding("one")
    write = command(
        kind,
        value=TWO if kind == "update" else None,
        version="1" if kind == "promote" else None,
        attributes=Attributes(tags={"a": "b"}) if kind == "annotate" else Attributes(),
        expects="77",
    )
    with pytest.raises(Conflict):
        await write.apply(target, held)
    assert await target.holds() == "one"


@pytest.mark.asyncio
async def test_a_condition_on_a_store_without_one_is_refused() -> None:
    target, held = await holding("one", PLAIN)
    with pytest.raises(Unsupported):
        await command("update", value=TWO, expects="1").apply(target, held)
    assert await target.holds() == "one"


@pytest.mark.asyncio
async def test_what_was_deleted_while_it_was_written_is_not_made_again() -> None:
    target, held = await holding("one")
    await target.beside.purge(NAME)
    with pytest.raises(Conflict, match="deleted while it was written"):
        await command("put", value=TWO).apply(target, held)
    with pytest.raises(NotFound):
        await command("update", value=TWO).apply(target, held)
    assert await target.holds() is None


@pytest.mark.asyncio
async def test_what_was_made_where_nothing_was_seen_is_a_conflict() -> None:
    target = store()
    await target.others_write("theirs")
    for write in (command("put", value=ONE), command("create", value=ONE)):
        with pytest.raises(Conflict):
            await write.apply(target, Held())
    assert await target.holds() == "theirs"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["update", "annotate", "delete", "promote", "label"])
async def test_what_needs_a_secret_is_not_sent_where_none_was_seen(kind: Kind) -> None:
    # F10: sent all the same, it had no condition, and its late copy replaced what came later.
    target = store()
    value = TWO if kind == "update" else None
    with pytest.raises(NotFound):
        await command(kind, value=value, version="1").apply(target, Held())
    assert set(target.secrets.calls) == {"describe"}
    await target.others_write("theirs")
    with pytest.raises(NotFound):
        await command(kind, value=value, version="1").apply(target, Held())
    assert set(target.secrets.calls) == {"describe"}


@pytest.mark.asyncio
async def test_over_a_tombstone_that_is_said() -> None:
    target, _ = await holding("one")
    await target.beside.delete(NAME)
    with pytest.raises(PendingDelete):
        await command("update", value=TWO).apply(target, Held())
    with pytest.raises(NotFound):
        await command("delete").apply(target, Held())


@pytest.mark.asyncio
async def test_where_it_is_not_shown_put_is_unconditional() -> None:
    target, _ = await holding("one")
    await command("put", value=TWO).apply(target, Held(known=False))
    assert await target.holds() == "two"
    empty = store()
    await command("put", value=ONE).apply(empty, Held(known=False))
    assert await empty.holds() == "one"


@pytest.mark.asyncio
@pytest.mark.parametrize(("how", "versions"), [("recover", 2), ("purge", 1)])
async def test_a_tombstone_is_dealt_with_as_asked(how: Any, versions: int) -> None:
    target, _ = await holding("one")
    await target.beside.delete(NAME)
    await command("put", value=TWO, on_tombstone=how).apply(target, Held())
    assert await target.holds() == "two"
    assert len(await target.beside.versions(NAME)) == versions


@pytest.mark.asyncio
async def test_a_tombstone_fails_a_put_by_default() -> None:
    target, _ = await holding("one")
    await target.beside.delete(NAME)
    with pytest.raises(PendingDelete):
        await command("put", value=TWO).apply(target, Held())
    assert await target.holds() is None


@pytest.mark.asyncio
async def test_what_is_written_after_a_restore_has_a_condition() -> None:
    # F4: without it a late copy replaced what was written since.
    target, _ = await holding("one")
    await target.beside.delete(NAME)
    update = target.secrets.update

    async def others_first(*args: Any, **kwargs: Any) -> Any:
        await target.others_write("theirs")
        return await update(*args, **kwargs)

    target.secrets.update = others_first  # type: ignore[method-assign]  # a race
    with pytest.raises(Conflict):
        await command("put", value=TWO, on_tombstone="recover").apply(target, Held())
    assert await target.holds() == "theirs"


@pytest.mark.asyncio
async def test_recovering_needs_no_compare_and_set() -> None:
    target, _ = await holding("one", PLAIN)
    await target.beside.delete(NAME)
    await command("put", value=TWO, on_tombstone="recover").apply(target, Held())
    assert await target.holds() == "two"


@pytest.mark.asyncio
async def test_another_stage_has_no_condition_of_ours() -> None:
    target, held = await holding("one")
    await target.others_write("theirs")
    await command("update", value=TWO, stage="pending").apply(target, held)
    assert await target.holds() == "theirs"
    assert (await target.beside.get(NAME, stage="pending")).value == TWO
    await command("label", stage="mine", version="1").apply(target, held)
    assert (await target.beside.get(NAME, stage="mine")).value == ONE


@pytest.mark.asyncio
async def test_delete_restore_and_purge() -> None:
    target, held = await holding("one")
    await command("delete").apply(target, held)
    assert await target.holds() is None
    await command("restore").apply(target, Held())
    assert await target.holds() == "one"
    await command("purge").apply(target, held)
    with pytest.raises(NotFound):
        await target.beside.describe(NAME)


@pytest.mark.asyncio
async def test_standing_tags_are_put_onto_what_is_new_or_tagged() -> None:
    target = store()
    standing = {"team": "pay"}
    await command("create", value=ONE, tags=standing).apply(target, Held())
    assert (await target.beside.describe(NAME)).tags == standing
    held = await look(target, NAME)
    said = Attributes(tags={"a": "b"})
    await command("annotate", attributes=said, tags=standing).apply(target, held)
    assert (await target.beside.describe(NAME)).tags == {"team": "pay", "a": "b"}


@pytest.mark.asyncio
async def test_a_value_that_does_not_fit_is_refused_before_anything_is_sent() -> None:
    small = store(replace(EVERYTHING, max_value_bytes=2, empty_values=False))
    for value in (ONE, SecretValue(b"")):
        with pytest.raises(Invalid):
            await command("put", value=value).apply(small, Held())
    assert not small.secrets.calls


def test_a_put_that_purges_is_not_sent_twice() -> None:
    put = SecretCommand("put", "db/password", SecretValue("v"))
    assert put.idempotent
    assert not replace(put, on_tombstone="purge").idempotent
