"""Secrets of a vault, read: values, versions, listings, tombstones.

Every call is in the REST reference of Key Vault's secrets (``azure.keyvault.secrets``
4.12, ``_generated/_operations``). The current version is the newest; the service tells it with
its value only, and says 403 of a disabled one, whose value nobody reads.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from skykeep.errors import Denied, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
)
from skykeep.providers.azure import tags, values
from skykeep.providers.azure.answers import Entry, Listed, instant
from skykeep.providers.azure.errors import DISABLED, MISSING, UNABLE, Failure, error_of
from skykeep.providers.azure.names import Names
from skykeep.providers.azure.session import Session

A = TypeVar("A")
B = TypeVar("B")

MAX_PAGE: Final = 25
"""REST reference, Get Secrets, ``maxresults``."""

_VERSION = re.compile(r"[0-9a-f]{32}")


class Reading(SecretDriver):
    """The reading half of the driver."""

    capabilities = SecretCapabilities(
        stages=False,
        movable_current=False,
        metadata=False,
        compare_and_set=False,
        conditional_changes=False,
        exclusive_create=False,
        creation_time=False,
        version_in_list=False,
        versions_of_deleted=False,
        stamps=True,
        stamp_with_value=True,
        max_value_bytes=values.MAX_VALUE_BYTES,
        max_binary_bytes=values.MAX_BINARY_BYTES,
    )

    def __init__(self, session: Session) -> None:
        self.session = session
        self.names = Names(session.settings.secret_prefix or "")

    async def close(self) -> None:
        await self.session.close()

    def after_fork(self) -> None:
        self.session.after_fork()

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        stored = self.names.stored(name)
        if stage not in (None, CURRENT):
            raise self.unsupported(f"get(stage={stage!r})")
        if version is None:
            entry = await self.session.call(
                "GET", f"/secrets/{stored}", kind=Entry, name=name, needs="get"
            )
            return self._secret(name, entry, entry)
        if not _VERSION.fullmatch(version):
            await self.current(name)  # no such secret goes first
            raise _no_version(name, version)
        # Tags and expiry are the secret's, which are those of its current version.
        current, entry = await _both(
            self.current(name), self._version(name, f"/secrets/{stored}/{version}", version)
        )
        return self._secret(name, entry, current)

    async def describe(self, name: str) -> SecretInfo:
        try:
            entry = await self.current(name)
        except NotFound as error:
            missing: SkykeepError = error
        else:
            return self._info(name, entry)
        tombstone = await self.tombstone(name)
        if tombstone is None:
            raise missing
        return self._info(name, tombstone)

    async def versions(self, name: str) -> Sequence[Version]:
        stored = self.names.stored(name)
        try:
            current, found = await _both(self.current(name), self._all_versions(name, stored))
        except NotFound as error:
            missing: SkykeepError = error
        else:
            known = sorted(found, key=_age, reverse=True)
            # Of versions of the same second that others made the newest is not known otherwise.
            known.sort(key=lambda entry: entry.version != current.version)
            return [_version(entry, current) for entry in known]
        tombstone = await self.tombstone(name)
        if tombstone is None:
            raise missing
        return [_version(tombstone, tombstone)]

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        start = self.names.start(prefix)
        target = (
            f"/{'deletedsecrets' if deleted else 'secrets'}?maxresults={min(limit, MAX_PAGE)}"
        )
        if cursor is not None:
            target += f"&$skiptoken={quote(position(cursor, start, deleted), safe='')}"
        page = await self.session.call(
            "GET", target, kind=Listed, name=prefix or "all secrets", needs="list"
        )
        items = []
        for entry in page.value or ():
            name = self.names.listed(entry.stored, start)
            if name is not None:
                items.append(self._info(name, entry))
        token = skip_token(page.nextLink)
        return Page(items, None if token is None else next_cursor(start, token, deleted))

    # -- what the halves share

    async def current(self, name: str) -> Entry:
        """The current version, whether its value may be read or not. Raises ``NotFound``."""
        stored = self.names.stored(name)
        found = await self.session.ask("GET", f"/secrets/{stored}", kind=Entry)
        if isinstance(found, Entry):
            return found
        known: Sequence[Entry] = ()
        if found.code == DISABLED or found.code in UNABLE:  # may perhaps list and not get
            try:
                known = await self._all_versions(name, stored)
            except Denied:
                pass  # the first refusal says it
        if found.code == DISABLED:
            known = [entry for entry in known if not entry.enabled]
        if not known:
            raise error_of(found, name, "get")
        return max(known, key=_age)

    async def tombstone(self, name: str) -> Entry | None:
        """The deleted secret of that name, or None."""
        stored = self.names.stored(name)
        found = await self.session.ask("GET", f"/deletedsecrets/{stored}", kind=Entry)
        if isinstance(found, Entry):
            return found
        if found.code == MISSING:
            return None
        raise error_of(found, name, "get")

    async def _version(self, name: str, target: str, version: str) -> Entry:
        found = await self.session.ask("GET", target, kind=Entry)
        if isinstance(found, Entry):
            return found
        if found.code == MISSING:
            raise _no_version(name, version)
        raise error_of(found, name, "get")

    async def _all_versions(self, name: str, stored: str) -> Sequence[Entry]:
        """All versions, in no order. None of a secret that is not there."""
        found: list[Entry] = []
        target = f"/secrets/{stored}/versions?maxresults={MAX_PAGE}"
        token: str | None = ""
        while token is not None:
            more = f"&$skiptoken={quote(token, safe='')}" if token else ""
            page = await self.session.ask("GET", target + more, kind=Listed)
            if isinstance(page, Failure):
                if page.code == MISSING:
                    return []
                raise error_of(page, name, "list")
            found += page.value or ()
            token = skip_token(page.nextLink)
        return found

    # -- from the service's fields to ours

    def _secret(self, name: str, entry: Entry, current: Entry) -> Secret:
        value = values.value_of(entry.value, entry.contentType)
        if value is None:
            raise Unavailable(f"Azure Key Vault gave no value of {shown(name)}")
        return Secret(
            name,
            value,
            entry.version,
            instant(entry.attributes.created),
            (CURRENT,) if entry.version == current.version else (),
            {},
            tags.of_others(current),
            tags.expiry(current),
            stamp=tags.stamp(entry),
        )

    @staticmethod
    def _info(name: str, entry: Entry) -> SecretInfo:
        """What a version or an entry of a listing says; a listing says no version."""
        times = entry.attributes
        return SecretInfo(
            name,
            entry.version or None,
            None,
            instant(times.updated if times.updated is not None else times.created),
            {},
            tags.of_others(entry),
            tags.expiry(entry),
            instant(entry.deletedDate),
            tags.stamp(entry),
        )


def skip_token(link: str | None) -> str | None:
    """Where the next page begins, from its address; the address itself is not followed."""
    if not link:
        return None
    tokens = parse_qs(urlsplit(link).query).get("$skiptoken")
    if not tokens:
        raise Unavailable(
            "the address of a listing's next page has no $skiptoken",
            hint="something else than Azure Key Vault may answer: check vault_url",
        )
    return tokens[0]


def _age(entry: Entry) -> tuple[int, int, str]:
    """Sorts from old to new; the id makes it the same each time."""
    return entry.attributes.created or 0, tags.number(entry), entry.version


def _version(entry: Entry, current: Entry) -> Version:
    return Version(
        entry.version,
        instant(entry.attributes.created),
        (CURRENT,) if entry.version == current.version else (),
        entry.enabled,
    )


def _no_version(name: str, version: str) -> NotFound:
    return NotFound(f"{shown(name)} has no version {shown(version)}", resource=name)


async def _both(first: Awaitable[A], second: Awaitable[B]) -> tuple[A, B]:
    """What both answer, side by side. An error is raised when both have ended: that breaks off
    no connection that is being made."""
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other
