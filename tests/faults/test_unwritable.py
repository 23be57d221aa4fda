"""Directories and files that may not be written: ``Denied``, with a mend; nothing changed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.faults import programs
from tests.faults.unwritable import NOBODY
from tests.providers.local.vaults import Place, keep, made


@pytest.fixture
def place(open_directory: Path) -> Place:
    """A vault with one secret that belongs to the user who will be refused."""
    vault = made(open_directory / "vault")

    async def fill() -> None:
        async with vault.opened() as driver:
            await keep(driver, "kept", b"kept value")

    asyncio.run(fill())
    return vault


def given_away(place: Place) -> None:
    if os.getuid() == 0:
        for path in (place.directory, place.path, place.key_path, place.counter_path):
            os.chown(path, NOBODY, NOBODY)


def refused(place: Place) -> dict[str, object]:
    before = place.path.read_bytes(), place.key_path.read_bytes()
    said = programs.run("unwritable", place.directory, "other-user")
    assert before == (place.path.read_bytes(), place.key_path.read_bytes())
    return said


def denied(answer: object) -> bool:
    return str(answer).startswith("Denied: ") and "; " in str(answer)


def test_the_other_user_could_use_it_if_nothing_were_in_the_way(place: Place) -> None:
    given_away(place)
    said = programs.run("unwritable", place.directory, "other-user")
    assert str(said["read"]).startswith("done: b'kept value'")
    assert str(said["write"]).startswith("done: ")
    assert str(said["make"]).startswith("done: ")


def test_a_directory_without_write_permission(place: Place) -> None:
    given_away(place)
    place.directory.chmod(0o500)
    said = refused(place)
    assert denied(said["read"])
    assert denied(said["write"])
    assert denied(said["make"])


def test_a_directory_that_cannot_be_entered(place: Place) -> None:
    given_away(place)
    place.directory.chmod(0o600)
    said = refused(place)
    assert denied(said["read"])
    assert denied(said["write"])
    assert denied(said["make"])
    assert denied(said["make beside"])
    place.directory.chmod(0o700)


def test_a_file_that_may_only_be_read(place: Place) -> None:
    given_away(place)
    place.path.chmod(0o400)
    said = refused(place)
    assert denied(said["write"])


def test_a_file_of_somebody_else(place: Place) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    given_away(place)
    os.chown(place.path, 0, 0)
    said = refused(place)
    assert denied(said["read"])
    assert denied(said["write"])


def test_a_key_file_of_somebody_else(place: Place) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    given_away(place)
    os.chown(place.key_path, 0, 0)
    said = refused(place)
    assert denied(said["read"])
    assert "key file" in str(said["read"])


# -- the counter beside the key file


@pytest.fixture
def far(place: Place, open_directory: Path) -> Path:
    """The key file, in a directory of its own; the vault with it."""
    keys = open_directory / "keys"
    keys.mkdir(mode=0o755)
    path = keys / "vault.key"
    place.key_path.rename(path)
    place.counter_path.rename(keys / place.counter_path.name)
    if os.getuid() == 0:
        for owned in (place.directory, place.path, keys, *keys.iterdir()):
            os.chown(owned, NOBODY, NOBODY)
    return path


def watched(place: Place, key: Path) -> dict[str, object]:
    return programs.run("unwritable", place.directory, "watch", key)


def counter_beside(key: Path) -> Path:
    (found,) = key.parent.glob("*.counter")
    return found


def test_a_counter_that_can_be_written(place: Place, far: Path) -> None:
    assert watched(place, far) == {
        "watch": "",
        "where": f"beside the key file, in {counter_beside(far)}",
        "number": "1",
    }


def test_a_directory_of_the_key_file_that_cannot_be_written(place: Place, far: Path) -> None:
    path = counter_beside(far)
    path.unlink()
    far.parent.chmod(0o500)
    said = watched(place, far)
    assert said["watch"] == f"{path} cannot be written: Permission denied"
    assert not path.exists()


def test_a_counter_that_can_only_be_read_is_still_held_against_the_vault(
    place: Place, far: Path
) -> None:
    path = counter_beside(far)
    path.chmod(0o400)
    assert watched(place, far)["watch"] == f"{path} cannot be written: Permission denied"
    path.chmod(0o600)
    path.write_bytes(b"skykeep counter 1 %020d\n" % 9)
    path.chmod(0o400)
    assert "(1 < 9)" in str(watched(place, far)["watch"])


def test_a_counter_that_cannot_be_read_is_denied_with_a_mend(place: Place, far: Path) -> None:
    path = counter_beside(far)
    path.chmod(0)
    said = watched(place, far)
    assert str(said["watch"]).startswith(f"Denied: the counter beside the key file, {path}")
    assert "readable" in str(said["hint"])
