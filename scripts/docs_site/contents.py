"""A Sphinx extension: the order of the site is that of the links on its contents pages.

A contents page is plain Markdown, as a forge shows it. Here it becomes the parent of every
page that it links to; on the first page, each section is a part of the site, and a link's text
the page's name in it. A page that no contents page links to is an error ("not included in
any toctree").
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

FIRST = "docs/index"
CONTENTS = {
    FIRST,
    "docs/adr/README",
    "docs/guides/README",
    "docs/providers/README",
    "docs/reference/README",
    "docs/reference/api/README",
    "docs/scanners/README",
    "docs/shield/index",
}

_LINK = re.compile(r"\[(?P<text>[^]]+)\]\((?P<path>[\w./-]+)\.md\)")


def trees(page: str, text: str) -> Iterator[tuple[str, list[str]]]:
    """A part's title and its entries, in order; the title is ``""`` but on the first page."""
    folder = posixpath.dirname(page)
    sections = re.split(r"^## +(.*)$", text, flags=re.MULTILINE)
    for title, section in zip(["", *sections[1::2]], sections[::2], strict=True):
        entries: dict[str, str] = {}
        for link in _LINK.finditer(section):
            name = "/" + posixpath.normpath(posixpath.join(folder, link["path"]))
            entries.setdefault(name, f"{link['text']} <{name}>" if page == FIRST else name)
        if entries:
            yield title if page == FIRST else "", list(entries.values())


def make_parent(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the trees below the text."""
    if page in CONTENTS:
        for title, entries in trees(page, source[0]):
            lines = ["", "", "```{toctree}", ":hidden:"]
            lines += [f":caption: {title}"] if title else []
            lines += ["", *entries, "```", ""]
            source[0] += "\n".join(lines)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("source-read", make_parent)
    return {"parallel_read_safe": True}
