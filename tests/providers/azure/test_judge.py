"""The judge: what we write is right for Azure's own asynchronous client, and the other way
round."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.keyvault.secrets.aio import SecretClient

from skykeep.conformance.cases import listed, names_of
from skykeep.errors import NotFound, PendingDelete
from skykeep.interfaces.secret_driver import CURRENT, Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure.writing import KeyVaultSecrets
from tests.peers.azure import KeyVault, KeyVaults
from tests.providers.azure.opening import opened

pytestmark = pytest.mark.asyncio
NOTHING = Attributes()
EXPIRY = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
NAMES = ("db/password", "API_KEY", "plain-name", "a.b", "x/-y", "Deep/er.Name_1")


@pytest.fixture(params=["at once", "behind its answers"])
def vault(key_vault: KeyVaults, request: pytest.FixtureRequest) -> KeyVault:
    if request.param == "at once":
        return key_vault.new()
    return key_vault.new(delete_polls=2, recover_polls=1, purge_polls=2, empty_pages=True)


@pytest_asyncio.fixture
async def driver(vault: KeyVault) -> AsyncIterator[KeyVaultSecrets]:
    made = opened(vault)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def judge(vault: KeyVault) -> AsyncIterator[SecretClient]:
    client = SecretClient(
        vault.address,
        vault.vaults.async_credential(),
        connection_verify=str(vault.vaults.ca),
        verify_challenge_resource=False,
    )
    async with client:
        yield client


# -- we write


@pytest.mark.parametrize("name", NAMES)
async def test_the_judge_reads_what_we_wrote(
    driver: KeyVaultSecrets, judge: SecretClient, name: str
) -> None:
    given = Attributes(tags={"team": "till"}, expires_at=EXPIRY)
    written = await driver.create(name, SecretValue("pässwörd\n"), given)
    found = await judge.get_secret(driver.names.stored(name))
    assert found.value == "pässwörd\n"
    assert found.properties.version == written.version
    assert found.properties.expires_on == EXPIRY
    assert found.properties.enabled
    assert found.properties.tags is not None
    assert found.properties.tags["team"] == "till"


async def test_the_judge_reads_our_binary(driver: KeyVaultSecrets, judge: SecretClient) -> None:
    data = bytes(range(256))
    await driver.create("made", SecretValue(data), NOTHING)
    found = await judge.get_secret("made")
    assert base64.b64decode(found.value or "") == data
    assert "base64" in (found.properties.content_type or "")


async def test_the_judge_sees_our_versions(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    ids = {(await driver.create("made", SecretValue("0"), NOTHING)).version}
    for number in range(1, 30):
        ids.add((await driver.update("made", SecretValue(str(number)), NOTHING)).version)
    await driver.update("made", SecretValue("29"), NOTHING)
    seen = judge.list_properties_of_secret_versions("made")
    assert {each.version async for each in seen} == ids
    assert (await judge.get_secret("made")).value == "29"
    for version in ids:
        assert (await judge.get_secret("made", version)).value is not None


async def test_the_judge_lists_what_we_wrote(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    for name in NAMES:
        await driver.create(name, SecretValue("x"), NOTHING)
    seen = {each.name async for each in judge.list_properties_of_secrets()}
    assert seen == {driver.names.stored(name) for name in NAMES}


async def test_the_judge_sees_our_changes(driver: KeyVaultSecrets, judge: SecretClient) -> None:
    await driver.create("made", SecretValue("x"), Attributes(tags={"a": "1", "b": "2"}))
    await driver.annotate("made", Attributes(tags={"b": "3"}, expires_at=EXPIRY))
    properties = (await judge.get_secret("made")).properties
    assert properties.tags is not None
    assert {key: properties.tags.get(key) for key in "ab"} == {"a": None, "b": "3"}
    assert properties.expires_on == EXPIRY


async def test_the_judge_deletes_restores_and_purges_what_we_wrote(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    await driver.create("made", SecretValue("x"), NOTHING)
    deleted = await judge.delete_secret("made")
    with pytest.raises(NotFound):
        await driver.get("made")
    with pytest.raises(PendingDelete):
        await driver.update("made", SecretValue("y"), NOTHING)
    info = await driver.describe("made")
    assert info.deleted_at == deleted.deleted_date
    assert names_of(await listed(driver, deleted=True)) == ["made"]
    await judge.recover_deleted_secret("made")
    assert (await driver.get("made")).value == SecretValue("x")
    await judge.delete_secret("made")
    await judge.purge_deleted_secret("made")
    await driver.create("made", SecretValue("new"), NOTHING)
    assert len(await driver.versions("made")) == 1


# -- the judge writes


@pytest.mark.parametrize("name", NAMES)
async def test_we_read_what_the_judge_wrote(
    driver: KeyVaultSecrets, judge: SecretClient, name: str
) -> None:
    written = await judge.set_secret(
        driver.names.stored(name), "theirs ✓", tags={"a": "b"}, expires_on=EXPIRY
    )
    found = await driver.get(name)
    assert found.value == SecretValue("theirs ✓")
    assert found.version == written.properties.version
    assert found.created_at == written.properties.created_on
    assert (found.tags, found.expires_at) == ({"a": "b"}, EXPIRY)
    assert names_of(await listed(driver)) == [name]
    info = await driver.describe(name)
    assert info.updated_at == written.properties.updated_on


async def test_we_see_the_judges_versions(driver: KeyVaultSecrets, judge: SecretClient) -> None:
    ids = set()
    for number in range(28):
        ids.add((await judge.set_secret("made", str(number))).properties.version)
    known = await driver.versions("made")
    assert {version.id for version in known} == ids
    assert known[0].id == (await judge.get_secret("made")).properties.version
    assert known[0].stages == (CURRENT,)
    assert (await driver.update("made", SecretValue("27"), NOTHING)).changed is False


async def test_we_change_what_the_judge_wrote(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    """What is not ours to know stays as it is: not-before, content type."""
    begins = datetime(2020, 1, 1, tzinfo=UTC)
    await judge.set_secret(
        "made", "x", content_type="text/plain", not_before=begins, tags={"a": "1"}
    )
    await driver.annotate("made", Attributes(tags={"a": "2"}))
    found = await judge.get_secret("made")
    assert (found.value, found.properties.content_type) == ("x", "text/plain")
    assert found.properties.not_before == begins
    assert found.properties.tags == {"a": "2"}


async def test_we_delete_restore_and_purge_what_the_judge_wrote(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    await judge.set_secret("made", "x")
    await driver.delete("made")
    with pytest.raises(ResourceNotFoundError):
        await judge.get_secret("made")
    with pytest.raises(ResourceExistsError):
        await judge.set_secret("made", "y")
    assert (await judge.get_deleted_secret("made")).name == "made"
    await driver.restore("made")
    assert (await judge.get_secret("made")).value == "x"
    await driver.purge("made")
    with pytest.raises(ResourceNotFoundError):
        await judge.get_deleted_secret("made")
    assert [each async for each in judge.list_properties_of_secrets()] == []
