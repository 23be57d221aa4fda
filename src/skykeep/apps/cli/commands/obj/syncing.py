"""What the two arguments of ``sync`` may be."""

from __future__ import annotations

import click

from skykeep.apps.cli.transfers.places import FilePlace, KeyPlace, StreamPlace, place_of


def places(
    source: str, target: str, to_env: str | None
) -> tuple[KeyPlace | FilePlace, KeyPlace | FilePlace]:
    """The places. Raises ``click.UsageError`` for what makes no sense, ``Invalid``."""
    first, second = place_of(source), place_of(target)
    if isinstance(first, StreamPlace) or isinstance(second, StreamPlace):
        raise click.UsageError("'-' is one body; sync takes directories and prefixes")
    if isinstance(first, FilePlace) and isinstance(second, FilePlace):
        raise click.UsageError("one side has to be objects: ':KEY', or ':' for all")
    if to_env is not None and isinstance(second, FilePlace):
        raise click.UsageError("--to-env is for copies to objects")
    if isinstance(first, KeyPlace) and isinstance(second, KeyPlace) and to_env is None:
        one, other = (f"{place.key}/" if place.key else "" for place in (first, second))
        if one.startswith(other) or other.startswith(one):
            raise click.UsageError("one side lies within the other")
    return first, second
