"""One labelled text of a corpus."""

from __future__ import annotations

from dataclasses import dataclass

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True, slots=True)
class Row:
    """A text with its label.

    Attributes:
        text: as it is in the corpus.
        label: 1 for what a head is to find, 0 for the rest.
        source: the corpus: ``s-labs``.
        split: ``train``, ``validation`` or ``test``.
        kind: the corpus's own word for what it is, ``""`` if it has none.
        group: rows that must stay together have the same one; ``""``: on its own.
    """

    text: str
    label: int
    source: str
    split: str = TRAIN
    kind: str = ""
    group: str = ""
