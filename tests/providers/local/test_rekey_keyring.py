"""``rekey`` of a vault that the system's keyring unlocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skykeep.errors import KeyFailure
from skykeep.providers.local import slots, vault
from skykeep.providers.local.rekey import rekey
from skykeep.providers.local.rollback import watch
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import anchor_of, unlock
from tests.providers.local.keyrings import chosen, encrypted
from tests.providers.local.vaults import CHEAP, PASSPHRASE, Place, change, keep, read

pytestmark = pytest.mark.asyncio


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A vault that the keyring unlocks; no other key is at hand."""
    with chosen(encrypted(tmp_path / "keyring.cfg")):
        place = Place(tmp_path / "vault", key_file=False, environ={"HOME": "/"})
        place.directory.mkdir()
        vault.create(place.settings, place.context, in_keyring=True)
        yield place


async def test_the_keyring_unlocks_it_as_before_and_counts_on(place: Place) -> None:
    async with place.opened() as driver:
        await keep(driver, "name", b"value")
        assert rekey(place.settings, place.context).epoch == 2
        assert await read(driver, "name") == b"value"
        await change(driver, "name", b"changed")
    header = read_header(place.path)
    assert header.kinds() == {"keyring"}
    keys = unlock(header, place.settings, place.context)
    anchor = anchor_of(header, place.settings, place.context)
    assert watch(place.path, keys, anchor).number == anchor.read()
    async with place.opened() as driver:
        assert await read(driver, "name") == b"changed"


async def test_a_keyring_that_is_off_is_named_or_dropped(place: Place) -> None:
    slots.set_passphrase(place.settings, place.context, PASSPHRASE, cost=CHEAP)
    place.environ |= {"SKYKEEP_PASSPHRASE": PASSPHRASE, "SKYKEEP_KEYRING": "off"}
    with pytest.raises(KeyFailure, match="the system's keyring") as caught:
        rekey(place.settings, place.context)
    assert "--drop" in caught.value.hint
    rekey(place.settings, place.context, drop=["keyring"])
    assert read_header(place.path).kinds() == {"passphrase"}
    place.environ["SKYKEEP_KEYRING"] = "on"
    async with place.opened() as driver:
        await keep(driver, "name", b"value")
