"""Building a server, with a compiler of ours in the place of Go's."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import setup_venv
from tests.peers import __main__ as commands
from tests.peers import building as module
from tests.peers import places
from tests.peers.building import FILES, Building, NotBuilt
from tests.peers.peer import KUBE

STAMPS = ("example.test/version.version",)
# `go list` names packages between lines of progress, `go build` names what it compiles. What it
# makes are its arguments and the variables that matter.
COMPILER = """
import os, sys
if sys.argv[1] == "list":
    print("go: downloading example.test/a v1.0.0")
    print(os.linesep.join(f"example.test/{number}" for number in range(600)))
else:
    print(os.linesep.join(f"example.test/{number}" for number in range(600)))
    names = ("CGO_ENABLED", "GOFLAGS", "GOWORK")
    told = [*sys.argv[1:], *(f"{name}={os.environ[name]}" for name in names)]
    os.makedirs(os.environ["GOCACHE"], exist_ok=True)
    with open(sys.argv[sys.argv.index("-o") + 1], "w") as file:
        file.write(os.linesep.join(told))
"""
FAILS = """
import sys
print("example.test/a: no such module")
sys.exit(1)
"""
HANGS = """
import signal, sys
print("example.test/a", flush=True)
signal.pause()
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the sources of ``server`` are."""
    monkeypatch.setattr(module, "SOURCES", tmp_path / "sources")
    place = tmp_path / "sources" / "server"
    place.mkdir(parents=True)
    for name in FILES:
        (place / name).write_text(name)
    return place


@pytest.fixture
def server(tmp_path: Path, sources: Path) -> Building:
    return Building(tmp_path / "cache", sources.name, "v1.2.3", STAMPS)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place of programs: ``nice`` and, once `compiler` was called, ``go``."""
    place = tmp_path / "bin"
    place.mkdir()
    nice = shutil.which("nice")
    assert nice is not None
    (place / "nice").symlink_to(nice)
    monkeypatch.setenv("PATH", str(place))
    return place


def compiler(path: Path, script: str) -> None:
    file = path / "go"
    file.write_text(f"#!{sys.executable} -IS\n{script}")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def quiet(text: str) -> None:
    pass


def reason(server: Building) -> str | None:
    """As the property; each time anew for the type checker, too."""
    return server.missing


def test_it_is_built_once_and_progress_is_told(server: Building, path: Path) -> None:
    compiler(path, COMPILER)
    said: list[str] = []
    assert reason(server) == "not prepared: make peers"
    server.build(said.append)
    assert reason(server) is None
    told = server.program.read_text().splitlines()
    assert "-ldflags=-s -w -X example.test/version.version=v1.2.3" in told
    assert told[-3:] == ["CGO_ENABLED=0", "GOFLAGS=-mod=readonly -buildvcs=false", "GOWORK=off"]
    assert "server: compiling 600 packages (some minutes, once) …" in said
    assert said[-2:] == ["server: 250 of 600 packages …", "server: 500 of 600 packages …"]
    compiler(path, FAILS)  # is not called again
    server.build(said.append)


def test_only_the_program_is_left(server: Building, path: Path) -> None:
    compiler(path, COMPILER)
    server.build(quiet)
    cache = server.program.parent.parent
    assert [file.relative_to(cache) for file in sorted(cache.rglob("*"))] == [
        server.program.parent.relative_to(cache),
        server.program.relative_to(cache),
    ]


def test_other_sources_are_built_anew_and_the_old_program_goes(
    server: Building, sources: Path, path: Path
) -> None:
    compiler(path, COMPILER)
    server.build(quiet)
    old = server.program
    (sources / "go.sum").write_text("something else")
    assert reason(server) == "built from other sources: make peers"
    server.build(quiet)
    assert server.program != old
    assert not old.parent.exists()


def test_a_failure_is_remembered_until_it_is_mended(server: Building, path: Path) -> None:
    compiler(path, FAILS)
    with pytest.raises(NotBuilt, match=r"go list failed: example\.test/a: no such module"):
        server.build(quiet)
    assert (reason(server) or "").startswith("it could not be built: go list failed")
    compiler(path, COMPILER)
    server.build(quiet)
    assert reason(server) is None


@pytest.mark.usefixtures("path")
def test_without_a_compiler_it_says_so(server: Building) -> None:
    with pytest.raises(NotBuilt, match="no Go compiler was found"):
        server.build(quiet)


def test_one_that_takes_too_long_is_ended(
    server: Building, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DOWNLOAD_SECONDS", 0.0)
    compiler(path, HANGS)
    with pytest.raises(NotBuilt, match="go list took longer than 0 s"):
        server.build(quiet)


def test_an_interrupt_ends_the_compiler(
    server: Building, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = "    import signal; sys.stdout.flush(); signal.pause()\n    names ="
    compiler(path, COMPILER.replace("    names =", waits))
    started: list[int] = []
    popen = subprocess.Popen

    def noted(*args: Any, **options: Any) -> Any:
        process = popen(*args, **options)
        started.append(process.pid)
        return process

    def say(text: str) -> None:
        if "250 of" in text:
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", noted)
    with pytest.raises(KeyboardInterrupt):
        server.build(say)
    assert not server.program.exists()
    assert len(started) == 2
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.killpg(pid, 0)


def test_preparing_goes_on_when_one_cannot_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKYKEEP_PEERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CI", "1")
    monkeypatch.setattr(setup_venv, "set_up", lambda place, stage: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert commands.main(["prepare"]) == 1
    reason = "it could not be built: no Go compiler was found (1.26 or newer)"
    assert f"kube: {reason}" in capsys.readouterr().out
    assert places.missing(KUBE) == reason
