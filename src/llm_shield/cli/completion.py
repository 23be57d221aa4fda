"""``shield completion``."""

from __future__ import annotations

import click

from llm_shield.cli.console import Console


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def command(console: Console, shell: str) -> None:
    """Print the completion script for SHELL: bash, zsh or fish.

    In ~/.bashrc or ~/.zshrc: source <(shield completion bash)
    """
    from click.shell_completion import get_completion_class

    from llm_shield.cli.program import COMPLETE, main

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    # Not kind.source(): for bash it starts one to look at its version.
    completer = kind(main, {}, "shield", COMPLETE)
    console.text((completer.source_template % completer.source_vars()).strip())
