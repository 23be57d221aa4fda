"""The file is the old one or the new one, whole, whatever happens."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from skykeep.config_backup.placing import look, replace
from skykeep.errors import Conflict, Denied, Invalid, Quota, SkykeepError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLD, NEW = b"old: 1\n", b"new: 2\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "skykeep.yaml"
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


def names(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_the_file_is_replaced_and_the_one_before_it_is_kept(file: Path) -> None:
    kept = replace(look(file), NEW, NOON)
    assert kept == file.with_name("skykeep.yaml.bak-20261122_120000")
    assert (file.read_bytes(), kept.read_bytes()) == (NEW, OLD)
    assert names(file) == ["skykeep.yaml", kept.name]


def test_the_mode_is_kept(file: Path) -> None:
    old = os.umask(0o077)
    try:
        kept = replace(look(file), NEW, NOON)
    finally:
        os.umask(old)
    assert kept is not None
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, kept)] == [0o640, 0o640]


def test_nobody_else_reads_the_new_one_while_it_is_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.chmod(0o600)
    modes = []
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    replace(look(file), NEW, NOON)
    assert modes[:2] == [0o600, 0o600]


def test_what_is_kept_overwrites_nothing(file: Path) -> None:
    for number in range(3):
        replace(look(file), b"%d" % number, NOON)
    assert names(file) == [
        "skykeep.yaml",
        "skykeep.yaml.bak-20261122_120000",
        "skykeep.yaml.bak-20261122_120000_2",
        "skykeep.yaml.bak-20261122_120000_3",
    ]
    assert file.with_name("skykeep.yaml.bak-20261122_120000").read_bytes() == OLD


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.yaml"
    link.symlink_to("../skykeep.yaml")
    kept = replace(look(link), NEW, NOON)
    assert link.is_symlink()
    assert (file.read_bytes(), link.read_bytes()) == (NEW, NEW)
    assert kept is not None
    assert kept.parent == tmp_path


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "skykeep.yaml"
    assert replace(look(path), NEW, NOON) is None
    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(path) == ["skykeep.yaml"]


def test_an_edit_in_between_is_noticed(file: Path) -> None:
    present = look(file)
    file.write_bytes(b"edited")
    with pytest.raises(Conflict, match="changed meanwhile"):
        replace(present, NEW, NOON)
    assert (file.read_bytes(), names(file)) == (b"edited", ["skykeep.yaml"])


def test_a_file_that_was_made_in_between_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "skykeep.yaml"
    link = os.link

    def late(*words: Any) -> None:
        path.write_bytes(b"made")
        link(*words)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(Conflict, match="made meanwhile"):
        replace(look(path), NEW, NOON)
    assert (path.read_bytes(), names(path)) == (b"made", ["skykeep.yaml"])


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, Denied),
        (errno.EROFS, Denied),
        (errno.ENOSPC, Quota),
        (errno.EDQUOT, Quota),
        (errno.EIO, SkykeepError),
    ],
)
def test_the_systems_refusals(
    number: int, expected: type[SkykeepError], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(expected) as caught:
        replace(look(file), NEW, NOON)
    assert type(caught.value) is expected
    assert caught.value.hint == "nothing was replaced"
    assert (file.read_bytes(), names(file)) == (OLD, ["skykeep.yaml"])


def test_a_directory_that_cannot_be_synced_is_told_as_such(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SkykeepError, match="it was replaced"):
        replace(look(file), NEW, NOON)
    assert file.read_bytes() == NEW


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        look(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Invalid, match="not a file"):
        look(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(Invalid):
        look(tmp_path / "loop")
    (tmp_path / "large").write_bytes(bytes(1024 * 1024 + 1))
    with pytest.raises(Invalid, match="1 MiB"):
        look(tmp_path / "large")


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from skykeep.config_backup.placing import look, replace

dies_at, asked = int(sys.argv[2]), 0

def watched(event, arguments):
    # Every call to the system that changes anything, before it is made.
    global asked
    if event in {"open", "os.rename", "os.link", "os.remove", "os.chmod", "os.chown"}:
        asked += 1
        if asked == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

path = Path(sys.argv[1])
present = look(path)
fsync = os.fsync

def synced(descriptor):
    watched("open", ())
    fsync(descriptor)
    watched("open", ())

os.fsync = synced
sys.addaudithook(watched)
replace(present, sys.stdin.buffer.read(), datetime.now(UTC))
print("done")
"""


def test_killed_at_any_moment_it_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    outcomes = []
    for dies_at in count(1):
        path = tmp_path / str(dies_at) / "skykeep.yaml"
        path.parent.mkdir()
        path.write_bytes(OLD)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(path), str(dies_at)],
            input=NEW,
            capture_output=True,
            check=False,
        )
        assert path.read_bytes() in {OLD, NEW}
        for kept in path.parent.glob("*.bak-*"):
            assert path.read_bytes() == OLD or kept.read_bytes() == OLD
        outcomes.append(path.read_bytes())
        if done.returncode == 0:
            assert done.stdout == b"done\n"
            break
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        # What is left lies in nobody's way.
        replace(look(path), b"again", NOON)
        assert path.read_bytes() == b"again"
    assert {OLD, NEW} == set(outcomes[:-1]), "killed before and after the rename"


def test_the_new_one_is_on_the_disk_before_it_is_renamed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        done.append(f"sync {kind}")
        fsync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        done.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    replace(look(file), NEW, NOON)
    assert done == ["sync file", "sync file", "rename", "sync directory"]
