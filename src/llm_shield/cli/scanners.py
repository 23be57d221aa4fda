"""``shield scanners``."""

from __future__ import annotations

import click

from llm_shield.cli.console import Console, columns
from llm_shield.cli.options import output_option


@click.command()
@output_option()
@click.pass_obj
def command(console: Console, output: str) -> None:
    """List the scanners: what for, what they cost, what they find, what is missing."""
    from llm_shield.listing import listed

    rows = listed()
    if output == "json":
        console.document([row.to_dict() for row in rows])
        return
    console.text(
        columns(
            ["SCANNER", "SIDE", "COST", "INSTALLED", "FINDS"],
            [
                [
                    row.name,
                    ", ".join(row.sides),
                    row.cost,
                    "yes" if row.installed else "no",
                    row.summary,
                ]
                for row in rows
            ],
        )
    )
    for row in rows:
        if not row.installed:
            console.note(f"{row.name}: {row.missing}")
