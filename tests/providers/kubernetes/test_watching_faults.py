"""A watch goes on whatever answers it gets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skykeep.conformance.cases import refused
from skykeep.errors import Denied, Throttled, Unauthenticated, Unavailable
from skykeep.providers.kubernetes.secrets import KubernetesSecrets
from tests.peers.faults import Answer, Dropped, FaultProxy, Reset, Truncated
from tests.peers.kube import Kube
from tests.peers.messages import Message
from tests.providers.kubernetes.going_wrong import OTHER, VALUE
from tests.providers.kubernetes.opening import NOTHING, opened
from tests.providers.kubernetes.watches import patient, told

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def writer(
    kube: Kube, namespace: str, tmp_path: Path
) -> AsyncIterator[KubernetesSecrets]:
    """Somebody else, on a connection of their own."""
    made = await opened(kube, tmp_path, namespace)
    yield made
    await made.close()


def event(what: str, **content: Any) -> bytes:
    return json.dumps({"type": what, "object": content}).encode() + b"\n"


def watching(request: Message) -> bool:
    return b"watch=1" in request.head


@pytest_asyncio.fixture
async def behind(
    kube: Kube, proxy: FaultProxy, namespace: str, tmp_path: Path
) -> AsyncIterator[KubernetesSecrets]:
    made = await opened(kube, tmp_path, namespace, endpoint=proxy.address)
    yield made
    await made.close()


def versions(proxy: FaultProxy) -> list[str]:
    """From which state each watch began."""
    heads = [one.request.head for one in proxy.seen if watching(one.request)]
    return [head.split(b"resourceVersion=")[1].split(b"&")[0].decode() for head in heads]


END = Answer(403, json.dumps({"kind": "Status", "reason": "Forbidden", "code": 403}).encode())
"""Ends a test: what is refused is raised."""


async def test_a_bookmark_says_how_far_it_has_come(
    kube: Kube, behind: KubernetesSecrets, proxy: FaultProxy
) -> None:
    mark = event("BOOKMARK", kind="Secret", metadata={"resourceVersion": "777"})
    proxy.fail(Answer(200, mark), when=watching)
    proxy.fail(END, when=watching)
    async with behind.changes() as changes:
        patient(changes)
        await refused(Denied, anext(changes))
    assert versions(proxy)[1:] == ["777"]


async def test_a_watch_that_is_too_old_begins_anew(
    kube: Kube, behind: KubernetesSecrets, writer: KubernetesSecrets, proxy: FaultProxy
) -> None:
    """What has happened meanwhile is seen from a new listing."""
    for name in ("a", "b", "c"):
        await writer.create(name, VALUE, NOTHING)
    proxy.fail(Answer(410, b"{}"), when=watching)
    proxy.fail(END, when=watching)
    async with behind.changes() as changes:
        patient(changes)
        assert await told(changes, 3) == [("added", "a"), ("added", "b"), ("added", "c")]
        await writer.delete("a")
        await writer.update("b", OTHER, NOTHING)
        await writer.delete("c")
        await writer.create("c", VALUE, NOTHING)
        await writer.create("d", VALUE, NOTHING)
        assert await told(changes, 5) == [
            ("changed", "b"),
            ("deleted", "c"),
            ("added", "c"),
            ("added", "d"),
            ("deleted", "a"),
        ]
        await refused(Denied, anext(changes))


async def test_what_is_known_already_is_not_told_again(
    kube: Kube, behind: KubernetesSecrets, proxy: FaultProxy, namespace: str
) -> None:
    """A watch may begin before what a listing has shown."""
    made = kube.call(
        "POST", f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "a"}}
    )
    earlier = {**made["metadata"], "uid": "of-one-before", "resourceVersion": "7"}
    events = event("DELETED", kind="Secret", metadata=earlier) + event(
        "ADDED", kind="Secret", metadata=made["metadata"]
    )
    proxy.fail(Answer(200, events), when=watching)
    proxy.fail(END, when=watching)
    async with behind.changes() as changes:
        patient(changes)
        assert await told(changes, 1) == [("added", "a")]
        await refused(Denied, anext(changes))


ODD: dict[str, tuple[Any, bool]] = {
    "reset": (Reset(), False),
    "dropped": (Dropped(), False),
    "starting": (Answer(503), False),
    "throttled": (Answer(429, b"later", (("Retry-After", "7"),)), False),
    "page": (Answer(200, b"<html>\n"), False),
    "half a line": (Answer(200, b'{"type": "ADDED"'), False),
    "another shape": (Answer(200, event("ADDED", kind="Secret")), False),
    "a mark of nothing": (Answer(200, event("BOOKMARK")), False),
    "an error": (Answer(200, event("ERROR", kind="Status", code=500, reason="x")), False),
    "too old": (Answer(410, b"{}"), True),
    "too old later": (Answer(200, event("ERROR", kind="Status", code=410)), True),
    "nothing": (Answer(200), False),
}


@pytest.mark.parametrize("name", ODD)
async def test_what_goes_wrong_is_begun_again_with_growing_waits(
    kube: Kube, behind: KubernetesSecrets, proxy: FaultProxy, name: str
) -> None:
    fault, anew = ODD[name]
    proxy.fail(fault, when=watching, times=4)
    proxy.fail(END, when=watching)
    async with behind.changes() as changes:
        waits = patient(changes)
        await refused(Denied, anext(changes))
    lists = len(proxy.seen) - len(versions(proxy))
    assert len(versions(proxy)) == 5
    assert lists == (5 if anew else 1)
    if name == "throttled":
        assert waits.seconds == [7.0] * 4
    elif name in {"reset", "dropped", "starting", "nothing", "too old", "half a line"}:
        assert waits.seconds == [0.1, 0.2, 0.4, 0.8]
    else:
        assert len(waits.seconds) == 4


async def test_the_first_listing_is_there_or_fails(
    kube: Kube, behind: KubernetesSecrets, proxy: FaultProxy
) -> None:
    for fault, kind in (
        (Reset(), Unavailable),
        (Truncated(), Unavailable),
        (Answer(429), Throttled),
        (END, Denied),
    ):
        proxy.heal()
        proxy.fail(fault)
        async with behind.changes() as changes:
            await refused(kind, anext(changes))


async def test_later_ones_are_tried_again(
    kube: Kube, behind: KubernetesSecrets, proxy: FaultProxy
) -> None:
    proxy.fail(Answer(410, b"{}"), when=watching)
    seen = iter(range(100))
    proxy.fail(Reset(), when=lambda request: not watching(request) and next(seen) in {1, 2})
    proxy.fail(END, when=watching)
    async with behind.changes() as changes:
        patient(changes)
        await refused(Denied, anext(changes))
    assert [type(one.fault) for one in proxy.seen] == [
        type(None),
        Answer,
        Reset,
        type(None),
        Answer,
    ]


async def test_a_line_longer_than_an_answer_may_be(
    kube: Kube, behind: KubernetesSecrets, proxy: FaultProxy
) -> None:
    proxy.fail(Answer(200, b"x" * 33 * 1024 * 1024), when=watching)
    proxy.fail(END, when=watching)
    async with behind.changes() as changes:
        waits = patient(changes)
        await refused(Denied, anext(changes))
    assert waits.seconds == [0.1]


async def test_a_credential_that_is_refused_is_got_anew_once(
    kube: Kube, behind: KubernetesSecrets, proxy: FaultProxy, tmp_path: Path
) -> None:
    unknown = Answer(401, b'{"kind": "Status", "reason": "Unauthorized"}')

    def meanwhile(request: Message) -> bool:
        if watching(request):
            (tmp_path / "token").write_text(f"{kube.token}-another")
        return watching(request)

    proxy.fail(unknown, when=meanwhile)
    proxy.fail(END, when=watching)
    async with behind.changes() as changes:
        patient(changes)
        await refused(Denied, anext(changes))
    watches = [one.request.head for one in proxy.seen if watching(one.request)]
    assert len(watches) == 2
    assert [b"-another\r\n" in head for head in watches] == [False, True]


async def test_one_that_has_no_other_is_told(
    kube: Kube, behind: KubernetesSecrets, proxy: FaultProxy, tmp_path: Path
) -> None:
    unknown = Answer(401, b'{"kind": "Status", "reason": "Unauthorized"}')
    proxy.fail(unknown, when=watching)
    async with behind.changes() as changes:
        error = await refused(Unauthenticated, anext(changes))
    assert str(tmp_path / "token") in str(error)
    assert len(versions(proxy)) == 1
