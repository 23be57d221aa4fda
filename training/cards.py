"""Writing a head and its card: ``NAME.npz``, ``NAME.json`` in ``llm_shield/models/heads``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADS = Path(__file__).parents[1] / "src/llm_shield/models/heads"


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An npz of the arrays, by name; the same arrays give the same bytes (numpy writes no
    times). Nothing in it needs a pickle."""
    if any(each.dtype.hasobject for each in arrays.values()):
        raise TypeError("a head is made of numbers")
    file = BytesIO()
    np.savez(file, **{name: arrays[name] for name in sorted(arrays)})  # type: ignore[arg-type]  # numpy's stubs take the names for options
    return file.getvalue()


def write(
    name: str,
    arrays: Mapping[str, NDArray[Any]],
    card: Mapping[str, object],
    folder: Path | None = None,
) -> str:
    """Write the head and its card; returns the head's SHA-256, which is in the card, too.

    Args:
        name: the files', with underscores: ``prompt_injection``.
        arrays: what the head is made of.
        card: JSON values: what it is for, data (source, licence, rows), split, seed, metrics,
            limits. ``sha256``, ``bytes`` and the arrays' shapes are added.
        folder: another place than the package's own.
    """
    target = folder or HEADS
    target.mkdir(parents=True, exist_ok=True)
    data = packed(arrays)
    digest = hashlib.sha256(data).hexdigest()
    (target / f"{name}.npz").write_bytes(data)
    full = {
        "name": name,
        "sha256": digest,
        "bytes": len(data),
        "arrays": {
            key: {"shape": list(arrays[key].shape), "type": str(arrays[key].dtype)}
            for key in sorted(arrays)
        },
        **card,
    }
    text = json.dumps(full, indent=2, ensure_ascii=False)
    (target / f"{name}.json").write_text(text + "\n", "utf-8")
    return digest
