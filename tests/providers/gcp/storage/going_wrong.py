"""Answers of Cloud Storage that say no, and which requests get them."""

from __future__ import annotations

import json

from tests.peers.faults import Answer, FaultProxy, When
from tests.peers.messages import Message


def asks(method: str, part: str = "") -> When:
    """Requests by this method whose target has this in it."""

    def is_one(request: Message) -> bool:
        return request.method == method and part in request.target

    return is_one


def says(reason: str, status: int, message: str = "in its words", **headers: str) -> Answer:
    """An error of the JSON API."""
    error = {"domain": "global", "reason": reason, "message": message}
    content = {"error": {"code": status, "message": message, "errors": [error]}}
    fields = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    kind = ("Content-Type", "application/json; charset=UTF-8")
    return Answer(status, json.dumps(content).encode(), (kind, *fields))


def says_xml(code: str, status: int, message: str = "in its words") -> Answer:
    """An error of the XML API."""
    body = (
        f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code>"
        f"<Message>{message}</Message><Details>more</Details></Error>"
    )
    return Answer(status, body.encode(), (("Content-Type", "application/xml; charset=UTF-8"),))


def seen(proxy: FaultProxy) -> list[str]:
    """The methods of what came through, in order."""
    return [each.request.method for each in proxy.seen]
