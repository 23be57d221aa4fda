"""Stamps in Key Vault: a tag of the version, in the same call as its value."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from azure.keyvault.secrets import SecretClient

from skykeep.conformance.cases import refused
from skykeep.conformance.secrets_stamps import ONE, TWO, stamped
from skykeep.errors import Unavailable
from skykeep.interfaces.secret_driver import Attributes, Stamp
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure import tags
from skykeep.providers.azure.answers import Entry
from skykeep.providers.azure.writing import KeyVaultSecrets
from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.certificates import Authority
from tests.peers.faults import FaultProxy, LostResponse
from tests.peers.messages import Message
from tests.providers.azure.judge import judge_of
from tests.providers.azure.opening import opened
from tests.providers.azure.seen import calls

NOTHING = Attributes()
VALUE, OTHER, THIRD = SecretValue("one"), SecretValue("two"), SecretValue("three")
EXPIRY = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def vault(key_vault: KeyVaults) -> KeyVault:
    return key_vault.new()


@pytest.fixture
def judge(vault: KeyVault) -> Iterator[SecretClient]:
    with judge_of(vault) as client:
        yield client


@pytest_asyncio.fixture
async def driver(vault: KeyVault) -> AsyncIterator[KeyVaultSecrets]:
    made = opened(vault)
    yield made
    await made.close()


def is_authenticated_put(request: Message) -> bool:
    """The first request of a session has no token, no body, and is only refused."""
    return request.head.startswith(b"PUT ") and request.header("authorization") is not None


async def both(driver: KeyVaultSecrets) -> tuple[Stamp | None, Stamp | None]:
    """What ``describe`` and ``get`` tell."""
    return (await driver.describe("made")).stamp, (await driver.get("made")).stamp


@pytest.mark.asyncio
async def test_where_they_stand(driver: KeyVaultSecrets, judge: SecretClient) -> None:
    given = Attributes(tags={"team": "till"}, stamp=ONE)
    first = await driver.create("made", VALUE, given)
    second = await driver.update("made", OTHER, stamped(TWO))
    third = await driver.update("made", THIRD, NOTHING)
    seen = [
        judge.get_secret("made", each.version).properties.tags
        for each in (first, second, third)
    ]
    assert seen == [
        {"team": "till", "skykeep-stamp": f"1.{ONE}"},
        {"team": "till", "skykeep-stamp": f"2.{TWO}"},
        {"team": "till", "skykeep-stamp": "3"},
    ]


@pytest.mark.asyncio
async def test_a_stamp_costs_no_call(driver: KeyVaultSecrets, vault: KeyVault) -> None:
    await driver.create("plain", VALUE, NOTHING)
    await driver.update("plain", OTHER, NOTHING)
    before = len(calls(vault))
    await driver.create("made", VALUE, stamped(ONE))
    await driver.update("made", OTHER, stamped(TWO))
    assert [each.replace("made", "plain") for each in calls(vault)[before:]] == (
        calls(vault)[:before]
    )


@pytest.mark.asyncio
async def test_a_newer_version_of_others_has_none(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    first = await driver.create("made", VALUE, stamped(ONE))
    judge.set_secret("made", "theirs", tags={"a": "b"})
    assert await both(driver) == (None, None)
    assert (await driver.get("made", version=first.version)).stamp == ONE
    await driver.update("made", OTHER, stamped(TWO))
    assert await both(driver) == (TWO, TWO)


@pytest.mark.asyncio
async def test_what_others_say_of_a_version_leaves_its_stamp(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    """A client that changes tags sends those that it does not know along."""
    await driver.create("made", VALUE, stamped(ONE))
    there = judge.get_secret("made").properties.tags or {}
    judge.update_secret_properties("made", tags={**there, "a": "b"})
    assert await both(driver) == (ONE, ONE)
    assert (await driver.describe("made")).tags == {"a": "b"}
    judge.update_secret_properties("made", tags={"a": "c"})
    assert await both(driver) == (None, None)


@pytest.mark.asyncio
async def test_the_stamp_of_a_version_that_is_disabled(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    await driver.create("made", VALUE, stamped(ONE))
    judge.update_secret_properties("made", enabled=False)
    assert (await driver.describe("made")).stamp == ONE


@pytest.mark.asyncio
async def test_a_write_that_is_sent_again_finds_its_stamp(
    vault: KeyVault, driver: KeyVaultSecrets, authority: Authority
) -> None:
    await driver.create("made", VALUE, NOTHING)
    with FaultProxy(vault.plain, tls=authority.issue().server()) as proxy:
        behind = opened(vault, address=proxy.address, ca=authority.ca)
        proxy.fail(LostResponse(), when=is_authenticated_put)
        await refused(Unavailable, behind.update("made", OTHER, stamped(ONE)))
        assert (await behind.update("made", OTHER, stamped(ONE))).changed is False
        await behind.close()
    assert await both(driver) == (ONE, ONE)
    assert len(await driver.versions("made")) == 2


@pytest.mark.asyncio
async def test_there_is_room_for_it_beside_all_tags(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    """Of fifteen, twelve are the application's: the stamp goes along with the number."""
    given = {f"tag-{n}": "x" * 256 for n in range(12)}
    most = Attributes(tags=given, expires_at=EXPIRY, stamp=ONE)
    await driver.create("API/key", VALUE, most)
    await driver.annotate("API/key", Attributes(expires_at=None))
    stored = judge.get_secret(driver.names.stored("API/key")).properties.tags or {}
    assert len(stored) == 15
    found = await driver.get("API/key")
    assert (found.tags, found.stamp) == (given, ONE)


@pytest.mark.asyncio
async def test_versions_are_in_their_order_with_stamps_and_without(
    driver: KeyVaultSecrets,
) -> None:
    made = [(await driver.create("made", SecretValue("0"), stamped(ONE))).version]
    for number in range(1, 12):
        given = stamped(TWO if number % 2 else None)
        made.append((await driver.update("made", SecretValue(str(number)), given)).version)
    assert [each.id for each in await driver.versions("made")] == made[::-1]


@pytest.mark.parametrize(
    ("text", "number", "stamp"),
    [
        (f"7.{ONE}", 7, ONE),
        ("7", 7, None),
        ("7.", 7, None),
        ("7.x", 7, None),
        (f"7.{ONE}0", 7, None),
        (f"7.{ONE}.7", 7, None),
        (f"7.{ONE}".upper(), 7, None),
        (f"x.{ONE}", 0, ONE),
        (str(ONE), 0, None),
    ],
)
def test_what_others_may_have_put_there(text: str, number: int, stamp: Stamp | None) -> None:
    entry = Entry(tags={tags.STAMP: text})
    assert (tags.number(entry), tags.stamp(entry)) == (number, stamp)
