"""What a scanner is, what it is given, and what it may be set to.

A scanner is one file in ``scanners/``: a subclass of ``Scanner`` with its settings. It looks
at a ``Text``, tells a ``Verdict``, keeps nothing of a text between calls, and may be called for
many texts at once. The pipeline gives it its time and decides what an error means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar

import msgspec

from llm_shield.finding import Verdict
from llm_shield.text import Text

if TYPE_CHECKING:
    from llm_shield.models.embedder import Embedder, Windows
    from llm_shield.models.files import ModelFiles

T = TypeVar("T")

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""A number in [0, 1]."""


class Side(Enum):
    """What a scanner looks at."""

    INPUT = "input"  # prompts
    OUTPUT = "output"  # answers


class Cost(IntEnum):
    """What a scanner stands on, and so when it is its turn: the cheap ones first."""

    PATTERN = 0  # microseconds a kilobyte
    MODEL = 1  # milliseconds: run off the event loop
    NETWORK = 2  # whatever others take


class ScannerSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What every scanner may be set to.

    Attributes:
        threshold: a text with this risk or a higher one is not valid.
        on_failure: what a scanner that fails or takes too long means: ``closed``: the text is
            not valid; ``open``: it is judged by the others. It is reported either way.
        timeout_seconds: how long it may take for one text.
    """

    threshold: Share = 0.5
    on_failure: Literal["open", "closed"] = "closed"
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 10.0


S = TypeVar("S", bound=ScannerSettings)


@dataclass(frozen=True, slots=True)
class Resources:
    """What scanners of one process share.

    Attributes:
        files: where model files come from, verified.
        embedder: sentence embeddings, batched across requests; made on first use.
        in_thread: runs a function off the event loop, in one of a few threads.
    """

    files: ModelFiles
    embedder: Callable[[], Embedder]
    in_thread: Callable[..., Awaitable[Any]]


class Request:
    """One text's way through the scanners, and what they share on it.

    Attributes:
        side: whether the text is a prompt or an answer.
        prompt: what the answer answers; None for prompts, and where it is not known.
        context: what the answer should be true to, if it was given.
        tenant: whose text it is; ``""`` if nobody said.
        session: the conversation, for what is anonymised and restored.
    """

    def __init__(
        self,
        resources: Resources,
        side: Side = Side.INPUT,
        *,
        prompt: Text | None = None,
        context: Text | None = None,
        tenant: str = "",
        session: str = "",
    ) -> None:
        self.side = side
        self.prompt = prompt
        self.context = context
        self.tenant = tenant
        self.session = session
        self._resources = resources
        self._windows: dict[int, tuple[Text, Any]] = {}

    async def windows(self, text: Text) -> Windows:
        """The text in windows of some tokens, each with its embedding; computed once for all
        scanners of the request. Raises ``MissingExtra`` where no model is installed."""
        import asyncio

        found = self._windows.get(id(text))
        if found is None:
            task = asyncio.ensure_future(self._resources.embedder().windows(text))
            found = self._windows[id(text)] = (text, task)
        # One that is cancelled does not take it from the others.
        windows: Windows = await asyncio.shield(found[1])
        return windows

    async def in_thread(self, function: Callable[..., T], /, *arguments: Any) -> T:
        """Call it off the event loop."""
        answer: T = await self._resources.in_thread(function, *arguments)
        return answer

    async def close(self) -> None:
        """End what was begun for scanners that are gone: no task outlives its request."""
        import asyncio

        tasks = [task for _, task in self._windows.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)


class Scanner(ABC, Generic[S]):
    """One scanner, with its settings.

    Attributes:
        name: as in settings and answers: ``PromptInjection``.
        summary: what it finds, in a line.
        sides: what it is for.
        cost: what it stands on.
        Settings: the class of its settings.
        reach: in code points: a finding in a stream that is no longer than this is found
            wherever chunks end; 0 for scanners that look at all of a text at once.
        whole: it judges a text only as a whole, and is never asked about a part of a stream:
            whether an answer fits its prompt cannot be told of its first sentence.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    sides: ClassVar[frozenset[Side]]
    cost: ClassVar[Cost] = Cost.PATTERN
    Settings: ClassVar[type[ScannerSettings]] = ScannerSettings
    reach: ClassVar[int] = 0
    whole: ClassVar[bool] = False

    def __init__(self, settings: S, resources: Resources) -> None:
        """Cheap: models are loaded by ``load``. Raises ``ConfigError`` for settings that make
        no sense together, ``MissingExtra`` where what it stands on is not installed."""
        self.settings = settings
        self.resources = resources

    async def load(self) -> None:
        """Read what it stands on, so that the first text does not wait for that.

        Raises ``MissingExtra``, ``Corrupt`` where a file is not the one that is pinned.
        """
        return

    def stream_reach(self) -> int:
        """``reach``, as it is set: 0 where settings make it look at all of a text at once."""
        return self.reach

    def pending(self, text: str) -> int:
        """Where the part at the end of a stream's text begins that may still change: findings
        that begin before are the same whatever follows. It says how much is held back, so a
        scanner that can tell more than its ``reach`` does says so."""
        return max(0, len(text) - self.stream_reach())

    @abstractmethod
    async def scan(self, text: Text, request: Request) -> Verdict:
        """Look at the text. Raises errors of ``skykeep.errors``; the pipeline reports them."""
