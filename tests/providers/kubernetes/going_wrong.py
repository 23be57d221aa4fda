"""What tests of faults have in common: values, refusals, and which request is meant."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from skykeep.conformance.cases import CANARY
from skykeep.interfaces.secret_value import SecretValue
from tests.peers.faults import Answer, FaultProxy, When
from tests.peers.messages import Message

VALUE = SecretValue(CANARY + b" value")
OTHER = SecretValue(CANARY + b" other")


def says(status: int, reason: str, message: str = "", **meta: Any) -> Answer:
    """A refusal of an apiserver."""
    content = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": meta,
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": status,
    }
    return Answer(status, json.dumps(content).encode())


def method(*names: str) -> When:
    """Requests with these methods."""
    return lambda request: request.head.split(b" ", 1)[0].decode() in names


def methods(proxy: FaultProxy) -> list[str]:
    """What came through, in order."""
    return [seen.request.head.split(b" ", 1)[0].decode() for seen in proxy.seen]


def query(request: Message) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.head.split(b" ")[1].decode()).query)
