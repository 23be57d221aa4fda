"""What was asked and what was answered; what each store did."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from skykeep.interfaces.secret_data import Provenance
from tests.simulation.history import Ask

Outcome = Literal["pending", "done", "refused", "doubt", "error"]

asked_by: ContextVar[Asked | None] = ContextVar("asked_by", default=None)
"""The call of an application in whose course something is sent; None: a replay and the like."""


@dataclass(slots=True, eq=False)
class Asked:
    """A call of an application.

    Attributes:
        life: of the process, a number of its own.
        ended: when it was answered; None if it never was: its process died.
        outcome: ``done``; ``refused``: nothing was written, as it was told; ``doubt``: it may
            have been; ``error``: of a read.
        told: the value that a read had; None is ``NotFound``.
        error: the class of the error, or "".
        changed: a write made a version.
        expected: the value that the caller believes to replace.
    """

    ask: Ask
    process: str
    life: int
    began: float
    ended: float | None = None
    outcome: Outcome = "pending"
    told: str | None = None
    provenance: Provenance | None = None
    error: str = ""
    message: str = ""
    listed: tuple[str, ...] = ()
    changed: bool = True
    expected: str | None = None

    @property
    def writes(self) -> bool:
        return self.ask.value != ""

    @property
    def reads(self) -> bool:
        """Whether it was told what the name holds."""
        return not self.writes and self.ask.kind != "list"


@dataclass(frozen=True, slots=True)
class Applied:
    """A write that a store did.

    Attributes:
        order: of all writes at all stores.
        before, after: the value that the name had and has; None is nothing.
        asked: in the course of which call; None is a replay or another host.
        process: whose, or "another host".
        sent: when the request left.
    """

    order: int
    at: float
    store: str
    name: str
    operation: str
    before: str | None
    after: str | None
    asked: Asked | None
    process: str
    sent: float


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that left for a store, in the course of which call; None is a replay."""

    at: float
    process: str
    store: str
    operation: str
    name: str
    asked: Asked | None


@dataclass(frozen=True, slots=True)
class Removed:
    """A record that the journal was told to forget.

    Attributes:
        asked: the call in whose course it was made.
        others: records of the same name that stay.
        held: what each store had under the name then.
    """

    at: float
    name: str
    asked: Asked | None
    others: int
    held: dict[str, str | None]


@dataclass(slots=True)
class Step:
    """A line of the trace: something went from one to another, or was done at one place.

    Attributes:
        until: when it arrived; None if it was lost.
    """

    at: float
    source: str
    target: str
    text: str
    until: float | None
    kind: Literal["request", "answer", "note", "error"]


@dataclass(slots=True)
class Record:
    """Of a whole history."""

    asked: list[Asked] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    trace: list[Step] | None = None

    def note(
        self,
        at: float,
        source: str,
        target: str,
        text: str,
        *,
        until: float | None,
        kind: Literal["request", "answer", "note", "error"],
    ) -> None:
        """Put it into the trace, if there is to be one."""
        if self.trace is not None:
            to = None if until is None else round(until, 4)
            self.trace.append(Step(round(at, 4), source, target, text, to, kind))
