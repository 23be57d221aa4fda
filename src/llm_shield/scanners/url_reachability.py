"""URLs in answers that nobody answers at: often they are made up."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.public_addresses import Address, is_public
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text
from llm_shield.urls import extract, parts

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from aiohttp.abc import AbstractResolver
    from yarl import URL

REDIRECTS = 5
"""Redirections that are followed, at most."""

GONE = frozenset({404, 410})
"""Statuses that say there is no such page; so do those from 500 on. Of others (401, 403, 429)
somebody is there who does not let everybody in."""

Answer = Literal["there", "gone", "refused"]


class URLReachabilitySettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``URLReachability``.

    Attributes:
        max_urls: different URLs of a text that are asked; the fact ``not_asked`` counts the
            rest.
        at_once: how many of them at the same time.
        seconds: for one URL with all its redirections.
        ports: that may be asked.
        queries: whether a URL is asked for with its query. What is in a URL leaves this host,
            and an answer may have been made to carry something away; without it, pages that
            need their query look as if they were gone.
        replacement: what stands in the place of a URL that nobody answers at; null leaves it.
    """

    max_urls: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    at_once: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    ports: tuple[Annotated[int, msgspec.Meta(ge=1, le=65535)], ...] = (80, 443)
    queries: bool = False
    replacement: str | None = None
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0


class Refused(OSError):
    """This address is not everybody's: no connection is made."""


class URLReachability(Scanner[URLReachabilitySettings]):
    """Asks for each URL: HEAD, and where that is an error GET for one byte.

    It asks nobody who is not public: the address is looked at where the socket is made, after
    the name has been resolved and after each redirection, so that no name, no way of writing
    an address and no second answer of a name server gets around it. No credentials, cookies
    or proxies are used; no body is read.
    """

    name: ClassVar[str] = "URLReachability"
    summary: ClassVar[str] = "URLs that nobody answers at; asks the network"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.NETWORK
    Settings: ClassVar[type[ScannerSettings]] = URLReachabilitySettings

    def __init__(
        self,
        settings: URLReachabilitySettings,
        resources: Resources,
        *,
        resolver: Callable[[], AbstractResolver] | None = None,
        permits: Callable[[Address], bool] = is_public,
    ) -> None:
        """The last two are for tests, which have no public server: no setting reaches them."""
        super().__init__(settings, resources)
        needs("aiohttp", "aiohttp, which asks for URLs,")
        self._resolver = resolver
        self._permits = permits

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each place of a URL that nobody answers at, or that was not asked for
        as its address is not public; facts: how many were asked, and were not."""
        places: dict[str, list[tuple[int, int]]] = {}
        for url in extract(text.sent):
            if url.parts.scheme in {"", "http", "https"}:
                target = url.url if url.parts.scheme else f"http://{url.url}"
                places.setdefault(target, []).append((url.start, url.end))
        asked = list(places)[: self.settings.max_urls]
        facts = {"asked": len(asked), "not_asked": len(places) - len(asked)}
        if not asked:
            return Verdict(facts=facts)
        answers = await self._ask(asked)
        findings = []
        for target, answer in zip(asked, answers, strict=True):
            if answer == "there":
                continue
            kind, score, reason = (
                ("url.unreachable", 0.8, "nobody answers at this URL")
                if answer == "gone"
                else ("url.refused", 0.9, "not asked for: its address or port is not public")
            )
            findings += [
                Finding(kind, start, end, score, reason, self.settings.replacement)
                for start, end in places[target]
            ]
        return Verdict.of(findings, facts=facts)

    async def _ask(self, targets: list[str]) -> list[Answer]:
        turn = asyncio.Semaphore(self.settings.at_once)
        async with self._session() as session:

            async def one(target: str) -> Answer:
                async with turn:
                    return await self._answer(session, target)

            return await asyncio.gather(*(one(each) for each in targets))

    def _session(self) -> ClientSession:
        from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

        connector = TCPConnector(
            resolver=self._resolver() if self._resolver else None,
            use_dns_cache=False,
            force_close=True,
            limit=self.settings.at_once,
            socket_factory=self._socket,
        )
        return ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=self.settings.seconds),
            headers={"User-Agent": "llm-shield", "Accept": "*/*"},
            trust_env=False,
            auto_decompress=False,
        )

    def _socket(self, info: Any) -> socket.socket:
        """A socket for an address that may be asked: every connection begins here.

        Raises ``Refused``.
        """
        family, kind, protocol, _, place = info
        # A link's name (fe80::1%eth0) or number makes an address nobody else's.
        scoped = family == socket.AF_INET6 and len(place) == 4 and place[3] != 0
        if scoped or not self._permits(ipaddress.ip_address(place[0])):
            raise Refused("not public")
        return socket.socket(family, kind, protocol)

    async def _answer(self, session: ClientSession, url: str) -> Answer:
        from aiohttp import ClientError
        from yarl import URL

        try:
            target = URL(url)
            async with asyncio.timeout(self.settings.seconds):
                for _ in range(REDIRECTS + 1):
                    if not self._may_ask(target):
                        return "refused"
                    status, location = await self._status(session, target)
                    if not location:
                        return "gone" if status in GONE or status >= 500 else "there"
                    target = target.join(URL(location))
            return "gone"
        except (ClientError, OSError, ValueError, TimeoutError) as error:
            return "refused" if _is_refusal(error) else "gone"

    def _may_ask(self, target: URL) -> bool:
        """Whether the URL is one of the web at a port that is allowed. Addresses are looked
        at by ``_socket``; those that are written out, in any way, here as well."""
        written = parts(str(target)).ip
        return (
            (written is None or self._permits(written))
            and target.scheme in {"http", "https"}
            and bool(target.host)
            and target.port in self.settings.ports
        )

    async def _status(self, session: ClientSession, target: URL) -> tuple[int, str]:
        """The status, and where a redirection leads (``""`` if it is none)."""
        plain = target.with_user(None).with_fragment(None)
        if not self.settings.queries:
            plain = plain.with_query(None)
        status, location = 0, ""
        for method, headers in (("HEAD", {}), ("GET", {"Range": "bytes=0-0"})):
            answer = await session.request(
                method, plain, headers=headers, allow_redirects=False
            )
            # Closed, not released: what it would say is not read.
            answer.close()
            status = answer.status
            if status in {301, 302, 303, 307, 308}:
                location = answer.headers.get("Location", "")
            if status < 400:
                break
        return status, location


def _is_refusal(error: BaseException | None) -> bool:
    """Whether it, or what it comes from, is a ``Refused``."""
    for _ in range(8):
        if error is None or isinstance(error, Refused):
            break
        nested = getattr(error, "os_error", None) or getattr(error, "exceptions", (None,))[0]
        error = nested or error.__cause__ or error.__context__
    return isinstance(error, Refused)
