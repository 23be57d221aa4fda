"""The targets together, for callers without an event loop."""

from __future__ import annotations

from collections.abc import Mapping

from skykeep.blocking.waiting import Waiting, blocking
from skykeep.replication.face import Replication


class BlockingReplication(Waiting[Replication]):
    """``Replication``, each method waited for. See there for what they do and raise."""

    health = blocking(Replication.health)
    reconcile = blocking(Replication.reconcile)
    settle = blocking(Replication.settle)
    conflicts = blocking(Replication.conflicts)
    resolve = blocking(Replication.resolve)

    def owed(self) -> Mapping[str, int]:
        """The writes that this host still has to bring; see ``Replication.owed``."""
        # On the loop's thread: the journal's mirror belongs to it.
        return self._thread.run(self._owed())

    async def _owed(self) -> Mapping[str, int]:
        return self._waited_for.owed()
