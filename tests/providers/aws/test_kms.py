"""AWS KMS: boto3 opens what skykeep encrypts and the other way round; refusals; names."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import botocore.session
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from skykeep import Cloud
from skykeep.conformance.cases import CANARY, refused
from skykeep.errors import (
    Conflict,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    Quota,
    SkykeepError,
    Throttled,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces.key_driver import Signature
from skykeep.interfaces.names import check_name
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.aws.errors import TABLE, read_failure, translate
from skykeep.providers.aws.kms import Kms, open_keys
from skykeep.providers.aws.kms_errors import OWN
from skykeep.providers.aws.kms_names import KeyNames
from skykeep.providers.wire import Reply
from skykeep.settings.model import Environment, RetrySettings
from tests.peers.aws import REGION
from tests.peers.clients import aws_client
from tests.peers.faults import Answer, FaultProxy, LostResponse, Truncated
from tests.peers.peer import Server
from tests.providers.aws.opening import ENVIRON, context, settings

VALUE = SecretValue(CANARY + b" value")
PAIRS = {"table": "customers", "ü": "€"}
DIGEST = hashlib.sha256(b"a message").digest()


@pytest.fixture(params=["moto", "ministack"])
def server(request: pytest.FixtureRequest) -> Server:
    made: Server = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid.uuid4().hex[:12]}/"


@pytest.fixture
def judge(server: Server) -> Iterator[Any]:
    with closing(aws_client("kms", server.address)) as client:
        yield client


async def opened(address: str, **keys: Any) -> Kms:
    return await open_keys(settings(keys_endpoint=address, **keys), context())


@pytest_asyncio.fixture
async def driver(server: Server, prefix: str) -> AsyncIterator[Kms]:
    made = await opened(server.address, keys_prefix=prefix)
    yield made
    await made.close()


# -- the judge


@pytest.mark.asyncio
async def test_boto3_opens_what_we_encrypt_and_we_what_it_does(
    driver: Kms, judge: Any, prefix: str
) -> None:
    made = await driver.create("db/master.key")
    alias = f"alias/{prefix}db/master___key"
    ours = await driver.encrypt("db/master.key", VALUE, PAIRS)
    got = judge.decrypt(KeyId=alias, CiphertextBlob=ours, EncryptionContext=PAIRS)
    assert got["Plaintext"] == VALUE.reveal()
    theirs = judge.encrypt(KeyId=made.native, Plaintext=b"theirs", EncryptionContext=PAIRS)
    assert (
        await driver.decrypt("db/master.key", theirs["CiphertextBlob"], PAIRS)
    ).reveal() == b"theirs"
    data_key = await driver.generate("db/master.key", PAIRS)
    got = judge.decrypt(KeyId=alias, CiphertextBlob=data_key.wrapped, EncryptionContext=PAIRS)
    assert got["Plaintext"] == data_key.plain.reveal()
    assert judge.describe_key(KeyId=alias)["KeyMetadata"]["Arn"] == made.native


@pytest.mark.asyncio
@pytest.mark.parametrize("algorithm", ["ecdsa-p256-sha256", "rsa-pss-sha256"])
async def test_signatures_are_awss_own(moto: Server, prefix: str, algorithm: Any) -> None:
    driver = await opened(moto.address, keys_prefix=prefix)
    try:
        info = await driver.create("signer", "sign", algorithm)
        assert (info.purpose, info.algorithm) == ("sign", algorithm)
        ours = await driver.sign("signer", DIGEST)
        spec = "ECDSA_SHA_256" if algorithm.startswith("ecdsa") else "RSASSA_PSS_SHA_256"
        with closing(aws_client("kms", moto.address)) as judge:
            said = judge.verify(
                KeyId=info.native,
                Message=DIGEST,
                MessageType="DIGEST",
                Signature=ours.data,
                SigningAlgorithm=spec,
            )
        assert said["SignatureValid"]
        assert await driver.verify("signer", DIGEST, ours)
        assert not await driver.verify("signer", hashlib.sha256(b"other").digest(), ours)
        assert not await driver.verify("signer", DIGEST, Signature(ours.data, "1"))
        assert not await driver.verify("signer", DIGEST, Signature(b""))
        await driver.create("sealer")
        with pytest.raises(Invalid, match="cannot do this"):
            await driver.sign("sealer", DIGEST)
    finally:
        await driver.close()


@pytest.mark.asyncio
async def test_a_key_without_its_alias_does_not_stay(
    driver: Kms, judge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two make the same name: the slower one's key is found by nobody, and is deleted."""
    await driver.create("k")

    async def unseen(name: str) -> dict[str, Any]:
        raise NotFound("not yet")

    before = {key["KeyId"] for key in judge.list_keys(Limit=1000)["Keys"]}
    monkeypatch.setattr(driver, "_about", unseen)
    with pytest.raises(Conflict):
        await driver.create("k")
    made = {key["KeyId"] for key in judge.list_keys(Limit=1000)["Keys"]} - before
    states = {judge.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in made}
    assert states == {"PendingDeletion"}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("way", "state"),
    [("disable", "disabled"), ("delete", "pending_deletion")],
)
async def test_a_key_that_cannot_be_used(driver: Kms, judge: Any, way: str, state: str) -> None:
    info = await driver.create("k")
    assert info.native is not None
    key = info.native.rpartition("/")[2]  # moto takes no ARN here
    if way == "disable":
        judge.disable_key(KeyId=key)
    else:
        judge.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (await driver.describe("k")).state == state


# -- faults


@pytest.fixture
def proxy(moto: Server) -> Iterator[FaultProxy]:
    with FaultProxy(moto.address) as made:
        yield made


@pytest_asyncio.fixture
async def cloud(proxy: FaultProxy, prefix: str) -> AsyncIterator[Cloud]:
    environment = Environment(
        primary=settings(keys_endpoint=proxy.address, keys_prefix=prefix),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        deadline_seconds=5.0,
    )
    async with Cloud(environment, environ=ENVIRON) as made:
        yield made


def says(code: str, status: int = 400) -> Answer:
    return Answer(status, json.dumps({"__type": code, "message": "its words"}).encode())


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "fault",
    [
        LostResponse(),
        Truncated(),
        says("ThrottlingException"),
        says("KeyUnavailableException", 500),
        says("DependencyTimeoutException", 503),
    ],
    ids=["lost", "truncated", "throttled", "key unavailable", "dependency"],
)
async def test_what_passes_is_not_seen(cloud: Cloud, proxy: FaultProxy, fault: Any) -> None:
    await cloud.keys.create("k")
    proxy.fail(fault)
    data_key = await cloud.keys.generate("k", context=PAIRS)
    proxy.fail(fault)
    assert await cloud.keys.unwrap("k", data_key.wrapped, context=PAIRS) == data_key.plain


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("DisabledException", KeyFailure),
        ("KMSInvalidStateException", KeyFailure),
        ("AccessDeniedException", Denied),
        ("NotFoundException", NotFound),
    ],
)
async def test_a_refusal_is_told_once(
    cloud: Cloud, proxy: FaultProxy, code: str, kind: type[SkykeepError]
) -> None:
    proxy.fail(says(code))
    error = await refused(kind, cloud.keys.encrypt("k", VALUE))
    assert error.operation == "keys.encrypt"
    assert len(proxy.seen) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b"[]", b'{"CiphertextBlob": 5}', b'{"CiphertextBlob": "?"}'])
async def test_an_answer_of_another_shape(cloud: Cloud, proxy: FaultProxy, body: bytes) -> None:
    proxy.fail(Answer(200, body), times=None)
    await refused((SkykeepError,), cloud.keys.encrypt("k", VALUE))


@pytest.mark.asyncio
async def test_no_empty_value_and_none_too_large(cloud: Cloud, proxy: FaultProxy) -> None:
    for size in (0, 4097):
        with pytest.raises(Invalid):
            await cloud.keys.encrypt("k", b"x" * size)
    assert not proxy.seen
    with pytest.raises(NotFound):
        await cloud.keys.decrypt("k", b"x" * 6145)
    await cloud.keys.create("k")
    with pytest.raises(KeyFailure):
        await cloud.keys.decrypt("k", b"x" * 6145)


# -- the table

USED = (
    *("Encrypt", "Decrypt", "GenerateDataKey", "ReEncrypt", "DescribeKey", "CreateKey"),
    *("CreateAlias", "ListAliases", "RotateKeyOnDemand", "Sign", "Verify"),
    *("ScheduleKeyDeletion", "ListKeys"),
)
# Written down a second time, so that a slip in the table shows.
EXPECTED: dict[type[SkykeepError], str] = {
    Conflict: "AlreadyExistsException",
    Denied: "InvalidGrantTokenException",
    Invalid: "DryRunOperationException InvalidAliasNameException InvalidArnException "
    "InvalidKeyUsageException InvalidMarkerException MalformedPolicyDocumentException "
    "TagException",
    KeyFailure: "CloudHsmClusterInvalidConfigurationException "
    "CloudHsmClusterNotActiveException CustomKeyStoreInvalidStateException "
    "CustomKeyStoreNotFoundException DisabledException IncorrectKeyException "
    "InvalidCiphertextException KMSInvalidSignatureException KMSInvalidStateException "
    "XksKeyAlreadyInUseException XksKeyInvalidConfigurationException XksKeyNotFoundException",
    NotFound: "NotFoundException",
    Quota: "LimitExceededException",
    Throttled: "ConflictException",
    Unavailable: "DependencyTimeoutException KMSInternalException KeyUnavailableException",
    Unsupported: "UnsupportedOperationException",
}
KIND = {code: kind for kind, codes in EXPECTED.items() for code in codes.split()}


@pytest.mark.parametrize("code", sorted(OWN))
@pytest.mark.parametrize("status", [400, 500])
def test_a_code_becomes_ours_whatever_the_status(code: str, status: int) -> None:
    body = json.dumps({"__type": code, "message": "its words"}).encode()
    failure = read_failure(Reply(status, {"x-amzn-requestid": "request-1"}, body))
    error = translate(failure, title="AWS KMS", subject="db/key", action="Encrypt", own=OWN)
    assert type(error) is KIND[code]
    assert error.request_id == "request-1"
    assert code in str(error)
    assert "db/key" in str(error)


def test_every_error_of_the_model_has_a_row() -> None:
    loader = botocore.session.Session().get_component("data_loader")
    model = loader.load_service_model("kms", "service-2")
    codes = set()
    for name in USED:
        for error in model["operations"][name].get("errors", ()):
            shape = model["shapes"][error["shape"]]
            codes.add(shape.get("error", {}).get("code", error["shape"]))
    assert len(codes) > 20
    assert codes <= set(OWN) | set(TABLE)
    assert set(OWN) == set(KIND)


# -- names

NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,12}(/[A-Za-z0-9._-]{1,12}){0,3}", fullmatch=True)


@given(name=NAMES, other=NAMES, prefix=st.sampled_from(["", "team/", "a.b-"]))
def test_names_come_back_and_do_not_meet(name: str, other: str, prefix: str) -> None:
    names = KeyNames(prefix)
    codes = {}
    for each in (name, other):
        try:
            codes[check_name(each)] = names.stored(each)
        except Invalid:
            continue
    for each, code in codes.items():
        assert names.portable(code) == each
    assert len(set(codes.values())) == len(codes)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("db/password", "alias/db/password"),
        ("native:alias/aws/s3", "alias/aws/s3"),
        (
            "native:arn:aws:kms:us-east-1:123456789012:key/1-2",
            "arn:aws:kms:us-east-1:123456789012:key/1-2",
        ),
        ("n" * 250, "alias/" + "n" * 250),
    ],
)
def test_what_names_become(name: str, stored: str) -> None:
    assert KeyNames("").stored(name) == stored


@pytest.mark.parametrize("name", ["aws/s3", "n" * 251, "native:a b", "native:ü"])
def test_names_that_no_key_can_have(name: str) -> None:
    with pytest.raises(Invalid):
        KeyNames("").stored(name)


@pytest.mark.parametrize(
    "alias", ["key/1", "alias/aws/s3", "alias/a//b", "alias/", "alias/_____"]
)
def test_aliases_of_others_have_no_portable_name(alias: str) -> None:
    assert KeyNames("").portable(alias) is None


@pytest.mark.asyncio
async def test_the_region_is_told_by_the_address_or_by_a_key(driver: Kms) -> None:
    await driver.create("k")
    assert await driver.region() == REGION
    at_aws = await open_keys(settings(region="eu-central-1"), context())
    try:
        assert await at_aws.region() == "eu-central-1"  # and nothing was sent
    finally:
        await at_aws.close()


@pytest.mark.asyncio
async def test_a_native_name_cannot_be_made(moto: Server) -> None:
    driver = await opened(moto.address)
    try:
        with pytest.raises(Invalid, match="a new one has an alias"):
            await driver.create("native:1234")
    finally:
        await driver.close()
