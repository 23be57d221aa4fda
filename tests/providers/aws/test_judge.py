"""The judge: what skykeep wrote is what boto3 reads, and the other way round."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from skykeep.conformance.cases import listed, names_of
from skykeep.errors import Conflict, NotFound, PendingDelete, Unsupported
from skykeep.interfaces.secret_driver import (
    CURRENT,
    PENDING,
    PREVIOUS,
    Attributes,
    SecretDriver,
)
from skykeep.interfaces.secret_value import SecretValue
from tests.peers.clients import aws_client
from tests.peers.peer import Server
from tests.providers.aws.opening import opened

pytestmark = pytest.mark.asyncio
NOTHING = Attributes()
BINARY = b"\xff\xfe\x00not text"


@pytest.fixture(params=["moto", "ministack"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def judge(server: Server) -> Iterator[Any]:
    with closing(aws_client("secretsmanager", server.address)) as client:
        yield client


@pytest.fixture
def moto_judge(moto: Server) -> Iterator[Any]:
    with closing(aws_client("secretsmanager", moto.address)) as client:
        yield client


@pytest.fixture
def prefix() -> str:
    return f"judged/{uuid.uuid4().hex[:12]}/"


@pytest_asyncio.fixture
async def driver(server: Server, prefix: str) -> AsyncIterator[SecretDriver]:
    made = await opened(server.address, secret_prefix=prefix)
    yield made
    await made.close()


async def test_what_is_created_is_read_by_the_judge(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    written = await driver.create("db/password", SecretValue("text ✓"), NOTHING)
    found = judge.get_secret_value(SecretId=f"{prefix}db/password")
    assert found["SecretString"] == "text ✓"
    assert found["VersionId"] == written.version
    assert found["VersionStages"] == ["AWSCURRENT"]
    await driver.create("binary", SecretValue(BINARY), NOTHING)
    assert judge.get_secret_value(SecretId=f"{prefix}binary")["SecretBinary"] == BINARY


async def test_what_the_judge_creates_is_read(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    judge.create_secret(Name=f"{prefix}text", SecretString="a text")
    judge.create_secret(Name=f"{prefix}binary", SecretBinary=BINARY)
    assert (await driver.get("text")).value.text() == "a text"
    assert (await driver.get("binary")).value.reveal() == BINARY
    made = judge.put_secret_value(SecretId=f"{prefix}text", SecretString="another")
    found = await driver.get("text")
    assert (found.value.text(), found.version) == ("another", made["VersionId"])
    assert (await driver.get("text", stage=PREVIOUS)).value.text() == "a text"


async def test_the_judge_sees_what_an_update_leaves_behind(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    first = await driver.create("made", SecretValue("first"), NOTHING)
    second = await driver.update("made", SecretValue("second"), NOTHING)
    assert not (await driver.update("made", SecretValue("second"), NOTHING)).changed
    labels = judge.describe_secret(SecretId=f"{prefix}made")["VersionIdsToStages"]
    assert labels == {first.version: ["AWSPREVIOUS"], second.version: ["AWSCURRENT"]}
    old = judge.get_secret_value(SecretId=f"{prefix}made", VersionStage="AWSPREVIOUS")
    assert old["SecretString"] == "first"


async def test_the_judge_sees_a_pending_value(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    await driver.create("made", SecretValue("first"), NOTHING)
    pending = await driver.update("made", SecretValue("next"), NOTHING, stage=PENDING)
    found = judge.get_secret_value(SecretId=f"{prefix}made", VersionStage="AWSPENDING")
    assert (found["SecretString"], found["VersionId"]) == ("next", pending.version)
    now = judge.get_secret_value(SecretId=f"{prefix}made", VersionStage="AWSCURRENT")
    assert now["SecretString"] == "first"


async def test_a_pending_value_of_the_judge_is_promoted(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    made = judge.create_secret(Name=f"{prefix}made", SecretString="first")
    token = str(uuid.uuid4())
    pending = judge.put_secret_value(
        SecretId=f"{prefix}made",
        SecretString="next",
        ClientRequestToken=token,
        VersionStages=["AWSPENDING"],
    )["VersionId"]
    await driver.move_stage("made", CURRENT, pending, expects=made["VersionId"])
    found = judge.get_secret_value(SecretId=f"{prefix}made", VersionStage="AWSCURRENT")
    assert found["SecretString"] == "next"
    old = judge.get_secret_value(SecretId=f"{prefix}made", VersionStage="AWSPREVIOUS")
    assert old["SecretString"] == "first"


async def test_compare_and_set_against_the_judge(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    first = await driver.create("made", SecretValue("first"), NOTHING)
    theirs = judge.put_secret_value(SecretId=f"{prefix}made", SecretString="theirs")
    with pytest.raises(Conflict):
        await driver.update("made", SecretValue("ours"), NOTHING, expects=first.version)
    now = judge.get_secret_value(SecretId=f"{prefix}made", VersionStage="AWSCURRENT")
    assert now["SecretString"] == "theirs"
    ours = await driver.update(
        "made", SecretValue("ours"), NOTHING, expects=theirs["VersionId"]
    )
    now = judge.get_secret_value(SecretId=f"{prefix}made", VersionStage="AWSCURRENT")
    assert (now["SecretString"], now["VersionId"]) == ("ours", ours.version)
    labels = judge.describe_secret(SecretId=f"{prefix}made")["VersionIdsToStages"]
    assert "skykeep-writing" not in {label for on in labels.values() for label in on}


async def test_tags_and_expiry(driver: SecretDriver, judge: Any, prefix: str) -> None:
    at = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    given = Attributes(tags={"team": "payments", "é/x": "1 2"}, expires_at=at)
    await driver.create("made", SecretValue("v"), given)
    tags = judge.describe_secret(SecretId=f"{prefix}made")["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "team": "payments",
        "é/x": "1 2",
        "skykeep:expires-at": "2031-02-03T04:05:06+00:00",
    }
    judge.tag_resource(SecretId=f"{prefix}made", Tags=[{"Key": "owner", "Value": "judge"}])
    judge.untag_resource(SecretId=f"{prefix}made", TagKeys=["team"])
    info = await driver.describe("made")
    assert (info.tags, info.expires_at) == ({"é/x": "1 2", "owner": "judge"}, at)
    await driver.annotate("made", Attributes(tags={}))
    tags = judge.describe_secret(SecretId=f"{prefix}made")["Tags"]
    assert [tag["Key"] for tag in tags] == ["skykeep:expires-at"]


async def test_a_listing_shows_what_the_judge_made(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    await driver.create("db/ours", SecretValue("v"), NOTHING)
    for name in ("db/theirs", "dbx", "db/with+plus"):
        judge.create_secret(Name=f"{prefix}{name}", SecretString="v")
    judge.create_secret(Name=f"outside/{uuid.uuid4()}", SecretString="v")
    foreign = f"native:{prefix}db/with+plus"
    assert names_of(await listed(driver)) == ["db/ours", "db/theirs", "dbx", foreign]
    assert names_of(await listed(driver, "db")) == ["db/ours", "db/theirs", foreign]
    assert (await driver.get(foreign)).value.text() == "v"
    theirs = judge.list_secrets(Filters=[{"Key": "name", "Values": [f"{prefix}db/ours"]}])
    assert [entry["Name"] for entry in theirs["SecretList"]] == [f"{prefix}db/ours"]


async def test_a_secret_is_reached_by_its_arn(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    arn = judge.create_secret(Name=f"{prefix}made", SecretString="v")["ARN"]
    assert (await driver.get(f"native:{arn}")).value.text() == "v"


async def test_the_judge_sees_a_tombstone_and_restores_it(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    await driver.create("made", SecretValue("v"), NOTHING)
    await driver.delete("made")
    assert judge.describe_secret(SecretId=f"{prefix}made")["DeletedDate"]
    judge.restore_secret(SecretId=f"{prefix}made")
    assert (await driver.get("made")).value.text() == "v"


async def test_a_tombstone_of_the_judge(driver: SecretDriver, judge: Any, prefix: str) -> None:
    judge.create_secret(Name=f"{prefix}made", SecretString="v")
    judge.delete_secret(SecretId=f"{prefix}made", RecoveryWindowInDays=7)
    with pytest.raises(NotFound):
        await driver.get("made")
    with pytest.raises(PendingDelete):
        await driver.update("made", SecretValue("w"), NOTHING)
    with pytest.raises(PendingDelete):
        await driver.create("made", SecretValue("w"), NOTHING)
    await driver.purge("made")
    with pytest.raises(judge.exceptions.ResourceNotFoundException):
        judge.describe_secret(SecretId=f"{prefix}made")
    await driver.create("made", SecretValue("w"), NOTHING)


async def test_the_recovery_window_is_as_configured(
    moto: Server, moto_judge: Any, prefix: str
) -> None:
    judge = moto_judge
    driver = await opened(moto.address, secret_prefix=prefix, recovery_days=9)
    await driver.create("made", SecretValue("v"), NOTHING)
    await driver.delete("made")
    ends = judge.describe_secret(SecretId=f"{prefix}made")["DeletedDate"]
    left = ends - datetime.now(UTC)
    assert left.days in (8, 9)
    await driver.close()


async def test_the_key_is_as_configured(server: Server, judge: Any, prefix: str) -> None:
    with closing(aws_client("kms", server.address)) as kms:
        key = kms.create_key()["KeyMetadata"]["Arn"]
    driver = await opened(server.address, secret_prefix=prefix, kms_key=key)
    await driver.create("made", SecretValue("v"), NOTHING)
    await driver.update("made", SecretValue("w"), NOTHING)
    assert judge.describe_secret(SecretId=f"{prefix}made")["KmsKeyId"] == key
    await driver.close()


async def test_replicas_are_made_and_do_not_stand_in_the_way(
    moto: Server, moto_judge: Any, prefix: str
) -> None:
    # On moto only: ministack takes AddReplicaRegions and makes none.
    judge = moto_judge
    driver = await opened(moto.address, secret_prefix=prefix, replica_regions=["eu-west-1"])
    await driver.create("made", SecretValue("v"), NOTHING)
    (replica,) = judge.describe_secret(SecretId=f"{prefix}made")["ReplicationStatus"]
    assert replica["Region"] == "eu-west-1"
    await driver.delete("made")
    await driver.restore("made")
    (replica,) = judge.describe_secret(SecretId=f"{prefix}made")["ReplicationStatus"]
    assert replica["Region"] == "eu-west-1"
    await driver.purge("made")
    with pytest.raises(judge.exceptions.ResourceNotFoundException):
        judge.describe_secret(SecretId=f"{prefix}made")
    await driver.close()


async def test_a_secret_without_a_value(moto: Server, moto_judge: Any, prefix: str) -> None:
    # On moto only: ministack makes an empty version where AWS makes none.
    moto_judge.create_secret(Name=f"{prefix}made")
    driver = await opened(moto.address, secret_prefix=prefix)
    with pytest.raises(NotFound):
        await driver.get("made")
    assert (await driver.describe("made")).version is None
    written = await driver.update("made", SecretValue("v"), NOTHING)
    assert (await driver.get("made")).version == written.version
    await driver.close()


async def test_what_aws_cannot_is_refused_before_any_call(driver: SecretDriver) -> None:
    with pytest.raises(Unsupported):
        await driver.create("made", SecretValue("v"), Attributes(metadata={"a": "b"}))
    assert await listed(driver) == []
