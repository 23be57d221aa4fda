"""How an environment's targets are: who answers, who is behind, what waits for a person."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from skykeep.errors import NotFound, SkykeepError
from skykeep.interfaces.call import Call, Effect, RoutedCall, Target
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.layers.stack import Stack
from skykeep.replication.digests import NAME

Status = Literal["up", "refuses", "down"]

OPENING: Final = 2.0
"""Seconds that a target has to be opened, before its answer is timed."""


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """One target.

    Attributes:
        name, provider, role, region: as configured.
        status: ``up`` answers; ``refuses`` answers, and not to us (``error`` says why);
            ``down`` does not.
        error: what it said, or None.
        seconds: that it took to say so.
        breaker: ``closed``, ``open`` or ``half-open``, in this process.
        p50, p99: seconds of the last 256 reads of this process; None if there were none.
        owed: writes that it still has to get from this host.
        behind: seconds since the first of these was made; None if there are none.
        stuck: names of these that wait for a person.
        drift: names in which it differed from the primary at the last sweep of this process,
        and
            of which nothing is owed; None where nobody has swept.
    """

    name: str
    provider: str
    role: str
    region: str | None
    status: Status
    error: str | None
    seconds: float
    breaker: str
    p50: float | None
    p99: float | None
    owed: int
    behind: float | None
    stuck: tuple[str, ...]
    drift: int | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """An environment, now.

    Attributes:
        environment: its name, or None.
        status: ``ok``; ``degraded`` where a target is not up, is owed writes or has a
            conflict; ``down`` where the primary and all failover targets are.
        targets: in the order of the configuration.
        doubt: writes of which their home has not said whether it has them.
        journal: why this host's journal cannot be read, or None.
        gone: writes that the journal keeps for targets that are no longer configured, by their
            names; also those of another environment that uses the same file.
    """

    environment: str | None
    status: Literal["ok", "degraded", "down"]
    targets: tuple[TargetHealth, ...]
    doubt: int
    journal: str | None
    gone: Mapping[str, int] = field(default_factory=dict)


async def health(
    stack: Stack, targets: Sequence[Target], environment: str | None, scope: str
) -> Health:
    """Ask each target for what is known of one name, all at once, by one call each."""
    fault: str | None = None
    if stack.journal is not None:
        try:
            stack.journal.look()
        except SkykeepError as error:
            fault = str(error)
    # First: what one provider imports to be opened would count as time of all the others.
    await asyncio.gather(*map(_opened, targets))
    found = await asyncio.gather(*(_target(stack, each, scope) for each in targets))
    readable = [each for each in found if each.role != "backup"]
    doubt = sum(each.doubt for each in stack.journal or ())
    gone = Counter(name for each in stack.journal or () for name in each.owed)
    for each in targets:
        del gone[each.name]
    if stack.journal is not None and stack.journal.foreign:
        gone["targets of another environment"] = stack.journal.foreign
    status: Literal["ok", "degraded", "down"] = "ok"
    if all(each.status != "up" for each in readable):
        status = "down"
    elif (
        fault
        or doubt
        or gone
        or any(each.status != "up" or each.owed or each.drift for each in found)
    ):
        status = "degraded"
    return Health(environment, status, tuple(found), doubt, fault, dict(gone))


async def _opened(target: Target) -> None:
    with suppress(SkykeepError, TimeoutError):  # the call says so again
        async with asyncio.timeout(OPENING):
            await target.driver("secrets")


async def _target(stack: Stack, target: Target, scope: str) -> TargetHealth:
    async def describe(target: Target) -> None:
        driver: SecretDriver = await target.driver("secrets")
        try:
            await driver.describe(f"{scope}{NAME}")
        except NotFound:
            pass  # an answer is an answer

    begun = time.monotonic()
    call: Call[Any] = Call("secrets.health", "", Effect.READ, describe, idempotent=True)
    status: Status = "up"
    error: str | None = None
    try:
        # Below the guard: the call carries nothing that must not be there.
        await stack.below(RoutedCall(call, target, last=False))
        await _may_be_used(stack, target)
    except SkykeepError as raised:
        error = f"{type(raised).__name__}: {raised}"
        away = type(raised).__name__ in {"Unavailable", "Throttled"}
        status = "down" if away else "refuses"
    standing = stack.standings.of(target)
    swept = stack.sweeper.found.get(target.name) if stack.sweeper else None
    owed = [each for each in stack.journal or () if target.name in each.owed]
    return TargetHealth(
        target.name,
        target.provider,
        target.role.value,
        target.region,
        status,
        error,
        time.monotonic() - begun,
        standing.breaker.state.value,
        standing.reads.percentile(0.5),
        standing.reads.percentile(0.99),
        len(owed),
        max((stack.journal.age(each, target.name) for each in owed), default=None)
        if stack.journal
        else None,
        tuple(dict.fromkeys(each.name for each in owed if target.name in each.stuck)),
        None if swept is None else swept.count,
    )


async def _may_be_used(stack: Stack, target: Target) -> None:
    """Raise ``Denied`` if residency lets nothing be there."""
    rules = stack.residency.rules
    if not rules.active:
        return
    place = await stack.residency.place(target, "secrets", stack.below)
    refused = [refusal for _, refusal in rules.summary(place)]
    if refused and all(refusal is not None for refusal in refused) and refused[0] is not None:
        raise refused[0]


def prometheus(health: Health) -> str:
    """The same as metrics in Prometheus' text format 0.0.4
    (prometheus.io/docs/instrumenting/exposition_formats)."""
    rows: list[tuple[str, str, str, list[tuple[str, float]]]] = []
    for metric, kind, text, of in (
        ("skykeep_target_up", "gauge", "1 if the target answers us.", _up),
        ("skykeep_target_answer_seconds", "gauge", "Time of the health call.", _seconds),
        ("skykeep_target_breaker_open", "gauge", "1 if it is left alone.", _open),
        ("skykeep_target_owed_writes", "gauge", "Writes that it still has to get.", _owed),
        ("skykeep_target_behind_seconds", "gauge", "Age of the first of them.", _behind),
        ("skykeep_target_drift", "gauge", "Names that differ from the primary's.", _drift),
        ("skykeep_target_conflicts", "gauge", "Names that wait for a person.", _stuck),
    ):
        rows.append((metric, kind, text, [(_labels(t), of(t)) for t in health.targets]))
    ok = [(f'{{environment="{_escaped(health.environment or "")}"}}', health.status == "ok")]
    rows.append(("skykeep_ok", "gauge", "1 if there is nothing to do.", [*map(_float, ok)]))
    doubt = [(ok[0][0], float(health.doubt))]
    rows.append(("skykeep_doubtful_writes", "gauge", "Writes in doubt.", doubt))
    lines: list[str] = []
    for metric, kind, text, values in rows:
        lines += [f"# HELP {metric} {text}", f"# TYPE {metric} {kind}"]
        lines += [f"{metric}{labels} {value:.12g}" for labels, value in values]
    return "\n".join(lines) + "\n"


def _up(target: TargetHealth) -> float:
    return float(target.status == "up")


def _seconds(target: TargetHealth) -> float:
    return target.seconds


def _open(target: TargetHealth) -> float:
    return float(target.breaker != "closed")


def _owed(target: TargetHealth) -> float:
    return float(target.owed)


def _behind(target: TargetHealth) -> float:
    return target.behind or 0.0


def _stuck(target: TargetHealth) -> float:
    return float(len(target.stuck))


def _drift(target: TargetHealth) -> float:
    return float(target.drift or 0)


def _float(row: tuple[str, bool]) -> tuple[str, float]:
    return row[0], float(row[1])


def _labels(target: TargetHealth) -> str:
    return f'{{target="{_escaped(target.name)}",role="{target.role}"}}'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
