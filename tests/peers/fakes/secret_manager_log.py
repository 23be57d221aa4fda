"""What was called: so that tests can say how many calls something took, and by whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

KEPT = ("x-goog-user-project", "user-agent", "x-goog-request-params", "x-goog-api-client")
LENGTH = 100_000


@dataclass
class Call:
    """``status`` is the name of a code; ``headers`` those of `KEPT`: no token is kept."""

    transport: str
    method: str
    resource: str
    headers: dict[str, str]
    status: str = "OK"


class Log:
    """The calls so far, up to `LENGTH` of them: a benchmark must not fill the memory."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    @contextmanager
    def call(
        self, transport: str, method: str, resource: str, headers: Mapping[str, str]
    ) -> Iterator[Call]:
        kept = {name: headers[name] for name in KEPT if name in headers}
        call = Call(transport, method, resource, kept)
        if len(self.calls) < LENGTH:
            self.calls.append(call)
        yield call
