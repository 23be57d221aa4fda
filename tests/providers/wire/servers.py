"""Small servers that do to a client whatever a test says, byte by byte; and certificates.

Each runs in threads of its own, so that it is there for every event loop and outlives a
fork of the client.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import queue
import re
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
END = b"\r\n\r\n"

Handler = Callable[[socket.socket, bytes], bool]
"""What is done with a request: gets the connection and the request's bytes, and says
whether the connection is kept."""


def answer(data: bytes) -> Handler:
    """Send these bytes and keep the connection."""

    def handler(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(data)
        return True

    return handler


def hang_up(data: bytes = b"") -> Handler:
    """Send these bytes, if any, and close."""

    def handler(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(data)
        return False

    return handler


def reset(connection: socket.socket, request: bytes) -> bool:
    """Answer with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


@dataclass
class Server:
    """Listens on loopback from ``with`` on.

    Attributes:
        handler: what is done with each request; may be replaced while it runs.
        tls: makes every connection a TLS one.
        requests: every request, head and body, as it came.
        connections: how many there have been, failed handshakes included.
        ended: gets an item whenever a connection has ended.
    """

    handler: Handler = field(default_factory=lambda: answer(OK))
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended: queue.SimpleQueue[int] = field(default_factory=queue.SimpleQueue)
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Server:
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the client was faster
        for thread in self._threads:
            thread.join(timeout=30)
            assert not thread.is_alive()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def wait_ended(self) -> None:
        """Wait until one more connection has ended."""
        self.ended.get(timeout=30)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self.connections += 1
                number = self.connections
            self._start(self._serve, connection, number)

    def _serve(self, raw: socket.socket, number: int) -> None:
        connection = raw
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(
                    raw, server_side=True, do_handshake_on_connect=False
                )
                with self._lock:
                    self._open.discard(raw)
                    self._open.add(connection)
                try:
                    connection.do_handshake()
                except ssl.SSLError:
                    drain(connection)
                    raise
            while (request := read_request(connection)) is not None:
                self.requests.append(request)
                if not self.handler(connection, request):
                    return
        except OSError:
            pass  # the client hung up, or refused the certificate
        finally:
            raw.close()
            self._done(connection, number)

    def _done(self, connection: socket.socket, number: int) -> None:
        with self._lock:
            self._open.discard(connection)
            connection.close()
        self.ended.put(number)


def drain(connection: ssl.SSLSocket) -> None:
    """Let the client read the alert: closed with bytes unread, TCP would take it away."""
    socket.socket.shutdown(connection, socket.SHUT_WR)
    while socket.socket.recv(connection, 65536):
        pass


def read_request(connection: socket.socket) -> bytes | None:
    """Head and body of one request; None at the end of the connection."""
    data = b""
    while END not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, _ = data.partition(END)
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    missing = len(head) + len(END) + int(length[1] if length else 0) - len(data)
    while missing > 0:
        piece = connection.recv(min(missing, 65536))
        if not piece:
            return None
        data += piece
        missing -= len(piece)
    return data


def tunnel(connection: socket.socket, request: bytes) -> bool:
    """What a proxy does with CONNECT: copy bytes both ways until one side ends."""
    target = re.match(rb"CONNECT ([^ :]+):(\d+) HTTP/1.1\r\n", request)
    assert target, request
    # Names of the test (``.test``) are all this host.
    with socket.create_connection(("127.0.0.1", int(target[2]))) as far:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        while True:
            waiting = isinstance(connection, ssl.SSLSocket) and connection.pending()
            ready = [connection] if waiting else select.select([connection, far], [], [])[0]
            for source in ready:
                piece = source.recv(65536)
                if not piece:
                    return False
                (far if source is connection else connection).sendall(piece)


NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


class Authority:
    """A certificate authority of the tests, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA {folder.name}")])
        certificate = (
            self._builder(self._name, self._key, -2, 30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = folder / "ca.pem"
        self.pem.write_bytes(certificate.public_bytes(Encoding.PEM))

    def certificate(
        self,
        name: str = "localhost",
        *,
        first_day: int = -1,
        last_day: int = 10,
        password: bytes | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> Path:
        """A PEM file with a certificate for that name or address and its key."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
        try:
            alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        certificate = (
            self._builder(subject, key, first_day, last_day)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        lock = BestAvailableEncryption(password) if password else NoEncryption()
        file = self._folder / f"{certificate.serial_number}.pem"
        file.write_bytes(
            certificate.public_bytes(Encoding.PEM)
            + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
        )
        return file

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, first: int, last: int
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + first * DAY)
            .not_valid_after(NOW + last * DAY)
        )


def server_side(certificate: Path, *, clients: Path | None = None) -> ssl.SSLContext:
    """A server's context; ``clients`` is the authority of the certificates that it wants."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    return context


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def pin_of(certificate: Path) -> str:
    """The pin of the certificate in a PEM file."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    key = found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
