"""``Secrets``: what applications use, the same over every store.

Each operation is checked, becomes one ``Call`` and goes through the layers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from skykeep.errors import Invalid, NotFound
from skykeep.interfaces.call import Answer, Call, Effect, Front, Target
from skykeep.interfaces.foreign_versions import split, told
from skykeep.interfaces.names import check_name, check_prefix, is_native
from skykeep.interfaces.secret_changes import Source
from skykeep.interfaces.secret_checks import check_stage, check_version
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
)
from skykeep.interfaces.secret_following import FollowedSecrets
from skykeep.interfaces.secret_listing import Listing
from skykeep.interfaces.secret_many import read_many
from skykeep.interfaces.secret_writing import WrittenSecrets
from skykeep.interfaces.staleness import check_fresh, pin, pinned, provenance_of
from skykeep.interfaces.tasks import Tasks

T = TypeVar("T")
Work = Callable[[SecretDriver], Awaitable[T]]

PAGE = 200
"""Secrets per page of a listing, where the store has no smaller limit."""


class Secrets(FollowedSecrets, WrittenSecrets):
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
        *,
        tasks: Tasks | None = None,
        others: Collection[str] = (),
    ) -> None:
        """``scope`` is put before every name: ``""`` or segments with a closing slash.
        ``tags`` are put onto every secret that is written, where the store has tags.
        ``tasks`` are the cloud's. ``others`` are the names of further targets: a version of
        theirs is told as ``ID@TARGET``, for it means nothing at the primary."""
        self._front = front
        self._primary = primary
        self._scope = scope
        self._tags = tags or {}
        self._others = others
        self._tasks = Tasks() if tasks is None else tasks

    @property
    def standing_tags(self) -> Mapping[str, str]:
        """Those that every secret gets that is written here, where the store has tags."""
        return self._tags

    # -- reading

    async def get(
        self,
        name: str,
        *,
        version: str | None = None,
        stage: str | None = None,
        fresh: bool = False,
        max_stale: float | None = None,
        fail_if_stale: bool = False,
    ) -> Secret:
        """The value at a version, at a stage, or (neither given) the current one.

        Where it came from, and how far behind it may be, is its ``provenance``.

        Args:
            fresh: ask the store even if the answer is cached.
            max_stale: an answer that may be further behind, in seconds, will not do.
            fail_if_stale: nor will one that is stale, or not from where it should be.

        Raises ``NotFound``, ``VersionUnavailable``; ``Unavailable`` where no answer will do.
        A version or a stage beside ``current`` is a store's own: no other target is asked for
        it.
        """
        resource = self._resource(name)
        if version is not None:
            check_version(version)
        if stage is not None:
            if version is not None:
                raise Invalid("give a version or a stage, not both")
            check_stage(stage)
        only, own = split(version, self._others)

        async def send(target: Target) -> Secret:
            driver: SecretDriver = await target.driver("secrets")
            return await driver.get(resource, version=own, stage=stage)

        call = Call(
            "secrets.get",
            resource,
            Effect.READ,
            send,
            idempotent=True,
            cache_key=(version, stage),
            fresh=fresh,
            failover=version is None and stage in {None, CURRENT},
            only=only,
            strict=fail_if_stale,
            max_stale=max_stale,
        )
        answer = await self._front(call)
        kept = answer.value
        provenance = provenance_of(answer, kept.stamp)
        if fail_if_stale or max_stale is not None:
            check_fresh(call, provenance)
        return Secret(
            name,
            kept.value,
            told(kept.version, answer),
            kept.created_at,
            kept.stages,
            kept.metadata,
            kept.tags,
            kept.expires_at,
            provenance,
            kept.stamp,
        )

    async def get_many(
        self,
        names: Iterable[str],
        *,
        fresh: bool = False,
        missing: Literal["fail", "skip"] = "fail",
        max_stale: float | None = None,
        fail_if_stale: bool = False,
    ) -> dict[str, Secret]:
        """The current values of several names, in the order given.

        Reads run side by side, each with its own deadline. ``missing="fail"`` raises one
        ``NotFound`` that names all that are missing; ``"skip"`` leaves them out. The rest is as
        in :meth:`get`.
        """
        wanted = list(dict.fromkeys(names))
        for name in wanted:
            self._resource(name)

        def get(name: str) -> Awaitable[Secret]:
            return self.get(name, fresh=fresh, max_stale=max_stale, fail_if_stale=fail_if_stale)

        found, absent = await read_many(get, wanted)
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

        answer = await self._read(
            "secrets.describe", resource, lambda driver: driver.describe(resource), True
        )
        info = answer.value
        version = None if info.version is None else told(info.version, answer)
        return replace(
            info, name=name, version=version, provenance=provenance_of(answer, info.stamp)
        )

    async def versions(self, name: str) -> Sequence[Version]:
        """All versions that the store still knows, newest first. Raises ``NotFound``."""
        resource = self._resource(name)
        answer = await self._read(
            "secrets.versions", resource, lambda driver: driver.versions(resource)
        )
        if not answer.degraded:
            return answer.value
        return [replace(each, id=told(each.id, answer)) for each in answer.value]

    async def capabilities(self) -> SecretCapabilities:
        """What the primary store can do."""
        driver: SecretDriver = await self._primary.driver("secrets")
        return driver.capabilities

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

    async def _read(
        self,
        operation: str,
        resource: str,
        work: Work[T],
        failover: bool = False,
        only: str | None = None,
    ) -> Answer[T]:
        async def send(target: Target) -> T:
            return await work(await target.driver("secrets"))

        call = Call(
            operation,
            resource,
            Effect.READ,
            send,
            idempotent=True,
            failover=failover,
            only=only,
        )
        return await self._front(call)

    async def _page(
        self,
        resource: str,
        deleted: bool,
        cursor: str | None,
        limit: int,
        at_home: bool = False,
    ) -> Page:
        # A listing that a replica began goes on there: its cursor means nothing elsewhere.
        source, at = pinned(cursor)
        answer = await self._read(
            "secrets.list",
            resource,
            lambda driver: driver.list(resource, cursor=at, limit=limit, deleted=deleted),
            failover=cursor is None and not deleted and not at_home,
            only=source,
        )
        page = answer.value
        following = pin(page.cursor, answer.source if answer.degraded or source else None)
        cut, items = len(self._scope), page.items
        if answer.degraded:  # each says so: a listing is what its items are
            where = provenance_of(answer, None)
            items = [
                replace(
                    info,
                    name=info.name[cut:],
                    version=None if info.version is None else told(info.version, answer),
                    provenance=where,
                )
                for info in items
            ]
        elif cut:
            items = [replace(info, name=info.name[cut:]) for info in items]
        return Page(items, following)

    def _source(self) -> Source:
        async def page(prefix: str, at: str | None) -> Page:
            resource = self._resource(prefix) if prefix else self._scope.removesuffix("/")
            return await self._page(resource, False, at, PAGE, at_home=True)

        return Source(
            lambda name: self.get(name, fresh=True, fail_if_stale=True),
            self.describe,
            lambda prefix: Listing(lambda at: page(prefix, at), None),
            self.capabilities,
            self.invalidate,
        )
