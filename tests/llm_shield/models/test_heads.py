from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.models import heads, pins
from llm_shield.models.heads import Head, arrays_of
from llm_shield.models.pins import installed, read_pinned
from skykeep.errors import Corrupt, Invalid, NotFound


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def floats(*shape: int, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_one_output_is_a_logistic_regression() -> None:
    weights, bias = floats(384, 1), floats(1)
    vectors = floats(7, 384, seed=2)
    head = Head.load(npz(w0=weights, b0=bias))
    expected = 1 / (1 + np.exp(-(vectors.astype(np.float64) @ weights + bias)[:, 0]))
    found = head.probabilities(vectors)
    assert found.shape == (7,)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5
    assert (head.inputs, head.outputs) == (384, 1)


def test_several_outputs_are_classes_and_hidden_layers_have_relu() -> None:
    w0, b0, w1, b1 = floats(4, 3), floats(3), floats(3, 5), floats(5)
    vectors = floats(6, 4, seed=3)
    head = Head.load(npz(w0=w0, b0=b0, w1=w1, b1=b1), {"classes": list("abcde")})
    logits = np.maximum(vectors @ w0 + b0, 0) @ w1 + b1
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = head.probabilities(vectors)
    assert np.abs(found - expected).max() < 1e-6
    assert list(head.classes) == list("abcde")


def test_float16_and_other_arrays_are_kept() -> None:
    w0, b0 = floats(4, 1).astype(np.float16), floats(1).astype(np.float16)
    head = Head.load(npz(w0=w0, b0=b0, ngrams=np.arange(8, dtype=np.int8)))
    assert head.arrays["w0"].dtype == np.float32
    assert head.arrays["ngrams"].dtype == np.int8
    assert head.probabilities(floats(2, 4)).shape == (2,)


def test_no_text_has_no_probability() -> None:
    assert Head.load(npz(w0=floats(4, 1), b0=floats(1))).probabilities(
        np.empty((0, 4), np.float32)
    ).shape == (0,)


@given(st.floats(-(2.0**99), 2.0**99, width=32))
def test_probabilities_are_probabilities(scale: float) -> None:
    for outputs in (1, 3):
        head = Head({"w0": np.ones((2, outputs), np.float32), "b0": np.zeros(outputs, "f4")})
        found = head.probabilities(np.array([[scale, 1.0]]))
        assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"w0": floats(4, 1)},
        {"b0": floats(1)},
        {"w0": floats(4), "b0": floats(1)},
        {"w0": floats(4, 2), "b0": floats(1)},
        {"w0": floats(0, 1), "b0": floats(1)},
        {"w0": floats(4, 2), "b0": floats(2), "w1": floats(3, 1), "b1": floats(1)},
        {"w0": floats(4, 1).astype(np.float64), "b0": floats(1)},
        {"w0": np.full((4, 1), np.nan, np.float32), "b0": floats(1)},
        {"w0": floats(4, 1), "b0": np.full(1, np.inf, np.float32)},
        {"w0": floats(4, 1), "b0": floats(1), "x": np.array(["text"])},
        {"w0": floats(4, 1).astype(np.complex64), "b0": floats(1)},
    ],
)
def test_what_makes_no_head_is_corrupt(arrays: dict[str, Any]) -> None:
    with pytest.raises(Corrupt):
        Head.load(npz(**arrays))


def test_a_pickle_is_never_read(tmp_path: Path) -> None:
    trap = tmp_path / "opened"

    class Trap:
        def __reduce__(self) -> Any:
            return (trap.touch, ())

    objects = np.array([Trap()], dtype=object)
    with pytest.raises(Corrupt):
        Head.load(npz(w0=objects, b0=floats(1)))
    file = io.BytesIO()
    np.save(file, objects)
    with pytest.raises(Corrupt):
        Head.load(file.getvalue())
    assert not trap.exists()


def test_damaged_and_oversized_files_are_corrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    data = npz(w0=floats(40, 1), b0=floats(1))
    for bad in (b"", b"PK\x03\x04", data[:-30], data[:60] + b"\xff" * 20 + data[80:]):
        with pytest.raises(Corrupt):
            Head.load(bad)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w0.npy", b"\0" * 100_000)
    monkeypatch.setattr(heads, "MAX_BYTES", 99_999)
    with pytest.raises(Corrupt, match="100,000 bytes of arrays"):
        Head.load(file.getvalue())
    with pytest.raises(Corrupt):
        Head.load(Path("/nowhere/head.npz"))


def test_a_card_of_other_classes_is_corrupt() -> None:
    for classes in ([], ["a", "b"], "a"):
        with pytest.raises(Corrupt, match="as many classes"):
            Head.load(npz(w0=floats(4, 3), b0=floats(3)), {"classes": classes})


@pytest.mark.parametrize("shape", [(4,), (2, 3), (1, 2, 4), ()])
def test_vectors_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    head = Head.load(npz(w0=floats(4, 1), b0=floats(1)))
    with pytest.raises(Invalid, match=r"takes \(n, 4\) numbers"):
        head.probabilities(floats(*shape))


def test_a_packaged_head_is_verified_by_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = npz(w0=floats(4, 2), b0=floats(2))
    (tmp_path / "small.npz").write_bytes(data)
    card = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "classes": ["a", "b"],
    }
    (tmp_path / "small.json").write_text(json.dumps(card))
    monkeypatch.setattr(heads, "FOLDER", tmp_path)
    monkeypatch.setattr(pins, "_cards", lambda: [tmp_path / "small.json"])
    monkeypatch.setattr(pins, "installed", lambda _: tmp_path / "small.npz")
    pins.pins.cache_clear()
    try:
        assert list(Head.packaged("small").classes) == ["a", "b"]
        (tmp_path / "small.npz").write_bytes(data[:-1] + b"x")
        with pytest.raises(Corrupt, match=r"is not the pinned small\.npz"):
            Head.packaged("small")
        with pytest.raises(NotFound):
            Head.packaged("another")
    finally:
        pins.pins.cache_clear()


def test_the_heads_that_are_packaged_can_be_loaded() -> None:
    for model, file in pins.pins():
        if model.startswith("heads/"):
            pin = pins.pin_of(model, file)
            arrays = arrays_of(read_pinned(installed(pin), pin))
            assert arrays
            if "w0" in arrays:
                assert Head.packaged(model.removeprefix("heads/")).inputs >= 384
