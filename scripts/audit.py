"""Look for known vulnerabilities in what is locked.

    audit.py [--pip-audit PATH] [--seconds N] FILE…

Says one of three things and never mixes them up:

- the service answered for every package and knows nothing against them: exit 0;
- it knows something, which is shown: exit 1;
- it did not answer, for all or some packages: "NOT RUN" and exit 0, or exit 1 where
  ``SKYKEEP_REQUIRE_AUDIT=1`` is set (as a release should).

pip-audit itself reports "no known vulnerabilities" for packages that its service has never
heard of, so its verdict is made here, from what it says of each package.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Findings:
    """What became known about the packages of some requirement files."""

    answered: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    vulnerable: dict[str, list[str]] = field(default_factory=dict)

    def add(self, report: dict[str, Any]) -> None:
        """Take in one report of pip-audit."""
        for package in report["dependencies"]:
            name = f"{package['name']} {package.get('version', '')}".strip()
            if "skip_reason" in package:
                self.unanswered.add(package["name"])
                continue
            self.answered.add(name)
            if package["vulns"]:
                self.vulnerable[name] = [described(found) for found in package["vulns"]]


def described(vulnerability: dict[str, Any]) -> str:
    fixes = ", ".join(vulnerability["fix_versions"])
    return f"{vulnerability['id']}, fixed in {fixes or 'no release'}"


class OutOfReachError(Exception):
    """The service did not answer."""


class BrokenError(Exception):
    """pip-audit itself failed: a bad requirement file, a bad installation."""


# What pip-audit prints when nobody answered; anything else is a failure of its own.
SILENCE = (
    "connect",
    "connection",
    "timed out",
    "timeout",
    "max retries",
    "name resolution",
    "service error",
    "http error",
    "client error",
    "server error",
    "sslerror",
    "proxyerror",
)


def audit(pip_audit: str, requirements: Path, seconds: float) -> dict[str, Any]:
    """pip-audit's report on one file. Raises ``OutOfReachError``, ``BrokenError``."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "report.json"
        command = [
            pip_audit,
            # Everything is locked with hashes: nothing needs to be resolved or downloaded.
            "--require-hashes",
            "--disable-pip",
            f"--requirement={requirements}",
            "--progress-spinner=off",
            "--timeout=5",
            "--format=json",
            f"--output={output}",
        ]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise OutOfReachError(f"no answer in {seconds:g} s") from None
        except OSError as failure:
            raise BrokenError(f"cannot run {pip_audit}: {failure.strerror}") from None
        try:
            report = json.loads(output.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            last = said[-1] if said else f"exit code {done.returncode}"
            if any(sign in done.stderr.lower() for sign in SILENCE):
                raise OutOfReachError(last[:200]) from None
            raise BrokenError(last) from None
    if not isinstance(report, dict):
        raise BrokenError("the report has an unknown form")
    return report


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Look for known vulnerabilities.")
    parser.add_argument("--pip-audit", default=str(Path(sys.executable).parent / "pip-audit"))
    parser.add_argument("--seconds", type=float, default=20.0, help="patience for each file")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(arguments)

    findings = Findings()
    try:
        for file in options.files:
            findings.add(audit(options.pip_audit, file, options.seconds))
    except OutOfReachError as reason:
        return not_run(f"service out of reach: {reason}", findings)
    except BrokenError as reason:
        print(f"dependency audit: FAILED: {reason}")
        return 1

    if findings.vulnerable:
        return report_vulnerable(findings)
    if not findings.answered:
        return not_run("service out of reach: it answered for no package", findings)
    if findings.unanswered:
        silent = ", ".join(sorted(findings.unanswered))
        return not_run(
            f"in full: nothing known against {len(findings.answered)} packages, "
            f"the service does not know {silent}",
            findings,
        )
    print(f"dependency audit: no known vulnerabilities in {len(findings.answered)} packages")
    return 0


def report_vulnerable(findings: Findings) -> int:
    print(f"dependency audit: {len(findings.vulnerable)} packages have known vulnerabilities")
    for name, found in sorted(findings.vulnerable.items()):
        for line in found:
            print(f"  {name}: {line}")
    return 1


def not_run(reason: str, findings: Findings) -> int:
    if findings.vulnerable:
        return report_vulnerable(findings)
    print(f"dependency audit: NOT RUN ({reason})")
    if os.environ.get("SKYKEEP_REQUIRE_AUDIT") == "1":
        print("dependency audit: SKYKEEP_REQUIRE_AUDIT=1 asks for an answer: failed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
