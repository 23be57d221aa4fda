"""A Sphinx extension: nothing without a page.

When the site is built, what the program has (``inventory``) is held against what the pages
say, as they were rendered. Each command, option, setting, variable, exit code, error class
and public name without an entry is a warning, and so is an entry of something that is not
there; ``make docs`` ends on warnings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

from scripts.docs_site import inventory

CLI = "docs/cli"
SETTINGS = "docs/reference/settings"
VARIABLES = "docs/reference/environment"
ERRORS = "docs/guides/troubleshooting"
API = "docs/reference/api/README"

_OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_CLASS = re.compile(r"([A-Z][a-z]+)+")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """One kind of thing that needs an entry.

    Attributes:
        page: where its entries are expected, a document's name.
        there: the names that the program has.
        described: the names that have an entry.
    """

    page: str
    there: frozenset[str]
    described: frozenset[str]


def differences(kinds: Mapping[str, Kind]) -> Iterator[tuple[str, str]]:
    """A page and what is wrong with it, for each thing that has no entry, or is not there."""
    for kind, found in kinds.items():
        for name in sorted(found.there - found.described):
            yield found.page, f"the {kind} '{name}' has no entry"
        for name in sorted(found.described - found.there):
            yield found.page, f"there is no {kind} '{name}', and there is an entry of it"


def kinds(env: BuildEnvironment) -> dict[str, Kind]:
    """Everything that needs an entry, and what the pages of this build have."""
    cli = dict(_sections(env, CLI))
    commands = inventory.commands()
    helped = {name: _help(cli[name]) for name in cli.keys() & _titles(commands)}
    documented = env.domains.python_domain.objects.keys()
    public = inventory.public_names()
    return {
        "command": Kind(
            CLI,
            frozenset(_titles(commands)),
            frozenset(name for name in helped if helped[name]),
        ),
        "option": Kind(
            CLI,
            frozenset(inventory.options()),
            frozenset(
                f"{_name(title)} {option}"
                for title, text in helped.items()
                for option in _options(text)
            ),
        ),
        "exit code": Kind(
            CLI, frozenset(inventory.exit_codes()), frozenset(_first_cells(cli, "Exit codes"))
        ),
        "setting": Kind(
            SETTINGS,
            frozenset(f"{found.section}: {found.key}" for found in inventory.settings()),
            frozenset(
                f"{title}: {key}"
                for title, section in _sections(env, SETTINGS)
                for key in _literals(section)
            ),
        ),
        "environment variable": Kind(
            VARIABLES,
            frozenset(inventory.variables()),
            frozenset(
                name for _, section in _sections(env, VARIABLES) for name in _literals(section)
            ),
        ),
        "error class": Kind(
            ERRORS,
            frozenset(inventory.error_classes()),
            frozenset(
                title
                for title, section in _sections(env, ERRORS)
                if isinstance(section.parent, nodes.section) and _CLASS.fullmatch(title)
            ),
        ),
        "public name": Kind(
            API,
            frozenset(public),
            frozenset(
                name
                for name, home in public.items()
                if name in documented or home in documented
            ),
        ),
    }


# -- what the pages say


def _titles(commands: Iterable[str]) -> set[str]:
    """The heading of each command; the program's own help is on top of the page."""
    return {_TOP if name == "skykeep" else name for name in commands}


_TOP = "The command line"


def _name(title: str) -> str:
    return "skykeep" if title == _TOP else title


def _sections(env: BuildEnvironment, page: str) -> Iterator[tuple[str, nodes.section]]:
    """The title and content of each section of a page, at all depths."""
    if page in env.found_docs:
        for section in env.get_doctree(page).findall(nodes.section):
            title = section.next_node(nodes.title)
            if title is not None:
                yield title.astext(), section


def _own(section: nodes.section) -> Iterator[nodes.Node]:
    """What stands in the section itself, not in a section below it."""
    return (child for child in section.children if not isinstance(child, nodes.section))


def _help(section: nodes.section) -> str:
    """The command's help, or ``""``."""
    for child in _own(section):
        if isinstance(child, nodes.literal_block) and child.astext().startswith("Usage: "):
            return child.astext()
    return ""


def _options(text: str) -> Iterator[str]:
    """The options that a help lists: what stands left, between its headings."""
    listed = text.partition("\nOptions:\n")[2].partition("\n\n")[0]
    for line in listed.splitlines():
        if line.startswith("  -"):
            yield from _OPTION.findall(line.strip().partition("  ")[0])


def _rows(section: nodes.section) -> Iterator[nodes.entry]:
    """The first cell of each row of the section's tables."""
    for child in _own(section):
        for row in child.findall(nodes.row):
            if not isinstance(row.parent, nodes.thead):
                cell = row.next_node(nodes.entry)
                if cell is not None:
                    yield cell


def _first_cells(sections: Mapping[str, nodes.section], title: str) -> Iterator[str]:
    if title in sections:
        for cell in _rows(sections[title]):
            yield cell.astext()


def _literals(section: nodes.section) -> Iterator[str]:
    """The names in the first cells, as code."""
    for cell in _rows(section):
        for literal in cell.findall(nodes.literal):
            yield literal.astext()


def hold(app: Sphinx, error: Exception | None) -> None:
    """Warn of each difference, at the end of a build that got there."""
    if error is None and app.builder.format == "html":
        for page, wrong in differences(kinds(app.env)):
            _log.warning(wrong, location=page, type="gate")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("build-finished", hold)
    return {"parallel_read_safe": True}
