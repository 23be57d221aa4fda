"""The driver of KV 2: versions, check-and-set, soft deletes, custom metadata.

Every call and field is in openbao ``website/content/api-docs/secret/kv/kv-v2.mdx``. The
newest version is what every reader gets, so that it is ``current``; there are no other
labels. A write is always made under check-and-set on the version that was looked at: a write
that is tried again after a lost answer finds its value there and makes no second version, and
a mount that demands check-and-set is content.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

import msgspec

from skykeep.errors import (
    Conflict,
    Denied,
    NotFound,
    PendingDelete,
    SkykeepError,
    Unavailable,
    VersionUnavailable,
)
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Attributes,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.providers.vault.annotations import Annotations
from skykeep.providers.vault.annotations import unpack as unpack_annotations
from skykeep.providers.vault.answers import Held, Listed, Metadata, Read, Wrote
from skykeep.providers.vault.entries import Entry, entry_of
from skykeep.providers.vault.errors import error_of, sentences
from skykeep.providers.vault.fields import MAX_VALUE_BYTES, pack, unpack
from skykeep.providers.vault.names import Names, check_mount, encoded
from skykeep.providers.vault.session import Session
from skykeep.providers.vault.settings import VaultSettings
from skykeep.providers.vault.walking import Walk

KEPT_BY_DEFAULT: Final = 10
"""Versions that an engine keeps unless it is told otherwise."""
RACES: Final = 32
"""So often a write that others overtook looks again before it gives up."""
AT_ONCE: Final = 16
"""Entries that a listing looks at side by side."""
LOOKED_AT: Final = 256
"""Entries that one page looks at, at most: where most are deleted a page may have few."""
LISTED: Final = 1000
"""Keys that are asked for at once; OpenBao gives so many, Vault gives the whole directory."""


class Kv2Secrets(SecretDriver):
    """Secrets in one KV 2 mount. Version ids are ``1``, ``2`` and so on."""

    def __init__(self, session: Session, settings: VaultSettings) -> None:
        self.capabilities = SecretCapabilities(
            max_versions=settings.keep_versions or KEPT_BY_DEFAULT,
            stages=False,
            movable_current=False,
            conditional_changes=False,
            stamps=True,
            stamp_with_value=True,
            max_value_bytes=MAX_VALUE_BYTES,
        )
        self._session = session
        self._keep = settings.keep_versions
        self._mount = encoded(check_mount(settings.mount))
        self._names = Names(settings.secret_prefix or "")

    # -- reading

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        path = self._names.path(name)
        if stage not in (None, CURRENT):
            raise self.unsupported(f"get(stage={stage!r})")
        if version is None:
            return self._secret(name, await self._read(path, name), (CURRENT,))
        if not _is_number(version):
            await self._live(path, name)
            raise _no_version(name, version)
        entry = await self._live(path, name)  # deleted is deleted, whatever the version
        if int(version) not in entry.versions:
            raise _no_version(name, version)
        labels = (CURRENT,) if entry.current == int(version) else ()
        return self._secret(name, await self._read(path, name, version), labels)

    async def describe(self, name: str) -> SecretInfo:
        return (await self._known(self._names.path(name), name)).info(name)

    async def versions(self, name: str) -> Sequence[Version]:
        return (await self._known(self._names.path(name), name)).listed_versions()

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        start = self._names.start(prefix)
        after = "" if cursor is None else position(cursor, start, deleted)
        walk = Walk(self._directory, start, after)
        items: list[SecretInfo] = []
        looked_at = 0
        while looked_at < LOOKED_AT and len(items) < limit:
            wanted = min(limit - len(items), LOOKED_AT - looked_at)
            paths = await walk.next(wanted)
            looked_at += len(paths)
            entries = await side_by_side(self._entry, paths, AT_ONCE)
            for path, entry in zip(paths, entries, strict=True):
                if entry is not None and (entry.deleted_at is not None) is deleted:
                    items.append(entry.info(self._names.portable(path)))
            if len(paths) < wanted:
                return Page(items, None)
            after = paths[-1]
        return Page(items, next_cursor(start, after, deleted))

    # -- writing

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        path = self._names.path(name)
        annotations = Annotations().changed(attributes)
        annotations.pack()  # Invalid before anything is written
        try:
            version = await self._write(path, value, 0)
        except Conflict:
            version = 0
        if not version:
            await self._refuse_taken(path, name)
        stamped = annotations.stamped(attributes.stamp, version)
        if annotations != Annotations() or self._keep is not None:
            await self._annotate(path, stamped)
        elif stamped != annotations:
            await self._stamp(path, annotations, stamped)
        return Written(str(version))

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
        pack(value)  # Invalid before anything is asked
        for _ in range(RACES):
            version, held, annotations = await self._writable(path, name)
            changed = annotations.changed(attributes)
            changed.pack()  # Invalid before anything is written
            if expects is not None and expects != str(version):
                raise _another(name, expects, version)
            same = held == value
            try:
                now = version if same else await self._write(path, value, version)
            except Conflict:
                now = 0
            if now:
                stamped = changed if same else changed.stamped(attributes.stamp, now)
                if changed != annotations:
                    await self._annotate(path, stamped)
                elif stamped != annotations:
                    await self._stamp(path, annotations, stamped)
                return Written(str(now), changed=not same)
        raise Conflict(f"{shown(name)} is changed by others all the time", hint="try again")

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        path = self._names.path(name)
        self._no_condition("annotate", expects)
        entry = await self._not_deleted(path, name)
        changed = entry.annotations.changed(attributes)
        if changed != entry.annotations:
            await self._annotate(path, changed)

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        raise self.unsupported(f"move_stage({stage!r})")

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        path = self._names.path(name)
        self._no_condition("delete", expects)
        if (await self._live(path, name)).destroyed:
            raise NotFound(
                f"the value of {shown(name)} was destroyed: there is nothing to delete",
                hint="purge it to remove what is left of it",
            )
        await self._session.call("DELETE", self._url("data", path), kind=type(None))

    async def restore(self, name: str) -> None:
        path = self._names.path(name)
        entry = await self._known(path, name)
        if entry.deleted_at is None:
            raise Conflict(f"the secret {shown(name)} is not deleted")
        await self._session.call(
            "POST",
            self._url("undelete", path),
            {"versions": [entry.current]},
            kind=type(None),
        )

    async def purge(self, name: str) -> None:
        path = self._names.path(name)
        await self._known(path, name)
        await self._session.call("DELETE", self._url("metadata", path), kind=type(None))

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    # -- calls

    def _url(self, part: str, path: str) -> str:
        return f"{self._mount}/{part}/{encoded(path)}"

    async def _read(self, path: str, name: str, version: str | None = None) -> Held:
        """A version that has a value. Raises ``NotFound`` (deleted too),
        ``VersionUnavailable``."""
        url = self._url("data", path) + (f"?version={version}" if version else "")
        reply = await self._session.reply("GET", url)
        held = _held(reply.body) if reply.status in {200, 404} else None
        if reply.status == 200 and held is not None and held.data is not None:
            return held
        failure: SkykeepError
        said = sentences(reply)
        if reply.status == 200:
            failure = Unavailable(
                "the answer is not that of a KV 2 engine", hint="see mount and kv"
            )
        elif reply.status != 404 or said is None or said:
            failure = error_of(reply, "GET", url)
        elif held is None:
            failure = _no_version(name, version) if version else _no_such(name)
        elif held.metadata.destroyed or version:
            failure = VersionUnavailable(
                f"that version of {shown(name)} was deleted or destroyed in Vault"
            )
        else:
            failure = NotFound(f"the secret {shown(name)} is deleted", hint="restore it")
        del reply, held  # reports of errors may show the variables of a frame
        raise failure

    async def _writable(
        self, path: str, name: str
    ) -> tuple[int, SecretValue | None, Annotations]:
        """What is there, to be written over: its number, its value (None if that was
        destroyed), what is said of it."""
        try:
            found = await self._read(path, name)
        except (NotFound, VersionUnavailable):
            entry = await self._not_deleted(path, name)
            return entry.current, None, entry.annotations
        return found.metadata.version, unpack(found.data or {}), _annotations(found)

    async def _write(self, path: str, value: SecretValue, cas: int) -> int:
        """The number of the new version. Raises ``Conflict`` if another one is current."""
        fields = pack(value)
        try:
            answer = await self._session.call(
                "POST",
                self._url("data", path),
                {"options": {"cas": cas}, "data": fields},
                kind=Wrote,
            )
        finally:
            del fields  # reports of errors may show the variables of a frame
        return answer.data.version

    async def _annotate(self, path: str, annotations: Annotations) -> None:
        body: dict[str, Any] = {"custom_metadata": annotations.pack()}
        if self._keep is not None:
            body["max_versions"] = self._keep
        await self._session.call("POST", self._url("metadata", path), body, kind=type(None))

    async def _stamp(self, path: str, before: Annotations, after: Annotations) -> None:
        """Change stamps and leave alone what others say meanwhile. Raises nothing: the value is
        there, and without a stamp it is unknown."""
        body = {"custom_metadata": before.patch_to(after)}
        with suppress(SkykeepError):
            url = self._url("metadata", path)
            await self._session.call("PATCH", url, body, kind=type(None))

    async def _directory(self, directory: str, after: str) -> tuple[Sequence[str], bool]:
        url = f"{self._url('metadata', directory)}?limit={LISTED}"
        if after:
            url += f"&after={quote(after, safe='')}"
        found = await self._session.find("LIST", url, kind=Listed)
        keys = [] if found is None else sorted(found.data.keys)
        return keys, len(keys) == LISTED

    async def _entry(self, path: str) -> Entry | None:
        """What is known of a path, None if nothing is."""
        found = await self._session.find("GET", self._url("metadata", path), kind=Metadata)
        return None if found is None else entry_of(found.data, self._session.now())

    async def _known(self, path: str, name: str) -> Entry:
        """Deleted or not. Raises ``NotFound``."""
        entry = await self._entry(path)
        if entry is None:
            raise _no_such(name)
        return entry

    async def _live(self, path: str, name: str) -> Entry:
        entry = await self._known(path, name)
        if entry.deleted_at is not None:
            raise NotFound(f"the secret {shown(name)} is deleted", hint="restore it")
        return entry

    async def _not_deleted(self, path: str, name: str) -> Entry:
        entry = await self._known(path, name)
        if entry.deleted_at is not None:
            raise _tombstone(name)
        return entry

    async def _refuse_taken(self, path: str, name: str) -> None:
        try:
            await self._not_deleted(path, name)
        except (NotFound, Denied):
            pass  # gone again, or not ours to look at: it was taken
        raise Conflict(f"the secret {shown(name)} exists already", hint="update it, or use put")

    def _no_condition(self, operation: str, expects: str | None) -> None:
        if expects is not None:
            raise self.unsupported(f"{operation}(expects=…)")

    @staticmethod
    def _secret(name: str, found: Held, labels: tuple[str, ...]) -> Secret:
        annotations = _annotations(found)
        return Secret(
            name,
            unpack(found.data or {}),
            str(found.metadata.version),
            found.metadata.created_time,
            labels,
            annotations.metadata,
            annotations.tags,
            annotations.expires_at,
            stamp=annotations.stamp_of(found.metadata.version),
        )


def _annotations(found: Held) -> Annotations:
    return unpack_annotations(found.metadata.custom_metadata)


def _held(body: bytes) -> Held | None:
    try:
        return msgspec.json.decode(body, type=Read).data
    except msgspec.MsgspecError:
        return None


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdigit() and len(version) < 19 and int(version) > 0


def _no_such(name: str) -> NotFound:
    return NotFound(f"there is no secret {shown(name)}")


def _no_version(name: str, version: str) -> NotFound:
    return NotFound(f"{shown(name)} has no version {shown(version)}")


def _another(name: str, expects: str, version: int) -> Conflict:
    return Conflict(
        f"the current version of {shown(name)} is {version}, not {shown(expects)} as expected"
    )


def _tombstone(name: str) -> PendingDelete:
    return PendingDelete(
        f"the secret {shown(name)} was deleted and its tombstone holds the name",
        hint="restore or purge it first",
    )
