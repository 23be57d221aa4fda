"""A proxy between a client and a server that goes wrong on demand.

    with FaultProxy(server.address) as proxy:
        proxy.fail(LostResponse(), when=lambda request: b"PutSecretValue" in request.head)
        ...  # the client talks to proxy.address

Bytes pass as they are: heads are read to know where a message ends, and never written anew, so
that signatures hold. Only HTTP/1.1 is understood, with a length, in chunks, or up to the end of
the connection; ``Expect: 100-continue`` is not. Behind ``tls`` the proxy talks TLS with the
client and plain HTTP with the server; with ``trust`` it talks TLS with the server. Each
connection has a thread.

Each fault says what the server has seen: only then can a test know what must not happen twice.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.peers.messages import Closed, Message, read_reply, read_request


@dataclass(frozen=True)
class Latency:
    """The request is held back for ``seconds``, or until the proxy closes; then all is well."""

    seconds: float


@dataclass(frozen=True)
class Silence:
    """Nothing is ever answered; the server has not seen the request."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset; the server has not seen the request."""


@dataclass(frozen=True)
class Dropped:
    """The connection ends without an answer; the server has not seen the request."""


@dataclass(frozen=True)
class LostResponse:
    """The server has done what was asked; the client sees a reset connection."""


@dataclass(frozen=True)
class Truncated:
    """The server has done what was asked; the client gets the head and half of the body."""


@dataclass(frozen=True)
class Answer:
    """Another answer; the server has not seen the request. Throttling is one of these."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def encoded(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Fault", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


Fault = Latency | Silence | Reset | Dropped | LostResponse | Truncated | Answer
When = Callable[[Message], bool]


@dataclass(frozen=True)
class Seen:
    """A request that came through, and what happened to it."""

    request: Message
    fault: Fault | None


@dataclass
class _Rule:
    fault: Fault
    when: When
    left: int | None


@dataclass
class FaultProxy:
    """A proxy to the server at ``upstream``, a URL; on a free port of 127.0.0.1.

    ``seen`` are the requests so far, in the order in which they were read.
    """

    upstream: str
    tls: ssl.SSLContext | None = None
    trust: ssl.SSLContext | None = None
    seen: list[Seen] = field(default_factory=list)
    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)
    _sockets: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts = urlsplit(self.upstream)
        assert parts.hostname is not None
        assert parts.scheme == ("http" if self.trust is None else "https")
        self._server = (parts.hostname, parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        scheme = "http" if self.tls is None else "https"
        self.address = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def fail(
        self, fault: Fault, *, times: int | None = 1, when: When = lambda request: True
    ) -> None:
        """Let the next ``times`` requests that ``when`` accepts (None: all) have a fault.

        Of several rules the first one that accepts and is not used up counts.
        """
        with self._lock:
            self._rules.append(_Rule(fault, when, times))

    def heal(self) -> None:
        """Forget all faults that were asked for."""
        with self._lock:
            self._rules.clear()

    def __enter__(self) -> FaultProxy:
        self._start(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self._closing.set()
        self._wake()
        for thread in self._threads:
            while thread.is_alive():
                thread.join(1.0)
                self._wake()  # whoever began to wait meanwhile
        self._listener.close()

    def _wake(self) -> None:
        """End what the threads wait for. On Linux, closing alone would leave them waiting."""
        shut(self._listener)
        with self._lock:
            left = list(self._sockets)
        for connection in left:
            shut(connection)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server: socket.socket | None = None
        try:
            if self.tls is not None:
                client.settimeout(10)  # a handshake cannot be woken when the proxy closes
                client = self.tls.wrap_socket(client, server_side=True)
                client.settimeout(None)
            self._opened(client)
            while True:
                request = read_request(client)
                fault = self._next(request)
                if server is None and not isinstance(fault, Silence | Reset | Dropped | Answer):
                    server = socket.create_connection(self._server, timeout=10)
                    server.settimeout(None)
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if self.trust is not None:
                        server = self.trust.wrap_socket(server, server_hostname=self._server[0])
                    self._opened(server)
                if not self._exchange(client, server, request, fault):
                    return
        except (Closed, OSError):
            pass  # one side is gone: so is the other
        finally:
            for connection in (client, server):
                if connection is not None:
                    with self._lock:
                        self._sockets.discard(connection)
                    connection.close()

    def _exchange(
        self,
        client: socket.socket,
        server: socket.socket | None,
        request: Message,
        fault: Fault | None,
    ) -> bool:
        """One request and its answer; False if the connection ends with it."""
        match fault:
            case Latency(seconds):
                self._closing.wait(seconds)
            case Silence():
                self._closing.wait()
                return False
            case Reset():
                reset(client)
                return False
            case Dropped():
                return False
            case Answer():
                client.sendall(fault.encoded())
                return True
        assert server is not None
        server.sendall(request.encoded())
        reply = read_reply(server, to=request)
        match fault:
            case LostResponse():
                reset(client)
                return False
            case Truncated():
                client.sendall(reply.head + reply.body[: len(reply.body) // 2])
                return False
        client.sendall(reply.encoded())
        return not (reply.last or request.last)

    def _opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.add(connection)
        if self._closing.is_set():
            shut(connection)

    def _next(self, request: Message) -> Fault | None:
        with self._lock:
            fault = None
            for rule in self._rules:
                if rule.left != 0 and rule.when(request):
                    rule.left = None if rule.left is None else rule.left - 1
                    fault = rule.fault
                    break
            self.seen.append(Seen(request, fault))
            return fault


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN: nothing that was sent before can be relied upon."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(connection, ssl.SSLSocket):
        # Its close() only drops a reference while the layer above holds another.
        connection = socket.socket(fileno=connection.detach())
    connection.close()


def shut(connection: socket.socket) -> None:
    """Wake whoever waits on it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is closed already, or was never connected
