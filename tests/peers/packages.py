"""Servers of npm, from a package of ours that names what it is made of.

``NAME/`` beside this file holds ``package.json`` and ``package-lock.json``. Packages come
through npm's own client, from wherever it is set up to find them, and every one is checked
against the lock file; none of their install scripts runs. What is installed is kept in the
cache directory under a digest of these files, so that it is paid for once and again only when
one of them changes. Azurite 3.37 is 457 packages of 365 MB, half a minute.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.peers.building import SOURCES, NotBuilt, Say

FILES: Final = ("package.json", "package-lock.json")
SECONDS: Final = 600.0


class Installing:
    """One program: ``package`` brings the command ``program``; ``name`` is the folder."""

    def __init__(self, cache: Path, name: str, package: str, program: str) -> None:
        self._cache = cache
        self._source = SOURCES / name
        self._name = name
        self._package = package
        self._program = program

    @property
    def program(self) -> Path:
        """The program, which may not exist."""
        return self._place / "node_modules" / ".bin" / self._program

    @property
    def version(self) -> str:
        """Of the package, as the lock file has it."""
        lock = json.loads((self._source / FILES[1]).read_text(encoding="utf-8"))
        return str(lock["packages"][f"node_modules/{self._package}"]["version"])

    @property
    def missing(self) -> str | None:
        """Why it is not there, in words; None if it is."""
        if self.program.is_file():
            return None
        with suppress(OSError):
            return f"it could not be installed: {self._failure.read_text(encoding='utf-8')}"
        return "not prepared: make peers"

    @property
    def size(self) -> int:
        """Bytes of the package, without those that it brings along."""
        files = (self._place / "node_modules" / self._package).rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())

    def build(self, say: Say) -> None:
        """Install it if it is not there. Raises `NotBuilt`, after it noted the reason.

        Nobody else may do so at the same time.
        """
        if self.program.is_file():
            return
        self._cache.mkdir(parents=True, exist_ok=True)
        self._failure.unlink(missing_ok=True)
        try:
            self._install(say)
        except NotBuilt as failure:
            self._failure.write_text(str(failure), encoding="utf-8")
            raise

    def _install(self, say: Say) -> None:
        if shutil.which("npm") is None or shutil.which("node") is None:
            raise NotBuilt("no npm was found (Node 20 or newer)")
        between = self._cache / f"{self._name}.installing"
        shutil.rmtree(between, ignore_errors=True)
        between.mkdir()
        for name in FILES:
            shutil.copyfile(self._source / name, between / name)
        say(f"{self._name}: its packages (365 MB, half a minute, once) …")
        command = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(
                ["nice", "-n", "10", *command],
                cwd=between,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotBuilt(f"npm ci took longer than {SECONDS:.0f} s") from None
        if done.returncode:
            told = [line.strip() for line in done.stdout.splitlines() if line.strip()]
            why = told[0] if told else f"exit code {done.returncode}"
            raise NotBuilt(f"npm ci failed: {why}")
        for older in self._cache.glob(f"{self._name}-*/node_modules"):
            shutil.rmtree(older.parent)
        between.replace(self._place)

    @property
    def _place(self) -> Path:
        return self._cache / f"{self._name}-{self._digest()[:16]}"

    @property
    def _failure(self) -> Path:
        return self._cache / f"{self._name}-{self._digest()[:16]}.failed"

    def _digest(self) -> str:
        parts = [(self._source / name).read_bytes() for name in FILES]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()
