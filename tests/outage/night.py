"""A bad night: two clouds, a network that goes black, an application, and a shell beside it.

The primary is AWS Secrets Manager (moto) behind a proxy that can swallow what is sent; the
failover is OpenBao; the backup is a local vault.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers.aws import ACCESS_KEY, SECRET_KEY
from tests.peers.clients import aws_client
from tests.peers.faults import FaultProxy, Silence
from tests.peers.openbao import OpenBao
from tests.peers.peer import Server

SHOP = Path(__file__).with_name("shop.py")
PATIENCE = 60.0
"""Seconds within which the application says what it is waited for."""


class Unexpected(Exception):
    """The night did not go as the page has it: what was expected, and what was there."""


@dataclass
class Application:
    """The process of ``shop.py``; its log is read by a thread."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._more:
                self.lines.append(line.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def until(self, here: Callable[[], bool], what: str) -> None:
        """Wait until it has logged what is looked for. Raises ``Unexpected``."""
        with self._more:
            found = self._more.wait_for(lambda: here() or self._ended, PATIENCE)
            if not found or not here():
                raise Unexpected(
                    f"the application did not log {what!r}; it logged {self.lines}"
                )

    def keep(self, name: str, value: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"keep {name} {value}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self._reader.join(PATIENCE)
            self.process.stderr.close()


class Night:
    """What can happen in it.

    Attributes:
        home: the home of whoever is on call; the application runs in it, too.
        code: the exit code of the last command of the shell.
        events: the words that a page may use for what happens.
    """

    def __init__(self, home: Path, proxy: FaultProxy, aws: Server, vault: OpenBao) -> None:
        self.home = home
        self._proxy = proxy
        self._aws = aws
        self.code = 0
        self._shown = 0
        self._application: Application | None = None
        self._environ = {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ENDPOINT_URL": proxy.address,
            "VAULT_ADDR": vault.address,
            "VAULT_TOKEN": vault.token,
        }
        self.events: dict[str, Callable[..., None]] = {
            r"the application starts": self._start,
            r"the application is killed": self._kill,
            r"the application keeps (\S+) (\S+)": self._keep,
            r"the primary is silent": self._silent,
            r"the primary answers": proxy.heal,
            r"the console writes (\S+) (\S+)": self._console,
        }

    def happens(self, words: str) -> None:
        """Let it happen. Raises ``Unexpected`` for words that mean nothing."""
        for pattern, event in self.events.items():
            found = re.fullmatch(pattern, words)
            if found:
                event(*found.groups())
                return
        raise Unexpected(f"nothing is called {words!r}")

    def shell(self, command: str) -> str:
        """What a shell shows of the command; ``$?`` is the exit code of the one before."""
        done = subprocess.run(
            ["bash", "-c", f"(exit {self.code}); {command}"],
            cwd=self.home,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            start_new_session=True,  # no terminal: nobody is asked
            timeout=4 * PATIENCE,
        )
        self.code = done.returncode
        if done.stdout and not done.stdout.endswith("\n"):
            return f"{done.stdout}\n"
        return done.stdout

    def log(self, end: str) -> str:
        """What the library has logged since it was asked last, up to the line with ``end``."""
        application = self.application

        def at() -> int:
            lines = enumerate(application.lines)
            return next((n for n, line in lines if n >= self._shown and end in line), -1)

        application.until(lambda: at() >= 0, end)
        begin, self._shown = self._shown, at() + 1
        lines = application.lines[begin : self._shown]
        return "".join(f"{line}\n" for line in lines if " skykeep: " in line)

    def said(self, text: str) -> str:
        """The newest line of the application's own with this text; it is waited for."""
        application = self.application

        def found() -> list[str]:
            own = [line for line in application.lines if " shop: " in line]
            return [line for line in own[-1:] if text in line]

        application.until(lambda: bool(found()), text)
        return f"{found()[0]}\n"

    @property
    def application(self) -> Application:
        if self._application is None:
            raise Unexpected("the application does not run")
        return self._application

    def end(self) -> None:
        """Of the application, too. A line of the log that no page shows is an error."""
        application, self._application = self._application, None
        if application is not None:
            application.end()
            self._all_shown(application)

    def run(self, command: Sequence[str]) -> None:
        """Let this be the application."""
        self._shown = 0
        process = subprocess.Popen(
            command,
            cwd=self.home,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._application = Application(process)

    def _start(self) -> None:
        self.run([sys.executable, "-W", "error", str(SHOP)])

    def _all_shown(self, application: Application) -> None:
        left = [line for line in application.lines[self._shown :] if " shop: " not in line]
        if left:
            raise Unexpected(f"logged, and not on the page: {left}")

    def _kill(self) -> None:
        application, self._application = self.application, None
        application.kill()
        self._all_shown(application)

    def _keep(self, name: str, value: str) -> None:
        self.application.keep(name, value)

    def _silent(self) -> None:
        self._proxy.fail(Silence(), times=None)

    def _console(self, name: str, value: str) -> None:
        client: Any
        with closing(aws_client("secretsmanager", self._aws.address)) as client:
            client.put_secret_value(SecretId=name, SecretString=value)


@contextmanager
def night(home: Path, aws: Server, vault: OpenBao) -> Iterator[Night]:
    """One on these two servers, in an empty home."""
    with FaultProxy(aws.address) as proxy:
        one = Night(home, proxy, aws, vault)
        try:
            yield one
        finally:
            one.end()
