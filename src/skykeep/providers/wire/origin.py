"""The address of a service, and what may be asked of it without TLS."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from skykeep.errors import ConfigError

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._-]+)?")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a service is.

    Attributes:
        scheme: ``https`` or ``http``.
        host: a name in lower case, or an address; IPv6 without brackets.
        port: 1 to 65,535.
        base_path: put before every target; ``""`` or ``/PATH`` without a closing slash.
    """

    scheme: str
    host: str
    port: int
    base_path: str = ""

    @property
    def host_header(self) -> str:
        """What is sent as ``Host``: with the port if it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address that targets are appended to."""
        return f"{self.scheme}://{self.host_header}{self.base_path}"

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether this host itself is meant: 127.0.0.0/8, ::1, localhost."""
        if self.host == "localhost" or self.host.endswith(".localhost"):  # RFC 6761, 6.3
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def origin(endpoint: str, *, allow_http: bool = False) -> Origin:
    """The endpoint, parsed. Raises ``ConfigError``, which does not show it.

    Not shown, because what is no address may be anything that was pasted there.
    """
    parts = _split(endpoint)
    if parts is None or not parts.hostname:
        raise ConfigError(
            "the endpoint is not an address", hint="write it as https://HOST[:PORT][/PATH]"
        )
    if "@" in parts.netloc:
        raise ConfigError(
            "the endpoint has a user name or password in it",
            hint="take it out: credentials have settings of their own",
        )
    if parts.query or parts.fragment or endpoint.endswith(("?", "#")):
        raise ConfigError(
            "the endpoint has a query or a fragment", hint="end it after the path"
        )
    if parts.scheme not in _PORTS:
        raise ConfigError(
            f"the endpoint begins with '{parts.scheme}://'", hint="begin it with https://"
        )
    if not _HOST.fullmatch(parts.hostname) or not _PATH.fullmatch(parts.path):
        raise ConfigError(
            "the endpoint has characters that an address cannot have",
            hint="write names of other alphabets as xn--…, and paths percent-encoded",
        )
    port = parts.port or _PORTS[parts.scheme]
    found = Origin(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))
    if found.scheme == "http" and not found.is_loopback and not allow_http:
        raise ConfigError(
            f"the endpoint {found.place} is plain http: secrets would be readable on the way",
            hint="use https://, or set allow_http: true if the way is safe",
        )
    return found


def _split(address: str) -> SplitResult | None:
    """The parts of an address; None if it is none."""
    if not address.isascii() or not address.isprintable() or " " in address:
        return None
    try:
        parts = urlsplit(address)
        return parts if parts.port != 0 else None  # `port` raises over 65,535
    except ValueError:
        return None
