"""``Objects``: what applications use to keep files, the same over every store.

Each operation is checked, becomes one ``Call`` or (a large body) several, and goes through the
layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from skykeep.errors import Invalid, NotFound, SkykeepError, Unsupported
from skykeep.interfaces.call import Effect, Front, Target
from skykeep.interfaces.object_calls import ObjectCalls
from skykeep.interfaces.object_checks import check_room, checked_attributes, checked_condition
from skykeep.interfaces.object_driver import (
    LifecycleRule,
    ObjectCapabilities,
    ObjectDriver,
    ObjectInfo,
    ObjectPage,
)
from skykeep.interfaces.object_keys import check_key_prefix
from skykeep.interfaces.object_lifecycle import beyond, scoped, within
from skykeep.interfaces.object_listing import ObjectListing
from skykeep.interfaces.object_reading import RANGE, Download
from skykeep.interfaces.object_sealing import ObjectSealing
from skykeep.interfaces.object_sources import Body, source_of
from skykeep.interfaces.object_writing import MARK, Progress, send
from skykeep.interfaces.tasks import Tasks

PAGE = 1000
"""Objects per page of a listing."""
DELETED_AT_ONCE = 1000
"""Keys of one call of ``delete_many``; S3's limit."""
MAX_PRESIGN_SECONDS = 7 * 24 * 3600
"""A week, the longest that S3, Cloud Storage and a user delegation of Azure allow."""


@dataclass(frozen=True, slots=True)
class Object:
    """An object's body, or a range of it, with what is known of it.

    Attributes:
        info: of the whole object.
        data: the bytes. Not in ``repr``.
        start: where they begin, bytes from the object's start.
        source: the name of the target that answered.
    """

    info: ObjectInfo
    data: bytes = field(repr=False)
    start: int = 0
    source: str = ""


class Objects:
    """Objects of one scope, in the environment's targets.

    Keys are portable (``skykeep.interfaces.object_keys``). Every method may raise any error
    of ``skykeep.errors`` that names the store's state; ``Invalid`` is raised before any call
    is made.
    """

    def __init__(
        self,
        front: Front,
        primary: Target,
        tasks: Tasks,
        scope: str = "",
        sealing: ObjectSealing | None = None,
    ) -> None:
        """``scope`` is put before every key: ``""`` or segments with a closing slash.
        ``sealing`` seals bodies before they leave."""
        self._calls = ObjectCalls(front, scope, sealing)
        self._sealing = sealing
        self._primary = primary
        self._tasks = tasks
        self._scope = scope

    # -- reading

    async def get(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Object:
        """The body, or ``length`` bytes from ``start`` on. All of it is held in memory.

        Raises ``NotFound``; ``Conflict`` if the object has another etag than ``if_match`` or
        is replaced while it is read; ``Invalid`` for a range that begins beyond the end.
        """
        async with self.stream(key, start=start, length=length, if_match=if_match) as body:
            chunks = [chunk async for chunk in body]
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return Object(body.info, data, start, self._primary.name)

    def stream(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
        range_bytes: int = RANGE,
    ) -> Download:
        """The body as an async iterator of chunks, read a little ahead; for ``async with``.

        Every range is asked for under the etag of the first: the body is one object's from
        its first byte to its last. Errors as ``get``.
        """
        resource = self._calls.resource(key)
        if start < 0 or (length is not None and length < 0):
            raise Invalid("start and length are not negative")
        if range_bytes < 1:
            raise Invalid("range_bytes is at least 1")
        return Download(
            self._calls.reader(resource),
            self._tasks,
            start=start,
            length=length,
            if_match=if_match,
            range_bytes=range_bytes,
        )

    async def head(self, key: str) -> ObjectInfo:
        """What is known without the body. Raises ``NotFound``."""
        return await self._calls.head(self._calls.resource(key))

    async def exists(self, key: str) -> bool:
        """Whether it is there. Only the store's own "not found" is a no."""
        try:
            await self.head(key)
        except NotFound:
            return False
        return True

    async def tags(self, key: str) -> Mapping[str, str]:
        """The label pairs. Raises ``NotFound``, ``Unsupported``."""
        resource = self._calls.resource(key)
        return await self._calls.call(
            "objects.tags",
            resource,
            Effect.READ,
            lambda driver: driver.tags(resource),
            idempotent=True,
        )

    def list(
        self,
        prefix: str = "",
        *,
        delimiter: bool = False,
        cursor: str | None = None,
        page_size: int = PAGE,
    ) -> ObjectListing:
        """Objects under a prefix of whole segments; an async iterator of ``ObjectInfo``.

        ``models`` finds ``models/a``, not ``models2/a`` and not ``models`` itself. With
        ``delimiter`` only those directly under it; ``prefixes`` of the listing has the next
        level. In the order of the keys' UTF-8 bytes where the store can
        (``ObjectCapabilities.ordered``).
        """
        if not 1 <= page_size <= PAGE:
            raise Invalid(f"a page has 1 to {PAGE:,} objects, not {page_size}")
        resource = self._scope.removesuffix("/")
        if prefix := check_key_prefix(prefix):
            resource = self._calls.resource(prefix)

        async def fetch(at: str | None) -> ObjectPage:
            page = await self._calls.call(
                "objects.list",
                resource,
                Effect.READ,
                lambda driver: driver.list(
                    resource, cursor=at, limit=page_size, delimiter=delimiter
                ),
                idempotent=True,
            )
            cut = len(self._scope)
            return ObjectPage(
                self._calls.listed(page.items),
                [each[cut:] for each in page.prefixes],
                page.cursor,
            )

        return ObjectListing(fetch, cursor)

    async def capabilities(self) -> ObjectCapabilities:
        """What the primary store can do."""
        can = await self._stores_own()
        return can if self._sealing is None else self._sealing.capabilities(can)

    async def _stores_own(self) -> ObjectCapabilities:
        driver: ObjectDriver = await self._primary.driver("objects")
        return driver.capabilities

    async def presign(
        self, key: str, *, method: Literal["GET", "PUT"] = "GET", seconds: int = 3600
    ) -> str:
        """A URL with which anybody may read (or write) the object, for so many seconds.

        Treat it as the secret that it is. Raises ``Unsupported``; also where bodies are
        sealed, which nobody could read so.
        """
        resource = self._calls.resource(key)
        if method not in ("GET", "PUT"):
            raise Invalid(f"method is GET or PUT, not {method!r}")
        if not 1 <= seconds <= MAX_PRESIGN_SECONDS:
            raise Invalid(f"seconds is 1 to {MAX_PRESIGN_SECONDS:,} (a week), not {seconds}")
        if self._sealing is not None:
            raise Unsupported(
                "there are no presigned URLs of objects that are encrypted before upload",
                hint="whoever has the URL has no key; read it here, or switch off "
                "'encryption.objects' for this environment",
            )
        return await self._calls.call(
            "objects.presign",
            resource,
            Effect.READ,
            lambda driver: driver.presign(resource, method, seconds),
            idempotent=True,
        )

    # -- writing

    async def put(
        self,
        key: str,
        body: Body,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        storage_class: str | None = None,
        if_match: str | None = None,
        if_absent: bool = False,
        progress: Progress | None = None,
    ) -> ObjectInfo:
        """Keep the body whole, or nothing of it; what was there is replaced.

        Args:
            key: where.
            body: bytes, a ``Path``, or an async iterator of bytes. What is larger than a part
                goes in parts, of which a few are in memory at once.
            content_type: RFC 9110's; None is the store's default.
            metadata: free text pairs; names are lower-cased.
            tags: short label pairs.
            storage_class: one of ``ObjectCapabilities.storage_classes``.
            if_match: replace only the object with this etag.
            if_absent: only if there is none.
            progress: told what the store has, and what it will have.

        Raises ``Conflict`` if the condition does not hold, ``Invalid``, ``Quota``.
        """
        resource = self._calls.resource(key)
        attributes = checked_attributes(content_type, metadata, tags, storage_class)
        condition = checked_condition(if_match, if_absent)
        source = source_of(body)
        del body  # no traceback shows it
        try:
            can = await self._stores_own()
            check_room(can, attributes, condition, self._primary)
            store = self._calls.store(resource)
            if (sealing := self._sealing) is not None:
                source = await sealing.seal(resource, source)
                progress = progress and sealing.progress(progress)
            info = await send(source, store, can, attributes, condition, progress=progress)
        finally:
            await source.close()
        return self._calls.shown(info)

    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Remove it. One that is not there is removed already, unless ``if_match`` is given.

        Raises ``Conflict``.
        """
        resource = self._calls.resource(key)
        await self._calls.call(
            "objects.delete",
            resource,
            Effect.WRITE,
            lambda driver: driver.delete(resource, if_match=if_match),
            idempotent=if_match is None,
        )

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, SkykeepError]:
        """Remove them; the errors of those that are still there, by key."""
        by_resource = {self._calls.resource(key): key for key in keys}
        resources = list(by_resource)
        errors: dict[str, SkykeepError] = {}
        for at in range(0, len(resources), DELETED_AT_ONCE):
            some = resources[at : at + DELETED_AT_ONCE]
            failed = await self._calls.call(
                "objects.delete_many",
                some[0],
                Effect.WRITE,
                lambda driver, some=some: driver.delete_many(some),  # type: ignore[misc]  # mypy has no type for a lambda's default
                idempotent=True,
                also=tuple(some[1:]),
            )
            errors |= {by_resource[resource]: error for resource, error in failed.items()}
        return errors

    async def copy(
        self, source: str, key: str, *, if_match: str | None = None, if_absent: bool = False
    ) -> ObjectInfo:
        """Copy the body and what is kept with it; by the store itself where it can.

        What is sealed is sealed anew: it goes through this process. The conditions are about
        ``key``. Raises as ``put``, ``NotFound``.
        """
        origin, resource = self._calls.resource(source), self._calls.resource(key)
        condition = checked_condition(if_match, if_absent)
        can = await self.capabilities()
        if can.copy and (condition.empty or can.conditional_copy):
            info = await self._calls.call(
                "objects.copy",
                resource,
                Effect.WRITE,
                lambda driver: driver.copy(origin, resource, condition),
                idempotent=condition.empty,
                also=(origin,),
            )
            return self._calls.shown(info)
        async with self.stream(source) as body:
            tags = await self.tags(source) if can.tags else {}
            metadata = {k: v for k, v in body.info.metadata.items() if k != MARK}
            return await self.put(
                key,
                body,
                content_type=body.info.content_type if can.content_type else None,
                metadata=metadata,
                tags=tags,
                storage_class=body.info.storage_class if can.storage_classes else None,
                if_match=if_match,
                if_absent=if_absent,
            )

    async def collect(
        self, prefix: str = "", *, older_than: timedelta = timedelta(days=1)
    ) -> int:
        """End the uploads that nobody ended, of which parts are kept and paid for; how many.

        An upload whose age the store does not tell is ended, too.
        """
        resource = self._scope.removesuffix("/")
        if prefix := check_key_prefix(prefix):
            resource = self._calls.resource(prefix)
        found = await self._calls.call(
            "objects.uploads",
            resource,
            Effect.READ,
            lambda driver: driver.uploads(resource),
            idempotent=True,
        )
        before = datetime.now(UTC) - older_than
        old = [each for each in found if each.begun_at is None or each.begun_at <= before]
        for each in old:
            await self._calls.store(each.key).abort(each.id)
        return len(old)

    # -- ageing

    async def lifecycle(self) -> Sequence[LifecycleRule]:
        """The store's rules of ours by which objects of this scope age, by prefix.

        Raises ``Unsupported``.
        """
        return within(await self._rules(), self._scope)

    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        """Make the rules of this scope these; those of others stay as they are.

        Raises ``Invalid`` for what the store cannot do, before anything is changed,
        ``Conflict``, ``Unsupported``.
        """
        ours = scoped(rules, self._scope)
        wanted = [*beyond(await self._rules(), self._scope), *ours]
        await self._calls.call(
            "objects.set_lifecycle",
            self._scope.removesuffix("/"),
            Effect.WRITE,
            lambda driver: driver.set_lifecycle(wanted),
            idempotent=True,
            also=tuple(rule.prefix for rule in ours),
        )

    async def _rules(self) -> Sequence[LifecycleRule]:
        return await self._calls.call(
            "objects.lifecycle",
            self._scope.removesuffix("/"),
            Effect.READ,
            lambda driver: driver.lifecycle(),
            idempotent=True,
        )
