"""``skykeep run``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import Pair, as_mapping
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.freshness import Freshness, freshness_options, warn_of_origins
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud


@command_of(
    examples="""
    skykeep run --set PGPASSWORD=db/password -- psql -h db.example.com
    skykeep run --prefix db/ -- ./server --port 8080
    skykeep run --pristine --set TOKEN=api/token -- env
    skykeep run -- ./server            # the variables of the configuration's run: section
    """,
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "--set",
    "wanted",
    metavar="VARIABLE=NAME",
    type=Pair(),
    multiple=True,
    help="The secret NAME in VARIABLE.",
)
@click.option(
    "--prefix",
    "prefixes",
    metavar="PREFIX",
    multiple=True,
    help="All secrets under PREFIX: db/password becomes DB_PASSWORD.",
)
@click.option("--pristine", is_flag=True, help="Keep nothing of this environment but PATH.")
@click.option(
    "--keep-unlock",
    is_flag=True,
    help="Keep SKYKEEP_PASSPHRASE and SKYKEEP_KEY_FILE for the command.",
)
@freshness_options
@click.argument(
    "words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD [ARGS]..."
)
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    wanted: tuple[tuple[str, str], ...],
    prefixes: tuple[str, ...],
    pristine: bool,
    keep_unlock: bool,
    freshness: Freshness,
    words: tuple[str, ...],
) -> int:
    """Start CMD with secrets in its environment.

    The command takes this process's place: signals and the exit code are its own. Added
    are the variables of --set, those of --prefix, and those of the configuration's run:
    section; an option goes before the section. What unlocks the vault is taken out.

    The exit code is 127 if there is no such command and 126 if it cannot be executed.
    """
    from skykeep.apps.cli import child, variables

    named = variables.checked(as_mapping(wanted, "--set"))
    cloud = invocation.open()
    section = variables.checked(cloud.environment.run)
    if not (named or prefixes or section):
        raise click.UsageError(
            "no variable is asked for: give --set or --prefix, or a run: section in the "
            "configuration"
        )

    async def read(cloud: Cloud) -> Mapping[str, bytes]:
        under = [await variables.under(cloud.secrets, prefix) for prefix in prefixes]
        chosen = variables.chosen(section, named, under)
        secrets = await cloud.secrets.get_many(chosen.values(), **freshness.asked)
        warn_of_origins(secrets.values(), invocation.console)
        return {
            variable: variables.usable(variable, secrets[name])
            for variable, name in chosen.items()
        }

    added = invocation.run(cloud, read)
    environment = child.environment(added, pristine=pristine, keep_unlock=keep_unlock)
    return child.start(words, environment)
