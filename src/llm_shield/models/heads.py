"""Heads: small classifiers on sentence embeddings, in NumPy alone.

A head is two files in ``heads/``: ``NAME.npz``, its arrays, and ``NAME.json``, its card: what
it was trained on, how good it is, and the SHA-256 of the arrays, which is their pin.

Layers are the arrays ``w0, b0, w1, b1 …``, float16 or float32, of the shapes (inputs, outputs)
and (outputs,), with ReLU between them. One output is a probability by the logistic function;
several are those of classes, by softmax. A file may have other arrays, for who knows them.

An npz file is a zip of arrays; ``allow_pickle=False`` refuses those of Python objects.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skykeep.errors import Corrupt, Invalid, MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MAX_BYTES = 64 * 1024**2
"""Of all arrays of a head, unpacked."""
FOLDER = Path(__file__).with_name("heads")


class Head:
    """A classifier of vectors. May be used by several threads at once.

    Attributes:
        arrays: all that the file has; those of layers are float32.
        inputs: numbers that it takes for one text: 384, and what else it was trained on.
        outputs: of one text.
        classes: the names of its outputs, as its card has them; one output needs none.
        card: what the card says.
    """

    def __init__(
        self, arrays: Mapping[str, Any], card: Mapping[str, Any] | None = None
    ) -> None:
        """Raises ``Corrupt`` for arrays that make no head."""
        self.card: Mapping[str, Any] = dict(card or {})
        self.arrays: dict[str, Any] = dict(arrays)
        _check(self.arrays)
        self._layers = _layers(self.arrays)
        self.inputs = int(self._layers[0][0].shape[0])
        self.outputs = int(self._layers[-1][0].shape[1])
        classes = self.card.get("classes") if self.outputs > 1 else None
        if classes is None:
            classes = [f"class {at}" for at in range(self.outputs)]
        if not isinstance(classes, list) or len(classes) != self.outputs:
            raise Corrupt(f"a head of {self.outputs} outputs has as many classes on its card")
        self.classes: Sequence[str] = [str(each) for each in classes]

    @classmethod
    def load(cls, source: bytes | Path, card: Mapping[str, Any] | None = None) -> Head:
        """Read an npz file. Raises ``Corrupt`` for what is no head, ``MissingExtra``."""
        return cls(arrays_of(source), card)

    @classmethod
    def packaged(cls, name: str) -> Head:
        """The one of this name that is installed with us, verified, with its card.

        Raises ``NotFound`` for a name that no pin has, ``Corrupt``.
        """
        from llm_shield.models.pins import installed, pin_of, read_pinned

        pin = pin_of(f"heads/{name}", f"{name}.npz")
        path = installed(pin)
        return cls.load(read_pinned(path, pin), card_of(name))

    def probabilities(self, vectors: Any) -> Floats:
        """Of each row: float32, shape (n,) for one output, else (n, classes).

        Args:
            vectors: float, shape (n, inputs); n may be 0.

        Raises ``Invalid`` for another shape.
        """
        import numpy as np

        values = np.asarray(vectors, np.float32)
        if values.ndim != 2 or values.shape[1] != self.inputs:
            raise Invalid(f"this head takes (n, {self.inputs}) numbers, not {values.shape}")
        last = len(self._layers) - 1
        for at, (weights, bias) in enumerate(self._layers):
            values = values @ weights + bias
            if at < last:
                values = np.maximum(values, 0.0)
        if self.outputs == 1:
            # No overflow on either side.
            logistic: Floats = (0.5 * (1.0 + np.tanh(0.5 * values[:, 0]))).astype(np.float32)
            return logistic
        values = np.exp(values - values.max(axis=1, keepdims=True))
        shares: Floats = (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares


def arrays_of(source: bytes | Path) -> dict[str, Any]:
    """The arrays of an npz file: numbers that are finite, ``MAX_BYTES`` at most.

    Raises ``Corrupt`` for anything else, ``MissingExtra`` without NumPy.
    """
    try:
        import numpy as np
    except ModuleNotFoundError:
        raise MissingExtra(
            "numpy, which heads are calculated with, is not installed",
            hint="install it: pip install --upgrade 'skykeep[shield]'",
        ) from None
    arrays: dict[str, Any] = {}
    for last in (False, True):
        try:
            data = source if isinstance(source, bytes) else source.read_bytes()
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                size = sum(each.file_size for each in archive.infolist())
            if size > MAX_BYTES:
                raise Corrupt(f"a head has {size:,} bytes of arrays, {MAX_BYTES:,} at most")
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            break
        except Corrupt:
            raise
        except Exception as error:  # noqa: BLE001  (files, zip, zlib and NumPy raise their own)
            # Read again before it is called corrupt: a file with the right hash failed once on
            # a busy machine, and not again. NumPy reads headers with CPython's ast, whose state
            # threads share (python/cpython, issue 106905): that may be why.
            if last:
                raise Corrupt(
                    f"a head's file cannot be read: {type(error).__name__}",
                    hint="a head is an npz file of float arrays",
                ) from None
    _check(arrays)
    return arrays


def _check(arrays: Mapping[str, Any]) -> None:
    import numpy as np

    for name, array in arrays.items():
        if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
            raise Corrupt(f"a head's '{name}' is {array.dtype}, no numbers")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Corrupt(f"a head's '{name}' has numbers that are not finite")


def _layers(arrays: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The layers in their order; they become float32 in ``arrays``, too."""
    import numpy as np

    layers: list[tuple[Any, Any]] = []
    while f"w{len(layers)}" in arrays:
        at = len(layers)
        for name in (f"w{at}", f"b{at}"):
            if name not in arrays or arrays[name].dtype not in (np.float16, np.float32):
                raise Corrupt(f"a head's '{name}' is missing, or neither float16 nor float32")
            arrays[name] = arrays[name].astype(np.float32)
        weights, bias = arrays[f"w{at}"], arrays[f"b{at}"]
        if weights.ndim != 2 or not weights.size or bias.shape != weights.shape[1:]:
            raise Corrupt(f"a head's layer {at} is no matrix with a bias for each output")
        if layers and layers[-1][0].shape[1] != weights.shape[0]:
            raise Corrupt(f"a head's layer {at} does not fit the one before it")
        layers.append((weights, bias))
    if not layers:
        raise Corrupt("a head has at least one layer: w0 and b0")
    return layers


def card_of(name: str) -> dict[str, Any]:
    """The card of a head. Raises ``Corrupt``."""
    try:
        card = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Corrupt(
            f"the card of the head '{name}' cannot be read: {type(error).__name__}"
        ) from None
    if not isinstance(card, dict):
        raise Corrupt(f"the card of the head '{name}' is no JSON object")
    return card
