"""Why there was no answer, in words for whoever is on call.

Made of the kind of an error and of numbers in it, never of its text: that may quote what
the service sent.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import os
import socket
import ssl
from dataclasses import dataclass

import aiohttp

from skykeep.errors import Unavailable
from skykeep.providers.wire.options import WireOptions
from skykeep.providers.wire.origin import Origin
from skykeep.providers.wire.pool import Broken, TooLong
from skykeep.providers.wire.proxies import Proxy
from skykeep.providers.wire.tls import PinMismatch

# OpenSSL's numbers, include/openssl/x509_vfy.h.
_NOT_YET_VALID, _EXPIRED = 9, 10
_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 24, 27})
_WRONG_NAME = frozenset({62, 64})

_VERSION_REASONS = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE")
_NO_TLS_REASONS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")
_CLIENT_REASONS = (
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "ALERT_UNKNOWN_CA",
    "ACCESS_DENIED",
)


@dataclass(frozen=True, slots=True)
class Explainer:
    """Turns what the client raises into ``Unavailable``.

    Args:
        origin: where the service is.
        proxy: the way there, or None.
        options: what was set.
        target: the target's name, for errors.
    """

    origin: Origin
    proxy: Proxy | None
    options: WireOptions
    target: str

    def explain(self, error: Exception) -> Unavailable:
        """The error for callers; nothing of ``error`` hangs on it."""
        if isinstance(error, Broken):
            error = error.cause
        # The phases that come before a byte of the request have errors of their own.
        sent = not isinstance(
            error,
            (
                aiohttp.ClientConnectorError,
                aiohttp.ClientHttpProxyError,
                aiohttp.ConnectionTimeoutError,
            ),
        )
        message, hint = self._words(error)
        return Unavailable(
            message,
            sent=sent,
            timed_out=isinstance(error, asyncio.TimeoutError),  # aiohttp's are, too
            hint=hint,
            target=self.target,
        )

    def _words(self, error: Exception) -> tuple[str, str]:
        place = self.origin.place
        if isinstance(error, TooLong):
            return (
                f"{place} answers with more than {self.options.max_reply_bytes} bytes",
                "check that the endpoint is the service that is meant",
            )
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            cause = error.certificate_error
            return self._certificate(error.certificate_error)
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            cause = error.os_error
            if isinstance(cause, PinMismatch):
                return self._pin(cause)
            return self._tls(getattr(cause, "reason", None) or "")
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return self._name(error.os_error)
        if isinstance(error, aiohttp.ClientHttpProxyError):
            return self._proxy_refusal(error.status)
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            seconds = self.options.connect_timeout
            return (
                f"no connection to {self._next} in time (connect_timeout_seconds: {seconds:g})",
                "check the endpoint and the firewalls and proxies on the way",
            )
        if isinstance(error, asyncio.TimeoutError):
            seconds = self.options.exchange_timeout
            return (
                f"{place} has not answered within {seconds:g} s",
                "the service hangs, or the way to it is broken",
            )
        if isinstance(error, aiohttp.ClientConnectorError):
            return self._connection(error.os_error)
        if isinstance(error, aiohttp.ClientPayloadError):
            return f"the answer of {place} broke off or is damaged", "try again"
        if isinstance(error, aiohttp.ClientResponseError):
            return (
                f"{place} does not answer in HTTP/1.1",
                "check the endpoint's port and scheme (http, https)",
            )
        cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
        if isinstance(cause, ssl.SSLError):
            return self._tls(cause.reason or "")
        return (
            f"{place} closed the connection before it answered",
            "try again; if it stays so, look at the service's and the proxy's logs",
        )

    @property
    def _next(self) -> str:
        """The other end of the TCP connection."""
        if self.proxy is None:
            return self.origin.place
        return f"the proxy {self.proxy.place} ({self.proxy.variable})"

    def _connection(self, error: OSError) -> tuple[str, str]:
        if error.errno == errno.ECONNREFUSED:
            return f"{self._next} refuses connections", "check that it runs, and its port"
        if error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
            return f"there is no way to {self._next}", "check the network and its routes"
        if error.errno in {None, errno.ECONNRESET, errno.EPIPE}:
            return (
                f"{self._next} closed the connection while it was made",
                "a firewall or load balancer on the way may do that; look at its logs",
            )
        reason = os.strerror(error.errno)
        return f"no connection to {self._next} ({reason})", "check the network"

    def _name(self, error: OSError) -> tuple[str, str]:
        host = (self.proxy.place if self.proxy else self.origin.place).rpartition(":")[0]
        reason = error.strerror if isinstance(error, socket.gaierror) else "failed"
        where = f"{self.proxy.variable}" if self.proxy else "endpoint"
        return f"no address is found for {host} ({reason})", f"check {where} and the DNS"

    def _proxy_refusal(self, status: int) -> tuple[str, str]:
        way = f"{self._next} makes no connection to {self.origin.place} (status {status})"
        if status == 407:
            assert self.proxy is not None  # noqa: S101 - nobody else answers CONNECT
            return way, f"put its user and password into {self.proxy.variable}"
        return way, "allow the endpoint there, or put its host into NO_PROXY"

    def _certificate(self, error: Exception) -> tuple[str, str]:
        code = getattr(error, "verify_code", 0)
        owner = f"the certificate of {self.origin.place}"
        if code == _EXPIRED:
            return f"{owner} has expired", "renew it there; if it is valid, check this clock"
        if code == _NOT_YET_VALID:
            return f"{owner} is not valid yet", "check this host's clock"
        if code in _WRONG_NAME:
            return (
                f"{owner} is for another name than '{self.origin.host}'",
                "use a name in the endpoint that is in the certificate",
            )
        if code in _UNTRUSTED:
            authorities = "tls.ca" if self.options.tls.ca else "this system"
            return (
                f"{owner} comes from an authority that {authorities} does not have",
                "name the PEM file of its authority in tls.ca",
            )
        reason = getattr(error, "verify_message", "") or "verification failed"
        return f"{owner} is not accepted ({reason})", "see tls.ca, or renew it there"

    def _pin(self, error: PinMismatch) -> tuple[str, str]:
        pin = base64.b64encode(error.digest).decode() or "unknown"
        return (
            f"the public key of {self.origin.place} is not in tls.pins (its pin is {pin})",
            "add it only if the service's own people say so: else somebody stands between",
        )

    def _tls(self, reason: str) -> tuple[str, str]:
        place, minimum = self.origin.place, self.options.tls.minimum
        if any(known in reason for known in _VERSION_REASONS):
            if minimum == "1.3":
                return f"{place} does not speak TLS 1.3", 'set tls.minimum: "1.2" for it'
            return f"{place} speaks no TLS of version {minimum} or newer", "update the service"
        if any(known in reason for known in _NO_TLS_REASONS):
            return (
                f"{place} does not speak TLS",
                "check the endpoint's port, or begin the endpoint with http://",
            )
        if any(known in reason for known in _CLIENT_REASONS):
            what = "refuses our certificate" if self.options.tls.cert else "wants a certificate"
            return f"{place} {what} ({_short(reason)})", "see tls.cert and tls.key"
        hint = "look at the service's logs"
        if minimum == "1.3":
            hint = f'if it does not speak TLS 1.3, set tls.minimum: "1.2"; else {hint}'
        return f"no TLS connection with {place} ({_short(reason) or 'it hung up'})", hint


def _short(reason: str) -> str:
    """OpenSSL's name of a reason, as words: constants of the library, not the peer's text."""
    return reason.lower().replace("_", " ")
