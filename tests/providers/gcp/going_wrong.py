"""Answers that say no, and which requests get them."""

from __future__ import annotations

import json
import re
from typing import Any

from skykeep.conformance.cases import CANARY
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from tests.peers.faults import Answer, FaultProxy, When
from tests.peers.messages import Message

NOTHING = Attributes()
VALUE = SecretValue(CANARY + b" value")
OTHER = SecretValue(CANARY + b" other")

_ACTIONS = (
    ("AccessSecretVersion", "GET", r"/versions/[^/]+:access$"),
    ("AddSecretVersion", "POST", r":addVersion$"),
    ("GetSecretVersion", "GET", r"/versions/[^/:]+$"),
    ("ListSecretVersions", "GET", r"/versions$"),
    ("CreateSecret", "POST", r"/secrets$"),
    ("ListSecrets", "GET", r"/secrets$"),
    ("UpdateSecret", "PATCH", r"/secrets/[^/]+$"),
    ("DeleteSecret", "DELETE", r"/secrets/[^/]+$"),
    ("GetSecret", "GET", r"/secrets/[^/]+$"),
)


def action_of(request: Message) -> str:
    """What Google calls it."""
    path = request.target.partition("?")[0]
    return next(
        name
        for name, method, form in _ACTIONS
        if request.method == method and re.search(form, path)
    )


def action(*names: str) -> When:
    """Requests of these actions."""
    return lambda request: action_of(request) in names


def actions(proxy: FaultProxy) -> list[str]:
    """What came through, in order."""
    return [action_of(seen.request) for seen in proxy.seen]


def said(
    code: str, reason: str = "", message: str = "in its words", **more: Any
) -> dict[str, Any]:
    """The JSON of an error of Google."""
    kind = "type.googleapis.com/google.rpc"
    details: list[dict[str, Any]] = []
    if reason:
        domain = more.pop("domain", "googleapis.com")
        details.append({"@type": f"{kind}.ErrorInfo", "reason": reason, "domain": domain})
    details += [{"@type": f"{kind}.{name}", **content} for name, content in more.items()]
    error = {"code": 400, "message": message, "status": code}
    return {"error": {**error, "details": details} if details else error}


def says(code: str, status: int = 400, reason: str = "", **more: Any) -> Answer:
    """An error of Google, as an answer."""
    body = json.dumps(said(code, reason, **more)).encode()
    return Answer(status, body, (("Content-Type", "application/json; charset=UTF-8"),))
