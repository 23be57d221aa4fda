"""What goes through a dialect: values on their way out, items on their way in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_value import SecretValue


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One value to be written.

    Attributes:
        key: what it is called there: a variable, or the secret's name.
        name: the secret's name, for errors.
        value: the value.
    """

    key: str
    name: str
    value: SecretValue

    def text(self, dialect: str) -> str:
        """The value as text without NUL. Raises ``Invalid`` that names the secret."""
        data = self.value.reveal()
        if b"\x00" in data:
            raise self.refused(dialect, "it has a NUL byte")
        try:
            return data.decode()
        except UnicodeDecodeError:
            pass  # its exception holds the value: leave the handler before raising
        raise self.refused(dialect, "it is not UTF-8 text")

    def refused(self, dialect: str, reason: str) -> Invalid:
        """The error for a value that the dialect cannot carry."""
        return Invalid(
            f"the value of {shown(self.name)} cannot be written as {dialect}: {reason}",
            hint=f"export it as json or kubernetes, or read it alone: skykeep get {self.name}",
            resource=self.name,
        )


@dataclass(frozen=True, slots=True)
class Item:
    """What is to be kept under one place: a variable, or an entry with several fields.

    Attributes:
        path: the labels on the way to it as the source writes them, outermost first.
        fields: label -> value; ``""`` is the item itself.
        exact: two items of one path are the same secret. Otherwise they are two entries
            that happen to have the same title, and each gets a name of its own.
    """

    path: tuple[str, ...]
    fields: Sequence[tuple[str, SecretValue]]
    exact: bool = False


def variable(label: str, value: str | bytes) -> Item:
    """An item of one value that is known by one label."""
    return Item((label,), (("", SecretValue(value)),), exact=True)


def decoded(data: bytes, source: str) -> str:
    """UTF-8 text, a byte order mark taken off. Raises ``Invalid``."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass  # its exception holds what is in the file
    raise Invalid(f"{source} is not UTF-8 text", hint="save it as UTF-8 and try again")


def broken(source: str, line: int, what: str, hint: str = "") -> Invalid:
    """The error for a line that cannot be read; ``what`` repeats nothing of the line."""
    return Invalid(f"{source}:{line}: {what}", hint=hint)
