"""Versions of Secret Manager: their values, the labels on them, and what is wrong with them."""

from __future__ import annotations

import re

from skykeep.errors import Corrupt, NotFound, VersionUnavailable
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import CURRENT, PREVIOUS
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp import answers, names
from skykeep.providers.gcp.answers import Accessed, number_of
from skykeep.providers.gcp.beside import PREVIOUS as PREVIOUS_NOTE
from skykeep.providers.gcp.checksums import checksum
from skykeep.providers.gcp.errors import Failure
from skykeep.providers.gcp.session import strange

_VERSION_NAMED = re.compile(r"/versions/([0-9]{1,19})\]")


def value_of(found: Accessed, name: str) -> SecretValue:
    """The value, its checksum verified. Raises ``Corrupt``, ``Unavailable``."""
    check = checksum()
    claimed = found.payload.data_crc32c
    if not found.number:
        raise strange()
    if claimed is None or claimed == str(check(found.payload.data)):
        return SecretValue(found.payload.data)
    raise Corrupt(
        f"the value of {shown(name)} did not come as it was sent: its checksum differs",
        hint="try again; if it stays so, look at the proxy",
        resource=name,
    )


def previous_of(secret: answers.Secret, newest: int) -> int | None:
    """The number of the version that ``previous`` is on. A note says where the label was put
    or that it was taken off, for as long as the newest version is the one that it names."""
    at, _, pinned = secret.annotations.get(PREVIOUS_NOTE, "").partition(":")
    if newest and at == str(newest):
        return number_of(pinned)
    return newest - 1 if newest > 1 else None


def no_version(name: str, version: str) -> NotFound:
    """The error for a version that is not there."""
    return NotFound(f"{shown(name)} has no version {shown(version)}", resource=name)


def no_stage(name: str, stage: str) -> NotFound:
    """The error for a stage that no version has."""
    return NotFound(f"{shown(name)} has no version at the stage {shown(stage)}", resource=name)


def unavailable(failure: Failure, name: str) -> VersionUnavailable:
    """The error for a version whose state forbids reading it."""
    return VersionUnavailable(
        f"{shown(name)}: the version is disabled or destroyed: {failure.message}",
        hint="enable it, or write a new one; `skykeep history` shows the others",
        request_id=failure.request_id,
    )


def labels_of(secret: answers.Secret, newest: int) -> dict[int, list[str]]:
    """Number -> the stages of that version."""
    found: dict[int, list[str]] = {newest: [CURRENT]}
    before = previous_of(secret, newest)
    if before is not None:
        found.setdefault(before, []).append(PREVIOUS)
    for alias, text in secret.version_aliases.items():
        number, stage = number_of(text), names.stage(alias)
        if number is not None and stage is not None:
            found.setdefault(number, []).append(stage)
    return found


def is_behind(number: int, failure: Failure | None, mine: int) -> bool:
    """Whether what ``latest`` says is older than the version that this driver wrote."""
    if failure is None:
        return number < mine
    if failure.code == "NOT_FOUND":
        return True
    # The sentence names the version: Secret Version [projects/…/versions/3] is in … state.
    named = _VERSION_NAMED.search(failure.message)
    return failure.code == "FAILED_PRECONDITION" and named is not None and int(named[1]) < mine
