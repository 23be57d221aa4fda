"""Credential plugins: a command that a kubeconfig names, which prints an ``ExecCredential``.

Kubernetes' documentation, "client-go credential plugins" and "Client Authentication (v1)",
"(v1beta1)"; client-go ``plugin/pkg/client/auth/exec/exec.go``. The official client is not used:
it takes a second to import, and runs the same command.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from skykeep.errors import ConfigError, Problem, SkykeepError, Unauthenticated
from skykeep.providers.kubernetes.credentials import AHEAD, Credential
from skykeep.providers.kubernetes.kubeconfig import Exec

GROUP: Final = "client.authentication.k8s.io"
VERSIONS: Final = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
MODES: Final = ("Never", "IfAvailable", "Always")
INFO: Final = "KUBERNETES_EXEC_INFO"
SECONDS: Final = 60.0
"""A plugin that takes longer is ended; one that asks a person may take five times as long."""
_SHOWN: Final = 500


class _Status(msgspec.Struct, rename="camel"):
    expiration_timestamp: datetime | None = None
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None

    def __repr__(self) -> str:
        return "_Status()"


class _ExecCredential(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    status: _Status | None = None


class Plugin:
    """Runs the command when it is asked for a credential.

    Args:
        said: what the kubeconfig says of it.
        file: the kubeconfig, which relative paths are relative to.
        user: the user's name there, for messages.
        cluster: what the plugin is told of the cluster if it is to know.
        environ: the environment that it gets, besides its own variables.
        interactive: somebody is there to be asked; None finds that out.

    Raises ``ConfigError`` for a version or mode that is not spoken.
    """

    blocks = True

    def __init__(
        self,
        said: Exec,
        file: Path,
        user: str,
        cluster: Mapping[str, Any],
        environ: Mapping[str, str],
        *,
        interactive: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.words = f"plugin {said.command} of {user} in {file}"
        self._said = said
        self._file = file
        self._key = f"users.{user}.exec"
        self._cluster = cluster
        self._environ = environ
        self._clock = clock
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        mode = said.interactive_mode or (
            "IfAvailable" if said.api_version == VERSIONS[1] else ""
        )
        if said.api_version not in VERSIONS:
            raise self._problem(
                "apiVersion", f"is none of {', '.join(VERSIONS)}", "let the plugin be updated"
            )
        if mode not in MODES:
            raise self._problem("interactiveMode", f"is none of {', '.join(MODES)}")
        there = interactive if interactive is not None else _somebody()
        if mode == "Always" and not there:
            raise self._problem(
                "interactiveMode",
                "is Always: the plugin wants to ask, and nobody is there",
                "use credentials that need no terminal",
            )
        self._interactive = there and mode != "Never"

    def find(self) -> Credential:
        """What the command prints. Raises ``Unauthenticated`` if it fails, ``ConfigError`` if
        it is not there."""
        output, errors, code = self._run()
        text = " ".join(errors.decode("utf-8", "replace").split())[-_SHOWN:]
        if code != 0:
            raise Unauthenticated(
                f"{self.words} failed ({_ending(code)}): {text or 'it said nothing'}",
                hint="run it by hand; often a login (aws sso, gcloud auth) has ended",
            )
        status = None
        try:
            found = msgspec.json.decode(output, type=_ExecCredential)
            if found.kind == "ExecCredential" and found.api_version == self._said.api_version:
                status = found.status
        except msgspec.MsgspecError:
            pass  # its exception may show a part of the token
        del output
        if status is None or not (status.token or status.client_certificate_data):
            raise Unauthenticated(
                f"{self.words} gave no ExecCredential of {self._said.api_version} with a token "
                "or a certificate",
                hint="run it by hand and look at what it prints",
            )
        if bool(status.client_certificate_data) != bool(status.client_key_data):
            raise Unauthenticated(f"{self.words} gave a certificate or a key without the other")
        return self._credential(status)

    def close(self) -> None:
        """End the command if it runs."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._end(self._process)

    def _credential(self, status: _Status) -> Credential:
        ends = renew = None
        if status.expiration_timestamp is not None:
            now = self._clock()
            ends = status.expiration_timestamp.timestamp()
            renew = ends - min(AHEAD, max(0.0, ends - now) / 5)
        return Credential(
            f"Bearer {status.token}" if status.token else None,
            status.client_certificate_data.encode() if status.client_certificate_data else None,
            status.client_key_data.encode() if status.client_key_data else None,
            ends,
            renew,
        )

    def _run(self) -> tuple[bytes, bytes, int]:
        failure: SkykeepError
        seconds = SECONDS * 5 if self._interactive else SECONDS
        try:
            with self._lock:
                if self._closed:
                    raise Unauthenticated(f"{self.words} was ended")
                process = self._process = self._start()
            with process:
                try:
                    output, errors = process.communicate(timeout=seconds)
                except BaseException:
                    self._end(process)
                    raise
            return output, errors or b"", process.returncode
        except FileNotFoundError:
            hint = " ".join(self._said.install_hint.split()) or "install it, or mend PATH"
            failure = self._problem("command", f"{self._said.command} is not there", hint)
        except OSError as error:
            failure = self._problem("command", f"cannot be run: {error.strerror}")
        except subprocess.TimeoutExpired:
            failure = Unauthenticated(
                f"{self.words} has not ended within {seconds:g} s and was killed",
                hint="run it by hand: does it wait for something?",
            )
        finally:
            with self._lock:
                self._process = None
        raise failure

    def _start(self) -> subprocess.Popen[bytes]:
        environ = dict(self._environ)
        environ |= {pair.name: pair.value for pair in self._said.env or ()}
        environ[INFO] = self._info()
        command = self._said.command
        if "/" in command and not Path(command).is_absolute():
            command = str(self._file.parent / command)
        return subprocess.Popen(  # noqa: S603  (the user's own kubeconfig says what to run)
            [command, *(self._said.args or ())],
            env=environ,
            stdin=None if self._interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if self._interactive else subprocess.PIPE,
            # Of its own group, so that what it has started ends with it; one that talks to
            # a person must stay in the terminal's.
            process_group=None if self._interactive else 0,
        )

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        try:
            if self._interactive:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended by itself

    def _info(self) -> str:
        spec: dict[str, Any] = {"interactive": self._interactive}
        if self._said.provide_cluster_info:
            spec["cluster"] = dict(self._cluster)
        return json.dumps(
            {"apiVersion": self._said.api_version, "kind": "ExecCredential", "spec": spec}
        )

    def _problem(self, key: str, message: str, hint: str = "") -> ConfigError:
        return ConfigError(
            Problem(str(self._file), 0, f"{self._key}.{key}", message), hint=hint
        )


def _somebody() -> bool:
    """Whether standard input is a terminal."""
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):
        return False  # there is none, or it is closed


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
