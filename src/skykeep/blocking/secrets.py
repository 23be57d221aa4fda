"""Secrets and the caller's identity, each method waited for."""

from __future__ import annotations

from skykeep.blocking.paging import BlockingPaged
from skykeep.blocking.waiting import Waiting, blocking
from skykeep.interfaces.identity import CallerIdentity
from skykeep.interfaces.secret_driver import SecretInfo
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

    def invalidate(self, name: str | None = None) -> None:
        """Forget what is cached of the secret, or (no name) of all secrets."""

        async def forget() -> None:  # on the loop: the cache belongs to it
            self._waited_for.invalidate(name)

        self._thread.run(forget())


class BlockingListing(BlockingPaged[SecretInfo]):
    """An iterator of ``SecretInfo``; waits once a page."""
