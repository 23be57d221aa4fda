"""Azure Blob Storage by Azurite: Shared Key and shared access signatures are checked; of
Entra's tokens, over TLS, all but the signature.

Traps that were seen, with azure-storage-blob as the judge, are told beside the cases that step
over them (``tests/conformance/test_blob.py``).
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.peers.certificates import Authority
from tests.peers.peer import AZURITE, Server
from tests.peers.starting import started
from tests.peers.tokens import Issuer

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

ACCOUNT = "testsaccount"
KEY = base64.b64encode(b"not a secret: tests only, opens nothing but this".ljust(64)).decode()
AUDIENCE = "https://storage.azure.com"
TENANT = "72f988bf-0000-4000-8000-000000000001"  # made up


@dataclass(frozen=True)
class Azurite:
    """One account; tests share it: a container of one's own, or a prefix in the shared one.

    Attributes:
        address: of the account.
        ca: PEM file of who vouches for it; None without TLS.
    """

    server: Server
    ca: Path | None = None
    issuer: Issuer = field(default_factory=Issuer)
    _containers: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.server.address}/{ACCOUNT}"

    def client(self, container: str) -> ContainerClient:
        """The judge: azure-storage-blob."""
        from azure.storage.blob import ContainerClient

        verify: dict[str, Any] = {} if self.ca is None else {"connection_verify": str(self.ca)}
        return ContainerClient(self.address, container, credential=KEY, **verify)

    def new_container(self) -> str:
        """A container that is empty; its name."""
        name = f"tests-{secrets.token_hex(8)}"
        with self.client(name) as client:
            client.create_container()
        return name

    def shared_container(self) -> str:
        """One for all tests that keep to a prefix of their own; its name."""
        if not self._containers:
            self._containers.append(self.new_container())
        return self._containers[0]

    def signature(self, container: str) -> str:
        """A shared access signature that allows everything in the container for an hour."""
        from azure.storage.blob import ContainerSasPermissions, generate_container_sas

        return generate_container_sas(
            ACCOUNT,
            container,
            account_key=KEY,
            permission=ContainerSasPermissions.from_string("racwdlt"),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )

    def token(self, audience: str = AUDIENCE, **claims: Any) -> str:
        """An access token, as Entra issues them."""
        return self.issuer.token(
            "made-up-object",
            audience,
            **{
                "iss": f"https://sts.windows.net/{TENANT}/",
                "iat": int(time.time()),
                "nbf": int(time.time()),
                "oid": "made-up-object",
                "tid": TENANT,
                "ver": "1.0",
                **claims,
            },
        )


@contextmanager
def azurite(directory: Path, authority: Authority | None = None) -> Iterator[Azurite]:
    """Over TLS, and with Entra's tokens, for an authority."""
    issued = None if authority is None else authority.issue()

    def arguments(port: int) -> list[str]:
        more = []
        if issued is not None:
            more = ["--cert", str(issued.certificate), "--key", str(issued.key)]
            more += ["--oauth", "basic"]
        return [
            *("--blobHost", "127.0.0.1", "--blobPort", str(port)),
            *("--location", str(directory), "--silent"),
            *("--skipApiVersionCheck", "--disableTelemetry"),
            *more,
        ]

    def environ(port: int) -> dict[str, str]:
        return {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}

    with started(
        AZURITE,
        arguments,
        health=f"/{ACCOUNT}?comp=list",
        directory=directory,
        environ=environ,
        scheme="http" if issued is None else "https",
    ) as server:
        yield Azurite(server, None if authority is None else authority.ca)
