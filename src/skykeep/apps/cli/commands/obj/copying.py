"""What ``cp`` and ``sync`` do: transfers, side by side, and each told as it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.console import Console, Progress, printable
from skykeep.apps.cli.transfers.bar import Bar
from skykeep.apps.cli.transfers.between import carry, copy
from skykeep.apps.cli.transfers.downloading import download, pour
from skykeep.apps.cli.transfers.files import failure_of
from skykeep.apps.cli.transfers.places import (
    FilePlace,
    KeyPlace,
    Place,
    StreamPlace,
    name_of,
)
from skykeep.apps.cli.transfers.sides import Files, Keys
from skykeep.apps.cli.transfers.streams import standard_input
from skykeep.apps.cli.transfers.together import raise_failed, together
from skykeep.apps.cli.transfers.uploading import Kept, upload, upload_stream
from skykeep.errors import Invalid, NotFound
from skykeep.interfaces.side_by_side import side_by_side

if TYPE_CHECKING:
    from skykeep.interfaces.object_driver import ObjectInfo
    from skykeep.interfaces.objects import Objects


@dataclass(frozen=True, slots=True)
class Transfer:
    """One body from one place to another, one of them at least an object.

    Attributes:
        source, target: where from and where to.
        size: bytes, as far as was known before.
        why: what ``sync`` found; ``""`` otherwise.
    """

    source: KeyPlace | FilePlace
    target: KeyPlace | FilePlace
    size: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Transfers:
    """Makes transfers.

    Attributes:
        objects: where the objects that are read are.
        into: where those that are written are; ``objects`` itself within one environment.
        store: what tells the first from others, for files that are half there.
        kept: what goes with objects that are written.
    """

    objects: Objects
    into: Objects
    store: str
    kept: Kept
    console: Console
    jobs: int

    async def make(self, transfers: Sequence[Transfer]) -> None:
        """Make them all; each is told when it has ended.

        What fails is told at the end: raises the error of the first.
        """
        bar = Bar(self.console, len(transfers), sum(each.size for each in transfers))

        async def one(transfer: Transfer) -> ObjectInfo:
            info = await self._made(transfer, bar)
            bar.one_ended()
            return info

        def ended(transfer: Transfer, info: ObjectInfo) -> None:
            bar.clear()
            tell(self.console, transfer, info)

        try:
            failed = await together(
                one, transfers, jobs=self.jobs, size_of=lambda each: each.size, ended=ended
            )
        finally:
            bar.clear()
        raise_failed(failed, len(transfers), lambda each: f"'{each.source}'")

    async def _made(self, transfer: Transfer, bar: Bar) -> ObjectInfo:
        source, target = transfer.source, transfer.target
        absent = self.kept.if_absent
        if isinstance(target, KeyPlace):
            if isinstance(source, FilePlace):
                return await upload(self.into, source.path, target.key, self.kept, bar)
            if self.into is not self.objects:
                return await carry(
                    self.objects, source.key, self.into, target.key, bar, if_absent=absent
                )
            return await copy(
                self.objects, source.key, target.key, bar, size=transfer.size, if_absent=absent
            )
        if isinstance(source, KeyPlace):
            return await download(
                self.objects,
                source.key,
                target.path,
                bar,
                store=self.store,
                replace=not absent,
            )
        raise _no_object()


def tell(console: Console, transfer: Transfer, info: ObjectInfo) -> None:
    """Say what was copied."""
    if console.json:
        console.line(document(transfer, info.size, info.etag))
    else:
        console.text(printable(f"{transfer.source} -> {transfer.target} ({info.size:,} bytes)"))


def document(transfer: Transfer, size: int, etag: str | None) -> dict[str, Any]:
    """A transfer in JSON; ``etag`` is None for one that was not made."""
    return {
        "from": str(transfer.source),
        "to": str(transfer.target),
        "bytes": size,
        "etag": etag,
        **({"why": transfer.why} if transfer.why else {}),
    }


class Copying:
    """What the arguments of ``cp`` ask for."""

    def __init__(
        self,
        sources: Sequence[Place],
        target: Place,
        kept: Kept,
        *,
        recursive: bool,
        jobs: int,
        console: Console,
        to_env: str | None,
    ) -> None:
        """Raises ``click.UsageError`` for what makes no sense."""
        self._sources = sources
        self._bodies = [each for each in sources if not isinstance(each, StreamPlace)]
        self._target = target
        self._kept = kept
        self._recursive = recursive
        self._jobs = jobs
        self._console = console
        self._check(to_env)

    def _check(self, to_env: str | None) -> None:
        sources, target, kept = self._sources, self._target, self._kept
        streams = [each for each in (*sources, target) if isinstance(each, StreamPlace)]
        if not isinstance(target, KeyPlace):
            if not all(isinstance(source, KeyPlace) for source in sources):
                raise _no_object()
            if to_env is not None:
                raise click.UsageError("--to-env is for copies to objects")
        uploads = all(not isinstance(source, KeyPlace) for source in sources)
        if not uploads and (
            kept.content_type or kept.metadata or kept.tags or kept.storage_class
        ):
            raise click.UsageError(
                "--content-type, --metadata, --tag and --storage-class are for files that "
                "become objects"
            )
        if self._recursive and len(sources) > 1:
            raise click.UsageError("-r takes one SRC: what lies below it is copied")
        if streams and (self._recursive or len(sources) > 1):
            raise click.UsageError("'-' is one body: no -r, no second SRC")
        if isinstance(target, KeyPlace) and target.within and streams:
            raise click.UsageError("what comes from standard input has no name: say all of DST")
        for source in sources:
            if isinstance(source, KeyPlace) and source.within and not self._recursive:
                raise click.UsageError(f"'{source}/' is no object: add -r for what is below it")

    async def run(self, objects: Objects, into: Objects, *, store: str) -> None:
        """Do it. Raises what a transfer raises."""
        first, target = self._sources[0], self._target
        if isinstance(first, StreamPlace) and isinstance(target, KeyPlace):
            await self._take_in(into, target)
        elif isinstance(first, KeyPlace) and isinstance(target, StreamPlace):
            await self._give_out(objects, first)
        elif not isinstance(target, StreamPlace):
            transfers = await self._transfers(objects, target)
            if into is objects and any(each.source == each.target for each in transfers):
                raise Invalid("an object cannot be copied onto itself")
            if len(transfers) > len({str(each.target) for each in transfers}):
                raise Invalid("two of the sources have one name: they would become one")
            work = Transfers(objects, into, store, self._kept, self._console, self._jobs)
            await work.make(transfers)

    async def _take_in(self, into: Objects, target: KeyPlace) -> None:
        bar = Bar(self._console)
        try:
            info = await upload_stream(into, standard_input(), target.key, self._kept, bar)
        finally:
            bar.clear()
        console = self._console
        if console.json:
            console.line(
                {"from": "-", "to": str(target), "bytes": info.size, "etag": info.etag}
            )
        else:
            console.text(printable(f"- -> {target} ({info.size:,} bytes)"))

    async def _give_out(self, objects: Objects, source: KeyPlace) -> None:
        bar = Bar(self._console, total=(await objects.head(source.key)).size)
        try:
            await pour(objects, source.key, self._console.bytes, bar)
        finally:
            bar.clear()

    async def _transfers(
        self, objects: Objects, target: KeyPlace | FilePlace
    ) -> list[Transfer]:
        if self._recursive:
            return await self._below(objects, target)
        within = target.within or len(self._sources) > 1
        if isinstance(target, FilePlace):
            within = within or await asyncio.to_thread(target.path.is_dir)

        async def one(source: KeyPlace | FilePlace) -> Transfer:
            size = await _size_of(source, objects)
            if not within:
                return Transfer(source, target, size)
            return Transfer(source, below(target, name_of(source)), size)

        return await side_by_side(one, self._bodies, self._jobs)

    async def _below(self, objects: Objects, target: KeyPlace | FilePlace) -> list[Transfer]:
        source = self._bodies[0]
        side = Files(source) if isinstance(source, FilePlace) else Keys(source, objects)
        progress = Progress("names read", self._console)
        try:
            entries = await side.entries(progress)
        finally:
            progress.end()
        warn_of(self._console, side.passed_over)
        if not entries and isinstance(source, KeyPlace):
            raise NotFound(
                f"there are no objects below '{source}'", hint="one object is copied without -r"
            )
        return [
            Transfer(below(source, name), below(target, name), entry.size)
            for name, entry in sorted(entries.items())
        ]


def below(place: KeyPlace | FilePlace, name: str) -> KeyPlace | FilePlace:
    """The place of what lies below. Raises ``Invalid``."""
    if isinstance(place, KeyPlace):
        return KeyPlace(place.child(name), within=False)
    return FilePlace(place.child(name), within=False)


def _no_object() -> click.UsageError:
    return click.UsageError("one side has to be an object: ':KEY'")


def warn_of(console: Console, passed_over: Sequence[Path]) -> None:
    """Say what is neither a file nor a directory."""
    if passed_over:
        more = f" and {len(passed_over) - 1:,} more" if len(passed_over) > 1 else ""
        console.warn(f"passed over, for it is no file: '{passed_over[0]}'{more}")


async def _size_of(source: KeyPlace | FilePlace, objects: Objects) -> int:
    if isinstance(source, KeyPlace):
        return (await objects.head(source.key)).size
    try:
        return (await asyncio.to_thread(source.path.stat)).st_size
    except OSError as error:
        raise failure_of(error, source.path) from None
