"""How old an answer may be, and what is said of one that is not from where it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skykeep.apps.cli.console import Console, counted
from skykeep.interfaces.names import shown

if TYPE_CHECKING:
    from skykeep.interfaces.secret_driver import Provenance, Secret, SecretInfo

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Freshness:
    """What the command line says of it; ``Secrets.get`` has these parameters."""

    fail_if_stale: bool
    max_stale: float | None

    @property
    def asked(self) -> dict[str, Any]:
        """For ``Secrets.get`` and ``get_many``."""
        return {"fail_if_stale": self.fail_if_stale, "max_stale": self.max_stale}


def freshness_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--fail-if-stale`` and ``--max-stale``, given to the command as ``freshness``."""

    @click.option(
        "--fail-if-stale",
        is_flag=True,
        help="Take no answer that is stale, or of another target than it should be.",
    )
    @click.option(
        "--max-stale",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Take no answer that may be further behind.",
    )
    @wraps(command)
    def with_freshness(
        *args: Any, fail_if_stale: bool, max_stale: float | None, **kwargs: Any
    ) -> Any:
        return command(*args, freshness=Freshness(fail_if_stale, max_stale), **kwargs)

    return with_freshness


def warn_of_origins(secrets: Iterable[Secret | SecretInfo], console: Console) -> None:
    """A line for each target whose answers are not from where they should be, or stale."""
    found: dict[tuple[str, bool, bool], list[Secret | SecretInfo]] = {}
    for secret in secrets:
        where = secret.provenance
        if where is not None and (where.degraded or where.stale):
            found.setdefault((where.source, where.degraded, where.cached), []).append(secret)
    for those in found.values():
        # The one that is furthest behind speaks for all of them.
        origin = origin_of(max((s.provenance for s in those if s.provenance), key=_age))
        if len(those) == 1:
            console.warn(f"{shown(those[0].name)} is {origin}")
        else:
            console.warn(f"{counted(len(those), 'secret')} are {origin}")


def origin_of(where: Provenance) -> str:
    """Where an answer is from that is stale or degraded, in words."""
    behind = f"{where.age:,.0f} s" if where.age >= 1 else ""
    if where.cached:
        text = f"from {where.source}, kept" + (f" for {behind}" if behind else "")
        return f"{text}: nobody could be asked" if where.stale else text
    text = f"from {where.source}" + (f", which is {behind} behind" if behind else "")
    if where.degraded:
        return f"{text}: the primary did not answer"
    return text if behind else f"{text}, which may be behind"


def _age(where: Provenance) -> float:
    return where.age
