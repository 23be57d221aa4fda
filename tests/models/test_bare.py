"""Bare objects, as the seed's loader has them: ``models/NAME.onnx``."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from skykeep.errors import Corrupt, NotFound, Unavailable
from tests.models.rig import Rig, damage

pytestmark = pytest.mark.asyncio


async def test_a_bare_object_is_loaded_and_its_hash_is_kept(rig: Rig) -> None:
    await rig.objects.put("models/org/t.onnx", b"weights")
    models = rig.models()
    model = await models.fetch("org/t")
    assert (model.vouched, model.path.name, model.downloaded) == ("etag", "t.onnx", 7)
    assert model.digest == hashlib.sha256(b"weights").hexdigest()
    rig.driver.calls.clear()
    again = await rig.models().fetch("org/t")
    assert (again.path, again.downloaded, again.stale) == (model.path, 0, False)
    assert dict(rig.driver.calls) == {"read": 1, "list": 1, "head": 1}  # the pointer, versions
    assert [(m.name, m.latest, m.versions, m.bare) for m in await models.list()] == [
        ("org/t", None, 0, True)
    ]


async def test_damage_on_this_host_is_noticed_by_the_hash(rig: Rig) -> None:
    await rig.objects.put("models/t.onnx", b"weights")
    model = await rig.models().fetch("t")
    damage(model.path)
    again = await rig.models().fetch("t")
    assert (again.path.read_bytes(), again.downloaded) == (b"weights", 7)


async def test_one_that_is_replaced_is_loaded_anew_and_that_is_said(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.objects.put("models/t.onnx", b"weights")
    models = rig.models()
    await models.pull("t")
    await rig.objects.put("models/t.onnx", b"others")
    assert await models.load("t") == b"others"
    assert "the bare object of 't' was replaced" in caplog.text


async def test_a_pin_of_its_hash(rig: Rig) -> None:
    await rig.objects.put("models/t.onnx", b"weights")
    pin = hashlib.sha256(b"weights").hexdigest()
    for _ in range(2):
        with pytest.raises(Corrupt, match="not what was pinned"):
            await rig.models().load("t", sha256="0" * 64)
        assert await rig.models().load("t", sha256=pin) == b"weights"


async def test_it_is_there_without_the_store(rig: Rig) -> None:
    await rig.objects.put("models/t.onnx", b"weights")
    await rig.models().pull("t")
    rig.driver.fail_next(Unavailable, times=100)
    model = await rig.models().fetch("t")
    assert (model.stale, model.vouched, model.path.read_bytes()) == (True, "etag", b"weights")


async def test_a_version_goes_before_a_bare_object(rig: Rig) -> None:
    await rig.objects.put("models/t.onnx", b"bare")
    models = rig.models()
    assert await models.load("t") == b"bare"
    await models.push("t", "1", rig.file("t.onnx", b"weights"))
    assert await models.load("t") == b"weights"
    await models.remove("t")
    with pytest.raises(NotFound, match="there is no model 't'"):
        await models.load("t")


async def test_many_at_once_download_it_once(rig: Rig) -> None:
    await rig.objects.put("models/t.onnx", b"weights")
    found = await asyncio.gather(*(rig.models().fetch("t") for _ in range(8)))
    assert sorted(model.downloaded for model in found) == [0] * 7 + [7]


async def test_nothing_at_all(rig: Rig) -> None:
    with pytest.raises(NotFound, match="there is no model 't'"):
        await rig.models().load("t")
