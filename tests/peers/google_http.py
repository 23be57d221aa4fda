"""The fake of Secret Manager by plain HTTP, where an answer's bytes matter."""

from __future__ import annotations

import json
import secrets
from http.client import HTTPConnection
from typing import Any, NamedTuple

from tests.peers.google import SecretManager

AUTOMATIC: dict[str, Any] = {"replication": {"automatic": {}}}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json; charset=UTF-8"
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str]:
        """The status over HTTP, its name, and the reason among the details."""
        error = self.json["error"]
        assert error["code"] == self.status
        reasons = [d["reason"] for d in error.get("details", ()) if "reason" in d]
        return self.status, error["status"], reasons[0] if reasons else ""


class Asker:
    def __init__(self, fake: SecretManager) -> None:
        self._fake = fake
        self.parent = f"projects/{fake.project}"

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        **headers: str,
    ) -> Answer:
        """``path`` is what follows "/v1/". A body that is no bytes goes as JSON."""
        token = self._fake.token if token is None else token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        host, _, port = self._fake.address.partition("//")[2].partition(":")
        connection = HTTPConnection(host, int(port), timeout=30)
        try:
            connection.request(method, f"/v1/{path}", data, headers)
            reply = connection.getresponse()
            kept = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, kept, reply.read())
        finally:
            connection.close()

    def secret(self, payload: bytes = b"") -> str:
        """The name of a new secret, with a version if there is a payload."""
        path = f"{self.parent}/secrets?secretId=h-{secrets.token_hex(6)}"
        made = self("POST", path, AUTOMATIC)
        assert made.status == 200, made.body
        name = str(made.json["name"])
        if payload:
            added = self("POST", f"{name}:addVersion", {"payload": {"data": payload.hex()}})
            assert added.status == 200, added.body
        return name
