"""What is said of servers that are not there, and that they are prepared once."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path

import pytest

from scripts import setup_venv
from tests.peers import __main__ as commands
from tests.peers import places
from tests.peers.peer import MOTO, PEERS

Output = pytest.CaptureFixture[str]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with nothing in it, and nothing that makes a peer required."""
    monkeypatch.setenv("SKYKEEP_PEERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("SKYKEEP_REQUIRE_PEERS", raising=False)
    return tmp_path / "cache"


def stamp(state: str) -> None:
    places.environment().mkdir(parents=True)
    (places.environment() / "skykeep-setup.json").write_text(json.dumps({"peers": state}))


def current() -> str:
    return setup_venv.digest([setup_venv.ROOT / "requirements" / "peers.txt"])


@pytest.mark.usefixtures("empty")
def test_what_was_never_prepared_says_how_to() -> None:
    assert places.missing(MOTO) == "not prepared: make peers"


@pytest.mark.usefixtures("empty")
def test_what_was_prepared_from_something_else_is_missing() -> None:
    stamp("of another lock file")
    assert places.missing(MOTO) == "prepared from other requirements: make peers"


@pytest.mark.usefixtures("empty")
def test_a_package_that_brought_no_program_is_missing() -> None:
    stamp(current())
    assert places.missing(MOTO) == "the package moto did not bring moto_server"


def test_what_absent_toml_names_is_missing_and_not_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "absent.toml"
    file.write_text('[moto]\nreason = "gone"\ntried = "everything"\n')
    known = places.absences(file)
    monkeypatch.setattr(places, "absences", lambda: known)
    assert places.missing(MOTO) == "gone"
    assert not places.required(MOTO, {"CI": "true"})


def test_every_absence_says_why_and_what_stands_in() -> None:
    for absence in places.absences().values():
        assert absence.reason
        assert absence.tried
        assert (setup_venv.ROOT / absence.instead).is_file()


@pytest.mark.parametrize("name", ["CI", "SKYKEEP_REQUIRE_PEERS"])
def test_in_ci_a_peer_is_required(name: str) -> None:
    assert places.required(MOTO, {name: "1"})
    assert not places.required(MOTO, {})


@pytest.mark.usefixtures("empty")
def test_two_runs_do_not_prepare_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = threading.Event()
    monkeypatch.setattr(setup_venv, "say", lambda text: waits.set())
    order: list[str] = []

    def second() -> None:
        with places.alone():
            order.append("second")

    with places.alone():
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(60)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(("options", "code"), [([], 1), (["--if-possible"], 0)])
def test_a_preparation_that_fails_is_told(
    options: list[str], code: int, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(place: Path, stage: str) -> None:
        raise subprocess.CalledProcessError(7, "pip")

    monkeypatch.setattr(setup_venv, "set_up", fails)
    assert commands.main(["prepare", *options]) == code
    assert "the peers could not be installed (exit code 7)" in capsys.readouterr().out


def test_the_status_names_every_peer_and_every_absence(empty: Path, capsys: Output) -> None:
    assert commands.main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = [line.split()[0] for line in lines[1 : len(PEERS) + 1]]
    assert told == list(PEERS)
    for line, peer in zip(lines[1:], PEERS.values(), strict=False):
        # A fake needs no preparation, and says what it is.
        expected = "fake of ours" if peer.ours else "absent: not prepared: make peers"
        assert expected in line
        assert ("absent: " in line) is not peer.ours
    assert all(any(f"absent: {name}:" in line for line in lines) for name in places.absences())
    assert not empty.exists()


def test_an_address_in_the_environment_is_shown(
    empty: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MOTO.variable, "http://127.0.0.1:9")
    commands.main(["status"])
    assert "http://127.0.0.1:9 (SKYKEEP_TEST_MOTO)" in capsys.readouterr().out
    assert not empty.exists()


def test_only_a_server_that_can_be_elsewhere_is_looked_for_there() -> None:
    environ = {peer.variable: "http://127.0.0.1:9/" for peer in PEERS.values()}
    found = {peer.name for peer in PEERS.values() if peer.elsewhere(environ)}
    assert found == {"moto", "ministack", "microburst", "openbao"}
    assert MOTO.elsewhere(environ) == "http://127.0.0.1:9"
    assert MOTO.elsewhere({}) is None
