"""The same without an event loop."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import skykeep
from skykeep.errors import NotFound


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "skykeep.yaml"
    path.write_text("p: {primary: {backend: memory}, object_storage: {archive: {batch: 2}}}\n")
    return path


def test_an_archive_without_an_event_loop(config: Path) -> None:
    with skykeep.open_blocking(config=config, environ={}) as cloud:
        with skykeep.BlockingArchive(cloud, buffer_bytes=2000) as archive:
            first = archive.put({"n": 1})
            second = archive.offer({"n": 2})
            assert second is not None
            archive.flush()
            assert archive.get(first) == {"n": 1}
            assert [entry.id for entry in archive.list()] == [first, second]
            found = archive.find(lambda result: result["n"] > 1)
            assert [result for _, result in found] == [{"n": 2}]
            with pytest.raises(NotFound):
                archive.get(first[:-1] + ("0" if first[-1] != "0" else "1"))
            for _ in archive.list():
                break  # what is left is ended with the iterator
            assert archive.dropped == 0
        with skykeep.BlockingArchive(cloud) as archive:
            third = archive.put({"n": 3})
            assert archive.get(third) == {"n": 3}
        assert len(list(skykeep.BlockingArchive(cloud).list())) == 3, "closing had written it"


def test_many_threads_share_an_archive(config: Path) -> None:
    ids: list[str] = []
    with (
        skykeep.open_blocking(config=config, environ={}) as cloud,
        skykeep.BlockingArchive(cloud) as archive,
    ):
        threads = [
            threading.Thread(target=lambda n=n: ids.append(archive.put(n))) for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        archive.flush()
        assert sorted(archive.get(id_) for id_ in ids) == list(range(20))


def test_configuration_backups_without_an_event_loop(config: Path) -> None:
    with skykeep.open_blocking(config=config, environ={}) as cloud:
        backups = skykeep.BlockingConfigBackup(cloud)
        made = backups.backup()
        text = config.read_text()
        config.write_text(f"{text}# more\n")
        assert backups.diff().splitlines()[-1] == "+# more"
        assert backups.find() == made.backup == backups.list()[0]
        assert backups.read() == text.encode()
        assert backups.restore(made.backup.name).changed
        assert backups.path.read_text() == text
