"""Answers that say no, and which requests get them."""

from __future__ import annotations

import json

from skykeep.conformance.cases import CANARY
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from tests.peers.faults import (
    Answer,
    FaultProxy,
    When,
)
from tests.peers.messages import Message

NOTHING = Attributes()
VALUE = SecretValue(CANARY + b" value")
OTHER = SecretValue(CANARY + b" other")


def action(*names: str) -> When:
    """Requests of these actions."""

    def is_one(request: Message) -> bool:
        target = request.header("x-amz-target") or ""
        return target.rpartition(".")[2] in names

    return is_one


def says(code: str, status: int = 400, **headers: str) -> Answer:
    """An error of AWS."""
    body = json.dumps({"__type": code, "Message": "in its words"}).encode()
    fields = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Answer(status, body, (("Content-Type", "application/x-amz-json-1.1"), *fields))


def actions(proxy: FaultProxy) -> list[str]:
    """What came through, in order."""
    return [
        (seen.request.header("x-amz-target") or "").rpartition(".")[2] for seen in proxy.seen
    ]
