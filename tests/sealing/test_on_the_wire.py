"""What leaves this host is ciphertext, byte for byte, and the same bytes when it is sent again.

Objects go to SeaweedFS, secrets to moto, through a proxy that sees all and loses answers.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.conformance.cases import CANARY, shows_canary
from skykeep.envelope.sealed_secret import is_sealed_secret
from skykeep.interfaces.object_writing import PART
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.guarding import EncryptionSettings
from skykeep.settings.model import Environment, RetrySettings
from tests.peers.faults import FaultProxy, LostResponse
from tests.peers.messages import Message
from tests.peers.peer import Server
from tests.peers.s3 import S3
from tests.providers.aws.opening import ENVIRON as AWS_ENVIRON
from tests.providers.aws.opening import settings
from tests.providers.aws.opening_s3 import ENVIRON as S3_ENVIRON

pytestmark = pytest.mark.asyncio


@pytest.fixture
def s3_proxy(seaweedfs_s3: S3) -> Iterator[FaultProxy]:
    with FaultProxy(seaweedfs_s3.address) as made:
        yield made


@pytest.fixture
def aws_proxy(moto: Server) -> Iterator[FaultProxy]:
    with FaultProxy(moto.address) as made:
        yield made


def environment(primary: object) -> Environment:
    return Environment(
        primary=primary,  # type: ignore[arg-type]  # settings of AWS
        keys=MemorySettings(backend="memory"),
        encryption=EncryptionSettings(kek="main"),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
    )


@pytest_asyncio.fixture
async def objects(s3_proxy: FaultProxy, seaweedfs_s3: S3) -> AsyncIterator[Cloud]:
    target = settings(
        objects_endpoint=s3_proxy.address,
        bucket=seaweedfs_s3.shared_bucket(),
        objects_prefix=f"sealed/{secrets.token_hex(8)}/",
    )
    async with Cloud(environment(target), environ=S3_ENVIRON) as cloud:
        await cloud.keys.create("main")
        yield cloud


@pytest_asyncio.fixture
async def values(aws_proxy: FaultProxy) -> AsyncIterator[Cloud]:
    target = settings(
        endpoint=aws_proxy.address, secret_prefix=f"sealed/{secrets.token_hex(8)}/"
    )
    async with Cloud(environment(target), environ=AWS_ENVIRON) as cloud:
        await cloud.keys.create("main")
        yield cloud


def sent(proxy: FaultProxy) -> list[bytes]:
    return [seen.request.encoded() for seen in proxy.seen]


def puts_part_two(request: Message) -> bool:
    return request.method == "PUT" and "partNumber=2" in request.target


async def test_bodies_leave_sealed_and_parts_again_as_they_were(
    objects: Cloud, s3_proxy: FaultProxy
) -> None:
    body = (CANARY * (2 * PART // len(CANARY) + 1000))[: 2 * PART + 1000]
    s3_proxy.fail(LostResponse(), when=puts_part_two)

    await objects.objects.put("large", body)
    await objects.objects.put("small", CANARY)

    assert (await objects.objects.get("large")).data == body
    assert (await objects.objects.get("small")).data == CANARY
    start = 9_000_001
    found = await objects.objects.get("large", start=start, length=50_000)
    assert found.data == body[start : start + 50_000]
    assert [(info.key, info.size) async for info in objects.objects.list()] == [
        ("large", len(body)),
        ("small", len(CANARY)),
    ]
    assert sum(map(len, sent(s3_proxy))) > 2 * PART
    assert not any(CANARY in each for each in sent(s3_proxy))
    twice = [seen.request.body for seen in s3_proxy.seen if puts_part_two(seen.request)]
    assert len(twice) == 2
    assert twice[0] == twice[1]


async def test_a_conditional_write_whose_answer_is_lost_is_settled(
    objects: Cloud, s3_proxy: FaultProxy
) -> None:
    s3_proxy.fail(LostResponse(), when=lambda request: request.method == "PUT")

    await objects.objects.put("once", CANARY, if_absent=True)

    bodies = [seen.request.body for seen in s3_proxy.seen if seen.request.method == "PUT"]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert (await objects.objects.get("once")).data == CANARY


async def test_a_rewrapped_object_is_the_same_to_its_readers(objects: Cloud) -> None:
    body = secrets.token_bytes(300_000)
    await objects.objects.put("o", body)
    async with objects.objects.stream("o", range_bytes=65_536) as found:
        parts = [await anext(found)]
        await objects.keys.rotate("main")
        done = await objects.rewrap(secrets=None)
        assert (done.objects.moved, done.objects.failed) == (1, {})
        parts += [part async for part in found]
    assert b"".join(parts) == body
    assert (await objects.rewrap(secrets=None)).objects.newest == 1


async def test_values_leave_sealed_and_a_lost_answer_makes_no_second_version(
    values: Cloud, aws_proxy: FaultProxy
) -> None:
    await values.secrets.put("a", "other")
    aws_proxy.fail(
        LostResponse(), when=lambda request: b"secretsmanager.PutSecretValue" in request.head
    )

    await values.secrets.put("a", CANARY)

    assert len(await values.secrets.versions("a")) == 2
    assert (await values.secrets.get("a", fresh=True)).value.reveal() == CANARY
    written = [
        base64.b64decode(json.loads(seen.request.body)["SecretBinary"])
        for seen in aws_proxy.seen
        if b"SecretValue" in seen.request.head and b"SecretBinary" in seen.request.body
    ]
    assert written
    assert all(is_sealed_secret(each) for each in written)
    assert len(set(written)) == 1
    assert not shows_canary("".join(map(repr, sent(aws_proxy))))
    again = await values.secrets.put("a", CANARY)
    assert again.changed is False
