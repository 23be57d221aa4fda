"""Servers of npm, with a command of ours in the place of npm's."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import setup_venv
from tests.peers import __main__ as commands
from tests.peers import packages as module
from tests.peers import places
from tests.peers.building import SOURCES, NotBuilt
from tests.peers.packages import FILES, Installing
from tests.peers.peer import AZURITE

NPM = """
import json, os, sys
os.makedirs("node_modules/.bin")
os.makedirs("node_modules/server")
told = [*sys.argv[1:], *sorted(os.listdir("."))]
open("node_modules/.bin/serve", "w").write(os.linesep.join(told))
open("node_modules/server/index.js", "w").write("12345")
"""
FAILS = """
import sys
print("npm error code EINTEGRITY")
print("npm error more of it")
sys.exit(1)
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files of ``server`` are."""
    monkeypatch.setattr(module, "SOURCES", tmp_path / "sources")
    place = tmp_path / "sources" / "server"
    place.mkdir(parents=True)
    (place / FILES[0]).write_text("{}")
    lock = {"packages": {"node_modules/server": {"version": "1.2.3"}}}
    (place / FILES[1]).write_text(json.dumps(lock))
    return place


@pytest.fixture
def server(tmp_path: Path, sources: Path) -> Installing:
    return Installing(tmp_path / "cache", sources.name, "server", "serve")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place of programs: ``nice``, ``node`` and, once `npm` was called, ``npm``."""
    place = tmp_path / "bin"
    place.mkdir()
    nice = shutil.which("nice")
    assert nice is not None
    (place / "nice").symlink_to(nice)
    (place / "node").symlink_to(nice)
    monkeypatch.setenv("PATH", str(place))
    return place


def npm(path: Path, script: str) -> None:
    file = path / "npm"
    file.write_text(f"#!{sys.executable} -IS\n{script}")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def quiet(text: str) -> None:
    pass


def reason(server: Installing) -> str | None:
    """As the property; each time anew for the type checker, too."""
    return server.missing


def test_it_is_installed_once_from_the_lock_file(server: Installing, path: Path) -> None:
    npm(path, NPM)
    assert reason(server) == "not prepared: make peers"
    server.build(quiet)
    assert reason(server) is None
    assert (server.version, server.size) == ("1.2.3", 5)
    told = server.program.read_text().splitlines()
    assert told[:3] == ["ci", "--omit=dev", "--ignore-scripts"]
    assert told[-3:] == ["node_modules", "package-lock.json", "package.json"]
    npm(path, FAILS)  # is not called again
    server.build(quiet)


def test_other_files_are_installed_anew_and_the_old_ones_go(
    server: Installing, sources: Path, path: Path
) -> None:
    npm(path, NPM)
    server.build(quiet)
    old = server.program
    (sources / FILES[0]).write_text('{"private": true}')
    assert reason(server) == "not prepared: make peers"
    server.build(quiet)
    assert server.program != old
    assert not old.exists()


def test_a_failure_is_remembered_until_it_is_mended(server: Installing, path: Path) -> None:
    npm(path, FAILS)
    with pytest.raises(NotBuilt, match=r"npm ci failed: npm error code EINTEGRITY\Z"):
        server.build(quiet)
    assert (reason(server) or "").startswith("it could not be installed: npm ci failed")
    npm(path, NPM)
    server.build(quiet)
    assert reason(server) is None


@pytest.mark.usefixtures("path")
def test_without_npm_it_says_so(server: Installing) -> None:
    with pytest.raises(NotBuilt, match="no npm was found"):
        server.build(quiet)


def test_one_that_takes_too_long(
    server: Installing, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*arguments: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("npm", 600)

    npm(path, NPM)
    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(NotBuilt, match="npm ci took longer than 600 s"):
        server.build(quiet)


def test_preparing_goes_on_when_one_cannot_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKYKEEP_PEERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CI", "1")
    monkeypatch.setattr(setup_venv, "set_up", lambda place, stage: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert commands.main(["prepare"]) == 1
    why = "it could not be installed: no npm was found"
    assert f"azurite: {why}" in capsys.readouterr().out
    assert (places.missing(AZURITE) or "").startswith(why)


def test_the_lock_file_is_azurites_and_names_no_place() -> None:
    file = SOURCES / AZURITE.name / FILES[1]
    lock = json.loads(file.read_text(encoding="utf-8"))
    wanted = json.loads((file.parent / FILES[0]).read_text(encoding="utf-8"))["dependencies"]
    assert wanted == {AZURITE.package: lock["packages"]["node_modules/azurite"]["version"]}
    for name, package in lock["packages"].items():
        assert name == "" or package["integrity"].startswith("sha512-")
        assert "resolved" not in package
