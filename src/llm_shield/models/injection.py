"""The head that knows prompt injections: embeddings, n-grams and shape, in NumPy alone.

Three opinions of a window of text are added up by a logistic regression: an MLP's on its
embedding, a linear model's on its hashed n-grams (``ngrams``), and a few numbers about its
shape. The embedding knows what is meant, the n-grams know how it is worded, also in languages
that the encoder does not know well; they err on different texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llm_shield.models.encoder import DIMENSIONS
from llm_shield.models.heads import Head
from llm_shield.models.ngrams import BUCKETS, score
from skykeep.errors import Corrupt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NAME = "prompt_injection"
SHAPES = 6
"""Numbers about a text's shape."""
KINDS = ("override", "jailbreak", "leak")
"""What attacks are told apart."""
SURE = 0.8
"""How sure it has to be of the kind, to tell it."""
WHOLE, ALONE, HIDDEN = "window", "sentence", "decoded"
"""Parts that are judged: windows, sentences by themselves, what encodings hide."""
LIMIT = 12.0
"""Logits of one opinion are cut to this: none is surer than that."""

_MARKERS = re.compile(
    r"<\|[a-z_]{2,20}\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant|user|instructions?)>"
    r"|(?:^|\n)\s*(?:#{1,6}\s*)?\[?(?:system|assistant|instructions?)\]?\s*:",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"(?<!\w)\w(?!\w)")
_WORDS = re.compile(r"\w+")
_UPPER = re.compile(r"[A-Z]")
_SIGNS = re.compile(r"[^\w\s]")
_LONG_RUN = re.compile(r"[^\s]{48}")
_LOOKED_AT = 4_000  # letters of a window, which has some 500


def shape(text: str) -> list[float]:
    """Six numbers about a text's looks, each in [0, 3]."""
    from math import log1p

    text = text[:_LOOKED_AT]
    length = max(1, len(text))
    words = max(1, len(_WORDS.findall(text)))
    return [
        min(3.0, log1p(length) / 3.0),
        len(_UPPER.findall(text)) / length,
        len(_SIGNS.findall(text)) / length,
        min(3.0, float(len(_MARKERS.findall(text)))),
        len(_LETTERS.findall(text)) / words,
        1.0 if _LONG_RUN.search(text) else 0.0,
    ]


def cut_logits(probabilities: Any) -> Floats:
    """The logits of probabilities, within ``LIMIT``."""
    import numpy as np

    least = 1.0 / (1.0 + np.exp(LIMIT))
    values = np.clip(np.asarray(probabilities, np.float64), least, 1.0 - least)
    return np.log(values) - np.log1p(-values)


class InjectionHead:
    """Windows to logits. May be used by several threads at once.

    Attributes:
        card: what the head was trained on, and how good it is.
    """

    def __init__(self, head: Head) -> None:
        """Raises ``Corrupt`` for arrays that make no such head."""
        self.card: Mapping[str, Any] = head.card
        self._head = head
        arrays = head.arrays
        shapes = {
            "ngrams": (BUCKETS,),
            "ngrams_scale": (2,),
            "combine": (3 + SHAPES,),
            "many": (3,),
            "kinds_w": (DIMENSIONS, len(KINDS)),
            "kinds_b": (len(KINDS),),
        }
        for name, wanted in shapes.items():
            if name not in arrays or arrays[name].shape != wanted:
                raise Corrupt(f"the head '{NAME}' lacks '{name}' of the shape {wanted}")
        self._ngrams = arrays["ngrams"]
        self._scale, self._bias = (float(each) for each in arrays["ngrams_scale"])
        self._combine = arrays["combine"].astype("float64")
        self._many, alone, hidden = (float(each) for each in arrays["many"])
        self._taken = {WHOLE: 0.0, ALONE: alone, HIDDEN: hidden}
        self._kinds = arrays["kinds_w"], arrays["kinds_b"]

    @classmethod
    def packaged(cls) -> InjectionHead:
        """The one that is installed with us, verified. Raises ``Corrupt``, ``MissingExtra``."""
        return cls(Head.packaged(NAME))

    def wording(self, text: str) -> float:
        """What the n-grams alone say, as a logit: microseconds, no embedding needed."""
        return max(-LIMIT, min(LIMIT, score(text, self._ngrams, self._scale, self._bias)))

    def logits(self, vectors: Any, texts: Sequence[str]) -> Floats:
        """How sure it is of each window, as a logit, shape (n,).

        Args:
            vectors: the windows' embeddings, shape (n, 384).
            texts: the windows, normalised.
        """
        import numpy as np

        if not len(texts):
            return np.empty(0, np.float64)
        meant = cut_logits(self._head.probabilities(vectors))
        worded = np.array([self.wording(each) for each in texts])
        looks = np.array([shape(each) for each in texts])
        return combined(self._combine, meant, worded, looks)

    def kinds(self, vectors: Any) -> list[str]:
        """What each would be, if it is an attack: ``injection.leak``; ``injection`` where it is
        not sure which."""
        import numpy as np

        weights, bias = self._kinds
        values = np.asarray(vectors, np.float32) @ weights + bias
        values = np.exp(values - values.max(axis=1, keepdims=True))
        shares = values / values.sum(axis=1, keepdims=True)
        return [
            f"injection.{KINDS[int(row.argmax())]}" if row.max() >= SURE else "injection"
            for row in shares
        ]

    def of_many(self, logit: float, windows: int, how: str = WHOLE) -> float:
        """The logit of a text one of whose parts has this one.

        The more parts a harmless text has, the surer the surest of them is by mere chance; and
        a sentence without what is around it, or what was decoded, is more easily misunderstood.

        Args:
            logit: the part's.
            windows: how many the text has.
            how: what the part is: ``WHOLE``, ``ALONE``, ``HIDDEN``.
        """
        from math import log

        return logit - self._many * log(max(1, windows)) - self._taken[how]


def combined(weights: Floats, meant: Floats, worded: Floats, looks: Floats) -> Floats:
    """The weighted sum of the opinions: ``weights`` are those of the embedding, of the n-grams,
    of the six shapes, and the constant."""
    total: Floats = meant * weights[0] + worded * weights[1] + looks @ weights[2:-1]
    total += weights[-1]
    return total


def probability(logit: float) -> float:
    """A logit as a probability."""
    from math import tanh

    return 0.5 * (1.0 + tanh(0.5 * logit))
