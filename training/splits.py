"""Training data without what is tested: exact and near copies, and splits that keep groups.

Near copies are found by MinHash (A. Broder, 1997) over four-letter shingles of the normalised
text, in bands (locality-sensitive hashing), and confirmed by the shingles' Jaccard similarity.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from training.rows import TRAIN, VALIDATION, Row

NEAR = 0.7
"""Jaccard similarity from which on two texts count as copies."""
_SHINGLE = 4
_BANDS, _ROWS = (
    32,
    3,
)  # found at a similarity of .7 with a probability of 1 - (1 - .7³)³² > .9999
_PRIME = (1 << 31) - 1
_LONG = 4_000  # letters that are compared


def normalised(text: str) -> str:
    """Compatibility forms, case, punctuation and runs of blanks taken away."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", folded).split())[:_LONG]


def shingles(text: str) -> frozenset[int]:
    """The four-letter runs of a normalised text, hashed."""
    padded = f" {text} "
    return frozenset(
        crc32(padded[at : at + _SHINGLE].encode("utf-8", "surrogatepass"))
        for at in range(max(1, len(padded) - _SHINGLE + 1))
    )


def jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    """How much two sets share, in [0, 1]."""
    return len(one & other) / len(one | other)


class Copies:
    """Texts to which others are compared."""

    def __init__(self, texts: Iterable[str]) -> None:
        random = np.random.default_rng(1)
        self._factors = random.integers(1, _PRIME, _BANDS * _ROWS, dtype=np.int64)
        self._offsets = random.integers(0, _PRIME, _BANDS * _ROWS, dtype=np.int64)
        self._exact: set[str] = set()
        self._sets: list[frozenset[int]] = []
        self._bands: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        for each in texts:
            self.add(each)

    def add(self, text: str) -> None:
        """One more to compare with."""
        known = normalised(text)
        if known in self._exact:
            return
        self._exact.add(known)
        found = shingles(known)
        for band in self._of(found):
            self._bands[band].append(len(self._sets))
        self._sets.append(found)

    def has(self, text: str, near: float = NEAR) -> bool:
        """Whether one of them is this text or nearly so."""
        known = normalised(text)
        if known in self._exact:
            return True
        found = shingles(known)
        candidates = {at for band in self._of(found) for at in self._bands.get(band, ())}
        return any(jaccard(found, self._sets[at]) >= near for at in candidates)

    def _of(self, found: frozenset[int]) -> list[tuple[int, bytes]]:
        values: NDArray[np.int64] = np.fromiter(found, np.int64, len(found)) % _PRIME
        # 31 bits times 31 bits stays within 62: no overflow.
        hashed = (values[None, :] * self._factors[:, None] + self._offsets[:, None]) % _PRIME
        least = hashed.min(axis=1).reshape(_BANDS, _ROWS)
        return [(at, least[at].tobytes()) for at in range(_BANDS)]


def without_copies(rows: Iterable[Row], tested: Iterable[str], near: float = NEAR) -> list[Row]:
    """The rows whose text is no copy and no near copy of what is tested."""
    copies = Copies(tested)
    return [each for each in rows if not copies.has(each.text, near)]


def distinct(rows: Iterable[Row]) -> list[Row]:
    """The first of the rows with the same normalised text; none without a letter."""
    seen: set[str] = set()
    kept = []
    for each in rows:
        known = normalised(each.text) or each.text.strip()
        if known and known not in seen:
            seen.add(known)
            kept.append(each)
    return kept


def share(group: str, seed: int) -> float:
    """A number in [0, 1) that depends on the group's name and the seed only."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split(rows: Sequence[Row], seed: int, validation: float = 0.15) -> list[Row]:
    """The rows, each marked ``train`` or ``validation``; a group stays together."""
    return [
        replace(
            each,
            split=VALIDATION
            if share(f"{each.source}:{each.group or normalised(each.text)}", seed) < validation
            else TRAIN,
        )
        for each in rows
    ]
