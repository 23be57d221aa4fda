"""An HTTP server whose answers are a method."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked.

    Names of headers are in lower case; ``target`` is path and query as they were sent.
    """

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(status: int, content: Any) -> Reply:
    body = json.dumps(content).encode()
    return Reply(status, body, {"Content-Type": "application/json"})


class Fake:
    """A server on a free port of 127.0.0.1, for as long as the ``with`` block runs.

    With ``tls`` it speaks HTTPS.

    A subclass answers in `answer`, which is called in the threads of the connections, one call
    at a time. ``asked`` are the requests so far.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Request] = []
        self._lock = threading.Lock()
        self._http = _Listener(("127.0.0.1", 0), _Handler)
        self._http.fake = self
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.address = f"{scheme}://127.0.0.1:{self._http.server_address[1]}"
        # The interval is how often it looks whether it is to end.
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def handle(self, request: Request) -> Reply:
        with self._lock:
            self.asked.append(request)
            return self.answer(request)

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Listener(ThreadingHTTPServer):
    fake: Fake
    daemon_threads = True
    # Five by default: of 64 that come at once some would be refused.
    request_queue_size = 256
    # A client may hold an idle connection for longer than the test lasts.
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second would wait for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            self.path,
            parts.path,
            {key: values[0] for key, values in parse_qs(parts.query).items()},
            {key.lower(): value for key, value in self.headers.items()},
            self.rfile.read(length),
        )
        reply = self.server.fake.handle(request)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_LIST = do_HEAD = serve  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what was asked is in `Fake.asked`."""
