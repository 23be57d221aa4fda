"""OpenBao that keeps its data: it can be killed, and started again at the same address.

Storage is Raft with one node (the `file` backend is gone from OpenBao 2.7: "unknown storage
type"), which syncs its log before it answers. After a start it is sealed and answers 503 until
it is unsealed, as one without auto-unseal is; then, until it has elected itself, 429.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.peers import places
from tests.peers.openbao import OpenBao, initialised
from tests.peers.peer import OPENBAO, Server
from tests.peers.starting import (
    free_ports,
    keep,
    plain_environment,
    release,
    status_of,
    wait_until_ready,
)

HEALTH = "/v1/sys/health"
ACTIVE, UNINITIALISED, SEALED = 200, 501, 503


class Durable:
    """One server, its port and its directory.

    Attributes:
        vault: what talks to it; its methods work while it runs.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port, cluster = free_ports(2)
        self._address = f"http://127.0.0.1:{self._port}"
        self._file = directory / "openbao.hcl"
        self._log = directory / "openbao.log"
        self._keeper: subprocess.Popen[bytes] | None = None
        self._pid = 0
        data = directory / "data"
        data.mkdir(parents=True)
        self._file.write_text(
            f'storage "raft" {{\n path = "{data}"\n node_id = "one"\n}}\n'
            f'listener "tcp" {{\n address = "127.0.0.1:{self._port}"\n'
            f' cluster_address = "127.0.0.1:{cluster}"\n tls_disable = true\n}}\n'
            f'api_addr = "{self._address}"\ncluster_addr = "https://127.0.0.1:{cluster}"\n',
            encoding="utf-8",
        )
        self._start(UNINITIALISED)
        server = Server(OPENBAO, self._address, self._pid, self._log)
        self.vault = initialised(OpenBao(server, ""))
        self._wait(ACTIVE)

    @property
    def address(self) -> str:
        """The same for all its lives."""
        return self._address

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._pid

    def _start(self, ready: int) -> None:
        command = [str(places.program(OPENBAO)), "server", f"-config={self._file}"]
        environ = plain_environment()
        self._keeper, self._pid = keep(command, self._log, OPENBAO.grace, environ)
        self._wait(ready)

    def _wait(self, ready: int) -> None:
        assert self._keeper is not None
        url = f"{self._address}{HEALTH}"
        wait_until_ready(self._keeper, self._port, url, lambda status: status == ready)

    def kill(self) -> None:
        """End the process at once, with SIGKILL, and see that it is gone."""
        os.kill(self._pid, signal.SIGKILL)
        self._release()
        with suppress(OSError):
            raise AssertionError(f"it still answers {status_of(self._address + HEALTH)}")

    def restart(self) -> None:
        """Start it again and unseal it. Raises ``NotStarted``."""
        self._start(SEALED)
        self.vault.unseal()
        self._wait(ACTIVE)

    def _release(self) -> None:
        if self._keeper is not None:
            release(self._keeper)
            self._keeper = None

    def stop(self) -> None:
        """As at the end of other servers."""
        self._release()


@contextmanager
def durable(directory: Path) -> Iterator[Durable]:
    """Initialised and unsealed. It has no mounts of its own."""
    server = Durable(directory)
    try:
        yield server
    finally:
        server.stop()
