"""Nothing reaches a region that it may not be in: two stores of AWS, watched on the wire."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.conformance.cases import CANARY, refused
from skykeep.errors import Denied, Unavailable
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.interfaces.objects import Objects
from skykeep.interfaces.secrets import Secrets
from skykeep.layers.residency import Place
from skykeep.providers.local.settings import LocalSettings
from skykeep.settings.guarding import ResidencySettings
from skykeep.settings.model import CacheSettings, Environment, RetrySettings
from tests.peers.clients import aws_client
from tests.peers.faults import FaultProxy, Reset
from tests.peers.peer import Server
from tests.providers.aws.opening import ENVIRON, settings

pytestmark = pytest.mark.asyncio

VALUE = CANARY + b" value"
RULE = LifecycleRule(prefix="a", expire_after_days=1)
FREE = {"capabilities", "invalidate", "watch", "on_change", "hold"}
"""What sends nothing, or nothing but what others of these send."""
Work = Callable[[Cloud], Awaitable[object]]


async def _listed(listing: Any) -> None:
    async for _ in listing:
        pass


async def _streamed(cloud: Cloud) -> None:
    async with cloud.objects.stream("a") as body:
        await _listed(body)


async def _many() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield VALUE * 500_000


SECRETS: dict[str, Work] = {
    "get": lambda cloud: cloud.secrets.get("a"),
    "get_many": lambda cloud: cloud.secrets.get_many(["a", "b"]),
    "list": lambda cloud: _listed(cloud.secrets.list("a")),
    "describe": lambda cloud: cloud.secrets.describe("a"),
    "versions": lambda cloud: cloud.secrets.versions("a"),
    "put": lambda cloud: cloud.secrets.put("a", VALUE),
    "create": lambda cloud: cloud.secrets.create("a", VALUE),
    "update": lambda cloud: cloud.secrets.update("a", VALUE),
    "annotate": lambda cloud: cloud.secrets.annotate("a", metadata={"b": "c"}),
    "move_stage": lambda cloud: cloud.secrets.move_stage("a", "pending", "1"),
    "promote": lambda cloud: cloud.secrets.promote("a", "1"),
    "delete": lambda cloud: cloud.secrets.delete("a"),
    "restore": lambda cloud: cloud.secrets.restore("a"),
    "purge": lambda cloud: cloud.secrets.purge("a"),
}
OBJECTS: dict[str, Work] = {
    "get": lambda cloud: cloud.objects.get("a"),
    "stream": _streamed,
    "head": lambda cloud: cloud.objects.head("a"),
    "exists": lambda cloud: cloud.objects.exists("a"),
    "tags": lambda cloud: cloud.objects.tags("a"),
    "list": lambda cloud: _listed(cloud.objects.list("a")),
    "presign": lambda cloud: cloud.objects.presign("a"),
    "put": lambda cloud: cloud.objects.put("a", VALUE),
    "put in parts": lambda cloud: cloud.objects.put("a", _many()),
    "put if absent": lambda cloud: cloud.objects.put("a", VALUE, if_absent=True),
    "delete": lambda cloud: cloud.objects.delete("a"),
    "delete_many": lambda cloud: cloud.objects.delete_many(["a", "b"]),
    "copy": lambda cloud: cloud.objects.copy("a", "b"),
    "collect": lambda cloud: cloud.objects.collect("a"),
    "lifecycle": lambda cloud: cloud.objects.lifecycle(),
    "set_lifecycle": lambda cloud: cloud.objects.set_lifecycle([RULE]),
}
ALL = {
    **{f"secrets.{name}": work for name, work in SECRETS.items()},
    **{f"objects.{name}": work for name, work in OBJECTS.items()},
}


async def test_every_operation_is_tried_below() -> None:
    for kind, tried in ((Secrets, SECRETS), (Objects, OBJECTS)):
        public = {
            name
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }
        assert {name.partition(" ")[0] for name in tried} == public - FREE


@pytest.fixture
def proxy(ministack: Server) -> Iterator[FaultProxy]:
    with FaultProxy(ministack.address) as made:
        yield made


@pytest.fixture
def bucket(ministack: Server) -> str:
    """In Ireland."""
    name = f"residency-{secrets.token_hex(8)}"
    with closing(aws_client("s3", ministack.address)) as client:
        place = {"LocationConstraint": "eu-west-1"}
        client.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return name


def environment(address: str, bucket: str, **residency: Any) -> Environment:
    """Secrets in us-east-1, objects in eu-west-1."""
    return Environment(
        primary=settings(endpoint=address, region="us-east-1", secret_prefix="residency/"),
        objects=settings(bucket=bucket, objects_endpoint=address, region="eu-west-1"),
        residency=msgspec.convert(residency, ResidencySettings),
        cache=CacheSettings(ttl_seconds=0),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
    )


def sent(proxy: FaultProxy) -> list[str]:
    """What came through, without the questions where the stores are."""
    return [
        f"{each.request.method} {each.request.target}"
        for each in proxy.seen
        if not _is_question(each.request)
    ]


def _is_question(request: Any) -> bool:
    return request.body == b'{"MaxResults":1}' or (
        request.method in {"HEAD", "GET"}
        and request.target.count("/") == 2
        and request.target.endswith(("/", "/?location="))
    )


@pytest_asyncio.fixture
async def nowhere(proxy: FaultProxy, bucket: str) -> AsyncIterator[Cloud]:
    """Neither store is where data may be."""
    given = environment(proxy.address, bucket, regions=["ap-south-1"])
    async with Cloud(given, environ=ENVIRON) as made:
        yield made


@pytest.mark.parametrize("work", ALL.values(), ids=ALL.keys())
async def test_nothing_but_the_question_is_sent(
    nowhere: Cloud, proxy: FaultProxy, work: Work
) -> None:
    error = await refused(Denied, work(nowhere))
    assert "ap-south-1" in error.message
    assert error.hint
    assert sent(proxy) == []
    assert proxy.seen, "the service was asked where it is"
    assert all(CANARY not in each.request.body for each in proxy.seen)


async def test_each_store_is_asked_once(nowhere: Cloud, proxy: FaultProxy) -> None:
    for work in ALL.values():
        await refused(Denied, work(nowhere))
    assert len(proxy.seen) == 2


async def test_what_may_be_there_is_sent(proxy: FaultProxy, bucket: str) -> None:
    given = environment(proxy.address, bucket, regions=["eu-*"])
    async with Cloud(given, environ=ENVIRON) as cloud:
        await cloud.objects.put("a", VALUE)
        assert (await cloud.objects.get("a")).data == VALUE
        before = len(sent(proxy))
        await refused(Denied, cloud.secrets.put("a", VALUE))
        assert len(sent(proxy)) == before
        assert await cloud.place("objects") == Place("eu-west-1", "told")


async def test_a_class_of_data_has_regions_of_its_own(proxy: FaultProxy, bucket: str) -> None:
    classes = [{"prefix": "patients", "regions": ["eu-central-1"]}]
    given = environment(proxy.address, bucket, regions=["eu-*"], classes=classes)
    async with Cloud(given, environ=ENVIRON) as cloud:
        objects = cloud.objects
        await objects.put("a", VALUE)
        before = sent(proxy)
        rule = LifecycleRule(prefix="patients/old", expire_after_days=1)
        work: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: objects.put("patients/1", VALUE),
            lambda: objects.get("patients/1"),
            lambda: objects.delete_many(["a", "b", "patients/1"]),
            lambda: objects.copy("a", "patients/1"),
            lambda: objects.copy("patients/1", "a"),
            lambda: _listed(objects.list("patients")),
            lambda: objects.presign("patients/1", method="PUT"),
        )
        for each in work:
            await refused(Denied, each())
        assert sent(proxy) == before
        await refused(Denied, objects.set_lifecycle([RULE, rule]))
        assert not [
            each for each in sent(proxy) if each.startswith("PUT") and "lifecycle" in each
        ]
        # What lies deeper is told by a listing of all: nobody hides what should not be there.
        assert [each.key async for each in objects.list()] == ["a"]


async def test_a_scope_is_no_part_of_a_class(proxy: FaultProxy, bucket: str) -> None:
    classes = [{"prefix": "patients", "regions": ["eu-central-1"]}]
    given = environment(proxy.address, bucket, classes=classes)
    given = msgspec.structs.replace(given, scope="acme/")
    async with Cloud(given, environ=ENVIRON) as cloud:
        await refused(Denied, cloud.objects.put("patients/1", VALUE))
        await cloud.objects.put("a", VALUE)


async def test_the_question_is_tried_again_as_calls_are(proxy: FaultProxy, bucket: str) -> None:
    given = environment(proxy.address, bucket, regions=["eu-*"])
    async with Cloud(given, environ=ENVIRON) as cloud:
        proxy.fail(Reset())
        await cloud.objects.put("a", VALUE)
        assert (await cloud.objects.get("a")).data == VALUE


async def test_who_cannot_be_asked_gets_nothing(proxy: FaultProxy, bucket: str) -> None:
    given = environment(proxy.address, bucket, regions=["eu-*"])
    async with Cloud(given, environ=ENVIRON) as cloud:
        proxy.fail(Reset(), times=None)
        await refused(Unavailable, cloud.objects.put("a", VALUE))
        assert sent(proxy) == []
        proxy.heal()
        await cloud.objects.put("a", VALUE)


async def test_this_host_is_no_region(tmp_path: Path) -> None:
    given = Environment(
        primary=LocalSettings(backend="local", objects=str(tmp_path / "objects")),
        residency=ResidencySettings(regions=("eu-*",), strict=True),
    )
    async with Cloud(given, environ={}) as cloud:
        await cloud.objects.put("a", VALUE)
        assert (await cloud.objects.get("a")).data == VALUE
        assert await cloud.place("objects") == Place(None, "embedded")
