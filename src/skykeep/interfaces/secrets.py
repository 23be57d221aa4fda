"""``Secrets``: what applications use, the same over every store.

Each operation is checked, becomes one ``Call`` and goes through the layers.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeVar

from skykeep.errors import Invalid, NotFound
from skykeep.interfaces.call import Call, Effect, Front, Target
from skykeep.interfaces.names import check_name, check_prefix, is_native
from skykeep.interfaces.secret_checks import check_attributes, check_stage, check_version
from skykeep.interfaces.secret_driver import (
    CURRENT,
    KEEP,
    Keep,
    Page,
    Provenance,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
    Written,
)
from skykeep.interfaces.secret_listing import Listing
from skykeep.interfaces.secret_many import read_many
from skykeep.interfaces.secret_tags import tagged
from skykeep.interfaces.secret_upsert import OnTombstone, check_size, upsert
from skykeep.interfaces.secret_value import SecretValue

T = TypeVar("T")
Value = bytes | str | SecretValue
Work = Callable[[SecretDriver], Awaitable[T]]

PAGE = 200
"""Secrets per page of a listing, where the store has no smaller limit."""


class Secrets:
    """Secrets of one scope, in the environment's targets.

    Names are portable (``skykeep.interfaces.names``) or ``native:NAME``. Every method may
    raise any error of ``skykeep.errors`` that names the store's state; ``Invalid`` is raised
    before any call is made.
    """

    def __init__(
        self,
        front: Front,
        primary: Target,
        scope: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """``scope`` is put before every name: ``""`` or segments with a closing slash.
        ``tags`` are put onto every secret that is written, where the store has tags."""
        self._front = front
        self._primary = primary
        self._scope = scope
        self._tags = tags or {}

    # -- reading

    async def get(
        self,
        name: str,
        *,
        version: str | None = None,
        stage: str | None = None,
        fresh: bool = False,
    ) -> Secret:
        """The value at a version, at a stage, or (neither given) the current one.

        ``fresh`` asks the store even if the answer is cached. Raises ``NotFound``,
        ``VersionUnavailable``.
        """
        resource = self._resource(name)
        if version is not None:
            check_version(version)
        if stage is not None:
            if version is not None:
                raise Invalid("give a version or a stage, not both")
            check_stage(stage)

        async def send(target: Target) -> Secret:
            driver: SecretDriver = await target.driver("secrets")
            return await driver.get(resource, version=version, stage=stage)

        answer = await self._front(
            Call(
                "secrets.get",
                resource,
                Effect.READ,
                send,
                idempotent=True,
                cache_key=(version, stage),
                fresh=fresh,
            )
        )
        kept = answer.value
        return Secret(
            name,
            kept.value,
            kept.version,
            kept.created_at,
            kept.stages,
            kept.metadata,
            kept.tags,
            kept.expires_at,
            Provenance(
                answer.source,
                time.monotonic() - answer.at,
                answer.stale,
                answer.degraded,
                answer.cached,
            ),
        )

    async def get_many(
        self,
        names: Iterable[str],
        *,
        fresh: bool = False,
        missing: Literal["fail", "skip"] = "fail",
    ) -> dict[str, Secret]:
        """The current values of several names, in the order given.

        Reads run side by side, each with its own deadline. ``missing="fail"`` raises one
        ``NotFound`` that names all that are missing; ``"skip"`` leaves them out.
        """
        wanted = list(dict.fromkeys(names))
        for name in wanted:
            self._resource(name)
        found, absent = await read_many(lambda name: self.get(name, fresh=fresh), wanted)
        if absent and missing == "fail":
            raise NotFound(
                f"no such secret: {', '.join(absent)}",
                operation="secrets.get_many",
                resource=absent[0],
                target=self._primary.name,
            )
        return found

    def list(
        self,
        prefix: str = "",
        *,
        deleted: bool = False,
        cursor: str | None = None,
        page_size: int = PAGE,
    ) -> Listing:
        """Secrets under a prefix of whole name segments, in the store's own order.

        ``db`` finds ``db/password``, not ``dbx/password`` and not ``db`` itself. The
        listing is an async iterator of ``SecretInfo``; ``cursor`` goes on where an earlier
        listing's ``cursor`` stood. ``deleted`` lists the deleted ones instead.
        """
        if not 1 <= page_size <= 1000:
            raise Invalid(f"a page has 1 to 1,000 secrets, not {page_size}")
        resource = self._scope.removesuffix("/")
        if prefix := check_prefix(prefix):
            resource = self._resource(prefix)
        return Listing(lambda at: self._page(resource, deleted, at, page_size), cursor)

    async def describe(self, name: str) -> SecretInfo:
        """What is known without the value; of a deleted one too. Raises ``NotFound``."""
        resource = self._resource(name)

        info = await self._read(
            "secrets.describe", resource, lambda driver: driver.describe(resource)
        )
        return replace(info, name=name)

    async def versions(self, name: str) -> Sequence[Version]:
        """All versions that the store still knows, newest first. Raises ``NotFound``."""
        resource = self._resource(name)
        return await self._read(
            "secrets.versions", resource, lambda driver: driver.versions(resource)
        )

    async def capabilities(self) -> SecretCapabilities:
        """What the primary store can do."""
        driver: SecretDriver = await self._primary.driver("secrets")
        return driver.capabilities

    # -- writing

    async def put(
        self,
        name: str,
        value: Value,
        *,
        metadata: Mapping[str, str] | Keep = KEEP,
        tags: Mapping[str, str] | Keep = KEEP,
        expires_at: datetime | Keep | None = KEEP,
        on_tombstone: OnTombstone = "fail",
    ) -> Written:
        """Create the secret or add a current version to it.

        A value that is already current makes no new version. ``on_tombstone`` says what to
        do when a deleted secret holds the name: ``fail`` with ``PendingDelete``, ``recover``
        it and go on, or ``purge`` it first.
        """
        value = SecretValue(value)
        resource = self._resource(name)
        attributes = check_attributes(metadata, tags, expires_at)
        if on_tombstone not in ("fail", "recover", "purge"):
            raise Invalid(f"on_tombstone is fail, recover or purge, not {on_tombstone!r}")
        return await self._write(
            "secrets.put",
            resource,
            lambda driver: upsert(
                driver, resource, value, attributes, tags=self._tags, on_tombstone=on_tombstone
            ),
            value,
            idempotent=True,
        )

    async def create(
        self,
        name: str,
        value: Value,
        *,
        metadata: Mapping[str, str] | Keep = KEEP,
        tags: Mapping[str, str] | Keep = KEEP,
        expires_at: datetime | Keep | None = KEEP,
    ) -> Written:
        """Keep a new secret. Raises ``Conflict`` if the name exists, ``PendingDelete``."""
        value = SecretValue(value)
        resource = self._resource(name)
        attributes = check_attributes(metadata, tags, expires_at)
        return await self._write(
            "secrets.create",
            resource,
            lambda driver: driver.create(
                resource, value, tagged(driver, attributes, self._tags, new=True)
            ),
            value,
        )

    async def update(
        self,
        name: str,
        value: Value,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
        metadata: Mapping[str, str] | Keep = KEEP,
        tags: Mapping[str, str] | Keep = KEEP,
        expires_at: datetime | Keep | None = KEEP,
    ) -> Written:
        """Add a version under ``stage`` to a secret that exists.

        ``expects`` is compare-and-set: the id that ``current`` must have, else ``Conflict``.
        ``stage="pending"`` keeps the value without making it current (see
        :meth:`promote`). Raises ``NotFound``, ``PendingDelete``.
        """
        value = SecretValue(value)
        resource = self._resource(name)
        attributes = check_attributes(metadata, tags, expires_at)
        check_stage(stage)
        if expects is not None:
            check_version(expects)

        return await self._write(
            "secrets.update",
            resource,
            lambda driver: driver.update(
                resource,
                value,
                tagged(driver, attributes, self._tags),
                stage=stage,
                expects=expects,
            ),
            value,
            idempotent=expects is None,
        )

    async def annotate(
        self,
        name: str,
        *,
        metadata: Mapping[str, str] | Keep = KEEP,
        tags: Mapping[str, str] | Keep = KEEP,
        expires_at: datetime | Keep | None = KEEP,
        expects: str | None = None,
    ) -> None:
        """Change what is said of the secret and no value. Raises ``NotFound``, ``Conflict``."""
        resource = self._resource(name)
        attributes = check_attributes(metadata, tags, expires_at)
        if attributes.empty:
            raise Invalid("nothing to change: give metadata, tags or expires_at")
        if expects is not None:
            check_version(expects)
        await self._write(
            "secrets.annotate",
            resource,
            lambda driver: driver.annotate(
                resource, tagged(driver, attributes, self._tags), expects=expects
            ),
            idempotent=expects is None,
        )

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        """Put a label on a version; None takes it off (not ``current``).

        Raises ``NotFound``, ``VersionUnavailable``, ``Conflict``.
        """
        resource = self._resource(name)
        check_stage(stage)
        if version is None and stage == CURRENT:
            raise Invalid("'current' cannot be taken off", hint="move it to another version")
        for given in (version, expects):
            if given is not None:
                check_version(given)
        await self._write(
            "secrets.move_stage",
            resource,
            lambda driver: driver.move_stage(resource, stage, version, expects=expects),
            idempotent=expects is None,
        )

    async def promote(self, name: str, version: str, *, expects: str | None = None) -> None:
        """Make a version current; what was current becomes ``previous``."""
        await self.move_stage(name, CURRENT, version, expects=expects)

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        """Delete it: restorable where the store has soft delete, for ever elsewhere.

        Raises ``NotFound``, ``Conflict``.
        """
        resource = self._resource(name)
        if expects is not None:
            check_version(expects)
        await self._write(
            "secrets.delete", resource, lambda driver: driver.delete(resource, expects=expects)
        )

    async def restore(self, name: str) -> None:
        """Undo a delete. Raises ``NotFound``; ``Conflict`` if it is not deleted."""
        resource = self._resource(name)
        await self._write("secrets.restore", resource, lambda driver: driver.restore(resource))

    async def purge(self, name: str) -> None:
        """Remove it for ever, deleted before or not. Raises ``NotFound``."""
        resource = self._resource(name)
        await self._write("secrets.purge", resource, lambda driver: driver.purge(resource))

    def invalidate(self, name: str | None = None) -> None:
        """Forget what is cached of the secret, or (no name) of all secrets."""
        self._front.invalidate(None if name is None else self._resource(name))

    def _resource(self, name: str) -> str:
        check_name(name)
        if not self._scope:
            return name
        if is_native(name):
            raise Invalid("a native name would leave the scope", hint="open without a scope")
        return check_name(self._scope + name)

    async def _read(self, operation: str, resource: str, work: Work[T]) -> T:
        async def send(target: Target) -> T:
            return await work(await target.driver("secrets"))

        call = Call(operation, resource, Effect.READ, send, idempotent=True)
        return (await self._front(call)).value

    async def _write(
        self,
        operation: str,
        resource: str,
        work: Work[T],
        value: SecretValue | None = None,
        *,
        idempotent: bool = False,
    ) -> T:
        async def send(target: Target) -> T:
            driver: SecretDriver = await target.driver("secrets")
            if value is not None:
                check_size(driver, target, value)
            return await work(driver)

        size = 0 if value is None else value.size
        call = Call(operation, resource, Effect.WRITE, send, idempotent=idempotent, size=size)
        return (await self._front(call)).value

    async def _page(self, resource: str, deleted: bool, cursor: str | None, limit: int) -> Page:
        page = await self._read(
            "secrets.list",
            resource,
            lambda driver: driver.list(resource, cursor=cursor, limit=limit, deleted=deleted),
        )
        if not self._scope:
            return page
        cut = len(self._scope)
        return Page([replace(info, name=info.name[cut:]) for info in page.items], page.cursor)
