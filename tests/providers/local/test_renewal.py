"""A vault that is given new keys while others have it open: they go on, or say why not."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from skykeep.envelope.header import Header
from skykeep.errors import Corrupt, Invalid, KeyFailure, NotFound
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import slots
from skykeep.providers.local.backup import backup, restore
from skykeep.providers.local.reading import ON_LOOP_BYTES
from skykeep.providers.local.rekey import rekey
from skykeep.providers.local.renewal import CurrentKeys
from skykeep.providers.local.secrets import LocalSecrets
from skykeep.providers.local.session import read_header
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

pytestmark = pytest.mark.asyncio

LARGE = bytes(ON_LOOP_BYTES + 1)


async def filled(directory: Path, **how: object) -> Place:
    place = made(directory, **how)
    async with place.opened() as driver:
        for name in ("a", "db/a", "db/b"):
            await keep(driver, name, name.encode())
        await keep(driver, "large", LARGE)
        await keep(driver, "gone", b"deleted")
        await driver.delete("gone")
    return place


def rekeyed(place: Place) -> None:
    rekey(place.settings, place.context)


async def missing(driver: LocalSecrets) -> None:
    with pytest.raises(NotFound):
        await driver.get("none")


CALLS: dict[str, Callable[[LocalSecrets], Awaitable[object]]] = {
    "get": lambda driver: read(driver, "a"),
    "get a large one": lambda driver: read(driver, "large"),
    "get a version": lambda driver: driver.get("a", version="1"),
    "get what is not there": missing,
    "list": listed,
    "list a prefix": lambda driver: listed(driver, "db"),
    "list a prefix that is not there": lambda driver: listed(driver, "none"),
    "describe": lambda driver: driver.describe("a"),
    "versions": lambda driver: driver.versions("a"),
    "create": lambda driver: keep(driver, "db/new", b"new"),
    "update": lambda driver: change(driver, "a", b"changed"),
    "update to the same": lambda driver: change(driver, "a", b"a"),
    "annotate": lambda driver: driver.annotate("a", Attributes(tags={"k": "v"})),
    "move a stage": lambda driver: driver.move_stage("a", "held", "1"),
    "delete": lambda driver: driver.delete("a"),
    "restore": lambda driver: driver.restore("gone"),
    "purge": lambda driver: driver.purge("gone"),
    "writes that share a commit": lambda driver: asyncio.gather(
        *(keep(driver, f"many/{number}", b"x") for number in range(20))
    ),
}


def comparable(said: object) -> str:
    """An answer without its times, and without the order of keys."""
    told = sorted(map(repr, said)) if isinstance(said, list) else said
    return re.sub(r"datetime\.datetime\([^)]*\)", "then", repr(told))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("key_file", [True, False], ids=["key file", "passphrase"])
async def test_each_call_goes_on_with_the_new_keys(
    tmp_path: Path, call: str, key_file: bool
) -> None:
    one = await filled(tmp_path / "one", key_file=key_file)
    other = await filled(tmp_path / "other", key_file=key_file)
    async with one.opened() as never_rekeyed, other.opened() as driver:
        await read(driver, "a")
        await change(driver, "db/b", b"the writing connection is open as well")
        rekeyed(other)
        said, expected = await CALLS[call](driver), await CALLS[call](never_rekeyed)
        assert comparable(said) == comparable(expected)
        rekeyed(other)  # and once more
        await missing(driver)
        await change(driver, "db/a", b"after both")
        assert await read(driver, "db/a") == b"after both"
    keys = unlock(read_header(other.path), other.settings, other.context)
    assert verify(other.path, keys).secrets >= 4


@pytest.mark.parametrize("call", CALLS)
async def test_no_call_with_old_keys_changes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    place = await filled(tmp_path)

    def content() -> list[object]:
        tables = ("header", "secret", "version", "path", "directory", "counter")
        with closing(sqlite3.connect(place.path)) as connection:
            return [
                connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  (our names)
                for table in tables
            ]

    async with place.opened() as driver:
        await change(driver, "db/b", b"open")
        rekeyed(place)
        before = content()
        monkeypatch.setattr(CurrentKeys, "superseding", lambda *_: None)
        with pytest.raises(Corrupt):
            await CALLS[call](driver)
        assert content() == before


async def test_old_keys_write_nothing_into_an_emptied_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path)
    async with place.opened() as driver:
        rekeyed(place)
        monkeypatch.setattr(CurrentKeys, "superseding", lambda *_: None)
        with pytest.raises(Corrupt):
            await keep(driver, "first", b"value")
    keys = unlock(read_header(place.path), place.settings, place.context)
    assert verify(place.path, keys).secrets == 0


async def test_a_listing_does_not_go_on_in_another_order(tmp_path: Path) -> None:
    place = await filled(tmp_path)
    async with place.opened() as driver, place.opened() as late:
        first = await driver.list("", cursor=None, limit=1)
        rekeyed(place)
        for one in (driver, driver, late):
            with pytest.raises(Invalid, match="new keys since") as caught:
                await one.list("", cursor=first.cursor, limit=1)
            assert "begin" in caught.value.hint
        assert len(await listed(driver, limit=1)) == 4


async def test_damage_stays_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = await filled(tmp_path)
    async with place.opened() as driver:
        with closing(sqlite3.connect(place.path)) as connection:
            connection.execute("UPDATE secret SET record = zeroblob(60)")
            connection.commit()
        monkeypatch.setattr(CurrentKeys, "renew", lambda *_: pytest.fail("unlocked again"))
        with pytest.raises(Corrupt):
            await read(driver, "a")
        with pytest.raises(Corrupt):
            await change(driver, "a", b"x")


async def test_somebody_who_is_there_is_asked_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return PASSPHRASE

    silent = await filled(tmp_path, key_file=False)
    place = Place(tmp_path, key_file=False, ask=ask)
    async with place.opened() as driver:
        assert await read(driver, "a") == b"a"
        rekeyed(silent)
        assert await read(driver, "a") == b"a"
        await change(driver, "a", b"b")
        assert await read(driver, "large") == LARGE
    assert asked == ["Passphrase"] * 2


async def test_without_the_new_key_it_says_what_happened(tmp_path: Path) -> None:
    place = await filled(tmp_path)
    slots.set_passphrase(place.settings, place.context, PASSPHRASE, cost=CHEAP)
    other = Place(tmp_path, key_file=False)
    async with place.opened() as driver:
        rekey(other.settings, other.context, drop=["key-file"])
        for call in (read(driver, "a"), change(driver, "a", b"x"), read(driver, "large")):
            with pytest.raises(KeyFailure, match="new keys since it was opened") as caught:
                await call
            assert caught.value.hint
            assert caught.value.__cause__ is None
        place.environ["SKYKEEP_PASSPHRASE"] = PASSPHRASE
        assert await read(driver, "a") == b"a"


async def test_a_backup_of_an_earlier_epoch_that_is_restored_is_read(tmp_path: Path) -> None:
    place = await filled(tmp_path / "vault")
    file = tmp_path / "backup.db"
    backup(place.settings, place.context, file)
    rekeyed(place)
    async with place.opened() as driver:
        await change(driver, "a", b"newer")
        restore(place.settings, place.context, file, replace=True)
        assert await read(driver, "a") == b"a"
        await change(driver, "a", b"after the restore")
        assert await read(driver, "a") == b"after the restore"
    assert read_header(place.path).epoch == 1


async def test_one_argon2id_for_all_that_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await filled(tmp_path, key_file=False)
    async with place.opened() as driver:
        await change(driver, "a", b"b")
        rekeyed(place)
        unlocked: list[Header] = []

        def counted(header: Header, *rest: object) -> object:
            unlocked.append(header)
            return unlock(header, *rest)  # type: ignore[arg-type]  # passed on as they came

        monkeypatch.setattr("skykeep.providers.local.renewal.unlock", counted)
        await asyncio.gather(
            *(read(driver, "a") for _ in range(5)),
            *(read(driver, "large") for _ in range(5)),
            *(driver.update("db/a", SecretValue(b"%d" % n), Attributes()) for n in range(5)),
        )
    assert len(unlocked) == 1
