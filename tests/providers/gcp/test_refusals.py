"""What the service refuses, and what is refused before it is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skykeep.conformance.cases import listed, names_of, refused
from skykeep.errors import (
    ConfigError,
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    Unauthenticated,
)
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.writing import SecretManager as Driver
from tests.peers.faults import (
    Answer,
    FaultProxy,
)
from tests.peers.google import PROJECT, SecretManager
from tests.providers.gcp.going_wrong import (
    NOTHING,
    OTHER,
    VALUE,
    action,
    actions,
    says,
)
from tests.providers.gcp.opening import Tokens, opened

pytestmark = pytest.mark.asyncio

READS = action("AccessSecretVersion")
ADDS = action("AddSecretVersion")


# -- credentials


async def test_a_token_that_ends_in_mid_flight(
    fake: SecretManager, proxy: FaultProxy, prefix: str
) -> None:
    tokens = Tokens(token=fake.accept("*"))
    driver = opened(proxy.address, tokens, secret_prefix=prefix)
    await driver.create("made", OTHER, NOTHING)
    fake.accept("*", token=tokens.current, expires=0)
    before = len(proxy.seen)
    await driver.update("made", VALUE, NOTHING)
    assert tokens.asked == 1
    statuses = actions(proxy)[before:]
    assert statuses == ["AccessSecretVersion", "AccessSecretVersion", "AddSecretVersion"]
    assert (await driver.get("made")).value == VALUE
    await driver.close()


async def test_a_token_that_is_refused_twice(
    fake: SecretManager, proxy: FaultProxy, prefix: str
) -> None:
    tokens = Tokens(token="ya29.nobody", other="ya29.nobody-either")
    driver = opened(proxy.address, tokens, secret_prefix=prefix)
    error = await refused(Unauthenticated, driver.create("made", VALUE, NOTHING))
    assert len(proxy.seen) == 2
    for word in ("ya29.nobody", "Bearer"):
        assert word not in f"{error} {vars(error)}"
    await driver.close()


async def test_a_quota_project_is_named(
    fake: SecretManager, proxy: FaultProxy, prefix: str
) -> None:
    tokens = Tokens()
    tokens.quota_project = PROJECT
    driver = opened(proxy.address, tokens, secret_prefix=prefix)
    await driver.create("made", VALUE, NOTHING)
    assert {seen.request.header("x-goog-user-project") for seen in proxy.seen} == {PROJECT}
    tokens.quota_project = "somebody-elses"
    error = await refused(Denied, driver.get("made"))
    assert "quota project" in str(error)
    await driver.close()


async def test_missing_permissions_are_named(
    fake: SecretManager, driver: Driver, prefix: str
) -> None:
    await driver.create("made", VALUE, NOTHING)
    nobody = opened(fake.address, Tokens(fake.accept()), secret_prefix=prefix)
    for work, permission in (
        (nobody.get("made"), "secretmanager.versions.access"),
        (nobody.describe("made"), "secretmanager."),
        (nobody.create("new", VALUE, NOTHING), "secretmanager.secrets.create"),
        (nobody.update("made", OTHER, NOTHING), "secretmanager.versions.add"),
        (nobody.delete("made"), "secretmanager.secrets.delete"),
        (nobody.annotate("made", Attributes(tags={"a": "b"})), "secretmanager.secrets.get"),
        (nobody.versions("made"), "secretmanager."),
    ):
        assert permission in str(await refused(Denied, work))
    await nobody.close()


@pytest.mark.parametrize("reason", ["SERVICE_DISABLED", "SECURITY_POLICY_VIOLATED"])
async def test_nothing_is_written_unseen_for_other_reasons(
    driver: Driver, proxy: FaultProxy, reason: str
) -> None:
    """Only who may add and not read does that."""
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(says("PERMISSION_DENIED", 403, reason), when=READS)
    await refused(Denied, driver.update("made", VALUE, NOTHING))
    assert actions(proxy).count("AddSecretVersion") == 1


async def test_projects_that_are_not_there_or_have_no_service(
    fake: SecretManager, proxy: FaultProxy
) -> None:
    fake.add_project("switched-off-1", "555", enabled=False)
    for project, word in (
        ("switched-off-1", "gcloud services enable"),
        ("absent-1", "project"),
    ):
        driver = opened(proxy.address, project_id=project)
        error = await refused(Denied, driver.get("made"))
        assert word in str(error)
        await refused(Denied, driver.update("made", VALUE, NOTHING))
        await driver.close()


async def test_without_a_project_nothing_is_sent(proxy: FaultProxy) -> None:
    class Projectless(Tokens):
        async def project(self) -> str | None:
            return None

    driver = opened(proxy.address, Projectless(), project_id=None)
    error = await refused(ConfigError, driver.get("made"))
    assert "GOOGLE_CLOUD_PROJECT" in str(error)
    assert proxy.seen == []
    await driver.close()


async def test_the_project_of_the_credentials_is_taken(
    fake: SecretManager, driver: Driver, prefix: str
) -> None:
    await driver.create("made", VALUE, NOTHING)
    unnamed = opened(fake.address, project_id=None, secret_prefix=prefix)
    assert (await unnamed.get("made")).value == VALUE
    await unnamed.close()


# -- checksums


async def test_a_value_that_is_damaged_on_its_way_here(
    driver: Driver, fake: SecretManager
) -> None:
    await driver.create("made", VALUE, NOTHING)
    fake.set(corrupt_reads=1)
    await refused(Corrupt, driver.get("made"))
    assert (await driver.get("made")).value == VALUE
    fake.set(corrupt_reads=1)
    await refused(Corrupt, driver.update("made", OTHER, NOTHING))


async def test_a_value_that_is_damaged_on_its_way_there(
    driver: Driver, fake: SecretManager, judge: Any, place: str
) -> None:
    fake.set(corrupt_writes=1)
    await refused(Corrupt, driver.create("new", VALUE, NOTHING))
    await refused(NotFound, driver.get("new"))
    await driver.create("made", OTHER, NOTHING)
    fake.set(corrupt_writes=1)
    await refused(Corrupt, driver.update("made", VALUE, NOTHING))
    assert len(list(judge.list_secret_versions(parent=f"{place}made"))) == 1


@pytest.mark.parametrize("kept", [VALUE, OTHER])
async def test_a_service_that_did_not_verify_is_read_back(
    driver: Driver, proxy: FaultProxy, judge: Any, place: str, kept: SecretValue
) -> None:
    """The field is missing from the answer to the write."""
    await driver.create("made", SecretValue("first"), NOTHING)
    judge.add_secret_version(parent=f"{place}made", payload={"data": kept.reveal()})
    answer = {"name": f"{place}made/versions/2", "state": "ENABLED"}
    proxy.fail(Answer(200, json.dumps(answer).encode()), when=ADDS)
    # The driver has not seen the judge's version: its own number is 2 by the answer.
    proxy.fail(says("FAILED_PRECONDITION", message="in DISABLED state"), when=READS)
    if kept == VALUE:
        assert (await driver.update("made", VALUE, NOTHING)).version == "2"
    else:
        await refused(Corrupt, driver.update("made", VALUE, NOTHING))


# -- keys of Cloud KMS


@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED", "DENIED"])
async def test_a_key_that_cannot_be_used(
    fake: SecretManager, prefix: str, state: str, judge: Any, place: str
) -> None:
    key = f"projects/{PROJECT}/locations/global/keyRings/r/cryptoKeys/{prefix[:-1]}"
    driver = opened(fake.address, secret_prefix=prefix, kms_key=key)
    await driver.create("made", VALUE, NOTHING)
    fake.kms(key, state)
    for work in (
        driver.get("made"),
        driver.update("made", OTHER, NOTHING),
        driver.create("new", VALUE, NOTHING),
    ):
        error = await refused(KeyFailure, work)
        assert "cryptoKeyEncrypterDecrypter" in str(error)
    assert names_of(await listed(driver)) == ["made"], "what could not be filled was removed"
    fake.kms(key, "ENABLED")
    assert (await driver.get("made")).value == VALUE
    await driver.close()


# -- limits, before anything is sent


@pytest.mark.parametrize(
    "given",
    [
        Attributes(tags={"skykeep-x": "y"}),
        Attributes(tags={"goog-x": "y"}),
        Attributes(metadata={"skykeep-x": "y"}),
        Attributes(metadata={f"k{n}": "x" * 4096 for n in range(4)}),
    ],
)
async def test_what_cannot_be_kept_is_refused_before_any_call(
    driver: Driver, proxy: FaultProxy, given: Attributes
) -> None:
    for work in (
        driver.create("made", VALUE, given),
        driver.update("made", VALUE, given),
        driver.annotate("made", given),
    ):
        await refused(Invalid, work)
    assert proxy.seen == []


async def test_metadata_up_to_the_limit(driver: Driver) -> None:
    room = {f"k{n}": "x" * 3920 for n in range(4)}
    await driver.create("made", VALUE, Attributes(metadata=room))
    await driver.annotate("made", Attributes(tags={"a": "b"}))
    assert (await driver.describe("made")).metadata == room
    await refused(Invalid, driver.annotate("made", Attributes(tags={"A": "B" * 250})))
