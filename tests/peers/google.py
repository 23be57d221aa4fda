"""The fake of Secret Manager in a process of its own, and its control; and that of Cloud KMS,
which is beside it where a test asks for it.

Ids and numbers of projects: `PROJECT` is `NUMBER` in every name that the service returns.
`TOKEN` may do everything. A test that sets something by the control ends with `settle`.
"""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.peers.certificates import Issued
from tests.peers.peer import CLOUD_KMS, SECRET_MANAGER, Peer, Server
from tests.peers.starting import free_ports, started

ROOT = Path(__file__).parents[2]
PROJECT = "skykeep-tests"
NUMBER = "123456789012"
LOCATION = "europe-west3"
TOKEN = "ya29.test-administrator"  # made up: only the fake takes it


class SecretManager:
    """``address`` is for REST, ``grpc`` is "host:port"; the methods are those of the control
    (``fakes/secret_manager_control.py``)."""

    project = PROJECT
    number = NUMBER
    token = TOKEN

    def __init__(self, server: Server, grpc: str, control: str) -> None:
        self.server = server
        self.address = server.address
        self.grpc = grpc
        self.control = control

    def accept(
        self,
        *permissions: str,
        token: str = "",
        principal: str = "somebody@example.test",
        prefix: str = "",
        expires: float | None = None,
        **more: Any,
    ) -> str:
        """A token that is accepted from now on, a new one unless it is given; with these
        permissions ("secretmanager.versions.access"; ``*`` for all, no argument for none) on
        names that begin with ``prefix``. ``expires`` is in seconds since the epoch. Further:
        ``grants``, ``scopes``."""
        token = token or f"ya29.{secrets.token_urlsafe(24)}"
        grants = [{"permissions": list(permissions), "prefix": prefix}]
        content = {"token": token, "principal": principal, "grants": grants, **more}
        self.ask("POST", "tokens", {**content, "expires": expires})
        return token

    def revoke(self, token: str) -> None:
        self.ask("DELETE", "tokens", {"token": token})

    def trust(self, email: str, kid: str, public_key: str, *permissions: str) -> None:
        """Accept what this service account signs for itself; ``public_key`` is PEM."""
        grants = [{"permissions": list(permissions or ("*",))}]
        key = {"email": email, "kid": kid, "public_key": public_key}
        self.ask("POST", "keys", {**key, "grants": grants})

    def add_project(self, name: str, number: str, *, enabled: bool = True) -> None:
        self.ask("POST", "projects", {"id": name, "number": number, "enabled": enabled})

    def fail(self, *rules: Mapping[str, Any]) -> None:
        """Replace the rules: ``method``, ``times``, ``status``, ``message``, ``delay``."""
        self.ask("POST", "failures", list(rules))

    def set(self, **settings: Any) -> None:
        """``behind``, ``page_size``, ``location``, ``corrupt_reads``, ``corrupt_writes``,
        ``pending``."""
        self.ask("POST", "settings", settings)

    def kms(self, key: str, state: str) -> None:
        self.ask("POST", "kms", {key: state})

    def advance(self, seconds: float) -> None:
        """The service's clock is so far ahead, until `settle`."""
        self.ask("POST", "clock", {"ahead": seconds})

    def settle(self) -> None:
        self.ask("POST", "settle", {})

    def calls(self) -> list[dict[str, Any]]:
        """What was called so far: ``transport``, ``method``, ``resource``, ``status``."""
        return list(self.ask("GET", "calls"))

    def forget(self) -> None:
        self.ask("DELETE", "calls")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        parts = urlsplit(self.control)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"/_fake/{path}", json.dumps(body), headers)
            reply = connection.getresponse()
            content = reply.read()
            assert reply.status == 200, content
            return json.loads(content)
        finally:
            connection.close()


class CloudKms(SecretManager):
    """Cloud KMS over REST at ``keys``; its control is that of Secret Manager, which is there,
    too."""

    def __init__(self, server: Server, grpc: str, control: str, keys: str) -> None:
        super().__init__(server, grpc, control)
        self.keys = keys

    def ring(self, name: str = "") -> str:
        """The resource name of a new key ring in `LOCATION`, of a random name by default."""
        made = name or f"ring-{secrets.token_hex(6)}"
        parts = urlsplit(self.keys)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            connection.request(
                "POST",
                f"/v1/projects/{PROJECT}/locations/{LOCATION}/keyRings?keyRingId={made}",
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
            reply = connection.getresponse()
            content = reply.read()
            assert reply.status == 200, content
            return str(json.loads(content)["name"])
        finally:
            connection.close()


@contextmanager
def secret_manager(directory: Path, tls: Issued | None = None) -> Iterator[SecretManager]:
    """With ``tls``, REST and gRPC speak TLS with this certificate; the control does not."""
    with _started(SECRET_MANAGER, directory, tls) as (server, grpc, control, _):
        yield SecretManager(server, grpc, control)


@contextmanager
def cloud_kms(directory: Path) -> Iterator[CloudKms]:
    """A process that has Cloud KMS, too."""
    with _started(CLOUD_KMS, directory, None) as found:
        yield CloudKms(*found)


@contextmanager
def _started(
    peer: Peer, directory: Path, tls: Issued | None
) -> Iterator[tuple[Server, str, str, str]]:
    """The server, and where gRPC, the control and Cloud KMS are."""
    others: list[int] = []

    def arguments(port: int) -> list[str]:
        others[:] = free_ports(3)
        grpc, control, keys = (str(other) for other in others)
        found = ["-m", "tests.peers.fakes.secret_manager", "--port", str(port)]
        found += ["--grpc-port", grpc, "--control-port", control]
        found += ["--project", f"{PROJECT}={NUMBER}", "--token", TOKEN]
        if peer is CLOUD_KMS:
            found += ["--kms-port", keys]
        if tls is not None:
            found += ["--certificate", str(tls.certificate), "--key", str(tls.key)]
        return found

    with started(
        peer,
        arguments,
        health="/",
        directory=directory,
        environ=lambda port: {"PYTHONPATH": str(ROOT)},
        scheme="http" if tls is None else "https",
    ) as server:
        grpc, control, keys = others
        yield server, f"127.0.0.1:{grpc}", _local(control), _local(keys)


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"
