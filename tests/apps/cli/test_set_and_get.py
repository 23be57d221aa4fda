from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from skykeep.apps.cli.json_path import find
from skykeep.apps.cli.values import ALPHABETS
from skykeep.errors import Invalid, NotFound
from tests.apps.cli.harness import Cli

VALUES = [
    b"",
    b"s3cret",
    b"ends in a newline\n",
    b"\r\n\r\n",
    bytes(range(256)),
    b"\xff\xfe",
    b"\x00",
]


@pytest.mark.parametrize("value", VALUES)
def test_standard_input_comes_back_byte_for_byte(cli: Cli, value: bytes) -> None:
    cli("set", "a", "-", stdin=value)
    assert cli("get", "a").out == value


def test_byte_for_byte_through_real_pipes(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    value = os.urandom(300_000) + b"\r\n"
    cli.process("set", "a", "-", stdin=value)
    for unbuffered in ("", "1"):
        monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
        ended = cli.process("get", "a")
        assert (ended.out, ended.err) == (value, "")


def test_a_pipe_needs_no_dash_but_must_not_be_empty(cli: Cli) -> None:
    cli("set", "a", stdin=b"piped")
    assert cli("get", "a").out == b"piped"
    ended = cli("set", "a", stdin=b"", code=13)
    assert "standard input is empty" in ended.err
    assert cli("get", "a").out == b"piped"


def test_the_largest_value_and_one_byte_more(cli: Cli) -> None:
    most = 64 * 1024 * 1024
    ended = cli("set", "a", "-", stdin=bytes(most + 1), code=13)
    assert "67,108,865" in ended.err
    cli("get", "a", code=10)


def test_values_in_argv(cli: Cli) -> None:
    for given, kept in [("v", b"v"), ("", b""), ("@@at", b"@at"), ("é", "é".encode())]:
        cli("set", "a", given)
        assert cli("get", "a").out == kept
    for literal in ("-", "@x", "@@x"):
        cli("set", "a", "--literal", literal)
        assert cli("get", "a").out == literal.encode()


def test_arguments_that_may_be_a_value_are_not_repeated(cli: Cli) -> None:
    assert "did you mean --generate?" in cli("set", "a", "--generte", "8", code=2).err
    assert "write '--' before a value" in cli("set", "a", "-7xyz", code=2).err
    assert "quote a value" in cli("set", "a", "two", "words", code=2).err
    cli("set", "a", "--", "-7xyz")
    assert cli("get", "a").text == "-7xyz"


def test_argv_bytes_that_are_no_text(cli: Cli) -> None:
    cli.process("set", "a", b"\xff\xfe")  # type: ignore[arg-type]  # bytes work as well
    assert cli("get", "a").out == b"\xff\xfe"


def test_a_value_in_argv_is_warned_of_on_a_terminal_only(cli: Cli) -> None:
    assert "stays in the shell's history" in cli("set", "a", "v", terminal=True).err
    assert cli("set", "a", "w").err == ""


def test_values_from_files(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_bytes(bytes(range(256)))
    cli("set", "a", f"@{file}")
    assert cli("get", "a").out == bytes(range(256))
    assert "there is no file" in cli("set", "a", "@/no/such", code=10).err
    assert "names no file" in cli("set", "a", "@", code=13).err
    assert "cannot be read" in cli("set", "a", f"@{tmp_path}", code=11).err
    assert "cannot be read: it is no path" in cli("set", "a", "@\x00", code=11).err


def test_the_value_is_asked_for_twice(cli: Cli) -> None:
    asked = cli.types("typed", "typed")
    assert cli("set", "a", terminal=True).text == "a: version 1\n"
    assert asked == ["Value: ", "Again: "]
    assert cli("get", "a").out == b"typed"


def test_what_was_typed_must_be_the_same_and_something(cli: Cli) -> None:
    cli.types("one", "two")
    assert "the two values differ" in cli("set", "a", terminal=True, code=13).err
    cli.types("")
    assert "no value was given" in cli("set", "a", terminal=True, code=13).err
    cli.types()
    assert "no value was given" in cli("set", "a", terminal=True, code=13).err
    cli("get", "a", code=10)


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_generated_values(cli: Cli, alphabet: str) -> None:
    shown = cli("set", "a", "--generate", "40", "--alphabet", alphabet, "--show")
    value = cli("get", "a").text
    assert shown.text == f"{value}\n"
    assert shown.err == "a: version 1\n"
    assert len(value) == 40
    assert set(value) <= set(ALPHABETS[alphabet])


def test_a_generated_value_is_shown_only_when_asked(cli: Cli) -> None:
    ended = cli("set", "a", "--generate", "32")
    assert cli("get", "a").text not in ended.text + ended.err
    assert cli("set", "b", "--generate", "32", "--output", "json").json.keys() == {
        "name", "version", "changed", "stage",
    }  # fmt: skip
    shown = cli("set", "c", "--generate", "32", "--show", "--output", "json").json
    assert shown["value"] == cli("get", "c").text


def test_a_short_generated_value_is_warned_of(cli: Cli) -> None:
    assert "can be guessed" in cli("set", "a", "--generate", "8", "--alphabet", "digits").err


@pytest.mark.parametrize(
    "args",
    [
        ("v", "--generate", "8"),
        ("v", "--show"),
        ("--literal",),
        ("--generate", "0"),
        ("v", "--create", "--update"),
        ("v", "--create", "--expects", "1"),
        ("v", "--create", "--stage", "pending"),
        ("v", "--update", "--on-tombstone", "purge"),
        ("v", "--expires", "soon"),
        ("v", "--expires", "999999999w"),
        ("v", "--tag", "novalue"),
        ("v", "--tag", "a=1", "--tag", "a=2"),
        ("v", "extra"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(cli: Cli, args: tuple[str, ...]) -> None:
    ended = cli("set", "a", *args, code=2)
    assert ended.err.startswith("skykeep: usage: ")
    assert "  see: skykeep" in ended.err
    assert cli("ls").text == ""


def test_what_set_says(cli: Cli) -> None:
    assert cli("set", "a", "1").text == "a: version 1\n"
    assert cli("set", "a", "1").text == "a: version 1 (unchanged)\n"
    assert cli("set", "a", "2", "--output", "json").json == {
        "name": "a", "version": "2", "changed": True, "stage": "current",
    }  # fmt: skip
    assert cli("set", "a", "3", "--stage", "pending").text == "a: version 3 (pending)\n"
    assert cli("get", "a").text == "2"
    assert cli("get", "a", "--stage", "pending").text == "3"
    assert cli("get", "a", "--version", "1").text == "1"


def test_create_update_and_compare_and_set(cli: Cli) -> None:
    cli("set", "a", "1", "--update", code=10)
    cli("set", "a", "1", "--create")
    cli("set", "a", "2", "--create", code=14)
    cli("set", "a", "2", "--expects", "1")
    cli("set", "a", "3", "--expects", "1", code=14)
    assert cli("get", "a").text == "2"


def test_a_tombstone(cli: Cli) -> None:
    cli("set", "a", "1")
    cli("rm", "a")
    cli("set", "a", "2", code=15)
    cli("set", "a", "2", "--on-tombstone", "recover")
    assert [v["id"] for v in cli("history", "a", "--output", "json").json["versions"]] == [
        "2",
        "1",
    ]
    cli("rm", "a")
    cli("set", "a", "3", "--on-tombstone", "purge")
    assert len(cli("history", "a", "--output", "json").json["versions"]) == 1


def test_attributes_are_kept_until_they_are_replaced(cli: Cli) -> None:
    cli("set", "a", "1", "--metadata", "note=a=b", "--tag", "team=web", "--expires", "30d")
    cli("set", "a", "2")
    found = cli("describe", "a", "--output", "json").json
    assert found["metadata"] == {"note": "a=b"}
    assert found["tags"] == {"team": "web"}
    assert found["expires_at"].endswith("Z")
    cli("set", "a", "3", "--tag", "x=y", "--expires", "never")
    found = cli("describe", "a", "--output", "json").json
    assert (found["tags"], found["expires_at"]) == ({"x": "y"}, None)


@pytest.mark.parametrize(
    ("when", "kept"),
    [
        ("2099-01-01", "2099-01-01T00:00:00Z"),
        ("2099-01-01T12:30:00", "2099-01-01T12:30:00Z"),
        ("2099-01-01T12:30:00Z", "2099-01-01T12:30:00Z"),
        ("2099-01-01T12:30:00+02:00", "2099-01-01T10:30:00Z"),
    ],
)
def test_expiry_times(cli: Cli, when: str, kept: str) -> None:
    cli("set", "a", "1", "--expires", when)
    assert cli("describe", "a", "--output", "json").json["expires_at"] == kept


def test_an_expired_secret_is_read_with_a_warning(cli: Cli) -> None:
    assert "has passed" in cli("set", "a", "old", "--expires", "2001-01-01").err
    ended = cli("get", "a")
    assert ended.out == b"old"
    assert ended.err == "skykeep: warning: the secret 'a' expired on 2001-01-01 00:00:00Z\n"
    ended = cli("get", "a", "--output", "json")
    assert ended.json["expired"] is True
    assert json.loads(ended.err) == {
        "warning": {"message": "the secret 'a' expired on 2001-01-01 00:00:00Z"}
    }


def test_get_as_json(cli: Cli) -> None:
    cli("set", "a", "-", stdin="é\n".encode())
    found = cli("get", "a", "--output", "json").json
    assert (found["value"], found["encoding"]) == ("é\n", "utf-8")
    assert found["provenance"]["source"] == "primary (local)"
    cli("set", "a", "-", stdin=b"\xff")
    found = cli("--output", "json", "get", "a").json
    assert (found["value_base64"], found["encoding"]) == ("/w==", "base64")
    assert "value" not in found


def test_on_a_terminal(cli: Cli) -> None:
    cli("set", "a", "v")
    assert cli("get", "a", terminal=True).out == b"v\n"
    cli("set", "a", "-", stdin=b"line\r\n")
    assert cli("get", "a", terminal=True).out == b"line\r\n"
    for binary in (b"\xff\x00", b"\x1b[2J"):
        cli("set", "a", "-", stdin=binary)
        ended = cli("get", "a", terminal=True, code=13)
        assert ended.out == b""
        assert "--raw" in ended.err
        assert cli("get", "a", "--raw", terminal=True).out == binary
        assert cli("get", "a").out == binary


DOCUMENT = (
    '{"password": "p\\né", "n": 1, "t": true, "l": [{"id": 7}], '
    '"a.b": "dot", "a": {"b": "nested", "c": 2}}'
).encode()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("password", "p\né"),
        ("n", "1"),
        ("t", "true"),
        ("l.0.id", "7"),
        ("l.0", '{"id": 7}'),
        ("a.b", "dot"),
        ("a.c", "2"),
    ],
)
def test_one_value_inside_a_json_value(cli: Cli, path: str, found: str) -> None:
    cli("set", "a", "-", stdin=DOCUMENT)
    assert cli("get", "a", "--key", path).out == found.encode()
    document = cli("get", "a", "--key", path, "--output", "json").json
    assert (document["key"], document["value"]) == (path, found)


@pytest.mark.parametrize(
    "path", ["", ".", "no", "n.x", "l.1", "l.x", "l.-1", "password.0", "a.x"]
)
def test_a_key_that_is_not_there_tells_nothing_of_the_value(cli: Cli, path: str) -> None:
    cli("set", "a", "-", stdin=DOCUMENT)
    ended = cli("get", "a", "--key", path, code=10)
    assert ended.out == b""
    assert not {"nested", "dot", "password"} & set(ended.err.replace(path, "").split("'"))


def test_a_key_of_a_value_that_is_no_json(cli: Cli) -> None:
    cli("set", "a", "hidden-value")
    ended = cli("get", "a", "--key", "x", code=13)
    assert "hidden-value" not in ended.err


def test_the_longest_key_with_dots_is_taken_first() -> None:
    assert find({"a.b": {"c": 1}, "a": {"b": {"c": 2}}}, "a.b.c", "s") == b"1"
    assert find({"a.b": {}, "a": {"b": {"c": 2}}}, "a.b.c", "s") == b"2"
    with pytest.raises(NotFound):
        find(7, "x", "s")
    with pytest.raises(Invalid, match="no UTF-8 form"):
        find({"x": "\ud800"}, "x", "s")


def test_version_and_stage_exclude_each_other(cli: Cli) -> None:
    cli("set", "a", "v")
    cli("get", "a", "--version", "1", "--stage", "current", code=2)
    cli("get", "a", "--version", "9", code=10)
    cli("get", "a", "--stage", "pending", code=10)


def test_a_relative_expiry_is_from_now(cli: Cli) -> None:
    cli("set", "a", "v", "--expires", "1s")
    assert cli("get", "a").err == ""
    time.sleep(1.1)
    assert "expired" in cli("get", "a").err
