"""Lifecycle rules of one scope among those of a bucket that several scopes share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from skykeep.errors import Invalid
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.interfaces.object_keys import check_key_prefix


def within(rules: Sequence[LifecycleRule], scope: str) -> list[LifecycleRule]:
    """Those of the scope, with the prefixes that the application knows."""
    cut = len(scope)
    return [replace(rule, prefix=rule.prefix[cut:]) for rule in rules if _is_of(rule, scope)]


def beyond(rules: Sequence[LifecycleRule], scope: str) -> list[LifecycleRule]:
    """Those of other scopes, as they are."""
    return [rule for rule in rules if not _is_of(rule, scope)]


def scoped(rules: Sequence[LifecycleRule], scope: str) -> list[LifecycleRule]:
    """With the scope before their prefixes.

    Raises ``Invalid`` for a prefix that is none, and for two rules of one prefix.
    """
    found = [
        replace(rule, prefix=(scope + check_key_prefix(rule.prefix)).removesuffix("/"))
        for rule in rules
    ]
    if len({rule.prefix for rule in found}) != len(found):
        raise Invalid("two lifecycle rules have the same prefix")
    return found


def _is_of(rule: LifecycleRule, scope: str) -> bool:
    return f"{rule.prefix}/".startswith(scope)
