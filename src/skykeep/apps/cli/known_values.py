"""The values of a store, to be looked for elsewhere: what `redact` and `scan` share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skykeep.apps.cli.console import Console, Progress
from skykeep.apps.cli.listing import listed
from skykeep.errors import Invalid, NotFound, VersionUnavailable
from skykeep.interfaces.secret_value import SecretValue

if TYPE_CHECKING:
    from skykeep.cloud import Cloud

F = TypeVar("F", bound=Callable[..., Any])

MIN_LENGTH = 8
"""Bytes. Shorter values are in too many texts by chance: they would hide what is no secret."""

_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Known:
    """A value at one version of a secret."""

    name: str
    version: str
    value: SecretValue


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which values are looked for, and in which forms.

    Attributes:
        prefix: of the names.
        all_versions: older versions, too.
        min_length: shorter values, in bytes, are left out.
        encodings: keys of ``skykeep.redaction.encodings.ENCODINGS``.
    """

    prefix: str
    all_versions: bool
    min_length: int
    encodings: tuple[str, ...]

    async def read(self, cloud: Cloud, console: Console) -> list[Known]:
        """The values. One that cannot be read now is left out with a warning."""
        names = [info.name for info in await listed(cloud, self.prefix, console)]
        progress = Progress("values read", console)
        found: list[Known] = []
        try:
            for first in range(0, len(names), _AT_ONCE):
                some = names[first : first + _AT_ONCE]
                for known in await asyncio.gather(*(self._of(cloud, name) for name in some)):
                    found += known
                progress.at(len(found))
        finally:
            progress.end()
        unread = set(names) - {known.name for known in found}
        if unread:
            console.warn(f"{_count(unread)} no readable value: {_some(unread)}")
        return found

    async def _of(self, cloud: Cloud, name: str) -> list[Known]:
        ids: list[str | None] = [None]
        if self.all_versions:
            try:
                versions = await cloud.secrets.versions(name)
            except NotFound:  # deleted since it was listed
                return []
            ids = [version.id for version in versions if version.available]
        found = []
        for version in ids:
            try:
                secret = await cloud.secrets.get(name, version=version)
            except (NotFound, VersionUnavailable):
                continue
            found.append(Known(name, secret.version, secret.value))
        return found

    def forms(self, known: list[Known], console: Console) -> Iterator[tuple[bytes, Known]]:
        """What to look for, with the secret that it belongs to; warns of short values."""
        from skykeep.redaction.encodings import forms

        short = set()
        for one in known:
            # A file's last newline is no part of the secret, and missing elsewhere.
            value = one.value.reveal().rstrip(b"\r\n")
            if len(value) < self.min_length:
                if value:
                    short.add(one.name)
                continue
            for form in forms(value, self.encodings):
                yield form, one
        if short:
            console.warn(
                f"{_count(short)} a value of less than {self.min_length} bytes, which is not "
                f"looked for: {_some(short)} (see --min-length)"
            )


def wanted_options() -> Callable[[F], F]:
    """The options that make a :class:`Wanted`; the command gets them as ``wanted``."""

    def decorate(function: F) -> F:
        for option in reversed(_OPTIONS):
            option(function)
        return function

    return decorate


def wanted(options: dict[str, Any]) -> Wanted:
    """From what ``wanted_options`` gave. Raises ``Invalid`` for an unknown encoding."""
    from skykeep.redaction.encodings import ENCODINGS

    names = tuple(name for name in options["encodings"].split(",") if name not in ("", "none"))
    for name in names:
        if name not in ENCODINGS:
            raise Invalid(
                f"{name[:40]!a} is no encoding", hint=f"use: {', '.join(ENCODINGS)}, or none"
            )
    return Wanted(options["prefix"], options["all_versions"], options["min_length"], names)


_OPTIONS = (
    click.option("--prefix", default="", metavar="NAME", help="Only secrets under this name."),
    click.option("--all-versions", is_flag=True, help="Values of older versions, too."),
    click.option(
        "--encodings",
        default="none",
        show_default=True,
        metavar="LIST",
        help="Also these forms of the values: base64,url,json.",
    ),
    click.option(
        "--min-length",
        type=click.IntRange(1),
        default=MIN_LENGTH,
        show_default=True,
        metavar="BYTES",
        help="Leave out shorter values.",
    ),
)


def _count(names: set[str]) -> str:
    return "1 secret has" if len(names) == 1 else f"{len(names):,} secrets have"


def _some(names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:3])
    return shown if len(names) <= 3 else f"{shown} …"
