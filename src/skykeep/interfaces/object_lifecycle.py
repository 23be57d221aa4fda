"""Lifecycle rules: checked, and those of one scope among those of a shared bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.interfaces.object_keys import check_key_prefix

MAX_DAYS: Final = 36_500
"""A hundred years: what the settings take."""


def within(rules: Sequence[LifecycleRule], scope: str) -> list[LifecycleRule]:
    """Those of the scope, with the prefixes that the application knows."""
    cut = len(scope)
    return [replace(rule, prefix=rule.prefix[cut:]) for rule in rules if _is_of(rule, scope)]


def beyond(rules: Sequence[LifecycleRule], scope: str) -> list[LifecycleRule]:
    """Those of other scopes, as they are."""
    return [rule for rule in rules if not _is_of(rule, scope)]


def scoped(rules: Sequence[LifecycleRule], scope: str) -> list[LifecycleRule]:
    """With the scope before their prefixes.

    Raises ``Invalid`` for a prefix that is none, for two rules of one prefix, and for a rule
    that makes no sense in any store: see ``check_rule``.
    """
    for rule in rules:
        check_rule(rule)
    found = [
        replace(rule, prefix=(scope + check_key_prefix(rule.prefix)).removesuffix("/"))
        for rule in rules
    ]
    if len({rule.prefix for rule in found}) != len(found):
        raise Invalid("two lifecycle rules have the same prefix")
    return found


def check_rule(rule: LifecycleRule) -> None:
    """Raise ``Invalid`` for a rule that does nothing, for days that are not 1 to 36,500, and
    where a later step would come before an earlier one: infrequent, archive, removed."""
    steps = [
        (name, days)
        for name, days in (
            ("infrequent_after_days", rule.infrequent_after_days),
            ("archive_after_days", rule.archive_after_days),
            ("expire_after_days", rule.expire_after_days),
        )
        if days is not None
    ]
    uploads = rule.abort_uploads_after_days
    about = (
        f"the lifecycle rule for {shown(rule.prefix)}" if rule.prefix else "the rule for all"
    )
    if not steps and uploads is None:
        raise Invalid(f"{about} says nothing", hint="give it days")
    for days in (*(days for _, days in steps), *(() if uploads is None else (uploads,))):
        if not 1 <= days <= MAX_DAYS:
            raise Invalid(f"{about}: days are 1 to {MAX_DAYS:,}, not {days:,}")
    for (earlier, first), (later, second) in pairwise(steps):
        if first >= second:
            raise Invalid(f"{about}: {later} ({second}) comes after {earlier} ({first})")


def _is_of(rule: LifecycleRule, scope: str) -> bool:
    return f"{rule.prefix}/".startswith(scope)
