"""A server lives as long as somebody holds it, and not a moment longer."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.peers import places
from tests.peers.peer import PEERS, Peer, Server
from tests.peers.starting import NotStarted, keep, release, started

# A server that answers, with a child of its own, which SIGTERM does not end; it says their
# process ids.
PARENT = """
import http.server, os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", '''
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
while True:
    signal.pause()
'''], stdout=subprocess.PIPE)
child.stdout.readline()
print(os.getpid(), child.pid, flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])),
    http.server.SimpleHTTPRequestHandler).serve_forever()
"""
STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write("deaf")
while True:
    signal.pause()
"""
# Starts a server as a worker of pytest does, and is killed.
HOLDER = """
import sys, pathlib, signal
from tests.peers.starting import keep
process, pid = keep([sys.executable, "-c", sys.argv[1]], pathlib.Path(sys.argv[2]), 1.0, {})
print(pid, flush=True)
signal.pause()
"""
TEST = Peer("test", "tests", "none", "none", grace=1.0)


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `started` start this Python."""
    monkeypatch.setattr(places, "program", lambda peer: Path(sys.executable))


def ended(descriptor: int) -> bool:
    """Whether the process has ended within a minute. A descriptor of it is ready then."""
    try:
        return bool(select.select([descriptor], [], [], 60)[0])
    finally:
        os.close(descriptor)


@pytest.mark.usefixtures("python")
def test_a_server_and_its_children_end_with_the_block(tmp_path: Path) -> None:
    with started(
        TEST, lambda port: ["-c", PARENT, str(port)], health="/", directory=tmp_path
    ) as server:
        assert server.log is not None
        pids = [int(word) for word in server.log.read_text().split()[:2]]
        assert server.pid == pids[0]
        descriptors = [os.pidfd_open(pid) for pid in pids]
    assert [ended(descriptor) for descriptor in descriptors] == [True, True]


def test_a_server_ends_when_its_holder_is_killed(tmp_path: Path) -> None:
    code = "import signal; signal.pause()"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, code, str(tmp_path / "log")], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    server = os.pidfd_open(int(holder.stdout.readline()))
    holder.send_signal(signal.SIGKILL)
    holder.stdout.close()
    holder.wait()
    assert ended(server)


def test_a_server_that_does_not_listen_to_sigterm_is_killed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", STUBBORN, str(pipe)]
    process, pid = keep(command, tmp_path / "log", 0.1, {})
    server = os.pidfd_open(pid)
    assert pipe.read_text() == "deaf"  # waits until it has said so
    release(process)
    assert ended(server)
    assert process.returncode == -signal.SIGKILL & 0xFF


@pytest.mark.usefixtures("python")
def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(NotStarted, match=r"(?s)test: it ended before it answered.*no such file"),
        started(
            TEST,
            lambda port: ["-c", "raise SystemExit('no such file')"],
            health="/",
            directory=tmp_path,
        ),
    ):
        pass


@pytest.mark.usefixtures("python")
def test_another_port_is_tried_when_one_is_taken(tmp_path: Path) -> None:
    ports: list[int] = []

    def arguments(port: int) -> list[str]:
        ports.append(port)
        return ["-c", PARENT if len(ports) == 3 else "raise SystemExit(1)", str(port)]

    with started(TEST, arguments, health="/", directory=tmp_path) as server:
        assert server.address == f"http://127.0.0.1:{ports[2]}"


@pytest.mark.parametrize("fixture", sorted(PEERS))
def test_the_servers_listen_on_the_loopback_only(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    found = request.getfixturevalue(fixture)
    server: Server = getattr(found, "server", found)
    if server.pid is None:
        pytest.skip("it runs elsewhere")
    listening = addresses(server.pid)
    assert listening
    assert {address.partition(":")[0] for address in listening} == {"127.0.0.1"}


def addresses(pid: int) -> list[str]:
    """Where the processes of this one's session listen, as ``ADDRESS:PORT`` (proc(5))."""
    inodes = {
        target
        for process in Path("/proc").glob("[0-9]*")
        if session_of(process) == pid
        for target in descriptors_of(process)
    }
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                host, _, port = fields[1].partition(":")
                # A socket of both kinds says ::ffff:127.0.0.1; words are in the host's order.
                mapped = host.removeprefix("0000000000000000FFFF0000")
                parts = [str(int(mapped[at : at + 2], 16)) for at in (6, 4, 2, 0)]
                name = ".".join(parts) if len(mapped) == 8 else host
                found.append(f"{name}:{int(port, 16)}")
    return found


def session_of(process: Path) -> int | None:
    """None if it has ended meanwhile."""
    try:
        return os.getsid(int(process.name))
    except OSError:
        return None


def descriptors_of(process: Path) -> Iterator[str]:
    """What its descriptors are, but for those that are closed while this looks."""
    with suppress(OSError):
        for file in (process / "fd").iterdir():
            with suppress(OSError):
                yield str(file.readlink())
