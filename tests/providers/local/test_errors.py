"""Every error of SQLite becomes one of ours, by its code; its own is let go of."""

from __future__ import annotations

import errno
import gc
import os
import sqlite3
import threading
import weakref
from contextlib import closing
from pathlib import Path

import pytest

from skykeep.durable.errors import not_written
from skykeep.durable.link import _descriptors
from skykeep.errors import Corrupt, Denied, Quota, SkykeepError, Unavailable
from skykeep.providers.local.errors import damaged, translate, with_vault_errors
from tests.providers.local.vaults import keep, made, read

PATH = Path("somewhere/vault.db")

TABLE: list[tuple[str, type[SkykeepError]]] = [
    ("SQLITE_FULL", Quota),
    ("SQLITE_IOERR_SHMSIZE", Quota),
    ("SQLITE_BUSY", Unavailable),
    ("SQLITE_BUSY_RECOVERY", Unavailable),
    ("SQLITE_BUSY_SNAPSHOT", Unavailable),
    ("SQLITE_LOCKED", Unavailable),
    ("SQLITE_LOCKED_SHAREDCACHE", Unavailable),
    ("SQLITE_PROTOCOL", Unavailable),
    ("SQLITE_READONLY", Denied),
    ("SQLITE_READONLY_DIRECTORY", Denied),
    ("SQLITE_READONLY_CANTINIT", Denied),
    ("SQLITE_PERM", Denied),
    ("SQLITE_CANTOPEN", Denied),
    ("SQLITE_CANTOPEN_ISDIR", Denied),
    ("SQLITE_IOERR", Unavailable),
    ("SQLITE_IOERR_READ", Unavailable),
    ("SQLITE_IOERR_WRITE", Unavailable),
    ("SQLITE_IOERR_FSYNC", Unavailable),
    ("SQLITE_IOERR_SHORT_READ", Corrupt),
    ("SQLITE_IOERR_CORRUPTFS", Corrupt),
    ("SQLITE_NOMEM", Unavailable),
    ("SQLITE_INTERRUPT", Unavailable),
    ("SQLITE_CORRUPT", Corrupt),
    ("SQLITE_CORRUPT_INDEX", Corrupt),
    ("SQLITE_NOTADB", Corrupt),
    ("SQLITE_ERROR", Corrupt),
    ("SQLITE_SCHEMA", Corrupt),
    ("SQLITE_TOOBIG", Corrupt),
    ("SQLITE_CONSTRAINT", Corrupt),
    ("SQLITE_CONSTRAINT_PRIMARYKEY", Corrupt),
    ("SQLITE_MISMATCH", Corrupt),
    ("SQLITE_INTERNAL", Corrupt),
]


@pytest.mark.parametrize(("code", "ours"), TABLE)
def test_by_code(code: str, ours: type[SkykeepError]) -> None:
    error = sqlite3.OperationalError("a text that nobody reads")
    error.sqlite_errorcode = getattr(sqlite3, code)
    error.sqlite_errorname = code
    translated = translate(error, PATH)
    assert type(translated) is ours
    assert str(PATH) in str(translated)
    assert translated.hint
    assert "nobody reads" not in str(translated)


def test_quota_and_busy_say_that_nothing_was_written() -> None:
    for code in ("SQLITE_FULL", "SQLITE_BUSY"):
        error = sqlite3.OperationalError()
        error.sqlite_errorcode = getattr(sqlite3, code)
        error.sqlite_errorname = code
        assert "nothing was written" in str(translate(error, PATH))


def caught(work: object) -> SkykeepError:
    with pytest.raises(SkykeepError) as error:
        with_vault_errors(PATH, work)  # type: ignore[arg-type]  # any function
    return error.value


def test_real_errors(tmp_path: Path) -> None:
    file = tmp_path / "file.db"
    with (
        closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as one,
        closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as two,
    ):
        one.execute("CREATE TABLE t (a UNIQUE)")
        one.execute("BEGIN EXCLUSIVE")
        assert type(caught(lambda: two.execute("BEGIN IMMEDIATE"))) is Unavailable
        one.execute("COMMIT")
        assert type(caught(lambda: one.execute("SELECT * FROM nothing"))) is Corrupt
        one.execute("INSERT INTO t VALUES (1)")
        assert type(caught(lambda: one.execute("INSERT INTO t VALUES (1)"))) is Corrupt
        one.execute("PRAGMA max_page_count = 3")
        big = "INSERT INTO t VALUES (zeroblob(100000))"
        assert type(caught(lambda: one.execute(big))) is Quota
        two.execute("PRAGMA query_only = ON")
        assert type(caught(lambda: two.execute("INSERT INTO t VALUES (2)"))) is Denied
        bad = "SELECT CAST(x'ff' AS TEXT)"
        assert type(caught(lambda: one.execute(bad).fetchone())) is Corrupt
    assert type(caught(lambda: one.execute("SELECT 1"))) is Unavailable
    missing = f"{(tmp_path / 'no' / 'file').as_uri()}?mode=rw"
    assert type(caught(lambda: sqlite3.connect(missing, uri=True))) is Denied
    file.write_bytes(b"no database at all" * 1000)
    with closing(sqlite3.connect(file)) as other:
        assert type(caught(lambda: other.execute("SELECT * FROM t"))) is Corrupt


def test_an_interrupted_statement() -> None:
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as connection:
        endless = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT count(*) FROM n"
        )
        ended = threading.Event()

        def interrupt() -> None:
            while not ended.wait(0.01):
                connection.interrupt()

        other = threading.Thread(target=interrupt)
        other.start()
        try:
            assert type(caught(lambda: connection.execute(endless))) is Unavailable
        finally:
            ended.set()
            other.join()


def test_messages_that_are_no_text_are_damage() -> None:
    def fail() -> None:
        b"\xff".decode()

    assert type(caught(fail)) is Corrupt


def test_nothing_of_sqlite_is_chained() -> None:
    def fail() -> None:
        raise sqlite3.DatabaseError("details")

    error = caught(fail)
    assert error.__context__ is None
    assert error.__cause__ is None


def test_the_error_holds_nothing_of_the_work_once_it_is_let_go() -> None:
    class Held:
        pass

    held = Held()
    alive = weakref.ref(held)

    def fail(_: Held = held) -> None:
        raise sqlite3.DatabaseError

    gc.disable()  # what is held in a circle would wait for it
    try:
        with pytest.raises(Corrupt):
            with_vault_errors(PATH, fail)
        del fail, held
        assert alive() is None
    finally:
        gc.enable()


def test_damage_keeps_its_hint_or_gets_one() -> None:
    def fail(error: Corrupt) -> None:
        raise error

    first = damaged(PATH, "as found")
    assert caught(lambda: fail(first)) is first
    second = caught(lambda: fail(Corrupt("a row is gone")))
    assert str(PATH) in str(second)
    assert "a row is gone" in str(second)
    assert second.hint


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        (errno.ENOSPC, Quota),
        (errno.EDQUOT, Quota),
        (errno.EFBIG, Quota),
        (errno.EACCES, Denied),
        (errno.EROFS, Denied),
        (errno.ENOTDIR, Denied),
    ],
)
def test_files_that_cannot_be_made(code: int, ours: type[SkykeepError]) -> None:
    error = not_written(OSError(code, os.strerror(code)), f"the vault {PATH}")
    assert type(error) is ours
    assert str(PATH) in str(error)
    assert error.hint


def open_files(place: Path) -> list[str]:
    """What is open below a directory. Descriptors that lie beside SQLite's are closed with the
    last connection of the process, which may be another test's."""
    links = []
    shared = set(_descriptors._open.values()) if _descriptors._connected else set()
    for descriptor in Path("/proc/self/fd").iterdir():
        if int(descriptor.name) in shared:
            continue
        try:
            links.append(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return [link for link in links if link.startswith(str(place))]


@pytest.mark.asyncio
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files cannot be listed")
async def test_a_driver_that_met_damage_still_closes_its_files(tmp_path: Path) -> None:
    place = made(tmp_path / "vault")
    async with place.opened() as driver:
        for number in range(5):
            await keep(driver, f"a/{number}", b"value")
    with closing(sqlite3.connect(place.path, isolation_level=None)) as connection:
        connection.execute("UPDATE secret SET record = zeroblob(90)")
    gc.collect()  # what earlier tests left
    gc.disable()
    try:
        async with place.opened() as driver:
            errors = []
            for prefix in ("", "a"):
                with pytest.raises(Corrupt) as damage:
                    await driver.list(prefix, cursor=None, limit=100)
                errors.append(damage.value)
            with pytest.raises(Corrupt) as damage:
                await read(driver, "a/1")
            with pytest.raises(Corrupt) as damage:
                await keep(driver, "a/new", b"value")
        assert open_files(place.directory) == []
    finally:
        gc.enable()
