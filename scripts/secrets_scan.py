"""Look for secrets that were left in the tree.

    secrets_scan.py              every file that git tracks or would track
    secrets_scan.py FILE…        these files
    secrets_scan.py --update     accept what is found: write it to .secrets.baseline

A finding that is none is marked where it stands, ``# pragma: allowlist secret``, with a
reason beside it; the baseline is for files that cannot hold a comment. It holds keyed
hashes, never values, and has detect-secrets' own format (``detect-secrets audit`` reads it).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / ".secrets.baseline"

# Tests and handbooks of a secret store are made of passwords that open nothing. There, only
# what has a real credential's form, or its entropy, is looked for.
MADE_UP = (
    "tests/*",
    "docs/*",
    "*.md",
    "bench/*",
    "src/skykeep/conformance/*",
    # ... and so are the texts with which a scanner of secrets is measured.
    "src/llm_shield/evaluation/data/*",
)
PASSWORD = frozenset({"Basic Auth Credentials", "Secret Keyword"})

# Test vectors are keys and ciphertexts by design, published to be used by everybody.
VECTORS = (
    "tests/vectors/*",
    # What models are pinned by is a hash; a table of characters is in no order.
    "src/llm_shield/models/*.json",
    "src/llm_shield/unicode_tables.json",
)
ENTROPY = frozenset({"Base64 High Entropy String", "Hex High Entropy String"})

# The baseline names the plugins and filters, too. Among the filters there must be none that
# verifies a finding: that would send it to the service that it might belong to.

Finding = tuple[str, str, str]
"""File, kind, hash of the value: how the baseline names a finding."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Look for secrets left in the tree.")
    parser.add_argument("--update", action="store_true", help="accept what is found")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args(arguments)

    baseline: dict[str, Any] = json.loads(BASELINE.read_text(encoding="utf-8"))
    files = [file.absolute() for file in options.files] or tracked()
    found = scan(files, baseline)
    if options.update:
        baseline["results"] = as_results(found)
        BASELINE.write_text(json.dumps(baseline, indent=2) + "\n", encoding="utf-8")
        print(f"secret scan: {len(found)} findings written to {BASELINE.name}; look at each")
        return 0

    accepted = {
        (file, entry["type"], entry["hashed_secret"])
        for file, entries in baseline["results"].items()
        for entry in entries
    }
    fresh = {finding: line for finding, line in found.items() if finding not in accepted}
    for (file, kind, _), line in sorted(fresh.items()):
        print(f"{file}:{line}: {kind}")
    if fresh:
        print(
            f"secret scan: {len(fresh)} findings. A real one: revoke it, then remove it.\n"
            "One that is made up: mark its line with `pragma: allowlist secret` and say why."
        )
        return 1
    print(f"secret scan: nothing found in {len(files)} files")
    return 0


def tracked() -> list[Path]:
    """What git tracks, and what it would if it were added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    return [file for file in files if file.is_file() and file != BASELINE]


def scan(files: list[Path], baseline: dict[str, Any]) -> dict[Finding, int]:
    """Each finding and its line."""
    found: dict[Finding, int] = {}
    settings = {key: baseline[key] for key in ("plugins_used", "filters_used")}
    with transient_settings(settings):
        for file in files:
            name = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file)
            expected = (PASSWORD if matches(name, MADE_UP) else frozenset()) | (
                ENTROPY if matches(name, VECTORS) else frozenset()
            )
            for secret in scan_file(str(file)):
                if secret.type not in expected:
                    finding = (name, secret.type, secret.secret_hash)
                    found.setdefault(finding, secret.line_number)
    return found


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def as_results(found: dict[Finding, int]) -> dict[str, list[dict[str, object]]]:
    results: dict[str, list[dict[str, object]]] = {}
    for (file, kind, digest), line in sorted(found.items()):
        results.setdefault(file, []).append(
            {"type": kind, "filename": file, "hashed_secret": digest, "line_number": line}
        )
    return results


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
