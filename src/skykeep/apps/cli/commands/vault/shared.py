"""What the commands of ``skykeep vault`` share: which vault, progress, how the end is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from skykeep.apps.cli.console import Progress, counted
from skykeep.apps.cli.invocation import Invocation
from skykeep.errors import Unsupported

if TYPE_CHECKING:
    from skykeep.interfaces.provider import OpenContext
    from skykeep.providers.local.compact import Compacted
    from skykeep.providers.local.settings import LocalSettings
    from skykeep.providers.local.verify import Counts

T = TypeVar("T")


def vault_of(invocation: Invocation) -> tuple[LocalSettings, OpenContext]:
    """The vault that is configured. Raises ``Unsupported`` if the primary is another."""
    from skykeep.apps.cli.prompt import terminal_question
    from skykeep.interfaces.provider import OpenContext
    from skykeep.providers.local.settings import LocalSettings
    from skykeep.settings.places import data_dir

    settings = invocation.environment().primary
    if not isinstance(settings, LocalSettings):
        raise Unsupported(
            f"this looks after local vaults; the configured primary is '{settings.backend}'",
            hint="choose another environment with --env, or --backend local",
        )
    context = OpenContext(
        "primary (local)", os.environ, lambda: data_dir(os.environ), terminal_question()
    )
    return settings, context


def with_progress(invocation: Invocation, work: Callable[[Callable[[int, int], None]], T]) -> T:
    """Do the work with a bar that shows how many secrets are done."""
    progress = Progress("secrets verified", invocation.console)
    try:
        return work(lambda done, total: progress.at(done))
    finally:
        progress.end()


def sizes(done: Compacted) -> str:
    """For people: what became of the size of the file."""
    return f"{done.before:,} bytes before, {done.after:,} after"


def tell(
    invocation: Invocation, text: str, document: dict[str, Any], counts: Counts | None = None
) -> None:
    """Write the text, or the document; with what was counted."""
    if counts is not None:
        document |= {
            "secrets": counts.secrets,
            "deleted": counts.deleted,
            "versions": counts.versions,
            "prefixes": counts.prefixes,
            "keys": counts.keys,
        }
        told = [counted(counts.secrets, "secret"), counted(counts.versions, "version")]
        told += [counted(counts.keys, "key")] if counts.keys else []
        text += f" ({', '.join(told)})"
    if invocation.console.json:
        invocation.console.document(document)
    else:
        invocation.console.text(text)
