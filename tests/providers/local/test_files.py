"""The vault's file: found, refused, damaged at its head, newer, older."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from skykeep.envelope import header as envelope_header
from skykeep.envelope.digests import sha256
from skykeep.envelope.header import Header
from skykeep.errors import ConfigError, Corrupt, Denied, SkykeepError, Unsupported
from skykeep.providers.local import schema, session
from tests.providers.local.vaults import Place, keep, listed, made, read


async def refusal(place: Place) -> SkykeepError:
    with pytest.raises(SkykeepError) as caught:
        async with place.opened() as driver:
            await listed(driver)
    return caught.value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return made(tmp_path / "vault")


# -- what is no vault, or not for us


@pytest.mark.asyncio
async def test_no_vault(tmp_path: Path) -> None:
    place = Place(tmp_path / "nowhere")
    error = await refusal(place)
    assert type(error) is ConfigError
    assert str(place.path) in str(error)
    assert "skykeep init" in error.hint
    assert not place.directory.exists()


@pytest.mark.asyncio
async def test_a_directory_is_no_vault(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.path.mkdir()
    assert type(await refusal(place)) is ConfigError


@pytest.mark.asyncio
async def test_a_path_with_a_null_is_no_vault(place: Place) -> None:
    settings = msgspec.structs.replace(place.settings, path="a\0b")
    with pytest.raises(ConfigError):
        session.read_header(Path(str(settings.path)))


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
async def test_a_vault_that_everybody_can_touch(place: Place, mode: int) -> None:
    place.path.chmod(mode)
    error = await refusal(place)
    assert type(error) is Denied
    assert f"chmod 600 {place.path}" in error.hint


@pytest.mark.asyncio
async def test_a_vault_for_the_group(place: Place) -> None:
    place.path.chmod(0o640)
    async with place.opened():
        pass


@pytest.mark.asyncio
@pytest.mark.parametrize("content", [b"", b"SQLite", b"not a database, a longer text" * 400])
async def test_another_file_is_damaged(place: Place, content: bytes) -> None:
    place.path.write_bytes(content)
    assert type(await refusal(place)) is Corrupt


@pytest.mark.asyncio
async def test_another_database_is_damaged(place: Place) -> None:
    place.path.unlink()
    with closing(sqlite3.connect(place.path)) as connection:
        connection.execute("CREATE TABLE bank (balance)")
    place.path.chmod(0o600)
    assert type(await refusal(place)) is Corrupt


@pytest.mark.asyncio
async def test_the_journal_is_nobody_elses_to_read(place: Place) -> None:
    async with place.opened() as driver:
        await keep(driver, "name", b"value")
        files = list(place.directory.glob("vault.db-*"))
        assert len(files) == 2
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


# -- a damaged header


def change_header(
    place: Place, change: Callable[[bytes, bytes], tuple[object, object]]
) -> None:
    with closing(sqlite3.connect(place.path, isolation_level=None)) as connection:
        body, digest = connection.execute("SELECT body, digest FROM header").fetchone()
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("UPDATE header SET body = ?, digest = ?", change(body, digest))


@pytest.mark.asyncio
async def test_each_byte_of_the_headers_body_and_digest(place: Place) -> None:
    content = place.path.read_bytes()
    with closing(sqlite3.connect(place.path)) as connection:
        body, digest = connection.execute("SELECT body, digest FROM header").fetchone()
    for part in (body, digest):
        assert content.count(part) == 1
        start = content.index(part)
        for offset in range(start, start + len(part)):
            damaged = bytearray(content)
            damaged[offset] ^= 1 << offset % 8
            place.path.write_bytes(damaged)
            with pytest.raises(Corrupt) as caught:
                session.read_header(place.path)
            assert str(place.path) in str(caught.value)
            assert caught.value.hint


def sqlite_fields() -> list[tuple[int, int, str]]:
    """The fields of SQLite's file header whose loss can be told (fileformat.html, 1.3)."""
    return [
        (0, 16, "magic"),
        (16, 18, "page size"),
        (18, 20, "versions"),
        (21, 24, "fractions"),
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(("start", "stop", "field"), sqlite_fields())
async def test_each_byte_of_sqlites_header(
    place: Place, start: int, stop: int, field: str
) -> None:
    content = place.path.read_bytes()
    for offset in range(start, stop):
        damaged = bytearray(content)
        damaged[offset] ^= 0xFF
        place.path.write_bytes(damaged)
        assert type(await refusal(place)) is Corrupt, f"{field}, byte {offset}"


@pytest.mark.asyncio
async def test_every_byte_of_sqlites_header_is_harmless_or_told(place: Place) -> None:
    async with place.opened() as driver:
        await keep(driver, "db/password", b"value")
    content = place.path.read_bytes()
    for offset in range(100):
        for value in (content[offset] ^ 0xFF, content[offset] ^ 1, 0, 3):
            damaged = bytearray(content)
            damaged[offset] = value
            place.path.write_bytes(damaged)
            try:
                async with place.opened() as driver:
                    assert await read(driver, "db/password") == b"value"
                    assert await listed(driver) == ["db/password"]
                    await keep(driver, "another", b"value")
                    assert await read(driver, "db/password") == b"value"
            except Corrupt:
                pass


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "change",
    [
        lambda body, _: (body, bytes(32)),
        lambda body, digest: (body, digest[:31]),
        lambda _, digest: (b"", digest),
        lambda _, __: (b"{}", sha256(b"{}")),
        lambda _, __: (b"[1]", sha256(b"[1]")),
        lambda _, __: (b"\xff\xfe", sha256(b"\xff\xfe")),
        lambda _, __: (b'{"format": -1}', sha256(b'{"format": -1}')),
    ],
)
async def test_a_header_that_makes_no_sense(
    place: Place, change: Callable[[bytes, bytes], tuple[object, object]]
) -> None:
    change_header(place, change)
    assert type(await refusal(place)) is Corrupt


@pytest.mark.asyncio
async def test_no_header(place: Place) -> None:
    with closing(sqlite3.connect(place.path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM header")
    assert type(await refusal(place)) is Corrupt


# -- other formats


def with_format(number: int) -> Callable[[bytes, bytes], tuple[bytes, bytes]]:
    def change(body: bytes, _: bytes) -> tuple[bytes, bytes]:
        tree = msgspec.json.decode(body)
        tree["format"] = number
        if number > 1:
            tree["news"] = "what only a newer version knows"
        other = msgspec.json.encode(tree)
        return other, sha256(other)

    return change


@pytest.mark.asyncio
async def test_a_newer_vault_is_left_alone(place: Place) -> None:
    change_header(place, with_format(2))
    before = place.path.read_bytes()
    error = await refusal(place)
    assert type(error) is Unsupported
    assert "upgrade" in error.hint
    assert place.path.read_bytes() == before
    assert sorted(path.name for path in place.directory.iterdir()) == ["vault.db", "vault.key"]


@pytest.mark.asyncio
async def test_a_format_before_the_first_is_damage(place: Place) -> None:
    change_header(place, with_format(0))
    assert type(await refusal(place)) is Corrupt


@pytest.fixture
def second_format(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A format 2 with one table more. Tells what was done."""
    done: list[str] = []

    def migrate(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE news (id INTEGER PRIMARY KEY) STRICT")
        done.append("migrated")

    monkeypatch.setattr(envelope_header, "FORMAT", 2)
    monkeypatch.setitem(schema.MIGRATIONS, 1, migrate)
    return done


def tables(place: Place) -> set[str]:
    with closing(sqlite3.connect(place.path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


@pytest.mark.asyncio
async def test_an_older_vault_is_migrated(place: Place, second_format: list[str]) -> None:
    assert "news" not in tables(place)
    for _ in range(2):
        async with place.opened() as driver:
            assert await listed(driver) == []
    assert second_format == ["migrated"]
    assert "news" in tables(place)
    assert session.read_header(place.path).format == 2


@pytest.mark.asyncio
async def test_a_migration_that_fails_leaves_the_old_vault(
    place: Place, second_format: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first_step = schema.MIGRATIONS[1]

    def fail(connection: sqlite3.Connection) -> None:
        first_step(connection)
        raise sqlite3.OperationalError("the second step")

    with monkeypatch.context() as patch:
        patch.setitem(schema.MIGRATIONS, 1, fail)
        await refusal(place)
        assert "news" not in tables(place)
    async with place.opened():
        assert "news" in tables(place)
    assert second_format == ["migrated", "migrated"]


def test_two_processes_that_migrate_at_once(place: Place, second_format: list[str]) -> None:
    with (
        closing(session.connect(place.path, read_only=False)) as one,
        closing(session.connect(place.path, read_only=False)) as two,
    ):
        both: list[Header] = [schema.read_header(one), schema.read_header(two)]
        assert schema.migrate(one, both[0]).format == 2
        assert schema.migrate(two, both[1]).format == 2
    assert second_format == ["migrated"]
