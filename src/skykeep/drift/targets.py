"""Compares the targets of one environment, through the back entrance of its stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from skykeep import registry
from skykeep.drift.sides import Course, Pace
from skykeep.drift.sweeping import Compared, Sweeper
from skykeep.interfaces.call import Answer, Call, RoutedCall, RoutedNext, Target
from skykeep.interfaces.secrets import Secrets
from skykeep.layers.pace import Paces
from skykeep.layers.stack import Stack
from skykeep.settings.model import Environment, TargetSettings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Straight:
    """A front for ``Secrets`` that asks one target and no other."""

    stack: Stack
    target: Target

    async def __call__(self, call: Call[T], /) -> Answer[T]:
        """From below the router."""
        back: RoutedNext[T] = self.stack.back  # type: ignore[assignment]  # T is per call
        return await back(RoutedCall(call, self.target, last=False))

    def invalidate(self, resource: str | None) -> None:
        """Nothing is kept."""


def sweeper(environment: Environment, stack: Stack, targets: Sequence[Target]) -> Sweeper:
    """The sweeper of an environment; ``targets`` keep secrets, the primary is the first."""
    settings = (environment.primary, *environment.failover, *environment.backups)
    paces = [_pace(each) for each in settings]
    secrets = [Secrets(Straight(stack, each), each, environment.scope) for each in targets]

    def owed(name: str, target: str) -> bool:
        return stack.journal is not None and bool(
            stack.journal.behind(environment.scope + name, target)
        )

    def compared(at: int) -> Compared:
        return Compared(
            targets[at].name,
            secrets[at],
            lambda: Course(one_environment=True, at_once=8, pace_a=paces[0], pace_b=paces[at]),
        )

    others = [compared(at) for at in range(1, len(targets))]
    return Sweeper(secrets[0], others, owed, environment.sweep_seconds)


def _pace(settings: TargetSettings) -> Pace:
    return Paces(registry.provider(settings.backend).quotas_of(settings))
