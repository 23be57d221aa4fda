"""``skykeep config check|show|path|schema``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import Command, examples
from skykeep.apps.cli.console import columns, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE, ERRORS
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from skykeep.errors import Problem


class _Section(click.Group):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(
            formatter,
            """
            skykeep config check
            skykeep --env production config show
            skykeep config schema > skykeep.schema.json
            """,
        )


@click.group(cls=_Section, no_args_is_help=False)
def command() -> None:
    """Check, show and find the configuration.

    Looked for, in this order: --config, SKYKEEP_CONFIG, ./skykeep.yaml,
    ./cloud_config.yaml, skykeep.yaml in the user's configuration directory. Flags go before
    environment variables, these before the file.
    """


@command.command(
    cls=Command,
    examples="""
    skykeep config check
    skykeep --config deploy/skykeep.yaml config check --output json
    """,
)
@pass_invocation
def check(invocation: Invocation) -> int:
    """Say all that is wrong in the configuration, with file and line.

    Every environment is checked, used or not. No store is called and nothing is unlocked.
    """
    from skykeep import registry
    from skykeep.settings.load import check as checked

    report = checked(
        invocation.settings_flags(),
        environ=os.environ,
        settings_of=registry.settings_type,
        lacking_of=registry.lacking,
    )
    console = invocation.console
    if console.json:
        console.document(
            {
                "ok": report.ok,
                "file": report.file,
                "environments": list(report.environments),
                "problems": [_problem(problem) for problem in report.problems],
                "notes": [_problem(note) for note in report.notes],
            }
        )
        return DONE if report.ok else ERRORS["ConfigError"].code
    if not report.ok:
        raise ConfigError(report.problems)
    if report.file is None:
        console.text("no configuration file: the embedded local vault is used")
    else:
        names = ", ".join(report.environments) or "none"
        console.text(f"{printable(report.file)}: no problems; environments: {names}")
    for note in report.notes:
        console.text(f"note: {printable(str(note))}")
    return DONE


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "message": problem.message,
    }


@command.command(
    cls=Command,
    examples="""
    skykeep config show
    skykeep --env production config show --output json
    """,
)
@pass_invocation
def show(invocation: Invocation) -> None:
    """Show the environment that commands would use, and where each value came from.

    Secrets, and what came from a variable, are shown as ***.
    """
    from skykeep import registry
    from skykeep.settings.load import show as shown

    document = shown(
        invocation.settings_flags(), environ=os.environ, settings_of=registry.settings_type
    )
    if invocation.console.json:
        invocation.console.document(document)
        return
    sources = document.pop("sources")
    head = [(key, _text(document.pop(key))) for key in ("environment", "file", "scope")]
    lines = [f"{key:<12}{printable(text)}" for key, text in head]
    rows = [(key, _text(value), sources.get(key, "")) for key, value in _flat(document, "")]
    invocation.console.text("\n".join([*lines, "", columns(("KEY", "VALUE", "FROM"), rows)]))


def _flat(value: Any, key: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [
            row
            for name, child in value.items()
            for row in _flat(child, f"{key}.{name}" if key else str(name))
        ]
    if isinstance(value, list):
        return [row for i, child in enumerate(value) for row in _flat(child, f"{key}[{i}]")]
    return [(key, value)]


def _text(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@command.command(
    cls=Command,
    examples="""
    skykeep config path
    $EDITOR "$(skykeep config path)"
    """,
)
@pass_invocation
def path(invocation: Invocation) -> int:
    """Print the path of the configuration file that is used; exit code 1 if there is none."""
    from skykeep.settings.files import find, looked_up
    from skykeep.settings.places import cache_dir, config_dir, data_dir

    found = find(invocation.flags.get("config"), os.environ)
    console = invocation.console
    if console.json:
        console.document(
            {
                "file": found[0] if found else None,
                "looked_at": looked_up(os.environ),
                "config_dir": str(config_dir()),
                "data_dir": str(data_dir()),
                "cache_dir": str(cache_dir()),
            }
        )
    elif found:
        console.text(found[0])
    else:
        console.note(
            f"there is no configuration file; looked at {', '.join(looked_up(os.environ))}"
        )
    return DONE if found else DIFFERS


@command.command(
    cls=Command,
    examples="""
    skykeep config schema > skykeep.schema.json
    # then, as the first line of skykeep.yaml, for editors:
    # yaml-language-server: $schema=skykeep.schema.json
    """,
)
@pass_invocation
def schema(invocation: Invocation) -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    from skykeep import registry
    from skykeep.settings.schema import json_schema

    installed = {}
    for name in registry.names():
        try:
            installed[name] = registry.settings_type(name)
        except MissingExtra:
            continue  # another package's provider whose own dependencies are not there
    invocation.console.document(json_schema(installed))
