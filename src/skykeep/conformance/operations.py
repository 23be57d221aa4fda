"""The operations of the differential runner, as data, and how they are drawn."""

from __future__ import annotations

import random
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from skykeep.conformance.cases import NOTHING, listed, secret
from skykeep.interfaces.secret_driver import (
    CURRENT,
    KEEP,
    PENDING,
    PREVIOUS,
    STAMP_DIGEST_BYTES,
    Attributes,
    SecretCapabilities,
    SecretDriver,
    Stamp,
)
from skykeep.interfaces.secret_value import SecretValue

NAMES = ("a", "a/b", "a/b/c", "a/B", "ab/c", "db/password")
PREFIXES = ("", "a", "a/b", "ab", "db", "none")
STAGES = (CURRENT, PREVIOUS, PENDING, "blue", "green")
LIMITS = (1, 2, 3, 1000)
STAMPED = frozenset({"create", "update", "annotate"})
EXPIRY = datetime(2030, 1, 1, tzinfo=UTC)

WEIGHTS = {
    "create": 8,
    "update": 22,
    "annotate": 6,
    "move_stage": 10,
    "take_off": 3,
    "delete": 6,
    "restore": 6,
    "purge": 2,
    "get": 4,
    "get_version": 6,
    "get_stage": 5,
    "describe": 2,
    "versions": 2,
    "list": 6,
    "list_deleted": 3,
    "reopen": 1,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, good for any driver.

    Attributes:
        kind: a driver's method, or one of its uses (see ``WEIGHTS``).
        name: the secret.
        value: what is written.
        attributes: what is said with it.
        stage: the label that is meant.
        version: which of the ids issued for the name, counted around; None is one that
            never was issued.
        expects: the same for compare-and-set; -1 is the latest; None sets no condition.
        prefix, limit: of a listing.
    """

    kind: str
    name: str
    value: bytes = b""
    attributes: Attributes = NOTHING
    stage: str = CURRENT
    version: int | None = None
    expects: int | None = None
    prefix: str = ""
    limit: int = 1000

    def __str__(self) -> str:
        uses: dict[str, list[object]] = {
            "create": [self.value, self.attributes],
            "update": [self.value, self.attributes, self.stage],
            "annotate": [self.attributes],
            "move_stage": [self.stage, f"version {self.version}"],
            "take_off": [self.stage],
            "get_version": [f"version {self.version}"],
            "get_stage": [self.stage],
            "list": [self.prefix, self.limit],
            "list_deleted": [self.prefix, self.limit],
        }
        said = uses.get(self.kind, [])
        if self.expects is not None:
            said.append(f"expects version {self.expects}")
        return f"{self.kind} {self.name}: {', '.join(str(part) for part in said)}"

    def ask(self, driver: SecretDriver, version: str, expects: str | None) -> Awaitable[object]:
        """The driver's call, with the ids that it has issued itself."""
        name, value, given = self.name, SecretValue(self.value), self.attributes
        match self.kind:
            case "create":
                return driver.create(name, value, given)
            case "update":
                return driver.update(name, value, given, stage=self.stage, expects=expects)
            case "annotate":
                return driver.annotate(name, given, expects=expects)
            case "move_stage":
                return driver.move_stage(name, self.stage, version, expects=expects)
            case "take_off":
                return driver.move_stage(name, self.stage, None, expects=expects)
            case "delete":
                return driver.delete(name, expects=expects)
            case "get_version":
                return driver.get(name, version=version)
            case "get_stage":
                return driver.get(name, stage=self.stage)
            case "list":
                return _names(driver, self.prefix, self.limit, deleted=False)
            case "list_deleted":
                return _names(driver, self.prefix, self.limit, deleted=True)
        asked: Awaitable[object] = getattr(driver, self.kind)(name)
        return asked


async def _names(driver: SecretDriver, prefix: str, limit: int, *, deleted: bool) -> list[str]:
    found = await listed(driver, prefix, limit=limit, deleted=deleted)
    fold = str if driver.capabilities.case_sensitive else str.casefold
    return sorted(fold(item.name) for item in found)


def draw(seed: int, count: int, can: SecretCapabilities) -> list[Operation]:
    """Operations that such a driver can be asked; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  (no secret is made of it: a seed must repeat)
    kinds = {kind: weight for kind, weight in WEIGHTS.items() if _can(can, kind)}
    chosen = chance.choices(list(kinds), weights=list(kinds.values()), k=count)
    drawn = [_drawn(chance, kind, can) for kind in chosen]
    # Where one stamp is kept for all versions, what a move leaves of it differs by store.
    return _stamped(drawn, seed) if can.stamps and can.stamp_with_value else drawn


def _stamped(history: list[Operation], seed: int) -> list[Operation]:
    """The same operations, some writes of them with a stamp of their own."""
    chance = random.Random(seed)  # noqa: S311  (no secret is made of it: a seed must repeat)
    return [
        replace(
            step,
            attributes=replace(
                step.attributes, stamp=Stamp(number, number.to_bytes(STAMP_DIGEST_BYTES, "big"))
            ),
        )
        if step.kind in STAMPED and chance.random() < 0.6
        else step
        for number, step in enumerate(history)
    ]


def _can(can: SecretCapabilities, kind: str) -> bool:
    return {
        "get_version": can.versions,
        "versions": can.versions,
        "move_stage": can.stages,
        "take_off": can.stages,
        "get_stage": can.stages,
        "restore": can.soft_delete,
        "list_deleted": can.soft_delete,
    }.get(kind, True)


def _drawn(chance: random.Random, kind: str, can: SecretCapabilities) -> Operation:
    stages: tuple[str, ...] = STAGES if can.stages else (CURRENT,)
    if kind == "take_off":
        stages = STAGES[1:]
    values = [secret(str(number)).reveal() for number in range(4)]
    if can.empty_values:
        values.append(b"")
    usual = chance.random() < 0.6
    return Operation(
        kind,
        chance.choice(NAMES),
        chance.choice(values),
        _attributes(chance, can),
        CURRENT if kind == "update" and usual else chance.choice(_for(kind, stages, can)),
        None if chance.random() < 0.05 else chance.randrange(8),
        _condition(chance, can, kind),
        chance.choice(PREFIXES),
        chance.choice(LIMITS),
    )


def _for(kind: str, stages: tuple[str, ...], can: SecretCapabilities) -> tuple[str, ...]:
    """The stages that may be written so."""
    if can.movable_current or kind not in {"update", "move_stage"}:
        return stages
    return (CURRENT,) if kind == "update" else stages[1:]


def _condition(chance: random.Random, can: SecretCapabilities, kind: str) -> int | None:
    decided = can.compare_and_set and (kind == "update" or can.conditional_changes)
    if not decided or chance.random() < 0.6:
        return None
    return -1 if chance.random() < 0.7 else chance.randrange(8)


def _attributes(chance: random.Random, can: SecretCapabilities) -> Attributes:
    def maybe(flag: bool, choices: list[Any]) -> Any:
        return chance.choice(choices) if flag and chance.random() < 0.4 else KEEP

    return Attributes(
        metadata=maybe(can.metadata, [{}, {"owner": "a"}, {"owner": "b", "note": "é\n"}]),
        tags=maybe(can.tags, [{}, {"team": "a"}, {"team": "b", "cost": ""}]),
        expires_at=maybe(can.expiry, [None, EXPIRY, EXPIRY + timedelta(days=30)]),
    )
