"""Data stays in the regions that it may be in; anything else is refused before a byte leaves.

A guard below the router, which asks ``allows`` to choose among several targets: what it lets
through by mistake ends here. Where a target keeps things is what its service tells, asked once
for each capability; else the ``region`` of its settings, shown as *declared*. A provider in
this process keeps them on this host. Reads and deletes are held to it as writes are: a name
says something, too.

The question is a call of its own, ``objects.region`` and so on, that goes the way of the others
below. It carries no name of the application's and no value; what a driver sends for it (a
bucket's name) is said there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from skykeep.errors import Denied, SkykeepError, Unavailable, Unsupported
from skykeep.interfaces.call import Answer, Call, Effect, RoutedCall, RoutedNext, Target
from skykeep.interfaces.names import NATIVE, shown
from skykeep.interfaces.regions import within
from skykeep.interfaces.tasks import Tasks
from skykeep.settings.guarding import ResidencySettings

T = TypeVar("T")

QUESTION: Final = "region"
FREE: Final = frozenset({"identity"})
"""Capabilities that carry nothing to be kept anywhere: who we are, what we may do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target keeps what it is given.

    Attributes:
        region: several are joined by commas; None if nobody says.
        source: who says it: the service (``told``), the configuration (``declared``), this
            host, for a provider in this process (``embedded``).
    """

    region: str | None
    source: Literal["told", "declared", "embedded"]

    def __str__(self) -> str:
        if self.source == "embedded":
            return f"{self.region} (declared, this host)" if self.region else "this host"
        if self.region is None:
            return "nobody says where"
        return f"{self.region} ({self.source})"


class Rules:
    """What may be where: ``ResidencySettings``, and the scope that names have.

    A class is of names as the application writes them, without tenant and namespace: as in the
    command line and in every other part of the settings. The longest prefix that fits decides.
    """

    def __init__(self, settings: ResidencySettings, scope: str = "") -> None:
        self._default = settings.regions
        self._strict = settings.strict
        self._scope = scope
        classes = ((each.prefix.removesuffix("/"), each.regions) for each in settings.classes)
        self._classes = sorted(classes, key=lambda each: -len(each[0]))
        self.active = bool(self._default or self._classes)

    def refusal(self, place: Place, resource: str) -> Denied | None:
        """The error for what may not be there; None if it may.

        Args:
            place: where.
            resource: a name, or the prefix of a listing, with its scope. A listing is judged by
                its prefix, which is all that leaves: it shows what is there, also what should
                not be.
        """
        for prefix, allowed in self._rules_of(resource):
            if allowed and (reason := self._reason(place, allowed)):
                of = f" of the class {shown(prefix)}" if prefix else ""
                subject = shown(resource) if resource else "this call"
                return Denied(f"residency refuses {subject}{of}: {reason[0]}", hint=reason[1])
        return None

    def summary(self, place: Place) -> list[tuple[str, Denied | None]]:
        """The same for each rule: its class (``""`` is all other data), and why not."""
        found: list[tuple[str, Denied | None]] = []
        for prefix, allowed in (("", self._default), *reversed(self._classes)):
            reason = self._reason(place, allowed) if allowed else None
            refused = Denied(f"residency: {reason[0]}", hint=reason[1]) if reason else None
            found.append((prefix, refused))
        return found

    def _rules_of(self, resource: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The rules that count for a resource: one, but for a native name."""
        if resource.startswith(NATIVE):
            # It may be of any class: the store's own spelling of a name is no prefix of ours.
            own = [each for each in self._classes if each[0] == NATIVE]
            yield from own or [("", self._default), *self._classes]
            return
        name = resource.removeprefix(self._scope)
        if self._scope and resource == self._scope.removesuffix("/"):
            name = ""
        for prefix, allowed in self._classes:
            if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1] in {"", "/"}:
                yield prefix, allowed
                return
        yield "", self._default

    def _reason(self, place: Place, allowed: tuple[str, ...]) -> tuple[str, str] | None:
        """Why data of these regions may not be there, and the mend; None if it may."""
        if place.region is None:
            if place.source == "embedded":
                return None
            return (
                "the service does not tell its region, and the target declares none",
                "set region: of the target to where it really is",
            )
        regions = ", ".join(allowed)
        if not within(place.region, allowed):
            return (
                f"the store is in {place}; allowed is {regions}",
                "use a target there, or change 'residency' of the configuration",
            )
        if self._strict and place.source == "declared":
            return (
                f"{place.region} is only declared, and 'strict' wants the service's own word",
                "where the service does not tell it, only without 'strict' is it enough",
            )
        return None


class Residency:
    """Refuses, with ``Denied``, what may not be where its target is.

    Args:
        settings: what may be where.
        scope: what names have before them, with its closing slash; or ``""``.
        tasks: the Cloud's: the question is asked once for all who wait for its answer.
        seconds: how long it may take.
        alone: there is no other target to go to: one that is slow to tell is asked again.
    """

    def __init__(
        self,
        settings: ResidencySettings,
        scope: str,
        tasks: Tasks,
        *,
        seconds: float = 10.0,
        alone: bool = True,
    ) -> None:
        self.rules = Rules(settings, scope)
        self._tasks = tasks
        self._seconds = seconds
        self._alone = alone
        # By identity: two targets may have the same name. The target is kept, or another one
        # could have its place in memory.
        self._places: dict[tuple[int, str], tuple[Target, Place]] = {}
        self._asking: dict[tuple[int, str], asyncio.Task[Place]] = {}

    async def __call__(self, routed: RoutedCall[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer by ``next``. Raises ``Denied``, and what the question raises."""
        refused = await self.refusal(routed.target, routed.call, next)
        if refused is not None:
            raise refused.located(target=routed.target.name)
        return await next(routed)

    async def allows(self, target: Target, call: Call[Any], next: RoutedNext[Any]) -> bool:
        """Whether the call may go to the target: for routers, which choose another one."""
        return await self.refusal(target, call, next) is None

    async def refusal(
        self, target: Target, call: Call[Any], next: RoutedNext[Any]
    ) -> Denied | None:
        """The error for a call that may not go there; None if it may."""
        capability, _, asked = call.operation.partition(".")
        if capability in FREE or asked == QUESTION:
            return None
        known = self._places.get((id(target), capability))
        place = known[1] if known else await self.place(target, capability, next)
        for resource in (call.resource, *call.also):
            if (refused := self.rules.refusal(place, resource)) is not None:
                return refused
        return None

    async def place(self, target: Target, capability: str, next: RoutedNext[Any]) -> Place:
        """Where the target keeps things of the capability; asked once.

        Raises what the question raises, but ``Denied`` and ``Unsupported``: then the service
        does not tell.
        """
        key = (id(target), capability)
        known = self._places.get(key)
        if known is not None:
            return known[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._tasks.start(
                self._ask(target, capability, next), name=f"region of {target.name}"
            )
            self._asking[key] = asking
        try:
            return await asyncio.shield(asking)
        except SkykeepError as error:
            # Each waiter's own: the layers above write its operation and resource on it.
            raise copy(error) from None

    async def _ask(self, target: Target, capability: str, next: RoutedNext[Any]) -> Place:
        key = (id(target), capability)
        try:
            if target.embedded:
                place = Place(target.region, "embedded")
            else:
                told = await self._told(target, capability, next)
                place = Place(told, "told") if told else Place(target.region, "declared")
            self._places[key] = (target, place)
            return place
        finally:
            self._asking.pop(key, None)

    async def _told(self, target: Target, capability: str, next: RoutedNext[Any]) -> str | None:
        async def send(target: Target) -> str | None:
            driver = await target.driver(capability)
            told: str | None = await driver.region()
            return told

        call = Call(f"{capability}.{QUESTION}", "", Effect.READ, send, idempotent=True)
        try:
            async with asyncio.timeout(self._seconds):
                answer: Answer[str | None] = await next(RoutedCall(call, target, self._alone))
        except (Denied, Unsupported):
            return None
        except TimeoutError:
            pass  # leave the handler: what was being done may show in the context
        else:
            return answer.value
        raise Unavailable(
            f"{target.name} did not tell its region within {self._seconds:g} s", sent=False
        )

    def forget(self) -> None:
        """After a fork: the questions under way belong to the parent."""
        self._asking = {}
