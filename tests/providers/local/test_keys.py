"""Keys in a vault: out of sight, and whatever is done to the vault is done to them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from skykeep.cloud import Cloud
from skykeep.errors import Corrupt, Invalid, KeyFailure, NotFound, Quota
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import keys as local_keys
from skykeep.providers.local.backup import backup, restore
from skykeep.providers.local.compact import compact
from skykeep.providers.local.keys import LocalKeys, open_keys
from skykeep.providers.local.rekey import rekey
from skykeep.providers.local.slots import set_passphrase
from skykeep.providers.local.verify import Counts
from skykeep.settings.model import Environment
from tests.providers.local.ages import names_in
from tests.providers.local.key_vaults import opened, verified
from tests.providers.local.test_canary import shown
from tests.providers.local.vaults import CHEAP, Place, keep, listed, made

pytestmark = pytest.mark.asyncio

NONE: dict[str, str] = {}


async def material(driver: LocalKeys, name: str, version: str | None = None) -> bytes:
    purpose = (await driver.describe(name)).purpose
    return (await driver._version(name, purpose, version)).material.reveal()


async def encrypted(driver: LocalKeys, rotations: int) -> dict[bytes, SecretValue]:
    """A key ``team/key`` with so many rotations, and a ciphertext of each version."""
    await driver.create("team/key")
    found = {}
    for number in range(rotations + 1):
        value = SecretValue(f"of version {number}")
        found[await driver.encrypt("team/key", value, {"n": str(number)})] = value
        if number < rotations:
            await driver.rotate("team/key")
    return found


async def opens(driver: LocalKeys, found: dict[bytes, SecretValue]) -> None:
    for number, (ciphertext, value) in enumerate(found.items()):
        assert await driver.decrypt("team/key", ciphertext, {"n": str(number)}) == value


# -- out of sight


async def test_keys_are_no_secrets(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as secrets, opened(place) as keys:
        await keys.create("team/key")
        await keys.create("native:their key")
        await keep(secrets, "team/key", b"a secret of the same name")
        await keep(secrets, "team/other", b"another")
        await keep(secrets, "native:their key", b"a native one")
        for limit in (1, 2, 1000):
            found = sorted(await listed(secrets, limit=limit))
            assert found == ["native:their key", "team/key", "team/other"]
        assert sorted(await listed(secrets, "team")) == ["team/key", "team/other"]
        assert await listed(secrets, deleted=True) == []
        assert [info.name for info in (await keys.list("", cursor=None, limit=10)).items] == [
            "team/key"
        ]
        await secrets.purge("team/key")
        assert (await keys.describe("team/key")).version == "1"
        with pytest.raises(NotFound, match="no key"):
            await keys.describe("team/other")


async def test_an_application_reaches_no_key_as_a_secret(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with opened(place) as keys:
        await keys.create("team/key")
    environment = Environment(name="test", primary=place.settings)
    async with Cloud(environment, environ={}) as cloud:
        for name in ("key:/team/key", "key:", "key:/team"):
            with pytest.raises(Invalid):
                await cloud.secrets.get(name)
        for name in ("native:key:/team/key", "team/key", "native:/team/key"):
            with pytest.raises(NotFound):
                await cloud.secrets.get(name)
        assert [info async for info in cloud.secrets.list()] == []
        assert [info.name async for info in cloud.keys.list()] == ["team/key"]
        wrapped = await cloud.keys.wrap("team/key", bytes(32))
        assert await cloud.keys.unwrap("team/key", wrapped) == SecretValue(bytes(32))


async def test_a_prefix_keeps_targets_apart(tmp_path: Path) -> None:
    place = made(tmp_path)
    other = Place(tmp_path, prefix="a/b/")
    async with opened(place) as all_, opened(other) as below:
        await below.create("key")
        await all_.create("key")
        names = [info.name for info in (await all_.list("", cursor=None, limit=10)).items]
        assert sorted(names) == ["a/b/key", "key"]
        assert [i.name for i in (await below.list("", cursor=None, limit=10)).items] == ["key"]
        ciphertext = await below.encrypt("key", SecretValue("value"), NONE)
        assert await all_.decrypt("a/b/key", ciphertext, NONE) == SecretValue("value")
        with pytest.raises(KeyFailure):
            await all_.decrypt("key", ciphertext, NONE)


async def test_nothing_of_a_key_is_in_the_file_or_in_errors(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with opened(place) as keys:
        await keys.create("team/key")
        await keys.create("signs", "sign", "ecdsa-p256-sha256")
        ciphertext = await keys.encrypt("team/key", SecretValue("value"), NONE)
        secrets = [await material(keys, "team/key"), await material(keys, "signs")]
        with pytest.raises(KeyFailure) as caught:
            await keys.decrypt("team/key", ciphertext, {"another": "context"})
        told = shown(caught.value)
    written = b"".join((tmp_path / name).read_bytes() for name in names_in(tmp_path))
    for secret in secrets:
        assert secret not in written
        assert secret[8:40] not in written
        assert secret.hex() not in told
        assert repr(secret)[2:-1] not in told
    assert b"team/key" not in written, "names are sealed, too"


# -- versions


async def test_no_version_is_ever_pruned(tmp_path: Path) -> None:
    place = made(tmp_path, keep_versions=1)
    async with opened(place) as keys:
        found = await encrypted(keys, 40)
        await opens(keys, found)
        assert (await keys.describe("team/key")).version == "41"
    async with place.opened() as secrets:  # writes that prune, of the same vault
        await keep(secrets, "team/key", b"1")
        for value in (b"2", b"3"):
            await secrets.update("team/key", SecretValue(value), Attributes())
        assert len(await secrets.versions("team/key")) <= 2
    async with opened(place) as keys:
        await opens(keys, found)


async def test_rotations_at_once_are_each_a_version(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with opened(place) as one, opened(place) as two:
        await one.create("key")
        drivers = [one, two] * 8
        found = await asyncio.gather(*(driver.rotate("key") for driver in drivers))
        numbers = sorted(int(info.version or "") for info in found)
        assert numbers == list(range(2, 18))
        assert await one.describe("key") == await two.describe("key")


async def test_of_creates_at_once_one_wins(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with opened(place) as one, opened(place) as two:
        drivers = [one, two] * 4
        found = await asyncio.gather(
            *(driver.create("key") for driver in drivers), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in found) == [*["Conflict"] * 7, "KeyInfo"]


async def test_so_many_versions_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_keys, "MAX_VERSIONS", 3)
    async with opened(made(tmp_path)) as keys:
        await keys.create("key")
        await keys.rotate("key")
        assert (await keys.rotate("key")).version == "3"
        with pytest.raises(Quota, match="3 versions"):
            await keys.rotate("key")
        assert (await keys.describe("key")).version == "3"


# -- what is done to the vault


async def test_a_backup_has_the_keys(tmp_path: Path) -> None:
    place = made(tmp_path)
    copy = tmp_path / "copy.db"
    async with opened(place) as keys:
        found = await encrypted(keys, 3)
        assert backup(place.settings, place.context, copy).keys == 1
        await keys.rotate("team/key")
        lost = await keys.encrypt("team/key", SecretValue("later"), NONE)
    restored = restore(place.settings, place.context, copy, replace=True)
    assert (restored.counts.keys, restored.counts.secrets) == (1, 0)
    async with opened(place) as keys:
        await opens(keys, found)
        assert (await keys.describe("team/key")).version == "4"
        with pytest.raises(KeyFailure):  # its version is in no copy
            await keys.decrypt("team/key", lost, NONE)


async def test_keys_are_counted_apart(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as secrets, opened(place) as keys:
        await keep(secrets, "team/db/password", b"value")
        await encrypted(keys, 2)
        await keys.create("native:their/key")
    assert verified(place) == Counts(secrets=1, deleted=0, versions=1, prefixes=2, keys=2)


async def test_rekeying_the_vault_keeps_the_keys(tmp_path: Path) -> None:
    place = made(tmp_path, keep_versions=1)
    async with opened(place) as keys:
        found = await encrypted(keys, 3)
        before = [await material(keys, "team/key", str(n)) for n in range(1, 5)]
        info = await keys.describe("team/key")
        rekey(place.settings, place.context)
        await opens(keys, found)  # a driver that was open unlocks it again
        assert [await material(keys, "team/key", str(n)) for n in range(1, 5)] == before
        assert await keys.describe("team/key") == info
        await keys.rotate("team/key")
    compact(place.settings, place.context)
    assert verified(place).keys == 1
    async with opened(place) as keys:
        await opens(keys, found)
        assert (await keys.describe("team/key")).version == "5"


async def test_another_passphrase_opens_the_same_keys(tmp_path: Path) -> None:
    place = made(tmp_path, key_file=False)
    async with opened(place) as keys:
        found = await encrypted(keys, 1)
    set_passphrase(place.settings, place.context, "another one", cost=CHEAP)
    async with opened(
        Place(tmp_path, {"SKYKEEP_PASSPHRASE": "another one"}, key_file=False)
    ) as keys:
        await opens(keys, found)
    with pytest.raises(KeyFailure):
        await open_keys(place.settings, place.context)


async def test_an_older_copy_that_was_put_back_is_refused(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with opened(place) as keys:
        await keys.create("key")
    older = place.path.read_bytes()
    async with opened(place) as keys:
        await keys.rotate("key")
    place.path.write_bytes(older)
    with pytest.raises(Corrupt, match="older than when it was last used"):
        await open_keys(place.settings, place.context)


# -- damage


async def test_a_version_that_vanished_is_noticed(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with opened(place) as keys:
        found = await encrypted(keys, 1)

        await keys._commit(lambda vault: vault._connection.execute("DELETE FROM version"))
        with pytest.raises(Corrupt):
            await keys.decrypt("team/key", next(iter(found)), {"n": "0"})
        with pytest.raises(Corrupt):
            await keys.encrypt("team/key", SecretValue("value"), NONE)
    with pytest.raises(Corrupt):
        verified(place)


async def test_a_key_that_vanished_is_noticed(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with opened(place) as keys:
        await keys.create("team/key")
        name_key = keys._keys.now.keys.name_key("key:/team/key")
        await keys._commit(
            lambda vault: vault._connection.execute(
                "DELETE FROM secret WHERE name_key = ?", (name_key,)
            )
        )
        with pytest.raises(Corrupt):
            await keys.describe("team/key")
        with pytest.raises(Corrupt):
            await keys.create("team/key")
        with pytest.raises(Corrupt):
            await keys.list("", cursor=None, limit=10)


@pytest.mark.parametrize(
    "metadata",
    [{}, {"purpose": "other"}, {"purpose": "sign"}, {"purpose": "sign", "algorithm": "md5"}],
)
async def test_a_key_that_says_nothing_of_use_is_damaged(
    tmp_path: Path, metadata: dict[str, str]
) -> None:
    async with opened(made(tmp_path)) as keys:
        value = SecretValue(bytes(32))
        about = Attributes(metadata=metadata)
        await keys._commit(lambda vault: vault.create("key:/key", "key", value, about))
        for work in (keys.describe("key"), keys.sign("key", bytes(32))):
            with pytest.raises(Corrupt):
                await work


async def test_a_private_key_that_is_none_is_refused(tmp_path: Path) -> None:
    async with opened(made(tmp_path)) as keys:
        about = Attributes(metadata={"purpose": "sign", "algorithm": "rsa-pss-sha256"})
        value = SecretValue(b"no private key")
        await keys._commit(lambda vault: vault.create("key:/key", "key", value, about))
        with pytest.raises(KeyFailure, match="damaged"):
            await keys.sign("key", bytes(32))
