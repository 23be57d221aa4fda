"""Copies that are put back on purpose, and where it cannot be noticed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from skykeep.durable.database import journal_of
from skykeep.errors import Corrupt
from skykeep.providers.local import slots
from skykeep.providers.local.anchor import FileAnchor
from skykeep.providers.local.backup import backup, restore
from skykeep.providers.local.rollback import FAR, Watch, accept
from skykeep.providers.local.secrets import open_secrets
from skykeep.providers.local.session import read_header
from tests.providers.local.ages import (
    in_anchor,
    in_child,
    in_file,
    names_in,
    refusal,
    used,
    watched,
)
from tests.providers.local.vaults import CHEAP, Place, change, listed, made

pytestmark = pytest.mark.asyncio


# -- on purpose


async def test_an_accepted_copy_opens_and_older_ones_are_noticed_again(tmp_path: Path) -> None:
    place = made(tmp_path)
    await used(place, 3)
    older = place.path.read_bytes()
    await used(place, 4)
    place.path.write_bytes(older)
    await refusal(place)
    assert accept(place.settings, place.context) == Watch(
        8, f"beside the key file, in {place.counter_path}", ""
    )
    assert in_anchor(place) == in_file(place) == 8
    await used(place, 1)
    place.path.write_bytes(older)
    assert "(3 < 9)" in (await refusal(place)).message


async def test_a_restored_backup_is_no_false_alarm_and_older_ones_are_noticed(
    tmp_path: Path,
) -> None:
    place = made(tmp_path / "vault")
    await used(place, 3)
    file = tmp_path / "backup.db"
    backup(place.settings, place.context, file)
    await used(place, 4)
    before = place.path.read_bytes()
    async with place.opened() as held:
        restore(place.settings, place.context, file, replace=True)
        await change(held, "top", b"goes on")
    assert in_anchor(place) == in_file(place) == 9
    await used(place, 1)
    for content in (before, file.read_bytes()):
        journal_of(place.path).unlink(missing_ok=True)
        place.path.write_bytes(content)
        await refusal(place)

    place.path.unlink()
    restore(place.settings, place.context, file)
    assert in_anchor(place) == in_file(place) == 11
    await used(place, 1)


@pytest.mark.parametrize("key_file", [True, False])
async def test_a_restore_over_a_vault_that_cannot_be_read_goes_far_beyond_it(
    tmp_path: Path, key_file: bool
) -> None:
    place = made(tmp_path / "vault", key_file=key_file)
    await used(place, 3)
    file = tmp_path / "backup.db"
    backup(place.settings, place.context, file)
    async with place.opened() as held:
        for _ in range(6):
            await change(held, "top", os.urandom(5))
        with closing(sqlite3.connect(place.path)) as other, other:
            other.execute("UPDATE counter SET sealed = zeroblob(37)")
        with pytest.raises(Corrupt):
            await change(held, "top", b"damaged")
        restore(place.settings, place.context, file, replace=True)
        await change(held, "top", b"goes on")
    assert in_file(place) > FAR


async def test_keys_that_were_changed_are_not_brought_back_by_an_older_copy(
    tmp_path: Path,
) -> None:
    place = made(tmp_path / "vault")
    slots.set_passphrase(place.settings, place.context, "leaked", cost=CHEAP)
    await used(place, 1)
    leaked = place.path.read_bytes()
    slots.set_passphrase(place.settings, place.context, "new", cost=CHEAP)
    place.path.write_bytes(leaked)
    assert "(2 < 3)" in (await refusal(place)).message


async def test_the_counter_goes_with_the_key_file(tmp_path: Path) -> None:
    place = made(tmp_path / "vault")
    await used(place, 3)
    older = place.path.read_bytes()
    slots.set_key_file(place.settings, place.context, tmp_path / "other.key")
    vault = read_header(place.path).vault.hex()[:8]
    beside = tmp_path / f"other.key.{vault}.counter"
    assert beside.read_text().endswith("04\n")
    assert older != place.path.read_bytes()


# -- where it cannot be noticed, or is not asked for


async def test_a_passphrase_alone_notices_nothing_and_says_so(tmp_path: Path) -> None:
    place = made(tmp_path, key_file=False)
    await used(place, 3)
    older = place.path.read_bytes()
    await used(place, 3)
    place.path.write_bytes(older)
    await used(place, 1)
    assert "passphrase leaves no place" in watched(place).reason
    assert watched(place).where == ""
    assert names_in(tmp_path) == ["vault.db"]


async def test_it_can_be_switched_off_to_look_at_an_older_copy(tmp_path: Path) -> None:
    place = made(tmp_path)
    await used(place, 3)
    older = place.path.read_bytes()
    await used(place, 3)
    place.path.write_bytes(older)
    settings = changed(place.settings, notice_rollback=False)
    driver = await open_secrets(settings, place.context)
    assert await listed(driver) == ["top"]
    await driver.close()
    assert in_anchor(place) == 6
    await refusal(place)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"skykeep counter 1 ",
        b"57\n",
        b"skykeep counter 2 00000000000000000057\n",
        b"skykeep counter 1 99999999999999999999\n",
        b"skykeep counter 1 00000000000000000057\nx",
    ],
)
async def test_a_damaged_line_is_an_error_with_its_mend(tmp_path: Path, line: bytes) -> None:
    place = made(tmp_path)
    await used(place, 3)
    async with place.opened() as driver:
        place.counter_path.write_bytes(line)
        with pytest.raises(Corrupt, match="is damaged"):
            await change(driver, "top", b"new")
    place.counter_path.write_bytes(line)
    error = await refusal(place)
    assert str(place.counter_path) in error.message
    assert "skykeep vault accept" in error.hint
    assert accept(place.settings, place.context).number > FAR
    assert in_anchor(place) == in_file(place)
    await used(place, 1)


async def test_a_line_for_each_vault_of_a_key_file(tmp_path: Path) -> None:
    place = made(tmp_path / "one")
    other = replace(place, directory=tmp_path / "other")
    other.directory.mkdir()
    other.key_path.write_bytes(place.key_path.read_bytes())
    other.key_path.chmod(0o600)
    other.create()
    shared: Callable[[Place], Place] = lambda one: replace(  # noqa: E731  (said in one place)
        one, key_file=False, environ={"SKYKEEP_KEY_FILE": str(place.key_path)}
    )
    await used(shared(place), 5)
    await used(shared(other), 2)
    lines = sorted(path.read_text()[-3:] for path in place.directory.glob("*.counter"))
    assert lines == ["02\n", "05\n"]


async def test_a_forked_child_goes_on_with_a_lock_of_its_own(tmp_path: Path) -> None:
    place = made(tmp_path)
    anchor = FileAnchor(place.key_path, read_header(place.path).vault)
    anchor.keep(1)
    assert anchor.read() == 1
    before = anchor._file

    def keep_in_child() -> None:
        anchor.keep(2)
        assert anchor._process == os.getpid()

    in_child(keep_in_child)
    assert anchor._file == before
    anchor.keep(3)
    assert in_anchor(place) == 3
    anchor.close()
