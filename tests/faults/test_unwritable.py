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
        for path in (place.directory, place.path, place.key_path):
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
