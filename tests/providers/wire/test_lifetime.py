"""Connections: kept, shared, given back; nothing is left over, on any loop, in any process."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from skykeep.errors import Unavailable
from skykeep.providers.wire import Wire, WireOptions
from skykeep.settings.remote import TlsSettings
from tests.providers.wire.conftest import Open
from tests.providers.wire.servers import OK, Authority, Server, answer, server_side
from tests.repo.tree import python


def plain(server: Server) -> Wire:
    return Wire(server.url, options=WireOptions(), environ={}, extra="vault")


def secure(server: Server, authority: Authority) -> Wire:
    options = WireOptions(tls=TlsSettings(ca=str(authority.pem)))
    return Wire(server.url, options=options, environ={}, extra="vault")


def files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.asyncio
async def test_a_thousand_calls_leave_nothing(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    with Server(tls=server_side(localhost)) as server:
        tasks, before = len(asyncio.all_tasks()), files()
        async with opened(server.url, ca=str(authority.pem), connections=8) as wire:
            for _ in range(10):
                await asyncio.gather(*(wire.send("GET", "/") for _ in range(100)))
            assert server.connections == 8
        for _ in range(8):
            await asyncio.to_thread(server.wait_ended)
        assert len(asyncio.all_tasks()) == tasks
        # The thread pool's own queue and the like: none of it for each call.
        assert files() <= before + 2
    assert len(server.requests) == 1000


@pytest.mark.asyncio
async def test_a_call_that_was_broken_off_leaves_nothing_after_the_close(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    """The other side says no goodbye: TLS would wait for it, also when all is closed."""

    def silence(connection: socket.socket, request: bytes) -> bool:
        return server.stop.wait(30)

    with Server(silence, tls=server_side(localhost)) as server:
        before = files()
        async with opened(server.url, ca=str(authority.pem)) as wire:
            work = asyncio.ensure_future(wire.send("GET", "/"))
            while not server.requests:  # noqa: ASYNC110  (it fills in a thread)
                await asyncio.sleep(0)
            held = files()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        assert files() < held, "the socket of this side is closed, the server's is not yet"
        server.stop.set()
    assert files() <= before + 2


@pytest.mark.asyncio
async def test_a_connection_is_kept(opened: Open) -> None:
    with Server() as server:
        async with opened(server.url) as wire:
            for _ in range(20):
                await wire.send("GET", "/")
        assert server.connections == 1


@pytest.mark.asyncio
async def test_an_idle_connection_is_not_used_again(opened: Open) -> None:
    with Server() as server:
        async with opened(server.url, idle_seconds=0.0) as wire:
            await wire.send("GET", "/")
            await wire.send("GET", "/")
        assert server.connections == 2


@pytest.mark.asyncio
async def test_closing_twice_and_calling_again(opened: Open) -> None:
    with Server() as server:
        async with opened(server.url) as wire:
            await wire.send("GET", "/")
            await wire.close()
            await wire.close()
            await asyncio.to_thread(server.wait_ended)
            await wire.send("GET", "/")
        assert server.connections == 2


@pytest.mark.asyncio
async def test_closing_ends_what_is_under_way(opened: Open) -> None:
    asked = threading.Event()

    def mute(connection: socket.socket, request: bytes) -> bool:
        asked.set()
        return True

    with Server(mute) as server:
        async with opened(server.url) as wire:
            call = asyncio.create_task(wire.send("GET", "/"))
            await asyncio.to_thread(asked.wait, 30)
            await wire.close()
            with pytest.raises(Unavailable) as caught:
                await call
        assert caught.value.sent


@pytest.mark.asyncio
async def test_closing_says_goodbye_and_warns_of_nothing(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    """Warnings are errors here; those of objects that are collected, too (pytest)."""
    with Server(tls=server_side(localhost)) as server:
        async with opened(server.url, ca=str(authority.pem)) as wire:
            await asyncio.gather(*(wire.send("GET", "/") for _ in range(5)))
        del wire
        gc.collect()
        await asyncio.to_thread(server.wait_ended)


@pytest.mark.asyncio
@pytest.mark.parametrize("part", [b"", OK[:10], OK[:-1]])
async def test_a_cancelled_call_gives_its_connection_up(opened: Open, part: bytes) -> None:
    asked = threading.Event()

    def stop_there(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(part)
        asked.set()
        return True

    with Server(stop_there) as server:
        async with opened(server.url, connections=1) as wire:
            for number in range(1, 4):
                asked.clear()
                call = asyncio.create_task(wire.send("GET", "/"))
                await asyncio.to_thread(asked.wait, 30)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                await asyncio.to_thread(server.wait_ended)
                assert server.connections == number
            server.handler = answer(OK)
            assert (await wire.send("GET", "/")).body == b"ok"


@pytest.mark.asyncio
async def test_a_call_cancelled_while_it_connects(
    opened: Open, authority: Authority, localhost: Path
) -> None:
    met = threading.Event()

    class Slow(Server):
        """Accepts and says nothing until it is told to stop."""

        def _serve(self, raw: socket.socket, number: int) -> None:
            raw.recv(65536)
            met.set()
            try:
                while raw.recv(65536):
                    pass
            except OSError:
                pass
            self._done(raw, number)

    with Slow(tls=server_side(localhost)) as server:
        async with opened(server.url, ca=str(authority.pem), connections=1) as wire:
            call = asyncio.create_task(wire.send("GET", "/"))
            await asyncio.to_thread(met.wait, 30)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.to_thread(server.wait_ended)


@pytest.mark.asyncio
async def test_a_call_cancelled_while_it_waits_for_a_connection(opened: Open) -> None:
    asked, go = threading.Event(), threading.Event()

    def held(connection: socket.socket, request: bytes) -> bool:
        asked.set()
        go.wait(30)
        connection.sendall(OK)
        return True

    with Server(held) as server:
        async with opened(server.url, connections=1) as wire:
            first = asyncio.create_task(wire.send("GET", "/first"))
            await asyncio.to_thread(asked.wait, 30)
            second = asyncio.create_task(wire.send("GET", "/second"))
            third = asyncio.create_task(wire.send("GET", "/third"))
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            go.set()
            assert (await first).body == (await third).body == b"ok"
        assert [request.split()[1] for request in server.requests] == [b"/first", b"/third"]


@pytest.mark.parametrize("make", ["plain", "secure"])
def test_a_second_loop_has_connections_of_its_own(
    make: str, authority: Authority, localhost: Path
) -> None:
    """Also when the first loop ended without the wire being closed."""
    with Server(tls=server_side(localhost) if make == "secure" else None) as server:
        wire = secure(server, authority) if make == "secure" else plain(server)
        counts: list[int] = []
        for number in range(1, 4):
            assert asyncio.run(wire.send("GET", "/")).body == b"ok"
            assert server.connections == number
            if number > 1:
                server.wait_ended()  # the connection of the loop before was ended
                counts.append(files())
        assert counts[0] == counts[1]  # and its file was given back
        asyncio.run(wire.close())
        server.wait_ended()
        gc.collect()


LEFT = """
import asyncio, os, sys
from skykeep.providers.wire import Wire, WireOptions
from skykeep.settings.remote import TlsSettings

options = WireOptions(tls=TlsSettings(ca=sys.argv[2]))
wire = Wire(sys.argv[1], options=options, environ={}, extra="vault")


asyncio.run(wire.send("GET", "/"))
loop = asyncio.new_event_loop()
loop.run_until_complete(wire.send("GET", "/"))
if os.fork():
    assert os.wait()[1] == 0
    loop.run_until_complete(wire.send("GET", "/"))
    loop.run_until_complete(wire.close())
    loop.close()
else:
    wire.after_fork()
print("done")
"""


@pytest.mark.parametrize("make", ["plain", "secure"])
def test_what_was_left_behind_says_nothing_at_the_end(
    make: str, authority: Authority, localhost: Path
) -> None:
    """Of a loop that is gone, and of the parent's connections in a child that exits."""
    with Server(tls=server_side(localhost) if make == "secure" else None) as server:
        done = python("-c", LEFT, server.url, str(authority.pem))
        assert done.stdout == "done\ndone\n"
        assert server.connections == 2


def test_two_loops_at_once() -> None:
    with Server() as server:
        wire = plain(server)
        here = threading.Barrier(2)
        there: list[int] = []

        async def calls() -> None:
            await wire.send("GET", "/")
            await asyncio.to_thread(here.wait, 30)
            there.extend([(await wire.send("GET", "/")).status for _ in range(20)])
            await asyncio.to_thread(here.wait, 30)

        threads = [threading.Thread(target=asyncio.run, args=(calls(),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert there == [200] * 40
        assert server.connections == 2
        asyncio.run(wire.close())


@pytest.mark.asyncio
@pytest.mark.parametrize("make", ["plain", "secure"])
@pytest.mark.parametrize("told", [True, False])
async def test_a_forked_child_leaves_the_parents_connections_alone(
    make: str, told: bool, authority: Authority, localhost: Path
) -> None:
    """``told``: whether the child was told that it is one."""
    with Server(tls=server_side(localhost) if make == "secure" else None) as server:
        wire = secure(server, authority) if make == "secure" else plain(server)
        await wire.send("GET", "/parent")

        def work() -> None:
            if told:
                wire.after_fork()
            runner = asyncio.new_event_loop()
            assert runner.run_until_complete(wire.send("GET", "/child")).body == b"ok"
            runner.run_until_complete(wire.close())
            gc.collect()

        in_child(work)
        assert server.connections == 2
        for _ in range(2):
            assert (await wire.send("GET", "/parent")).body == b"ok"
        assert server.connections == 2
        await wire.close()


def in_child(work: Callable[[], None]) -> None:
    """Run it in a forked child, which ends the way an interpreter does."""
    with warnings.catch_warnings():
        # Python 3.12 and newer warn of a fork beside threads; the child uses none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
            gc.collect()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
