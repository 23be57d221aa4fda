"""``skykeep diff``."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Progress
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.stores import Stores, StoreText

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.drift import Course, Difference


@command_of(
    examples="""
    skykeep diff primary failover
    skykeep diff staging production --prefix db/
    skykeep diff production:primary production:backup --output json
    """
)
@click.argument("a", metavar="A", type=StoreText())
@click.argument("b", metavar="B", type=StoreText())
@click.option("--prefix", metavar="PREFIX", default="", help="Those under it only.")
@click.option("--all", "everything", is_flag=True, help="Show those that are the same, too.")
@pass_invocation
def command(invocation: Invocation, /, *, a: str, b: str, prefix: str, everything: bool) -> int:
    """Compare the secrets of two stores, without showing a value.

    A and B are a target of the environment ('primary', 'failover', 'failover[1]', 'backup', or
    its name), an environment (its primary), or ENVIRONMENT:TARGET. The exit code is 1 if they
    differ. Digests (#) are made with a key that is drawn each time: they say which values are
    equal, and nothing else.
    """
    from skykeep.apps.cli.drifting import document, summed, table
    from skykeep.drift import Kind, compare
    from skykeep.interfaces.names import check_prefix

    console = invocation.console
    prefix = check_prefix(prefix)
    stores = Stores.found(invocation, a, b)
    counts = {str(kind): 0 for kind in Kind}
    shown: list[Difference] = []
    progress = Progress("secrets compared", console)

    async def work(first: Cloud, second: Cloud, course: Course) -> None:
        try:
            async with aclosing(
                compare(first.secrets, second.secrets, prefix, course)
            ) as differences:
                async for each in differences:
                    counts[each.kind] += 1
                    if everything or each.kind is not Kind.SAME:
                        shown.append(each)
                    progress.at(sum(counts.values()))
        finally:
            progress.end()

    stores.run(invocation, work)
    shown.sort(key=lambda each: each.name)
    differs = any(counts[kind] for kind in (Kind.ONLY_IN_A, Kind.ONLY_IN_B, Kind.DIFFERS))
    if console.json:
        console.document(
            {
                "a": stores.a.label,
                "b": stores.b.label,
                "prefix": prefix,
                "same": not differs and not counts[Kind.UNKNOWN],
                "counts": counts,
                "secrets": [document(each) for each in shown],
            }
        )
    else:
        if shown:
            console.text(table(shown))
        console.note(summed(counts))
    if differs:
        return DIFFERS
    for each in shown:
        if each.error is not None:  # nothing differs, as far as could be seen
            count = counts[Kind.UNKNOWN]
            each.error.message = f"{count:,} could not be compared; {each.name}: {each.reason}"
            raise each.error
    return DONE
