"""What passes between an application and a driver: one ``Call`` per operation.

Layers see calls and nothing else, so that a behaviour is written once for all
capabilities and clouds. What belongs here: the call, its answer, the target it is
sent to and the shapes of layers. What does not: any behaviour (``layers/``).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

__all__ = [
    "Answer",
    "Call",
    "Command",
    "Effect",
    "Front",
    "Held",
    "Layer",
    "Next",
    "Role",
    "RoutedCall",
    "RoutedLayer",
    "RoutedNext",
    "Router",
    "Target",
    "Try",
    "principal",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

principal: ContextVar[str | None] = ContextVar("skykeep.principal", default=None)
"""On whose behalf calls are made; read once, where the call is made."""


class Effect(Enum):
    """Whether a call changes the store."""

    READ = "read"
    WRITE = "write"


class Role(Enum):
    """What an environment uses a target for."""

    PRIMARY = "primary"
    FAILOVER = "failover"
    BACKUP = "backup"


class Target(Protocol):
    """A configured driver: provider, account, region, role.

    ``driver`` opens the driver of a capability on first use; its failures are those of
    the call that asked.
    """

    @property
    def name(self) -> str:
        """The name that errors and provenance show, as in ``primary (local)``."""

    @property
    def provider(self) -> str:
        """The provider's folder name."""

    @property
    def region(self) -> str | None:
        """The region as configured, or None."""

    @property
    def role(self) -> Role:
        """What the environment uses it for."""

    @property
    def embedded(self) -> bool:
        """Whether its provider runs in this process and keeps things on this host."""

    async def driver(self, capability: str) -> Any:
        """The open driver of ``capability`` (``"secrets"``)."""


@dataclass(slots=True)
class Try:
    """One try of a call at one target, as the trace keeps it."""

    target: str
    number: int
    seconds: float
    error: str | None
    """The error's class name, or None if it answered."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a target holds under a name.

    Attributes:
        version: its id, for compare-and-set; None if there is nothing, or no version is told.
        digest: of the value (SHA-256); None if there is none. It stays on this host.
        known: False if the target cannot show it: it may be written and not read, or what is
            there is damaged. Then digest says nothing.
        answer: what the driver told, for whoever needs more of it.
    """

    version: str | None = None
    digest: bytes | None = None
    known: bool = True
    answer: Any = None


class Command(Protocol):
    """A write as data: it can be packed, and sent to any target again after a crash.

    ``look`` and the others are each one step of a call; they raise what drivers raise.
    """

    @property
    def resource(self) -> str:
        """The name with its scope."""

    async def look(self, target: Target) -> Held:
        """What the target holds now."""

    async def apply(self, target: Target, held: Held) -> Any:
        """Do as the application asked, at the home of the write, under compare-and-set with
        what was seen there, where the store has it. The application's answer."""

    def pack(self) -> bytes:
        """All of it, with the value: whoever keeps it seals it."""


@dataclass(slots=True)
class Call(Generic[T]):
    """One operation on one resource, ready to be sent to any target.

    Attributes:
        operation: ``secrets.get`` and so on.
        resource: the name with its scope, as stores and caches see it.
        also: other resources that it touches: a copy's source, the rest of many.
        effect: read or write.
        send: executes the call at a target; called once per try.
        idempotent: executing it twice leaves the store as executing it once.
        cache_key: what distinguishes answers about the resource from each other
            (version, stage), or None if the answer is not to be cached or shared.
        fresh: the caller wants an answer that begins now: no cache, no shared flight.
        size: bytes of the request's value; a deadline grows with it.
        principal: on whose behalf.
        audience: who may share the answer; set by policy, None is everybody.
        failover: another target may answer it when the first one cannot.
        only: the name of the one target that is asked; None leaves it to the router.
        command: the write as data, if other targets get it, too.
        strict: only an answer of its home, and within its time to live, will do.
        max_stale: seconds; an answer that may be further behind will not do. None is any.
        trace: what happened below, for the audit record and the events.
    """

    operation: str
    resource: str
    effect: Effect
    send: Callable[[Target], Awaitable[T]]
    idempotent: bool = False
    cache_key: tuple[str | None, ...] | None = None
    fresh: bool = False
    size: int = 0
    principal: str | None = field(default_factory=principal.get)
    audience: str | None = None
    also: tuple[str, ...] = ()
    failover: bool = False
    only: str | None = None
    command: Command | None = None
    strict: bool = False
    max_stale: float | None = None
    trace: list[Try] = field(default_factory=list)


@dataclass(slots=True)
class Answer(Generic[T]):
    """Data and where it came from. Holds no open resource.

    Attributes:
        value: the driver's answer.
        source: the name of the target that gave it.
        at: when it was given, seconds of ``time.monotonic()``.
        stale: it is older than its time to live.
        degraded: it is not from where it should be.
        cached: it was kept, not asked for.
        behind: seconds by which the target was behind when it gave it, as far as is known.
    """

    value: T
    source: str
    at: float = field(default_factory=time.monotonic)
    stale: bool = False
    degraded: bool = False
    cached: bool = False
    behind: float = 0.0


@dataclass(slots=True)
class RoutedCall(Generic[T]):
    """A call and the target chosen for it.

    Attributes:
        call: the call.
        target: one of the environment's, or a view of it.
        last: no other target will be asked; elsewhere a try that ran out of time is not
            repeated.
    """

    call: Call[T]
    target: Target
    last: bool = True


Next = Callable[[Call[T]], Awaitable[Answer[T]]]
RoutedNext = Callable[[RoutedCall[T]], Awaitable[Answer[T]]]


class Layer(Protocol):
    """One behaviour above the router: a call."""

    async def __call__(self, call: Call[T], next: Next[T], /) -> Answer[T]:
        """Answer the call, by ``next`` or without it."""
        ...


class Router(Protocol):
    """Chooses targets: a call comes in, routed calls go out."""

    async def __call__(self, call: Call[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer the call from one or more targets."""
        ...


class RoutedLayer(Protocol):
    """One behaviour below the router: the call and the target chosen for it."""

    async def __call__(self, routed: RoutedCall[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer the call at its target, by ``next`` or without it."""
        ...


class Front(Protocol):
    """The stack's entrance for applications, and what it offers beside calls."""

    async def __call__(self, call: Call[T], /) -> Answer[T]:
        """Send the call through the layers."""
        ...

    def invalidate(self, resource: str | None) -> None:
        """Forget what is cached of the resource, or (None) everything."""
