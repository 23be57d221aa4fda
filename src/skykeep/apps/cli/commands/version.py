"""``skykeep version``."""

from __future__ import annotations

import platform

from skykeep import __version__
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation


def show(invocation: Invocation) -> None:
    """Write the version."""
    if invocation.console.json:
        invocation.console.document(
            {"version": __version__, "python": platform.python_version()}
        )
    else:
        invocation.console.text(f"skykeep {__version__}")


@command_of(
    examples="""
    skykeep version
    skykeep version --output json
    """
)
@pass_invocation
def command(invocation: Invocation) -> None:
    """Show the version."""
    show(invocation)
