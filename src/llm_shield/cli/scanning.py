"""``shield scan``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llm_shield.cli.console import Console, counted, printable
from llm_shield.cli.endings import NOT_VALID, VALID
from llm_shield.cli.options import output_option, settings_from, shield_options, side_option

if TYPE_CHECKING:
    from llm_shield.result import ScanResult
    from llm_shield.settings import ShieldSettings


@click.command()
@click.argument("file", metavar="FILE|-")
@side_option
@click.option("--prompt", metavar="FILE", help="What the answer answers.")
@click.option("--context", metavar="FILE", help="What the answer should be true to.")
@shield_options
@output_option()
@click.option("--sanitized", is_flag=True, help="Print the text with what was found replaced.")
@click.option(
    "--jsonl", is_flag=True, help="FILE has one JSON object a line; so has the answer."
)
@click.option(
    "--field",
    metavar="NAME",
    default="text",
    show_default=True,
    help="With --jsonl: the field that has the text.",
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 1024),
    help="With --jsonl: processes; by default one for each core.",
)
@click.option("--no-color", is_flag=True, help="No colours (also: NO_COLOR=1).")
@click.pass_obj
def command(console: Console, /, **options: Any) -> int:
    """Scan a text: a file's, or that of standard input (-).

    Prints each finding with its line and column. Exit code 0: the text is valid; 1: it is
    not. With --jsonl each line is scanned, {"text": "...", "prompt": "...", "context": "..."},
    and each answer is a line of JSON in the same order; a line that cannot be read is told and
    does not end the run (exit code 13 in the end).
    """
    console.color = not options["no_color"]
    output, sanitized = options["output"], options["sanitized"]
    if options["side"] == "input" and (options["prompt"] or options["context"]):
        raise click.UsageError("--prompt and --context belong to answers: --side output")
    settings = settings_from(options["preset"], options["config"], options["scanners"])
    if options["jsonl"]:
        if options["prompt"] or options["context"]:
            raise click.UsageError("with --jsonl, prompt and context are fields of a line")
        from llm_shield.cli.lines import scan_file

        return scan_file(
            console,
            options["file"],
            settings,
            side=options["side"],
            field=options["field"],
            sanitized=sanitized,
            workers=options["workers"],
        )
    # Imported here: `shield --help` needs no event loop.
    import asyncio

    text = read(options["file"], settings.max_characters)
    others = {
        name: read(options[name], settings.max_characters)
        for name in ("prompt", "context")
        if options[name]
    }
    result = asyncio.run(_scan(settings, options["side"], text, others))
    if output == "json":
        document = result.to_dict()
        for one in document["findings"]:
            one["line"], one["column"] = place(text, one["start"])
        console.document(document)
    else:
        if sanitized:
            console.bytes(result.sanitized.encode("utf-8", "surrogateescape"))
        _show(console, options["file"], text, result, only_notes=sanitized)
    return VALID if result.valid else NOT_VALID


async def _scan(
    settings: ShieldSettings, side: str, text: str, others: dict[str, str]
) -> ScanResult:
    from llm_shield.shield import Shield

    async with Shield.of(settings) as shield:
        if side == "input":
            return await shield.scan_prompt(text)
        return await shield.scan_output(text, **others)


def read(name: str, most: int) -> str:
    """The text of a file, ``-`` for standard input. Bytes that are no UTF-8 are kept as lone
    surrogates, so that they are written as they were.

    Raises ``NotFound``, ``Denied``; ``Invalid`` for more characters than ``most``.
    """
    from skykeep.errors import Denied, Invalid, NotFound

    # UTF-8 has at most four bytes a code point: what is longer need not be read.
    limit = 4 * most + 1
    try:
        if name == "-":
            data = sys.stdin.buffer.read(limit)
        else:
            with Path(name).open("rb") as stream:
                data = stream.read(limit)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"there is no file {name}", resource=name) from None
    except OSError as error:
        raise Denied(f"{name} cannot be read: {error.strerror}", resource=name) from None
    text = data.decode("utf-8", "surrogateescape")
    if len(text) > most:
        raise Invalid(
            f"{name} has more than {most:,} characters",
            hint="scan it in parts, or set max_characters in a settings file (--config)",
        )
    return text


def place(text: str, start: int) -> tuple[int, int]:
    """Line and column of a code point, both from 1."""
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)


def _show(
    console: Console, name: str, text: str, result: ScanResult, *, only_notes: bool
) -> None:
    lines = []
    for one in result.findings:
        line, column = place(text, one.start)
        where = console.paint(f"{name}:{line}:{column}:", "1", sys.stdout)
        said = printable(f"{one.scanner}: {one.reason} ({one.kind}, {one.score:.2f})")
        lines.append(f"{where} {said}")
    for each in result.scanners:
        if each.error:
            console.warn(f"{each.name} {each.status.value.replace('_', ' ')}: {each.error}")
        elif each.valid is False and not each.findings:
            lines.append(f"{name}: {each.name}: risk {each.risk:.2f}")
    if lines and not only_notes:
        console.text("\n".join(lines))
    elif lines:
        console.note("\n".join(lines))
    word = console.paint("valid", "32") if result.valid else console.paint("not valid", "31")
    skipped = sum(one.status.value == "skipped" and not one.error for one in result.scanners)
    more = f", {skipped} skipped" if skipped else ""
    console.note(
        f"{word}: risk {result.risk:.2f}, {counted(len(result.findings), 'finding')}, "
        f"{counted(len(result.scanners), 'scanner')}{more}, {result.seconds * 1000:.1f} ms"
    )
