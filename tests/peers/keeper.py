"""Keeps one server for as long as somebody holds the other end of standard input.

    python keeper.py LOG GRACE COMMAND…

Prints the server's process id and waits. When standard input ends (its holder closed it or is
gone, killed perhaps) the server's whole process group is asked to stop and, after GRACE
seconds, killed. When the server ends by itself, so does the keeper, with its exit code.

The keeper and the server have sessions of their own: an interrupt from the terminal reaches
only the holder. It runs without `site`, so it must need nothing but the standard library.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path


def main(arguments: list[str]) -> int:
    log, grace, *command = arguments
    with Path(log).open("ab") as output:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    print(server.pid, flush=True)  # noqa: T201 - this is how the holder learns of it
    threading.Thread(target=stop_at_end, args=(server, float(grace)), daemon=True).start()
    code = server.wait()
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)  # children that it left behind
    return code & 0xFF


def stop_at_end(server: subprocess.Popen[bytes], grace: float) -> None:
    """Wait for the end of standard input, then stop the server."""
    sys.stdin.buffer.read()
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(grace)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
