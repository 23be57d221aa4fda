"""Secrets and the caller's identity, each method waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skykeep.blocking.waiting import LoopThread, Waiting, blocking
from skykeep.interfaces.identity import CallerIdentity
from skykeep.interfaces.secret_driver import SecretInfo
from skykeep.interfaces.secret_listing import Listing
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


class BlockingListing:
    """An iterator of ``SecretInfo``; waits once a page."""

    def __init__(self, listing: Listing, thread: LoopThread) -> None:
        self._listing = listing
        self._thread = thread
        self._items: Iterator[SecretInfo] = iter(())

    @property
    def cursor(self) -> str | None:
        """See ``Listing.cursor``."""
        return self._listing.cursor

    def __iter__(self) -> BlockingListing:
        return self

    def __next__(self) -> SecretInfo:
        while True:
            for item in self._items:
                return item
            page = self.next_page()
            if page is None:
                raise StopIteration
            self._items = iter(page)

    def next_page(self) -> Sequence[SecretInfo] | None:
        """See ``Listing.next_page``."""
        return self._thread.run(self._listing.next_page())
