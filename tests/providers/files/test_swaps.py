"""A mount that Kubernetes swaps under its readers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from skykeep.errors import NotFound
from skykeep.providers.files import directory as module
from skykeep.providers.files.directory import Directory
from skykeep.providers.files.secrets import FilesSecrets
from skykeep.providers.files.settings import FilesSettings

pytestmark = pytest.mark.asyncio


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


def driver(root: Path) -> FilesSecrets:
    return FilesSecrets(FilesSettings(backend="files", path=str(root)))


SIZES = (1, 70_000, 300_000)


class Mount:
    """What Kubernetes' writer does, step by step: see the source in ``directory.py``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0

    def swap(self) -> None:
        self.count += 1
        new = self.root / f"..2026_{self.count}"
        new.mkdir()
        byte = b"abcdefghij"[self.count % 10 : self.count % 10 + 1]
        (new / "key").write_bytes(byte * SIZES[self.count % len(SIZES)])
        old = self.root / "..data"
        before = old.resolve() if old.is_symlink() else None
        link = self.root / "..data_tmp"
        link.symlink_to(new.name)
        link.replace(old)
        if not (self.root / "key").is_symlink():
            (self.root / "key").symlink_to("..data/key")
        if before is not None:
            (before / "key").unlink()
            before.rmdir()


async def test_readers_see_one_whole_value_while_a_mount_is_swapped(root: Path) -> None:
    mount = Mount(root)
    mount.swap()
    reading = Directory(root)
    ended = threading.Event()
    seen: list[set[int]] = []
    wrong: list[object] = []

    def read() -> None:
        sizes = set()
        while not ended.is_set():
            try:
                value, file = reading.read("key", "key")
                data = value.reveal()
                if len(set(data)) != 1 or len(data) != file.size or len(data) not in SIZES:
                    wrong.append((len(data), file.size, set(data)))
                if reading.look("key", "key").size not in SIZES:
                    wrong.append("look")
                if list(reading.paths()) != ["key"]:
                    wrong.append("paths")
                sizes.add(len(data))
            except Exception as error:  # noqa: BLE001  (what a thread raises has to be told)
                wrong.append(error)
        seen.append(sizes)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(400):
            mount.swap()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert len(seen) == 4


async def test_a_swap_in_the_middle_of_a_lookup_is_not_a_missing_secret(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount = Mount(root)
    mount.swap()
    real: Callable[[Directory, str, str], os.stat_result] = Directory._regular
    left = [3]

    def swapped(self: Directory, path: str, name: str) -> os.stat_result:
        if left[0]:
            left[0] -= 1
            mount.swap()
            raise NotFound("the old directory is gone")
        return real(self, path, name)

    monkeypatch.setattr(Directory, "_regular", swapped)
    assert (await driver(root).get("key")).value.size in SIZES
    left[0] = 100  # a mount that never rests ends, too
    with pytest.raises(NotFound):
        await driver(root).get("key")
    assert left[0] == 100 - module.SWAPS - 1
