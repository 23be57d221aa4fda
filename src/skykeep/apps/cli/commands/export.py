"""``skykeep export``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, is_terminal
from skykeep.apps.cli.freshness import Freshness, freshness_options, warn_of_origins
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.dialects.table import BY_NAME, WRITTEN
from skykeep.interfaces.names import shown

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.dialects.model import Outgoing


@command_of(
    examples="""
    skykeep export db/ --format dotenv --output-file .env
    eval "$(skykeep export db/ --format shell)"
    skykeep export db/ --format kubernetes --name db | kubectl apply -f -
    skykeep export ci/ --format github-actions --strip-prefix
    skykeep export --format json | jq keys
    """
)
@click.argument("prefix", default="", required=False)
@click.option(
    "--format",
    "dialect",
    type=click.Choice(list(WRITTEN)),
    required=True,
    help="The form that is written.",
)
@click.option(
    "--output-file", metavar="PATH", help="Write there, with mode 0600, all of it or nothing."
)
@click.option(
    "--strip-prefix", is_flag=True, help="Leave PREFIX out: PASSWORD, not DB_PASSWORD."
)
@click.option(
    "--name",
    "label",
    metavar="NAME",
    default=None,
    help="The Kubernetes Secret's name (skykeep).",
)
@freshness_options
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    prefix: str,
    dialect: str,
    output_file: str | None,
    strip_prefix: bool,
    label: str | None,
    freshness: Freshness,
) -> None:
    """Write all secrets under PREFIX in a form that other programs read.

    json and yaml have names as they are. The others have variables, made as 'skykeep run'
    makes them: db/password becomes DB_PASSWORD. Two secrets that want one variable are a
    conflict. A value that the form cannot carry is refused before anything is written.

    github-actions adds to --output-file (by default GITHUB_ENV) and writes the commands
    that mask the values to standard output.
    """
    if label is not None and dialect != "kubernetes":
        raise click.UsageError("--name is for --format kubernetes")
    if dialect == "github-actions":
        output_file = output_file or os.environ.get("GITHUB_ENV")
        if not output_file:
            raise click.UsageError("there is no GITHUB_ENV: give --output-file")
    from skykeep.dialects.table import written

    console = invocation.console

    async def read(cloud: Cloud) -> list[Outgoing]:
        return await _read(
            cloud,
            prefix,
            console,
            freshness,
            strip=strip_prefix,
            by_name=dialect in BY_NAME,
        )

    values = invocation.run(invocation.open(), read)
    if dialect == "kubernetes":
        from skykeep.dialects import kubernetes

        text = kubernetes.write(values, label or "skykeep")
    else:
        text = written(dialect, values)
    _put(text, values, dialect, output_file, console)


async def _read(
    cloud: Cloud,
    prefix: str,
    console: Console,
    freshness: Freshness,
    *,
    strip: bool,
    by_name: bool,
) -> list[Outgoing]:
    from skykeep.apps.cli import variables
    from skykeep.dialects.model import Outgoing
    from skykeep.errors import Conflict

    names = await variables.names_under(cloud.secrets, prefix)
    start = f"{prefix.removesuffix('/')}/" if strip and prefix else ""
    keys = {name: name.removeprefix(start) for name in names}
    if not by_name:
        keys = {name: variables.variable_of(key) for name, key in keys.items()}
        try:
            variables.merged([{key: name} for name, key in keys.items()])
        except Conflict as error:
            error.hint = "rename one of them, or export them apart, under longer prefixes"
            raise
    secrets = await cloud.secrets.get_many(names, **freshness.asked)
    warn_of_origins(secrets.values(), console)
    for name, secret in secrets.items():
        if secret.expired:
            console.warn(f"the secret {shown(name)} has expired")
    return [Outgoing(keys[name], name, secret.value) for name, secret in secrets.items()]


def _put(
    text: str, values: list[Outgoing], dialect: str, path: str | None, console: Console
) -> None:
    from skykeep.apps.cli import exchange_file

    masks = ""
    if dialect == "github-actions" and path:
        from skykeep.dialects import github_actions

        masks = github_actions.masks(values)
        if not console.json:
            _warn(console)
            console.bytes(masks.encode())  # before a later step could log a value
        exchange_file.append(path, text.encode())
    elif path:
        exchange_file.write(path, text.encode())
    elif not console.json:
        _warn(console)
        console.bytes(text.encode())
    if console.json:
        answer: dict[str, Any] = {
            "format": dialect,
            "file": path,
            "exported": [{"key": one.key, "name": one.name} for one in values],
        }
        if not path:
            answer["text"] = text
        elif masks:
            answer["text"] = masks
        console.document(answer)
    elif path:
        console.note(f"{len(values):,} written to {path}")


def _warn(console: Console) -> None:
    if is_terminal(sys.stdout):
        console.warn("values are shown; --output-file PATH writes them to a private file")
