"""``${NAME}`` and ``${NAME:-default}`` in the scalars of a configuration.

``$${`` stands for ``${``. What a variable holds is text and stays text: it is neither
searched for further variables nor read as YAML structure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


class Substituted(NamedTuple):
    """The result of a substitution.

    Attributes:
        text: the text with the variables' values in it.
        variables: the names of the variables whose text is in it.
        unset: the names of variables that are needed and not set.
        mistakes: what is wrong with the notation or with a value, for people.
    """

    text: str
    variables: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()


def substitute(text: str, environ: Mapping[str, str]) -> Substituted:
    """Put variables into ``text``.

    A default is taken if the variable is unset or empty, as shells do; without one, an
    empty variable gives empty text and an unset one is reported.
    """
    if "${" not in text:
        return Substituted(text)
    pieces: list[str] = []
    variables: list[str] = []
    unset: list[str] = []
    mistakes: list[str] = []
    done = 0
    while (at := text.find("${", done)) >= 0:
        if at > done and text[at - 1] == "$":
            pieces += text[done : at - 1], "${"
            done = at + 2
            continue
        end = text.find("}", at)
        body = _BODY.fullmatch(text, at + 2, end) if end >= 0 else None
        if body is None:
            mistakes.append(_NOTATION)
            break
        pieces.append(text[done:at])
        done = end + 1
        name, default = body["name"], body["default"]
        value = environ.get(name)
        if not value and default is not None:
            pieces.append(default)
        elif value is None:
            unset.append(name)
        elif not _is_text(value):
            mistakes.append(f"the environment variable {name} is not UTF-8 text")
        else:
            pieces.append(value)
            variables.append(name)
    pieces.append(text[done:])
    return Substituted("".join(pieces), tuple(variables), tuple(unset), tuple(mistakes))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


_NOTATION = (
    "expected ${NAME} or ${NAME:-default} after '$'; write $${ for a plain '${', "
    "and quote the value inside { } and [ ]"
)


def escape(text: str) -> str:
    """The text that a substitution turns back into ``text``."""
    return text.replace("${", "$${")
