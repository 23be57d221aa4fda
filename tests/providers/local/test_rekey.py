"""``rekey``: everything survives, nothing of the old DEK stays, and every refusal is clear."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skykeep.durable.database import journal_of
from skykeep.envelope.header import unlock_with_key
from skykeep.envelope.keys import VaultKeys
from skykeep.errors import Conflict, Corrupt, Invalid, KeyFailure, Quota, Unavailable
from skykeep.interfaces.secret_driver import Attributes, Stamp
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import compact, draft, rekey, session, slots
from skykeep.providers.local.backup import backup
from skykeep.providers.local.chain import about_record
from skykeep.providers.local.reading import Reading
from skykeep.providers.local.secrets import LocalSecrets
from skykeep.providers.local.session import connect, read_header
from skykeep.providers.local.unlock import unlock
from skykeep.providers.local.verify import verify
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
from tests.spec import second

pytestmark = pytest.mark.asyncio


class Usage(NamedTuple):
    """As ``shutil.disk_usage`` gives it."""

    total: int
    used: int
    free: int


def rekeyed(place: Place, **how: Any) -> rekey.Rekeyed:
    return rekey.rekey(place.settings, place.context, **how)


def keys_of(place: Place) -> VaultKeys:
    return unlock(read_header(place.path), place.settings, place.context)


async def everything(driver: LocalSecrets) -> dict[str, Any]:
    """All that can be known of every secret, values included."""
    found: dict[str, Any] = {}
    for gone in (False, True):
        for name in await listed(driver, deleted=gone):
            versions = await driver.versions(name)
            found[name] = (
                await driver.describe(name),
                versions,
                None if gone else [await driver.get(name, version=one.id) for one in versions],
            )
    for prefix in ("db", "db/deep", "many", "native:a"):
        found[f"under {prefix}"] = sorted(await listed(driver, prefix))
    return found


async def rich(directory: Path, **how: Any) -> Place:
    """A vault with some of each kind of content."""
    place = made(directory, **how)
    expires = datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    async with place.opened() as driver:
        await driver.create(
            "db/password",
            SecretValue(b"one"),
            Attributes({"owner": "Zoë"}, {"tier": "1"}, expires, Stamp(7, bytes(range(16)))),
        )
        await change(driver, "db/password", b"two")
        await driver.update("db/password", SecretValue(b"next"), Attributes(), stage="pending")
        await driver.move_stage("db/password", "held", "1")
        await keep(driver, "db/deep/empty", b"")
        await keep(driver, "large", os.urandom(1024 * 1024))
        await keep(driver, "native:a/b c/€", b"native")
        await keep(driver, "many/versions", b"0")
        for number in range(1, 100):
            await change(driver, "many/versions", b"%d" % number)
        await keep(driver, "db/deleted", b"tombstone")
        await driver.delete("db/deleted")
        await keep(driver, "again", b"of another serial")
        await driver.purge("again")
        await keep(driver, "again", b"made again")
    return place


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  (our names)
            for table in ("header", "secret", "version", "path", "directory", "counter")
        }


def sealed_in(path: Path) -> set[bytes]:
    """Every sealed message and every key of a row that the file's tables hold."""
    return {
        value
        for table, rows in tables(path).items()
        if table != "header"
        for row in rows
        for value in row
        if isinstance(value, bytes) and any(value)
    }


async def test_everything_survives_under_new_keys(tmp_path: Path) -> None:
    place = await rich(tmp_path)
    async with place.opened() as driver:
        before = await everything(driver)
    old_header, old_keys = read_header(place.path), keys_of(place)
    old_dek = unlock_with_key(old_header, place.key_path.read_bytes())

    done = rekeyed(place)

    assert (done.epoch, done.resumed, done.secrets) == (2, False, 7)
    assert not draft.draft_path(place.path).exists()
    header = read_header(place.path)
    assert (header.vault, header.epoch) == (old_header.vault, 2)
    assert unlock_with_key(header, place.key_path.read_bytes()) != old_dek
    counts = verify(place.path, keys_of(place))
    assert (counts.secrets, counts.deleted, counts.versions) == (7, 1, 108)
    async with place.opened() as driver:
        assert await everything(driver) == before
        await driver.restore("db/deleted")
        assert await read(driver, "db/deleted") == b"tombstone"
        await change(driver, "db/password", b"three")
        assert (await driver.get("db/password")).version == "4"
    with pytest.raises(Corrupt):
        verify(place.path, old_keys)


async def test_nothing_of_the_old_dek_stays_in_the_file(tmp_path: Path) -> None:
    place = await rich(tmp_path)
    old = sealed_in(place.path)
    assert len(old) > 120
    data = place.path.read_bytes()
    assert sum(value in data for value in old if len(value) < 3000) > 100

    rekeyed(place)

    assert not journal_of(place.path).exists()
    data = place.path.read_bytes()
    assert [value.hex() for value in old if value[:200] in data or value[-200:] in data] == []


async def test_the_old_dek_opens_nothing_of_the_new_file(tmp_path: Path) -> None:
    place = await rich(tmp_path)
    old = keys_of(place)
    rekeyed(place)
    opened = 0
    with closing(connect(place.path, read_only=True)) as connection:
        for name_key, record in connection.execute("SELECT name_key, record FROM secret"):
            with pytest.raises(Corrupt):
                old.sealer.open(record, about_record(old, name_key))
            opened += 1
        reading = Reading(connection, keys_of(place))
        for _, found in reading.ring():
            for kept in found.versions:
                with pytest.raises(Corrupt):
                    Reading(connection, old).value(found, kept, reading.sealed(kept))
                opened += 1
    assert opened == 8 + 108


async def test_the_second_implementation_reads_it(tmp_path: Path) -> None:
    place = await rich(tmp_path)
    rekeyed(place)
    with second.open_vault(place.path, key=place.key_path.read_bytes()) as vault:
        assert vault.verify() == second.Counts(7, 108, 3)
        assert vault.value("db/password", stage="pending") == b"next"
        assert vault.value("many/versions", version=37) == b"36"
        vault.put("by/second", b"written")
    async with place.opened() as driver:
        assert await read(driver, "by/second") == b"written"
    assert rekeyed(place).epoch == 3


async def test_an_empty_vault_is_rekeyed(tmp_path: Path) -> None:
    place = made(tmp_path)
    assert rekeyed(place).secrets == 0
    assert verify(place.path, keys_of(place)).secrets == 0


# -- which keys are needed


async def both(directory: Path) -> Place:
    """A vault that a key file and a passphrase unlock; both are at hand."""
    place = await rich(directory)
    slots.set_passphrase(place.settings, place.context, PASSPHRASE, cost=CHEAP)
    place.environ = {"SKYKEEP_PASSPHRASE": PASSPHRASE}
    return place


async def test_each_key_unlocks_what_it_unlocked_before(tmp_path: Path) -> None:
    place = await both(tmp_path)
    rekeyed(place)
    header = read_header(place.path)
    assert sorted(slot.kind for slot in header.slots) == ["key-file", "passphrase"]
    assert {slot.argon2id for slot in header.slots} == {None, CHEAP}
    for one in (Place(tmp_path), Place(tmp_path, key_file=False)):
        assert verify(one.path, keys_of(one)).secrets == 7


async def test_a_key_that_is_not_at_hand_is_named(tmp_path: Path) -> None:
    place = await both(tmp_path)
    before = place.path.read_bytes()
    for other, lacks in (
        (Place(tmp_path), "a passphrase"),
        (Place(tmp_path, key_file=False), "a key file"),
        (Place(tmp_path, key_file=False, environ={"X": "x"}), "a key file and a passphrase"),
    ):
        with pytest.raises(KeyFailure, match=lacks) as caught:
            rekeyed(other)
        assert "--drop" in caught.value.hint
    assert place.path.read_bytes() == before
    assert not draft.draft_path(place.path).exists()


async def test_a_typo_does_not_become_the_passphrase(tmp_path: Path) -> None:
    place = await both(tmp_path)
    place.environ = {}
    place.ask = lambda prompt: "a typo"
    with pytest.raises(KeyFailure, match="does not unlock"):
        rekeyed(place)
    assert read_header(place.path).epoch == 1
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return PASSPHRASE

    place.ask = ask
    assert rekeyed(place).epoch == 2
    assert asked == ["Passphrase"]


async def test_another_key_file_is_refused(tmp_path: Path) -> None:
    place = await both(tmp_path)
    place.key_path.write_bytes(os.urandom(32))
    with pytest.raises(KeyFailure, match="does not unlock"):
        rekeyed(place)


async def test_a_kind_that_is_dropped_no_longer_unlocks(tmp_path: Path) -> None:
    place = await both(tmp_path)
    only_file = Place(tmp_path)
    rekeyed(only_file, drop=["passphrase"])
    assert read_header(place.path).kinds() == {"key-file"}
    assert verify(place.path, keys_of(only_file)).secrets == 7
    with pytest.raises(Invalid, match="no passphrase"):
        rekeyed(only_file, drop=["passphrase"])
    with pytest.raises(Invalid, match="no key would be left"):
        rekeyed(only_file, drop=["key-file"])


async def test_a_passphrase_alone(tmp_path: Path) -> None:
    place = await rich(tmp_path, key_file=False)
    rekeyed(place)
    assert verify(place.path, keys_of(place)).secrets == 7


async def test_two_keys_of_one_kind_are_not_made_one(tmp_path: Path) -> None:
    place = made(tmp_path / "of-ours")
    place.path.unlink()
    key = place.key_path.read_bytes()
    second.create_vault(
        place.path, key=key, passphrase=PASSPHRASE, cost=second.CHEAP_COST
    ).close()
    with closing(sqlite3.connect(place.path)) as connection:
        vault_id, found = second.parse_header(
            *connection.execute("SELECT body, digest FROM header").fetchone()
        )
        body = second.pack_header(vault_id, [*found, found[0]])
        connection.execute(
            "UPDATE header SET body = ?, digest = ?", (body, hashlib.sha256(body).digest())
        )
        connection.commit()
    place.environ = {"SKYKEEP_PASSPHRASE": PASSPHRASE}
    with pytest.raises(Invalid, match="several keys of the kind passphrase"):
        rekeyed(place)
    assert rekeyed(place, drop=["passphrase"]).epoch == 2


# -- ended early, and gone on with


class Ended(Exception):
    """What a run is ended with."""


@contextmanager
def ended_at(place: Place, what: str) -> Iterator[None]:
    """Let a run end when it comes to this method of the draft."""

    def end(*_: object, **__: object) -> None:
        raise Ended

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draft.Draft, what, end)
        with pytest.raises(Ended):
            yield


async def test_a_run_that_was_ended_is_gone_on_with(tmp_path: Path) -> None:
    place = await rich(tmp_path)
    async with place.opened() as driver:
        for number in range(draft.BATCH * 2):
            await keep(driver, f"filler/{number}", b"x")
    before = tables(place.path)
    with ended_at(place, "verify"):
        rekeyed(place)
    assert tables(place.path) == before
    assert draft.draft_path(place.path).stat().st_mode & 0o777 == 0o600

    async with place.opened() as driver:  # what changes meanwhile is taken over
        await change(driver, "large", b"no longer large")
        await driver.purge("many/versions")
        await driver.purge("filler/7")
        await keep(driver, "filler/7", b"made again")
        await keep(driver, "new/of/all", b"new")
        await driver.delete("filler/8")
        await driver.move_stage("db/password", "held", None)
        expected = await everything(driver)
    taken: list[int] = []
    follow = draft.Draft.follow

    def counted(*args: Any) -> int:
        taken.append(follow(*args))
        return taken[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draft.Draft, "follow", counted)
        done = rekeyed(place)
    assert done.resumed
    assert 6 <= taken[0] < 30, "more was copied than had changed"
    assert taken[1:] == [0] * len(taken[1:])
    verify(place.path, keys_of(place))
    async with place.opened() as driver:
        assert await everything(driver) == expected


async def test_restart_throws_away_what_there_is(tmp_path: Path) -> None:
    place = await rich(tmp_path)
    with ended_at(place, "verify"):
        rekeyed(place)
    assert not rekeyed(place, restart=True).resumed
    assert verify(place.path, keys_of(place)).secrets == 7


async def test_a_draft_for_other_keys_of_the_vault_is_not_gone_on_with(tmp_path: Path) -> None:
    place = await both(tmp_path)
    with ended_at(place, "verify"):
        rekeyed(place)
    slots.set_passphrase(place.settings, place.context, "a newer one", cost=CHEAP)
    place.environ = {"SKYKEEP_PASSPHRASE": "a newer one"}
    assert not rekeyed(place).resumed
    with ended_at(place, "verify"):
        rekeyed(place)
    assert not rekeyed(place, drop=["passphrase"]).resumed
    assert verify(place.path, keys_of(place)).secrets == 7


async def test_a_damaged_draft_is_thrown_away_on_demand_only(tmp_path: Path) -> None:
    place = await rich(tmp_path)
    file = draft.draft_path(place.path)
    file.write_bytes(b"what somebody else keeps under this name" * 100)
    with pytest.raises(Corrupt, match="rekey") as caught:
        rekeyed(place)
    assert "--restart" in caught.value.hint
    assert file.read_bytes().startswith(b"what somebody")
    assert rekeyed(place, restart=True).epoch == 2
    assert not file.exists()


async def test_keys_that_were_changed_meanwhile_are_not_undone(tmp_path: Path) -> None:
    place = await both(tmp_path)

    def change_it(done: int, total: int) -> None:
        if len(changed) == 0:
            changed.append(done)
            slots.set_passphrase(place.settings, place.context, "changed", cost=CHEAP)

    changed: list[int] = []
    with pytest.raises(Conflict, match="keys of the vault were changed") as caught:
        rekeyed(place, verifying=change_it)
    assert changed
    assert "rekey" in caught.value.hint
    header = read_header(place.path)
    assert header.epoch == 1
    place.environ = {"SKYKEEP_PASSPHRASE": "changed"}
    done = rekeyed(place)
    assert (done.epoch, done.resumed) == (2, False)
    with pytest.raises(KeyFailure):
        keys_of(Place(tmp_path, key_file=False))


async def test_two_at_once(tmp_path: Path) -> None:
    place = await rich(tmp_path)
    met: list[str] = []

    def meanwhile(done: int, total: int) -> None:
        for restart in (False, True):
            with pytest.raises(Conflict, match="another process") as caught:
                rekeyed(place, restart=restart)
            met.append(caught.value.message)

    assert rekeyed(place, verifying=meanwhile).epoch == 2
    assert met
    assert verify(place.path, keys_of(place)).secrets == 7


# -- what stops it


async def test_damage_is_not_sealed_anew(tmp_path: Path) -> None:
    for number, sql in enumerate(
        (
            "UPDATE version SET sealed = zeroblob(40) WHERE id = 1",
            "DELETE FROM version WHERE id = 1",
            "DELETE FROM secret WHERE name_key = (SELECT max(name_key) FROM secret)",
            (
                "DELETE FROM secret WHERE name_key ="
                " (SELECT min(name_key) FROM secret WHERE name_key > zeroblob(16))"
            ),
            "DELETE FROM secret WHERE name_key = zeroblob(16)",
        )
    ):
        place = await rich(tmp_path / str(number))
        with closing(sqlite3.connect(place.path)) as connection:
            assert connection.execute(sql).rowcount == 1
            connection.commit()
        before = tables(place.path)
        with pytest.raises(Corrupt) as caught:
            rekeyed(place)
        assert str(place.path) + " " in str(caught.value), "it is the vault that is damaged"
        assert tables(place.path) == before


async def test_a_row_that_vanishes_meanwhile_is_no_purge(tmp_path: Path) -> None:
    place = await rich(tmp_path)
    gone: list[int] = []

    def remove(done: int, total: int) -> None:
        if not gone:
            with closing(sqlite3.connect(place.path)) as connection:
                sql = "DELETE FROM secret WHERE name_key = (SELECT max(name_key) FROM secret)"
                gone.append(connection.execute(sql).rowcount)
                connection.commit()

    with pytest.raises(Corrupt, match="missing"):
        rekeyed(place, verifying=remove)
    assert gone == [1]
    assert read_header(place.path).epoch == 1


async def test_the_space_is_looked_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await rich(tmp_path)
    size = place.path.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, size))
    with pytest.raises(Quota, match=r"needs .* MiB of free space in .*, there are") as caught:
        rekeyed(place)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.hint
    assert read_header(place.path).epoch == 1
    monkeypatch.undo()
    assert rekeyed(place).epoch == 2


@pytest.mark.parametrize("pages", [20, 60, 200])
async def test_a_disk_that_gets_full_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    place = await rich(tmp_path)
    before = tables(place.path)

    def small(path: Path, **how: Any) -> sqlite3.Connection:
        connection = session.connect(path, **how)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(draft, "connect", small)
    with pytest.raises(Quota, match=r"no space is left for .*rekey"):
        rekeyed(place)
    assert tables(place.path) == before
    monkeypatch.undo()
    rekeyed(place)
    assert verify(place.path, keys_of(place)).secrets == 7


async def test_a_disk_that_gets_full_while_all_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await rich(tmp_path)
    before = tables(place.path)

    def full(*_: object) -> None:
        raise Quota("no space is left")

    replace = draft.Draft.replace

    def half(self: draft.Draft, vault: sqlite3.Connection) -> None:
        replace(self, vault)
        full()

    monkeypatch.setattr(draft.Draft, "replace", half)
    with pytest.raises(Quota):
        rekeyed(place)
    assert tables(place.path) == before
    monkeypatch.undo()
    assert rekeyed(place).resumed


async def test_a_vault_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BUSY_SECONDS", 0.0)
    place = await rich(tmp_path)
    with closing(sqlite3.connect(place.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="being written by another process"):
            rekeyed(place)
        other.execute("ROLLBACK")
    assert rekeyed(place).resumed


async def test_a_reader_that_stays_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BUSY_SECONDS", 0.0)
    place = await rich(tmp_path)
    with closing(sqlite3.connect(place.path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM secret").fetchone()
        with pytest.raises(Unavailable, match="has its new keys, but") as caught:
            rekeyed(place)
        assert "vault compact" in caught.value.hint
        other.execute("COMMIT")
    assert read_header(place.path).epoch == 2
    assert not draft.draft_path(place.path).exists()
    compact.compact(place.settings, place.context)
    assert verify(place.path, keys_of(place)).secrets == 7


async def test_backups_from_before_open_with_the_keys_from_before(tmp_path: Path) -> None:
    place = await rich(tmp_path / "vault")
    file = tmp_path / "backup.db"
    backup(place.settings, place.context, file)
    rekeyed(place)
    assert verify(file, unlock(read_header(file), place.settings, place.context)).secrets == 7
    assert read_header(file).epoch == 1
