"""Fitting on embeddings: logistic regression and a small MLP, as arrays that numpy can run.

A head is ``{"w0", "b0"[, "w1", "b1"]}``: layers from the left, ReLU between them, and one logit
(or one a class) at the end. ``logits`` is what the shield does with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]


def logistic(
    features: NDArray[Any],
    labels: NDArray[Any],
    *,
    inverse_penalty: float = 1.0,
    weights: NDArray[Any] | None = None,
) -> Arrays:
    """Logistic regression with an L2 penalty; the same data give the same numbers."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=inverse_penalty, max_iter=2_000)
    model.fit(features, labels, sample_weight=weights)
    return {"w0": model.coef_.T.astype(np.float32), "b0": model.intercept_.astype(np.float32)}


def mlp(
    features: NDArray[Any],
    labels: NDArray[Any],
    *,
    seed: int,
    hidden: int = 64,
    penalty: float = 1e-3,
    epochs: int = 30,
    weights: NDArray[Any] | None = None,
) -> Arrays:
    """One hidden layer, Adam, a fixed number of epochs; the same seed and data give the same
    numbers on the same machine and BLAS."""
    from warnings import catch_warnings, simplefilter

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (hidden,),
        alpha=penalty,
        batch_size=min(256, len(labels)),
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=seed,
    )
    with catch_warnings():
        simplefilter("ignore", ConvergenceWarning)  # the number of epochs is what is meant
        model.fit(features.astype(np.float32), labels, sample_weight=weights)
    arrays: Arrays = {}
    for at, (weight, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        arrays[f"w{at}"] = weight.astype(np.float32)
        arrays[f"b{at}"] = bias.astype(np.float32)
    return arrays


def logits(head: Mapping[str, NDArray[Any]], features: NDArray[Any]) -> Floats:
    """What the head says: shape (rows,) for one logit, (rows, classes) for several."""
    values = features
    layers = sum(name.startswith("w") for name in head)
    for at in range(layers):
        values = values @ head[f"w{at}"] + head[f"b{at}"]
        if at + 1 < layers:
            values = np.maximum(values, 0)
    return (values[:, 0] if values.shape[1] == 1 else values).astype(np.float64)


def platt(scores: NDArray[Any], labels: NDArray[Any]) -> tuple[float, float]:
    """``a, b`` such that ``1 / (1 + exp(-(a * score + b)))`` is a probability (J. Platt, 1999).

    Made on validation data, never on what is tested.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e6).fit(np.asarray(scores).reshape(-1, 1), labels)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def threshold_at(scores: NDArray[Any], labels: NDArray[Any], rate: float) -> float:
    """The lowest threshold at which at most this share of the negatives is flagged."""
    negatives = np.sort(np.asarray(scores)[np.asarray(labels) == 0])[::-1]
    allowed = int(rate * len(negatives))
    if allowed >= len(negatives):
        return float("-inf")
    return float(np.nextafter(negatives[allowed], np.inf))
