"""``BlockingModelStore``: the same for callers without an event loop."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from skykeep.blocking import Waiting, blocking
from skykeep.models.store import ModelStore

if TYPE_CHECKING:
    from skykeep.blocking import BlockingCloud


class BlockingModelStore(Waiting[ModelStore]):
    """``ModelStore.of(cloud)``, each method waited for, on the thread of the cloud."""

    def __init__(self, cloud: BlockingCloud) -> None:
        super().__init__(ModelStore.of(cloud._cloud), cloud._thread)

    fetch = blocking(ModelStore.fetch)
    pull = blocking(ModelStore.pull)
    load = blocking(ModelStore.load)
    push = blocking(ModelStore.push)
    promote = blocking(ModelStore.promote)
    list = blocking(ModelStore.list)
    versions = blocking(ModelStore.versions)
    verify = blocking(ModelStore.verify)
    remove = blocking(ModelStore.remove)
    gc = blocking(ModelStore.gc)
    gc_store = blocking(ModelStore.gc_store)
    close = blocking(ModelStore.close)

    def __enter__(self) -> BlockingModelStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
