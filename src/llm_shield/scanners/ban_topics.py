"""Topics that are not to be talked about, told by their descriptions.

A description and the text become sentence embeddings. A cosine alone says little: any two
English sentences have some. So each topic is compared with what else the text may be about:
thirty common topics stand in the background, and what counts is how much nearer the text is to
the banned topic than to them.

This tells what a passage is about as a whole. A banned topic that is touched in passing, by
allusion, or in another language than English is mostly not found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text
from skykeep.errors import ConfigError

BACKGROUND = (
    "small talk and greetings",
    "programming and software development",
    "computers and technical support",
    "cooking, food and recipes",
    "sports and games",
    "travel and holidays",
    "health and medicine",
    "weather",
    "music",
    "films and television",
    "books and literature",
    "history",
    "science and nature",
    "mathematics",
    "business and work",
    "money and finance",
    "law and courts",
    "politics and government",
    "religion and belief",
    "art and design",
    "family and relationships",
    "education and school",
    "shopping and products",
    "language and grammar",
    "geography and countries",
    "animals and pets",
    "cars and transport",
    "feelings and emotions",
    "jokes and humour",
    "artificial intelligence and robots",
)
SAME = 0.6
"""A background topic with this cosine to a banned one is the same, and left out for it."""
SHARPNESS = 10.0
"""How much the nearest background topics count more than the others (log-sum-exp)."""
SLOPE = 25.7
"""Of the logistic curve from margin to risk, fitted by ``training/cosines.py``."""
MAX_DECODED = 16
"""Encoded runs of a text that are looked into, each with its first window."""
SENTENCE = "This text is about {}."
"""What is embedded of a description."""


class Topic(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A banned topic.

    Attributes:
        name: in findings: letters, digits, ``-`` and ``_``.
        descriptions: what it is about, each a few words in English, as in "politics, elections,
            political parties"; the nearest counts.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[\w-]{1,64}$")]
    descriptions: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=32)]


class BanTopicsSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``BanTopics``.

    Attributes:
        topics: what is banned: descriptions, or names with descriptions. None by default: then
            nothing is found.
        margin: how much nearer (in cosines) to a banned topic than to the background a passage
            is where its risk is .5.
    """

    topics: Annotated[tuple[str | Topic, ...], msgspec.Meta(max_length=64)] = ()
    margin: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0.07


class BanTopics(Scanner[BanTopicsSettings]):
    """Passages about a banned topic."""

    name: ClassVar[str] = "BanTopics"
    summary: ClassVar[str] = "passages about topics of your own choice"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.INPUT, Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.MODEL
    Settings: ClassVar[type[ScannerSettings]] = BanTopicsSettings

    def __init__(self, settings: BanTopicsSettings, resources: Resources) -> None:
        """Raises ``ConfigError`` for empty and repeated topics, ``MissingExtra``."""
        super().__init__(settings, resources)
        self.topics = [_topic(each) for each in settings.topics]
        names = [each.name for each in self.topics]
        if len(set(names)) < len(names):
            raise ConfigError("BanTopics: two topics have one name")
        if self.topics:
            needs("onnxruntime", "onnxruntime")
        self._table: Any = None

    async def load(self) -> None:
        """Embed the topics. Raises ``MissingExtra``, ``Corrupt``."""
        if self.topics:
            await self._vectors()

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each topic in each window whose risk reaches the threshold."""
        if not self.topics:
            return Verdict(facts={"judged": False, "why": "no topic is banned"})
        windows = await request.windows(text)
        hidden = [each for each in text.decoded if each.text.strip()][:MAX_DECODED]
        if not windows.spans and not hidden:
            return Verdict(facts={"judged": False, "why": "there is nothing to embed"})
        places = [(*span, "") for span in windows.spans]
        vectors = [windows.vectors]
        if hidden:
            places += [(each.start, each.end, f", in {each.encoding}") for each in hidden]
            vectors.append(
                await self.resources.embedder().embed([each.text for each in hidden])
            )
        table = await self._vectors()
        risks = await request.in_thread(_risks, vectors, table, self.settings.margin)
        findings = [
            Finding(
                f"topic.{topic.name}",
                places[at][0],
                places[at][1],
                float(risk),
                f"is about the banned topic '{topic.name}'{places[at][2]}",
            )
            for topic, row in zip(self.topics, risks, strict=True)
            for at, risk in enumerate(row)
            if risk >= self.settings.threshold
        ]
        highest = {
            topic.name: round(float(row.max()), 3)
            for topic, row in zip(self.topics, risks, strict=True)
        }
        return Verdict.of(findings, max(float(row.max()) for row in risks), {"topics": highest})

    async def _vectors(self) -> Any:
        """The topics' vectors and which background counts for each; made once.

        Two that come at the same time both make them, and get the same.
        """
        if self._table is None:
            said = [text for each in self.topics for text in each.descriptions]
            made = await self.resources.embedder().embed(
                [SENTENCE.format(each) for each in (*said, *BACKGROUND)]
            )
            sizes = [len(each.descriptions) for each in self.topics]
            self._table = await asyncio.to_thread(_table, made, sizes)
        return self._table


def _topic(said: str | Topic) -> Topic:
    """A description is its own name, as far as names go."""
    topic = said
    if isinstance(topic, str):
        name = "-".join("".join(c if c.isalnum() else " " for c in topic).split()).lower()
        topic = Topic(name=name[:64], descriptions=(topic,))
    if not topic.name or not all(each.strip() for each in topic.descriptions):
        raise ConfigError("BanTopics: a topic has an empty description")
    return topic


def _table(vectors: Any, sizes: Sequence[int]) -> Any:
    """For each topic: its vectors, and those of the background that are other topics."""
    background = vectors[sum(sizes) :]
    table = []
    at = 0
    for size in sizes:
        own = vectors[at : at + size]
        at += size
        others = background[(background @ own.T).max(axis=1) < SAME]
        # Something stays to compare with, however wide the description is.
        table.append((own, others if len(others) else background))
    return table


def _risks(parts: Sequence[Any], table: Any, margin: float) -> list[Any]:
    """The risk of each vector, for each topic."""
    import numpy as np

    vectors = np.concatenate(parts)
    found = []
    for own, others in table:
        near = np.clip(vectors @ own.T, -1.0, 1.0).max(axis=1)
        away = np.exp(SHARPNESS * np.clip(vectors @ others.T, -1.0, 1.0)).mean(axis=1)
        margins = near - np.log(away) / SHARPNESS
        found.append(1.0 / (1.0 + np.exp(-SLOPE * (margins - margin))))
    return found
