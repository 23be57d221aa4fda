"""A Sphinx extension: every link of the built site leads somewhere within it.

Read from the HTML as it was written, so that templates, the theme and raw HTML count, too.
What a page loads (scripts, styles, pictures) must lie within the site: it works without a
network. Links for people to follow elsewhere are not tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

_log = logging.getLogger(__name__)


class Page(HTMLParser):
    """One page's links and anchors.

    Attributes:
        links: what people follow.
        loads: what a browser fetches by itself.
        anchors: the ids on the page.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag refers to."""
        given = {name: value for name, value in attrs if value is not None}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and "href" in given:
            self.loads.append(given["href"])
        if "src" in given:
            self.loads.append(given["src"])


def broken(site: Path) -> Iterator[tuple[str, str]]:
    """A page's path in the site and what is wrong with one of its links."""
    pages = {file: Page(file.read_text("utf-8")) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        name = file.relative_to(site).as_posix()
        for target in dict.fromkeys([*page.links, *page.loads]):
            try:
                parts = urlsplit(target)
            except ValueError:
                yield name, f"the link is no address: {target}"
                continue
            if parts.scheme or parts.netloc:
                if target in page.loads and parts.scheme != "data":
                    yield name, f"loads what is not in the site: {target}"
                continue
            found = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if not found.is_file():
                yield name, f"the link leads nowhere: {target}"
            elif parts.fragment and not _has(pages.get(found), unquote(parts.fragment)):
                yield name, f"there is no such place on the page: {target}"


def _has(page: Page | None, anchor: str) -> bool:
    """Whether the page has the place; what is no page has its own kind of places."""
    return page is None or anchor in page.anchors


def hold(app: Sphinx, error: Exception | None) -> None:
    """Warn of each broken link, at the end of a build that got there."""
    if error is None and app.builder.format == "html":
        for page, wrong in broken(Path(app.outdir).resolve()):
            _log.warning("%s: %s", page, wrong, type="link")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    # After the other extensions have written what they write at the end.
    app.connect("build-finished", hold, priority=900)
    return {"parallel_read_safe": True}
