"""The same door for callers without an event loop: scripts, Django, notebooks.

One background thread runs one event loop; each method hands its coroutine over and
waits. Exact types come from the async methods: nothing is written twice.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import update_wrapper
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from skykeep import cloud as front
from skykeep.cloud import Ask, Cloud
from skykeep.errors import Unavailable
from skykeep.interfaces.identity import CallerIdentity
from skykeep.interfaces.secret_driver import SecretInfo
from skykeep.interfaces.secret_listing import Listing
from skykeep.interfaces.secrets import PAGE, Secrets
from skykeep.layers.telemetry import Listener
from skykeep.settings.load import Flags

S = TypeVar("S")
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

        An interrupt of the waiting thread cancels the work.
        """
        loop = self._loop or self._start()
        if self._thread is threading.current_thread():
            work.close()
            raise RuntimeError("a blocking call on skykeep's own event loop would never end")
        # One lock and one callback: run_coroutine_threadsafe takes two futures, a condition
        # and a chain between them, a quarter of the time of a call.
        ended = threading.Lock()
        ended.acquire()
        tasks: list[asyncio.Task[T]] = []

        def start() -> None:
            task = loop.create_task(work)
            task.add_done_callback(lambda _: ended.release())
            tasks.append(task)

        loop.call_soon_threadsafe(start)
        try:
            ended.acquire()  # interrupted by signals, like every lock of the main thread
        except BaseException:
            # Not `tasks[0].cancel` itself: the task may not be there yet.
            loop.call_soon_threadsafe(lambda: tasks[0].cancel())  # noqa: PLW0108  (see above)
            raise
        try:
            return tasks.pop().result()
        except asyncio.CancelledError:
            pass
        raise Unavailable("the cloud was closed while this call was under way")

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


_loop_threads: weakref.WeakSet[LoopThread] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for thread in tuple(_loop_threads):
        thread.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


class Waiting(Generic[S]):
    """An async object whose methods are waited for, on one loop thread."""

    def __init__(self, waited_for: S, thread: LoopThread) -> None:
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


class BlockingCloud:
    """One environment's clouds, for ``with``. May be used from several threads."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._thread = LoopThread()
        self._secrets: BlockingSecrets | None = None

    @property
    def secrets(self) -> BlockingSecrets:
        """Secrets in this environment. The store is opened by the first call."""
        if self._secrets is None:
            self._secrets = BlockingSecrets(self._cloud.secrets, self._thread)
        return self._secrets

    @property
    def identity(self) -> BlockingIdentity:
        """Who we are to the primary, and what we may do there."""
        return BlockingIdentity(self._cloud.identity, self._thread)

    def connect(self) -> None:
        """Open the secret store now; see ``Cloud.connect``."""
        self._thread.run(self._cloud.connect())

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with an ``Event`` after each call, on the loop's thread."""
        self._cloud.listen(listener)

    def close(self) -> None:
        """End what is under way and let go of connections and keys. May be called twice."""
        try:
            self._thread.run(self._cloud.close())
        finally:
            self._thread.stop()

    def __enter__(self) -> BlockingCloud:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_blocking(
    *,
    env: str | None = None,
    config: str | os.PathLike[str] | None = None,
    namespace: str | None = None,
    tenant: str | None = None,
    backend: str | None = None,
    region: str | None = None,
    key_file: str | os.PathLike[str] | None = None,
    flags: Flags | None = None,
    environ: Mapping[str, str] | None = None,
    ask: Ask | None = None,
) -> BlockingCloud:
    """The configured clouds, for ``with``; arguments and errors as ``skykeep.open``."""
    return BlockingCloud(
        front.open(
            env=env,
            config=config,
            namespace=namespace,
            tenant=tenant,
            backend=backend,
            region=region,
            key_file=key_file,
            flags=flags,
            environ=environ,
            ask=ask,
        )
    )
