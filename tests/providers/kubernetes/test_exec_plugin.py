"""Credential plugins: real commands, and what they say."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shlex
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import ConfigError, SkykeepError, Unauthenticated
from skykeep.providers.kubernetes import exec_plugin
from skykeep.providers.kubernetes.access import find_access
from skykeep.providers.kubernetes.credentials import Credentials
from skykeep.providers.kubernetes.exec_plugin import Plugin
from skykeep.providers.kubernetes.kubeconfig import EnvVar, Exec, User
from tests.providers.kubernetes.opening import settings

V1, V1BETA1 = exec_plugin.VERSIONS
TOKEN = "made-up-" + "token"

Make = Callable[..., Plugin]


@pytest.fixture
def plugin(tmp_path: Path) -> Make:
    """A plugin that is this Python program, in a folder beside the kubeconfig."""

    def make(program: str, *, cluster: dict[str, Any] | None = None, **said: Any) -> Plugin:
        interactive = said.pop("interactive", False)
        file = tmp_path / "bin" / "plugin"
        file.parent.mkdir(exist_ok=True)
        code = tmp_path / "bin" / "program.py"
        code.write_text(textwrap.dedent(program))
        file.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(code))} "$@"\n'
        )
        file.chmod(0o755)
        given = Exec(
            **{
                "command": "./bin/plugin",
                "api_version": V1,
                "interactive_mode": "IfAvailable",
                **said,
            }
        )
        return Plugin(
            given,
            tmp_path / "config",
            "ops",
            cluster or {},
            {"PATH": os.environ["PATH"], "FROM_OUTSIDE": "yes"},
            interactive=interactive,
        )

    return make


def says(version: str = V1, **status: Any) -> str:
    """A program that prints a credential."""
    content = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(content)!r})"


def problem(made: Plugin, kind: type[SkykeepError] = Unauthenticated) -> str:
    with pytest.raises(kind) as caught:
        made.find()
    assert TOKEN not in str(caught.value) + repr(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("version", [V1, V1BETA1])
def test_a_token(plugin: Make, version: str) -> None:
    made = plugin(says(version, token=TOKEN), api_version=version)
    found = made.find()
    assert found.authorization == f"Bearer {TOKEN}"
    assert found.ends_at is found.renew_at is None
    assert TOKEN not in repr(found)


def test_a_certificate(plugin: Make) -> None:
    found = plugin(says(clientCertificateData="cert", clientKeyData="key")).find()
    assert (found.authorization, found.certificate, found.key) == (None, b"cert", b"key")


def test_the_end_of_a_token(plugin: Make) -> None:
    at = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    found = plugin(says(token=TOKEN, expirationTimestamp=at.isoformat())).find()
    assert found.ends_at == at.timestamp()
    assert found.renew_at == at.timestamp() - 60


def test_what_the_command_is_told(plugin: Make) -> None:
    made = plugin(
        """
        import json, os, sys
        told = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
        said = [told, sys.argv[1:], os.environ["OWN"], os.environ["FROM_OUTSIDE"],
                sys.stdin.read()]
        print(json.dumps({"apiVersion": told["apiVersion"], "kind": "ExecCredential",
                          "status": {"token": json.dumps(said)}}))
        """,
        args=["get", "token"],
        env=[EnvVar("OWN", "mine")],
        provide_cluster_info=True,
        cluster={"server": "https://c.example", "config": {"a": 1}},
    )
    told, *rest = json.loads((made.find().authorization or "").removeprefix("Bearer "))
    assert told == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {"server": "https://c.example", "config": {"a": 1}},
        },
    }
    assert rest == [["get", "token"], "mine", "yes", ""]


def test_the_cluster_is_told_only_if_it_is_asked_for(plugin: Make) -> None:
    made = plugin(
        """
        import json, os
        told = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
        print(json.dumps({**told, "status": {"token": " ".join(told["spec"])}}))
        """,
        cluster={"server": "https://c.example"},
    )
    assert made.find().authorization == "Bearer interactive"


FAILURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "fails": (
        "import sys; sys.exit('the login\\n has ended')",
        ("exit code 1", "the login has"),
    ),
    "is killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", ("signal 9",)),
    "says nothing": ("", ("no ExecCredential",)),
    "is no JSON": (f"print({TOKEN!r})", ("no ExecCredential",)),
    "of another version": (says(V1BETA1, token=TOKEN), ("no ExecCredential", V1)),
    "of another kind": (
        f'print(\'{{"apiVersion": "{V1}", "kind": "Status"}}\')',
        ("no ExecCredential",),
    ),
    "without status": (
        f'print(\'{{"apiVersion": "{V1}", "kind": "ExecCredential"}}\')',
        ("a token or a certificate",),
    ),
    "without a token": (says(), ("a token or a certificate",)),
    "a key is missing": (says(token=TOKEN, clientCertificateData="c"), ("without the other",)),
    "a time that is none": (says(token=TOKEN, expirationTimestamp="soon"), ("no Exec",)),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_goes_wrong(plugin: Make, name: str) -> None:
    program, words = FAILURES[name]
    text = problem(plugin(program))
    assert all(word in text for word in words), text
    assert "./bin/plugin" in text


def test_a_command_that_is_not_there(plugin: Make) -> None:
    made = plugin("", command="no-such-command", install_hint="get it\n at example.com")
    text = problem(made, ConfigError)
    assert "no-such-command is not there" in text
    assert "get it at example.com" in text


def test_a_command_that_cannot_be_run(plugin: Make, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("none")
    assert "cannot be run" in problem(plugin("", command="./text"), ConfigError)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"api_version": "client.authentication.k8s.io/v1alpha1"}, "apiVersion"),
        ({"api_version": ""}, "apiVersion"),
        ({"interactive_mode": None}, "interactiveMode"),
        ({"interactive_mode": "Sometimes"}, "interactiveMode"),
        ({"interactive_mode": "Always"}, "nobody is there"),
    ],
)
def test_what_is_not_spoken(plugin: Make, said: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plugin("", **said)


def test_in_a_terminal_the_command_may_ask(plugin: Make) -> None:
    program = """
        import json, os
        told = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
        print(json.dumps({**told, "status": {"token": str(told["spec"]["interactive"])}}))
        """
    for mode, told in (("Always", "True"), ("IfAvailable", "True"), ("Never", "False")):
        made = plugin(program, interactive_mode=mode, interactive=True)
        assert made.find().authorization == f"Bearer {told}"


def test_one_that_does_not_end_is_killed_with_what_it_started(
    plugin: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_plugin, "SECONDS", 1.0)
    made = plugin(
        f"""
        import subprocess, sys, time
        child = subprocess.Popen(["sleep", "600"])
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        child.wait()
        """
    )
    assert "was killed" in problem(made)
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 20
    while _runs(pid):
        assert time.monotonic() < until, "its child still runs"


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.asyncio
async def test_a_hundred_calls_start_it_once(plugin: Make, tmp_path: Path) -> None:
    log = tmp_path / "log"
    made = Credentials(plugin(f"open({str(log)!r}, 'a').write('x')\n" + says(token=TOKEN)))
    found = await asyncio.gather(*(made.credential() for _ in range(100)))
    assert len({id(each) for each in found}) == 1
    assert log.read_text() == "x"


@pytest.mark.asyncio
async def test_a_failure_is_told_to_each_that_waits(plugin: Make) -> None:
    made = Credentials(plugin("import sys; sys.exit('no')"))
    outcomes = await asyncio.gather(
        *(made.credential() for _ in range(10)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {Unauthenticated}
    assert len({id(outcome) for outcome in outcomes}) == 10


@pytest.mark.asyncio
async def test_a_call_that_is_cancelled_does_not_end_it(plugin: Make, tmp_path: Path) -> None:
    """Else one that takes longer than a call could never give anything."""
    go = tmp_path / "go"
    os.mkfifo(go)
    made = Credentials(plugin(f"open({str(go)!r}).read()\n" + says(token=TOKEN)))
    waiting = asyncio.ensure_future(made.credential())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    next_one = asyncio.ensure_future(made.credential())
    await asyncio.to_thread(go.write_text, "")
    assert (await next_one).authorization == f"Bearer {TOKEN}"


@pytest.mark.asyncio
async def test_closing_ends_it(plugin: Make, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    made = Credentials(
        plugin(f"open({str(begun)!r}, 'w').close()\nimport time\ntime.sleep(600)")
    )
    waiting = asyncio.ensure_future(made.credential())
    await asyncio.to_thread(begun.read_text)
    made.close()
    with pytest.raises(Unauthenticated, match="signal 9"):
        await waiting
    with pytest.raises(Unauthenticated, match="was ended"):
        await made.credential()
    for thread in threading.enumerate():
        if thread.name == "skykeep kubernetes plugin":
            thread.join(20)  # it has told its outcome and ends
            assert not thread.is_alive()


def test_what_the_kubeconfig_says_of_the_cluster(tmp_path: Path) -> None:
    authority = "-----BEGIN CERTIFICATE-----\n"
    told = {
        "server": "https://c.example",
        "tls-server-name": "kubernetes.default",
        "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
        "proxy-url": "http://proxy.example",
    }
    extensions = [
        {"name": "of.others", "extension": {"a": 1}},
        {"name": exec_plugin.GROUP + "/exec", "extension": {"audience": "c"}},
    ]
    said = {
        "apiVersion": V1,
        "command": "x",
        "interactiveMode": "Never",
        "provideClusterInfo": True,
    }
    content = {
        "current-context": "ops",
        "contexts": [{"name": "ops", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {**told, "extensions": extensions}}],
        "users": [{"name": "u", "user": {"exec": said}}],
    }
    (tmp_path / "config").write_text(json.dumps(content))  # JSON is YAML
    source = find_access(settings(kubeconfig=str(tmp_path / "config")), {}).source
    assert isinstance(source, Plugin)
    spec = json.loads(source._info())["spec"]
    assert spec == {"interactive": False, "cluster": {**told, "config": {"audience": "c"}}}


def test_what_is_secret_is_not_shown() -> None:
    shown = repr([EnvVar("OWN", TOKEN), Exec("x", args=[TOKEN]), User(token=TOKEN)])
    assert TOKEN not in shown
    assert "OWN" in shown
