"""What a run of pytest says of the servers: each run here is one of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import plugin
from tests.peers.peer import MICROBURST, MOTO
from tests.repo.tree import ROOT, unmeasured

USES = "def test_{name}({fixture}): assert {expression}\n"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


class Run:
    """Runs a test file with the plugin, without servers unless their address is given."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, tests: str, *options: str, **environ: str) -> tuple[int, str]:
        file = self._directory / "test_it.py"
        file.write_text(tests, encoding="utf-8")
        inherited = {k: v for k, v in unmeasured().items() if k != "CI" and "SKYKEEP" not in k}
        nowhere = {"SKYKEEP_PEERS_CACHE": str(self._directory / "nowhere")}
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-c", "/dev/null"),
                *(f"--rootdir={self._directory}", "-p", "tests.peers.plugin"),
                *("-p", "no:cacheprovider", *options, str(file)),
            ],
            cwd=ROOT,
            env={**inherited, **nowhere, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout


def test_a_missing_peer_skips_its_tests_by_name(run: Run) -> None:
    tests = "".join(
        USES.format(name=name, fixture=fixture, expression="True")
        for name, fixture in [("a", "moto"), ("b", "moto"), ("c", "openbao"), ("d", "tmp_path")]
    )
    code, said = run(tests)
    assert code == 0
    assert said.splitlines()[-3:-1] == [
        "peers: moto (AWS): absent: not prepared: make peers: 0 tests, 2 skipped",
        "peers: openbao (Vault): absent: not prepared: make peers: 0 tests, 1 skipped",
    ]
    assert "1 passed, 3 skipped" in said


@pytest.mark.parametrize("variable", ["CI", "SKYKEEP_REQUIRE_PEERS"])
def test_where_peers_are_required_a_missing_one_is_a_failure(run: Run, variable: str) -> None:
    tests = USES.format(name="a", fixture="moto", expression="True")
    code, said = run(tests, **{variable: "1"})
    assert code == 1
    assert "peer moto: absent: not prepared: make peers (it is required here" in said
    assert "1 failed" in said


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_peer_that_runs_elsewhere_is_used(run: Run, options: tuple[str, ...]) -> None:
    address = "http://127.0.0.1:9/"
    tests = "".join(
        USES.format(name=name, fixture="moto", expression=f"moto.address + '/' == {address!r}")
        for name in "abcd"
    )
    tests += USES.format(name="wrong", fixture="moto", expression="moto is None")
    code, said = run(tests, *options, SKYKEEP_TEST_MOTO=address)
    assert code == 1
    assert "peers: moto at http://127.0.0.1:9 (AWS): 5 tests, 1 failed" in said


def test_a_failure_shows_the_end_of_the_servers_log(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first line\n" + "more\n" * 100 + "what went wrong\n")
    tests = (
        "import pytest, pathlib\nfrom tests.peers.peer import MOTO, Server\n"
        "@pytest.fixture\ndef moto():\n"
        f"    return Server(MOTO, 'http://127.0.0.1:9', 1, pathlib.Path({str(log)!r}))\n"
        "def test_a(moto): assert moto is None\n"
    )
    _, said = run(tests)
    assert "end of the log of moto" in said
    assert "what went wrong" in said
    assert "first line" not in said


def test_a_test_uses_what_stands_behind_its_fixtures() -> None:
    assert plugin.used(["tmp_path", "microburst", "moto"]) == [MICROBURST, MOTO]
    assert plugin.used(["tmp_path"]) == []


def test_a_fake_of_ours_is_never_counted_as_the_service(run: Run) -> None:
    uses = USES.format(name="a", fixture="secret_manager", expression="secret_manager.address")
    code, said = run(uses, CI="1")
    assert code == 0
    (line,) = (line for line in said.splitlines() if line.startswith("peers: "))
    assert line.startswith("peers: secret_manager with google-cloud-secret-manager ")
    assert line.endswith("(fake of ours for Google Secret Manager): 1 tests")


def test_a_parameter_that_names_a_fixture_counts(run: Run) -> None:
    tests = (
        "import pytest\n"
        "@pytest.mark.parametrize('server', ['moto', 'ministack'])\n"
        "def test_a(server, request): request.getfixturevalue(server)\n"
    )
    _, said = run(tests)
    assert "peers: moto (AWS): absent" in said
    assert "peers: ministack (AWS" in said
