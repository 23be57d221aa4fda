"""``BlockingConfigBackup``: the same for callers without an event loop."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from skykeep.blocking import Waiting, blocking
from skykeep.config_backup.backup import ConfigBackup

if TYPE_CHECKING:
    from skykeep.blocking import BlockingCloud


class BlockingConfigBackup(Waiting[ConfigBackup]):
    """``ConfigBackup``, each method waited for, on the thread of its cloud."""

    def __init__(
        self, cloud: BlockingCloud, *, path: str | os.PathLike[str] | None = None
    ) -> None:
        """Arguments and errors as ``ConfigBackup``."""
        super().__init__(ConfigBackup(cloud._cloud, path=path), cloud._thread)

    @property
    def path(self) -> Path:
        """The configuration file."""
        return self._waited_for.path

    backup = blocking(ConfigBackup.backup)
    list = blocking(ConfigBackup.list)
    find = blocking(ConfigBackup.find)
    read = blocking(ConfigBackup.read)
    diff = blocking(ConfigBackup.diff)
    restore = blocking(ConfigBackup.restore)
