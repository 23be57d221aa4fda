"""One request to the Key Vault fake, as it is sent: the official client refuses some."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.peers.azure import KeyVault


@dataclass(frozen=True)
class Answer:
    """Names of headers are in lower case; ``body`` is None where there is none."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.body["error"]["message"])

    @property
    def inner(self) -> str | None:
        """The inner code, which tells apart what has one code."""
        found = self.body["error"].get("innererror")
        return None if found is None else str(found["code"])


def ask(
    vault: KeyVault,
    method: str,
    path: str,
    body: Any = None,
    *,
    query: str = "api-version=7.6",
    token: str | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 30,
) -> Answer:
    """With the owner's token unless another one is given; without one where it is empty."""
    parts = urlsplit(vault.address)
    assert parts.hostname is not None
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port, timeout=timeout, context=vault.vaults.context()
    )
    shown = vault.vaults.token() if token is None else token
    sent = {"Authorization": f"Bearer {shown}"} if shown else {}
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    try:
        connection.request(method, f"{path}?{query}", content, {**sent, **(headers or {})})
        reply = connection.getresponse()
        said = reply.read()
        found = {name.lower(): text for name, text in reply.getheaders()}
        return Answer(reply.status, found, json.loads(said) if said else None)
    finally:
        connection.close()


def put(vault: KeyVault, name: str, value: str = "x", **fields: Any) -> Answer:
    return ask(vault, "PUT", f"/secrets/{name}", {"value": value, **fields})


def follow(vault: KeyVault, link: str) -> Answer:
    """The page at a next link."""
    parts = urlsplit(link)
    return ask(vault, "GET", parts.path, query=parts.query)
