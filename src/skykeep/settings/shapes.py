"""A whole file: named environments, the ``cloud:`` and ``auth:`` trees, defaults for all.

Everything in the file is checked, used or not: a mistake is found before the day that it
matters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from skykeep.errors import Invalid, Problem
from skykeep.interfaces.names import check_name
from skykeep.interfaces.secret_checks import check_tags
from skykeep.settings import cloud_tree
from skykeep.settings.diagnose import checked, key_problem, meant, nearest, value_problem
from skykeep.settings.masks import described, shown_text
from skykeep.settings.model import EnvironmentSettings
from skykeep.settings.nodes import Node, Scalar, Table, Unknown, below, table, walk
from skykeep.settings.parse import parse, shown_key
from skykeep.settings.targets import SettingsOf, target, targets_in
from skykeep.settings.trees import AuthTree, CloudTree

DEFAULTS = (
    *("cache", "retry", "deadline_seconds", "scope", "run", "tags", "loading"),
    *("encryption", "residency", "object_storage"),
    *(
        "writes",
        "failover_on",
        "attempt_seconds",
        "breaker",
        "hedge",
        "journal",
        "sweep_seconds",
    ),
)
"""Keys of an environment that the file may also have for all of them."""

RESERVED = (*DEFAULTS, "default_environment", "cloud", "auth")
EXTENSION = "x-"
"""Keys that begin with this are the user's own: a place for YAML anchors."""

VARIABLE_NAME = "[A-Za-z_][A-Za-z0-9_]*"
"""What environment variables may be called, as a regular expression."""


class File(msgspec.Struct, kw_only=True):
    """A file that was read and checked.

    Attributes:
        path: as it was named.
        environments: by name; the ``cloud:`` tree is among them if it chooses a provider.
        defaults: what holds for all environments.
        default_environment: the one to take if none is named, or None.
        cloud, auth: the trees and their nodes, or None.
        problems: what is wrong with it, in the order of the file.
        unset: variables that are not set, in the order of the file.
    """

    path: str
    environments: dict[str, Table] = {}
    defaults: dict[str, Node] = {}
    default_environment: str | None = None
    cloud: CloudTree | None = None
    auth: AuthTree | None = None
    trees: dict[str, Node] = {}
    problems: list[Problem] = []
    unset: list[Problem] = []

    def problems_for(self, name: str | None) -> list[Problem]:
        """What is wrong for a user of that environment, in the order of the file.

        A variable that only another environment needs may be unset.
        """
        used: list[Node] = [*self.defaults.values(), *self.trees.values()]
        if name in self.environments:
            used.append(self.environments[name])
        lines = {
            part.line
            for node in used
            for _, part in walk(node)
            if isinstance(part, Unknown) and part.unset
        }
        return _ordered([*self.problems, *(p for p in self.unset if p.line in lines)])


def read(text: str, path: str, environ: Mapping[str, str], settings_of: SettingsOf) -> File:
    """Read and check the text of a file; what is wrong is in ``problems`` and ``unset``.

    Raises ``ConfigError`` where nothing can be said of the rest: see ``parse``.
    """
    parsed = parse(text, path, environ)
    file = File(path=path, problems=parsed.problems, unset=parsed.unset)
    root = parsed.root
    if isinstance(root, Table):
        _Reader(file, settings_of).read(root)
    elif root is not None and not (isinstance(root, Scalar) and root.value is None):
        message = f"expected a mapping of settings, got {described(root, '')}"
        file.problems.append(value_problem(root, "", message))
    file.problems = _ordered(file.problems)
    return file


def _ordered(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line)


class _Reader:
    def __init__(self, file: File, settings_of: SettingsOf) -> None:
        self._file = file
        self._settings_of = settings_of

    def read(self, root: Table) -> None:
        wanted: Node | None = None
        for name, node in root.items.items():
            if name in DEFAULTS:
                self._default(name, node)
            elif name == "default_environment":
                wanted = node
            elif name == "cloud":
                self._cloud(node)
            elif name == "auth":
                self._auth(node)
            elif not name.startswith(EXTENSION) and not isinstance(node, Unknown):
                self._environment(name, node)
        self._defaults_of_tree()
        if wanted is not None:
            self._default_environment(wanted)

    def _default(self, name: str, node: Node) -> None:
        # As a part of an environment that has nothing else, so that both are checked alike.
        empty = table({"primary": table({})})
        empty.items[name] = node
        checked(empty, EnvironmentSettings, "", self._file.problems)
        check_parts({name: node}, "", self._file.problems)
        if name == "loading":
            for at, child in targets_in(table({name: node}), ""):
                target(child, at, self._settings_of, self._file.problems)
        self._file.defaults[name] = node

    def _defaults_of_tree(self) -> None:
        """The file's own keys go before those of the tree."""
        tree = self._file.trees.get("cloud")
        if self._file.cloud is None or not isinstance(tree, Table):
            return
        defaults = self._file.defaults
        for name, node in cloud_tree.defaults_of(tree).items():
            own = defaults.get(name)
            if isinstance(node, Table) and isinstance(own, Table):
                defaults[name] = table({**node.items, **own.items}, own.source, own.line)
            else:
                defaults[name] = node

    def _cloud(self, node: Node) -> None:
        problems = self._file.problems
        self._file.trees["cloud"] = node
        tree = checked(node, CloudTree, "cloud", problems)
        if tree is None or not isinstance(node, Table):
            return
        self._file.cloud = tree
        before = len(problems)
        cloud_tree.check_cloud(node, tree, problems)
        environment = cloud_tree.environment_of(node)
        if environment is not None:
            self._file.environments[cloud_tree.NAME] = environment
            if len(problems) == before:
                for _, child in targets_in(environment, ""):
                    target(child, f"cloud.{tree.provider}", self._settings_of, problems)

    def _auth(self, node: Node) -> None:
        self._file.trees["auth"] = node
        tree = checked(node, AuthTree, "auth", self._file.problems)
        if tree is not None and isinstance(node, Table):
            self._file.auth = tree
            cloud_tree.check_auth(node, tree, self._file.problems)

    def _environment(self, name: str, node: Node) -> None:
        problems = self._file.problems
        key = shown_key(name)
        if not isinstance(node, Table) or not self._is_environment(name, node):
            near = nearest(name, RESERVED)
            message = (
                "unknown key: neither a setting nor an environment (a mapping with 'primary')"
            )
            problems.append(
                key_problem(node, key, f"{message}{meant(name, RESERVED) if near else ''}")
            )
            return
        if not is_segment(name):
            message = (
                f"{shown_text(name)} cannot name an environment: use letters, digits, '.', "
                "'_' and '-'"
            )
            problems.append(key_problem(node, key, message))
        checked(node, EnvironmentSettings, key, problems)
        for at, child in targets_in(node, key):
            target(child, at, self._settings_of, problems)
        check_parts(node.items, key, problems)
        self._file.environments[name] = node

    @staticmethod
    def _is_environment(name: str, node: Table) -> bool:
        if "primary" in node.items:
            return True
        if any(nearest(key, ["primary"], cutoff=0.8) for key in node.items):
            return True
        return nearest(name, RESERVED, cutoff=0.75) is None

    def _default_environment(self, node: Node) -> None:
        if isinstance(node, Unknown):
            self._file.trees["default_environment"] = node
            return
        key = "default_environment"
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            message = f"expected the name of an environment, got {described(node, key)}"
        elif node.value in self._file.environments:
            self._file.default_environment = node.value
            return
        elif node.variables:
            message = (
                f"the text from ${{{node.variables[0]}}} is not the name of an environment"
            )
        else:
            message = no_environment(node.value, self._file.environments)
        self._file.problems.append(value_problem(node, key, message))


def no_environment(name: str, environments: Mapping[str, object]) -> str:
    """The message about an environment that the file does not have."""
    if not environments:
        return f"there is no environment {shown_text(name)}: the file has none"
    return f"there is no environment {shown_text(name)}{meant(name, environments)}"


def is_segment(text: str) -> bool:
    """Whether the text is one segment of a portable name."""
    try:
        check_name(text)
    except Invalid:
        return False
    return "/" not in text and ":" not in text


def check_parts(items: Mapping[str, Node], key: str, problems: list[Problem]) -> None:
    """The rules of ``scope``, ``run`` and ``tags`` that their types do not show."""
    for name, check in (("scope", _check_segment), ("run", _check_run), ("tags", _check_tag)):
        node = items.get(name)
        if isinstance(node, Table):
            for inner, child in node.items.items():
                check(inner, child, below(below(key, name), inner), problems)


def _check_segment(name: str, node: Node, key: str, problems: list[Problem]) -> None:
    text = node.value if isinstance(node, Scalar) else None
    if isinstance(text, str) and text and not is_segment(text):
        message = (
            f"expected a {name} of letters, digits, '.', '_' and '-', without '/', "
            f"got {described(node, key)}"
        )
        problems.append(value_problem(node, key, message))


def _check_tag(name: str, node: Node, key: str, problems: list[Problem]) -> None:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        try:
            check_tags({name: node.value})
        except Invalid as error:
            problems.append(value_problem(node, key, error.message))


def _check_run(name: str, node: Node, key: str, problems: list[Problem]) -> None:
    if not re.fullmatch(VARIABLE_NAME, name):
        message = (
            f"{shown_text(name)} cannot name an environment variable: use letters, digits "
            "and '_', and no digit first"
        )
        problems.append(key_problem(node, key, message))
    if isinstance(node, Scalar) and isinstance(node.value, str):
        try:
            check_name(node.value)
        except Invalid as error:
            shown = f"the {described(node, '')} is not the name of a secret"
            message = shown if node.variables else str(error)
            problems.append(value_problem(node, key, message))
