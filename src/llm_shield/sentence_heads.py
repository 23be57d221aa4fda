"""What scanners with a head on sentences share: its loading, the sentences' embedding,
places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llm_shield.extras import needs
from llm_shield.text import Decoded, Text

if TYPE_CHECKING:
    from llm_shield.models.heads import Head
    from llm_shield.scanner import Resources

MOST_DECODED = 4
"""Encoded runs of a text that are looked at."""


class SentenceHead:
    """One head, read once, and what it is given."""

    def __init__(self, name: str, resources: Resources) -> None:
        """Of ``models/heads/NAME``. Raises ``MissingExtra``."""
        needs("onnxruntime", "onnxruntime")
        needs("numpy", "numpy")
        self.name = name
        self._resources = resources
        self._head: Head | None = None

    async def load(self) -> Head:
        """The head; the encoder is read, too. Raises ``MissingExtra``, ``Corrupt``."""
        if self._head is None:
            from llm_shield.models.heads import Head, card_of

            data = await self._resources.files.read(f"heads/{self.name}", f"{self.name}.npz")
            self._head = Head.load(data, card_of(self.name))
            await self._resources.embedder().load()
        return self._head

    async def embedded(self, sentences: Sequence[str]) -> Any:
        """Float32, shape (sentences, 384). Raises as ``Embedder.embed``."""
        return await self._resources.embedder().embed(sentences)


def of_decoded(text: Text) -> list[Decoded]:
    """What encodings hide that is long enough to be a sentence, the longest first."""
    long = [each for each in text.decoded if len(each.text) >= 12 and " " in each.text]
    return sorted(long, key=lambda each: -len(each.text))[:MOST_DECODED]
