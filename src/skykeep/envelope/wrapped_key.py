"""A data key as it stands beside what was sealed under it: wrapped, and under which key.

Also the fields that it and its neighbours are written as: each with its length before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from skykeep.errors import Corrupt

FIELD_BYTES: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A wrapped data key.

    Attributes:
        kek: the name of the key that wraps it, as the configuration has it.
        version: that key's version as it was known just before the data key was wrapped;
            empty where the store does not tell. A hint for those who look for what is
            behind; the wrapped key itself says what opens it.
        wrapped: what the key store gave; opaque.
    """

    kek: str
    version: str
    wrapped: bytes = field(repr=False)

    def pack(self) -> bytes:
        """Three fields."""
        return packed(self.kek.encode(), self.version.encode(), self.wrapped)


def packed(*fields: bytes) -> bytes:
    """Each as its length (2 bytes, big endian) and its bytes. Raises ``ValueError`` beyond
    65,535 bytes."""
    joined = bytearray()
    for each in fields:
        if len(each) > FIELD_BYTES:
            raise ValueError("a field has at most 65,535 bytes")
        joined += len(each).to_bytes(2, "big") + each
    return bytes(joined)


class Fields:
    """Reads fields one after the other, and knows where it stands.

    Attributes:
        at: where the next one begins.
    """

    def __init__(self, data: bytes, at: int, what: str) -> None:
        """``what`` is damaged if a field is: ``a sealed secret``."""
        self.at = at
        self._data = data
        self._what = what

    def take(self, length: int) -> bytes:
        """The next bytes. Raises ``Corrupt`` if there are fewer."""
        found = self._data[self.at : self.at + length]
        if len(found) != length:
            raise damaged(self._what)
        self.at += length
        return found

    def field(self) -> bytes:
        """The next field. Raises ``Corrupt``."""
        return self.take(int.from_bytes(self.take(2), "big"))

    def text(self) -> str:
        """The next field as text. Raises ``Corrupt``."""
        try:
            return self.field().decode()
        except UnicodeDecodeError:
            pass
        raise damaged(self._what)

    def wrapped_key(self) -> WrappedKey:
        """The next three fields. Raises ``Corrupt``."""
        return WrappedKey(self.text(), self.text(), self.field())


def damaged(what: str) -> Corrupt:
    """The error for what cannot have been written by any skykeep that we know."""
    return Corrupt(f"the header of {what} is damaged")
