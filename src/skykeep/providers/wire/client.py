"""The client: one request, one answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from skykeep import __version__
from skykeep.errors import ConfigError, Invalid, MissingExtra, SkykeepError
from skykeep.providers.wire.options import WireOptions
from skykeep.providers.wire.origin import origin as parse
from skykeep.providers.wire.proxies import proxy_for
from skykeep.providers.wire.reply import Reply
from skykeep.providers.wire.stream import Stream

if TYPE_CHECKING:
    from yarl import URL

    from skykeep.providers.wire.pool import Pool

_NO_HEADERS: Mapping[str, str] = {}
_AGENT = f"skykeep/{__version__}"
_TARGET = re.compile(r"/[!-~]*")
_HEADER = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class Wire:
    """HTTP/1.1 to one endpoint, over connections that are kept.

    It does what it is told, once: no redirect is followed, no cookie kept, nothing sent
    again, nothing logged. May be used by many tasks at once, and belongs to the event loop
    that uses it; on another loop, or in a forked child, it makes connections of its own.

    Args:
        endpoint: ``https://HOST[:PORT][/PATH]``. Plain ``http`` only to this host, or with
            ``allow_http``.
        options: see ``WireOptions``.
        environ: where ``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE`` and
            ``SSL_CERT_DIR`` are read; nothing is read from ``os.environ``.
        extra: the pip extra that brings aiohttp, for ``MissingExtra``.
        name: the target's name, for errors.

    Making one reads the files of ``tls`` and opens no connection. Raises ``ConfigError``
    for what is wrong with the endpoint, a proxy or a file; ``MissingExtra``.

    Attributes:
        origin: the address, parsed: ``origin.host_header`` is what is sent as ``Host``,
            ``origin.base_path`` what is put before every target (signatures need both).
        target: the target's name, for errors.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        options: WireOptions,
        environ: Mapping[str, str],
        extra: str,
        name: str = "",
    ) -> None:
        self.target = name
        self._options = options
        try:
            self.origin = parse(endpoint, allow_http=options.allow_http)
            self._proxy = proxy_for(self.origin, environ, options.proxy)
            self._tls = None
            if self.origin.scheme == "https":
                from skykeep.providers.wire import tls

                self._tls = tls.context(
                    options.tls, self.origin.host, environ, options.material
                )
        except ConfigError as error:
            error.located(target=name)
            raise
        pool, failures = _engine(extra, name)
        self._pool_type = pool.Pool
        self._failures = pool.FAILURES
        self._too_long = pool.TooLong
        self._url = pool.url
        self._explainer = failures.Explainer(self.origin, self._proxy, options, name)
        self._base = self.origin.url
        self._pools: list[Pool] = []
        self._pool: Pool | None = None

    async def send(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: bytes = b"",
    ) -> Reply:
        """Send a request and read the answer whole.

        Args:
            method: as sent: ``GET``, ``POST``, ``LIST``; upper case.
            target: path and query, percent-encoded already; sent byte for byte after
                ``origin.base_path``. Begins with ``/``.
            headers: sent besides ``Host``, ``Accept: */*``, ``User-Agent`` and
                ``Content-Length``, or instead of them. No ``Content-Type`` is made up.
            body: sent as it is; nothing if empty.

        Raises ``Unavailable`` if there is no whole answer, with ``sent=False`` if nothing
        of the request left this host; ``Invalid`` for a target or header that cannot be
        sent. The deadline of the caller cancels it, and then the connection is closed; the
        wire's own limits are ``connect_timeout`` and ``exchange_timeout``.
        """
        url = self._address(target)
        pool = self._pool
        if pool is None or pool.loop is not asyncio.get_running_loop():
            pool = self._pool_here()
        failure: SkykeepError
        try:
            return await pool.exchange(method, url, headers, body)
        except self._failures as error:
            failure = self._explainer.explain(error)
        except ValueError:
            failure = self._refused(headers)
        # Outside of the clauses, and without the request (a query may hold a signature):
        # neither aiohttp's error, whose frames hold it, nor this frame shows it.
        del target, headers, body, url
        raise failure

    async def stream(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        silence: float,
    ) -> Stream:
        """Send a request without a body, and give the answer to be read while it comes.

        ``silence``: seconds between two pieces of it, after which it is given up; there is
        no other limit. Raises as ``send``. Close the stream.
        """
        url = self._address(target)
        pool = self._pool
        if pool is None or pool.loop is not asyncio.get_running_loop():
            pool = self._pool_here()
        failure: SkykeepError
        try:
            response = await pool.open(method, url, headers, silence)
        except self._failures as error:
            failure = self._explainer.explain(error)
        except ValueError:
            failure = self._refused(headers)
        else:
            return Stream(
                response,
                self._options.max_reply_bytes,
                failures=self._failures,
                explain=self._explainer.explain,
                too_long=self._too_long,
            )
        del target, headers, url
        raise failure

    async def close(self) -> None:
        """Close all connections. May be called twice; a later ``send`` opens new ones."""
        pools, self._pools, self._pool = self._pools, [], None
        here = asyncio.get_running_loop()
        for pool in pools:
            if pool.loop is here:
                await pool.close()
            else:
                pool.abandon()

    def after_fork(self) -> None:
        """In a forked child: forget the parent's connections without touching them."""
        pools, self._pools, self._pool = self._pools, [], None
        for pool in pools:
            pool.forget()

    def _address(self, target: str) -> URL:
        """Where a request goes. Raises ``Invalid``."""
        url: URL = self._url(self._base + target)
        if url.raw_path_qs != self.origin.base_path + target or not _TARGET.fullmatch(target):
            raise Invalid(
                "the path of a request is not percent-encoded as it must be", target=self.target
            )
        return url

    def _pool_here(self) -> Pool:
        """The pool of the running loop. Those of loops that are gone are dropped."""
        here = asyncio.get_running_loop()
        for pool in tuple(self._pools):
            if pool.loop is here:
                self._pool = pool
                return pool
            if pool.loop.is_closed():
                self._pools.remove(pool)
                pool.abandon()
        self._pool = self._pool_type(self._options, self._tls, self._proxy, _AGENT)
        self._pools.append(self._pool)
        return self._pool

    def _refused(self, headers: Mapping[str, str]) -> Invalid:
        """What to say of headers that aiohttp refused; its own error does not name one."""
        bad = [name for name, value in headers.items() if not _HEADER.fullmatch(value)]
        if not bad:
            return Invalid("the request cannot be sent as it is", target=self.target)
        return Invalid(
            f"the header {bad[0]!a} has a character that no header can have",
            hint="is there a line break at the end of a token or of the file that holds it?",
            target=self.target,
        )


def _engine(extra: str, name: str) -> tuple[ModuleType, ModuleType]:
    """``pool`` and ``failures``, which import aiohttp. Raises ``MissingExtra`` without it."""
    try:
        return (
            import_module("skykeep.providers.wire.pool"),
            import_module("skykeep.providers.wire.failures"),
        )
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in {"aiohttp", "yarl"}:
            raise
    raise MissingExtra(
        f"{missing}, which carries the calls, is not installed",
        hint=f"install it: pip install --upgrade 'skykeep[{extra}]'",
        target=name,
    )
