"""Tombstones, purges, disabled versions, certificates' secrets: what is Key Vault's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from azure.keyvault.secrets import SecretClient

from skykeep.conformance.cases import CANARY, listed, refused
from skykeep.errors import (
    Conflict,
    Denied,
    NotFound,
    PendingDelete,
    Unsupported,
    VersionUnavailable,
)
from skykeep.interfaces.secret_driver import CURRENT, Attributes
from skykeep.interfaces.secret_upsert import upsert
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure.answers import Times
from skykeep.providers.azure.writing import KeyVaultSecrets
from tests.peers.azure import KeyVault, KeyVaults
from tests.providers.azure.judge import judge_of
from tests.providers.azure.opening import Tokens, opened
from tests.providers.azure.seen import calls

pytestmark = pytest.mark.asyncio
NOTHING = Attributes()
VALUE = SecretValue(CANARY + b" value")
OTHER = SecretValue(CANARY + b" other")
TAGGED = Attributes(tags={"team": "till"})
NEVER = 10_000
WRITER = "11111111-0000-4000-8000-000000000003"


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


@pytest_asyncio.fixture
async def hasty(vault: KeyVault) -> AsyncIterator[KeyVaultSecrets]:
    """Looks once whether the vault is through, and does not wait."""
    made = opened(vault, settle_seconds=0)
    yield made
    await made.close()


# -- done behind the answer


async def test_a_delete_that_takes_long_is_done_all_the_same(
    vault: KeyVault, hasty: KeyVaultSecrets
) -> None:
    await hasty.create("made", VALUE, NOTHING)
    vault.change(delete_polls=3)
    await hasty.delete("made")
    await refused(NotFound, hasty.delete("made"))
    await refused(PendingDelete, hasty.create("made", OTHER, NOTHING))
    for _ in range(3):
        await refused(NotFound, hasty.get("made"))
    assert (await hasty.describe("made")).deleted_at is not None


async def test_a_delete_is_waited_for(vault: KeyVault, driver: KeyVaultSecrets) -> None:
    await driver.create("made", VALUE, NOTHING)
    vault.change(delete_polls=2)
    before = len(calls(vault))
    await driver.delete("made")
    assert calls(vault)[before:] == [
        "DELETE /secrets/made",
        *(["GET /deletedsecrets/made"] * 3),
    ]
    assert (await driver.describe("made")).deleted_at is not None


async def test_looks_grow_rarer(
    vault: KeyVault, driver: KeyVaultSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float, *_: object) -> None:
        waits.append(seconds)

    await driver.create("made", VALUE, NOTHING)
    vault.change(delete_polls=7)
    monkeypatch.setattr("skykeep.providers.azure.session.asyncio.sleep", sleep)
    await driver.delete("made")
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


async def test_who_may_not_look_does_not_wait(key_vault: KeyVaults, vault: KeyVault) -> None:
    rights = [{"oid": WRITER, "permissions": ["set", "list", "delete"]}]
    with judge_of(vault) as judge:
        judge.set_secret("made", "x")
    vault.change(grants=rights, delete_polls=NEVER)
    driver = opened(vault, tokens=Tokens(key_vault, WRITER))
    await driver.delete("made")
    assert calls(vault)[-2:] == ["DELETE /secrets/made", "GET /deletedsecrets/made"]
    await driver.close()


async def test_a_restore_waits_for_the_delete_before_it(
    vault: KeyVault, hasty: KeyVaultSecrets, driver: KeyVaultSecrets
) -> None:
    await hasty.create("made", VALUE, NOTHING)
    vault.change(delete_polls=2, recover_polls=2)
    await hasty.delete("made")
    await driver.restore("made")
    assert (await driver.get("made")).value == VALUE


async def test_a_restore_that_takes_long_is_done_all_the_same(
    vault: KeyVault, hasty: KeyVaultSecrets
) -> None:
    await hasty.create("made", VALUE, NOTHING)
    await hasty.delete("made")
    vault.change(recover_polls=3)
    await hasty.restore("made")
    for _ in range(2):
        await refused(NotFound, hasty.get("made"))
    assert (await hasty.get("made")).value == VALUE


async def test_writes_wait_for_the_restore_before_them(
    vault: KeyVault, driver: KeyVaultSecrets, hasty: KeyVaultSecrets
) -> None:
    await driver.create("made", VALUE, NOTHING)
    await driver.delete("made")
    vault.change(recover_settling=2)
    await driver.restore("made")
    await refused(Conflict, hasty.update("made", OTHER, NOTHING))
    assert (await driver.update("made", OTHER, NOTHING)).changed
    assert len(await driver.versions("made")) == 2


async def test_a_name_is_free_some_time_after_its_purge(
    vault: KeyVault, driver: KeyVaultSecrets, hasty: KeyVaultSecrets
) -> None:
    """The vault says 404 of the secret and of its tombstone, and 409 to a write."""
    await driver.create("made", VALUE, NOTHING)
    vault.change(purge_polls=9)
    await driver.purge("made")
    await refused(NotFound, driver.describe("made"))
    await refused(PendingDelete, hasty.create("made", OTHER, NOTHING))
    await driver.create("made", OTHER, NOTHING)
    assert len(await driver.versions("made")) == 1


async def test_a_purge_of_a_secret_that_takes_long_to_delete(
    vault: KeyVault, hasty: KeyVaultSecrets, driver: KeyVaultSecrets
) -> None:
    await hasty.create("made", VALUE, NOTHING)
    vault.change(delete_polls=4)
    error = await refused(PendingDelete, hasty.purge("made"))
    assert "purge it again" in str(error)
    await driver.purge("made")
    await refused(NotFound, driver.describe("made"))


async def test_a_delete_that_is_cut_short_was_accepted(
    vault: KeyVault, driver: KeyVaultSecrets
) -> None:
    await driver.create("made", VALUE, NOTHING)
    vault.change(delete_polls=NEVER)
    work = asyncio.ensure_future(driver.delete("made"))
    while "DELETE /secrets/made" not in calls(vault):  # noqa: ASYNC110  (another process)
        await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await refused(NotFound, driver.get("made"))


# -- what an operation costs (docs/providers/azure.md)

COSTS: dict[str, tuple[int, Callable[[KeyVaultSecrets, str], Awaitable[object]]]] = {
    "get": (1, lambda driver, v: driver.get("made")),
    "get-version": (2, lambda driver, v: driver.get("made", version=v)),
    "set-unchanged": (1, lambda driver, v: put(driver, "made", VALUE, NOTHING)),
    "set-changed": (2, lambda driver, v: put(driver, "made", OTHER, NOTHING)),
    "set-new": (4, lambda driver, v: put(driver, "new", VALUE, TAGGED)),
    "set-tags": (2, lambda driver, v: put(driver, "made", OTHER, TAGGED)),
    "set-unchanged-tags": (2, lambda driver, v: put(driver, "made", VALUE, TAGGED)),
    "history": (2, lambda driver, v: driver.versions("made")),
    "ls": (1, lambda driver, v: listed(driver)),
    "rm": (2, lambda driver, v: driver.delete("made")),
    "restore": (2, lambda driver, v: driver.restore("gone")),
    "purge": (2, lambda driver, v: driver.purge("gone")),
    "purge-live": (6, lambda driver, v: driver.purge("made")),
}


def put(
    driver: KeyVaultSecrets, name: str, value: SecretValue, given: Attributes
) -> Awaitable[object]:
    return upsert(driver, name, value, given, tags={}, on_tombstone="fail")


@pytest.mark.parametrize("operation", COSTS)
async def test_calls_of_an_operation(
    vault: KeyVault, driver: KeyVaultSecrets, operation: str
) -> None:
    await driver.create("gone", VALUE, NOTHING)
    await driver.delete("gone")
    first = await driver.create("made", OTHER, NOTHING)
    await driver.update("made", VALUE, NOTHING)
    expected, work = COSTS[operation]
    before = len(vault.requests())
    await work(driver, first.version)
    assert len(vault.requests()) - before == expected


# -- purge protection


@pytest.mark.parametrize("deleted", [False, True])
async def test_purge_protection(
    vault: KeyVault, driver: KeyVaultSecrets, deleted: bool
) -> None:
    vault.change(purge_protection=True)
    await driver.create("made", VALUE, NOTHING)
    if deleted:
        await driver.delete("made")
    error = await refused(Denied, driver.purge("made"))
    assert "purge protection" in str(error)
    if deleted:
        tombstone = await driver.tombstone("made")
        assert tombstone is not None
        assert "on 20" in error.hint, "it says when Azure purges it"
        await driver.restore("made")
    assert (await driver.get("made")).value == VALUE, "it was not deleted on the way"


async def test_a_vault_that_forgets_at_once_and_one_that_keeps(vault: KeyVault) -> None:

    assert [
        Times(recoveryLevel=level).purgeable
        for level in (
            None,
            "Purgeable",
            "Recoverable+Purgeable",
            "CustomizedRecoverable+Purgeable",
            "Recoverable",
            "CustomizedRecoverable",
            "Recoverable+ProtectedSubscription",
        )
    ] == [True] * 4 + [False] * 3


# -- disabled versions


async def test_a_disabled_secret(driver: KeyVaultSecrets, judge: SecretClient) -> None:
    await driver.create("made", VALUE, Attributes(tags={"team": "till"}))
    first = (await driver.describe("made")).version
    second = await driver.update("made", OTHER, NOTHING)
    judge.update_secret_properties("made", enabled=False)
    error = await refused(VersionUnavailable, driver.get("made"))
    assert "disabled" in str(error)
    await refused(VersionUnavailable, driver.get("made", version=second.version))
    info = await driver.describe("made")
    assert (info.version, info.tags) == (second.version, {"team": "till"})
    known = await driver.versions("made")
    assert [(v.id, v.available, v.stages) for v in known] == [
        (second.version, False, (CURRENT,)),
        (first, True, ()),
    ]
    assert first is not None
    old = await driver.get("made", version=first)
    assert (old.value, old.stages, old.tags) == (VALUE, (), {"team": "till"})
    await refused(Conflict, driver.create("made", VALUE, NOTHING))
    assert [item.name for item in await listed(driver)] == ["made"]


async def test_which_version_of_others_is_disabled(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    """Versions of one second have no order; that the current one is disabled is known."""
    for number in range(8):
        judge.set_secret("theirs", str(number))
    last = judge.get_secret("theirs").properties.version
    judge.update_secret_properties("theirs", enabled=False)
    assert (await driver.describe("theirs")).version == last


async def test_a_write_over_a_disabled_secret(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    """The new version is enabled; what stood beside the old one goes along."""
    await driver.create("made", VALUE, Attributes(tags={"team": "till"}))
    judge.update_secret_properties("made", enabled=False)
    assert (await driver.update("made", VALUE, NOTHING)).changed, (
        "nobody can read what is there"
    )
    found = await driver.get("made")
    assert (found.value, found.tags) == (VALUE, {"team": "till"})


async def test_a_change_of_a_disabled_secret_leaves_it_so(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    await driver.create("made", VALUE, NOTHING)
    judge.update_secret_properties("made", enabled=False)
    await driver.annotate("made", Attributes(tags={"a": "b"}))
    await refused(VersionUnavailable, driver.get("made"))
    assert (await driver.describe("made")).tags == {"a": "b"}


# -- certificates' secrets


async def test_a_secret_of_a_certificate_is_read_and_not_written(
    vault: KeyVault, driver: KeyVaultSecrets
) -> None:
    vault.make_managed("web", "pfx")
    assert (await driver.get("web")).value == SecretValue("pfx")
    assert [item.name for item in await listed(driver)] == ["web"]
    before = calls(vault)
    for work in (
        driver.update("web", VALUE, NOTHING),
        driver.update("web", SecretValue("pfx"), Attributes(tags={"a": "b"})),
        driver.annotate("web", Attributes(tags={"a": "b"})),
    ):
        await refused(Unsupported, work)
    assert {call.split()[0] for call in calls(vault)[len(before) :]} == {"GET"}
    for work in (driver.delete("web"), driver.purge("web")):
        error = await refused(Unsupported, work)
        assert "certificate" in str(error)
    assert (await driver.get("web")).value == SecretValue("pfx")
