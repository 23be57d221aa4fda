"""Fills ``docs/cli.md`` from the program: ``python -m tests.apps.cli.page``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from skykeep.apps.cli.exit_codes import ERRORS, OTHERS
from skykeep.apps.cli.program import program

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"

_EXAMPLE = re.compile(
    r"<!-- json: (?P<name>[a-z -]+?) -->\n```json\n(?P<text>.*?)```\n", re.DOTALL
)


def commands() -> Iterator[tuple[str, click.Context]]:
    """Every command by its words, with a context."""
    yield "skykeep", _context(program, "skykeep", None)

    def below(
        parent: click.Context, words: tuple[str, ...]
    ) -> Iterator[tuple[str, click.Context]]:
        group = parent.command
        assert isinstance(group, click.Group)
        for name in group.list_commands(parent):
            command = group.get_command(parent, name)
            assert command is not None
            context = _context(command, name, parent)
            yield " ".join((*words, name)), context
            if isinstance(command, click.Group):
                yield from below(context, (*words, name))

    yield from below(_context(program, "skykeep", None), ())


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    context.terminal_width = 80
    return context


def helps() -> dict[str, str]:
    """The help of every command, 80 characters wide."""
    return {name: context.get_help() for name, context in commands()}


def table() -> str:
    """The exit codes."""
    rows = [(ending.code, f"`{name}`", ending.meaning) for name, ending in ERRORS.items()]
    rows += [(ending.code, "", ending.meaning) for ending in OTHERS.values()]
    lines = [f"| {code} | {name} | {meaning} |" for code, name, meaning in sorted(rows)]
    return "\n".join(["| code | error | meaning |", "| --- | --- | --- |", *lines])


def filled(text: str) -> str:
    """The page with what the program says between its marks."""
    known = helps()

    def block(mark: re.Match[str]) -> str:
        name = mark["name"]
        body = table() if name is None else f"```\n{known[name]}\n```"
        return f"{mark['start']}\n{body}\n<!-- end -->\n"

    return re.sub(
        r"(?P<start><!-- (?P<what>help|exit codes)(?:: (?P<name>[a-z -]+?))? -->)\n"
        r"(?:.*?\n?<!-- end -->\n)",
        block,
        text,
        flags=re.DOTALL,
    )


def examples(text: str) -> list[tuple[str, str]]:
    """The JSON examples of the page: name and text."""
    return [(found["name"], found["text"]) for found in _EXAMPLE.finditer(text)]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
