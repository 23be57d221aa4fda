"""Starting a server on a free port, waiting until it answers, stopping it."""

from __future__ import annotations

import http.client
import os
import random
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.peers import keeper, places
from tests.peers.peer import Peer, Server

READY_SECONDS = 90.0
TRIES = 5
PORTS = (15_000, 32_000)

Command = Callable[[int], list[str]]
"""The arguments of a server's program, for a port of 127.0.0.1 that was free a moment ago."""


class NotStarted(Exception):
    """The server ended or did not answer in time. The message ends with the end of its log."""


@contextmanager
def started(
    peer: Peer,
    arguments: Command,
    *,
    health: str,
    directory: Path,
    environ: Callable[[int], Mapping[str, str]] = lambda port: {},
    ready: Callable[[int], bool] = lambda status: status < 500,
    scheme: str = "http",
    context: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    """A server of this kind, for as long as the block runs.

    ``environ`` gives variables for a port: not every server takes it as an argument. ``health``
    is the path that is asked until ``ready`` accepts the status of the answer. With
    another ``scheme`` than http, ``context`` is what asks; without one the port is only waited
    for. Raises `NotStarted`; a port that was taken meanwhile is not the end, several are
    tried.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, TRIES + 1):
        (port,) = free_ports(1)
        log = directory / f"{peer.name}.log"
        command = [str(places.program(peer)), *arguments(port)]
        process, pid = keep(command, log, peer.grace, {**plain_environment(), **environ(port)})
        try:
            try:
                asked = f"{scheme}://127.0.0.1:{port}{health}"
                silent = scheme != "http" and context is None
                wait_until_ready(process, port, None if silent else asked, ready, context)
            except NotStarted as failure:
                if attempt < TRIES and process.poll() is not None:
                    continue
                raise NotStarted(f"{peer.name}: {failure}\n{tail(log)}") from None
            yield Server(peer, f"{scheme}://127.0.0.1:{port}", pid, log)
            return
        finally:
            release(process)


def free_ports(number: int) -> list[int]:
    """TCP ports of 127.0.0.1 that nobody listens on now, each another one.

    Not from the range that clients' sockets get theirs from (Linux, 32,768 and above): the
    tests open thousands of these, and one could be quicker than the server.
    """
    found: list[int] = []
    with ExitStack() as probes:
        while len(found) < number:
            port = random.randrange(*PORTS)
            probe = probes.enter_context(socket.socket())
            with suppress(OSError):  # somebody has it
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found


def plain_environment() -> dict[str, str]:
    """Ours, without what would point a server elsewhere or count its lines in our coverage."""
    unwanted = ("COVERAGE_", "AWS_", "VAULT_", "BAO_", "SKYKEEP_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


def keep(
    command: list[str], log: Path, grace: float, environ: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a command under its keeper: the keeper's process, and the command's process id."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(keeper.__file__), str(log), str(grace), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=dict(environ),
        cwd=log.parent,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.strip().isdigit():
        release(process)
        raise NotStarted(f"{command[0]} could not be started")
    return process, int(line)


def release(process: subprocess.Popen[bytes]) -> None:
    """Let the server go, and wait until its keeper is gone, too."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.wait()


def wait_until_ready(
    process: subprocess.Popen[bytes],
    port: int,
    url: str | None,
    ready: Callable[[int], bool],
    context: ssl.SSLContext | None = None,
) -> None:
    """Ask until the server answers as it should. Raises `NotStarted`."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NotStarted("it ended before it answered")
        with suppress(OSError, http.client.HTTPException):
            if url is None:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return
            if ready(status_of(url, context)):
                return
        time.sleep(0.05)
    raise NotStarted(f"it did not answer within {READY_SECONDS:.0f} s")


def status_of(url: str, context: ssl.SSLContext | None = None) -> int:
    """The status that a GET gets."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = (
        http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
        if context is None
        else http.client.HTTPSConnection(parts.hostname, parts.port, timeout=5, context=context)
    )
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        return connection.getresponse().status
    finally:
        connection.close()


def tail(log: Path | None, lines: int = 30) -> str:
    """The end of a server's log; empty if there is none."""
    if log is None or not log.exists():
        return ""
    text = log.read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])
