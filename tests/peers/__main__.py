"""``make peers`` and ``make peers-status``.

python -m tests.peers prepare                 install what requirements/peers.txt locks, and
                                              build what has to be built
python -m tests.peers prepare --if-possible   the same; a failure is told and forgiven
python -m tests.peers status                  what is there, and why something is not
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import suppress

from scripts import setup_venv
from tests.peers import places
from tests.peers.building import NotBuilt
from tests.peers.peer import PEERS


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.peers")
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare")
    preparing.add_argument("--if-possible", action="store_true")
    commands.add_parser("status")
    options = parser.parse_args(arguments)
    if options.command == "status":
        return status()
    code = prepare()
    if code and options.if_possible:
        setup_venv.say("tests that need a peer will be skipped, or fail in CI.")
        return 0
    return code


def prepare() -> int:
    """Install the servers, once; say what cannot be had."""
    with places.alone():
        if not places.up_to_date():
            setup_venv.say("servers for the tests (500 MB, half a minute or more, once) …")
        try:
            setup_venv.set_up(places.environment(), "peers")
        except subprocess.CalledProcessError as failure:
            setup_venv.say(
                f"the peers could not be installed (exit code {failure.returncode})."
            )
            return 1
        for peer in PEERS.values():
            if (peer.built or peer.npm) and peer.name not in places.absences():
                with suppress(NotBuilt):  # why, is said with what is lacking
                    places.building(peer).build(setup_venv.say)
    lacking = {name: places.missing(peer) for name, peer in PEERS.items()}
    for name, reason in lacking.items():
        if reason is not None:
            setup_venv.say(f"{name}: {reason}")
    return 1 if any(lacking[name] and places.required(PEERS[name]) for name in PEERS) else 0


def status() -> int:
    """Print one line for each server, and the gaps that are known."""
    row = "{:14} {:38} {:10} {:>8}  {}"
    say(row.format("peer", "for", "version", "MB", "where, or why not"))
    for peer in PEERS.values():
        address = peer.elsewhere()
        reason = places.missing(peer)
        version = places.version(peer)
        if address:
            cells = ["-", "-", f"{address} ({peer.variable})"]
        elif reason is not None or version is None:
            cells = ["-", "-", f"absent: {reason}"]
        else:
            megabytes = f"{places.size(peer) / 1e6:.1f}"
            cells = [version, megabytes, str(places.program(peer))]
        say(row.format(peer.name, peer.service, *cells))
    for name, absence in places.absences().items():
        say(f"absent: {name}: {absence.reason} Tried: {absence.tried}")
        if absence.instead:
            say(f"    instead: {absence.instead}")
    return 0


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command reports by printing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
