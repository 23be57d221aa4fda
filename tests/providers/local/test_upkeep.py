"""Verify, back up, restore and change the keys of a vault."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from skykeep.errors import Conflict, Corrupt, Denied, Invalid, KeyFailure
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import slots
from skykeep.providers.local.backup import backup, restore
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import unlock
from skykeep.providers.local.verify import Counts, verify
from tests.providers.local.vaults import (
    CHEAP,
    PASSPHRASE,
    Place,
    change,
    keep,
    listed,
    made,
    read,
)

pytestmark = pytest.mark.asyncio


async def filled(directory: Path, **how: object) -> Place:
    """Five secrets, one with three versions, one deleted."""
    place = made(directory, **how)
    async with place.opened() as driver:
        for name in ("top", "db/a", "db/b", "db/deep/c", "native:x y"):
            await keep(driver, name, name.encode() * 3)
        await change(driver, "db/a", b"second")
        await change(driver, "db/a", b"third")
        await driver.delete("db/b")
    return place


def verified(place: Place) -> Counts:
    header = read_header(place.path)
    return verify(place.path, unlock(header, place.settings, place.context))


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def tamper(path: Path, sql: str, *values: object) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute(sql, values).rowcount > 0
    connection.close()


async def test_a_whole_vault_is_counted(tmp_path: Path) -> None:
    place = await filled(tmp_path)
    steps: list[tuple[int, int]] = []
    keys = unlock(read_header(place.path), place.settings, place.context)
    counts = verify(place.path, keys, lambda *step: steps.append(step))
    assert counts == Counts(secrets=5, deleted=1, versions=7, prefixes=2)
    assert steps == [(5, 5)]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM version WHERE id = (SELECT max(id) FROM version)", "missing"),
        ("INSERT INTO version (sealed) VALUES (x'00')", "rows in version"),
        ("DELETE FROM path WHERE name_key = (SELECT min(name_key) FROM path)", "its prefix"),
        ("DELETE FROM directory WHERE prefix > zeroblob(16)", "rows in directory"),
        ("INSERT INTO path VALUES (randomblob(16), randomblob(16))", "rows in path"),
        ("INSERT INTO directory VALUES (randomblob(16), x'00')", "rows in directory"),
        (
            "DELETE FROM secret WHERE name_key = (SELECT max(name_key) FROM secret)",
            "missing",
        ),
        ("UPDATE version SET sealed = zeroblob(40) WHERE id = 1", "authentication|damaged"),
    ],
)
async def test_what_no_single_read_meets_is_found(tmp_path: Path, sql: str, says: str) -> None:
    place = await filled(tmp_path)
    tamper(place.path, sql)
    with pytest.raises(Corrupt, match=says):
        verified(place)


async def test_a_backup_is_a_vault_of_its_own(tmp_path: Path) -> None:
    place = await filled(tmp_path / "vault")
    file = tmp_path / "elsewhere" / "backup.db"
    assert backup(place.settings, place.context, file) == verified(place)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names_in(file.parent) == ["backup.db"]
    async with place.opened() as driver:
        await change(driver, "top", b"after the backup")
    copy = Place(tmp_path / "copy")
    copy.directory.mkdir()
    copy.path.write_bytes(file.read_bytes())
    copy.path.chmod(0o600)
    copy.key_path.write_bytes(place.key_path.read_bytes())
    copy.key_path.chmod(0o600)
    async with copy.opened() as driver:
        assert await read(driver, "top") == b"top" * 3
        assert (await driver.get("db/a", version="2")).value.reveal() == b"second"
        assert await listed(driver, deleted=True) == ["db/b"]


async def test_a_backup_while_others_write_is_of_one_moment(tmp_path: Path) -> None:
    place = await filled(tmp_path / "vault")
    async with place.opened() as driver:

        async def write() -> None:
            for number in range(150):
                await change(driver, "top", b"%d" % number)
                await keep(driver, f"new/{number}", b"x")

        writing = asyncio.create_task(write())
        for number in range(5):
            await asyncio.sleep(0.01)
            file = tmp_path / f"{number}.db"
            counts = await asyncio.to_thread(backup, place.settings, place.context, file)
            assert counts.secrets >= 5
        await writing
    assert verified(place).secrets == 155


async def test_a_restore_makes_or_replaces_a_vault_and_keeps_what_was_there(
    tmp_path: Path,
) -> None:
    place = await filled(tmp_path / "vault")
    file = tmp_path / "backup.db"
    counts = backup(place.settings, place.context, file)

    with pytest.raises(Conflict, match="--replace"):
        restore(place.settings, place.context, file)
    async with place.opened() as held:  # another one that has it open sees the restored one
        await change(held, "top", b"newer")
        await keep(held, "added", b"x" * 100_000)
        done = restore(place.settings, place.context, file, replace=True)
        assert await read(held, "top") == b"top" * 3
        assert "added" not in await listed(held)
        await keep(held, "written/afterwards", b"y")
    assert done.counts == counts
    assert done.saved is not None
    keys = unlock(read_header(done.saved), place.settings, place.context)
    assert verify(done.saved, keys).secrets == 6
    assert verified(place).secrets == 6

    place.path.unlink()
    assert restore(place.settings, place.context, file).saved is None
    assert verified(place) == counts


async def test_a_damaged_backup_replaces_nothing(tmp_path: Path) -> None:
    place = await filled(tmp_path / "vault")
    file = tmp_path / "backup.db"
    backup(place.settings, place.context, file)
    tamper(file, "UPDATE version SET sealed = zeroblob(40) WHERE id = 1")
    before = place.path.read_bytes()
    with pytest.raises(Corrupt):
        restore(place.settings, place.context, file, replace=True)
    assert place.path.read_bytes() == before
    kept = ["vault.db", "vault.key", place.counter_path.name]
    assert names_in(place.directory) == kept


async def test_a_damaged_vault_is_not_backed_up(tmp_path: Path) -> None:
    place = await filled(tmp_path / "vault")
    tamper(place.path, "UPDATE version SET sealed = zeroblob(40) WHERE id = 1")
    file = tmp_path / "backup.db"
    with pytest.raises(Corrupt):
        backup(place.settings, place.context, file)
    assert not file.exists()


async def test_nothing_is_written_over(tmp_path: Path) -> None:
    place = await filled(tmp_path / "vault")
    file = tmp_path / "precious"
    file.write_bytes(b"mine")
    with pytest.raises(Conflict, match="a file at"):
        backup(place.settings, place.context, file)
    assert file.read_bytes() == b"mine"
    (tmp_path / "blocked").write_bytes(b"a file where a directory is wanted")
    with pytest.raises(Denied):
        backup(place.settings, place.context, tmp_path / "blocked" / "b.db")


async def test_a_new_passphrase_replaces_the_old_and_touches_no_value(tmp_path: Path) -> None:
    place = await filled(tmp_path, key_file=False)

    def rows() -> list[tuple[object, ...]]:
        connection = sqlite3.connect(place.path)
        found = [
            row
            for table in ("secret", "version", "path", "directory")
            for row in connection.execute(f"SELECT * FROM {table}")  # noqa: S608  (our own names)
        ]
        connection.close()
        return found

    before = rows()
    async with place.opened() as held:
        slots.set_passphrase(place.settings, place.context, "another one", cost=CHEAP)
        assert await read(held, "top") == b"top" * 3
        await change(held, "top", b"top" * 3)
    assert rows() == before
    assert len(read_header(place.path).slots) == 1
    assert place.environ == {"SKYKEEP_PASSPHRASE": PASSPHRASE}
    with pytest.raises(KeyFailure):
        async with place.opened():
            pass
    place.environ = {"SKYKEEP_PASSPHRASE": "another one"}
    assert verified(place).secrets == 5


async def test_a_vault_with_both_keys_opens_with_either_until_one_is_forgotten(
    tmp_path: Path,
) -> None:
    place = await filled(tmp_path)
    with pytest.raises(Invalid, match="the only key"):
        slots.forget(place.settings, place.context, "key-file")
    slots.set_passphrase(place.settings, place.context, PASSPHRASE, cost=CHEAP)
    with pytest.raises(KeyFailure):  # only the key file is at hand: it must stay
        slots.forget(place.settings, place.context, "key-file")
    assert verified(place).secrets == 5

    other = Place(tmp_path, key_file=False)
    assert verified(other).secrets == 5
    slots.forget(other.settings, other.context, "key-file")
    assert verified(other).secrets == 5
    with pytest.raises(KeyFailure):
        verified(place)

    assert slots.set_key_file(other.settings, other.context, tmp_path / "new.key")
    assert not slots.set_key_file(other.settings, other.context, tmp_path / "new.key")
    place.environ = {"SKYKEEP_KEY_FILE": str(tmp_path / "new.key")}
    place.key_file = False
    slots.forget(place.settings, place.context, "passphrase")
    assert verified(place).secrets == 5
    with pytest.raises(KeyFailure):
        verified(other)


async def test_keys_that_were_changed_meanwhile_are_not_written_over(tmp_path: Path) -> None:
    place = await filled(tmp_path)

    def ask(prompt: str) -> str:
        slots.set_passphrase(place.settings, place.context, "first", cost=CHEAP)
        return PASSPHRASE

    slots.set_passphrase(place.settings, place.context, PASSPHRASE, cost=CHEAP)
    slow = Place(tmp_path, key_file=False, ask=ask)
    with pytest.raises(Conflict, match="meanwhile"):
        slots.set_passphrase(slow.settings, slow.context, "second", cost=CHEAP)


async def test_whoever_cannot_unlock_changes_nothing(tmp_path: Path) -> None:
    place = await filled(tmp_path, key_file=False)
    before = read_header(place.path)
    place.environ = {"SKYKEEP_PASSPHRASE": "wrong"}
    for change_it in (
        lambda: slots.set_passphrase(place.settings, place.context, "mine", cost=CHEAP),
        lambda: slots.set_key_file(place.settings, place.context, tmp_path / "mine"),
        lambda: backup(place.settings, place.context, tmp_path / "mine"),
        lambda: restore(place.settings, place.context, place.path, replace=True),
    ):
        with pytest.raises(KeyFailure):
            change_it()
    assert read_header(place.path) == before
    assert not (tmp_path / "mine").exists()


async def test_empty_vaults_and_values_go_through(tmp_path: Path) -> None:
    place = made(tmp_path)
    assert verified(place) == Counts(0, 0, 0, 0)
    async with place.opened() as driver:
        await driver.create("empty", SecretValue(b""), Attributes())
    assert backup(place.settings, place.context, tmp_path / "b.db").versions == 1
