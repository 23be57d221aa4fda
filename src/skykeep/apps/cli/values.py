"""Where a new value comes from: the command line, a pipe, a file, a question, chance."""

from __future__ import annotations

import math
import os
import string
import sys
from dataclasses import dataclass

from skykeep.apps.cli import prompt
from skykeep.apps.cli.console import Console, is_terminal
from skykeep.errors import Denied, Invalid, NotFound
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue

ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "digits": string.digits,
    "base64url": string.ascii_letters + string.digits + "-_",
    "symbols": string.ascii_letters + string.digits + "!#$%&()*+,-./:;<=>?@[]^_{|}~",
}
"""For ``set --generate``. ``symbols`` has no quotes, backslash or space."""

_WEAK_BITS = 64


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line says of the value.

    Attributes:
        argument: the argument after the name, or None.
        literal: take the argument as it is, also ``-`` and ``@…``.
        generate: make this many random characters instead, or None.
        alphabet: which characters; a key of ``ALPHABETS``.
    """

    argument: str | None
    literal: bool = False
    generate: int | None = None
    alphabet: str = "alnum"

    def read(self, console: Console) -> SecretValue:
        """The value. Raises ``Invalid``, ``NotFound`` and ``Denied`` (for a file)."""
        if self.generate is not None:
            return SecretValue(self._random(self.generate, console))
        given = self.argument
        if given is None:
            if is_terminal(sys.stdin):
                return SecretValue(prompt.value())
            return SecretValue(_piped())
        if not self.literal:
            if given == "-":
                return SecretValue(_stdin())
            if given.startswith("@@"):
                given = given[1:]
            elif given.startswith("@"):
                return SecretValue(_file(given[1:]))
        if is_terminal(sys.stderr):
            console.warn(
                "a value on the command line can be read by others on this machine and stays "
                "in the shell's history; leave it out to be asked for it"
            )
        return SecretValue(os.fsencode(given))

    def _random(self, count: int, console: Console) -> str:
        import secrets

        letters = ALPHABETS[self.alphabet]
        if count * math.log2(len(letters)) < _WEAK_BITS:
            console.warn(f"{count} characters of {self.alphabet} can be guessed; take more")
        return "".join(secrets.choice(letters) for _ in range(count))


def _stdin() -> bytes:
    """All of standard input, and one byte over the limit at most."""
    if sys.stdin is None:
        raise Invalid("standard input is closed")
    data: bytes = sys.stdin.buffer.read(MAX_VALUE_BYTES + 1)
    return data


def _piped() -> bytes:
    # Nothing asked for standard input: an empty one is a mistake more often than a value.
    data = _stdin() if sys.stdin is not None else b""
    if not data:
        raise Invalid(
            "no value was given and standard input is empty",
            hint="for an empty value: skykeep set NAME ''",
        )
    return data


def _file(path: str) -> bytes:
    if not path:
        raise Invalid("'@' names no file", hint="write '@@' for a value that begins with '@'")
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (a path is shown as it was given)
            return file.read(MAX_VALUE_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(
            f"there is no file {path}", hint="write '@@' for a value that begins with '@'"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise Denied(f"the file {path} cannot be read: {reason}") from None
