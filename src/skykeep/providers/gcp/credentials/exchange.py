"""Requests to token services, from the thread that looks for credentials.

They go over the same wire as secrets do: proxies, authorities and limits are the target's, no
redirect is followed, nothing is logged, nothing sent again. An event loop of the thread's own
carries them, so that neither the loop that waits nor its end can hold a search up.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

import msgspec

from skykeep.errors import ConfigError, Invalid, SkykeepError, Unavailable
from skykeep.providers.gcp.settings import GcpSettings
from skykeep.providers.wire import Reply, Wire, WireOptions
from skykeep.settings.remote import TlsSettings

OAUTH2: Final = "https://oauth2.googleapis.com"
STS: Final = "https://sts.googleapis.com"
IAM: Final = "https://iamcredentials.googleapis.com"
RESOURCE_MANAGER: Final = "https://cloudresourcemanager.googleapis.com"

PATIENCE: Final = 10.0
"""Seconds for one answer of a token service; the call that waits has its own deadline."""
LARGEST: Final = 1024 * 1024
"""Bytes of an answer; a token is of some 2 KiB."""

_NOTHING: Mapping[str, str] = {}


class Exchange:
    """One conversation with token services; a context of the thread that uses it.

    The target's ``tls.minimum`` and ``connect_timeout_seconds`` hold here, too, and its
    ``tls.ca`` unless the target has an ``endpoint`` of its own, which it is then about. Its
    pins and its client certificate are for Secret Manager only.
    """

    def __init__(self, settings: GcpSettings, environ: Mapping[str, str], target: str) -> None:
        endpoints = settings.auth.endpoints
        given = {
            OAUTH2: endpoints.oauth2,
            STS: endpoints.sts,
            IAM: endpoints.iamcredentials,
            RESOURCE_MANAGER: endpoints.cloudresourcemanager,
        }
        self._moved = {place: other for place, other in given.items() if other}
        tls = TlsSettings(
            minimum=settings.tls.minimum, ca=None if settings.endpoint else settings.tls.ca
        )
        self._options = WireOptions(
            tls=tls,
            connect_timeout=settings.connect_timeout_seconds,
            exchange_timeout=PATIENCE,
            max_reply_bytes=LARGEST,
        )
        self._environ = environ
        self._target = target
        self._runner = asyncio.Runner()
        self._wires: dict[tuple[str, object], Wire] = {}
        self.ahead = 0.0
        """Seconds by which Google's clock is ahead of this host's."""

    def __enter__(self) -> Exchange:
        self._runner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            for wire in self._wires.values():
                self._runner.run(wire.close())
        finally:
            self._runner.__exit__(kind, error, trace)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NOTHING,
        body: bytes = b"",
        direct: float = 0.0,
        certificate: tuple[str, str] | None = None,
    ) -> Reply:
        """The answer, of any status.

        Args:
            method: as sent.
            url: the whole address; one of Google's own is replaced by that of the settings.
            headers: sent besides those of the wire.
            body: sent as it is.
            direct: if not 0, this many seconds for a connection without any proxy, also by
                plain http: for a metadata server, which is on this host or its hypervisor.
            certificate: PEM files of a client certificate and its key.

        Raises ``Unavailable`` if there is no whole answer; ``ConfigError`` for an address that
        must not be asked.
        """
        for place, other in self._moved.items():
            if url.startswith(place + "/"):
                url = other.rstrip("/") + url[len(place) :]
        parts = urlsplit(url)
        target = parts.path or "/"
        target += f"?{parts.query}" if parts.query else ""
        wire = self._wire(f"{parts.scheme}://{parts.netloc}", direct, certificate)
        try:
            return self._runner.run(wire.send(method, target, headers=headers, body=body))
        except Invalid as error:
            failure: SkykeepError = ConfigError(
                f"the credentials lead to a request that cannot be sent: {error.message}",
                hint="look at the token's file, and at the addresses in the credentials",
            )
        finally:
            del headers, body, url, parts, target
        raise failure

    def _wire(self, origin: str, direct: float, certificate: tuple[str, str] | None) -> Wire:
        key = (origin, certificate)
        wire = self._wires.get(key)
        if wire is None:
            options, environ = self._options, self._environ
            if direct or _is_link_local(origin):
                changes = {"allow_http": True}
                options = _changed(options, **changes)
                environ = {}
            if direct:
                options = _changed(options, connect_timeout=direct)
            if certificate is not None:
                cert, private = certificate
                tls = msgspec.structs.replace(options.tls, cert=cert, key=private)
                options = _changed(options, tls=tls)
            wire = Wire(
                origin, options=options, environ=environ, extra="gcp", name=self._target
            )
            self._wires[key] = wire
        return wire


def _changed(options: WireOptions, **changes: object) -> WireOptions:
    from dataclasses import replace

    return replace(options, **changes)  # type: ignore[arg-type]  # names of fields


def _is_link_local(origin: str) -> bool:
    """Metadata servers of other clouds, which workload identity federation asks, have addresses
    that are not routed (RFC 3927; fd00:ec2::254 is Amazon's) and speak plain http."""
    try:
        address = ipaddress.ip_address(urlsplit(origin).hostname or "")
    except ValueError:
        return False
    return address.is_link_local or str(address) == "fd00:ec2::254"


def decoded(reply: Reply, kind: type, who: str) -> object:
    """The JSON of an answer. Raises ``Unavailable`` if it is of another shape."""
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except msgspec.MsgspecError:
        pass  # its text may quote the answer
    raise Unavailable(
        f"{who} answers in a form that is not its own",
        hint="look at the address and at proxies on the way",
    )
