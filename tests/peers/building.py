"""Servers that are built here, from a Go module of ours that names what it is made of.

``NAME/`` beside this file holds ``main.go``, ``go.mod`` and ``go.sum``. Modules come through
Go's own client, from wherever it is set up to find them, and every one is checked against
``go.sum``. What is built is kept in the cache directory under a digest of these files, so that
it is paid for once and again only when one of them changes.

Figures for the API server of Kubernetes 1.36 on two cores, from nothing: 560 MB of modules,
which stay in Go's own cache, and four minutes to compile; 2.2 GB of files in between, which are
removed, and 110 MB of program.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent
FILES: Final = ("main.go", "go.mod", "go.sum")
DOWNLOAD_SECONDS: Final = 600.0
COMPILE_SECONDS: Final = 1800.0
TOLD_EVERY: Final = 250
"""Compiled packages from one line of progress to the next."""

Say = Callable[[str], None]


class NotBuilt(Exception):
    """The message says why, in one line."""


class Building:
    """One program: where its sources are, and where it is kept below ``cache``.

    ``version`` is put into the program under the names that ``stamps`` gives (Go's ``-X``).
    """

    def __init__(self, cache: Path, name: str, version: str, stamps: tuple[str, ...]) -> None:
        self._cache = cache
        self._source = SOURCES / name
        self._name = name
        self._flags = " ".join(["-s -w", *(f"-X {stamp}={version}" for stamp in stamps)])

    @property
    def program(self) -> Path:
        """The program, which may not exist."""
        return self._cache / f"{self._name}-{self._digest()[:16]}" / "program"

    @property
    def missing(self) -> str | None:
        """Why it is not there, in words; None if it is."""
        if self.program.is_file():
            return None
        with suppress(OSError):
            return f"it could not be built: {self._failure.read_text(encoding='utf-8')}"
        if any(self._cache.glob(f"{self._name}-*/program")):
            return "built from other sources: make peers"
        return "not prepared: make peers"

    def build(self, say: Say) -> None:
        """Build it if it is not there. Raises `NotBuilt`, after it noted the reason.

        Nobody else may do so at the same time.
        """
        if self.program.is_file():
            return
        self._cache.mkdir(parents=True, exist_ok=True)
        self._failure.unlink(missing_ok=True)
        try:
            self._build(say)
        except NotBuilt as failure:
            self._failure.write_text(str(failure), encoding="utf-8")
            raise

    def _build(self, say: Say) -> None:
        if shutil.which("go") is None:
            raise NotBuilt("no Go compiler was found (1.26 or newer)")
        between = self._cache / f"{self._name}.building"
        environ = {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOCACHE": str(between / "cache"),
            "GOFLAGS": "-mod=readonly -buildvcs=false",
            "GOWORK": "off",
        }
        between.mkdir(exist_ok=True)
        say(f"{self._name}: its modules (560 MB, once) …")
        with self._running(["go", "list", "-deps", "."], environ, DOWNLOAD_SECONDS) as lines:
            packages = sum(1 for line in lines if line and " " not in line)
        say(f"{self._name}: compiling {packages} packages (some minutes, once) …")
        built = between / "program"
        command = ["go", "build", "-v", "-trimpath", f"-ldflags={self._flags}"]
        command += ["-o", str(built), "."]
        with self._running(command, environ, COMPILE_SECONDS) as lines:
            for number, _ in enumerate(lines, 1):
                if number % TOLD_EVERY == 0:
                    say(f"{self._name}: {number} of {packages} packages …")
        for older in self._cache.glob(f"{self._name}-*/program"):
            shutil.rmtree(older.parent)
        self.program.parent.mkdir()
        built.replace(self.program)
        shutil.rmtree(between)

    @contextmanager
    def _running(
        self, command: list[str], environ: dict[str, str], seconds: float
    ) -> Iterator[Iterator[str]]:
        """The lines that a command writes, at low priority. Raises `NotBuilt` at its end."""
        process = subprocess.Popen(
            ["nice", "-n", "10", *command],
            cwd=self._source,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that all of it can be ended
        )
        assert process.stdout is not None
        late = threading.Event()

        def end() -> None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        def too_late() -> None:
            late.set()
            end()

        timer = threading.Timer(seconds, too_late)
        timer.start()
        last: list[str] = []
        try:
            yield _remembering(process.stdout, last)
            for _ in process.stdout:
                pass
        except BaseException:
            end()
            raise
        finally:
            code = process.wait()
            timer.cancel()
            process.stdout.close()
        what = " ".join(command[:2])
        if late.is_set():
            raise NotBuilt(f"{what} took longer than {seconds:.0f} s")
        if code:
            raise NotBuilt(f"{what} failed: {last[0] if last else f'exit code {code}'}")

    @property
    def _failure(self) -> Path:
        return self._cache / f"{self._name}-{self._digest()[:16]}.failed"

    def _digest(self) -> str:
        parts = [(self._source / name).read_bytes() for name in FILES]
        return hashlib.sha256(b"\0".join([self._flags.encode(), *parts])).hexdigest()


def _remembering(lines: Iterator[str], last: list[str]) -> Iterator[str]:
    """The lines, without their ends; ``last`` gets the one that was there last."""
    for line in lines:
        text = line.strip()
        if text:
            last[:] = [text]
        yield text
