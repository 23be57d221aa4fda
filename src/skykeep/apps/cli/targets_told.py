"""How targets are shown that belong together: their health, what they are owed, conflicts.

Never a value: sides of a conflict are told apart by digests that are made anew each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skykeep.apps.cli.console import columns, counted, moment, printable, short_moment

if TYPE_CHECKING:
    from skykeep.replication.conflicts import Conflict
    from skykeep.replication.health import Health, TargetHealth
    from skykeep.replication.waiting import Waiting

_SHORT = 12


def health_document(health: Health) -> dict[str, Any]:
    """In JSON. Times are in seconds."""
    return {
        "environment": health.environment,
        "status": health.status,
        "doubt": health.doubt,
        "journal": health.journal,
        "targets": [
            {
                key: round(value, 6) if isinstance(value, float) else value
                for key, value in asdict(each).items()
            }
            for each in health.targets
        ],
    }


def health_table(health: Health) -> str:
    """One line for each target."""
    return columns(
        ("TARGET", "ROLE", "STATUS", "ANSWER", "OWED", "BEHIND", "SAID"),
        [
            (
                each.name,
                each.role,
                each.status,
                f"{each.seconds * 1000:.0f} ms",
                f"{each.owed:,}",
                "-" if each.behind is None else span(each.behind),
                (each.error or "-").replace("\n", "; "),
            )
            for each in health.targets
        ],
    )


def advice(health: Health, writes: str) -> Iterator[str]:
    """What somebody can do about it, one line each. ``writes`` is the setting."""
    primary = health.targets[0]
    up = [each for each in health.targets if each.status == "up" and each.role == "failover"]
    if primary.status == "down" and up:
        go = "go there, too" if writes == "failover" else "are refused until it is back"
        yield f"reads are answered by {up[0].name} and say so; writes {go}"
    for each in health.targets:
        if each.status == "refuses":
            yield f"{each.name} cannot be used as it is: skykeep doctor"
    if health.journal:
        yield f"what is owed is not known: {health.journal}"
    if health.doubt:
        one = health.doubt == 1
        yield (
            f"{counted(health.doubt, 'write')} {'is' if one else 'are'} in doubt, "
            f"{'its' if one else 'their'} home has not said whether it has "
            f"{'it' if one else 'them'}: skykeep reconcile asks"
        )
    stuck = _stuck(health.targets)
    if any(each.owed > len(each.stuck) for each in health.targets):
        yield (
            "what is owed is brought while a program of this host has the environment open, "
            "or now: skykeep reconcile"
        )
    if stuck:
        yield (
            f"{counted(len(stuck), 'name')} {'waits' if len(stuck) == 1 else 'wait'} for "
            "somebody: skykeep reconcile says why, and shows both sides of a conflict"
        )


def _stuck(targets: Iterable[TargetHealth]) -> set[str]:
    return {name for each in targets for name in each.stuck}


def span(seconds: float) -> str:
    """For people: ``45s``, ``5m``, ``3h``, ``12d``."""
    for unit, size, most in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 48 * 3600)):
        if seconds < most:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds // 86400)}d"


# -- what is owed


def waiting_document(each: Waiting, away: Mapping[str, str]) -> dict[str, Any]:
    """A name with writes that are owed, in JSON. ``away``: what targets said that are."""
    return {
        "name": each.name,
        "since": moment(_at(each.made)),
        "targets": dict(each.owed),
        "doubt": each.doubt,
        "why": {to: why for to in each.owed if (why := _why(each, to, away))},
    }


def _why(each: Waiting, target: str, away: Mapping[str, str]) -> str | None:
    return each.stuck.get(target) or away.get(target)


def waiting_table(rows: Iterable[Waiting], away: Mapping[str, str]) -> str:
    """One line for each name and target."""
    cells = []
    for each in rows:
        since = short_moment(_at(each.made))
        for target, count in each.owed.items():
            why = _why(each, target, away) or "-"
            cells.append((each.name, target, f"{count:,}", since, why))
        if each.doubt:
            cells.append((each.name, "-", f"{each.doubt:,}", since, _IN_DOUBT))
    return columns(("NAME", "OWED TO", "WRITES", "SINCE", "WHY"), cells)


_IN_DOUBT = "in doubt: its home has not said whether it has it"


# -- conflicts


def is_conflict(each: Conflict) -> bool:
    """Whether two sides have written it: else something else is in the way."""
    return any(why.startswith("conflict") for why in each.why.values())


def conflict_document(each: Conflict) -> dict[str, Any]:
    """Both sides, in JSON."""
    return {
        "name": each.name,
        "since": moment(_at(each.made)),
        "why": dict(each.why),
        "sides": [asdict(side) for side in each.sides],
    }


def conflict_text(each: Conflict) -> str:
    """Both sides, for people."""
    rows = []
    for side in each.sides:
        version = side.version or "-"
        if len(version) > _SHORT:
            version = f"{version[: _SHORT - 1]}…"
        holds = "nothing" if side.digest is None else f"#{side.digest}"
        note = each.why.get(side.target, "")
        if side.error is not None:
            holds, note = "?", note or side.error
        rows.append((side.target, version, holds, note))
    table = columns(("TARGET", "VERSION", "HOLDS", "NOTE"), rows).replace("\n", "\n  ")
    head = f"{printable(each.name)}: a conflict since {short_moment(_at(each.made))}"
    return f"{head}\n  {table}"


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
