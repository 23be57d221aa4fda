"""The dependency audit says "no known vulnerabilities" only when it was told so."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import audit

CLEAN = {"name": "click", "version": "8.0", "vulns": []}
UNKNOWN = {"name": "cffi", "skip_reason": "not found, could not be audited"}
BAD = {
    "name": "msgspec",
    "version": "0.1",
    "vulns": [{"id": "PYSEC-0-1", "fix_versions": ["0.2"]}],
}


class FakePipAudit:
    """An executable that behaves as pip-audit did when it was looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def reports(self, *dependencies: dict[str, Any]) -> None:
        report = json.dumps({"dependencies": dependencies, "fixes": []})
        self._write(
            f"""
            output = next(a for a in sys.argv if a.startswith("--output=")).partition("=")[2]
            open(output, "w").write({report!r})
            sys.exit({int(BAD in dependencies)})
            """
        )

    def fails(self, said: str) -> None:
        self._write(f"sys.stderr.write({said!r}); sys.exit(1)")

    def hangs(self) -> None:
        self._write("import time; time.sleep(60)")

    def _write(self, body: str) -> None:
        lines = "\n".join(line.strip() for line in body.splitlines())
        program = self.path.with_suffix(".py")
        program.write_text(f"import sys\n{lines}\n")
        # Through a shell: the path of an interpreter after #! may hold no space.
        self.path.write_text(f"#!/bin/sh\nexec '{sys.executable}' -I '{program}' \"$@\"\n")
        self.path.chmod(0o700)


@pytest.fixture
def pip_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePipAudit:
    monkeypatch.delenv("SKYKEEP_REQUIRE_AUDIT", raising=False)
    return FakePipAudit(tmp_path / "pip-audit")


def run(pip_audit: FakePipAudit, *, seconds: float = 30) -> int:
    return audit.main(
        ["--pip-audit", str(pip_audit.path), "--seconds", str(seconds), "requirements/run.txt"]
    )


Output = pytest.CaptureFixture[str]


def test_an_answer_for_every_package(pip_audit: FakePipAudit, capsys: Output) -> None:
    pip_audit.reports(CLEAN)
    assert run(pip_audit) == 0
    assert capsys.readouterr().out == (
        "dependency audit: no known vulnerabilities in 1 packages\n"
    )


def test_a_known_vulnerability(pip_audit: FakePipAudit, capsys: Output) -> None:
    pip_audit.reports(CLEAN, BAD, UNKNOWN)
    assert run(pip_audit) == 1
    assert "  msgspec 0.1: PYSEC-0-1, fixed in 0.2\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "said",
    [
        "ERROR:pip_audit._cli:Could not connect to the vulnerability feed\n",
        "ERROR: ConnectionError: Max retries exceeded with url\n",
        "ERROR: 503 Server Error: Service Unavailable\n",
    ],
)
def test_a_service_out_of_reach(pip_audit: FakePipAudit, capsys: Output, said: str) -> None:
    pip_audit.fails(said)
    assert run(pip_audit) == 0
    out = capsys.readouterr().out
    assert out.startswith("dependency audit: NOT RUN (service out of reach: ")
    assert "no known vulnerabilities" not in out


def test_a_service_that_does_not_answer_in_time(
    pip_audit: FakePipAudit, capsys: Output
) -> None:
    pip_audit.hangs()
    assert run(pip_audit, seconds=0.2) == 0
    assert "NOT RUN (service out of reach: no answer in 0.2 s)" in capsys.readouterr().out


def test_a_service_that_knows_no_package_at_all(
    pip_audit: FakePipAudit, capsys: Output
) -> None:
    """pip-audit itself calls this "no known vulnerabilities found" and exits 0."""
    pip_audit.reports(UNKNOWN)
    assert run(pip_audit) == 0
    assert (
        "NOT RUN (service out of reach: it answered for no package)" in capsys.readouterr().out
    )


def test_a_service_that_knows_some_packages(pip_audit: FakePipAudit, capsys: Output) -> None:
    pip_audit.reports(CLEAN, UNKNOWN)
    assert run(pip_audit) == 0
    out = capsys.readouterr().out
    assert out.startswith("dependency audit: NOT RUN (in full: ")
    assert "does not know cffi" in out


def test_an_answer_can_be_demanded(
    pip_audit: FakePipAudit, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYKEEP_REQUIRE_AUDIT", "1")
    pip_audit.reports(UNKNOWN)
    assert run(pip_audit) == 1
    assert "NOT RUN" in capsys.readouterr().out


def test_a_failure_of_its_own_is_no_outage(pip_audit: FakePipAudit, capsys: Output) -> None:
    pip_audit.fails("ERROR:pip_audit._cli:requirements/run.txt:3: cannot parse\n")
    assert run(pip_audit) == 1
    assert "dependency audit: FAILED: " in capsys.readouterr().out


def test_a_missing_pip_audit_is_no_outage(tmp_path: Path, capsys: Output) -> None:
    assert run(FakePipAudit(tmp_path / "none")) == 1
    assert "FAILED: cannot run" in capsys.readouterr().out
