"""``SecretValue``: the bytes of a secret, opaque until somebody asks for them by name."""

from __future__ import annotations

import hmac
import json
from typing import Any, Final, NoReturn, final

from skykeep.errors import Invalid

MAX_VALUE_BYTES: Final = 64 * 1024 * 1024
"""No store of ours keeps more; most keep far less (see each driver's capabilities)."""


@final
class SecretValue:
    """Immutable bytes that show nothing of themselves.

    ``repr``, ``str`` and f-strings give ``SecretValue(32 bytes)``; it cannot be pickled
    and has no ``__dict__``. Read it with :meth:`reveal`, :meth:`text` or :meth:`json`.
    Comparison takes the same time for all values of one length.
    """

    __slots__ = ("__data",)

    def __init__(self, data: bytes | bytearray | memoryview | str | SecretValue) -> None:
        """Text is kept as UTF-8. Raises ``Invalid`` for other types and for over 64 MiB."""
        if isinstance(data, str):
            try:
                data = data.encode()
            except UnicodeEncodeError:
                # The encoder's own exception holds the whole text.
                raise Invalid("the value is text that has no UTF-8 form") from None
        elif isinstance(data, SecretValue):
            data = data.reveal()
        elif not isinstance(data, (bytes, bytearray, memoryview)):
            raise Invalid(f"a secret value is bytes or text, not {type(data).__name__}")
        size = len(data) if not isinstance(data, memoryview) else data.nbytes
        if size > MAX_VALUE_BYTES:
            raise Invalid(f"the value has {size:,} bytes; at most {MAX_VALUE_BYTES:,} are kept")
        self.__data: Final[bytes] = bytes(data)

    def reveal(self) -> bytes:
        """The bytes, exactly as they were kept."""
        return self.__data

    def text(self) -> str:
        """The value as UTF-8 text. Raises ``Invalid`` if it is not."""
        try:
            return self.__data.decode()
        except UnicodeDecodeError:
            pass  # its exception holds the value: leave the handler before raising
        raise Invalid("the value is not UTF-8 text", hint="read it as bytes with reveal()")

    def json(self) -> Any:
        """The value parsed as JSON. Raises ``Invalid`` if it is not."""
        try:
            return json.loads(self.__data)
        except (ValueError, RecursionError):
            pass  # as in text()
        raise Invalid("the value is not JSON", hint="read it with text() or reveal()")

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.__data)

    def __repr__(self) -> str:
        return f"SecretValue({len(self.__data)} bytes)"

    __str__ = __repr__

    def __format__(self, spec: str, /) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        return hmac.compare_digest(self.__data, other.reveal())

    # A hash would be an oracle for the value, and dictionaries would print it.
    __hash__ = None  # type: ignore[assignment]  # the documented way to be unhashable

    def __copy__(self) -> SecretValue:
        return self

    def __deepcopy__(self, memo: object) -> SecretValue:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a SecretValue is not pickled: pass the secret's name instead")

    def __setattr__(self, name: str, value: object) -> None:
        # Name mangling: the constructor's one assignment arrives under this name.
        if name != "_SecretValue__data" or hasattr(self, "_SecretValue__data"):
            raise AttributeError("a SecretValue does not change")
        object.__setattr__(self, name, value)
