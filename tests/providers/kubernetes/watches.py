"""What tests of watches have in common: a cable that can be pulled, waits that are counted."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from skykeep.providers.kubernetes.watching import Changes
from tests.peers.kube import Kube

PATIENCE = 30.0
"""Seconds after which a test that waits for news has hung."""


class Cable:
    """TCP to the server, that can be pulled out."""

    def __init__(self, kube: Kube) -> None:
        self._port = urlsplit(kube.address).port
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.made = 0

    async def __aenter__(self) -> Cable:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        self.pull()
        await asyncio.gather(*self._tasks)

    def pull(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, far_writer]
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.ensure_future(self._copy(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(65536):
                sink.write(piece)
                await sink.drain()
        except OSError:
            pass  # it was pulled
        finally:
            sink.transport.abort()


class Waits:
    """In place of sleeping: how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def patient(changes: Changes) -> Waits:
    """Let the waits of a watch be counted instead."""
    waits = Waits()
    changes._sleep = waits
    changes._jitter = lambda: 1.0
    return waits


async def told(changes: Changes, count: int) -> list[tuple[str, str]]:
    """The next so many changes."""
    async with asyncio.timeout(PATIENCE):
        return [
            (change.kind, change.info.name)
            for change in [await anext(changes) for _ in range(count)]
        ]
