"""Embeddings of many texts by the shield's encoder, kept between runs in a folder.

The cache holds float32 vectors by the encoder's file, its window and the SHA-256 of the text:
another model or another text is another entry. It is no part of the repository.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import gettempdir

import numpy as np
from numpy.typing import NDArray

from llm_shield.models.encoder import DIMENSIONS, MODEL, Encoder
from llm_shield.models.pins import pin_of

Vectors = NDArray[np.float32]

_SLICE = 2_000  # texts that are embedded between two writes of the cache


def cache_folder() -> Path:
    """Where vectors are kept: ``SHIELD_CACHE``, else ``shield-cache`` among temporary files."""
    return Path(os.environ.get("SHIELD_CACHE") or Path(gettempdir(), "shield-cache"))


@cache
def encoder() -> Encoder:
    """The packaged one."""
    return Encoder.packaged(threads=min(2, os.cpu_count() or 1))


def embed(texts: Sequence[str], name: str) -> Vectors:
    """One vector a text: of a longer text, its first window's. Shape (texts, 384).

    Args:
        texts: what is embedded.
        name: the cache file's; runs that share texts share a name.
    """
    model = pin_of(MODEL, "model.onnx").sha256
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{model[:12]}-{encoder().window}.npz"
    known = _stored(path)
    keys = [hashlib.sha256(each.encode("utf-8", "surrogatepass")).digest() for each in texts]
    missing = list({key: at for at, key in enumerate(keys) if key not in known}.values())
    for start in range(0, len(missing), _SLICE):
        part = missing[start : start + _SLICE]
        vectors = encoder().encode([texts[at] for at in part])
        known.update((keys[at], vector) for at, vector in zip(part, vectors, strict=True))
        _write(path, known)
    out = np.empty((len(texts), DIMENSIONS), np.float32)
    for at, key in enumerate(keys):
        out[at] = known[key]
    return out


@cache
def _stored(path: Path) -> dict[bytes, Vectors]:
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return dict(
            zip((row.tobytes() for row in stored["keys"]), stored["vectors"], strict=True)
        )


def _write(path: Path, known: dict[bytes, Vectors]) -> None:
    half = path.with_suffix(f".{os.getpid()}.part")
    with half.open("wb") as file:
        np.savez(
            file,
            keys=np.frombuffer(b"".join(known), np.uint8).reshape(-1, 32),
            vectors=np.array(list(known.values()), np.float32).reshape(-1, DIMENSIONS),
        )
    half.replace(path)
