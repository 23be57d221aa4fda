"""Coroutines that are waited for: one background thread runs one event loop."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import update_wrapper
from queue import SimpleQueue
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from skykeep.errors import Unavailable

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
C = TypeVar("C")
P = ParamSpec("P")
T = TypeVar("T")


class LoopThread:
    """An event loop in a daemon thread, started on first use and again after a fork."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        _loop_threads.add(self)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the coroutine on the loop and wait for its outcome.

        An interrupt of the waiting thread cancels the work and waits until it has ended: what
        it had begun is undone. A second one does not wait.
        """
        loop = self._loop_for(work)
        # One lock and one callback: run_coroutine_threadsafe takes two futures, a condition
        # and a chain between them, a quarter of the time of a call.
        ended = threading.Lock()
        ended.acquire()
        tasks: list[asyncio.Task[T]] = []
        try:
            loop.call_soon_threadsafe(_start, work, tasks, ended.release)
            ended.acquire()  # interrupted by signals, like every lock of the main thread
        except BaseException:
            _cancel(loop, work, tasks)
            raise
        return _outcome(tasks)

    def feed(
        self,
        make: Callable[[AsyncIterator[C]], Coroutine[Any, Any, T]],
        items: Iterable[C],
    ) -> T:
        """As ``run``, of work that takes items, which are made in this thread.

        Here a generator has its own connections and may be interrupted. What it raises the
        work is given, and this raises unless the work does otherwise.
        """
        asked: SimpleQueue[asyncio.Future[C] | None] = SimpleQueue()
        work = make(_Asking(asked))
        loop = self._loop_for(work)
        tasks: list[asyncio.Task[T]] = []
        try:
            loop.call_soon_threadsafe(_start, work, tasks, lambda: asked.put(None))
            given = iter(items)
            while (future := asked.get()) is not None:
                item: C | None = None
                error: Exception | None = None
                try:
                    item = next(given)
                except StopIteration:
                    error = StopAsyncIteration()
                except Exception as raised:  # noqa: BLE001  (it goes to the work, and back)
                    error = raised
                # If the loop is closed the work has ended, and the queue says so.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(_give, future, item, error)
                del item, error
        except BaseException:
            _cancel(loop, work, tasks)
            raise
        return _outcome(tasks)

    def _loop_for(self, work: Coroutine[Any, Any, T]) -> asyncio.AbstractEventLoop:
        """The loop. Raises ``RuntimeError`` on its own thread."""
        loop = self._loop or self._start()
        if self._thread is threading.current_thread():
            work.close()
            raise RuntimeError("a blocking call on skykeep's own event loop would never end")
        return loop

    def _start(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._serve, args=(loop,), name="skykeep", daemon=True
                )
                self._thread.start()
                self._loop = loop
            return self._loop

    @staticmethod
    def _serve(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:  # other threads wait for them
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.close()

    def stop(self) -> None:
        """End the loop and its thread."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def after_fork(self) -> None:
        """In a forked child the thread is gone: the next call starts another."""
        self._starting = threading.Lock()
        self._loop = self._thread = None


def _start(
    work: Coroutine[Any, Any, T], tasks: list[asyncio.Task[T]], ended: Callable[[], None]
) -> None:
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(lambda _: ended())
    tasks.append(task)


def _cancel(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, T],
    tasks: list[asyncio.Task[T]],
) -> None:
    """Cancel the work, and wait until it has ended."""
    over = threading.Event()

    def cancel() -> None:
        if tasks:
            tasks[0].add_done_callback(lambda _: over.set())
            tasks[0].cancel()
        else:  # the interrupt came before the work was begun
            work.close()
            over.set()

    try:
        loop.call_soon_threadsafe(cancel)
    except RuntimeError:  # the loop is closed, and all of its work has ended
        return
    while not over.wait(1.0) and not loop.is_closed():
        pass


def _outcome(tasks: list[asyncio.Task[T]]) -> T:
    """What the work that has ended gives, or raises."""
    try:
        return tasks.pop().result()
    except asyncio.CancelledError:
        pass
    raise Unavailable("the cloud was closed while this call was under way")


class _Asking(Generic[C]):
    """What ``feed`` gives to the work: each item is asked for and waited for."""

    def __init__(self, asked: SimpleQueue[asyncio.Future[C] | None]) -> None:
        self._asked = asked

    def __aiter__(self) -> _Asking[C]:
        return self

    async def __anext__(self) -> C:
        future: asyncio.Future[C] = asyncio.get_running_loop().create_future()
        self._asked.put(future)
        return await future


def _give(future: asyncio.Future[Any], item: object, error: Exception | None) -> None:
    if future.done():  # nobody waits any more
        return
    if error is None:
        future.set_result(item)
    else:
        future.set_exception(error)


_loop_threads: weakref.WeakSet[LoopThread] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for thread in tuple(_loop_threads):
        thread.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


class Waiting(Generic[S_co]):
    """An async object whose methods are waited for, on one loop thread."""

    def __init__(self, waited_for: S_co, thread: LoopThread) -> None:
        self._waited_for = waited_for
        self._thread = thread


class blocking(Generic[S, P, T]):  # noqa: N801  (used as a decorator is)
    """``get = blocking(Secrets.get)``: the async method, waited for."""

    def __init__(self, method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> blocking[S, P, T]: ...

    @overload
    def __get__(self, instance: Waiting[S], owner: type) -> Callable[P, T]: ...

    def __get__(
        self, instance: Waiting[S] | None, owner: type
    ) -> Callable[P, T] | blocking[S, P, T]:
        if instance is None:
            return self
        method, waited_for = self._method, instance._waited_for
        run = instance._thread.run

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return run(method(waited_for, *args, **kwargs))

        bound = update_wrapper(call, method)
        setattr(instance, method.__name__, bound)  # found before this descriptor from now on
        return bound
