"""The driver of KV 1: one value a name, and nothing beside it.

Calls: openbao ``website/content/api-docs/secret/kv/kv-v1.mdx``. The engine knows no versions,
times, conditions or tombstones. A version's id is a keyed mark of the value, good in this
process: it tells whether a value has changed, which is all that it is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from skykeep.envelope.marks import mark
from skykeep.errors import Conflict, NotFound
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import (
    CURRENT,
    KEEP,
    VALUES_ONLY,
    Attributes,
    Page,
    Secret,
    SecretDriver,
    SecretInfo,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.vault.answers import Listed, Plain
from skykeep.providers.vault.fields import MAX_VALUE_BYTES, pack, unpack
from skykeep.providers.vault.names import Names, check_mount, encoded
from skykeep.providers.vault.session import Session
from skykeep.providers.vault.settings import VaultSettings
from skykeep.providers.vault.walking import Walk


class Kv1Secrets(SecretDriver):
    """Secrets in one KV 1 mount."""

    capabilities = replace(VALUES_ONLY, times=False, max_value_bytes=MAX_VALUE_BYTES)

    def __init__(self, session: Session, settings: VaultSettings) -> None:
        self._session = session
        self._mount = encoded(check_mount(settings.mount))
        self._names = Names(settings.secret_prefix or "")

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        if version is not None:
            raise self.unsupported("get(version=…)")
        if stage not in (None, CURRENT):
            raise self.unsupported(f"get(stage={stage!r})")
        value = await self._read(self._names.path(name), name)
        return Secret(name, value, mark(value.reveal()), None, (CURRENT,))

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        if deleted:
            raise self.unsupported("list(deleted=True)")
        start = self._names.start(prefix)
        walk = Walk(
            self._directory, start, "" if cursor is None else position(cursor, start, deleted)
        )
        paths = await walk.next(limit + 1)
        following = next_cursor(start, paths[limit - 1], deleted) if paths[limit:] else None
        portable = self._names.portable
        return Page([_info(portable(path)) for path in paths[:limit]], following)

    async def describe(self, name: str) -> SecretInfo:
        await self._read(self._names.path(name), name)  # the engine has no other question
        return _info(name)

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        path = self._names.path(name)
        self._check(attributes)
        pack(value)  # Invalid before anything is asked
        try:
            await self._read(path, name)
        except NotFound:
            return await self._write(path, value)
        raise Conflict(f"the secret {shown(name)} exists already", hint="update it, or use put")

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        path = self._names.path(name)
        if stage != CURRENT:
            raise self.unsupported(f"update(stage={stage!r})")
        if expects is not None:
            raise self.unsupported("update(expects=…)")
        self._check(attributes)
        pack(value)
        if await self._read(path, name) == value:
            return Written(mark(value.reveal()), changed=False)
        return await self._write(path, value)

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        if expects is not None:
            raise self.unsupported("annotate(expects=…)")
        self._check(attributes)
        await self._read(self._names.path(name), name)

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        if expects is not None:
            raise self.unsupported("delete(expects=…)")
        path = self._names.path(name)
        await self._read(path, name)
        await self._session.call("DELETE", self._url(path), kind=type(None))

    async def purge(self, name: str) -> None:
        await self.delete(name)

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    def _url(self, path: str) -> str:
        return f"{self._mount}/{encoded(path)}"

    async def _read(self, path: str, name: str) -> SecretValue:
        found = await self._session.find("GET", self._url(path), kind=Plain)
        if found is None:
            raise NotFound(f"there is no secret {shown(name)}")
        return unpack(found.data)

    async def _write(self, path: str, value: SecretValue) -> Written:
        await self._session.call("POST", self._url(path), pack(value), kind=type(None))
        return Written(mark(value.reveal()))

    async def _directory(self, directory: str, after: str) -> tuple[Sequence[str], bool]:
        # The engine has no pages: what lies in one directory comes whole.
        found = await self._session.find("LIST", self._url(directory), kind=Listed)
        return ([] if found is None else sorted(found.data.keys)), False

    def _check(self, given: Attributes) -> None:
        for what, said in (
            ("metadata", given.metadata),
            ("tags", given.tags),
            ("expires_at", given.expires_at),
        ):
            if said is not KEEP and said:
                raise self.unsupported(what)


def _info(name: str) -> SecretInfo:
    return SecretInfo(name, None, None, None)
