"""A proxy that leads hosts of Azure to the fakes, so that addresses are the real ones."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.providers.wire.servers import Server, tunnel


@contextmanager
def tunnels(ports: Mapping[str, int]) -> Iterator[Server]:
    """``ports``: what a host ends with -> the port of this host that it is; ``""`` is any."""

    def handler(connection: socket.socket, request: bytes) -> bool:
        asked = re.match(rb"CONNECT ([^ :]+):443 HTTP/1.1\r\n", request)
        assert asked, request
        host = asked[1].decode()
        port = next(port for end, port in ports.items() if host.endswith(end))
        return tunnel(connection, f"CONNECT here:{port} HTTP/1.1\r\n".encode())

    with Server(handler) as server:
        yield server
