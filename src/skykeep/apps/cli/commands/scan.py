"""``skykeep scan``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, Progress, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.known_values import wanted, wanted_options

if TYPE_CHECKING:
    from skykeep.apps.cli.findings import Finding, Prepared
    from skykeep.apps.cli.scan_sources import Piece
    from skykeep.cloud import Cloud


@command_of(
    examples="""
    skykeep scan
    skykeep scan src deploy.yaml --all-versions
    skykeep scan --staged
    skykeep scan --diff origin/main...HEAD --output json
    skykeep scan --no-store
    """
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--staged", is_flag=True, help="The lines that the next git commit adds.")
@click.option("--diff", metavar="REVISIONS", help="The lines that 'git diff REVISIONS' adds.")
@click.option("--no-store", is_flag=True, help="Shapes of tokens only; opens no store.")
@click.option("--no-shapes", is_flag=True, help="Values of the store only.")
@wanted_options()
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    paths: tuple[str, ...],
    staged: bool,
    diff: str | None,
    no_store: bool,
    no_shapes: bool,
    **options: Any,
) -> int:
    """Look for secrets where they should not be: in files, or in what a git diff adds.

    Finds values that are in the store, and what has the shape of a well-known token. Says
    where, and which secret or shape; never the value. PATH is a file or a folder (default:
    the current one); in a git tree, files that git ignores are left out. A line with
    'skykeep:allow' is left out, too. The exit code is 1 if something is found.
    """
    if (staged or diff is not None) and (paths or (staged and diff is not None)):
        raise click.UsageError("give PATH, --staged or --diff, one of them")
    if no_store and no_shapes:
        raise click.UsageError("--no-store and --no-shapes leave nothing to look for")
    console = invocation.console
    values = wanted(options)

    from skykeep.apps.cli.findings import Search

    search = Search(shapes=not no_shapes)

    async def read(cloud: Cloud) -> None:
        known = await values.read(cloud, console)
        search.know((form, one.name) for form, one in values.forms(known, console))

    if not no_store:
        invocation.run(invocation.open(), read)
    prepared = search.prepare()
    if staged or diff is not None:
        from skykeep.apps.cli.scan_sources import added

        return _Report(console).show(prepared, added(diff))
    report = _Report(console)
    return report.show(prepared, report.readable(paths or (".",), prepared.overlap))


class _Report:
    """Findings as they come, and what was looked at."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._refused: Exception | None = None

    def readable(self, paths: tuple[str, ...], overlap: int) -> Iterator[Piece]:
        """The files in pieces; one that cannot be read is an error in the end."""
        from skykeep.apps.cli.scan_sources import files, pieces
        from skykeep.errors import Denied

        for path in files(paths):
            try:
                yield from pieces(path, overlap)
            except Denied as error:
                self._console.warn(error.message)
                self._refused = error

    def show(self, prepared: Prepared, looked_at: Iterator[Piece]) -> int:
        """Look, say what is found, and return the exit code. Raises ``Denied``."""
        console = self._console
        progress = Progress("files scanned", console)
        found: list[Finding] = []
        seen = set()
        try:
            for piece in looked_at:
                seen.add(piece.path)
                progress.at(len(seen))
                found += prepared.look(piece)
        finally:
            progress.end()
        if console.json:
            console.document(
                {
                    "files": len(seen),
                    "findings": [
                        {
                            "path": one.path,
                            "line": one.line,
                            "column": one.column,
                            "secrets": list(one.secrets),
                            "shape": one.shape,
                        }
                        for one in found
                    ],
                }
            )
        elif found:
            lines = [f"{one.path}:{one.line}:{one.column}: {one.what}" for one in found]
            console.text("\n".join(map(printable, lines)))
        files = "1 file" if len(seen) == 1 else f"{len(seen):,} files"
        count = "1 finding" if len(found) == 1 else f"{len(found) or 'no'} findings"
        console.note(f"{count} in {files}")
        if self._refused is not None and not found:
            raise self._refused
        return DIFFERS if found else DONE
