"""What several writes of a secret come to, and how a target is brought there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from skykeep.errors import NotFound, PendingDelete
from skykeep.interfaces.call import Held, Target
from skykeep.interfaces.secret_command import SecretCommand, digest_of
from skykeep.interfaces.secret_data import Attributes, Keep, Secret, SecretInfo
from skykeep.interfaces.secret_driver import KEEP, SecretCapabilities, SecretDriver
from skykeep.interfaces.secret_tags import tagged
from skykeep.interfaces.secret_upsert import check_size
from skykeep.interfaces.secret_value import SecretValue


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a target should hold after writes that it is owed.

    Attributes:
        value: the current value; None where none of the writes brought one.
        gone: it should hold nothing, and how that came.
        attributes: what the writes said beside the value; ``KEEP`` leaves it.
        tags: standing tags.
    """

    value: SecretValue | None = None
    gone: Literal["delete", "purge"] | None = None
    attributes: Attributes = field(default_factory=Attributes)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> bytes | None:
        """Of the value, as in ``Held``."""
        return None if self.value is None else digest_of(self.value)

    @property
    def open(self) -> bool:
        """Whether only its home knows the value."""
        return self.value is None and self.gone is None


def fold(commands: Sequence[SecretCommand]) -> Wanted:
    """What they come to, done in this order."""
    wanted = Wanted()
    for command in commands:
        if command.kind in {"delete", "purge"}:
            gone: Literal["delete", "purge"] = (
                "purge" if "purge" in (command.kind, wanted.gone) else "delete"
            )
            wanted = Wanted(gone=gone)
            continue
        said = command.attributes
        if wanted.gone is None:
            said = wanted.attributes.then(said)
        if command.value is not None:  # the stamp of another value is not this one's
            said = replace(said, stamp=command.attributes.stamp)
        value = command.value or wanted.value
        if command.follows:
            value, said = None, Attributes()
        wanted = Wanted(value, None, said, command.tags)
    return wanted


def of_home(held: Held, tags: Mapping[str, str]) -> Wanted:
    """What the home holds, as what another target should hold."""
    secret: Secret = held.answer
    return Wanted(
        secret.value,
        None,
        Attributes(
            metadata=secret.metadata or KEEP,
            tags=secret.tags or KEEP,
            expires_at=secret.expires_at or KEEP,
            stamp=secret.stamp,
        ),
        tags,
    )


async def bring(target: Target, name: str, wanted: Wanted, held: Held) -> None:
    """Let the target hold what is wanted, in place of what was seen there.

    What the store cannot keep beside a value is left out there. Raises ``Conflict`` if it
    holds something else by now, where it has compare-and-set, and what drivers raise.
    """
    driver: SecretDriver = await target.driver("secrets")
    can = driver.capabilities
    if wanted.value is None:
        if wanted.gone is None:
            await _annotate(driver, name, wanted)
        elif wanted.gone == "purge" or held.digest is not None or not held.known:
            await _remove(driver, name, wanted, held)
        return
    if wanted.digest == held.digest:
        await _annotate(driver, name, wanted)
        return
    check_size(driver, target, wanted.value)
    said = fitting(can, wanted.attributes)
    if held.digest is not None or not held.known:
        expects = held.version if can.compare_and_set else None
        await driver.update(
            name, wanted.value, tagged(driver, said, wanted.tags), expects=expects
        )
        return
    new = tagged(driver, said, wanted.tags, new=True)
    try:
        await driver.create(name, wanted.value, new)
    except PendingDelete:  # it was deleted there, and is to be there again
        await driver.restore(name)
        there = await driver.get(name)
        await driver.update(
            name,
            wanted.value,
            tagged(driver, said, wanted.tags),
            expects=there.version if can.compare_and_set else None,
        )


async def _remove(driver: SecretDriver, name: str, wanted: Wanted, held: Held) -> None:
    expects = held.version if driver.capabilities.conditional_changes else None
    with suppress(NotFound):  # it is gone already
        if wanted.gone == "purge":
            await driver.purge(name)
        else:
            await driver.delete(name, expects=expects)


async def _annotate(driver: SecretDriver, name: str, wanted: Wanted) -> None:
    said = tagged(driver, fitting(driver.capabilities, wanted.attributes), wanted.tags)
    if not said.empty:
        await driver.annotate(name, said)


def fitting(can: SecretCapabilities, said: Attributes) -> Attributes:
    """As much of it as the store can keep."""
    return replace(
        said,
        metadata=said.metadata if can.metadata else KEEP,
        tags=said.tags if can.tags else KEEP,
        expires_at=said.expires_at if can.expiry else KEEP,
    )


def says(info: SecretInfo, said: Attributes) -> bool:
    """Whether a secret has what a write said of it."""
    wanted_tags = {} if isinstance(said.tags, Keep) else dict(said.tags)
    return (
        (isinstance(said.metadata, Keep) or dict(info.metadata) == dict(said.metadata))
        and wanted_tags.items() <= dict(info.tags).items()
        and (isinstance(said.expires_at, Keep) or _same(info.expires_at, said.expires_at))
    )


def _same(one: datetime | None, other: datetime | None) -> bool:
    """To the second: some stores keep no more."""
    if one is None or other is None:
        return one is other
    return abs((one - other).total_seconds()) < 1.0
