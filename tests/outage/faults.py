"""``make faults``: two stores of different clouds, one of which goes wrong while it is used.

``python -m tests.outage.faults [--seconds 60] [--kind KIND] [--writes primary|failover]``

The program that uses them (``tests.outage.load``) is a process of its own with 64 readers and 8
writers. Prints a table, and ends with 1 if an acknowledged write is lost or an answer was older
than it said.

The primary is AWS Secrets Manager (moto, with our mends), its replica OpenBao. Where the
primary is killed they change places: moto keeps nothing, OpenBao has its data on the disk.
"Added" is what reads took longer than in a quiet phase just before, when the primary answered;
where the replica is the quicker of the two it is less than nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

import msgspec

from tests.outage.kinds import AWS, KINDS, Kind, Stores
from tests.outage.load import Order, Result
from tests.peers import aws
from tests.peers.openbao_durable import durable
from tests.peers.starting import plain_environment
from tests.providers.aws.opening import ENVIRON

T = TypeVar("T")
WRITES = ("failover", "primary")
QUIET_SHARE, QUIET_LEAST, QUIET_MOST = 0.25, 1.5, 10.0
"""The quiet phase, against which the outage is held: a share of it, seconds."""

SHORT = 30.0
"""Seconds; in a shorter outage the deadline of a try and the probe interval are, too."""

ROOT = Path(__file__).parents[2]


class LoadFailed(Exception):
    """The program ended by itself; the end of what it said on standard error."""


def timing(seconds: float) -> dict[str, Any]:
    """What of the defaults is changed for an outage of that length."""
    if seconds >= SHORT:
        return {}
    return {"attempt_seconds": 0.5, "breaker": {"probe_seconds": 0.5}}


def run(kind: Kind, stores: Stores, writes: str, seconds: float, directory: Path) -> Result:
    """One load through one outage. Raises ``LoadFailed``."""
    mount = stores.vault.vault.kv(2)
    prefix = f"{directory.name}-{mount}"
    with ExitStack() as stack:
        scene = stack.enter_context(kind.scene(stores))
        at_aws, at_vault = stores.aws.address, stores.vault.address
        if kind.primary == AWS:
            at_aws = scene.address
        else:
            at_vault = scene.address
        targets = {
            "aws": {"backend": "aws", "region": aws.REGION, "endpoint": at_aws},
            "vault": {"backend": "vault", "address": at_vault, "mount": mount, "kv": 2},
        }
        primary = targets.pop(kind.primary)
        (failover,) = targets.values()
        environment = {
            "primary": primary,
            "failover": failover,
            "writes": writes,
            "cache": {"ttl_seconds": 0},
            **timing(seconds),
        }
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "skykeep.yaml"
        # YAML takes JSON.
        config.write_text(
            json.dumps({"default_environment": "production", "production": environment}),
            encoding="utf-8",
        )
        environ = {
            **plain_environment(),
            **ENVIRON,
            "VAULT_TOKEN": stores.vault.vault.token,
            "SKYKEEP_HOME": str(directory / "home"),
        }
        program = stack.enter_context(_program(environ, directory / "load.log"))
        _ask(program, Order(str(config), prefix), dict)
        _ask(program, "quiet", dict)
        time.sleep(min(QUIET_MOST, max(QUIET_LEAST, QUIET_SHARE * seconds)))
        _ask(program, "brink", dict)
        with scene.outage():
            _ask(program, "fault", dict)
            time.sleep(seconds)
            _ask(program, "brink", dict)
        return _ask(program, "healed", Result)


class _Program:
    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log


@contextmanager
def _program(environ: dict[str, str], log: Path) -> Iterator[_Program]:
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.outage.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environ,
        )
    try:
        yield _Program(process, log)
    finally:
        process.kill()
        process.communicate()


def _ask(program: _Program, what: Order | str, answer: type[T]) -> T:
    text = what if isinstance(what, str) else msgspec.json.encode(what).decode()
    stdin, stdout = program.process.stdin, program.process.stdout
    assert stdin is not None
    assert stdout is not None
    stdin.write(f"{text}\n")
    stdin.flush()
    line = stdout.readline()
    if not line:
        said = program.log.read_text(encoding="utf-8", errors="replace")
        raise LoadFailed("\n".join(said.splitlines()[-30:]))
    return msgspec.json.decode(line, type=answer)


HEAD = (
    "kind",
    "writes",
    "answered",
    "replica, marked",
    "stale, marked",
    "refused",
    "written",
    "refused",
    "in doubt",
    "lost",
    "wrong",
    "p50 added",
    "p99 added",
    "back after",
    "settled after",
)


def cells(kind: str, writes: str, found: Result) -> list[str]:
    """A row of the table."""
    numbers = (
        found.answered,
        found.replica,
        found.stale,
        found.refused,
        found.written,
        found.unwritten,
        found.doubtful,
        len(found.lost),
        len(found.wrong),
    )
    return [
        kind,
        writes,
        *(f"{number:,}" for number in numbers),
        f"{found.p50 - found.quiet_p50:.1f} ms",
        f"{found.p99 - found.quiet_p99:.1f} ms",
        f"{found.recovered:.1f} s",
        f"{found.settled:.1f} s",
    ]


def bad(found: Result) -> list[str]:
    """What must not be."""
    left = [f"{found.owed} writes are still owed"] if found.owed else []
    torn = [f"{name}: a conflict, though nobody else writes" for name in found.conflicts]
    return [*found.lost, *found.wrong, *torn, *left]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.outage.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each outage")
    parser.add_argument("--kind", action="append", choices=list(KINDS))
    parser.add_argument("--writes", action="append", choices=WRITES)
    options = parser.parse_args()
    say("\n".join(f"{name}: {kind.text}" for name, kind in KINDS.items()) + "\n")
    say(f"| {' | '.join(HEAD)} |")
    say(f"| --- | --- |{' ---: |' * (len(HEAD) - 2)}")
    failed = False
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        home = Path(name)
        stores = Stores(
            stack.enter_context(aws.moto_mended(home / "moto")),
            stack.enter_context(durable(home / "openbao")),
        )
        for kind in options.kind or KINDS:
            for writes in options.writes or WRITES:
                directory = home / f"{kind}-{writes}"
                found = run(KINDS[kind], stores, writes, options.seconds, directory)
                say(f"| {' | '.join(cells(kind, writes, found))} |")
                for line in bad(found):
                    failed = True
                    say(f"{kind}, writes: {writes}: {line}", sys.stderr)
                if found.errors:
                    say(f"{kind}, writes: {writes}: {found.errors}", sys.stderr)
    return 1 if failed else 0


def say(line: str, where: TextIO | None = None) -> None:
    print(line, file=where, flush=True)


if __name__ == "__main__":
    sys.exit(main())
