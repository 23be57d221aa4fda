"""What a service answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final


@final
class Reply:
    """An answer, read whole. Any status is an answer, also 3xx and 5xx.

    Neither ``repr`` nor ``str`` shows headers or body: they may hold a secret.

    Attributes:
        status: the HTTP status, 100 to 599.
        headers: names in any case; of a header that came twice, the first. No cookie is
            kept between calls.
        body: all of it, decompressed; ``b""`` if there was none.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"

    def __reduce__(self) -> str:
        raise TypeError("a reply may hold a secret and is not pickled")
