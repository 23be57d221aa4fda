"""The driver of Secrets.

A change is a merge patch on the ``resourceVersion`` that was looked at, which the server
compares: a write that is tried again after a lost answer finds its value there and makes no
second version, and nothing that others wrote meanwhile is lost unseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skykeep.errors import Conflict, NotFound, PendingDelete, SkykeepError, Unsupported
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import check_prefix, is_native, shown
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Attributes,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.kubernetes.annotations import (
    NAME,
    Beside,
    beside,
    check_room,
    patches,
)
from skykeep.providers.kubernetes.calls import Calls
from skykeep.providers.kubernetes.fields import MAX_VALUE_BYTES, check_size, unpack
from skykeep.providers.kubernetes.names import Names
from skykeep.providers.kubernetes.objects import (
    Meta,
    SecretObject,
    created,
    stamp_of,
    updated,
    value_time,
    version_of,
)
from skykeep.providers.kubernetes.session import Session, open_session
from skykeep.providers.kubernetes.settings import KubernetesSettings

if TYPE_CHECKING:
    from skykeep.providers.kubernetes.watching import Changes

RACES: Final = 32
"""So often a write that others overtook looks again before it gives up."""
PAGES: Final = 16
"""Pages of the server that one page of ours looks at: others' Secrets may fill them."""


class KubernetesSecrets(SecretDriver):
    """Secrets of one namespace."""

    capabilities = SecretCapabilities(
        versions=False,
        stages=False,
        movable_current=False,
        soft_delete=False,
        stamps=True,
        stamp_with_value=True,
        max_value_bytes=MAX_VALUE_BYTES,
    )

    def __init__(self, session: Session, settings: KubernetesSettings) -> None:
        self._session = session
        self._calls = Calls(session, settings)
        self._key = settings.key
        self._type = settings.type
        self._labels = dict(settings.labels)
        self._prefix = settings.secret_prefix or ""
        self._names = Names(self._prefix)

    # -- reading

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        if version is not None:
            raise self.unsupported("get(version=…)")
        if stage not in (None, CURRENT):
            raise self.unsupported(f"get(stage={stage!r})")
        found = await self._read(name)
        meta = found.metadata
        if meta.deletion_timestamp is not None:
            raise NotFound(f"the secret {shown(name)} is being deleted", hint=_held_by(meta))
        said = beside(meta)
        return Secret(
            name,
            unpack(found.data, self._key),
            version_of(meta, self._key),
            value_time(meta),
            (CURRENT,),
            said.metadata,
            said.tags,
            said.expires_at,
            stamp=stamp_of(meta, self._key),
        )

    async def describe(self, name: str) -> SecretInfo:
        meta = await self._calls.metadata(self._names.object(name))
        if meta is None:
            raise _no_such(name)
        return self._info(name, meta)

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        if deleted:
            raise self.unsupported("list(deleted=True)")
        start = self._names.start(prefix)
        token = "" if cursor is None else position(cursor, start, deleted)
        items: list[SecretInfo] = []
        for _ in range(PAGES):
            page = await self._calls.page(token, limit)
            for found in page.items or ():
                name = self._names.portable(found.metadata.name, start)
                if name is not None and found.metadata.deletion_timestamp is None:
                    items.append(self._info(name, found.metadata))
            token = page.metadata.continue_
            if not token:
                return Page(items, None)
            if items:
                break
        return Page(items, next_cursor(start, token, deleted))

    # -- writing

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        found = self._names.object(name)
        check_size(value)
        said = Beside().changed(attributes)
        labels, annotations = said.labels(), said.annotations()
        if not is_native(name) and found != self._prefix + name:
            annotations[NAME] = self._prefix + name
        check_room(annotations)
        metadata = {
            "name": found,
            "annotations": annotations,
            "labels": {**self._labels, **labels},
        }
        try:
            made = await self._calls.create(metadata, value, attributes.stamp)
        except Conflict:
            pass
        else:
            return Written(version_of(made, self._key))
        raise await self._taken(found, name)

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        if stage != CURRENT:
            raise self.unsupported(f"update(stage={stage!r})")
        check_size(value)
        self._names.object(name)
        Beside().changed(attributes).labels()  # Invalid before anything is asked
        for _ in range(RACES):
            before = await self._writable(name, expects)
            said = beside(before.metadata)
            changed = said.changed(attributes)
            notes, labels = patches(before.metadata, changed)
            same = unpack(before.data, self._key) == value
            if same and changed == said:
                return Written(version_of(before.metadata, self._key), changed=False)
            if not same and before.immutable:
                raise Unsupported(
                    f"the Secret of {shown(name)} is immutable",
                    hint="delete it and create it again",
                )
            try:
                if same:
                    after = await self._calls.annotate(before.metadata, notes, labels)
                else:
                    after = await self._calls.replace(
                        before, notes, labels, value, attributes.stamp
                    )
            except Conflict:
                continue
            except NotFound:
                break
            return Written(version_of(after, self._key), changed=not same)
        else:
            raise _overtaken(name)
        raise _no_such(name)

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        self._names.object(name)
        Beside().changed(attributes).labels()  # Invalid before anything is asked
        for _ in range(RACES):
            before = await self._writable(name, expects)
            said = beside(before.metadata)
            changed = said.changed(attributes)
            if changed == said:
                return
            notes, labels = patches(before.metadata, changed)
            try:
                await self._calls.annotate(before.metadata, notes, labels)
            except Conflict:
                continue
            except NotFound:
                break
            return
        else:
            raise _overtaken(name)
        raise _no_such(name)

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        raise self.unsupported(f"move_stage({stage!r})")

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        try:
            await self._delete(name, expects)
        except PendingDelete as error:
            refusal = NotFound(error.message, hint=error.hint)
        else:
            return
        raise refusal

    async def purge(self, name: str) -> None:
        await self._delete(name, None)

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    def changes(self, prefix: str = "") -> Changes:
        """What is there under a prefix, and what happens to it from then on: an async
        iterator, see ``watching``. Not part of the portable interface."""
        from skykeep.providers.kubernetes.watching import Changes

        start = self._names.start(check_prefix(prefix))

        def look(meta: Meta) -> SecretInfo | None:
            name = self._names.portable(meta.name, start)
            return None if name is None else self._info(name, meta)

        return Changes(self._calls, look)

    # -- what they have in common

    async def _read(self, name: str) -> SecretObject:
        """Being deleted or not. Raises ``NotFound``."""
        found = await self._calls.read(self._names.object(name))
        if found is None:
            raise _no_such(name)
        return found

    async def _writable(self, name: str, expects: str | None) -> SecretObject:
        """What is there, to be changed. Raises ``NotFound``, ``PendingDelete``,
        ``Unsupported`` for a Secret of another type, ``Conflict``."""
        before = await self._read(name)
        meta = before.metadata
        failure: SkykeepError
        if meta.deletion_timestamp is not None:
            failure = _being_deleted(name, meta)
        elif before.type != self._type and not is_native(name):
            failure = Unsupported(
                f"{shown(name)} is a Secret of the type {before.type}, which is not changed "
                "under a portable name",
                hint=f"name it native:{meta.name} if you mean it, or set type",
            )
        elif expects is not None and expects != (now := version_of(meta, self._key)):
            failure = Conflict(
                f"the current version of {shown(name)} is {now}, not {shown(expects)} as "
                "expected"
            )
        else:
            return before
        raise failure

    async def _delete(self, name: str, expects: str | None) -> None:
        """Raises ``NotFound``, ``PendingDelete``, ``Unsupported``, ``Conflict``."""
        for _ in range(RACES):
            meta = (await self._writable(name, expects)).metadata
            try:
                await self._calls.delete(meta, unchanged=expects is not None)
            except Conflict:
                continue
            except NotFound:
                break
            return
        else:
            raise _overtaken(name)
        raise _no_such(name)

    async def _taken(self, found: str, name: str) -> SkykeepError:
        """Why the name cannot be had: a Secret that is there, or is being deleted."""
        try:
            meta = await self._calls.metadata(found)
        except SkykeepError:
            meta = None  # not ours to look at; it was taken
        if meta is not None and meta.deletion_timestamp is not None:
            return _being_deleted(name, meta)
        return Conflict(
            f"the secret {shown(name)} exists already", hint="update it, or use put"
        )

    def _info(self, name: str, meta: Meta) -> SecretInfo:
        said = beside(meta)
        return SecretInfo(
            name,
            version_of(meta, self._key),
            created(meta),
            updated(meta),
            said.metadata,
            said.tags,
            said.expires_at,
            meta.deletion_timestamp,
            stamp_of(meta, self._key),
        )


async def open_secrets(settings: KubernetesSettings, context: OpenContext) -> KubernetesSecrets:
    """The driver; asks nothing yet. Raises ``ConfigError``, ``MissingExtra``."""
    return KubernetesSecrets(open_session(settings, context), settings)


def _no_such(name: str) -> NotFound:
    return NotFound(f"there is no secret {shown(name)}")


def _overtaken(name: str) -> Conflict:
    return Conflict(f"{shown(name)} is changed by others all the time", hint="try again")


def _being_deleted(name: str, meta: Meta) -> PendingDelete:
    return PendingDelete(
        f"the secret {shown(name)} is being deleted and holds the name until then",
        hint=_held_by(meta),
    )


def _held_by(meta: Meta) -> str:
    held = ", ".join(meta.finalizers or ()) or "none any more"
    return f"it waits for those that hold it (finalizers): {held}"
