"""Secrets and the caller's identity, each method waited for."""

from __future__ import annotations

from skykeep.blocking.following import BlockingHeldSecret, BlockingWatch, BlockingWatching
from skykeep.blocking.paging import BlockingPaged
from skykeep.blocking.waiting import Waiting, blocking
from skykeep.interfaces.identity import CallerIdentity
from skykeep.interfaces.secret_driver import SecretInfo
from skykeep.interfaces.secret_holding import REFUSED_EVERY
from skykeep.interfaces.secret_watching import EVERY, OnChange, OnError, Watching
from skykeep.interfaces.secrets import PAGE, Secrets


class BlockingIdentity(Waiting[CallerIdentity]):
    """``CallerIdentity``, each method waited for. See there for what they do and raise."""

    whoami = blocking(CallerIdentity.whoami)
    permissions = blocking(CallerIdentity.permissions)
    policy = blocking(CallerIdentity.policy)


class BlockingSecrets(Waiting[Secrets]):
    """``Secrets``, each method waited for. See there for what they do and raise."""

    get = blocking(Secrets.get)
    get_many = blocking(Secrets.get_many)
    describe = blocking(Secrets.describe)
    versions = blocking(Secrets.versions)
    capabilities = blocking(Secrets.capabilities)
    put = blocking(Secrets.put)
    create = blocking(Secrets.create)
    update = blocking(Secrets.update)
    annotate = blocking(Secrets.annotate)
    move_stage = blocking(Secrets.move_stage)
    promote = blocking(Secrets.promote)
    delete = blocking(Secrets.delete)
    restore = blocking(Secrets.restore)
    purge = blocking(Secrets.purge)

    def list(
        self,
        prefix: str = "",
        *,
        deleted: bool = False,
        cursor: str | None = None,
        page_size: int = PAGE,
    ) -> BlockingListing:
        """Secrets under a prefix; an iterator. See ``Secrets.list``."""
        listing = self._waited_for.list(
            prefix, deleted=deleted, cursor=cursor, page_size=page_size
        )
        return BlockingListing(listing, self._thread)

    def watch(
        self,
        *names: str,
        prefix: str | None = None,
        every: float = EVERY,
        values: bool = True,
        initial: bool = False,
        on_error: OnError | None = None,
    ) -> BlockingWatch:
        """What changes from now on; an iterator, for ``with``. See ``Secrets.watch``."""
        watch = self._waited_for.watch(
            *names,
            prefix=prefix,
            every=every,
            values=values,
            initial=initial,
            on_error=on_error,
        )
        return BlockingWatch(watch, self._thread)

    def on_change(
        self,
        name: str,
        callback: OnChange,
        *,
        every: float = EVERY,
        on_error: OnError | None = None,
    ) -> BlockingWatching:
        """Call back with each ``Change``, on the loop's thread. See ``Secrets.on_change``."""

        async def begin() -> Watching:
            return self._waited_for.on_change(name, callback, every=every, on_error=on_error)

        return BlockingWatching(self._thread.run(begin()), self._thread)

    def hold(
        self, name: str, *, every: float = EVERY, refused_every: float = REFUSED_EVERY
    ) -> BlockingHeldSecret:
        """A secret that follows its rotations. See ``Secrets.hold``."""
        held = self._thread.run(
            self._waited_for.hold(name, every=every, refused_every=refused_every)
        )
        return BlockingHeldSecret(held, self._thread)

    def invalidate(self, name: str | None = None) -> None:
        """Forget what is cached of the secret, or (no name) of all secrets."""

        async def forget() -> None:  # on the loop: the cache belongs to it
            self._waited_for.invalidate(name)

        self._thread.run(forget())


class BlockingListing(BlockingPaged[SecretInfo]):
    """An iterator of ``SecretInfo``; waits once a page."""
