"""What S3 is asked of the bucket itself: its lifecycle rules, and where it is."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import fromstring as read_xml

import pytest
import pytest_asyncio

from skykeep.conformance.cases import refused
from skykeep.errors import ConfigError, Denied, Invalid, Throttled, Unsupported
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.providers.aws.s3.lifecycle import MAX_RULES, NAME, Lifecycle
from skykeep.providers.aws.s3.writing import S3Objects
from tests.peers.clients import aws_client
from tests.peers.faults import Answer, FaultProxy
from tests.peers.peer import Server
from tests.providers.aws.going_wrong_s3 import XML, asks, says, seen
from tests.providers.aws.opening import ENVIRON
from tests.providers.aws.opening_s3 import opened

USUAL = LifecycleRule(
    prefix="scans",
    infrequent_after_days=30,
    archive_after_days=90,
    expire_after_days=365,
    abort_uploads_after_days=7,
)
MIN_SIZE = "x-amz-transition-default-minimum-object-size"


@pytest.fixture
def judge(ministack: Server) -> Iterator[Any]:
    with closing(aws_client("s3", ministack.address)) as client:
        yield client


@pytest.fixture
def bucket(judge: Any) -> str:
    name = f"rules-{secrets.token_hex(8)}"
    judge.create_bucket(Bucket=name)
    return name


@pytest.fixture
def proxy(ministack: Server) -> Iterator[FaultProxy]:
    with FaultProxy(ministack.address) as made:
        yield made


@pytest_asyncio.fixture
async def driver(proxy: FaultProxy, bucket: str) -> AsyncIterator[S3Objects]:
    made = await opened(proxy.address, bucket, environ=ENVIRON, objects_prefix="team/app-")
    yield made
    await made.close()


@pytest.mark.asyncio
class TestRules:
    async def test_boto3_sees_what_was_set(
        self, driver: S3Objects, judge: Any, bucket: str
    ) -> None:
        await driver.set_lifecycle([USUAL, LifecycleRule(expire_after_days=4000)])
        found = judge.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        by_prefix = {rule["Filter"]["Prefix"]: rule for rule in found}
        assert sorted(by_prefix) == ["team/app-", "team/app-scans/"]
        rule = by_prefix["team/app-scans/"]
        assert rule.pop("ID").startswith(NAME)
        assert rule == {
            "Filter": {"Prefix": "team/app-scans/"},
            "Status": "Enabled",
            "Transitions": [
                {"Days": 30, "StorageClass": "STANDARD_IA"},
                {"Days": 90, "StorageClass": "GLACIER"},
            ],
            "Expiration": {"Days": 365},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }

    async def test_where_no_rule_is_left_there_is_no_document(
        self, driver: S3Objects, proxy: FaultProxy
    ) -> None:
        await driver.set_lifecycle([USUAL])
        await driver.set_lifecycle([])
        assert seen(proxy)[-1] == "DELETE"
        assert list(await driver.lifecycle()) == []

    @pytest.mark.parametrize("kind", ["sha256", "crc32", "none"])
    async def test_the_document_has_a_checksum(
        self, proxy: FaultProxy, bucket: str, kind: str
    ) -> None:
        driver = await opened(proxy.address, bucket, environ=ENVIRON, object_checksum=kind)
        await driver.set_lifecycle([USUAL])
        await driver.close()
        head = proxy.seen[-1].request.head.lower()
        wanted = b"content-md5:" if kind == "none" else f"x-amz-checksum-{kind}:".encode()
        assert wanted in head

    async def test_what_is_too_small_to_be_moved_stays_as_it_was(
        self, driver: S3Objects, proxy: FaultProxy
    ) -> None:
        there = Answer(
            200, b"<LifecycleConfiguration/>", (XML, (MIN_SIZE, "varies_by_storage_class"))
        )
        proxy.fail(there, when=asks("GET", "lifecycle"))
        await driver.set_lifecycle([USUAL])
        assert f"{MIN_SIZE}: varies_by_storage_class".encode() in proxy.seen[-1].request.head

    async def test_of_a_disabled_rule_nothing_is_told(
        self, driver: S3Objects, judge: Any, bucket: str
    ) -> None:
        await driver.set_lifecycle([USUAL])
        rules = judge.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        rules[0]["Status"] = "Disabled"
        judge.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": rules}
        )
        assert list(await driver.lifecycle()) == []
        await driver.set_lifecycle([USUAL])  # and it is ours to be replaced
        assert list(await driver.lifecycle()) == [USUAL]

    async def test_rules_of_others_count(
        self, driver: S3Objects, judge: Any, bucket: str, proxy: FaultProxy
    ) -> None:
        theirs = {
            "ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x"},
            "Expiration": {"Days": 1},
        }  # fmt: skip
        judge.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [theirs]}
        )
        rules = [
            LifecycleRule(prefix=f"p{number}", expire_after_days=1)
            for number in range(MAX_RULES)
        ]
        await driver.set_lifecycle(rules[:-1])
        asked = len(proxy.seen)
        error = await refused(Invalid, driver.set_lifecycle(rules))
        assert "1 of others" in error.message
        assert seen(proxy)[asked:] == ["GET"]

    @pytest.mark.parametrize(("archive", "good"), [(59, False), (60, True), (61, True)])
    async def test_thirty_days_before_the_archive(
        self, driver: S3Objects, proxy: FaultProxy, archive: int, good: bool
    ) -> None:
        rule = LifecycleRule(infrequent_after_days=30, archive_after_days=archive)
        if good:
            await driver.set_lifecycle([rule])
            assert list(await driver.lifecycle()) == [rule]
        else:
            await refused(Invalid, driver.set_lifecycle([rule]))
            assert "PUT" not in seen(proxy)

    async def test_a_prefix_that_xml_cannot_carry(self, driver: S3Objects) -> None:
        rule = LifecycleRule(prefix="a\ufffe", expire_after_days=1)
        await refused(Invalid, driver.set_lifecycle([rule]))

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (says("NoSuchBucket", 404), ConfigError),
            (says("AccessDenied", 403), Denied),
            (says("NotImplemented", 501), Unsupported),
            (says("MethodNotAllowed", 405), Unsupported),
            (says("SlowDown", 503), Throttled),
        ],
    )
    async def test_a_refusal(
        self, driver: S3Objects, proxy: FaultProxy, answer: Answer, kind: Any
    ) -> None:
        proxy.fail(answer, when=asks("GET", "lifecycle"))
        await refused(kind, driver.lifecycle())
        proxy.fail(answer, when=asks("GET", "lifecycle"))
        await refused(kind, driver.set_lifecycle([USUAL]))
        proxy.fail(answer, when=asks("PUT", "lifecycle"))
        await refused(kind, driver.set_lifecycle([USUAL]))


OLD = """
<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Rule>
    <ID>old &lt;form&gt;</ID><Prefix>logs/</Prefix><Status>Enabled</Status>
    <Transition><Date>2030-01-01T00:00:00Z</Date><StorageClass>GLACIER</StorageClass></Transition>
  </Rule>
</LifecycleConfiguration>
"""


def document_of(text: str | bytes | None) -> Element:
    return read_xml(text or b"")  # noqa: S314  (our own)


class TestDocuments:
    def test_the_older_form_is_written_in_the_newer(self) -> None:
        there = Lifecycle(list(document_of(OLD)), "")
        document = document_of(there.replaced([USUAL]))
        space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
        theirs, ours = document.findall(f"{space}Rule")
        assert [child.tag.removeprefix(space) for child in theirs] == [
            "ID", "Filter", "Status", "Transition",
        ]  # fmt: skip
        assert theirs.findtext(f"{space}ID") == "old <form>"
        assert theirs.findtext(f"{space}Filter/{space}Prefix") == "logs/"
        assert theirs.findtext(f"{space}Transition/{space}Date") == "2030-01-01T00:00:00Z"
        assert ours.findtext(f"{space}Filter/{space}Prefix") == "scans/"
        again = Lifecycle(list(document), "")
        assert again.own() == [USUAL]
        assert again.replaced([USUAL]) == there.replaced([USUAL])

    @pytest.mark.parametrize(
        ("prefix", "other"), [("team/", "team2/"), ("team/", ""), ("", "team/"), ("a-", "a-b")]
    )
    def test_the_targets_of_a_bucket_leave_each_others(self, prefix: str, other: str) -> None:
        theirs = Lifecycle((), other).replaced([USUAL])
        both = Lifecycle(list(document_of(theirs)), prefix)
        assert both.own() == []
        found = document_of(both.replaced([USUAL]))
        assert len(found) == 2
        assert Lifecycle(list(found), other).own() == [USUAL]


@pytest.mark.asyncio
class TestRegion:
    async def test_it_is_the_buckets_and_not_ours(self, judge: Any, proxy: FaultProxy) -> None:
        name = f"rules-{secrets.token_hex(8)}"
        place = {"LocationConstraint": "eu-west-3"}
        judge.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        driver = await opened(proxy.address, name, environ=ENVIRON, region="us-east-1")
        assert await driver.region() == "eu-west-3"
        await driver.close()
        assert seen(proxy) == ["HEAD"]

    async def test_nothing_but_the_buckets_name_is_sent(
        self, driver: S3Objects, proxy: FaultProxy, bucket: str
    ) -> None:
        proxy.fail(Answer(404), when=asks("HEAD"))
        await driver.region()
        assert [each.request.target for each in proxy.seen] == [
            f"/{bucket}/", f"/{bucket}/?location=",
        ]  # fmt: skip
        assert all(b"team/app-" not in each.request.head for each in proxy.seen)

    async def test_a_refusal_tells_it_too(self, driver: S3Objects, proxy: FaultProxy) -> None:
        told = ("x-amz-bucket-region", "eu-south-2")
        for status in (301, 400, 403):
            proxy.fail(Answer(status, b"", (told,)), when=asks("HEAD"))
            assert await driver.region() == "eu-south-2"

    @pytest.mark.parametrize(
        ("text", "region"),
        [("EU", "eu-west-1"), ("fr-par", "fr-par"), ("", None), ("\n", None)],
    )
    async def test_the_location_of_stores_that_tell_nothing_else(
        self, driver: S3Objects, proxy: FaultProxy, text: str, region: str | None
    ) -> None:
        proxy.fail(Answer(200), when=asks("HEAD"))
        body = f"<LocationConstraint>{text}</LocationConstraint>".encode()
        proxy.fail(Answer(200, body, (XML,)), when=asks("GET", "location"))
        assert await driver.region() == region

    async def test_who_may_not_ask(self, driver: S3Objects, proxy: FaultProxy) -> None:
        proxy.fail(Answer(403), when=asks("HEAD"))
        proxy.fail(says("AccessDenied", 403), when=asks("GET", "location"))
        await refused(Denied, driver.region())

    async def test_a_bucket_that_is_gone(self, proxy: FaultProxy) -> None:
        driver = await opened(proxy.address, "not-there-at-all", environ=ENVIRON)
        await refused(ConfigError, driver.region())
        await driver.close()
