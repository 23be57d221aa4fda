"""What follows changes, for callers without an event loop."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest

import skykeep
from skykeep.errors import NotFound

OFTEN = 0.001


def test_a_watch_is_an_iterator() -> None:
    with skykeep.open_blocking(backend="memory", environ={}) as cloud:
        with cloud.secrets.watch("a", prefix="p", every=OFTEN) as changes:
            cloud.secrets.put("a", "one")
            change = next(changes)
            assert (change.name, change.kind, change.version) == ("a", "created", "1")
            cloud.secrets.put("p/b", "one")
            assert next(changes).name == "p/b"
        assert list(changes) == []
        changes.close()


def test_another_thread_ends_the_wait() -> None:
    with (
        skykeep.open_blocking(backend="memory", environ={}) as cloud,
        ThreadPoolExecutor(1) as threads,
    ):
        looked = threading.Event()
        changes = cloud.secrets.watch("a", every=3600, initial=True)
        cloud.listen(lambda event: looked.set())
        waiting = threads.submit(list, changes)
        assert looked.wait(10)
        changes.close()
        assert waiting.result(10) == []


def test_what_is_held_follows_a_rotation() -> None:
    with skykeep.open_blocking(backend="memory", environ={}) as cloud:
        with pytest.raises(NotFound):
            cloud.secrets.hold("a")
        cloud.secrets.put("a", "one")
        held = cloud.secrets.hold("a", every=3600)
        used = held.secret
        cloud.secrets.put("a", "two")
        assert held.value.text() == "one"
        assert held.refused(used)
        assert (held.secret.version, held.value.text()) == ("2", "two")
        held.close()


def test_a_callback_is_called_until_it_is_closed() -> None:
    told: SimpleQueue[skykeep.Change] = SimpleQueue()
    with skykeep.open_blocking(backend="memory", environ={}) as cloud:
        handle = cloud.secrets.on_change("a", told.put, every=OFTEN)
        handle.begun()
        cloud.secrets.put("a", "one")
        assert told.get(timeout=10).kind == "created"
        handle.close()
        assert handle.error is None
        cloud.secrets.put("a", "two")
        with cloud.secrets.watch("a", every=OFTEN) as changes:
            cloud.secrets.put("a", "three")
            next(changes)
        assert told.empty()
