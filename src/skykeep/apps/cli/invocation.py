"""One run of the command line: its flags, its streams, and the way to the clouds."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from skykeep.apps.cli.console import Console

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.settings.load import Flags
    from skykeep.settings.model import Environment

T = TypeVar("T")


class Invocation:
    """What a command gets.

    Attributes:
        console: the streams.
        flags: the options before the command that were given, by the names of ``Flags``.
        output: what ``--output`` said, or ``text``.
    """

    def __init__(self) -> None:
        self.console = Console()
        self.flags: dict[str, str] = {}
        self.output = "text"

    def settings_flags(self) -> Flags:
        """The flags as the settings take them."""
        from skykeep.settings.load import Flags

        return Flags(**self.flags)

    def environment(self) -> Environment:
        """The resolved configuration. Raises ``ConfigError``, ``MissingExtra``."""
        from skykeep import registry
        from skykeep.settings.load import load

        self.log()
        return load(
            self.settings_flags(), environ=os.environ, settings_of=registry.settings_type
        )

    def open(self, *, ask: bool = True) -> Cloud:
        """The clouds; nothing is connected or unlocked yet.

        ``ask`` allows a question for the passphrase, if there is a terminal. Raises
        ``ConfigError``, ``MissingExtra``.
        """
        from skykeep.apps.cli.prompt import terminal_question
        from skykeep.cloud import open as open_cloud

        self.log()
        return open_cloud(flags=self.settings_flags(), ask=terminal_question() if ask else None)

    def run(
        self, cloud: Cloud, work: Callable[[Cloud], Awaitable[T]], *, of_targets: bool = False
    ) -> T:
        """Connect, do the work, close; whatever happens in between.

        Where there are several targets, the others get what was written before this returns,
        or it is said that they still have to. ``of_targets`` is for work on the targets
        themselves, any of which may be away: it tells all this itself.
        """
        import asyncio

        several = bool(cloud.environment.failover or cloud.environment.backups)

        async def connected() -> T:
            async with cloud:
                if not several and not of_targets:
                    # Before the first operation: a question is no part of a deadline.
                    await cloud.connect()
                    return await work(cloud)
                # Imported here: most environments have one target.
                from skykeep.apps.cli.settling import Settling, connect

                await connect(cloud, of_targets)
                if of_targets:
                    return await work(cloud)
                async with Settling(cloud, self.console):
                    return await work(cloud)

        return asyncio.run(connected())

    def log(self) -> None:
        """Send the library's log to standard error, as ``SKYKEEP_LOG`` says."""
        from skykeep.apps.cli.logs import to_stderr

        to_stderr(self.console)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)
