"""edit: in memory, compare-and-set, and nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from skykeep.apps.cli import private_file
from skykeep.errors import Invalid, Unsupported
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets, share
from tests.apps.cli.harness import COMMAND, Cli

IN_MEMORY = private_file.in_memory("/dev/shm")
pytestmark = pytest.mark.skipif(not IN_MEMORY, reason="needs a tmpfs at /dev/shm")


class Editor:
    """Python as the editor: runs statements with ``p``, the file's path."""

    def __init__(self, patch: pytest.MonkeyPatch, room: Path) -> None:
        self._patch = patch
        self._script = room / "editor.py"
        self.seen = room / "seen"
        patch.delenv("XDG_RUNTIME_DIR", raising=False)
        patch.setenv("VISUAL", f"'{sys.executable}' '{self._script}'")

    def does(self, statements: str) -> None:
        self._script.write_text(
            "import os, sys, pathlib\n"
            "p = pathlib.Path(sys.argv[1])\n"
            f"pathlib.Path({str(self.seen)!r}).write_text(str(p))\n"
            f"{statements}\n"
        )

    @property
    def left(self) -> list[Path]:
        """What is still there of the last file and its folder."""
        path = Path(self.seen.read_text())
        return [one for one in (path, path.parent) if one.exists()]


@pytest.fixture
def editor(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Editor:
    cli("set", "a", "before")
    return Editor(monkeypatch, tmp_path)


def test_a_change_is_a_new_version(cli: Cli, editor: Editor) -> None:
    editor.does(
        "assert p.read_text() == 'before' and str(p).startswith('/dev/shm/')\n"
        "assert p.stat().st_mode & 0o777 == 0o600\n"
        "assert p.parent.stat().st_mode & 0o777 == 0o700\n"
        "assert 'SKYKEEP_KEY_FILE' not in os.environ\n"
        "pathlib.Path(str(p) + '~').write_text('a copy: before')\n"
        "p.write_text('after\\n')"
    )
    os.environ["SKYKEEP_KEY_FILE"] = str(cli.key_file)
    try:
        assert cli("edit", "a").text == "a: version 2\n"
    finally:
        del os.environ["SKYKEEP_KEY_FILE"]
    assert cli("get", "a").text == "after"  # the editor's newline is gone
    assert editor.left == []


def test_no_change_makes_no_version(cli: Cli, editor: Editor) -> None:
    for statement in ("pass", "p.write_text('before\\n')"):
        editor.does(statement)
        assert cli("edit", "a").text == "a: version 1 (unchanged)\n"
    ended = cli("edit", "a", "--output", "json")
    assert ended.json == {"name": "a", "version": "1", "changed": False}
    assert editor.left == []


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("sys.exit(3)", "code 3"),
        ("p.write_text('')", "empty"),
        ("p.unlink()", "removed the file"),
    ],
)
def test_an_editor_that_fails_writes_nothing(
    cli: Cli, editor: Editor, statement: str, says: str
) -> None:
    editor.does(statement)
    assert says in cli("edit", "a", code=13).err
    assert cli("get", "a").text == "before"
    assert editor.left == []


def test_a_change_by_somebody_else_is_a_conflict(cli: Cli, editor: Editor) -> None:
    command = [*COMMAND, "set", "a", "theirs"]
    editor.does(f"import subprocess; subprocess.run({command!r})\np.write_text('mine')")
    cli("edit", "a", code=14)
    assert cli("get", "a").text == "theirs"
    assert editor.left == []


def test_a_store_that_takes_no_condition_is_edited_without_one(
    bare: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.configure("development:\n  primary: {backend: memory, store: lesser}\n")
    share("lesser", MemorySecrets(capabilities=replace(EVERYTHING, compare_and_set=False)))
    try:
        bare("set", "a", "before")
        Editor(monkeypatch, tmp_path).does("p.write_text('after')")
        assert bare("edit", "a").text == "a: version 2\n"
        assert bare("get", "a").text == "after"
    finally:
        share("lesser", None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_removes_the_file(cli: Cli, editor: Editor, number: int) -> None:
    editor.does("sys.stdout.write('ready\\n'); sys.stdout.flush()\nimport time; time.sleep(60)")
    process = subprocess.Popen(
        [*COMMAND, "edit", "a"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"nothing was written" in err
    assert editor.left == []


def test_what_is_no_text_is_not_edited(cli: Cli, editor: Editor) -> None:
    cli("set", "b", "-", stdin=b"\xff")
    editor.does("raise SystemExit(1)")
    assert "not UTF-8" in cli("edit", "b", code=13).err
    cli("edit", "none", code=10)
    assert not editor.seen.exists()


@pytest.mark.parametrize("text", ["no-such-editor-here", "'"])
def test_no_editor(cli: Cli, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    cli("set", "a", "v")
    monkeypatch.setenv("VISUAL", text)
    assert "there is no editor" in cli("edit", "a", code=13).err


def test_an_editor_that_cannot_be_started(tmp_path: Path) -> None:
    program = tmp_path / "editor"
    program.write_bytes(b"\x7fno program")
    program.chmod(0o755)
    with pytest.raises(Invalid, match="cannot be started"):
        private_file.edited(b"x", [str(program)], str(tmp_path), {})
    assert list(tmp_path.iterdir()) == [program]


def test_a_disk_is_refused_unless_allowed(
    cli: Cli, editor: Editor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor.does("p.write_text('after')")
    mounts = tmp_path / "mounts"
    mounts.write_text("disk / ext4 rw 0 0\nodd\n")
    monkeypatch.setattr(private_file, "MOUNTS", str(mounts))
    ended = cli("edit", "a", code=22)
    assert "--allow-disk" in ended.err
    mounts.write_text("disk / ext4 rw 0 0\n")
    with pytest.raises(Unsupported):
        private_file.folder({"XDG_RUNTIME_DIR": str(tmp_path)}, allow_disk=False)
    assert cli("edit", "a", "--allow-disk").text == "a: version 2\n"
    assert editor.left == []
    mounts.unlink()
    assert not private_file.in_memory("/dev/shm")


def test_files_are_overwritten_before_they_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / "value").write_bytes(b"canary")
    (room / "locked").write_bytes(b"canary")
    kept = tmp_path / "kept"
    os.link(room / "value", kept)
    opening = Path.open

    def refuse(self: Path, *args: str) -> object:
        if self.name == "locked":
            raise PermissionError(13, "no")
        return opening(self, *args)  # type: ignore[call-overload]  # as it was called

    monkeypatch.setattr(Path, "open", refuse)
    private_file.wipe(room)
    monkeypatch.undo()
    assert kept.read_bytes() == bytes(6)
    assert not room.exists()
