"""``skykeep obj``: reading, listing, removing; processes that end early; completion."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.apps.cli.harness import COMMAND, Cli
from tests.apps.cli.obj_home import LARGE, left_over, lines, objects
from tests.apps.cli.test_completion import complete, in_bash
from tests.apps.cli.test_start import modules_after


def test_ranges(bare: Cli) -> None:
    bare("obj", "cp", "-", ":a", stdin=b"0123456789")
    for wanted, found in {
        "0-0": b"0", "2-4": b"234", "8-": b"89", "-3": b"789", "-20": b"0123456789",
        "5-99": b"56789", "10-": b"",
    }.items():  # fmt: skip
        assert bare("obj", "cat", "a", "--range", wanted).out == found, wanted


def test_a_terminal_is_shown_text_only(bare: Cli) -> None:
    bare("obj", "cp", "-", ":text", stdin="größer\n".encode())
    bare("obj", "cp", "-", ":binary", stdin=b"\x1b[2J")
    assert bare("obj", "cat", "text", terminal=True).text == "größer\n"
    ended = bare("obj", "cat", "binary", terminal=True, code=13)
    assert ended.out == b""
    assert bare("obj", "cat", "binary", "--raw", terminal=True).out == b"\x1b[2J"


def test_a_name_that_would_rewrite_the_terminal(bare: Cli) -> None:
    objects(bare).mkdir(parents=True)
    (objects(bare) / "a\u202eb").write_text("")
    assert "\u202e" not in bare("obj", "ls").text


def test_listing(bare: Cli) -> None:
    for key in ("a/1", "a/2", "a/deep/3", "a-b", "b"):
        bare("obj", "cp", "-", f":{key}", stdin=b"12")
    assert bare("obj", "ls").text.split() == ["a-b", "a/", "b"]
    assert bare("obj", "ls", "a").text.split() == ["a/1", "a/2", "a/deep/"]
    assert bare("obj", "ls", "a/").text == bare("obj", "ls", "a").text
    assert bare("obj", "ls", "b").text == "b\n"
    assert bare("obj", "ls", "-r", "--limit", "5").err == ""
    ended = bare("obj", "ls", "-r", "--limit", "2")
    assert (ended.text.split(), ended.err) == (["a-b", "a/1"], "there are more than 2\n")
    assert [line.get("key", line.get("prefix")) for line in lines(
        bare("obj", "ls", "--output", "json").text
    )] == ["a-b", "a/", "b"]  # fmt: skip
    assert bare("obj", "ls", "none").err == "nothing found\n"
    assert bare("obj", "ls", "none", "--output", "json").out == b""


def test_removing(bare: Cli) -> None:
    for key in ("a/1", "a/2", "b", "c"):
        bare("obj", "cp", "-", f":{key}", stdin=b"12")
    bare("obj", "rm", "b", code=2)
    bare("obj", "rm", "a", "--yes", code=10)
    bare("obj", "rm", "b", "none", "--yes", "--missing-ok")
    bare("obj", "rm", "none", "--yes", "--missing-ok")
    bare("obj", "rm", "-r", "none", "--yes", "--missing-ok")
    found = lines(bare("obj", "rm", "-r", "a", "--yes", "--output", "json").text)
    assert found == [{"key": f"a/{n}", "removed": True} for n in (1, 2)]
    assert bare("obj", "ls", "-r").text == "c\n"
    ended = bare("obj", "rm", "c", stdin=b"n\n", terminal=True, code=1)
    assert "Remove 'c' for ever? [y/N]" in ended.err
    assert bare("obj", "ls").text == "c\n"
    bare("obj", "rm", "-r", "c", "c", stdin=b"y\n", terminal=True, code=10)
    bare("obj", "rm", "c", "c", stdin=b"y\n", terminal=True)
    assert bare("obj", "ls").text == ""


def test_gc_ends_what_a_killed_writer_left(bare: Cli) -> None:
    with subprocess.Popen(
        [*COMMAND, "obj", "cp", "-", ":a/b"], stdin=subprocess.PIPE, start_new_session=True
    ) as writer:
        assert writer.stdin is not None
        writer.stdin.write(bytes(LARGE))
        writer.stdin.flush()
        uploads = objects(bare) / ".skykeep" / "uploads"
        while not any(uploads.glob("*/*")):
            assert writer.poll() is None
        writer.kill()
    assert bare("obj", "ls", "-r").text == ""
    assert left_over(bare) != []
    assert bare("obj", "gc").text == "0 uploads ended\n"
    assert bare("obj", "gc", "a", "--older-than", "0s", "--output", "json").json == {"ended": 1}
    assert left_over(bare) == []


def fifo() -> BinaryIO:
    return Path("file").open("wb")


@pytest.mark.parametrize("words", [("cp", "-", ":a"), ("cp", "file", ":a")])
def test_ctrl_c_leaves_nothing(bare: Cli, words: tuple[str, ...]) -> None:
    os.mkfifo("file")
    with (
        ExitStack() as others,
        subprocess.Popen(
            [*COMMAND, "obj", *words],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as writer,
    ):
        assert writer.stdin is not None
        stream = writer.stdin if words[1] == "-" else others.enter_context(fifo())
        stream.write(bytes(LARGE))
        stream.flush()
        uploads = objects(bare) / ".skykeep" / "uploads"
        while not any(uploads.glob("*/*")):
            assert writer.poll() is None
        writer.send_signal(signal.SIGINT)  # although it waits for more, and nobody writes it
        assert writer.stderr is not None
        shown = writer.stderr.read()
        assert writer.wait(60) == 130
    assert b"interrupted" in shown
    assert b"Traceback" not in shown
    assert left_over(bare) == []
    assert bare("obj", "gc", "--older-than", "0s").text == "0 uploads ended\n"


def test_a_reader_that_goes_away(bare: Cli) -> None:
    Path("body").write_bytes(bytes(LARGE))
    bare("obj", "cp", "body", ":a")
    with subprocess.Popen(
        [*COMMAND, "obj", "cat", "a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as reader:
        assert reader.stdout is not None
        assert reader.stderr is not None
        reader.stdout.read(1)
        reader.stdout.close()
        assert (reader.wait(60), reader.stderr.read()) == (141, b"")


def test_completion(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("reports/a", "reports/b", "other"):
        bare("obj", "cp", "-", f":{key}")
    assert complete(bare, "skykeep obj stat rep", monkeypatch) == ["reports/a", "reports/b"]
    assert complete(bare, "skykeep obj cp :o", monkeypatch) == [":other"]
    assert complete(bare, "skykeep obj cp o", monkeypatch) == ["o"]
    assert complete(bare, "skykeep obj pre", monkeypatch) == ["presign"]
    bare.configure("p: {primary: {backend: aws, bucket: none, region: us-east-1}}")
    assert complete(bare, "skykeep obj stat rep", monkeypatch) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_completes(bare: Cli) -> None:
    bare("obj", "cp", "-", ":reports/a")
    assert in_bash(bare, "skykeep obj cat re") == ["reports/a"]


def test_a_command_imports_what_it_needs(bare: Cli) -> None:
    Path("body").write_text("x")
    bare("obj", "cp", "body", ":a")
    unneeded = {"sqlite3", "cryptography", "argon2", "yaml", "aiohttp", "mimetypes", "getpass"}
    assert not modules_after(bare, "obj", "ls") & unneeded
    assert not modules_after(bare, "obj", "cat", "a") & unneeded
    loaded = modules_after(bare, "obj", "--help")
    assert not {name for name in loaded if name.startswith("skykeep.apps.cli.transfers")}


def test_get_imports_nothing_of_objects(cli: Cli) -> None:
    cli("set", "a", "v")
    assert not {name for name in modules_after(cli, "get", "a") if "object" in name}
