"""``skykeep obj``: what goes in comes out, and what cannot be meant is said."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from tests.apps.cli.harness import Cli
from tests.apps.cli.obj_home import LARGE, left_over, lines, names, objects

DIGEST_OF_X = hashlib.sha256(b"x").hexdigest().encode()


@pytest.mark.parametrize("size", [0, 1, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1, LARGE])
def test_every_byte_comes_back(bare: Cli, size: int) -> None:
    body = os.urandom(size)
    Path("body").write_bytes(body)
    assert bare("obj", "cp", "body", ":a/b").text == f"body -> :a/b ({size:,} bytes)\n"
    assert (objects(bare) / "a/b").read_bytes() == body
    bare("obj", "cp", ":a/b", "back")
    assert Path("back").read_bytes() == body
    assert bare("obj", "cat", "a/b").out == body
    assert bare("obj", "cp", ":a/b", "-").out == body
    assert names() == ["back", "body"]
    assert left_over(bare) == []


def test_no_vault_is_needed_and_none_is_made(bare: Cli) -> None:
    asked = bare.types()
    bare("obj", "cp", "-", ":a", stdin=b"body")
    assert asked == []
    assert names(bare.home) == ["objects"]


def test_what_is_kept_with_a_body(bare: Cli) -> None:
    Path("page.html").write_text("<p>")
    bare("obj", "cp", "page.html", ":", "--metadata", "Trained=2026-11", "--tag", "team=web")
    bare("obj", "cp", "page.html", ":packed", "--content-type", "text/plain")
    found = bare("obj", "stat", "page.html", "--output", "json").json
    assert found["content_type"] == "text/html"
    assert found["metadata"]["trained"] == "2026-11"
    assert found["metadata"]["sha256"] == found["checksums"]["sha256"]
    assert found["tags"] == {"team": "web"}
    assert found["size"] == 3
    assert (
        bare("obj", "stat", "packed", "--output", "json").json["content_type"] == "text/plain"
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.json", "application/json"),
        ("a.tar.gz", "application/gzip"),
        ("a.bin", "application/octet-stream"),
        ("none", "application/octet-stream"),
    ],
)
def test_the_name_says_the_content_type(bare: Cli, name: str, kind: str) -> None:
    Path(name).write_text("x")
    bare("obj", "cp", name, ":a")
    assert bare("obj", "stat", "a", "--output", "json").json["content_type"] == kind


def test_a_pipe_of_any_length(bare: Cli) -> None:
    body = os.urandom(LARGE)
    assert bare("obj", "cp", "-", ":a", stdin=body).text == f"- -> :a ({LARGE:,} bytes)\n"
    assert bare("obj", "cat", "a").out == body
    bare("obj", "cp", "-", ":empty")
    assert bare("obj", "cat", "empty").out == b""


def test_a_named_pipe_and_a_device(bare: Cli) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(b"through it"))
    writer.start()
    bare("obj", "cp", "pipe", ":a")
    writer.join()
    assert bare("obj", "cat", "a").out == b"through it"
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_bytes()))
    reader.start()
    bare("obj", "cp", ":a", "pipe")
    reader.join()
    assert read == [b"through it"]
    bare("obj", "cp", ":a", "/dev/null")
    assert Path("/dev/null").is_char_device()
    assert "No space left" in bare("obj", "cp", ":a", "/dev/full", code=19).err


def test_where_a_copy_goes(bare: Cli) -> None:
    Path("a").write_text("a")
    Path("b").write_text("b")
    Path("there").mkdir()
    bare("obj", "cp", "a", ":x")
    bare("obj", "cp", "a", ":x.d/")
    bare("obj", "cp", "a", "b", ":y")
    assert bare("obj", "ls", "-r").text.split() == ["x", "x.d/a", "y/a", "y/b"]
    bare("obj", "cp", ":y/a", "there")
    bare("obj", "cp", ":y/a", ":y/b", "new/one")
    bare("obj", "cp", ":y/a", "other/")
    bare("obj", "cp", ":y/b", "renamed")
    for path, text in {
        "there/a": "a", "new/one/a": "a", "new/one/b": "b", "other/a": "a", "renamed": "b",
    }.items():  # fmt: skip
        assert Path(path).read_text() == text, path
    bare("obj", "cp", ":y/a", ":y/c")
    bare("obj", "cp", ":y/a", ":y/b", ":z")
    assert bare("obj", "ls", "z").text.split() == ["z/a", "z/b"]
    bare("obj", "cp", "./a", ":")
    assert bare("obj", "cat", "a").text == "a"


def test_two_of_one_name(bare: Cli) -> None:
    for name in ("d", "e"):
        Path(name).mkdir()
        Path(name, "a").write_text(name)
    assert "have one name" in bare("obj", "cp", "d/a", "e/a", ":x", code=13).err
    assert not objects(bare).exists()


def test_colons(bare: Cli) -> None:
    """What begins with one is a key, always; a key that has one is taken as it is."""
    Path(":file").write_text("of a file")
    assert "no object 'file'" in bare("obj", "cp", ":file", "copy", code=10).err
    bare("obj", "cp", "./:file", ":a:b")
    bare("obj", "cp", "./:file", "::c")
    assert bare("obj", "ls").text.split() == [":c", "a:b"]
    assert bare("obj", "cat", ":c").text == "of a file"
    assert bare("obj", "rm", ":c", "--yes").text == ":c: removed for ever\n"


def test_recursively(bare: Cli) -> None:
    for name in ("d/a", "d/sub/b", "d/sub/deep/c", "d/sub-b/e"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    Path("d/empty").mkdir()
    Path("d/link").symlink_to("a")
    Path("d/around").symlink_to(".")
    Path("d/nowhere").symlink_to("none")
    os.mkfifo("d/pipe")
    ended = bare("obj", "cp", "-r", "d", ":x")
    assert ended.text.splitlines() == [
        f"d/{name} -> :x/{name} ({size} bytes)"
        for name, size in {
            "a": 3,
            "link": 3,
            "sub-b/e": 9,
            "sub/b": 7,
            "sub/deep/c": 12,
        }.items()
    ]
    assert "'d/around' and 2 more" in ended.err
    bare("obj", "cp", "-r", ":x/sub", "back")
    assert Path("back/deep/c").read_text() == "d/sub/deep/c"
    bare("obj", "cp", "-r", ":x", ":y")
    bare("obj", "cp", "-r", ":", "all")
    assert Path("all/y/sub/b").read_text() == "d/sub/b"
    found = lines(bare("obj", "cp", "-r", ":y", "json", "--output", "json").text)
    assert [line["to"] for line in found][:2] == ["json/a", "json/link"]


def test_no_clobber_leaves_what_is_there(bare: Cli) -> None:
    Path("a").write_text("old")
    bare("obj", "cp", "a", ":a")
    Path("a").write_text("new")
    bare("obj", "cp", ":a", ":a2", "-n")
    for words in (("a", ":a"), (":a", "a"), ("-", ":a"), (":a", ":a2")):
        bare("obj", "cp", *words, "-n", code=14)
    assert bare("obj", "cat", "a").text == "old"
    assert Path("a").read_text() == "new"
    # Of many, the others are copied.
    Path("d").mkdir()
    Path("d/a").write_text("kept")
    ended = bare("obj", "cp", "-r", ":", "d", "-n", code=14)
    assert ended.text == ":a2 -> d/a2 (3 bytes)\n"
    assert "1 of 2 were not copied; ':a': 'd/a' is there already" in ended.err
    assert Path("d/a").read_text() == "kept"


def test_a_file_keeps_its_mode_and_a_link_its_place(bare: Cli) -> None:
    Path("real").write_text("old")
    Path("real").chmod(0o640)
    Path("link").symlink_to("real")
    bare("obj", "cp", "-", ":a", stdin=b"new")
    bare("obj", "cp", ":a", "link")
    assert Path("link").is_symlink()
    assert Path("real").read_text() == "new"
    assert Path("real").stat().st_mode & 0o777 == 0o640
    before = os.umask(0o027)
    try:
        bare("obj", "cp", ":a", "fresh")
    finally:
        os.umask(before)
    assert Path("fresh").stat().st_mode & 0o777 == 0o640
    modified = (objects(bare) / "a").stat().st_mtime
    assert abs(Path("fresh").stat().st_mtime - modified) < 0.001


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cp", "a", "b"), "one side has to be an object"),
        (("cp", "-", "-"), "one side has to be an object"),
        (("cp", "-r", "d", ":a", ":b"), "-r takes one SRC"),
        (("cp", "-r", "-", ":b"), "'-' is one body"),
        (("cp", "-", ":b/"), "say all of DST"),
        (("cp", ":a/", "b"), "add -r"),
        (("cp", ":", "b"), "add -r"),
        (("cp", ":a", "b", "--tag", "a=b"), "for files that become objects"),
        (("cp", ":a", "b", "--to-env", "x"), "--to-env is for copies to objects"),
        (("sync", "a", "b"), "one side has to be objects"),
        (("sync", "-", ":b"), "'-' is one body"),
        (("sync", ":a", ":a/b"), "lies within"),
        (("sync", ":a", ":"), "lies within"),
        (("sync", ":a", "b", "--to-env", "x"), "--to-env is for copies to objects"),
        (("cat", "a", "--range", "5"), "is no range"),
        (("cat", "a", "--range", "-"), "is no range"),
        (("cat", "a", "--range", "2-1"), "is no range"),
        (("rm", "a", "--yes", "--range", "1"), "No such option"),
    ],
)
def test_what_makes_no_sense(bare: Cli, words: tuple[str, ...], said: str) -> None:
    assert said in bare("obj", *words, code=2).err
    assert not objects(bare).exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("cp", "a", ":a//b"), 13, "empty segment"),
        (("cp", "", ":a"), 13, "is no path"),
        (("cp", "none", ":a"), 10, "there is no file 'none'"),
        (("cp", "d", ":a"), 13, "'d' is a directory"),
        (("cp", "-r", "none", ":a"), 10, "there is no directory 'none'"),
        (("cp", "-r", "a", ":a"), 13, "'a' is no directory"),
        (("cp", "-r", "bad", ":a"), 13, "cannot be keys"),
        (("cp", ":there", "a/b"), 14, "cannot have one name"),
        (("cp", ":there", "d/sub"), 0, ""),
        (("cp", ":there", ":there"), 13, "onto itself"),
        (("cp", ":none", "x"), 10, "see the keys: skykeep obj ls"),
        (("cat", "there", "--range", "9-10"), 13, ""),
        (("sync", "none", ":a"), 10, "there is no directory"),
        (("stat", "none"), 10, "there is no object"),
        (("rm", "none", "there", "--yes"), 10, "nothing was removed"),
        (("rm", "-r", "none", "--yes"), 10, "nothing was removed"),
        (("presign", "there"), 22, "no presigned URLs"),
        (("presign", "there", "--expires", "soon"), 2, "is no length of time"),
        (("lifecycle", "show"), 22, "ages nothing"),
    ],
)
def test_what_cannot_be_done(bare: Cli, words: tuple[str, ...], code: int, said: str) -> None:
    bare("obj", "cp", "-", ":there", stdin=b"12345")
    for name in ("d/sub", "bad"):
        Path(name).mkdir(parents=True)
    Path("a").write_text("file")
    Path("bad/ends with a dot.").write_text("")
    assert said in bare("obj", *words, code=code).err
    assert bare("obj", "cat", "there").out == b"12345"


def test_between_environments(bare: Cli) -> None:
    bare.configure(
        """
development: {primary: {backend: local, objects: development}}
production: {primary: {backend: local, objects: production}}
"""
    )
    Path("body").write_bytes(os.urandom(LARGE))
    copied = ("cp", ":m/a", ":n/b", "--to-env", "production")
    bare(
        "--env", "development", "obj", "cp", "body", ":m/a", "--metadata", "k=v", "--tag", "t=1"
    )
    bare("--env", "development", "obj", *copied)
    bare("--env", "development", "obj", *copied, "-n", code=14)
    assert Path("production/n/b").read_bytes() == Path("body").read_bytes()
    found = bare("--env", "production", "obj", "stat", "n/b", "--output", "json").json
    assert (found["metadata"]["k"], found["tags"]) == ("v", {"t": "1"})
    bare("--env", "development", "obj", "cp", "body", ":up", "--to-env", "production")
    assert Path("production/up").exists()
    sync = ("obj", "sync", ":m", ":s", "--to-env", "production")
    assert "1 copied" in bare("--env", "development", *sync).err
    assert "0 copied" in bare("--env", "development", *sync).err
    bare("--env", "development", "obj", "cp", ":m/a", ":a", "--to-env", "nowhere", code=24)


def test_a_body_that_is_damaged_goes_nowhere(bare: Cli) -> None:
    bare.configure(
        """
development: {primary: {backend: local, objects: development}}
production: {primary: {backend: local, objects: production}}
"""
    )
    development = ("--env", "development", "obj")
    bare(*development, "cp", "-", ":a", stdin=b"x")
    (about,) = (p for p in Path("development/.skykeep/about").rglob("*") if p.is_file())
    text = about.read_bytes()
    assert DIGEST_OF_X in text
    about.write_bytes(text.replace(DIGEST_OF_X, b"0" * 64))
    for target in ((":a", "--to-env", "production"), ("a",)):
        ended = bare(*development, "cp", ":a", *target, code=21)
        assert "is not what was kept" in ended.err
    assert not Path("production/a").exists()
    assert names() == ["development"]
