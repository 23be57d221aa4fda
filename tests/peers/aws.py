"""AWS in the shape of moto and ministack, and microburst before moto.

Traps that were seen, with boto3 as the judge:

- moto: after ``UpdateSecretVersionStage`` a read without a stage returns the old value: name
  ``AWSCURRENT``. It takes secrets of 70 kB, and any credentials.
- ministack: ignores ``ClientRequestToken``. With ``AUTH`` on, as here, it checks the signatures
  (and their time) and the policies of users that were made in it, see `clients.aws_user`; its
  root key needs no right signature.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.peers.peer import MICROBURST, MINISTACK, MOTO, MOTO_MENDED, Server
from tests.peers.starting import started

REGION = "us-east-1"
# ministack's root user; moto takes anything.
ACCESS_KEY = "test"
SECRET_KEY = "test"


@contextmanager
def moto(directory: Path) -> Iterator[Server]:
    def arguments(port: int) -> list[str]:
        return ["-H", "127.0.0.1", "-p", str(port)]

    with started(MOTO, arguments, health="/moto-api/data.json", directory=directory) as server:
        yield server


@contextmanager
def moto_mended(directory: Path) -> Iterator[Server]:
    """See ``mended_moto.py``."""

    def arguments(port: int) -> list[str]:
        script = Path(__file__).with_name("mended_moto.py")
        return [str(script), "-H", "127.0.0.1", "-p", str(port)]

    with started(
        MOTO_MENDED, arguments, health="/moto-api/data.json", directory=directory
    ) as server:
        yield server


@contextmanager
def ministack(directory: Path) -> Iterator[Server]:
    """With signatures checked, and IMDSv2 only. Its default is to listen on every interface."""

    def environ(port: int) -> dict[str, str]:
        return {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_IMDS_V2_REQUIRED": "1",
            # These would listen on every interface, whatever BIND_HOST says.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "SFTP_HOST": "127.0.0.1",
            "TMPDIR": str(directory),  # where it writes a log of its own
        }

    with started(
        MINISTACK,
        lambda port: [],
        health="/_ministack/health",
        directory=directory,
        environ=environ,
    ) as server:
        yield server


class Microburst:
    """The proxy's control interface. `Server.address` is what the client talks to."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.address = server.address

    def rules(self, *rules: dict[str, Any]) -> None:
        """Replace the rules by these; none means that all is well."""
        self._control("POST", "rules", list(rules))

    def fired(self) -> list[dict[str, Any]]:
        """What went wrong so far, by the rules."""
        return list(json.loads(self._control("GET", "fired")))

    def _control(self, method: str, path: str, body: Any = None) -> bytes:
        parts = urlsplit(self.address)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"/_microburst/{path}", json.dumps(body), headers)
            reply = connection.getresponse()
            content = reply.read()
            assert reply.status == 200, content
            return content
        finally:
            connection.close()


@contextmanager
def microburst(upstream: Server, directory: Path) -> Iterator[Microburst]:
    def arguments(port: int) -> list[str]:
        return ["-u", upstream.address, "-p", str(port), "--host", "127.0.0.1"]

    with started(
        MICROBURST, arguments, health="/_microburst/health", directory=directory
    ) as server:
        yield Microburst(server)
