"""Names that two sides have written, until a person says which one is kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skykeep.errors import Invalid, NotFound, SkykeepError
from skykeep.interfaces.call import Call, Effect, Held, RoutedCall, RoutedNext, Target
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_command import SecretCommand, look
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.journal.journal import Journal
from skykeep.layers.stack import Stack


@dataclass(frozen=True, slots=True)
class Side:
    """What one target holds.

    Attributes:
        target: its name.
        version: the id of the version, or None.
        digest: 8 hexadecimal digits: two sides of one report with the same hold the same value;
            they mean nothing in another report. None where nothing is, or it is not shown.
        error: why it could not be asked, or None.
    """

    target: str
    version: str | None
    digest: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name of which targets hold what cannot be brought together.

    Attributes:
        name: the portable name.
        why: what is in the way, by the target's name.
        sides: what each target holds now.
        made: when the first of the writes was made that wait, seconds since 1970.
    """

    name: str
    why: dict[str, str]
    sides: tuple[Side, ...]
    made: float


async def conflicts(
    stack: Stack, journal: Journal, targets: Sequence[Target], scope: str
) -> list[Conflict]:
    """All of them, by the oldest. No value is shown."""
    journal.look()
    salt = os.urandom(32)
    found: list[Conflict] = []
    for name in journal.names():
        entries = [each for each in journal.of(name) if each.stuck]
        if entries:
            why = {target: text for each in entries for target, text in each.stuck.items()}
            sides = [await _side(stack, each, name, salt) for each in targets]
            portable = name.removeprefix(scope)
            found.append(Conflict(portable, why, tuple(sides), entries[0].made))
    return found


async def resolve(
    stack: Stack,
    journal: Journal,
    *,
    primary: Target,
    target: Target,
    resource: str,
    name: str,
) -> None:
    """Keep what the target holds: it is written to the primary, and from there to the others.

    What they held before stays as an older version, where a store keeps versions. Raises
    ``Conflict`` if the primary is written meanwhile, ``Invalid`` if the name has no conflict,
    ``NotFound`` if the target holds nothing under it, and as ``Secrets.put``.
    """
    journal.look()
    if not any(each.stuck for each in journal.of(resource)):
        raise Invalid(f"{shown(name)} has no conflict", hint="skykeep reconcile shows them")
    held = await _held(stack, target, resource)
    if held.digest is None:
        raise NotFound(
            f"{target.name} holds nothing under {shown(name)}",
            hint="to delete it, keep another side and then: skykeep rm",
        )
    value: SecretValue = held.answer.value
    # What somebody writes to the primary from here on is a conflict, and not overwritten.
    expects = await _version(stack, primary, resource)
    command = SecretCommand("put", resource, value, expects=expects, on_tombstone="recover")
    call: Call[Any] = Call(
        "secrets.resolve",
        resource,
        Effect.WRITE,
        command.apply,
        size=value.size,
        command=command,
    )
    await stack.at_primary(call)


async def _version(stack: Stack, primary: Target, resource: str) -> str | None:
    driver: SecretDriver = await primary.driver("secrets")
    held = await _held(stack, primary, resource)
    return held.version if driver.capabilities.compare_and_set else None


async def _side(stack: Stack, target: Target, resource: str, salt: bytes) -> Side:
    # Imported here: it stands on cryptography.
    from skykeep.envelope.digests import hmac_sha256

    try:
        held = await _held(stack, target, resource)
    except SkykeepError as error:
        return Side(target.name, None, None, f"{type(error).__name__}: {error}")
    digest = None if held.digest is None else hmac_sha256(salt, held.digest).hex()[:8]
    return Side(target.name, held.version, digest)


async def _held(stack: Stack, target: Target, resource: str) -> Held:
    call: Call[Any] = Call(
        "secrets.get", resource, Effect.READ, lambda target: look(target, resource), True
    )
    back: RoutedNext[Any] = stack.back
    held: Held = (await back(RoutedCall(call, target))).value
    return held
