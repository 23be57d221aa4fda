"""copy: to the clipboard, for a while."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from skykeep.apps.cli import clipboard
from skykeep.errors import Unavailable, Unsupported
from tests.apps.cli.harness import Cli, Stream


class Desktop:
    """Programs that keep the clipboard in a file, as xclip is called."""

    def __init__(self, room: Path, patch: pytest.MonkeyPatch) -> None:
        self.board = room / "board"
        self.waited: list[float] = []
        self.started: list[tuple[list[str], bytes]] = []
        programs = room / "programs"
        programs.mkdir()
        program = programs / "xclip"
        program.write_text(
            f"#!{sys.executable} -S\n"
            "import sys, pathlib\n"
            f"board = pathlib.Path({str(self.board)!r})\n"
            "if sys.argv[1:] == ['-selection', 'clipboard', '-in']:\n"
            "    board.write_bytes(sys.stdin.buffer.read())\n"
            "elif sys.argv[1:] == ['-selection', 'clipboard', '-out']:\n"
            "    sys.stdout.buffer.write(board.read_bytes())\n"
        )
        program.chmod(0o755)
        patch.setenv("PATH", str(programs))
        patch.setenv("DISPLAY", ":99")
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        patch.setattr(clipboard, "_wait", self.waited.append)
        self._patch = patch

    def waits_here(self) -> None:
        """What would run in a process of its own is kept, to be run by :meth:`later`."""
        desktop = self

        class Started:
            def __init__(self, words: list[str], **_: object) -> None:
                self.stdin = io.BytesIO()
                self.stdin.close = self._closed  # type: ignore[method-assign]
                self._words = words

            def _closed(self) -> None:
                desktop.started.append((self._words, self.stdin.getvalue()))

        self._patch.setattr(clipboard, "_Process", Started)

    def later(self) -> None:
        words, known = self.started.pop()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", Stream(known))
            assert clipboard.main(words[words.index("skykeep.apps.cli.clipboard") + 1 :]) == 0


@pytest.fixture
def desktop(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    cli("set", "a", "canary\n")
    found = Desktop(tmp_path, monkeypatch)
    found.waits_here()
    return found


def test_on_the_clipboard_and_off_again(cli: Cli, desktop: Desktop) -> None:
    ended = cli("copy", "a")
    assert ended.text == "a: on the clipboard for 45 seconds\n"
    assert desktop.board.read_bytes() == b"canary"
    assert b"canary" not in desktop.started[0][1]
    desktop.later()
    assert desktop.waited == [45]
    assert desktop.board.read_bytes() == b""


def test_what_somebody_copied_since_stays(cli: Cli, desktop: Desktop) -> None:
    ended = cli("copy", "a", "--clear-after", "7", "--output", "json")
    assert ended.json == {"name": "a", "clear_after": 7}
    desktop.board.write_bytes(b"something else")
    desktop.later()
    assert desktop.waited == [7]
    assert desktop.board.read_bytes() == b"something else"


def test_values_that_cannot_be_copied(cli: Cli, desktop: Desktop) -> None:
    cli("set", "b", "-", stdin=b"\xff")
    cli("set", "c", "\n")
    cli("copy", "b", code=13)
    cli("copy", "c", code=13)
    cli("copy", "none", code=10)
    assert not desktop.board.exists()
    assert desktop.started == []


def test_in_a_process_of_its_own(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipboard, "_Process", subprocess.Popen)
    desktop.board.write_bytes(b"canary")
    clipboard.empty_later(b"canary", 0)
    while desktop.board.read_bytes():  # the time limit of the tests ends a failure
        os.sched_yield()


def test_a_display_that_does_not_answer(cli: Cli, desktop: Desktop) -> None:
    broken = clipboard.Clipboard(("false",), ("no-such-program",))
    with pytest.raises(Unavailable, match="false cannot reach"):
        broken.put(b"x")
    assert not broken.holds(b"s", b"d")


@pytest.mark.parametrize(
    ("environ", "platform", "says"),
    [
        ({}, "linux", "neither WAYLAND_DISPLAY nor DISPLAY"),
        ({"DISPLAY": ":0"}, "linux", "install xclip or xsel"),
        ({"WAYLAND_DISPLAY": "w"}, "linux", "install wl-clipboard"),
        ({}, "darwin", "install pbcopy"),
    ],
)
def test_what_is_to_be_installed(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], platform: str, says: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unsupported) as refused:
        clipboard.find(environ, platform)
    assert says in f"{refused.value.message} {refused.value.hint}"


def test_without_a_display(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    cli("set", "a", "v")
    assert "skykeep get NAME" in cli("copy", "a", code=22).err
