"""Where the servers are kept, whether they are there, and why not."""

from __future__ import annotations

import fcntl
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from scripts import setup_venv
from tests.peers.building import SOURCES, Building
from tests.peers.packages import Installing
from tests.peers.peer import Peer

ABSENT = Path(__file__).parent / "absent.toml"
# Where Kubernetes's programs keep their version: its hack/lib/version.sh.
STAMPS = ("k8s.io/component-base/version.gitVersion",)


@dataclass(frozen=True)
class Absence:
    """An entry of ``absent.toml``."""

    reason: str
    tried: str
    instead: str = ""


def absences(file: Path = ABSENT) -> dict[str, Absence]:
    """What cannot be had, by the name of the peer. TypeError if an entry says too little."""
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: Absence(**entry) for name, entry in entries.items()}


def cache(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory for everything that is downloaded or built once."""
    named = environ.get("SKYKEEP_PEERS_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "skykeep-peers"


def environment() -> Path:
    """The virtual environment of the servers, which may not exist."""
    return cache() / "venv"


def program(peer: Peer) -> Path:
    """The file that starts the server."""
    if peer.ours:
        return Path(sys.executable)
    if peer.built or peer.npm:
        return building(peer).program
    return environment() / "bin" / peer.program


def installed(peer: Peer) -> Distribution | None:
    """The distribution that brings the server (or a fake's message types), if it is there."""
    if peer.ours:
        return next(iter(distributions(name=peer.package)), None)
    places = [str(place) for place in environment().glob("lib/python3*/site-packages")]
    return next(iter(distributions(name=peer.package, path=places)), None)


def building(peer: Peer) -> Building | Installing:
    """How a server is built, or installed by npm. Only for one that is."""
    if peer.npm:
        return Installing(cache(), peer.name, peer.package, peer.program)
    return Building(cache(), peer.program, required_version(peer), STAMPS)


def required_version(peer: Peer) -> str:
    """The version of its module that the ``go.mod`` of a built server asks for."""
    text = (SOURCES / peer.program / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"^\t{re.escape(peer.package)} (\S+)$", text, re.MULTILINE)
    assert found is not None
    return found[1]


def version(peer: Peer) -> str | None:
    """Of the one that is here; None if none is."""
    made = building(peer) if peer.built or peer.npm else None
    if isinstance(made, Installing):
        return None if made.missing else made.version
    if peer.built:
        return None if building(peer).missing else required_version(peer).removeprefix("v")
    found = installed(peer)
    return None if found is None else found.version


def size(peer: Peer) -> int:
    """Bytes of its files, without those it brings along."""
    if peer.npm:
        made = building(peer)
        return made.size if isinstance(made, Installing) else 0
    if peer.built:
        return program(peer).stat().st_size
    found = installed(peer)
    if found is None:
        return 0
    files = [Path(str(found.locate_file(file))) for file in found.files or []]
    return sum(file.stat().st_size for file in files if file.is_file())


def up_to_date() -> bool:
    """Whether what was installed is what ``requirements/peers.txt`` locks now."""
    wanted = [setup_venv.ROOT / name for name in setup_venv.STAGES["peers"]]
    stamp = setup_venv.read(environment() / "skykeep-setup.json")
    return stamp.get("peers") == setup_venv.digest(wanted)


def missing(peer: Peer) -> str | None:
    """Why a server cannot be started here, in words; None if it can."""
    known = absences().get(peer.name)
    if known is not None:
        return known.reason
    if peer.ours:
        found = installed(peer)
        return f"the package {peer.package} is not installed" if found is None else None
    if peer.built or peer.npm:
        return building(peer).missing
    if not environment().is_dir():
        return "not prepared: make peers"
    if not up_to_date():
        return "prepared from other requirements: make peers"
    if installed(peer) is None or not program(peer).exists():
        return f"the package {peer.package} did not bring {peer.program}"
    return None


def required(peer: Peer, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether tests must fail when the server is missing."""
    asked = environ.get("CI") or environ.get("SKYKEEP_REQUIRE_PEERS")
    return bool(asked) and peer.name not in absences()


@contextmanager
def alone() -> Iterator[None]:
    """Hold the cache, so that two runs do not prepare it at once; waits for the other one."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            setup_venv.say("another run prepares the peers; waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
