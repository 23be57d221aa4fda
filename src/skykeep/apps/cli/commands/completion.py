"""``skykeep completion``."""

from __future__ import annotations

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.program import COMPLETE, program


@command_of(
    examples="""
    source <(skykeep completion bash)        # in ~/.bashrc
    source <(skykeep completion zsh)         # in ~/.zshrc
    skykeep completion fish > ~/.config/fish/completions/skykeep.fish
    """
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_invocation
def command(invocation: Invocation, /, *, shell: str) -> None:
    """Print the completion script for SHELL: bash, zsh or fish.

    Commands and options are completed. Names of secrets are, too, from a local vault that a
    key file or SKYKEEP_PASSPHRASE opens; nobody is asked and no cloud is called for them.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    # Not kind.source(): for bash it starts one to look at its version.
    completer = kind(program, {}, "skykeep", COMPLETE)
    script = (completer.source_template % completer.source_vars()).strip()
    if invocation.console.json:
        invocation.console.document({"shell": shell, "script": script})
    else:
        invocation.console.text(script)
