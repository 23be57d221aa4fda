"""Where model files come from: the model store where there is one, else installed packages.

Every file has a pin (``pins.py``), so it does not matter where it is found: it is the pinned
one or it is not handed out. Nothing is downloaded but what a configured model store is asked
for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from llm_shield.models.pins import Pin, installed, pin_of, read_pinned
from skykeep.errors import Corrupt, MissingExtra, NotFound, SkykeepError

if TYPE_CHECKING:
    from skykeep import ModelStore

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class PinnedModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another model than ours, by a user's own pin. One of the two places has to have it.

    Attributes:
        name: in the model store.
        version: there; ``""`` is the latest.
        files: SHA-256 of each file, by its name, as in ``{"model.onnx": "9f86…"}``.
        directory: where the files are on this disk (``~`` stands for nothing here), if no model
            store is to be asked; ``""`` if it is.
    """

    name: str
    files: Mapping[str, Sha256]
    version: str = ""
    directory: str = ""

    def pin(self, model: str, file: str) -> Pin:
        """Its pin of a file. Raises ``NotFound`` for a file that has none."""
        if file not in self.files:
            raise NotFound(
                f"the pin of '{model}' names no file '{file}'",
                hint="give its SHA-256 in `files`",
                resource=model,
            )
        return Pin(
            model=self.name,
            file=file,
            size=0,
            sha256=self.files[file],
            version=self.version,
            source="this configuration",
        )


class ModelFiles:
    """Model files by name, each verified by its SHA-256 before it is handed out.

    A store that does not have a model, or does not answer, is no failure where a package has
    the same file: it is the same by its pin.
    """

    def __init__(
        self,
        store: ModelStore | None = None,
        pinned: Mapping[str, PinnedModel] | None = None,
    ) -> None:
        """Nothing is asked and nothing is read yet.

        Args:
            store: where models are looked for first; its owner closes it.
            pinned: other models than ours, by our names.
        """
        self._store = store
        self._pinned = dict(pinned or {})

    async def path(self, model: str, file: str) -> Path:
        """A file of a model, on this disk.

        It was verified once in this process; if its inode, size or time of change is another
        by now, it is verified again. What must not change between the look and the use is
        read by :meth:`read`.

        Raises ``MissingExtra``, ``Corrupt``, ``NotFound``.
        """
        pin, path = await self._find(model, file)
        await asyncio.to_thread(_verify, path, pin)
        return path

    async def read(self, model: str, file: str) -> bytes:
        """All of a file; the bytes that are handed out are those that were verified.

        Raises ``MissingExtra``, ``Corrupt``, ``NotFound``.
        """
        pin, path = await self._find(model, file)
        return await asyncio.to_thread(read_pinned, path, pin)

    async def _find(self, model: str, file: str) -> tuple[Pin, Path]:
        """Where it is, not yet verified."""
        own = self._pinned.get(model)
        pin = own.pin(model, file) if own is not None else pin_of(model, file)
        if own is not None and own.directory:
            return pin, Path(own.directory, file)
        failure: SkykeepError | None = None
        if self._store is not None:
            try:
                found = await self._store.pull(pin.model, pin.version or None)
                path = found / file if await asyncio.to_thread(found.is_dir) else found
            except Corrupt:
                raise
            except SkykeepError as error:
                failure = error
            else:
                return pin, path
        try:
            return pin, await asyncio.to_thread(installed, pin)
        except MissingExtra:
            # The store was asked first: what it said is what to mend.
            if failure is not None:
                raise failure from None
            raise


_verified: dict[tuple[str, int, int, int], str] = {}
"""The SHA-256 of files that were looked at: by path, inode, time of change, size. Sound with
several threads: at worst a file is hashed twice."""


def _verify(path: Path, pin: Pin) -> None:
    try:
        status = path.stat()
    except OSError as error:
        raise NotFound(
            f"'{path}' cannot be read: {error.strerror}", resource=pin.model
        ) from None
    seen = (str(path), status.st_ino, status.st_mtime_ns, status.st_size)
    if _verified.get(seen) != pin.sha256:
        read_pinned(path, pin)
        _verified[seen] = pin.sha256
