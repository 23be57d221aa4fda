"""The system's keyring as what unlocks a vault, and keeps its counter."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends import chainer, fail, null
from keyrings.alt.file import PlaintextKeyring

from skykeep.errors import (
    ConfigError,
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    MissingExtra,
    Unsupported,
)
from skykeep.providers.local import os_keyring, slots, vault
from skykeep.providers.local.rollback import accept, watch
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import anchor_of, unlock, unlock_dek
from tests.providers.local.keyrings import Locked, Silent, chosen, encrypted
from tests.providers.local.vaults import CHEAP, PASSPHRASE, Place, change, keep, read

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def ring(tmp_path: Path) -> Iterator[Path]:
    """The file of the keyring that is chosen."""
    file = tmp_path / "keyring.cfg"
    with chosen(encrypted(file)):
        yield file


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A vault that the keyring unlocks."""
    place = bare(tmp_path / "vault")
    place.directory.mkdir()
    created = vault.create(place.settings, place.context, in_keyring=True)
    assert created.keyring == "keyrings.alt.file.EncryptedKeyring"
    return place


def bare(directory: Path, **environ: str) -> Place:
    """A place with no key at hand but what is given."""
    return Place(directory, key_file=False, environ={"HOME": "/", **environ})


def content_of(file: Path) -> bytes:
    return file.read_bytes()


def user(place: Place) -> str:
    return read_header(place.path).vault.hex()


async def refusal(place: Place, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        async with place.opened():
            pass
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return f"{caught.value} {getattr(caught.value, 'hint', '')}"


async def test_a_vault_that_the_keyring_unlocks(place: Place, ring: Path) -> None:
    async with place.opened() as driver:
        await keep(driver, "db/password", b"value")
    async with place.opened() as driver:
        assert await read(driver, "db/password") == b"value"
    assert read_header(place.path).kinds() == {"keyring"}
    entry = keyring.get_password("skykeep", user(place))
    assert entry is not None
    assert len(base64.b64decode(entry, validate=True)) == 32
    assert entry.encode() not in content_of(ring)
    assert not list(place.directory.glob("*.counter"))


async def test_the_key_is_in_no_file_of_the_vault(place: Place) -> None:
    async with place.opened() as driver:
        await keep(driver, "db/password", b"value")
    entry = keyring.get_password("skykeep", user(place)) or ""
    for file in place.directory.iterdir():
        content = file.read_bytes()
        assert entry.encode() not in content
        assert base64.b64decode(entry) not in content


async def test_an_entry_that_is_gone_or_another(place: Place) -> None:
    entry = keyring.get_password("skykeep", user(place)) or ""
    for wrong, said in (
        ("not base64!", "something else"),
        (base64.b64encode(b"short").decode(), "something else"),
        (base64.b64encode(bytes(32)).decode(), "does not unlock"),
    ):
        keyring.set_password("skykeep", user(place), wrong)
        told = await refusal(place, KeyFailure)
        assert said in told
        assert wrong not in told
    keyring.delete_password("skykeep", user(place))
    told = await refusal(place, KeyFailure)
    assert "has no key of this vault" in told
    assert "SKYKEEP_KEYRING=off" in told
    keyring.set_password("skykeep", user(place), entry)
    async with place.opened():
        pass


async def test_another_backend_has_no_key(place: Place, tmp_path: Path) -> None:
    with chosen(encrypted(tmp_path / "other.cfg")):
        assert "has no key of this vault" in await refusal(place, KeyFailure)


async def test_a_keyring_that_is_locked_shows_nothing_of_its_error(place: Place) -> None:
    with chosen(Locked()):
        told = await refusal(place, KeyFailure)
    assert "KeyringLocked" in told
    assert "unlock it" in told
    assert "hunter2" not in told


async def test_a_keyring_that_gives_no_answer_is_given_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os_keyring, "ALONE_SECONDS", 0.05)
    with chosen(silent := Silent()):
        assert "no answer within 0.05 seconds" in await refusal(place, KeyFailure)
        silent.released.set()


async def test_somebody_who_is_there_has_longer_to_answer_a_dialogue() -> None:
    alone = os_keyring.OsKeyring(bytes(16), attended=False)
    attended = os_keyring.OsKeyring(bytes(16), attended=True)
    assert (alone._seconds, attended._seconds) == (10, 120)


def failing() -> list[keyring.backend.KeyringBackend]:
    kinds: list[Any] = [fail.Keyring, null.Keyring, PlaintextKeyring, _Chain]
    return [kind() for kind in kinds]


class _Chain(chainer.ChainerBackend):
    backends = (Locked(), PlaintextKeyring())


@pytest.mark.parametrize("backend", failing())
async def test_backends_that_keep_nothing_or_keep_it_in_the_clear(
    place: Place, tmp_path: Path, backend: keyring.backend.KeyringBackend
) -> None:
    named = f"{type(backend).__module__}.{type(backend).__qualname__}"
    if isinstance(backend, _Chain):
        named = "keyrings.alt.file.PlaintextKeyring"
    other = bare(tmp_path / "other")
    with chosen(backend):
        told = await refusal(place, Unsupported)
        assert named in told
        assert "SKYKEEP_KEYRING=off" in told
        with pytest.raises(Unsupported):
            vault.create(other.settings, other.context, in_keyring=True)
    assert not other.path.exists()


async def test_without_the_library(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "pip install 'skykeep[keyring]'" in await refusal(place, MissingExtra)


async def test_the_library_is_not_imported_for_other_vaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    place = Place(tmp_path / "vault", key_file=False)
    place.create()
    async with place.opened() as driver:
        await keep(driver, "name", b"value")


# -- with other keys


async def test_the_order_and_the_switch(place: Place) -> None:
    slots.set_passphrase(place.settings, place.context, PASSPHRASE, cost=CHEAP)
    header = read_header(place.path)
    dek = unlock_dek(header, place.settings, place.context)
    with chosen(Locked()):  # whoever asks it fails
        assert "KeyringLocked" in await refusal(place, KeyFailure)
        given = bare(place.directory, SKYKEEP_PASSPHRASE=PASSPHRASE)
        assert unlock_dek(header, given.settings, given.context) == dek
        off = bare(place.directory, SKYKEEP_KEYRING="off")
        assert "there is no key to open it" in await refusal(off, KeyFailure)
        off.ask = lambda _: PASSPHRASE
        assert unlock_dek(header, off.settings, off.context) == dek
        slots.set_key_file(off.settings, off.context, place.key_path)
        keyed = Place(place.directory)
        assert unlock_dek(read_header(place.path), keyed.settings, keyed.context) == dek


async def test_a_switch_that_is_neither_on_nor_off(place: Place) -> None:
    place.environ["SKYKEEP_KEYRING"] = "maybe"
    assert "on or off" in await refusal(place, ConfigError)


async def test_a_keyring_that_is_switched_off_is_named(place: Place) -> None:
    place.environ["SKYKEEP_KEYRING"] = "off"
    assert "switched off" in await refusal(place, KeyFailure)


async def test_adding_replacing_and_forgetting(tmp_path: Path) -> None:
    place = Place(tmp_path / "vault")
    place.directory.mkdir()
    place.create()
    assert slots.set_keyring(place.settings, place.context) == (
        "keyrings.alt.file.EncryptedKeyring"
    )
    first = keyring.get_password("skykeep", user(place))
    alone = bare(place.directory)
    async with alone.opened() as driver:
        await keep(driver, "name", b"value")
    slots.set_keyring(alone.settings, alone.context)
    assert keyring.get_password("skykeep", user(place)) != first
    assert len(read_header(place.path).slots) == 2
    async with alone.opened() as driver:
        assert await read(driver, "name") == b"value"
    with pytest.raises(KeyFailure):  # only the keyring is at hand: it must stay
        slots.forget(alone.settings, alone.context, "keyring")
    slots.forget(place.settings, place.context, "keyring")
    assert keyring.get_password("skykeep", user(place)) is None
    assert keyring.get_password("skykeep", user(place) + "/counter") is None
    await refusal(alone, KeyFailure)
    async with place.opened() as driver:
        assert await read(driver, "name") == b"value"


async def test_the_only_key_is_not_forgotten(place: Place) -> None:
    with pytest.raises(Invalid):
        slots.forget(place.settings, place.context, "keyring")
    async with place.opened():
        pass


async def test_a_change_that_fails_leaves_the_key_that_fits(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keyring.get_password("skykeep", user(place))

    def fails(*_: object) -> None:
        raise Conflict("the keys of the vault were changed meanwhile")

    monkeypatch.setattr(slots, "with_vault_errors", fails)
    with pytest.raises(Conflict):
        slots.set_keyring(place.settings, place.context)
    assert keyring.get_password("skykeep", user(place)) == before
    async with place.opened():
        pass


async def test_a_vault_that_cannot_be_made_leaves_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocked").write_bytes(b"a file where a directory is wanted")
    made: list[str] = []
    real = os_keyring.OsKeyring.set

    def noted(self: os_keyring.OsKeyring, value: str, what: str = "") -> None:
        made.append(self._user)
        real(self, value, what)

    monkeypatch.setattr(os_keyring.OsKeyring, "set", noted)
    place = bare(tmp_path / "blocked" / "vault")
    with pytest.raises(Denied, match="cannot be made"):
        vault.create(place.settings, place.context, in_keyring=True)
    assert len(made) == 1
    assert keyring.get_password("skykeep", made[0]) is None


# -- the counter


async def test_an_older_copy_is_noticed(place: Place) -> None:
    async with place.opened() as driver:
        await keep(driver, "name", b"1")
    older = place.path.read_bytes()
    async with place.opened() as driver:
        await asyncio.gather(*(keep(driver, f"n/{n}", b"x") for n in range(3)))
        await change(driver, "name", b"2")
    counted = int(keyring.get_password("skykeep", user(place) + "/counter") or 0)
    header = read_header(place.path)
    keys = unlock(header, place.settings, place.context)
    seen = watch(place.path, keys, anchor_of(header, place.settings, place.context))
    assert (seen.number, seen.where, seen.reason) == (counted, "in the system's keyring", "")
    place.path.write_bytes(older)
    assert f"(1 < {counted})" in await refusal(place, Corrupt)
    assert accept(place.settings, place.context).number == counted + 1
    async with place.opened() as driver:
        assert await read(driver, "name") == b"1"


async def test_the_keyring_is_written_at_the_first_commit_and_at_the_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.opened():
        pass
    written: list[str] = []
    real = os_keyring.OsKeyring.set

    def counted(self: os_keyring.OsKeyring, value: str, what: str = "") -> None:
        written.append(value)
        real(self, value, what)

    monkeypatch.setattr(os_keyring.OsKeyring, "set", counted)
    async with place.opened() as driver:
        await keep(driver, "name", b"0")
        for number in range(1, 9):
            await change(driver, "name", b"%d" % number)
        assert len(written) <= 2
    assert written[0] == "1"
    assert written[-1] == "9"


async def test_a_counter_that_is_damaged(place: Place) -> None:
    async with place.opened() as driver:
        await keep(driver, "name", b"1")
    keyring.set_password("skykeep", user(place) + "/counter", "-1x")
    assert "skykeep vault accept" in await refusal(place, Corrupt)
    accept(place.settings, place.context)
    async with place.opened():
        pass
