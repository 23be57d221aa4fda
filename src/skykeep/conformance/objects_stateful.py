"""Two drivers of objects held against each other: the same random operations and outcomes.

::

    await differential(make_local, make_memory, operations=1000, seed=7)

Operations are data, drawn from a seed; etags and uploads are compared by who was given them,
times not at all. A difference is shrunk to a short history before it is reported.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from skykeep.conformance.objects_cases import UNKNOWN_ETAG, body, listed
from skykeep.conformance.stateful import tell_difference
from skykeep.errors import SkykeepError
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    Fragment,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectDriver,
    ObjectInfo,
)

MakeObjects = Callable[[], Awaitable[ObjectDriver]]
ReopenObjects = Callable[[ObjectDriver], Awaitable[ObjectDriver]]

KEYS: Final = ("a", "a/b", "a/b/c", "a/B", "ab/c", "é x/+%", "a/b.c")
PREFIXES: Final = ("", "a", "a/b", "ab", "é x", "none")
TYPES: Final = ("text/plain", "application/json")
WEIGHTS: Final = {
    "write": 20,
    "upload": 6,
    "begin": 5,
    "part": 8,
    "complete": 5,
    "abort": 2,
    "delete": 8,
    "delete_many": 2,
    "copy": 6,
    "read": 10,
    "list": 6,
    "reopen": 1,
}
FLAGS: Final = (
    "exclusive_create", "compare_and_set", "conditional_delete", "parts", "conditional_parts",
    "metadata", "content_type", "tags", "copy", "conditional_copy", "nested_keys",
)  # fmt: skip
"""What two drivers must have in common; limits may differ."""


@dataclass(frozen=True, slots=True)
class ObjectOperation:
    """One operation, good for any driver.

    Attributes:
        kind: of ``WEIGHTS``.
        key, other: the object, and the one that is copied from.
        data: what is written.
        attributes: what is said with it.
        absent: the condition ``if_absent``.
        match: the condition ``if_match``: of the etags that the key was given, counted from
            the last; -1 is one that never was; None sets none.
        number: which of the key's uploads is meant, and the part's number.
        start, length: of a range.
        prefix, limit, delimiter: of a listing.
    """

    kind: str
    key: str
    other: str
    data: bytes
    attributes: ObjectAttributes = NO_ATTRIBUTES
    absent: bool = False
    match: int | None = None
    number: int = 1
    start: int = 0
    length: int | None = None
    prefix: str = ""
    limit: int = 1000
    delimiter: bool = False

    def __str__(self) -> str:
        said = f"{self.kind} {self.key}"
        if self.kind in {"write", "upload", "part"}:
            said += f" {len(self.data):,} bytes"
        if self.kind in {"write", "upload", "begin"} and self.attributes != NO_ATTRIBUTES:
            said += f", {self.attributes}"
        if self.kind == "copy":
            said += f" from {self.other}"
        if self.kind in {"part", "complete", "abort"}:
            said += f", upload or part {self.number}"
        if self.kind == "read":
            said += f", {self.length} bytes from {self.start}"
        if self.kind == "list":
            said = f"list '{self.prefix}', {self.limit} a page, delimiter {self.delimiter}"
        condition = " if absent" if self.absent else ""
        return said + condition + (f" if etag {self.match}" if self.match is not None else "")


def draw(seed: int, count: int, can: ObjectCapabilities) -> list[ObjectOperation]:
    """Operations that such a driver can be asked; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  (no secret is made of it: a seed must repeat)
    lacking = set() if can.parts else {"upload", "begin", "part", "complete", "abort"}
    if not can.copy:
        lacking.add("copy")
    kinds = {kind: weight for kind, weight in WEIGHTS.items() if kind not in lacking}
    chosen = chance.choices(list(kinds), weights=list(kinds.values()), k=count)
    return [_drawn(chance, kind, can) for kind in chosen]


def _drawn(chance: random.Random, kind: str, can: ObjectCapabilities) -> ObjectOperation:
    absent, match = False, None
    able = {
        "upload": can.conditional_parts,
        "complete": can.conditional_parts,
        "copy": can.conditional_copy,
        "delete": False,
    }.get(kind, True)
    if able and can.exclusive_create and chance.random() < 0.2:
        absent = True
    elif (can.conditional_delete if kind == "delete" else able and can.compare_and_set) and (
        chance.random() < 0.4
    ):
        match = chance.choice([-1, 0, 0, 0, 1])
    return ObjectOperation(
        kind,
        chance.choice(KEYS),
        chance.choice(KEYS),
        body(str(chance.randrange(1000)), chance.choice([0, 1, 30, 100, 5000])),
        _attributes(chance, can),
        absent,
        match,
        chance.randrange(1, 4),
        chance.choice([0, 0, 1, 29, 30, 100, 4999, 10_000]),
        chance.choice([None, 0, 1, 30, 10_000]),
        chance.choice(PREFIXES),
        chance.choice([1, 2, 3, 1000]),
        chance.random() < 0.5,
    )


def _attributes(chance: random.Random, can: ObjectCapabilities) -> ObjectAttributes:
    def maybe(flag: bool) -> bool:
        return flag and chance.random() < 0.4

    return ObjectAttributes(
        chance.choice(TYPES) if maybe(can.content_type) else None,
        chance.choice([{"owner": "a"}, {"b": "", "c-d": "e f"}]) if maybe(can.metadata) else {},
        chance.choice([{"team": "a"}, {"cost": "b c"}]) if maybe(can.tags) else {},
    )


async def differential(
    make_a: MakeObjects,
    make_b: MakeObjects,
    *,
    operations: int = 1000,
    seed: int = 0,
    reopen_a: ReopenObjects | None = None,
    reopen_b: ReopenObjects | None = None,
) -> None:
    """Hold two drivers against each other; raise ``Difference`` if they differ.

    After each operation all that the drivers show of the key is compared too, and at the end
    all listings. Parts are of any size: ``min_part_bytes`` should be 1, or the drivers' same.

    Args:
        make_a, make_b: open a driver on an empty store; called again for each run of the
            shrinking. The drivers must be able to do the same, and to write.
        operations: how many.
        seed: of the random choice; the same seed gives the same operations.
        reopen_a, reopen_b: close the driver and open its store again; done now and then,
            if given.

    Raises ``ValueError`` if the drivers' capabilities differ in what is compared.
    """
    a, b = await make_a(), await make_b()
    try:
        can = a.capabilities
        for flag in FLAGS:
            if getattr(can, flag) != getattr(b.capabilities, flag):
                raise ValueError(f"the drivers cannot do the same: {flag}")
        if not (can.write and b.capabilities.write):
            raise ValueError("drivers that cannot write have nothing to compare")
        history = draw(seed, operations, can)
    finally:
        await a.close()
        await b.close()

    async def run(part: Sequence[ObjectOperation]) -> tuple[int, str] | None:
        sides = [_Side(await make_a(), reopen_a), _Side(await make_b(), reopen_b)]
        try:
            return await _run(sides, part)
        finally:
            for side in sides:
                await side.driver.close()

    await tell_difference(run, history, seed)


@dataclass
class _Side:
    """One driver, the etags that it gave, and its uploads with their parts, by key."""

    driver: ObjectDriver
    reopen: ReopenObjects | None
    etags: dict[str, list[str]] = field(default_factory=dict)
    uploads: dict[str, list[tuple[str, dict[int, str]]]] = field(default_factory=dict)

    def condition(self, step: ObjectOperation) -> Condition:
        return ALWAYS if step.kind == "delete" else Condition(self.match(step), step.absent)

    def match(self, step: ObjectOperation) -> str | None:
        given = self.etags.get(step.key, [])
        if step.match is None:
            return None
        return given[-1 - step.match] if 0 <= step.match < len(given) else UNKNOWN_ETAG

    def note(self, info: ObjectInfo) -> None:
        """The etag of what is there now is the last one."""
        given = self.etags.setdefault(info.key, [])
        if info.etag in given:
            given.remove(info.etag)
        given.append(info.etag)


async def _run(
    sides: list[_Side], history: Sequence[ObjectOperation]
) -> tuple[int, str] | None:
    """The index of the first operation that differs, and how; None if none does."""
    for at, step in enumerate(history):
        for what, look in (("it", _do), ("afterwards the object", _look)):
            seen = [await look(side, step) for side in sides]
            if seen[0] != seen[1]:
                return at, f"{what} differs:\n  a: {seen[0]!r}\n  b: {seen[1]!r}"
    seen = [await _everything(side) for side in sides]
    if seen[0] != seen[1]:
        return len(history) - 1, f"the listing differs:\n  a: {seen[0]!r}\n  b: {seen[1]!r}"
    return None


async def _everything(side: _Side) -> object:
    items, _ = await listed(side.driver, limit=1000)
    return sorted((item.key, item.size) for item in items)


async def _look(side: _Side, step: ObjectOperation) -> object:
    """All that is shown of the key."""
    try:
        found = await side.driver.read(step.key)
        head = await side.driver.head(step.key)
        tags = dict(await side.driver.tags(step.key)) if side.driver.capabilities.tags else {}
    except SkykeepError as error:
        return type(error).__name__
    assert head.etag == found.info.etag
    return (_plain(found), _plain(head), tags)


async def _do(side: _Side, step: ObjectOperation) -> object:
    """Do it on one side; the outcome as plain data that can be compared."""
    try:
        outcome = await _asked(side, step)
    except SkykeepError as error:
        return type(error).__name__
    if isinstance(outcome, ObjectInfo):
        side.note(outcome)
    return _plain(outcome)


async def _asked(side: _Side, step: ObjectOperation) -> object:
    driver, key, condition = side.driver, step.key, side.condition(step)
    match step.kind:
        case "write":
            return await driver.write(key, step.data, step.attributes, condition)
        case "copy" if step.other != key:
            return await driver.copy(step.other, key, condition)
        case "read":
            return await driver.read(
                key, start=step.start, length=step.length, if_match=side.match(step)
            )
        case "delete":
            await driver.delete(key, if_match=side.match(step))
            return None
        case "delete_many":
            return sorted(await driver.delete_many([key, step.other]))
        case "list":
            items, prefixes = await listed(
                driver, step.prefix, limit=step.limit, delimiter=step.delimiter
            )
            return [sorted((item.key, item.size) for item in items), sorted(prefixes)]
        case "reopen":
            if side.reopen is not None:
                side.driver = await side.reopen(driver)
            return None
        case "upload":
            id_ = await driver.begin_upload(key, step.attributes)
            try:
                token = await driver.write_part(key, id_, 1, step.data or b"x")
                return await driver.complete_upload(key, id_, [token], condition)
            except SkykeepError:
                await driver.abort_upload(key, id_)
                raise
    return await _of_uploads(side, step)


async def _of_uploads(side: _Side, step: ObjectOperation) -> object:
    """What is done to an upload that another operation has begun; only the newest of a key,
    since a store may end the others with it."""
    driver, key = side.driver, step.key
    known = side.uploads.setdefault(key, [])
    if step.kind == "begin":
        for id_, _ in known:
            await driver.abort_upload(key, id_)
        known[:] = [(await driver.begin_upload(key, step.attributes), {})]
        return None
    if not known:
        return None
    id_, tokens = known[0]
    match step.kind:
        case "part":
            tokens[step.number] = await driver.write_part(key, id_, step.number, step.data)
        case "complete":
            given = [tokens[number] for number in sorted(tokens)]
            info = await driver.complete_upload(key, id_, given, side.condition(step))
            known.clear()
            return info
        case "abort":
            await driver.abort_upload(key, id_)
            return sorted(each.id == id_ for each in await driver.uploads(""))
    return None


def _plain(outcome: object) -> object:
    """The outcome without etags and times. Bodies are shown: they are the runner's own."""
    match outcome:
        case ObjectInfo():
            # Where nothing was given, each store has a default of its own.
            told = outcome.content_type if outcome.content_type in TYPES else None
            return (outcome.key, outcome.size, told, dict(outcome.metadata))
        case Fragment():
            return (_plain(outcome.info), outcome.start, outcome.data)
    return outcome
