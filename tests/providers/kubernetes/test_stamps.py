"""Stamps in Kubernetes: an annotation with the id of the value, in the same call as it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skykeep.conformance.cases import listed, refused
from skykeep.conformance.secrets_stamps import ONE, TWO, stamped
from skykeep.errors import Invalid, Unavailable
from skykeep.interfaces.secret_driver import Attributes, SecretDriver, Stamp
from skykeep.providers.kubernetes.annotations import MAX_BYTES
from skykeep.providers.kubernetes.objects import STAMP, VERSION
from tests.peers.faults import FaultProxy, LostResponse
from tests.peers.kube import Kube
from tests.providers.kubernetes.going_wrong import OTHER, VALUE, method, methods
from tests.providers.kubernetes.opening import NOTHING, opened, secret

pytestmark = pytest.mark.asyncio

MERGE = "application/merge-patch+json"
Theirs = Callable[..., None]


@pytest_asyncio.fixture
async def driver(
    kube: Kube, proxy: FaultProxy, namespace: str, tmp_path: Path
) -> AsyncIterator[SecretDriver]:
    made = await opened(kube, tmp_path, namespace, endpoint=proxy.address)
    yield made
    await made.close()


@pytest.fixture
def notes(kube: Kube, namespace: str) -> Callable[[], dict[str, str]]:
    """The annotations as the server has them."""

    def found() -> dict[str, str]:
        annotations: dict[str, str] = secret(kube, namespace, "made")["metadata"]["annotations"]
        return annotations

    return found


@pytest.fixture
def theirs(kube: Kube, namespace: str) -> Theirs:
    """A patch by somebody else."""

    def patch(manager: str = "kubectl-edit", **fields: Any) -> None:
        path = f"/api/v1/namespaces/{namespace}/secrets/made?fieldManager={manager}"
        kube.call("PATCH", path, fields, content=MERGE)

    return patch


async def told(driver: SecretDriver) -> Stamp | None:
    """What ``describe``, ``get`` and ``list`` tell."""
    told = (await driver.describe("made")).stamp
    assert (await driver.get("made")).stamp == told
    assert [each.stamp for each in await listed(driver)] == [told]
    return told


async def test_where_they_stand(
    driver: SecretDriver, notes: Callable[[], dict[str, str]]
) -> None:
    first = await driver.create("made", OTHER, stamped(ONE))
    assert notes() == {VERSION: first.version, STAMP: f"{ONE}.{first.version}"}
    second = await driver.update("made", VALUE, stamped(TWO))
    assert notes() == {VERSION: second.version, STAMP: f"{TWO}.{second.version}"}
    third = await driver.update("made", OTHER, NOTHING)
    assert notes() == {VERSION: third.version}, "the former one is taken off"


async def test_a_stamp_costs_no_call(driver: SecretDriver, proxy: FaultProxy) -> None:
    await driver.create("made", OTHER, stamped(ONE))
    await driver.update("made", VALUE, stamped(TWO))
    await driver.update("made", VALUE, stamped(ONE))
    assert methods(proxy) == ["POST", "GET", "PATCH", "GET"]
    assert await told(driver) == TWO


async def test_a_value_of_others_has_none(driver: SecretDriver, theirs: Theirs) -> None:
    """The annotation stays where it was; so does the id, and neither counts."""
    await driver.create("made", VALUE, stamped(ONE))
    theirs(stringData={"value": "theirs"})
    assert await told(driver) is None
    await driver.update("made", OTHER, NOTHING)
    assert await told(driver) is None
    await driver.update("made", VALUE, stamped(TWO))
    assert await told(driver) == TWO


async def test_what_others_say_beside_the_value_leaves_it(
    driver: SecretDriver, theirs: Theirs
) -> None:
    await driver.create("made", VALUE, stamped(ONE))
    theirs(metadata={"annotations": {"note": "x"}, "labels": {"team": "web"}})
    assert await told(driver) == ONE
    assert (await driver.get("made")).tags == {"team": "web"}


async def test_a_release_that_knows_no_stamps_leaves_none_behind(
    driver: SecretDriver, theirs: Theirs
) -> None:
    """It writes as the same manager, gives the value a new id and leaves the stamp there."""
    await driver.create("made", VALUE, stamped(ONE))
    annotations = {VERSION: "v0123456789abcdef"}
    theirs("skykeep", data={"value": "dHdv"}, metadata={"annotations": annotations})
    assert (await driver.get("made")).version == "v0123456789abcdef"
    assert await told(driver) is None


@pytest.mark.parametrize("text", ["", "x", "{one}", "{one}.", "{one}.{other}", "x.{version}"])
async def test_what_is_no_stamp_of_the_value_says_nothing(
    driver: SecretDriver, theirs: Theirs, text: str
) -> None:
    first = await driver.create("made", VALUE, stamped(ONE))
    note = text.format(one=ONE, version=first.version, other="v0123456789abcdef")
    theirs(metadata={"annotations": {STAMP: note}})
    assert await told(driver) is None


async def test_without_the_servers_notes_nothing_is_known_of_it(
    driver: SecretDriver, theirs: Theirs
) -> None:
    await driver.create("made", VALUE, stamped(ONE))
    theirs(metadata={"managedFields": [{}]})
    assert await told(driver) is None


async def test_a_write_that_is_sent_again_finds_its_stamp(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    await driver.create("made", OTHER, stamped(ONE))
    proxy.fail(LostResponse(), when=method("PATCH"))
    await refused(Unavailable, driver.update("made", VALUE, stamped(TWO)))
    assert (await driver.update("made", VALUE, stamped(TWO))).changed is False
    assert await told(driver) == TWO


async def test_there_is_room_for_it_beside_all_else(
    driver: SecretDriver, notes: Callable[[], dict[str, str]]
) -> None:
    """What passes for small enough is so with the stamp, for the server too."""
    await driver.create("made", OTHER, Attributes(metadata={"a": ""}, stamp=ONE))
    used = len("skykeep-metadata" + '{"a": ""}') + sum(
        len(key + text) for key, text in notes().items() if key in (VERSION, STAMP)
    )
    most = {"a": "x" * (MAX_BYTES - 200 - used)}
    more = Attributes(metadata={"a": most["a"] + "x"}, stamp=TWO)
    await refused(Invalid, driver.update("made", VALUE, more))
    await driver.update("made", VALUE, Attributes(metadata=most, stamp=TWO))
    await driver.annotate("made", Attributes(tags={"team": "web"}))
    assert await told(driver) == TWO
    plain = {"a": "x" * (MAX_BYTES - 200 - len("skykeep-metadata" + '{"a": ""}'))}
    await driver.purge("made")
    await driver.create("made", VALUE, Attributes(metadata=plain, stamp=ONE))
    assert await told(driver) == ONE
