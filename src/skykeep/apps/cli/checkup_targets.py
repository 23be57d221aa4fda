"""What ``skykeep doctor`` says of several targets together: do they answer, who is behind."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skykeep.apps.cli.checkup import Finding
from skykeep.apps.cli.console import counted
from skykeep.apps.cli.invocation import Invocation
from skykeep.errors import SkykeepError

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.replication.health import Health, TargetHealth
    from skykeep.settings.model import Environment


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found of all targets.

    Attributes:
        health: of each.
        without: labels of those whose store has no compare-and-set.
    """

    health: Health
    without: tuple[str, ...]


def target_findings(
    invocation: Invocation, environment: Environment, said: Collection[str]
) -> Iterator[Finding]:
    """Each target is asked once, and opened once more for what it can do. What was ``said`` of
    one already is not said again."""
    try:
        looked = invocation.run(invocation.open(), _look, of_targets=True)
    except SkykeepError as error:
        yield Finding("targets", "failed", error.message, error.hint)
        return
    for target in looked.health.targets:
        yield from _answer(target, said)
    for label in looked.without:
        yield Finding(
            label,
            "note",
            "its store has no compare-and-set: two writes of a name at once make a conflict "
            "that is found by a later comparison instead of prevented",
        )
    yield from _journal(environment, looked.health)


async def _look(cloud: Cloud) -> _Looked:
    from skykeep.replication.naming import named

    health = await cloud.health()
    without = []
    for target, each in zip(named(cloud.environment), health.targets, strict=True):
        if each.status == "down":
            continue
        try:
            async with cloud.at(target.label) as alone:
                can = await alone.secrets.capabilities()
        except SkykeepError:
            continue  # its health says why
        if not can.compare_and_set:
            without.append(each.name)
    return _Looked(health, tuple(without))


def _answer(target: TargetHealth, said: Collection[str]) -> Iterator[Finding]:
    if target.status == "up":
        told = f"answers in {target.seconds * 1000:.0f} ms"
        yield Finding(target.name, "ok", told)
    elif not any(each in str(target.error) for each in said):
        yield Finding(
            target.name,
            "failed",
            (target.error or target.status).replace("\n", "; "),
            "what it has to get is kept in this host's journal",
        )
    if target.stuck:
        told = f"{counted(len(target.stuck), 'name')} cannot be brought to it"
        yield Finding(target.name, "failed", told, "both sides are shown by: skykeep reconcile")
    elif target.owed:
        told = f"{counted(target.owed, 'write')} still owed to it"
        yield Finding(target.name, "note", told, "bring them: skykeep reconcile")


def _journal(environment: Environment, health: Health) -> Iterator[Finding]:
    from skykeep.replication.setup import journal_path
    from skykeep.settings.places import data_dir

    path = journal_path(environment, lambda: data_dir(os.environ))
    if health.journal is not None:
        yield Finding("journal", "failed", health.journal, f"look at {path}")
        return
    if not path.exists():
        yield Finding("journal", "ok", f"the first write makes it: {path}")
        return
    yield Finding("journal", "ok", f"the file {path}, for this host")
    key_file = environment.journal.key_file
    key = Path(key_file).expanduser() if key_file else path.with_name(f"{path.name}.key")
    if key.absolute().parent == path.absolute().parent:
        yield Finding(
            "journal",
            "note",
            f"its key file {key.name} lies beside it: that protects copies of the journal, "
            "not a stolen disk",
            "for more: set 'journal.key_file' to a place on another disk before the first "
            "write, or 'encryption'",
        )
    else:
        yield Finding("journal", "ok", f"its key file is {key}")
    if health.doubt:
        yield Finding(
            "journal",
            "note",
            f"{counted(health.doubt, 'write')} in doubt",
            "ask their home: skykeep reconcile",
        )
