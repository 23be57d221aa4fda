"""What unlocks a vault, what does not, and what is said about it."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import argon2.low_level
import pytest
from argon2.exceptions import HashingError

from skykeep.durable.key_file import make_key_file
from skykeep.errors import ConfigError, Conflict, Denied, KeyFailure, Quota, SkykeepError
from skykeep.providers.local import vault
from tests.providers.local.vaults import CHEAP, PASSPHRASE, Place, keep, made, read


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """One entry for each Argon2id that was run."""
    seen: list[bytes] = []
    real = argon2.low_level.hash_secret_raw

    def counted(secret: bytes, *arguments: object, **how: object) -> bytes:
        seen.append(secret)
        return real(secret, *arguments, **how)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(argon2.low_level, "hash_secret_raw", counted)
    return seen


async def refusal(place: Place) -> SkykeepError:
    with pytest.raises(SkykeepError) as caught:
        async with place.opened():
            pass
    return caught.value


# -- passphrases


@pytest.mark.asyncio
async def test_a_wrong_passphrase_is_one_key_failure_after_one_argon2id(
    tmp_path: Path, runs: list[bytes]
) -> None:
    place = made(tmp_path, key_file=False)
    runs.clear()
    place.environ["SKYKEEP_PASSPHRASE"] = "wrong"
    error = await refusal(place)
    assert type(error) is KeyFailure
    assert runs == [b"wrong"]
    assert error.__context__ is None


@pytest.mark.asyncio
async def test_the_refusal_is_the_same_whatever_the_vault_keeps(tmp_path: Path) -> None:
    empty = made(tmp_path / "vault", key_file=False)
    wrong = replace(empty, environ={"SKYKEEP_PASSPHRASE": "wrong"})
    before = str(await refusal(wrong))
    async with empty.opened() as driver:
        await keep(driver, "db/password", b"value")
    assert str(await refusal(wrong)) == before
    assert "password" not in before


@pytest.mark.asyncio
async def test_the_right_passphrase_costs_one_argon2id_for_all_reads(
    tmp_path: Path, runs: list[bytes]
) -> None:
    place = made(tmp_path, key_file=False)
    assert len(runs) == 1
    async with place.opened() as driver:
        await keep(driver, "name", b"value")
        assert await read(driver, "name") == b"value"
    assert len(runs) == 2


@pytest.mark.asyncio
async def test_a_key_file_costs_no_argon2id(tmp_path: Path, runs: list[bytes]) -> None:
    place = made(tmp_path)
    async with place.opened() as driver:
        await keep(driver, "name", b"value")
    assert not runs


@pytest.mark.asyncio
async def test_a_passphrase_typed_in_another_form_of_unicode_is_the_same(
    tmp_path: Path,
) -> None:
    typed = "Grüße, Ångström"
    place = made(tmp_path, key_file=False, environ={"SKYKEEP_PASSPHRASE": typed})
    place.environ["SKYKEEP_PASSPHRASE"] = unicodedata.normalize("NFD", typed)
    async with place.opened():
        pass


@pytest.mark.asyncio
async def test_an_asked_passphrase(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return PASSPHRASE

    place = made(tmp_path, key_file=False, ask=ask)
    assert asked == ["New passphrase", "Again"]
    async with place.opened():
        assert asked[2:] == ["Passphrase"]


@pytest.mark.asyncio
async def test_no_passphrase_and_nobody_to_ask(tmp_path: Path) -> None:
    place = made(tmp_path, key_file=False)
    place.environ.clear()
    error = await refusal(place)
    assert type(error) is KeyFailure
    assert "SKYKEEP_PASSPHRASE" in error.hint


@pytest.mark.asyncio
@pytest.mark.parametrize("failure", [HashingError("no memory"), MemoryError()])
async def test_too_little_memory_for_argon2id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    place = made(tmp_path, key_file=False)

    def fail(*_: object, **__: object) -> bytes:
        raise failure

    monkeypatch.setattr(argon2.low_level, "hash_secret_raw", fail)
    error = await refusal(place)
    assert type(error) is KeyFailure
    assert "memory" in str(error)
    assert error.__context__ is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [(["", "", ""], "empty"), (["one", "another"], "differ")],
)
def test_a_new_passphrase_that_is_no_good(tmp_path: Path, typed: list[str], said: str) -> None:
    answers = iter(typed)
    place = Place(tmp_path / "new", key_file=False, ask=lambda _: next(answers))
    with pytest.raises(KeyFailure, match=said):
        place.create()
    assert not place.path.exists()


def test_a_new_vault_without_any_key(tmp_path: Path) -> None:
    place = Place(tmp_path / "new", key_file=False, environ={"HOME": "/"})
    with pytest.raises(KeyFailure, match="needs a key") as caught:
        place.create()
    assert "--key-file" in caught.value.hint
    assert not place.path.parent.exists()


# -- key files


@pytest.mark.asyncio
async def test_a_wrong_key_file(tmp_path: Path) -> None:
    place = made(tmp_path)
    place.key_path.write_bytes(os.urandom(32))
    error = await refusal(place)
    assert type(error) is KeyFailure
    assert "does not unlock" in str(error)


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [0, 31, 33, 4096])
async def test_a_key_file_of_another_size(tmp_path: Path, size: int) -> None:
    place = made(tmp_path)
    place.key_path.write_bytes(os.urandom(size))
    error = await refusal(place)
    assert type(error) is KeyFailure
    assert "32" in str(error)
    assert str(place.key_path) in str(error)


@pytest.mark.asyncio
async def test_a_missing_key_file(tmp_path: Path) -> None:
    place = made(tmp_path)
    place.key_path.unlink()
    error = await refusal(place)
    assert type(error) is KeyFailure
    assert str(place.key_path) in str(error)
    assert not place.key_path.exists(), "a key file was made to open a vault"


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o601])
async def test_a_key_file_that_everybody_can_touch(tmp_path: Path, mode: int) -> None:
    place = made(tmp_path)
    place.key_path.chmod(mode)
    error = await refusal(place)
    assert type(error) is Denied
    assert f"chmod 600 {place.key_path}" in error.hint


@pytest.mark.asyncio
async def test_a_directory_for_a_key_file(tmp_path: Path) -> None:
    place = made(tmp_path)
    place.key_path.unlink()
    place.key_path.mkdir(mode=0o700)
    assert type(await refusal(place)) is Denied


@pytest.mark.asyncio
async def test_a_path_with_a_null_is_no_key_file(tmp_path: Path) -> None:
    place = made(tmp_path)
    place.key_file = False
    place.environ["SKYKEEP_KEY_FILE"] = "a\0b"
    assert type(await refusal(place)) is KeyFailure


@pytest.mark.asyncio
async def test_no_key_file_configured(tmp_path: Path) -> None:
    place = made(tmp_path)
    place.key_file = False
    error = await refusal(place)
    assert type(error) is KeyFailure
    assert "SKYKEEP_KEY_FILE" in error.hint


@pytest.mark.asyncio
async def test_the_key_file_of_the_environment(tmp_path: Path) -> None:
    place = made(tmp_path)
    place.key_file = False
    place.environ["SKYKEEP_KEY_FILE"] = str(place.key_path)
    async with place.opened():
        pass


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "key"
    assert make_key_file(path)
    key = path.read_bytes()
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert not make_key_file(path)
    assert path.read_bytes() == key
    assert list(path.parent.iterdir()) == [path]


def test_a_key_file_that_somebody_makes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"k" * 32)
    real = Path.exists

    def not_yet(self: Path, **how: bool) -> bool:
        return self != path and real(self, **how)

    monkeypatch.setattr(Path, "exists", not_yet)
    assert not make_key_file(path)
    assert path.read_bytes() == b"k" * 32


@pytest.mark.parametrize(("written", "kind"), [(7, Quota), (0, Quota)])
def test_a_key_file_is_whole_or_not_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: int,
    kind: type[SkykeepError],
) -> None:
    monkeypatch.setattr(os, "write", lambda *_: written)
    with pytest.raises(kind):
        make_key_file(tmp_path / "key")
    assert not list(tmp_path.iterdir())


# -- where things are


def test_the_vault_is_in_the_data_directory_by_default(tmp_path: Path) -> None:
    place = Place(tmp_path)
    settings = type(place.settings)(backend="local")
    assert vault.vault_path(settings, place.context) == tmp_path / "vault.db"


@pytest.mark.parametrize("what", ["path", "key_file"])
def test_a_home_that_nobody_has(tmp_path: Path, what: str) -> None:
    place = Place(tmp_path)
    where = {"path": str(place.path), "key_file": str(place.key_path)}
    where[what] = "~nobody-of-this-name/file"
    settings = type(place.settings)(backend="local", **where)  # type: ignore[arg-type]  # text
    with pytest.raises(ConfigError, match="nobody-of-this-name"):
        vault.create(settings, place.context, cost=CHEAP)


def test_a_second_vault_is_not_made_over_the_first(tmp_path: Path) -> None:
    place = made(tmp_path)
    before = place.path.read_bytes()
    with pytest.raises(Conflict) as caught:
        place.create()
    assert str(place.path) in str(caught.value)
    assert place.path.read_bytes() == before


def test_a_vault_that_somebody_makes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path)
    before = place.path.read_bytes()
    nothing: Callable[[object], bool] = lambda _: False  # noqa: E731  (a stand-in)
    monkeypatch.setattr(os.path, "lexists", nothing)
    with pytest.raises(Conflict):
        place.create()
    assert place.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vault.db", "vault.key"]


def test_what_was_made(tmp_path: Path) -> None:
    place = Place(tmp_path / "new")
    created = place.create()
    assert (created.path, created.key_file) == (place.path, place.key_path)
    assert created.key_file_made
    path, header = vault.inspect(place.settings, place.context)
    assert path == place.path
    assert header.kinds() == {"key-file"}
    for file in place.directory.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in place.directory.iterdir()) == ["vault.db", "vault.key"]
