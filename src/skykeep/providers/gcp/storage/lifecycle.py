"""A bucket's rules for its objects' age: ours are read and set, others' left as they are.

Rules of Cloud Storage have no name ("Object Lifecycle Management"). Ours are known by a
condition that says nothing and that nobody else writes: that the object has one of the seven
storage classes that there are. So a rule that a person has made, even one that does the same,
is never taken for ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from skykeep.errors import Conflict, Invalid
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.interfaces.object_keys import check_key_prefix
from skykeep.providers.gcp.storage.answers import Nothing
from skykeep.providers.gcp.storage.client import JSON, decoded
from skykeep.providers.gcp.storage.copying import Copying
from skykeep.providers.gcp.storage.errors import explain, is_condition
from skykeep.providers.gcp.storage.parts import UPLOADS

MAX_RULES: Final = 100
"""Of a bucket, all together ("Quotas & limits")."""
INFREQUENT: Final = "NEARLINE"
ARCHIVE: Final = "ARCHIVE"
ANY_CLASS: Final = (
    "ARCHIVE",
    "COLDLINE",
    "DURABLE_REDUCED_AVAILABILITY",
    "MULTI_REGIONAL",
    "NEARLINE",
    "REGIONAL",
    "STANDARD",
)
"""All that ``matchesStorageClass`` takes."""

_CLASSES: Final = {INFREQUENT: "infrequent_after_days", ARCHIVE: "archive_after_days"}


class Lifecycle(Copying):
    """Rules."""

    async def lifecycle(self) -> Sequence[LifecycleRule]:
        """Our rules of the bucket under ``objects_prefix``. Raises ``Denied`` without
        ``storage.buckets.get``."""
        found: dict[str, dict[str, int]] = {}
        for rule in _rules((await self._bucket("lifecycle")).lifecycle):
            read = self._read(rule)
            if read is not None:
                prefix, field, days = read
                found.setdefault(prefix, {})[field] = days
        return [
            LifecycleRule(prefix=prefix, **found[prefix])
            for prefix in sorted(found, key=str.encode)
        ]

    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        """Make our rules of the bucket these. Raises ``Denied`` without
        ``storage.buckets.update``."""
        made = self._made(rules)
        there = await self._bucket("lifecycle,metageneration")
        kept = [rule for rule in _rules(there.lifecycle) if self._read(rule) is None]
        if len(kept) + len(made) > MAX_RULES:
            raise Invalid(
                f"a bucket has at most {MAX_RULES} rules; with {len(kept)} of others these are "
                f"{len(kept) + len(made)}",
                hint="each age of a prefix is a rule",
            )
        # Without any there is no lifecycle: an empty one is refused by some.
        wanted = {"rule": [*kept, *made]} if kept or made else None
        target = self._json("", ifMetagenerationMatch=there.metageneration, fields="kind")
        reply, failure = await self._client.ask(
            "PATCH",
            target,
            headers={"Content-Type": JSON},
            body=msgspec.json.encode({"lifecycle": wanted}),
        )
        if failure is None:
            decoded(reply, Nothing)
            return
        if is_condition(failure):
            raise Conflict(
                "the bucket was changed meanwhile",
                hint="try again",
                request_id=failure.request_id,
            )
        raise explain(failure, subject=self._name, action="buckets.patch")

    def _made(self, rules: Sequence[LifecycleRule]) -> list[dict[str, Any]]:
        """Ours as theirs. Raises ``Invalid``."""
        found: list[dict[str, Any]] = []
        prefixes = [check_key_prefix(rule.prefix) for rule in rules]
        if len(set(prefixes)) < len(prefixes):
            raise Invalid("two rules are about one prefix")
        for rule, prefix in zip(rules, prefixes, strict=True):
            inside = f"{prefix}/" if prefix else ""
            objects, uploads = self._prefix + inside, self._prefix + UPLOADS + inside
            to = {"type": "SetStorageClass"}
            actions: list[tuple[int | None, dict[str, str], str]] = [
                (rule.infrequent_after_days, {**to, "storageClass": INFREQUENT}, objects),
                (rule.archive_after_days, {**to, "storageClass": ARCHIVE}, objects),
                (rule.expire_after_days, {"type": "Delete"}, objects),
                (rule.abort_uploads_after_days, {"type": "Delete"}, uploads),
            ]
            for days, action, start in actions:
                if days is None:
                    continue
                if days < 1:
                    raise Invalid(f"a rule's days are 1 and more, not {days}")
                condition: dict[str, Any] = {
                    "age": days,
                    "matchesStorageClass": list(ANY_CLASS),
                }
                if start:
                    condition["matchesPrefix"] = [start]
                found.append({"action": action, "condition": condition})
        return found

    def _read(self, rule: Mapping[str, Any]) -> tuple[str, str, int] | None:
        """Prefix, field and days of a rule of ours, under our prefix; None for any other."""
        action, condition = rule.get("action"), rule.get("condition")
        if not isinstance(action, dict) or not isinstance(condition, dict):
            return None
        if not set(condition) <= {"age", "matchesStorageClass", "matchesPrefix"}:
            return None
        classes, starts = condition.get("matchesStorageClass"), condition.get("matchesPrefix")
        days = condition.get("age")
        if sorted(classes or ()) != list(ANY_CLASS) or not isinstance(days, int):
            return None
        (start,) = starts if isinstance(starts, list) and len(starts) == 1 else ("",)
        field = _CLASSES.get(str(action.get("storageClass")))
        if action.get("type") == "Delete":
            field = "expire_after_days"
            if start.startswith(self._prefix + UPLOADS):
                field = "abort_uploads_after_days"
                start = self._prefix + start.removeprefix(self._prefix + UPLOADS)
        inside = start.removeprefix(self._prefix)
        if field is None or not start.startswith(self._prefix):
            return None
        if inside and not inside.endswith("/"):
            return None
        return inside.removesuffix("/"), field, days


def _rules(lifecycle: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = lifecycle.get("rule")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
