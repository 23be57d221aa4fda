"""Connections of one event loop, over aiohttp; the only file that sends anything.

aiohttp sends a request again on its own, once, if its method is GET, PUT or another one that
RFC 9110 calls idempotent and the connection broke (aiohttp ``client.py``, issue 10790: it
cannot be switched off by an option). Whether a call may be sent again is for
``layers/retry.py`` to say, which knows the call and counts the tries; so ``_once`` stands
between the two and turns the errors that aiohttp would try again after into ``Broken``.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import weakref
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from skykeep.providers.wire.reply import Reply

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult

    from skykeep.providers.wire.options import WireOptions
    from skykeep.providers.wire.proxies import Proxy

_BUFFER = 1024 * 1024
"""Bytes of an answer that wait to be read; aiohttp's 64 KiB are less than asyncio gives at
once, and the connection would be stopped and started with each of them."""
_PIECE = 1024 * 1024
_LARGE = 1024 * 1024
"""aiohttp warns of larger bodies given as bytes, since they are written at once."""

_left_behind: list[object] = []
"""What nobody may close: its transports would write to, or take out of their loop's
selector, connections that belong to a parent process or to a loop that is gone."""


_GOODBYES = 10
"""Turns of the loop in which transports notice that their sockets were shut down: three."""


class Broken(Exception):
    """The connection broke after it was there; what aiohttp raised is in ``cause``."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


class TooLong(Exception):
    """The answer is longer than is allowed."""


FAILURES = (aiohttp.ClientError, OSError, Broken, TooLong)
"""What ``exchange`` raises if there is no whole answer."""


def url(text: str) -> URL:
    """An address that is percent-encoded already."""
    return URL(text, encoded=True)


class Pool:
    """A session on the running loop.

    Args:
        options: see ``WireOptions``.
        tls: the context of https connections; None for plain http.
        proxy: the way there, or None.
        agent: the ``User-Agent``.
    """

    def __init__(
        self,
        options: WireOptions,
        tls: ssl.SSLContext | None,
        proxy: Proxy | None,
        agent: str,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._limit = options.max_reply_bytes
        self._server_name = options.material.server_name
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._always: dict[str, str] = {}
        proxy_headers = None
        if proxy is not None and proxy.authorization is not None:
            if tls is None:
                self._always[hdrs.PROXY_AUTHORIZATION] = proxy.authorization
            else:
                proxy_headers = {hdrs.PROXY_AUTHORIZATION: proxy.authorization}
        self._proxy = None if proxy is None else URL(proxy.url)
        self._proxy_headers = proxy_headers
        self._timeout = aiohttp.ClientTimeout(
            total=options.exchange_timeout, sock_connect=options.connect_timeout
        )
        self._connector = Connector(
            ssl=True if tls is None else tls,
            limit=options.connections,
            keepalive_timeout=options.idle_seconds,
            resolver=Resolver(options.connect_timeout),
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            headers={hdrs.USER_AGENT: agent},
            skip_auto_headers=(hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=options.decompress,
            middlewares=(_once,),
            trust_env=False,
        )

    async def exchange(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        """Send and read. Raises what aiohttp raises, ``Broken``, ``TooLong``."""
        response = await self.begin(method, url, headers, body, self._timeout)
        length = response.content_length
        if length is not None and length > self._limit:
            response.close()
            raise TooLong
        if length is None or hdrs.CONTENT_ENCODING in response.headers:
            content = await self._read(response)
        else:
            content = await response.read()
        return Reply(response.status, response.headers, content)

    async def begin(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        """Send, and read the head of the answer. Raises what aiohttp raises, ``Broken``."""
        data: bytes | AsyncIterator[memoryview] | None = body or None
        if len(body) > _LARGE:
            headers = CIMultiDict(headers)  # a header may be there twice
            headers[hdrs.CONTENT_LENGTH] = str(len(body))
            data = _pieces(body)
        if self._always:
            headers = CIMultiDict(headers)
            headers.update(self._always)
        return await self._session.request(
            method,
            url,
            headers=headers,
            data=data,
            allow_redirects=False,
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
            server_hostname=self._server_name,
            timeout=limits,
            read_bufsize=_BUFFER,
        )

    async def open(
        self, method: str, url: URL, headers: Mapping[str, str], silence: float
    ) -> aiohttp.ClientResponse:
        """As ``begin``, for an answer that is read while it comes: however long that takes,
        but not with more than ``silence`` seconds between two pieces."""
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=self._timeout.sock_connect, sock_read=silence
        )
        return await self.begin(method, url, headers, b"", limits)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """A body of unknown length, up to the limit."""
        pieces = bytearray()
        try:
            async for piece in response.content.iter_any():
                pieces += piece
                if len(pieces) > self._limit:
                    raise TooLong
        except BaseException:
            response.close()
            raise
        return bytes(pieces)

    async def close(self) -> None:
        """Close what is open, on the pool's own loop."""
        await self._session.close()
        # A TLS connection that was broken off waits for a goodbye that may never come.
        for _ in range(_GOODBYES):
            left = [sock for sock in tuple(self._sockets) if sock.fileno() >= 0]
            if not left:
                return
            for sock in left:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # not connected any more
            await asyncio.sleep(0)

    def abandon(self) -> None:
        """From another loop: hang up without touching the transports.

        What still runs on the pool's own loop sees the end of its connections; if that
        loop is gone, their files are given back here.
        """
        if os.getpid() != self._process:
            self.forget()
            return
        gone = self.loop.is_closed()
        for sock in tuple(self._sockets):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # not connected any more
            if gone:
                sock.close()
        if gone:
            self._leave()
        else:
            _left_behind.append(self._session)

    def forget(self) -> None:
        """In a forked child: nothing said here may reach the parent's connections.

        Each of them is replaced by ``/dev/null`` in this process: what a transport writes
        at the interpreter's exit (a TLS goodbye) goes there, and the parent's stay open.
        """
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            for sock in tuple(self._sockets):
                if sock.fileno() >= 0:
                    os.dup2(null, sock.fileno(), inheritable=False)
        finally:
            os.close(null)
        self._leave()

    def _leave(self) -> None:
        """Nobody uses the session any more, and nobody is told that it was not closed."""
        self._session.detach()
        self._connector.left = True
        _left_behind.append(self._connector)

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        sock = socket.socket(address[0], address[1], address[2])
        self._sockets.add(sock)
        return sock


class Connector(aiohttp.TCPConnector):
    """Does not complain at the interpreter's exit of what was left behind on purpose."""

    left = False

    def __del__(self, *arguments: Any) -> None:
        if not self.left:
            super().__del__(*arguments)


class Resolver(aiohttp.ThreadedResolver):
    """Asks the system, as every other program here does, and not longer than is allowed.

    aiohttp would take aiodns where that is installed, which knows less of the system's
    sources of names.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises ``socket.gaierror``, also when time is up."""
        try:
            async with asyncio.timeout(self._seconds):
                return await super().resolve(host, port, family)
        except TimeoutError:
            raise socket.gaierror(
                socket.EAI_AGAIN, f"no answer within {self._seconds:g} s"
            ) from None


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # aiohttp does not try again after these
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Broken(error) from None


async def _pieces(body: bytes) -> AsyncIterator[memoryview]:
    whole = memoryview(body)  # a slice of it is no copy
    for start in range(0, len(body), _PIECE):
        yield whole[start : start + _PIECE]
