"""AWS's ``AssumeRoleWithWebIdentity`` by SeaweedFS, which verifies the token for real.

moto and ministack take any token; this one asks the issuer for its keys, checks signature,
issuer, audience and time, and the role's trust policy. Configuration: SeaweedFS's own tests,
``test/s3/iam/*.json``.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.fakes.oidc import OpenIdIssuer
from tests.peers.peer import SEAWEEDFS, Server
from tests.peers.starting import free_ports, started
from tests.peers.tokens import Issuer

AUDIENCE = "sts.amazonaws.com"
ROLE = "arn:aws:iam::role/reader"
PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
)
HOUR = 3_600_000_000_000  # nanoseconds, as Go writes durations


@dataclass(frozen=True)
class WebIdentity:
    """An STS at ``server.address``, and the issuer that it trusts. ``role`` may be assumed."""

    server: Server
    issuer: Issuer
    role: str = ROLE
    audience: str = AUDIENCE

    @property
    def address(self) -> str:
        return self.server.address

    def token(self, subject: str = "system:serviceaccount:shop:web", **changes: int) -> str:
        return self.issuer.token(subject, self.audience, **changes)


@contextmanager
def seaweedfs(directory: Path) -> Iterator[WebIdentity]:
    with OpenIdIssuer() as oidc:
        file = directory / "iam.json"
        file.write_text(json.dumps(configuration(oidc.issuer)), encoding="utf-8")
        keys = directory / "s3.json"
        keys.write_text(json.dumps({"identities": []}), encoding="utf-8")

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
                f"-s3.iam.config={file}",
                *(f"-{name}={other}" for name, other in zip(PORTS, others, strict=True)),
                # On by default: reports to the project, and ports that are always the same.
                "-master.telemetry=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                # These would be left behind in the system's directory for temporary files.
                f"-filer.localSocket={directory}/filer.sock",
                f"-s3.localSocket={directory}/s3.sock",
            ]

        try:
            with started(
                SEAWEEDFS, arguments, health="/healthz", directory=directory
            ) as server:
                yield WebIdentity(server, oidc.issuer)
        finally:
            remove_sockets(taken)


def remove_sockets(ports: list[int]) -> None:
    """Remove what the server leaves behind; it cannot be told another place for these."""
    for port in ports:
        for file in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):
            file.unlink(missing_ok=True)


def configuration(issuer: Issuer) -> dict[str, object]:
    trusted = {
        "Effect": "Allow",
        "Principal": {"Federated": "tests"},
        "Action": ["sts:AssumeRoleWithWebIdentity"],
    }
    allowed = {"Effect": "Allow", "Action": ["s3:*", "sts:*"], "Resource": "*"}
    return {
        "sts": {
            "tokenDuration": HOUR,
            "maxSessionLength": 12 * HOUR,
            "issuer": "seaweedfs-sts",
            "signingKey": base64.b64encode(secrets.token_bytes(32)).decode("ascii"),
        },
        "providers": [
            {
                "name": "tests",
                "type": "oidc",
                "enabled": True,
                "config": {
                    "issuer": issuer.url,
                    "clientId": AUDIENCE,
                    "jwksUri": f"{issuer.url}/keys",
                },
            }
        ],
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "roles": [
            {
                "roleName": "reader",
                "roleArn": ROLE,
                "trustPolicy": {"Version": "2012-10-17", "Statement": [trusted]},
                "attachedPolicies": ["everything"],
            }
        ],
        "policies": [
            {
                "name": "everything",
                "document": {"Version": "2012-10-17", "Statement": [allowed]},
            }
        ],
    }
