"""What happens is told while it happens, whatever becomes of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skykeep.conformance.cases import shows_canary
from skykeep.errors import Invalid
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.kubernetes.secrets import KubernetesSecrets
from skykeep.providers.wire import Stream
from tests.peers.kube import Kube
from tests.providers.kubernetes.going_wrong import OTHER, VALUE
from tests.providers.kubernetes.opening import NOTHING, opened
from tests.providers.kubernetes.watches import PATIENCE, Cable, patient, told

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def cable(kube: Kube) -> AsyncIterator[Cable]:
    async with Cable(kube) as made:
        yield made


@pytest_asyncio.fixture
async def driver(
    kube: Kube, cable: Cable, namespace: str, tmp_path: Path
) -> AsyncIterator[KubernetesSecrets]:
    made = await opened(kube, tmp_path, namespace, endpoint=cable.address)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def writer(
    kube: Kube, namespace: str, tmp_path: Path
) -> AsyncIterator[KubernetesSecrets]:
    """Somebody else, on a connection of their own."""
    made = await opened(kube, tmp_path, namespace)
    yield made
    await made.close()


async def test_what_is_there_and_what_happens(
    kube: Kube, driver: KubernetesSecrets, writer: KubernetesSecrets
) -> None:
    await writer.create("db/one", VALUE, Attributes(tags={"team": "shop"}))
    await writer.create("other", VALUE, NOTHING)
    async with driver.changes("db") as changes:
        first = await anext(changes)
        assert (first.kind, first.info) == ("added", await writer.describe("db/one"))
        await writer.create("db/two", VALUE, NOTHING)
        await writer.create("other-too", VALUE, NOTHING)
        written = await writer.update("db/one", OTHER, NOTHING)
        await writer.annotate("db/one", Attributes(tags={}))
        await writer.delete("db/two")
        await writer.delete("db/one")
        async with asyncio.timeout(PATIENCE):
            news = [await anext(changes) for _ in range(5)]
    assert [(change.kind, change.info.name) for change in news] == [
        ("added", "db/two"),
        ("changed", "db/one"),
        ("changed", "db/one"),
        ("deleted", "db/two"),
        ("deleted", "db/one"),
    ]
    assert news[1].info.version == news[2].info.version == written.version
    assert first.info.tags == {"team": "shop"}
    assert news[2].info.tags == {}


async def test_others_types_and_names_are_not_told(
    kube: Kube, driver: KubernetesSecrets, writer: KubernetesSecrets, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    async with driver.changes() as changes:
        await writer.create("a", VALUE, NOTHING)
        assert await told(changes, 1) == [("added", "a")]
        tls = {"tls.crt": "", "tls.key": ""}
        named = {"metadata": {"name": "web"}, "type": "kubernetes.io/tls", "data": tls}
        kube.call("POST", path, named)
        kube.call("POST", path, {"metadata": {"name": "foreign--name"}})
        await writer.create("b", VALUE, NOTHING)
        assert await told(changes, 1) == [("added", "b")]


async def test_no_value_travels(
    kube: Kube, driver: KubernetesSecrets, writer: KubernetesSecrets, monkeypatch: Any
) -> None:
    lines: list[bytes] = []
    line = Stream.line

    async def noted(self: Stream) -> bytes | None:
        found = await line(self)
        lines.append(found or b"")
        return found

    monkeypatch.setattr(Stream, "line", noted)
    async with driver.changes() as changes:
        await writer.create("a", VALUE, NOTHING)
        await told(changes, 1)
        await writer.update("a", OTHER, NOTHING)
        assert await told(changes, 1) == [("changed", "a")]
    assert lines
    assert not shows_canary(b"".join(lines).decode())


async def test_one_that_is_held_is_told_deleted_once(
    kube: Kube, driver: KubernetesSecrets, writer: KubernetesSecrets, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    held = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    kube.call("POST", path, held)
    async with driver.changes() as changes:
        assert await told(changes, 1) == [("added", "held")]
        await writer.delete("held")
        assert await told(changes, 1) == [("deleted", "held")]
        patch = {"metadata": {"finalizers": None}}
        kube.call("PATCH", f"{path}/held", patch, content="application/merge-patch+json")
        await writer.create("held", VALUE, NOTHING)
        assert await told(changes, 1) == [("added", "held")]


async def test_a_connection_that_is_lost(
    kube: Kube, driver: KubernetesSecrets, writer: KubernetesSecrets, cable: Cable
) -> None:
    """It goes on where it was: nothing is told twice, and nothing is missed."""
    await writer.create("a", VALUE, NOTHING)
    async with driver.changes() as changes:
        patient(changes)
        assert await told(changes, 1) == [("added", "a")]
        for turn in range(3):
            waiting = asyncio.ensure_future(told(changes, 2))
            while changes._stream is None:  # noqa: ASYNC110  (the other task opens it)
                await asyncio.sleep(0)
            made = cable.made
            cable.pull()
            await writer.update("a", SecretValue(f"{turn}"), NOTHING)
            await writer.create(f"b{turn}", VALUE, NOTHING)
            assert await waiting == [("changed", "a"), ("added", f"b{turn}")]
            assert cable.made > made


async def test_closing_ends_it(
    kube: Kube, driver: KubernetesSecrets, writer: KubernetesSecrets
) -> None:
    await writer.create("a", VALUE, NOTHING)
    changes = driver.changes()
    assert await told(changes, 1) == [("added", "a")]
    waiting = asyncio.ensure_future(anext(changes, None))
    while changes._stream is None:  # noqa: ASYNC110  (the other task opens it)
        await asyncio.sleep(0)
    changes.close()
    async with asyncio.timeout(PATIENCE):
        assert await waiting is None
    assert await anext(changes, None) is None
    changes.close()


async def test_a_prefix_that_is_none(kube: Kube, driver: KubernetesSecrets) -> None:
    with pytest.raises(Invalid):
        driver.changes("a//b")


async def test_what_is_cancelled_can_go_on(
    kube: Kube, driver: KubernetesSecrets, writer: KubernetesSecrets
) -> None:
    async with driver.changes() as changes:
        waiting = asyncio.ensure_future(anext(changes))
        while changes._stream is None:  # noqa: ASYNC110  (the other task opens it)
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await writer.create("a", VALUE, NOTHING)
        assert await told(changes, 1) == [("added", "a")]
