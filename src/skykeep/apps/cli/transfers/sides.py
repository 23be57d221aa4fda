"""What there is on one side of a comparison: the files of a directory, the objects of a prefix.

A side is held in memory by name, size and time: about 500 bytes for each.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skykeep.apps.cli.console import Progress
from skykeep.apps.cli.transfers.digests import known_of, of_file
from skykeep.apps.cli.transfers.files import failure_of, walked
from skykeep.apps.cli.transfers.places import FilePlace, KeyPlace
from skykeep.errors import Invalid, NotFound, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_keys import check_key

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or an object below the place that is compared.

    Attributes:
        name: below it, with ``/`` between its parts; the same on both sides.
        size: bytes.
        modified: seconds since 1970.
    """

    name: str
    size: int
    modified: float


class Side(ABC):
    """One side.

    Attributes:
        place: what was named.
        noun: what one entry is called.
        passed_over: what is there and is no file to be copied.
    """

    place: KeyPlace | FilePlace
    noun: str
    passed_over: Sequence[Path] = ()

    @abstractmethod
    async def entries(self, progress: Progress) -> dict[str, Entry]:
        """All there are. Raises ``NotFound`` for a directory that is not there, ``Invalid``
        for names that cannot be keys or are no safe paths."""

    @abstractmethod
    async def digest(self, entry: Entry) -> str | None:
        """The SHA-256, hexadecimal; None if nobody knows."""

    @abstractmethod
    async def remove(self, entries: Sequence[Entry]) -> dict[str, SkykeepError]:
        """Remove them; the errors of those that are still there, by name."""


class Files(Side):
    """The files of a directory."""

    noun = "file"

    def __init__(self, place: FilePlace, *, may_be_missing: bool = False) -> None:
        self.place: FilePlace = place
        self._may_be_missing = may_be_missing

    async def entries(self, progress: Progress) -> dict[str, Entry]:
        """See ``Side``."""
        return await asyncio.to_thread(self._walk, progress)

    def _walk(self, progress: Progress) -> dict[str, Entry]:
        root = self.place.path
        if not root.is_dir():
            if root.exists():
                raise Invalid(
                    f"'{root}' is no directory", hint="to copy one file: skykeep obj cp"
                )
            if self._may_be_missing:
                return {}
            raise NotFound(f"there is no directory '{root}'")
        found: dict[str, Entry] = {}
        wrong: list[str] = []
        passed_over: list[Path] = []
        for file in walked(root, passed_over):
            try:
                check_key(file.name)
            except Invalid as error:
                wrong.append(error.message)
                continue
            found[file.name] = Entry(file.name, file.size, file.modified_ns / 1e9)
            progress.at(len(found))
        self.passed_over = passed_over
        if wrong:
            raise Invalid(
                "\n".join(["names of files that cannot be keys:", *wrong[:_MOST_NAMED]]),
                hint="rename them, or copy the others one by one; nothing was copied",
            )
        return found

    async def digest(self, entry: Entry) -> str | None:
        """See ``Side``."""
        return await of_file(self.place.child(entry.name))

    async def remove(self, entries: Sequence[Entry]) -> dict[str, SkykeepError]:
        """See ``Side``."""
        return await asyncio.to_thread(self._remove, entries)

    def _remove(self, entries: Sequence[Entry]) -> dict[str, SkykeepError]:
        errors: dict[str, SkykeepError] = {}
        for entry in entries:
            path = self.place.child(entry.name)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                errors[entry.name] = failure_of(error, path)
                continue
            for folder in path.parents:
                if folder == self.place.path:
                    break
                try:
                    folder.rmdir()
                except OSError:  # something else is in it
                    break
        return errors


class Keys(Side):
    """The objects under a prefix."""

    noun = "object"

    def __init__(self, place: KeyPlace, objects: Objects) -> None:
        self.place: KeyPlace = place
        self.objects = objects

    async def entries(self, progress: Progress) -> dict[str, Entry]:
        """See ``Side``."""
        found: dict[str, Entry] = {}
        cut = len(self.place.key) + 1 if self.place.key else 0
        async for info in self.objects.list(self.place.key):
            name = info.key[cut:]
            try:
                check_key(name)  # it may become a path: no '..', no '/' at its beginning
            except Invalid as error:
                raise Invalid(
                    f"the store has the object {shown(info.key)}, which cannot be copied: "
                    f"{error.message}"
                ) from None
            found[name] = Entry(name, info.size, info.modified_at.timestamp())
            progress.at(len(found))
        return found

    async def digest(self, entry: Entry) -> str | None:
        """See ``Side``."""
        return known_of(await self.objects.head(self.place.child(entry.name)))

    async def remove(self, entries: Sequence[Entry]) -> dict[str, SkykeepError]:
        """See ``Side``."""
        names = {self.place.child(entry.name): entry.name for entry in entries}
        errors = await self.objects.delete_many(list(names))
        return {names[key]: error for key, error in errors.items()}
