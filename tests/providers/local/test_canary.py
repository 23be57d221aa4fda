"""A canary put through every operation and error shows up only where it was asked for."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import sqlite3
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import argon2.low_level
import pytest
from argon2.exceptions import HashingError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from skykeep.envelope import keys, sealed
from skykeep.errors import SkykeepError
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import session
from skykeep.providers.local.secrets import LocalSecrets
from tests.providers.local.vaults import Place, change, keep, made, read

VALUE = b"canary-in-the-value-7f3a"
NAME = "birds/canary-in-the-name"
METADATA = {"canary-in-the-key": "canary-in-the-metadata"}
PASSWORD = "canary-in-the-passphrase"
MARK = "canary-in-the"


def shown(error: BaseException) -> str:
    """All that a report of the error could show, with the variables of our frames."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts = [str(error), repr(error), repr(vars(error)), *map(repr, error.args)]
    todo: list[traceback.TracebackException | None] = [told]
    while todo:
        one = todo.pop()
        if one is None:
            continue
        parts += one.format_exception_only()
        for frame in one.stack:
            if f"{os.sep}tests{os.sep}" not in frame.filename:  # tests know the canary
                parts += [f"{name}={text}" for name, text in (frame.locals or {}).items()]
        todo += [one.__cause__, one.__context__]
    return "\n".join(parts)


def hidden(text: str, *secrets: bytes) -> None:
    for secret in secrets:
        for form in (secret.decode("latin-1"), repr(secret)[2:-1], secret.hex()):
            assert form not in text
        assert base64.b64encode(secret).decode()[:-4] not in text


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing in any log record, at any level of any logger."""
    caplog.set_level(0)
    logging.getLogger("asyncio").setLevel(0)
    yield
    for record in caplog.records:
        told = f"{record.getMessage()} {record.args!r} {vars(record)!r}"
        assert MARK not in told


async def failure(work: Awaitable[object]) -> BaseException:
    try:
        await work
    except (SkykeepError, OSError, MemoryError) as error:
        return error
    raise AssertionError("it did not fail")


ATTRIBUTES = Attributes(metadata=METADATA, tags={"canary-in-the-tag": "canary-in-the-label"})


async def every_error(driver: LocalSecrets) -> list[BaseException]:
    value = SecretValue(VALUE)
    works: list[Callable[[], Awaitable[object]]] = [
        lambda: driver.create(NAME, value, ATTRIBUTES),
        lambda: driver.update("nothing", value, ATTRIBUTES),
        lambda: driver.update(NAME, value, ATTRIBUTES, expects="77"),
        lambda: driver.annotate("nothing", ATTRIBUTES),
        lambda: driver.annotate(NAME, ATTRIBUTES, expects="77"),
        lambda: driver.get("nothing"),
        lambda: driver.get(NAME, version="77"),
        lambda: driver.get(NAME, stage="nothing"),
        lambda: driver.move_stage(NAME, "current", None),
        lambda: driver.move_stage(NAME, "current", "77"),
        lambda: driver.restore(NAME),
        lambda: driver.delete(NAME, expects="77"),
        lambda: driver.purge("nothing"),
        lambda: driver.describe("nothing"),
        lambda: driver.versions("nothing"),
        lambda: driver.list("", cursor="foreign", limit=7),
    ]
    return [await failure(work()) for work in works]


@pytest.mark.asyncio
async def test_no_error_shows_a_value(tmp_path: Path) -> None:
    asyncio.get_running_loop().set_debug(True)
    async with made(tmp_path).opened() as driver:
        await driver.create(NAME, SecretValue(VALUE), ATTRIBUTES)
        errors = await every_error(driver)
        await driver.update(NAME, SecretValue(VALUE + b"2"), ATTRIBUTES)
        await driver.delete(NAME)
        errors += [
            await failure(driver.get(NAME)),
            await failure(driver.delete(NAME)),
            await failure(driver.update(NAME, SecretValue(VALUE), ATTRIBUTES)),
            await failure(driver.create(NAME, SecretValue(VALUE), ATTRIBUTES)),
        ]
    for error in errors:
        assert isinstance(error, SkykeepError)
        assert error.__cause__ is None
        hidden(shown(error), VALUE)


class Broken:
    """In place of AES: it cannot."""

    def encrypt(self, *_: object) -> bytes:
        raise MemoryError

    def decrypt(self, *_: object) -> bytes:
        raise MemoryError


@pytest.mark.asyncio
async def test_no_error_while_sealing_or_storing_shows_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with made(tmp_path).opened() as driver:
        await keep(driver, NAME, VALUE)

        def no_randomness(_: int) -> bytes:
            raise OSError("no randomness")

        errors = []
        with monkeypatch.context() as patch:
            patch.setattr(sealed.os, "urandom", no_randomness)  # type: ignore[attr-defined]
            errors.append(
                await failure(driver.update(NAME, SecretValue(VALUE + b"2"), Attributes()))
            )
        with monkeypatch.context() as patch:
            patch.setattr(driver._keys.now.keys.sealer, "_aead", Broken())
            errors.append(
                await failure(driver.update(NAME, SecretValue(VALUE + b"2"), Attributes()))
            )
            errors.append(await failure(read(driver, NAME)))
        with monkeypatch.context() as patch:
            patch.setattr(session, "BUSY_SECONDS", 0.0)
            driver._committer._link.close()
            with closing(sqlite3.connect(tmp_path / "vault.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                errors.append(
                    await failure(driver.update(NAME, SecretValue(VALUE + b"2"), Attributes()))
                )
                other.execute("ROLLBACK")
            driver._committer._link.close()
        with driver._committer._link as connection:
            connection.execute("PRAGMA max_page_count = 1")
        errors.append(await failure(keep(driver, "large", VALUE * 10_000)))
        for error in errors:
            hidden(shown(error), VALUE)
        assert await read(driver, NAME) == VALUE
    with closing(sqlite3.connect(tmp_path / "vault.db", isolation_level=None)) as other:
        other.execute("UPDATE version SET sealed = zeroblob(60)")
    async with Place(tmp_path).opened() as driver:
        hidden(shown(await failure(read(driver, NAME))), VALUE)


def content(place: Place) -> bytes:
    files = [path for path in place.directory.iterdir() if path.name.startswith("vault.db")]
    assert files
    return b"".join(path.read_bytes() for path in files)


def absent(content: bytes, *secrets: bytes) -> None:
    for secret in secrets:
        assert secret not in content
        for shift in range(3):
            encoded = base64.b64encode(bytes(shift) + secret)[4:-4]
            assert len(encoded) >= 8
            assert encoded not in content


@pytest.mark.asyncio
async def test_nothing_stands_in_the_files_in_the_clear(tmp_path: Path) -> None:
    place = made(tmp_path)
    hints = [VALUE, NAME.encode(), b"canary-in-the-name", b"birds/canary"]
    hints += [text.encode() for pair in METADATA.items() for text in pair]
    hints += [b"canary-in-the-tag", b"canary-in-the-label", b"canary-in-the-stage"]
    async with place.opened() as driver:
        await driver.create(NAME, SecretValue(VALUE), ATTRIBUTES)
        await driver.update(
            NAME, SecretValue(VALUE * 2), Attributes(), stage="canary-in-the-stage"
        )
        await keep(driver, "native:canary-in-the-name of others", VALUE * 3000)
        absent(content(place), *hints)
        assert place.path.with_name("vault.db-wal").stat().st_size > 0
    absent(content(place), *hints)
    async with place.opened() as driver:
        assert await read(driver, NAME) == VALUE


def rows(place: Place) -> set[bytes]:
    """All that is sealed about single secrets."""
    with closing(sqlite3.connect(place.path)) as connection:
        sealed_values = {row for (row,) in connection.execute("SELECT sealed FROM version")}
        return sealed_values | {
            row for (row,) in connection.execute("SELECT record FROM secret")
        }


def found(row: bytes, content: bytes) -> bool:
    return any(row[start : start + 32] in content for start in range(13, len(row) - 32, 32))


@pytest.mark.asyncio
async def test_what_was_purged_or_pruned_is_not_even_there_sealed(tmp_path: Path) -> None:
    place = made(tmp_path, keep_versions=3)
    async with place.opened() as driver:
        for number in range(4):
            for size in (60, 300, 9000):
                await keep(driver, f"db/{number}/{size}", os.urandom(size))
        await change(driver, "db/3/60", b"the oldest but one, to be pruned as well")
        await change(driver, "db/3/60", b"the newest, which takes its place at the end")
    before = rows(place)
    assert all(found(row, place.path.read_bytes()) for row in before)
    async with place.opened() as driver:
        for number in range(3):
            for size in (60, 300, 9000):
                await driver.purge(f"db/{number}/{size}")
        await change(driver, "db/3/60", b"one more")
    gone = before - rows(place)
    assert len(gone) > 18
    content = place.path.read_bytes()
    assert not any(found(row, content) for row in gone)


@pytest.mark.asyncio
async def test_large_values_leave_nothing_in_a_vault_of_many_pages(tmp_path: Path) -> None:
    # Of smaller ones SQLite may leave a sealed copy in the unused part of a page, when it
    # moves rows from one page to another.
    place = made(tmp_path)
    async with place.opened() as driver:
        for number in range(60):
            await keep(driver, f"db/{number}", os.urandom(9000))
    before = {row for row in rows(place) if len(row) > 9000}
    async with place.opened() as driver:
        for number in range(0, 60, 2):
            await driver.purge(f"db/{number}")
    gone = before - rows(place)
    assert len(gone) == 30
    content = place.path.read_bytes()
    for row in gone:
        # What of a value is not in pages of its own: its first bytes, beside its row.
        assert not found(row[4096:], content)


@pytest.mark.asyncio
async def test_no_error_shows_a_passphrase_or_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dek = b"canary-in-the-data-key-32-bytes!"
    derived: list[bytes] = []
    real = argon2.low_level.hash_secret_raw

    def noted(*arguments: object, **how: object) -> bytes:
        derived.append(real(*arguments, **how))  # type: ignore[arg-type]  # as they came
        return derived[-1]

    def no_memory(*_: object, **__: object) -> bytes:
        raise HashingError("no memory")

    monkeypatch.setattr(argon2.low_level, "hash_secret_raw", noted)
    monkeypatch.setattr("skykeep.envelope.header.new_dek", lambda: dek)
    errors: list[BaseException] = []

    async def opening(place: Place) -> None:
        async with place.opened():
            pass

    def creating(place: Place) -> None:
        try:
            place.create()
        except SkykeepError as error:
            errors.append(error)
        else:
            raise AssertionError("it did not fail")

    place = made(tmp_path / "vault", key_file=False, ask=lambda _: PASSWORD + "-right")
    async with place.opened():
        pass
    creating(place)
    place.ask = lambda _: PASSWORD
    errors.append(await failure(opening(place)))
    place.ask = lambda prompt: PASSWORD + prompt
    creating(Place(tmp_path / "other", key_file=False, ask=place.ask))
    place.ask = lambda _: PASSWORD
    with monkeypatch.context() as patch:
        patch.setattr(argon2.low_level, "hash_secret_raw", no_memory)
        errors.append(await failure(opening(place)))
        creating(Place(tmp_path / "other", key_file=False, ask=place.ask))
    (tmp_path / "file").touch()
    creating(Place(tmp_path / "file" / "under", key_file=False, ask=place.ask))
    key = b"canary-in-the-key-file-32-bytes!"
    keyed = made(tmp_path / "keyed")
    keyed.key_path.write_bytes(key)
    errors.append(await failure(opening(keyed)))
    assert len(errors) == 7
    assert len(derived) >= 3
    for error in errors:
        assert error.__context__ is None or isinstance(error.__context__, OSError)
        hidden(shown(error), PASSWORD.encode(), dek, key, *derived)


def test_keys_show_nothing_of_themselves() -> None:
    unlocked = keys.VaultKeys(b"canary-in-the-key-of-32-bytes-xx", bytes(16))
    for thing in (unlocked, unlocked.sealer, AESGCM(bytes(32))):
        assert MARK not in repr(thing) + str(thing)
        assert not hasattr(thing, "__dict__") or MARK not in repr(vars(thing))
