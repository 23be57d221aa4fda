"""How two stores are shown: cells of a table, and JSON. Never a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skykeep.apps.cli.console import columns, moment

if TYPE_CHECKING:
    from skykeep.drift import Difference, Plan, Seen, Step

_SHORT = 12
_WORDS = {
    "only_in_a": "only in A",
    "only_in_b": "only in B",
    "differs": "differs",
    "unknown": "unknown",
    "same": "the same",
}


def table(differences: Sequence[Difference]) -> str:
    """One line each."""
    return columns(
        ("STATE", "NAME", "A", "B", "WHAT"),
        [
            (_WORDS[each.kind], each.name, cell(each.a), cell(each.b), _what(each))
            for each in differences
        ],
    )


def summed(counts: Mapping[str, int]) -> str:
    """``1 differs, 2 only in B, 12 the same``."""
    return ", ".join(f"{n:,} {_WORDS[kind]}" for kind, n in counts.items() if n) or "nothing"


def document(each: Difference) -> dict[str, Any]:
    """A difference in JSON."""
    return {
        "name": each.name,
        "kind": str(each.kind),
        "what": list(each.what),
        "newer": each.newer,
        "reason": each.reason or None,
        "a": seen(each.a),
        "b": seen(each.b),
    }


def seen(side: Seen | None) -> dict[str, Any] | None:
    """A secret in one store, in JSON."""
    if side is None:
        return None
    return {
        "version": side.version,
        "changed_at": moment(side.changed_at),
        "revision": side.stamp.revision if side.stamp else None,
        "digest": side.digest,
    }


def cell(side: Seen | None) -> str:
    """``3 (2h, #1a2b3c4d)``: version, age and digest, as far as they are known."""
    if side is None:
        return "-"
    version = side.version or "there"
    if len(version) > _SHORT:
        version = f"{version[: _SHORT - 1]}…"
    more = [age(side.changed_at)] if side.changed_at else []
    more += [f"#{side.digest}"] if side.digest else []
    return f"{version} ({', '.join(more)})" if more else version


def age(at: datetime) -> str:
    """``new`` (under a minute), ``5m``, ``3h``, ``12d``."""
    seconds = (datetime.now(UTC) - at).total_seconds()
    if seconds < 60:
        return "new"
    for unit, of in (("m", 60), ("h", 3600)):
        if seconds < 60 * of and unit == "m":
            return f"{seconds // of:.0f}{unit}"
        if unit == "h" and seconds < 48 * of:
            return f"{seconds // of:.0f}{unit}"
    return f"{seconds // 86400:.0f}d"


def _what(each: Difference) -> str:
    if each.reason:
        return each.reason
    newer = f" (newer in {each.newer.upper()})" if each.newer else ""
    return ", ".join(each.what) + newer


def plan_table(steps: Sequence[Step]) -> str:
    """What is written and what is skipped, one line each."""
    return columns(
        ("STEP", "NAME", "WRITES", "NOTE"),
        [(each.action, each.name, ", ".join(each.what), note(each)) for each in steps],
    )


def note(step: Step) -> str:
    """Why it is skipped, what B cannot keep."""
    without = f"without {', '.join(step.without)}: B keeps none" if step.without else ""
    return "; ".join(text for text in (step.reason, without) if text)


def plan_summed(plan: Plan) -> str:
    """``2 to create, 1 to update, 12 the same; 3 only in B stay``."""
    words = {
        "create": "to create",
        "update": "to update",
        "same": "the same",
        "skip": "skipped",
    }
    told = ", ".join(f"{n:,} {words[each]}" for each, n in plan.counts.items() if n)
    stay = f"{len(plan.only_in_b):,} only in B, left as they are" if plan.only_in_b else ""
    return "; ".join(text for text in (told, stay) if text) or "nothing"


def step_document(step: Step) -> dict[str, Any]:
    """A step in JSON."""
    return {
        "name": step.name,
        "action": step.action,
        "what": list(step.what),
        "without": list(step.without),
        "reason": step.reason or None,
        "a": seen(step.a),
        "b": seen(step.b),
    }
