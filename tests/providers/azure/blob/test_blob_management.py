"""Azure Resource Manager: lifecycle rules, the region, what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from skykeep.conformance.cases import refused
from skykeep.errors import (
    ConfigError,
    Denied,
    Invalid,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.providers.azure.blob.names import RECORDS
from skykeep.providers.azure.blob.writing import BlobObjects
from tests.peers.blob import ACCOUNT, Azurite
from tests.peers.fakes.resource_manager import LOCATION, ResourceManager, error
from tests.peers.fakes.serving import Reply
from tests.providers.azure.blob.opening_blob import Tokens, managed, opened

pytestmark = pytest.mark.asyncio

SCOPE = "https://management.azure.com/.default"
RULE = LifecycleRule(
    prefix="scans", infrequent_after_days=30, archive_after_days=90, expire_after_days=365
)
UPLOADS = LifecycleRule(abort_uploads_after_days=3)


@pytest.fixture
def manager() -> Iterator[ResourceManager]:
    with ResourceManager(ACCOUNT) as fake:
        yield fake


@pytest_asyncio.fixture
async def driver(azurite: Azurite, manager: ResourceManager) -> AsyncIterator[BlobObjects]:
    made = await managed(azurite, "c-1", manager, objects_prefix="team/")
    yield made
    await made.close()


def tokens(driver: BlobObjects) -> Tokens:
    assert driver._management is not None
    found = driver._management._tokens
    assert isinstance(found, Tokens)
    return found


async def test_what_azure_is_told(driver: BlobObjects, manager: ResourceManager) -> None:
    await driver.set_lifecycle([RULE, UPLOADS])
    assert manager.rules is not None
    uploads, scans = (rule["definition"] for rule in manager.rules)
    days = "daysAfterModificationGreaterThan"
    assert scans == {
        "actions": {
            "baseBlob": {
                "tierToCool": {days: 30},
                "tierToArchive": {days: 90},
                "delete": {days: 365},
            }
        },
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["c-1/team/scans/"]},
    }
    assert uploads["actions"] == {"baseBlob": {"delete": {days: 3}}}
    assert uploads["filters"]["prefixMatch"] == [f"c-1/team/{RECORDS}"]
    assert list(await driver.lifecycle()) == [UPLOADS, RULE]


async def test_targets_of_one_account_keep_to_their_own(
    azurite: Azurite, manager: ResourceManager, driver: BlobObjects
) -> None:
    other = await managed(azurite, "c-1", manager, objects_prefix="team2/")
    try:
        await driver.set_lifecycle([RULE])
        await other.set_lifecycle([UPLOADS])
        assert list(await driver.lifecycle()) == [RULE]
        await driver.set_lifecycle([])
        assert list(await other.lifecycle()) == [UPLOADS]
        await other.set_lifecycle([])
        assert manager.rules is None, "a policy without rules cannot be"
    finally:
        await other.close()


async def test_what_is_as_it_should_be_is_not_written(
    driver: BlobObjects, manager: ResourceManager
) -> None:
    await driver.set_lifecycle([RULE])
    await driver.set_lifecycle([RULE])
    assert [each.method for each in manager.asked].count("PUT") == 1


async def test_what_others_wrote_into_the_policy_stays(
    driver: BlobObjects, manager: ResourceManager
) -> None:
    await driver.set_lifecycle([RULE])
    assert manager.rules is not None
    disabled = {**manager.rules[0], "name": "others", "enabled": False}
    manager.rules.append(disabled)
    await driver.set_lifecycle([UPLOADS])
    assert disabled in manager.rules
    assert len(manager.rules) == 2


async def test_uploads_below_a_prefix_are_not_ended(
    driver: BlobObjects, manager: ResourceManager
) -> None:
    rule = LifecycleRule(prefix="a", abort_uploads_after_days=3)
    await refused(Invalid, driver.set_lifecycle([rule]))
    assert manager.asked == []


async def test_the_region(driver: BlobObjects) -> None:
    assert await driver.region() == LOCATION
    assert tokens(driver).asked == [(SCOPE, None, None)]


async def test_a_token_that_is_refused_is_got_anew(
    driver: BlobObjects, azurite: Azurite
) -> None:
    wrong = azurite.token()  # for storage
    tokens(driver).given = [wrong]
    assert await driver.region() == LOCATION
    assert tokens(driver).refused == [wrong]


async def test_without_the_settings_nothing_is_asked(azurite: Azurite) -> None:
    driver = await opened(azurite, "c-1")
    try:
        assert not driver.capabilities.lifecycle
        assert await driver.region() is None
        message = await refused(Unsupported, driver.lifecycle())
        assert "subscription" in message.hint
        await refused(Unsupported, driver.set_lifecycle([RULE]))
    finally:
        await driver.close()


REFUSALS: dict[str, tuple[Reply, type[SkykeepError]]] = {
    "right": (error(403, "AuthorizationFailed"), Denied),
    "linked": (error(403, "LinkedAuthorizationFailed"), Denied),
    "account": (error(404, "ResourceNotFound"), ConfigError),
    "group": (error(404, "ResourceGroupNotFound"), ConfigError),
    "subscription": (error(404, "SubscriptionNotFound"), ConfigError),
    "busy": (Reply(429, b"", {"Retry-After": "9"}), Throttled),
    "failing": (error(500, "InternalServerError"), Unavailable),
    "unknown": (error(400, "SomethingNew"), Invalid),
    "foreign": (Reply(404, b"<html>"), Unavailable),
    "shape": (Reply(200, b"[]"), Unavailable),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal(driver: BlobObjects, manager: ResourceManager, name: str) -> None:
    reply, kind = REFUSALS[name]
    manager.next = [reply]
    caught = await refused(kind, driver.lifecycle())
    if name == "right":
        assert "managementPolicies/read" in caught.hint
        assert caught.request_id == "request-1"
    if isinstance(caught, Throttled):
        assert caught.retry_after == 9.0
    assert list(await driver.lifecycle()) == []


async def test_tokens_that_stay_refused(driver: BlobObjects, manager: ResourceManager) -> None:
    manager.next = [error(401, "InvalidAuthenticationToken")] * 2
    await refused(Unauthenticated, driver.region())


async def test_no_two_rules_more_than_an_account_takes(
    driver: BlobObjects, manager: ResourceManager
) -> None:
    rules = [LifecycleRule(prefix=f"p{n:03}", expire_after_days=9) for n in range(100)]
    await driver.set_lifecycle(rules[:98])
    assert manager.rules is not None
    manager.rules.append({**manager.rules[0], "name": "others"})
    await driver.set_lifecycle(rules[:99])
    await refused(Invalid, driver.set_lifecycle(rules))
    assert len(await driver.lifecycle()) == 99
