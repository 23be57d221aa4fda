"""Keys, each method waited for."""

from __future__ import annotations

from collections.abc import Mapping

from skykeep.blocking.paging import BlockingPaged
from skykeep.blocking.waiting import Waiting, blocking
from skykeep.interfaces.data_keys import DataKeys
from skykeep.interfaces.key_driver import KeyInfo
from skykeep.interfaces.keys import Keys


class BlockingKeys(Waiting[Keys]):
    """``Keys``, each method waited for. See there for what they do and raise."""

    generate = blocking(Keys.generate)
    wrap = blocking(Keys.wrap)
    unwrap = blocking(Keys.unwrap)
    rewrap = blocking(Keys.rewrap)
    encrypt = blocking(Keys.encrypt)
    decrypt = blocking(Keys.decrypt)
    sign = blocking(Keys.sign)
    verify = blocking(Keys.verify)
    describe = blocking(Keys.describe)
    create = blocking(Keys.create)
    rotate = blocking(Keys.rotate)
    capabilities = blocking(Keys.capabilities)

    def list(self, prefix: str = "", *, cursor: str | None = None) -> BlockingKeyListing:
        """Keys under a prefix; an iterator. See ``Keys.list``."""
        return BlockingKeyListing(self._waited_for.list(prefix, cursor=cursor), self._thread)

    def data_keys(
        self,
        key: str,
        *,
        context: Mapping[str, str] | None = None,
        max_messages: int = 10_000,
        max_bytes: int = 1 << 40,
        max_seconds: float = 300.0,
    ) -> BlockingDataKeys:
        """Data keys that are used again; see ``Keys.data_keys``."""
        made = self._waited_for.data_keys(
            key,
            context=context,
            max_messages=max_messages,
            max_bytes=max_bytes,
            max_seconds=max_seconds,
        )
        return BlockingDataKeys(made, self._thread)


class BlockingDataKeys(Waiting[DataKeys]):
    """``DataKeys``, each method waited for."""

    to_seal = blocking(DataKeys.to_seal)
    to_open = blocking(DataKeys.to_open)

    def count(self, wrapped: bytes, size: int) -> None:
        """See ``DataKeys.count``."""

        async def count() -> None:  # on the loop: the data keys belong to it
            self._waited_for.count(wrapped, size)

        self._thread.run(count())

    def forget(self) -> None:
        """See ``DataKeys.forget``."""

        async def forget() -> None:  # as above
            self._waited_for.forget()

        self._thread.run(forget())


class BlockingKeyListing(BlockingPaged[KeyInfo]):
    """An iterator of ``KeyInfo``; waits once a page."""
