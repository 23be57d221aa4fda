"""redact: a stream with every known value masked."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import urllib.parse

import pytest

from tests.apps.cli.harness import COMMAND, Cli

VALUE = "canary/value?1 é"


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli("set", "a", "earlier-value")
    cli("set", "a", VALUE)
    cli("set", "b", "other-value\n")
    return cli


def test_every_known_value_is_masked(filled: Cli) -> None:
    data = f"x {VALUE}, other-value earlier-value\r\n\0".encode()
    assert filled("redact", stdin=data).out == b"x ***, *** earlier-value\r\n\0"
    assert filled("redact", "--all-versions", stdin=data).out == b"x ***, *** ***\r\n\0"
    assert filled("redact", "--prefix", "none", stdin=data).out == data
    assert filled("redact", "--mask", "<é>", stdin=b"other-value").text == "<é>"
    assert filled("redact").out == b""


def test_what_is_short_is_left_out_with_a_warning(filled: Cli) -> None:
    filled("set", "pin", "1234")
    filled("set", "empty", "")
    ended = filled("redact", stdin=b"1234")
    assert ended.out == b"1234"
    assert (
        "1 secret has a value of less than 8 bytes, which is not looked for: pin" in ended.err
    )
    ended = filled("redact", "--min-length", "4", stdin=b"1234")
    assert (ended.out, ended.err) == (b"***", "")
    for n in range(3):
        filled("set", f"pin{n}", "1234")
    assert "4 secrets have" in filled("redact").err


def test_other_forms_of_the_values(filled: Cli) -> None:
    raw = VALUE.encode()
    lines = [
        base64.b64encode(raw),
        base64.urlsafe_b64encode(raw).rstrip(b"="),
        urllib.parse.quote(VALUE, safe="").encode(),
        urllib.parse.quote_plus(VALUE).encode(),
        rb'"canary/value?1 \u00e9"',
    ]
    data = b"\n".join(lines)
    assert filled("redact", stdin=data).out == data
    masked = filled("redact", "--encodings", "base64,url,json", stdin=data).out
    assert masked == b'***\n***\n***\n***\n"***"'
    for before in (b"u:", b"user:", b"admin:"):
        inside = base64.b64encode(before + raw + b"!tail")
        masked = filled("redact", "--encodings", "base64", stdin=inside).out
        assert b"***" in masked
        assert len(masked) < len(inside) - 16
    filled("redact", "--encodings", "rot13", code=13)


def test_a_line_comes_out_before_the_input_ends(filled: Cli) -> None:
    process = subprocess.Popen(
        [*COMMAND, "redact"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(os.environ),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for line in (b"a other-value b\n", b"second\n"):
        process.stdin.write(line)
        process.stdin.flush()
        assert process.stdout.readline() == line.replace(b"other-value", b"***")
    process.stdin.write(b"other-")
    process.stdin.flush()
    process.stdin.write(b"value")
    process.stdin.close()
    assert process.stdout.read() == b"***"
    process.stdout.close()
    assert process.wait() == 0


def test_a_value_that_cannot_be_read_is_said(
    filled: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skykeep.errors import NotFound, VersionUnavailable
    from skykeep.interfaces.secrets import Secrets

    async def gone(self: Secrets, name: str, **_: object) -> object:
        raise VersionUnavailable("disabled")

    async def deleted(self: Secrets, name: str) -> object:
        raise NotFound("deleted")

    monkeypatch.setattr(Secrets, "get", gone)
    assert "2 secrets have no readable value: a, b" in filled("redact").err
    monkeypatch.setattr(Secrets, "versions", deleted)
    assert "no readable value" in filled("redact", "--all-versions").err


def test_closed_standard_input(filled: Cli) -> None:
    with pytest.MonkeyPatch.context() as patch:
        from skykeep.apps.cli import main

        patch.setattr(sys, "stdin", None)
        assert main(["redact"]) == 13
