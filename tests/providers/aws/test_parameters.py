"""Parameter Store: the judge, what is odd about it, and what a listing may cost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from skykeep.conformance.cases import CANARY, listed, names_of, refused
from skykeep.errors import Corrupt, Invalid, KeyFailure, NotFound, Quota, Throttled, Unavailable
from skykeep.interfaces.secret_driver import PREVIOUS, Attributes, SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.aws.parameter_values import MARK, decoded, encoded, most_bytes, size
from tests.peers.clients import aws_client
from tests.peers.faults import Dropped, Fault, FaultProxy, LostResponse, Reset, Truncated
from tests.peers.peer import Server
from tests.providers.aws.going_wrong import action, actions, says
from tests.providers.aws.opening import opened

NOTHING = Attributes()
VALUE = SecretValue(CANARY + b" value")
OTHER = SecretValue(CANARY + b" other")


@pytest.fixture
def judge(moto: Server) -> Iterator[Any]:
    with closing(aws_client("ssm", moto.address)) as client:
        yield client


@pytest.fixture
def proxy(moto: Server) -> Iterator[FaultProxy]:
    with FaultProxy(moto.address) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return f"judged/{uuid.uuid4().hex[:12]}/"


@pytest_asyncio.fixture
async def driver(proxy: FaultProxy, prefix: str) -> AsyncIterator[SecretDriver]:
    made = await opened(proxy.address, service="ssm", secret_prefix=prefix)
    yield made
    await made.close()


@pytest.mark.asyncio
async def test_what_is_written_is_read_by_the_judge(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    tags = Attributes(tags={"team": "core"})
    await driver.create("db/password", SecretValue("text ✓"), tags)
    found = judge.get_parameter(Name=f"/{prefix}db/password", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"], found["Version"]) == ("text ✓", "SecureString", 1)
    there = judge.list_tags_for_resource(
        ResourceType="Parameter", ResourceId=f"/{prefix}db/password"
    )["TagList"]
    assert there == [{"Key": "team", "Value": "core"}]
    await driver.update("db/password", SecretValue("second"), NOTHING)
    found = judge.get_parameter(Name=f"/{prefix}db/password", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Version"]) == ("second", 2)
    before = judge.get_parameter(Name=f"/{prefix}db/password:previous", WithDecryption=True)
    assert before["Parameter"]["Value"] == "text ✓"
    await driver.delete("db/password")
    with pytest.raises(judge.exceptions.ParameterNotFound):
        judge.get_parameter(Name=f"/{prefix}db/password")


@pytest.mark.asyncio
async def test_what_the_judge_writes_is_read(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    for kind in ("String", "StringList", "SecureString"):
        judge.put_parameter(Name=f"/{prefix}{kind}", Value="a,b", Type=kind)
        assert (await driver.get(kind)).value.text() == "a,b"
    assert names_of(await listed(driver)) == ["SecureString", "String", "StringList"]
    judge.put_parameter(Name=f"/{prefix}String", Value="c", Overwrite=True)
    judge.label_parameter_version(
        Name=f"/{prefix}String", ParameterVersion=1, Labels=["release"]
    )
    found = await driver.get("String", stage="release")
    assert (found.value.text(), found.version) == ("a,b", "1")
    await driver.update("String", SecretValue("d"), NOTHING)
    there = judge.get_parameter(Name=f"/{prefix}String")["Parameter"]
    assert (there["Type"], there["Value"]) == ("String", "d"), "the type stays as it is"


@pytest.mark.asyncio
async def test_a_key_and_a_tier_of_the_configuration(
    moto: Server, judge: Any, prefix: str
) -> None:
    driver = await opened(
        moto.address,
        service="ssm",
        secret_prefix=prefix,
        kms_key="alias/mine",
        tier="advanced",
    )
    large = SecretValue(b"x" * 8192)
    await driver.create("made", large, NOTHING)
    (there,) = judge.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Values": [f"/{prefix}made"]}]
    )["Parameters"]
    assert (there["KeyId"], there["Tier"]) == ("alias/mine", "Advanced")
    assert (await driver.get("made")).value == large
    await refused(Invalid, driver.create("more", SecretValue(b"x" * 8193), NOTHING))
    await driver.close()


@pytest.mark.asyncio
async def test_the_limit_of_the_tier_is_named(driver: SecretDriver, proxy: FaultProxy) -> None:
    await driver.create("text", SecretValue("é" * 2048), NOTHING)
    proxy.seen.clear()
    for value in ("é" * 2049, "x" * 4097, b"\xff" * (most_bytes(4096) + 1)):
        error = await refused(Invalid, driver.create("new", SecretValue(value), NOTHING))
        assert "4,096" in str(error)
        assert "3,060" in str(error)
    assert proxy.seen == []


@pytest.mark.asyncio
async def test_a_label_on_the_oldest_of_a_hundred_versions(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    first = await driver.create("made", SecretValue("0"), NOTHING)
    await driver.move_stage("made", "release", first.version)
    for number in range(1, 100):
        judge.put_parameter(Name=f"/{prefix}made", Value=str(number), Overwrite=True)
    error = await refused(Quota, driver.update("made", VALUE, NOTHING))
    assert "label" in str(error)
    await driver.move_stage("made", "release", None)
    assert (await driver.update("made", VALUE, NOTHING)).changed
    assert len(await driver.versions("made")) == 100


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [LostResponse(), Truncated(), Dropped(), Reset()])
async def test_a_write_that_is_sent_again_makes_one_version(
    driver: SecretDriver, proxy: FaultProxy, judge: Any, prefix: str, fault: Fault
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(fault, when=action("PutParameter"))
    await refused(Unavailable, driver.update("made", VALUE, NOTHING))
    await driver.update("made", VALUE, NOTHING)
    there = judge.get_parameter_history(Name=f"/{prefix}made")["Parameters"]
    assert len(there) == 2


@pytest.mark.asyncio
async def test_a_label_that_cannot_be_set_does_not_undo_the_write(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(says("AccessDeniedException"), when=action("LabelParameterVersion"))
    assert (await driver.update("made", VALUE, NOTHING)).changed
    proxy.fail(Reset(), when=action("LabelParameterVersion"))
    assert (await driver.update("made", OTHER, NOTHING)).changed
    await refused(NotFound, driver.get("made", stage=PREVIOUS))


@pytest.mark.asyncio
async def test_reads_that_come_together_are_asked_together(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    names = [f"many/{number:02}" for number in range(25)]
    for name in names:
        await driver.create(name, SecretValue(name), NOTHING)
    proxy.seen.clear()
    found = await asyncio.gather(
        *(driver.get(name) for name in (*names, "absent", names[0])), return_exceptions=True
    )
    assert [type(each).__name__ for each in found] == (["Secret"] * 25 + ["NotFound", "Secret"])
    assert sorted(actions(proxy)) == ["GetParameter"] + ["GetParameters"] * 3


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "kind", "asked"),
    [
        (says("AccessDeniedException"), type(None), ["GetParameters", *["GetParameter"] * 3]),
        (says("ThrottlingException"), Throttled, ["GetParameters"]),
        (says("InvalidKeyId"), type(None), ["GetParameters", *["GetParameter"] * 3]),
    ],
)
async def test_a_batch_that_is_refused(
    driver: SecretDriver, proxy: FaultProxy, answer: Fault, kind: type, asked: list[str]
) -> None:
    for name in "abc":
        await driver.create(name, SecretValue(name), NOTHING)
    proxy.seen.clear()
    proxy.fail(answer, when=action("GetParameters"))
    found = await asyncio.gather(*(driver.get(n) for n in "abc"), return_exceptions=True)
    if kind is type(None):
        assert not any(isinstance(each, BaseException) for each in found)
    else:
        assert {type(each) for each in found} == {kind}
    assert actions(proxy) == asked


@pytest.mark.asyncio
async def test_a_read_that_fails_half_way_shows_nothing(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    first = await driver.create("made", VALUE, NOTHING)
    proxy.fail(Reset(), when=action("GetParameterHistory"))
    await refused(Unavailable, driver.get("made", version=first.version))


@pytest.mark.asyncio
async def test_a_key_that_is_disabled(driver: SecretDriver, proxy: FaultProxy) -> None:
    await driver.create("made", VALUE, NOTHING)
    proxy.fail(says("InvalidKeyId"), times=None, when=action("GetParameter"))
    await refused(KeyFailure, driver.get("made"))


@pytest.mark.asyncio
async def test_a_mark_without_base64_is_corrupt(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    judge.put_parameter(
        Name=f"/{prefix}made", Value=f"{MARK}canary-4c1d9f07!", Type="SecureString"
    )
    await refused(Corrupt, driver.get("made"))


@pytest.mark.asyncio
@pytest.mark.parametrize("stage", ["1st", "aws-x", "SSM", "-"])
async def test_labels_that_aws_does_not_take(driver: SecretDriver, stage: str) -> None:
    first = await driver.create("made", VALUE, NOTHING)
    if stage == "-":
        await driver.move_stage("made", stage, first.version)
        return
    await refused(Invalid, driver.move_stage("made", stage, first.version))
    await refused(NotFound, driver.get("made", stage=stage))


@given(st.binary(min_size=1, max_size=300) | st.text(min_size=1).map(str.encode))
def test_values_come_back(data: bytes) -> None:
    text = encoded(SecretValue(data))
    found = decoded(text)
    assert found is not None
    assert found.reveal() == data
    assert "{{" not in text
    assert size(SecretValue(data)) == len(text.encode())


@given(st.integers(min_value=MARK.__len__() + 4, max_value=9000))
def test_what_is_said_to_fit_fits(characters: int) -> None:
    most = most_bytes(characters)
    assert len(encoded(SecretValue(b"\xff" * most))) <= characters
    assert len(encoded(SecretValue(b"\xff" * (most + 1)))) > characters


@pytest.mark.parametrize("text", ["plain", "a\nb\tc\r\n", "ü", "{one}", "skykee:p"])
def test_text_is_kept_as_it_is(text: str) -> None:
    assert encoded(SecretValue(text)) == text


@pytest.mark.parametrize("text", ["skykeep:x", "{{ssm:other}}", "a\0b", "\x1b[0m"])
def test_text_that_may_be_misread_is_not(text: str) -> None:
    assert encoded(SecretValue(text)).startswith(MARK)
