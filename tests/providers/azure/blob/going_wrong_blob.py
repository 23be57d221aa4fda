"""Answers of Blob Storage that say no, and which requests get them."""

from __future__ import annotations

from tests.peers.faults import Answer, FaultProxy, When
from tests.peers.messages import Message

XML = ("Content-Type", "application/xml")


def asks(method: str, part: str = "") -> When:
    """Requests by this method whose target has this in it."""

    def is_one(request: Message) -> bool:
        return request.method == method and part in request.target

    return is_one


def says(code: str, status: int, **headers: str) -> Answer:
    """An error of Blob Storage."""
    body = f"<Error><Code>{code}</Code><Message>in its words</Message></Error>".encode()
    fields = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Answer(status, body, (XML, ("x-ms-error-code", code), *fields))


def seen(proxy: FaultProxy) -> list[str]:
    """The methods of what came through, in order."""
    return [each.request.method for each in proxy.seen]
