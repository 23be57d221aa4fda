"""A value is seen where it was asked for, and nowhere else, at any log level."""

from __future__ import annotations

import base64
import logging

import pytest

from tests.apps.cli.harness import Cli, Ended
from tests.hiding import hide_extras

CANARY = "canary-5f3a9c"
BINARY = b"\xffcanary-5f3a9c\x00"


def silent(ended: Ended) -> None:
    shown = ended.out + ended.err.encode()
    for secret in (
        b"canary-5f3a9c",
        base64.b64encode(CANARY.encode()),
        base64.b64encode(BINARY)[4:20],
    ):
        assert secret not in shown, ended


@pytest.mark.parametrize("output", ["text", "json"])
def test_through_every_command_and_error(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, output: str
) -> None:
    monkeypatch.setenv("SKYKEEP_LOG", "debug")
    caplog.set_level(logging.DEBUG)
    as_output = ("--output", output)

    def quiet(*args: str, stdin: bytes = b"", code: int | None = None) -> None:
        silent(cli(*as_output, *args, stdin=stdin, code=code))

    # Writes, right and wrong ones.
    quiet("set", "a", CANARY, code=0)
    quiet("set", "a", CANARY, code=0)
    quiet("set", "b", "-", stdin=BINARY, code=0)
    quiet("set", "json", "-", stdin=b'{"k": "canary-5f3a9c", "canary-5f3a9c": 1}', code=0)
    quiet("set", "a", CANARY, "--create", code=14)
    quiet("set", "none", CANARY, "--update", code=10)
    quiet("set", "a", CANARY, "--expects", "9", code=14)
    quiet("set", "bad//name", CANARY, code=13)
    quiet("set", "a", CANARY, "--generate", "8", code=2)
    quiet("set", "a", CANARY, "--expires", "soon", code=2)
    quiet("set", "a", CANARY, "--bad-option", code=2)
    quiet("set", "a", "quotes", "forgotten", CANARY, code=2)
    quiet("set", "a", f"--{CANARY}", code=2)
    quiet("set", "a", f"-{CANARY}", code=2)
    with pytest.MonkeyPatch.context() as patch:
        hide_extras(patch)
        quiet("--backend", "vault", "set", "a", CANARY, code=23)
    quiet("--backend", "vault", "set", "a", CANARY, code=12)
    quiet("--config", "none.yaml", "set", "a", CANARY, code=24)
    # Reads.
    assert CANARY in cli(*as_output, "get", "a").text
    cli("get", "b")
    quiet("get", "a", "--key", "k", code=13)
    quiet("get", "b", "--key", "k", code=13)
    quiet("get", "json", "--key", "none", code=10)
    quiet("get", "a", "--version", "9", code=10)
    silent(cli("get", "b", terminal=True, code=13))
    quiet("ls", "-l", code=0)
    quiet("history", "a", code=0)
    quiet("describe", "a", code=0)
    quiet("watch", "a", "--prefix", "", "--initial", "--once", "--", "env", code=0)
    quiet("doctor", code=0)
    quiet("config", "show", code=0)
    quiet("config", "check", code=0)
    # Commands that are started.
    quiet("run", "--set", "A=b", "true", code=13)
    quiet("run", "--set", "A=a", "no-such-command", code=127)
    quiet("rm", "a", code=0)
    quiet("set", "a", CANARY, code=15)
    quiet("get", "a", code=10)
    quiet("restore", "a", code=0)
    quiet("rm", "a", "--purge", "--yes", code=0)
    # A vault that is damaged under it, and a wrong key.
    cli("set", "a", CANARY)
    vault = cli.home / "vault.db"
    data = bytearray(vault.read_bytes())
    for at in range(4096, len(data), 64):
        data[at] ^= 0xFF
    vault.write_bytes(data)
    quiet("get", "a", code=21)
    quiet("doctor", code=1)
    cli.key_file.write_bytes(bytes(32))
    quiet("get", "a", code=None)
    assert CANARY not in caplog.text


def test_a_passphrase_is_shown_nowhere(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.apps.cli.test_init import CHEAP

    monkeypatch.setenv("SKYKEEP_LOG", "debug")
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", CANARY)
    silent(bare("init", *CHEAP))
    silent(bare("set", "a", "v"))
    silent(bare("doctor"))
    silent(bare("config", "show"))
    silent(bare.process("run", "--set", "A=a", "--", "env"))
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", CANARY + "x")
    silent(bare("get", "a", code=20))
    silent(bare("doctor", code=1))


def test_an_unexpected_error_that_holds_the_value(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skykeep.interfaces.secret_value import SecretValue

    def leak(self: SecretValue) -> bytes:
        raise RuntimeError(CANARY)

    cli("set", "a", CANARY)
    monkeypatch.setenv("SKYKEEP_LOG", "debug")
    monkeypatch.setattr(SecretValue, "reveal", leak)
    silent(cli("get", "a", code=70))
    silent(cli("run", "--set", "A=a", "true", code=70))
