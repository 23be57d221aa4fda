"""A linear model on hashed n-grams of words and letters: linear in the text's length, no model
file but one array of int8 weights.

What is counted: runs of one to three words and, apart from them, runs of three to five letters,
in the folded text, digits taken as ``0``. Each run has a bucket (feature hashing, Weinberger et
al., 2009); what counts is which buckets occur, not how often. The sum of their weights is
divided by the root of their number, so that a long text weighs no more than a short one.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUCKETS = 1 << 17
"""Of words the lower half, of letters the upper."""
_HALF = BUCKETS // 2
_WORDS = (1, 2, 3)
_LETTERS = (3, 4, 5)
_FACTOR = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: spreads code points over the buckets
_LONG = 20_000  # letters from which on marking buckets is cheaper than sorting them

_TOKEN = re.compile(r"\w+|[^\w\s]")
_DIGITS = re.compile(r"\d+")


def folded(text: str) -> str:
    """The text as it is counted: case folded, digits ``0``, blanks single."""
    return " ".join(_DIGITS.sub("0", text.casefold()).split())


def buckets(text: str) -> NDArray[np.int64]:
    """The buckets that occur in the text, ascending, each once."""
    import numpy as np

    plain = folded(text)
    words = [crc32(each.encode("utf-8", "surrogatepass")) for each in _TOKEN.findall(plain)]
    letters = np.frombuffer(f" {plain} ".encode("utf-32-le", "surrogatepass"), np.uint32)
    found = [_runs(np.array(words, np.uint64), each) for each in _WORDS]
    found += [_runs(letters.astype(np.uint64), each) + _HALF for each in _LETTERS]
    marks = np.zeros(BUCKETS, np.bool_) if len(plain) > _LONG else None
    if marks is None:
        return np.unique(np.concatenate(found))
    for each in found:
        marks[each] = True
    return np.flatnonzero(marks)


def _runs(values: NDArray[np.uint64], length: int) -> NDArray[np.int64]:
    """The bucket, below ``_HALF``, of each run of so many values below 2^32."""
    import numpy as np

    count = max(0, len(values) - length + 1)
    hashed = np.full(count, length, np.uint64)
    for at in range(length):
        # 64 bits that wrap around: the upper ones are mixed in below.
        hashed = hashed * np.uint64(_FACTOR) + values[at : at + count]
    hashed ^= hashed >> np.uint64(29)
    hashed *= np.uint64(_FACTOR)
    hashed ^= hashed >> np.uint64(32)
    return (hashed % np.uint64(_HALF)).astype(np.int64)


def score(text: str, weights: NDArray[np.int8], scale: float, bias: float) -> float:
    """The logit of a text.

    Args:
        text: of any length; none is an exception.
        weights: int8, shape (``BUCKETS``,).
        scale: what a weight of 1 stands for.
        bias: the logit of an empty text.
    """
    found = buckets(text)
    if not len(found):
        return bias
    total = int(weights[found].sum(dtype="int64"))
    return total * scale / math.sqrt(len(found)) + bias
