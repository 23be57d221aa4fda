"""S3 by SeaweedFS: signatures and their time are checked, for the key below.

Traps that were seen, with boto3 as the judge, are told beside the cases that step over them
(``tests/conformance/test_s3.py``).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers.peer import SEAWEEDFS_S3, Server
from tests.peers.starting import free_ports, started
from tests.peers.web_identity import PORTS, remove_sockets

ACCESS_KEY = "AKIDTESTS"
SECRET_KEY = "not a secret: tests only"  # it opens nothing but this server


@dataclass(frozen=True)
class S3:
    """An S3 at ``server.address``; tests share it: a bucket of one's own for each."""

    server: Server
    _buckets: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.server.address

    def client(self) -> Any:
        """The judge: boto3."""
        from tests.peers.clients import aws_client

        return aws_client("s3", self.address, access_key=ACCESS_KEY, secret_key=SECRET_KEY)

    def new_bucket(self) -> str:
        """A bucket that is empty; its name."""
        name = f"tests-{secrets.token_hex(8)}"
        with closing(self.client()) as client:
            client.create_bucket(Bucket=name)
        return name

    def shared_bucket(self) -> str:
        """One for all tests that keep to a prefix of their own; its name."""
        if not self._buckets:
            self._buckets.append(self.new_bucket())
        return self._buckets[0]


@contextmanager
def seaweedfs_s3(directory: Path) -> Iterator[S3]:
    keys = directory / "s3.json"
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    keys.write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
    taken: list[int] = []

    def arguments(port: int) -> list[str]:
        others = free_ports(len(PORTS))
        taken.extend(others)
        return [
            "server",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-dir={directory}",
            "-s3",
            f"-s3.port={port}",
            f"-s3.config={keys}",
            *(f"-{name}={other}" for name, other in zip(PORTS, others, strict=True)),
            # On by default: reports to the project, and ports that are always the same.
            "-master.telemetry=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            # Each bucket takes seven volumes of its own: many small ones.
            "-volume.max=2000",
            "-master.volumeSizeLimitMB=256",
            # These would be left behind in the system's directory for temporary files.
            f"-filer.localSocket={directory}/filer.sock",
            f"-s3.localSocket={directory}/s3.sock",
        ]

    try:
        with started(SEAWEEDFS_S3, arguments, health="/healthz", directory=directory) as server:
            yield S3(server)
    finally:
        remove_sockets(taken)
