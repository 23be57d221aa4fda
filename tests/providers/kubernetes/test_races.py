"""Others at the same Secret, between our look and our write."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from skykeep.conformance.cases import refused
from skykeep.errors import Conflict, NotFound, Unsupported
from skykeep.interfaces.secret_driver import Attributes, SecretDriver
from tests.peers.faults import FaultProxy, Reset
from tests.peers.kube import Kube
from tests.peers.messages import Message
from tests.providers.kubernetes.going_wrong import OTHER, VALUE, method, methods, says
from tests.providers.kubernetes.opening import NOTHING, opened, secret

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def driver(
    kube: Kube, proxy: FaultProxy, namespace: str, tmp_path: Path
) -> AsyncIterator[SecretDriver]:
    made = await opened(kube, tmp_path, namespace, endpoint=proxy.address)
    yield made
    await made.close()


async def test_others_write_between_our_look_and_our_write(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy, namespace: str
) -> None:
    """Theirs is seen, and written over knowingly; with a condition, ours is refused."""
    path = f"/api/v1/namespaces/{namespace}/secrets/made"
    first = await driver.create("made", OTHER, NOTHING)
    theirs = iter(["two", "three"])

    def meanwhile(request: Message) -> bool:
        if method("PATCH", "DELETE")(request):
            text = next(theirs, None)
            if text is not None:
                patch = {"stringData": {"value": text}}
                kube.call("PATCH", path, patch, content="application/merge-patch+json")
        return False

    proxy.fail(Reset(), when=meanwhile, times=None)
    ours = await driver.update("made", VALUE, NOTHING)
    assert methods(proxy)[1:] == ["GET", "PATCH"] * 3
    assert (await driver.get("made")).version == ours.version != first.version
    theirs = iter(["four"])
    await refused(Conflict, driver.update("made", OTHER, NOTHING, expects=ours.version))
    found = secret(kube, namespace, "made")
    assert base64.b64decode(found["data"]["value"]) == b"four"
    theirs = iter(["five"])
    version = (await driver.get("made")).version
    await refused(Conflict, driver.delete("made", expects=version))
    assert base64.b64decode(secret(kube, namespace, "made")["data"]["value"]) == b"five"


async def test_others_annotate_between_our_look_and_our_write(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy, namespace: str
) -> None:
    """That is no other version: the condition still holds."""
    path = f"/api/v1/namespaces/{namespace}/secrets/made"
    first = await driver.create("made", OTHER, NOTHING)
    notes = iter(["a", "b"])

    def meanwhile(request: Message) -> bool:
        note = next(notes, None) if method("PATCH", "DELETE")(request) else None
        if note is not None:
            patch = {"metadata": {"annotations": {note: "theirs"}}}
            kube.call("PATCH", path, patch, content="application/merge-patch+json")
        return False

    proxy.fail(Reset(), when=meanwhile, times=None)
    ours = await driver.update("made", VALUE, NOTHING, expects=first.version)
    annotations = secret(kube, namespace, "made")["metadata"]["annotations"]
    assert (annotations["a"], annotations["b"]) == ("theirs", "theirs"), "neither is lost"
    notes = iter(["c"])
    await driver.delete("made", expects=ours.version)
    await refused(NotFound, driver.get("made"))


@pytest.mark.parametrize("write", ["update", "annotate", "delete"])
async def test_others_delete_between_our_look_and_our_write(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy, namespace: str, write: str
) -> None:
    await driver.create("made", OTHER, NOTHING)
    path = f"/api/v1/namespaces/{namespace}/secrets/made"

    def meanwhile(request: Message) -> bool:
        if method("PATCH", "DELETE")(request):
            kube.call("DELETE", path)
        return False

    proxy.fail(Reset(), when=meanwhile)
    work: dict[str, Callable[[], Awaitable[object]]] = {
        "update": lambda: driver.update("made", VALUE, NOTHING),
        "annotate": lambda: driver.annotate("made", Attributes(tags={"a": "b"})),
        "delete": lambda: driver.delete("made"),
    }
    await refused(NotFound, work[write]())


async def test_another_one_in_its_place_is_not_deleted_unseen(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy, namespace: str
) -> None:
    await driver.create("made", OTHER, NOTHING)
    path = f"/api/v1/namespaces/{namespace}/secrets"
    tls = {"tls.crt": "", "tls.key": ""}
    theirs = {"metadata": {"name": "made"}, "type": "kubernetes.io/tls", "data": tls}

    def meanwhile(request: Message) -> bool:
        if method("DELETE")(request):
            kube.call("DELETE", f"{path}/made")
            kube.call("POST", path, theirs)
        return False

    proxy.fail(Reset(), when=meanwhile)
    await refused(Unsupported, driver.delete("made"))
    assert secret(kube, namespace, "made")["type"] == "kubernetes.io/tls"


async def test_one_that_is_always_overtaken_gives_up(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(says(409, "Conflict"), when=method("PATCH", "DELETE"), times=None)
    for work in (
        driver.update("made", VALUE, NOTHING),
        driver.annotate("made", Attributes(tags={"a": "b"})),
        driver.delete("made"),
    ):
        assert "all the time" in str(await refused(Conflict, work))
