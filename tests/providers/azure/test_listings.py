"""Versions and listings: their order, their pages, and names that others gave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from azure.keyvault.secrets import SecretClient

from skykeep.conformance.cases import CANARY, listed, names_of, refused
from skykeep.errors import NotFound, Unavailable
from skykeep.interfaces.secret_driver import CURRENT, Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure.answers import Listed
from skykeep.providers.azure.writing import KeyVaultSecrets
from tests.peers.azure import KeyVault, KeyVaults
from tests.providers.azure.judge import judge_of
from tests.providers.azure.opening import opened
from tests.providers.azure.seen import calls

pytestmark = pytest.mark.asyncio
NOTHING = Attributes()
VALUE = SecretValue(CANARY + b" value")


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


# -- versions


async def test_versions_of_one_second_are_in_the_order_of_their_writes(
    driver: KeyVaultSecrets,
) -> None:
    """Times are whole seconds and the service has no order: our stamp has it."""
    ids = [(await driver.create("made", SecretValue("0"), NOTHING)).version]
    for number in range(1, 30):
        written = await driver.update("made", SecretValue(str(number)), NOTHING)
        ids += [written.version]
    known = await driver.versions("made")
    assert [version.id for version in known] == ids[::-1]


async def test_versions_of_others_end_with_the_current_one(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    for number in range(9):
        judge.set_secret("theirs", str(number))
    current = judge.get_secret("theirs").properties.version
    known = await driver.versions("theirs")
    assert (known[0].id, known[0].stages) == (current, (CURRENT,))
    assert len(known) == 9


@pytest.mark.parametrize("version", ["versions", "backup", "../x", "x" * 32, "A" * 32, "%2e"])
async def test_what_is_no_version_is_not_asked_for(
    vault: KeyVault, driver: KeyVaultSecrets, version: str
) -> None:
    """``/secrets/NAME/versions`` is another thing."""
    await driver.create("made", VALUE, NOTHING)
    before = len(calls(vault))
    await refused(NotFound, driver.get("made", version=version))
    assert calls(vault)[before:] == ["GET /secrets/made"]


# -- listings


async def test_a_listing_costs_a_call_a_page(vault: KeyVault, driver: KeyVaultSecrets) -> None:
    for number in range(30):
        await driver.create(f"made/{number:02}", SecretValue("x"), NOTHING)
    before = len(calls(vault))
    assert len(await listed(driver, "made", limit=1000)) == 30
    assert calls(vault)[before:] == ["GET /secrets"] * 2


async def test_foreign_names_in_a_listing(
    vault: KeyVault, driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    for name in ("Db--Password", "plain", "a---x", "team--a"):
        judge.set_secret(name, "x")
    assert names_of(await listed(driver)) == ["db/password", "native:a---x", "plain", "team/a"]
    assert (await driver.get("db/password")).value == SecretValue("x")
    assert (await driver.get("native:a---x")).value == SecretValue("x")
    prefixed = opened(vault, secret_prefix="team/")
    assert names_of(await listed(prefixed)) == ["a"]
    await prefixed.close()


@pytest.mark.parametrize(
    "link",
    ["https://elsewhere.example/secrets?maxresults=25", "x", "https://v/secrets?$skiptoken="],
)
async def test_a_page_that_leads_nowhere(
    vault: KeyVault, driver: KeyVaultSecrets, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:

    async def call(*_: object, **__: object) -> Any:
        return Listed(value=[], nextLink=link)

    monkeypatch.setattr(driver.session, "call", call)
    await refused(Unavailable, driver.list("", cursor=None, limit=5))


async def test_the_next_page_is_asked_of_the_vault_itself(
    vault: KeyVault, driver: KeyVaultSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address in the answer is not followed: a token goes to the vault and nowhere else."""
    asked: list[str] = []

    async def call(method: str, target: str, **_: object) -> Any:
        asked.append(target)
        return Listed(value=[], nextLink="https://evil.example:443/x?$skiptoken=a%2Fb%26c%3D")

    monkeypatch.setattr(driver.session, "call", call)
    page = await driver.list("", cursor=None, limit=5)
    await driver.list("", cursor=page.cursor, limit=100)
    assert asked == [
        "/secrets?maxresults=5",
        "/secrets?maxresults=25&$skiptoken=a%2Fb%26c%3D",
    ]
