"""What an import would do, decided before anything is written, and then done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skykeep.dialects.naming import Named
from skykeep.errors import Invalid
from skykeep.interfaces.names import check_name, shown
from skykeep.interfaces.secret_value import SecretValue

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import Secret

STATES = ("new", "changed", "unchanged", "conflict")


@dataclass(frozen=True, slots=True)
class Step:
    """One name of the plan.

    Attributes:
        name: the secret's name.
        origin: what the source calls it.
        state: one of ``STATES``.
        reason: why it is in conflict; ``""`` if it is not.
        value: the value to keep.
        version: the current version of a changed one.
    """

    name: str
    origin: str
    state: str
    value: SecretValue
    reason: str = ""
    version: str | None = None


async def planned(cloud: Cloud, wanted: Sequence[Named]) -> list[Step]:
    """The plan, in the source's order; every name once.

    Raises one ``Invalid`` that names all that can never be kept.
    """
    secrets = cloud.secrets
    can = await secrets.capabilities()
    _check(wanted, can.max_value_bytes, empty=can.empty_values)
    current = await secrets.get_many([one.name for one in wanted], fresh=True, missing="skip")
    deleted: set[str] = set()
    if can.soft_delete and len(current) < len({one.name for one in wanted}):
        deleted = {info.name async for info in secrets.list(deleted=True)}
    steps: dict[str, Step] = {}
    for one in wanted:
        if (earlier := steps.get(one.name)) is None:
            steps[one.name] = _step(one, current.get(one.name), one.name in deleted)
        elif earlier.value != one.value and earlier.state != "conflict":
            reason = "it is there twice, with different values"
            steps[one.name] = Step(one.name, one.origin, "conflict", one.value, reason)
    return list(steps.values())


def _step(one: Named, secret: Secret | None, deleted: bool) -> Step:
    if secret is None:
        if deleted:
            reason = "a deleted secret has the name: restore or purge it"
            return Step(one.name, one.origin, "conflict", one.value, reason)
        return Step(one.name, one.origin, "new", one.value)
    if secret.value == one.value:
        return Step(one.name, one.origin, "unchanged", one.value)
    return Step(one.name, one.origin, "changed", one.value, version=secret.version)


def _check(wanted: Sequence[Named], longest: int, *, empty: bool) -> None:
    wrong = []
    for one in wanted:
        try:
            check_name(one.name)
        except Invalid as error:
            wrong.append(f"{shown(one.origin)}: {error.message}")
            continue
        if one.value.size > longest:
            size = one.value.size
            wrong.append(f"{one.name}: the store keeps at most {longest:,} bytes, not {size:,}")
        elif not one.value.size and not empty:
            wrong.append(f"{one.name}: the store keeps no empty value")
    if wrong:
        raise Invalid("\n".join(wrong), hint="nothing was written")


async def carried_out(
    cloud: Cloud, steps: Sequence[Step], done: Callable[[Step], None]
) -> None:
    """Write what is new or changed; ``done`` is told after each.

    What somebody else has written since the plan was made is not overwritten, where the store
    can decide that: raises ``Conflict``. Run again, it goes on where it stopped.
    """
    decides = (await cloud.secrets.capabilities()).compare_and_set
    for step in steps:
        if step.state == "new":
            await cloud.secrets.create(step.name, step.value)
        elif step.state == "changed":
            expects = step.version if decides else None
            await cloud.secrets.update(step.name, step.value, expects=expects)
        else:
            continue
        done(step)
