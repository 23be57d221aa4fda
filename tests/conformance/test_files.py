"""A mounted directory is held to the suite: plain, and as Kubernetes lays it out."""

from __future__ import annotations

import shutil
from pathlib import Path

from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.files.secrets import open_secrets
from skykeep.providers.files.settings import FilesSettings


class FilesHarness(SecretsHarness):
    """A directory with files in it, as Docker mounts secrets."""

    persistent = True
    nests = False
    prefix = ""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.root = directory / "secrets"
        self.root.mkdir()

    async def open(self) -> SecretDriver:
        settings = FilesSettings(
            backend="files", path=str(self.root), secret_prefix=self.prefix or None
        )
        return await open_secrets(
            settings, OpenContext("primary (files)", {}, lambda: self.directory)
        )

    async def reopen(self) -> SecretDriver:
        return await self.open()

    async def fill(self, name: str, value: SecretValue) -> None:
        path = self.root / (self.prefix + name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value.reveal())


class Prefixed(FilesHarness):
    prefix = "team/app-"


class Mounted(FilesHarness):
    """Links to a directory that is swapped as a whole with every change."""

    async def fill(self, name: str, value: SecretValue) -> None:
        count = sum(path.name.startswith("..20") for path in self.root.iterdir())
        new = self.root / f"..2026_11_22_{count}"
        new.mkdir()
        data = self.root / "..data"
        if data.exists():
            shutil.copytree(data, new, dirs_exist_ok=True)
        # A mounted Kubernetes secret is flat; a path of `items` makes directories in it.
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value.reveal())
        link = self.root / "..data_tmp"
        link.symlink_to(new.name)
        link.replace(data)
        first = self.root / Path(name).parts[0]
        if not first.is_symlink():
            first.symlink_to(f"..data/{first.name}")


class TestFiles(SecretsSuite):
    harness = FilesHarness


class TestUnderAPrefix(SecretsSuite):
    harness = Prefixed


class TestMountedByKubernetes(SecretsSuite):
    harness = Mounted
