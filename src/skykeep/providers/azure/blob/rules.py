"""Rules of lifecycle as Azure has them, and which of an account's rules are ours.

A rule ("Configure a lifecycle management policy", azure-docs) has a name of letters and digits,
actions on base blobs, and filters by the beginnings of ``CONTAINER/NAME``. Ours are known by
their names, which also say what of: a container and a prefix in it, so that the targets of one
account do not change each other's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skykeep.envelope.digests import sha256
from skykeep.errors import Invalid
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.interfaces.object_keys import check_key_prefix
from skykeep.providers.azure.blob.names import RECORDS

AGE: Final = "daysAfterModificationGreaterThan"
_ACTIONS: Final = {
    "tierToCool": "infrequent_after_days",
    "tierToArchive": "archive_after_days",
    "delete": "expire_after_days",
}
MAX_RULES: Final = 100
"""Of an account."""


class Rules:
    """Those of one container and prefix."""

    def __init__(self, container: str, prefix: str) -> None:
        self._start = f"{container}/{prefix}"
        self._name = f"skykeep{sha256(self._start.encode()).hex()[:16]}x"

    def own(self, rule: Mapping[str, Any]) -> bool:
        """Whether it is one of ours."""
        return str(rule.get("name", "")).startswith(self._name)

    def made(self, rules: Sequence[LifecycleRule]) -> list[dict[str, Any]]:
        """As Azure has them; they make sense (``object_lifecycle.check_rule``). Raises
        ``Invalid`` for what it cannot do."""
        made = []
        for rule in sorted(rules, key=lambda rule: rule.prefix):
            made += self._made(rule)
        return made

    def told(self, rules: Sequence[Mapping[str, Any]]) -> list[LifecycleRule]:
        """Ours of an account's, in the order of their prefixes."""
        found: dict[str, dict[str, int]] = {}
        for rule in filter(self.own, rules):
            definition = rule.get("definition", {})
            (place,) = definition.get("filters", {}).get("prefixMatch") or [self._start]
            base = definition.get("actions", {}).get("baseBlob", {})
            ages = {
                ours: int(base[theirs][AGE])
                for theirs, ours in _ACTIONS.items()
                if AGE in base.get(theirs, {})
            }
            if place == self._start + RECORDS:
                prefix = ""
                ages = {"abort_uploads_after_days": ages["expire_after_days"]}
            else:
                prefix = place.removeprefix(self._start).removesuffix("/")
            found.setdefault(prefix, {}).update(ages)
        return [LifecycleRule(prefix=prefix, **found[prefix]) for prefix in sorted(found)]

    def _made(self, rule: LifecycleRule) -> list[dict[str, Any]]:
        prefix = check_key_prefix(rule.prefix)
        ages = {
            theirs: {AGE: days}
            for theirs, ours in _ACTIONS.items()
            if (days := getattr(rule, ours)) is not None
        }
        made = []
        if ages:
            below = f"{prefix}/" if prefix else ""
            made.append(self._rule(self._start + below, ages))
        if rule.abort_uploads_after_days is not None:
            if prefix:
                raise Invalid(
                    "Azure ends uploads of the whole container only: abort_uploads_after_days "
                    "goes with an empty prefix"
                )
            # Without its record an upload has ended; its parts are dropped within a week.
            age = {"delete": {AGE: rule.abort_uploads_after_days}}
            made.append(self._rule(self._start + RECORDS, age))
        return made

    def _rule(self, place: str, actions: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "enabled": True,
            "name": self._name + sha256(place.encode()).hex()[:16],
            "type": "Lifecycle",
            "definition": {
                "actions": {"baseBlob": actions},
                "filters": {"blobTypes": ["blockBlob"], "prefixMatch": [place]},
            },
        }
