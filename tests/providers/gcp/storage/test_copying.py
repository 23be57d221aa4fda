"""Copies by Cloud Storage itself: of one object, in as many calls as it takes."""

from __future__ import annotations

import pytest

from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import body
from skykeep.errors import Conflict, KeyFailure, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.object_driver import ObjectAttributes
from skykeep.providers.gcp.storage.driver import CloudStorage as Driver
from tests.peers.fakes.cloud_storage import CloudStorage
from tests.peers.fakes.cloud_storage_state import Bucket, Conditions
from tests.peers.faults import Answer, FaultProxy, Reset
from tests.peers.messages import Message
from tests.providers.gcp.storage.going_wrong import asks, says, seen

pytestmark = pytest.mark.asyncio

BODY = body("sent")


async def test_a_copy_of_several_calls(
    driver: Driver, storage: CloudStorage, bucket: Bucket, proxy: FaultProxy
) -> None:
    await driver.write("made", BODY)
    proxy.seen.clear()
    storage.rewrite_calls = 3
    await driver.copy("made", "copied")
    assert seen(proxy) == ["GET", "POST", "POST", "POST"]
    assert (await driver.read("copied")).data == BODY


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(200, b'{"done": false}'), Unavailable),
        (Answer(200, b'{"done": true}'), Unavailable),
        (says("notFound", 404), NotFound),
        (says("conditionNotMet", 412), Conflict),
        (says("backendError", 503), Unavailable),
        (says("cloudKmsDisabledKey", 400), KeyFailure),
    ],
)
async def test_a_copy_that_goes_wrong(
    driver: Driver, proxy: FaultProxy, answer: Answer, kind: type[SkykeepError]
) -> None:
    await driver.write("made", BODY)
    proxy.fail(answer, when=asks("POST", "rewriteTo"))
    await refused(kind, driver.copy("made", "copied"))


async def test_a_copy_of_what_changes_meanwhile(
    driver: Driver, bucket: Bucket, proxy: FaultProxy
) -> None:
    await driver.write("made", BODY)

    def meanwhile(request: Message) -> bool:
        if "rewriteTo" in request.target:
            bucket.objects["team/made"].patch({"metadata": {"new": "1"}})
        return False

    proxy.fail(Reset(), when=meanwhile)
    await refused(Conflict, driver.copy("made", "copied"))
    await refused(NotFound, driver.head("copied"))


async def test_a_copy_keeps_the_storage_class(driver: Driver, bucket: Bucket) -> None:
    given = ObjectAttributes(storage_class="COLDLINE")
    await driver.write("made", BODY, given)
    assert (await driver.copy("made", "copied")).storage_class == "COLDLINE"
    assert bucket.objects["team/copied"].resource["storageClass"] == "COLDLINE"


async def test_a_copy_of_ever_the_same_object(
    driver: Driver, bucket: Bucket, proxy: FaultProxy
) -> None:
    """Also one that is replaced, not only one that is patched, is another."""
    await driver.write("made", BODY)

    def meanwhile(request: Message) -> bool:
        if "rewriteTo" in request.target:
            bucket.insert("team/made", b"new", {}, Conditions())
        return False

    proxy.fail(Reset(), when=meanwhile)
    await refused(Conflict, driver.copy("made", "copied"))
