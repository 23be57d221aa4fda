"""``skykeep keys``: what is wrapped is unwrapped, and what cannot be meant is said."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.apps.cli.harness import Cli, Ended
from tests.apps.cli.test_canary import silent
from tests.apps.cli.test_completion import complete

CANARY = "canary-5f3a9c"
BINARY = b"\xffcanary-5f3a9c\x00"
DATA_KEY = bytes(range(200, 232))


@pytest.fixture
def keys(cli: Cli) -> Cli:
    """A vault with a key ``team/backup``, and one that signs, ``release``."""
    cli("keys", "create", "team/backup")
    cli("keys", "create", "release", "--sign")
    return cli


def wrapped(cli: Cli, data: bytes, *options: str) -> str:
    return cli("keys", "wrap", "team/backup", *options, stdin=data).text.strip()


def unwrapped(cli: Cli, ciphertext: str, *options: str) -> bytes:
    return cli("keys", "unwrap", "team/backup", ciphertext, *options).out


# -- wrap, unwrap, rewrap


@pytest.mark.parametrize("data", [b"x", DATA_KEY, b"line\n", b"\0", os.urandom(4096)])
def test_every_byte_comes_back(keys: Cli, data: bytes) -> None:
    assert unwrapped(keys, wrapped(keys, data)) == data


def test_where_the_value_may_come_from(keys: Cli) -> None:
    Path("data.key").write_bytes(DATA_KEY)
    Path("@odd").write_bytes(b"odd")
    for args, stdin, value in (
        (("-",), DATA_KEY, DATA_KEY),
        ((), DATA_KEY, DATA_KEY),
        (("@data.key",), b"", DATA_KEY),
        (("@@data.key",), b"", b"@data.key"),
        (("@@odd",), b"", b"@odd"),
        (("a value",), b"", b"a value"),
        (("--", "--raw"), b"", b"--raw"),
    ):
        ended = keys("keys", "wrap", "team/backup", *args, stdin=stdin)
        assert unwrapped(keys, ended.text.strip()) == value, args


def test_somebody_types_it_twice(keys: Cli) -> None:
    asked = keys.types("typed", "typed")
    ended = keys("keys", "wrap", "team/backup", terminal=True)
    assert len(asked) == 2
    assert unwrapped(keys, ended.text.strip()) == b"typed"
    keys.types("typed", "other")
    assert "differ" in keys("keys", "wrap", "team/backup", terminal=True, code=13).err
    keys.types("")
    err = keys("keys", "wrap", "team/backup", terminal=True, code=13).err
    assert "no value was given" in err
    assert "skykeep set" not in err


def test_where_the_ciphertext_may_come_from(keys: Cli) -> None:
    text = wrapped(keys, b"value")
    Path("wrapped").write_text(f"{text[:20]}\n{text[20:]}\n")
    Path("raw").write_bytes(base64.b64decode(text))
    for args, stdin in (
        ((text,), b""),
        (("@wrapped",), b""),
        (("-",), f"{text}\n".encode()),
        ((), f"  {text}\r\n".encode()),
        (("@raw", "--raw"), b""),
        (("--raw",), base64.b64decode(text)),
    ):
        for command in ("unwrap", "rewrap"):
            ended = keys("keys", command, "team/backup", *args, stdin=stdin)
            if command == "unwrap":
                assert ended.out == b"value"
            else:
                new = base64.b64encode(ended.out).decode() if "--raw" in args else ended.text
                assert unwrapped(keys, new.strip()) == b"value"


def test_raw_is_the_bytes(keys: Cli) -> None:
    raw = keys("keys", "wrap", "team/backup", "--raw", stdin=b"value").out
    assert raw[:1] == b"\x01"
    assert unwrapped(keys, base64.b64encode(raw).decode()) == b"value"
    assert (
        "binary"
        in keys("keys", "wrap", "team/backup", "v", "--raw", terminal=True, code=13).err
    )


def test_a_context_is_needed_again(keys: Cli) -> None:
    pairs = ("--context", "tenant=acme", "--context", "of=a=b")
    text = wrapped(keys, b"value", *pairs)
    assert unwrapped(keys, text, "--context", "of=a=b", "--context", "tenant=acme") == b"value"
    for other in ((), pairs[:2], ("--context", "tenant=other", *pairs[2:])):
        ended = keys("keys", "unwrap", "team/backup", text, *other, code=20)
        assert "does not open" in ended.err
        keys("keys", "rewrap", "team/backup", text, *other, code=20)
    moved = keys("keys", "rewrap", "team/backup", text, *pairs).text.strip()
    assert unwrapped(keys, moved, *pairs) == b"value"


def test_what_older_versions_wrapped_still_opens_and_can_be_moved(keys: Cli) -> None:
    old = wrapped(keys, DATA_KEY)
    assert keys("keys", "rotate", "team/backup").text == "team/backup: version 2\n"
    new = keys("keys", "rewrap", "team/backup", old).text.strip()
    assert new != old
    assert unwrapped(keys, old) == unwrapped(keys, new) == DATA_KEY
    assert base64.b64decode(old)[17:21] == b"\0\0\0\1"
    assert base64.b64decode(new)[17:21] == b"\0\0\0\2"


def test_values_on_a_terminal(keys: Cli) -> None:
    text = wrapped(keys, b"a password")
    assert keys("keys", "unwrap", "team/backup", text, terminal=True).out == b"a password\n"
    assert unwrapped(keys, text, "--base64") == base64.b64encode(b"a password") + b"\n"
    for data in (DATA_KEY, b"\x1b[2J"):
        text = wrapped(keys, data)
        ended = keys("keys", "unwrap", "team/backup", text, terminal=True, code=13)
        assert "rewrite this terminal" in ended.err
        ended = keys("keys", "unwrap", "team/backup", text, "--base64", terminal=True)
        assert base64.b64decode(ended.text) == data


def test_documents(keys: Cli) -> None:
    def document(*args: str, stdin: bytes = b"", code: int = 0) -> dict[str, object]:
        found: dict[str, object] = json.loads(
            keys("keys", *args, "--output", "json", stdin=stdin, code=code).out
        )
        return found

    context = ("--context", "a=b")
    made = document("wrap", "team/backup", *context, stdin=b"text")
    assert (made["key"], made["context"]) == ("team/backup", {"a": "b"})
    found = document("unwrap", "team/backup", str(made["ciphertext"]), *context)
    assert found == {
        "key": "team/backup",
        "context": {"a": "b"},
        "value": "text",
        "encoding": "utf-8",
    }
    moved = document("rewrap", "team/backup", str(made["ciphertext"]), *context)
    assert moved.keys() == made.keys()
    text = wrapped(keys, DATA_KEY)
    found = document("unwrap", "team/backup", text)
    assert base64.b64decode(str(found["value_base64"])) == DATA_KEY
    signed = document("sign", "release", stdin=b"body")
    assert signed["sha256"] == hashlib.sha256(b"body").hexdigest()
    assert signed["version"] == "1"
    checked = document("verify", "release", str(signed["signature"]), stdin=b"body")
    assert (checked["valid"], checked["sha256"]) == (True, signed["sha256"])
    checked = document("verify", "release", str(signed["signature"]), stdin=b"x", code=1)
    assert checked["valid"] is False
    described = document("describe", "release")
    assert described == document("rotate", "release") | {"version": "1"}
    assert described["algorithm"] == "ecdsa-p256-sha256"
    assert described["purpose"] == "sign"
    assert document("create", "another")["version"] == "1"


# -- keys themselves


def test_keys_are_listed(keys: Cli) -> None:
    keys("keys", "create", "teams/other")
    assert keys("keys", "list").text == "release\nteam/backup\nteams/other\n"
    assert keys("keys", "list", "team").text == "team/backup\n"
    assert keys("keys", "list", "none").err == "nothing found\n"
    rows = keys("keys", "list", "--long").text.splitlines()
    assert rows[0].split() == ["NAME", "USE", "STATE", "VERSION", "CREATED"]
    assert rows[1].split()[:4] == ["release", "ecdsa-p256-sha256", "enabled", "1"]
    assert rows[2].split()[:4] == ["team/backup", "encrypt", "enabled", "1"]
    found = keys("keys", "list", "--output", "json").json
    assert [each["name"] for each in found] == ["release", "team/backup", "teams/other"]


def test_a_key_is_described(keys: Cli) -> None:
    lines = dict(
        line.split(maxsplit=1)
        for line in keys("keys", "describe", "team/backup").text.splitlines()
    )
    created = lines.pop("created")
    assert created.endswith("Z")
    assert lines == {
        "name": "team/backup",
        "purpose": "encrypt",
        "algorithm": "-",
        "state": "enabled",
        "version": "1",
        "native": "-",
    }


def test_keys_are_no_secrets(keys: Cli) -> None:
    assert keys("ls").err == "nothing found\n"
    assert keys("search", "team", code=None).out == b""
    assert keys("tree").out == b""
    keys("get", "team/backup", code=10)
    keys("get", "key:/team/backup", code=13)
    path = keys.home / "vault.db"
    assert keys("vault", "verify").text == f"{path}: whole (0 secrets, 0 versions, 2 keys)\n"


def test_a_namespace_is_a_scope_of_keys(keys: Cli) -> None:
    keys("--namespace", "web", "keys", "create", "key")
    assert keys("--namespace", "web", "keys", "list").text == "key\n"
    assert "web/key" in keys("keys", "list").text


# -- signatures


def test_files_are_signed(keys: Cli) -> None:
    Path("build.tar").write_bytes(os.urandom(3_000_000))
    Path("other.tar").write_bytes(b"other")
    signed = keys("keys", "sign", "release", "build.tar")
    assert signed.err == "release: version 1\n"
    Path("sig").write_bytes(signed.out)
    for args, stdin in (
        (("build.tar",), b""),
        (("-",), Path("build.tar").read_bytes()),
        ((), Path("build.tar").read_bytes()),
    ):
        ended = keys("keys", "verify", "release", "@sig", *args, stdin=stdin)
        assert ended.text == "release signed it\n"
    ended = keys("keys", "verify", "release", "@sig", "other.tar", code=1)
    assert ended.text == "release did not sign it\n"
    keys("keys", "verify", "release", "AAAA", "build.tar", code=1)
    raw = keys("keys", "sign", "release", "build.tar", "--raw").out
    Path("sig.raw").write_bytes(raw)
    keys("keys", "verify", "release", "@sig.raw", "build.tar", "--raw")


def test_an_older_version_is_named(keys: Cli) -> None:
    old = keys("keys", "sign", "release", stdin=b"body").text.strip()
    keys("keys", "rotate", "release")
    keys("keys", "verify", "release", old, stdin=b"body", code=1)
    keys("keys", "verify", "release", old, "--version", "1", stdin=b"body")
    keys("keys", "verify", "release", old, "--version", "none", stdin=b"body", code=1)


# -- what cannot be meant


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("unwrap", "none", "AAAA"), 10, "skykeep keys list"),
        (("describe", "none"), 10, "no key 'none'"),
        (("rotate", "none"), 10, "no key 'none'"),
        (("create", "team/backup"), 14, "there is a key 'team/backup' already"),
        (("create", "a//b"), 13, "is not a name"),
        (("create", "new", "--algorithm", "rsa-pss-sha256"), 2, "--sign"),
        (("create", "new", "--sign", "--algorithm", "md5"), 2, "md5"),
        (("unwrap", "team/backup", "no*base64"), 13, "is not base64"),
        (("unwrap", "team/backup", "AAAA"), 20, "does not open"),
        (("unwrap", "team/backup", "@none"), 10, "no file none"),
        (("unwrap", "team/backup", ""), 13, "a ciphertext is 1 to"),
        (("unwrap", "team/backup", "AAAA", "--raw"), 2, "--raw is for"),
        (("unwrap", "team/backup", "AAAA", "--context", "a"), 2, "not KEY=VALUE"),
        (("unwrap", "team/backup", "AAAA", "--context", "aws:x=y"), 13, "not allowed"),
        (
            ("unwrap", "team/backup", "AAAA", "--context", "a=b", "--context", "a=c"),
            2,
            "twice",
        ),
        (("wrap", "team/backup", "-"), 13, "nothing to encrypt"),
        (("wrap", "release", "value"), 13, "signs; it does nothing else"),
        (("sign", "team/backup", "-"), 13, "encrypts; it does nothing else"),
        (("sign", "release", "none"), 10, "no file none"),
        (("sign", "release", "."), 11, "cannot be read"),
        (("verify", "release", "-", "-"), 2, "both be standard input"),
        (("verify", "release", "*", "-"), 13, "the signature is not base64"),
        (("nothing",), 2, "No such command"),
    ],
)
def test_what_cannot_be_meant(keys: Cli, args: tuple[str, ...], code: int, said: str) -> None:
    assert said in keys("keys", *args, code=code).err


def test_a_value_that_is_too_large_names_the_limit(keys: Cli) -> None:
    ended = keys("keys", "wrap", "team/backup", stdin=bytes(4097), code=13)
    assert "4,096 bytes" in ended.err
    assert "data key" in ended.err


def test_nobody_types_a_ciphertext(keys: Cli) -> None:
    ended = keys("keys", "unwrap", "team/backup", terminal=True, code=2)
    assert "give the ciphertext" in ended.err


def test_a_store_without_keys_says_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB", "x")
    ended = cli("--backend", "env", "keys", "list", code=22)
    assert "keys" in ended.err


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_value_is_shown_where_it_was_asked_for(
    keys: Cli, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.setenv("SKYKEEP_LOG", "debug")

    def quiet(*args: str, stdin: bytes = b"", code: int | None = 0) -> Ended:
        ended = keys("--output", output, "keys", *args, stdin=stdin, code=code)
        silent(ended)
        return ended

    quiet("wrap", "team/backup", CANARY)
    quiet("wrap", "team/backup", stdin=BINARY)
    quiet("wrap", "none", CANARY, code=10)
    quiet("wrap", "release", CANARY, code=13)
    quiet("wrap", "a//b", CANARY, code=13)
    quiet("wrap", "team/backup", "quotes", "forgotten", CANARY, code=2)
    quiet("wrap", "team/backup", f"--{CANARY}", code=2)
    quiet("wrap", "team/backup", "-", stdin=BINARY * 1000, code=13)
    text = wrapped(keys, BINARY, "--context", "a=b")
    quiet("unwrap", "team/backup", text, code=20)
    quiet("unwrap", "team/backup", text, CANARY, code=2)
    quiet("rewrap", "team/backup", text, "--context", "a=b")
    silent(
        keys("keys", "unwrap", "team/backup", text, "--context", "a=b", terminal=True, code=13)
    )


# -- completion


def test_names_are_completed(keys: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = keys.types()
    assert complete(keys, "skykeep keys ro", monkeypatch) == ["rotate"]
    assert complete(keys, "skykeep keys rotate te", monkeypatch) == ["team/backup"]
    assert complete(keys, "skykeep keys rotate team/b", monkeypatch) == ["team/backup"]
    assert complete(keys, "skykeep keys sign ", monkeypatch) == ["release", "team/backup"]
    assert complete(keys, "skykeep keys list x", monkeypatch) == []
    keys.configure("x: {keys: {backend: vault}}")
    assert complete(keys, "skykeep keys rotate te", monkeypatch) == []
    assert asked == []
