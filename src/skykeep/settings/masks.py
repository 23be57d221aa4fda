"""What of a configuration may be shown: values that are or may be secret are masked."""

from __future__ import annotations

import re

from skykeep.settings.nodes import Node, Row, Scalar, Table

MASK = "***"
_SHOWN = 40

_SECRET_WORD = re.compile(r"passw|passphrase|pwd|secret|token|credential|key", re.IGNORECASE)
_REFERENCE = re.compile(
    r"(?:_|\b)(?:file|path|name|prefix|url|uri|arn|id|seconds|version|type)\Z", re.IGNORECASE
)
_HOLDERS = frozenset({"secrets_manager", "secret_manager", "key_vault", "api_keys", "run"})
"""Keys of the model that have a word of secrets in them and hold settings."""

_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")


def looks_secret(name: str) -> bool:
    """Whether a value under that key is masked: ``password``, but not ``secret_prefix``."""
    return (
        name not in _HOLDERS
        and _SECRET_WORD.search(name) is not None
        and _REFERENCE.search(name) is None
    )


def shown_text(text: str) -> str:
    """Text for an error: one line, cut when long, without the password of an address."""
    text = _USER_INFO.sub(f"{MASK}@", text)
    if len(text) > _SHOWN:
        text = f"{text[:_SHOWN]}…"
    return f"'{text}'" if text.isprintable() else ascii(text)


def described(node: Node, key: str) -> str:
    """What a value is, for an error: ``text 'abc'``, ``the number 5``, ``a list``.

    ``key`` is the dotted key; the value is left out if it came from a variable or if the
    key looks secret.
    """
    if isinstance(node, Table):
        return "a mapping"
    if isinstance(node, Row):
        return "a list"
    if not isinstance(node, Scalar) or node.value is None:
        return "nothing"
    kind = "text"
    if not isinstance(node.value, str):
        kind = "the boolean" if isinstance(node.value, bool) else "the number"
    if node.variables:
        return f"{kind} from ${{{node.variables[0]}}}"
    if looks_secret(re.split(r"[.\[]", key.rstrip("[]0123456789"))[-1]):
        return f"{kind}, which is not shown here"
    return f"{kind} {node.text[:_SHOWN] if kind == 'the number' else shown_text(node.text)}"


def masked(value: object, node: Node | None, name: str = "", *, hide: bool = False) -> object:
    """A plain value for showing; ``node`` is where it came from, as far as it is known."""
    hide = hide or looks_secret(name)
    if isinstance(value, dict):
        children = node.items if isinstance(node, Table) else {}
        # What these map are names of secrets, variables and files, whatever they look like.
        names = name in {"run", "files", "variables"}
        return {
            key: masked(child, children.get(key), "" if names else str(key), hide=hide)
            for key, child in value.items()
        }
    if isinstance(value, (list, tuple)):
        rows = node.items if isinstance(node, Row) else []
        return [
            masked(child, rows[index] if index < len(rows) else None, hide=hide)
            for index, child in enumerate(value)
        ]
    if value is None:
        return None
    if isinstance(value, bool) and not (isinstance(node, Scalar) and node.variables):
        return value  # a switch that is called like what it switches: ``keyring``
    if hide or (isinstance(node, Scalar) and node.variables):
        return MASK
    return _USER_INFO.sub(f"{MASK}@", value) if isinstance(value, str) else value
