"""Defects of the journal and its replay."""

from __future__ import annotations

from typing import Any
from unittest import mock

from skykeep.interfaces.call import Held
from skykeep.interfaces.secret_replay import Wanted
from skykeep.journal import replayer as replaying
from skykeep.journal.journal import Journal
from skykeep.journal.memory import MemoryJournal
from skykeep.journal.replayer import Replayed, Replayer
from skykeep.layers.several import Several
from tests.simulation.planted.registry import fault, instead


@fault("a full journal drops its oldest record")
def _journal_drops() -> Any:
    def make(append: Any) -> Any:
        async def ours(self: Any, payload: bytes) -> int:
            kept = [number for number, each in self.state.entries.items() if each is not None]
            if len(kept) >= self._bounds.entries:
                self.state.put(kept[0], None)
            return int(await append(self, payload))

        return ours

    return instead(MemoryJournal, "append", make)


@fault("a new process does not see what was owed before it", bound=800)
def _journal_not_read_at_start() -> Any:
    def make(look: Any) -> Any:
        def ours(self: Any) -> None:
            if self._since == 0:
                self._since = self._store.changes(0)[0]
            look(self)

        return ours

    return instead(Journal, "look", make)


@fault("owed writes are replayed in the wrong order", bound=800)
def _out_of_order() -> Any:
    return instead(
        replaying, "fold", lambda fold: lambda commands: fold(list(reversed(commands)))
    )


@fault("a record is removed before its last target has it")
def _removed_too_early() -> Any:
    async def brought(self: Any, entry: Any, target: str) -> Any:
        await self.drop(entry)
        return entry

    return mock.patch.object(Journal, "brought", brought)


@fault("a conflict is overwritten", bound=1500)
def _conflict_overwritten() -> Any:
    class Everything(set[Any]):
        def __contains__(self, _: object) -> bool:
            return True

    return mock.patch.object(Replayer, "_bases", return_value=Everything())


@fault("a replay does not compare", bound=800, weather="late")
def _replay_unconditional() -> Any:
    def make(bring: Any) -> Any:
        async def ours(target: Any, name: str, wanted: Any, held: Any) -> None:
            if wanted.value is not None and held.digest is not None:
                driver = await target.driver("secrets")
                await driver.update(name, wanted.value, wanted.attributes)
            else:
                await bring(target, name, wanted, held)

        return ours

    return instead(replaying, "bring", make)


@fault("what the home does not have is deleted elsewhere", bound=2500)
def _delete_on_not_found() -> Any:
    def make(bring: Any) -> Any:
        async def ours(self: Any, name: str, target: Any, entries: Any) -> Any:
            home = self._targets[self._journal.home(name, self._primary)]
            there: Held = await self._look(name, home)
            if there.digest is None and target is not home:
                held = await self._look(name, target)
                await self._apply(name, target, Wanted(gone="delete"), held)
                return None
            return await bring(self, name, target, entries)

        return ours

    return instead(Replayer, "_bring", make)


@fault("a write in doubt is taken for lost at once", bound=4000, weather="late")
def _lost_at_once() -> Any:
    return mock.patch.object(replaying, "SETTLES_AFTER", 0.0)


@fault("a write in doubt is taken for done", bound=400)
def _doubt_is_done() -> Any:
    async def done(self: Any, *_: Any) -> bool:
        return True

    return mock.patch.object(Replayer, "_done", done)


@fault("backups are forgotten")
def _backups_forgotten() -> Any:
    return mock.patch.object(Several, "others", property(lambda self: tuple(self.failover)))


@fault("what could not be brought at once is never brought")
def _one_round() -> Any:
    def make(replay: Any) -> Any:
        async def ours(self: Any) -> Any:
            if getattr(self, "rounds", 0):
                return Replayed()
            self.rounds = 1
            return await replay(self)

        return ours

    return instead(Replayer, "replay", make)
