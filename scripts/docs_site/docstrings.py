"""A Sphinx extension: what autodoc and napoleon do not write as our classes need it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

ATTRIBUTE = ".. attribute:: "
TYPE = "   :type: "
_PATH = re.compile(r"(?<![\w.~])(?=\w+\.\w)")  # where a dotted path begins
FACTORY = "<factory>"  # what a dataclass says of a default that is made anew each time


def types_beside_attributes(  # noqa: PLR0917  (what Sphinx gives)
    app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    """Make an attribute's type part of its signature.

    Napoleon writes it as a field below the description, which Sphinx splits at commas: the
    parts of ``Mapping[str, Any]`` would be references of their own. Shown is the last part of
    a path (``~``), as in the signatures that autodoc writes.
    """
    at = None
    for number, line in enumerate(lines):
        if line.startswith(ATTRIBUTE):
            at = number + 1
        elif at is not None and line.startswith(TYPE):
            lines.insert(at, _PATH.sub("~", lines.pop(number)))
            at = None


def signatures(  # noqa: PLR0917  (what Sphinx gives)
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str, str | None] | None:
    """No signature for settings, and none that is no Python.

    A setting's types, limits and defaults are with its attributes and in the reference.
    """
    if isinstance(obj, type) and issubclass(obj, msgspec.Struct):
        return "", None
    if signature is not None and FACTORY in signature:
        return signature.replace(FACTORY, "..."), returned
    return None


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    # After napoleon, whose place is the usual 500.
    app.connect("autodoc-process-docstring", types_beside_attributes, priority=600)
    app.connect("autodoc-process-signature", signatures)
    return {"parallel_read_safe": True}
