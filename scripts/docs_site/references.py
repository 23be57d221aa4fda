"""A Sphinx extension: references that need no page of ours.

Every type in a signature is a reference, and an unknown one is an error. A type of the
standard library or of a package that an interface names is left as text, but only if it is
really there; a name of ours that its module imported leads to where it is documented.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

from docutils.nodes import Element
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

OURS = {"llm_shield", "skykeep"}
FOREIGN = {"_pytest", "msgspec", "numpy", "pydantic", "pydantic_settings", "pytest"}
"""Packages besides the standard library whose types are in our signatures."""


def find(name: str, scopes: Sequence[str]) -> Any:
    """What the dotted name stands for in the innermost scope that has it, or by itself."""
    for place in (*(f"{scope}.{name}" for scope in scopes), name):
        parts = place.split(".")
        for end in range(len(parts) - 1, 0, -1):
            try:
                found: Any = import_module(".".join(parts[:end]))
                for part in parts[end:]:
                    found = getattr(found, part)
            except (ImportError, AttributeError):
                continue
            return found
    return None


def for_checkers(name: str, module: str | None) -> Any:
    """What a module imports under the name for type checkers alone."""
    if module is None:
        return None
    source = inspect.getsource(import_module(module))
    found = re.search(rf"^    from ([\w.]+) import {re.escape(name)}$", source, re.MULTILINE)
    return getattr(import_module(found[1]), name, None) if found else None


def settle(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: Element
) -> Element | None:
    """The text, linked if there is a page; None leaves it unknown, which is an error."""
    if node.get("refdomain") != "py":
        return None
    module, owner = node.get("py:module"), node.get("py:class")
    scopes = [scope for scope in (f"{module}.{owner}" if owner else "", module) if scope]
    # A public name is documented where it is exported; its own module has the imports.
    own = getattr(find(f"{module}.{owner}", ()), "__module__", None) if owner else None
    scopes += [own] if own else []
    found = find(node["reftarget"], scopes) or for_checkers(node["reftarget"], own)
    if isinstance(found, (TypeVar, ParamSpec)):
        return text
    home = _home(found) or _home(found := find(node["reftarget"], ()))
    package = home.partition(".")[0]
    if package in FOREIGN or package in sys.stdlib_module_names:
        return text
    if package in OURS and hasattr(found, "__qualname__"):
        for place in (f"{home}.{found.__qualname__}", f"{package}.{found.__qualname__}"):
            linked = env.domains.python_domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", place, node, text
            )
            if linked is not None:
                return linked
    return None


def _home(found: Any) -> str:
    """The module of what was found; ``""`` for nothing, and for a part of a class, as
    ``datetime.date`` is one of the class in a module that imports both."""
    return getattr(inspect.getmodule(found), "__name__", "") if found is not None else ""


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("missing-reference", settle)
    return {"parallel_read_safe": True}
