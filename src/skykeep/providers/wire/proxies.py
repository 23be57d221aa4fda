"""Which proxy leads to a service, by the variables that other programs read too.

``HTTPS_PROXY`` and ``HTTP_PROXY`` (by the scheme of the endpoint) and ``NO_PROXY``, in lower
case first, as curl does (curl(1), "Environment"); ``HTTP_PROXY`` in upper case is left alone
in a CGI program, where a caller sets it through a ``Proxy:`` header (CVE-2016-5385).
``NO_PROXY`` is a list of names, addresses and networks, as in Go's
``golang.org/x/net/http/httpproxy``: ``example.com`` and ``.example.com`` mean all names
below it too, ``host:port`` that port only, ``10.0.0.0/8`` the addresses in it, ``*`` all.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from skykeep.errors import ConfigError
from skykeep.providers.wire.origin import Origin

_PORTS = {"http": 80, "https": 443}
_GIVEN = "proxy-url"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy.

    Attributes:
        url: its address, without credentials.
        place: host and port, for messages.
        variable: the variable that names it, for messages.
        authorization: the value of ``Proxy-Authorization``, or None.
    """

    url: str
    place: str
    variable: str
    authorization: str | None = field(default=None, repr=False)


def proxy_for(
    origin: Origin, environ: Mapping[str, str], given: str | None = None
) -> Proxy | None:
    """The proxy to use, or None for the straight way; never one to this host itself, unless
    it is ``given``: named for this endpoint, as a kubeconfig's ``proxy-url`` is.

    Raises ``ConfigError``, without showing the variable's value, which may hold a password.
    """
    variable, value = _GIVEN, given or ""
    if not value:
        variable, value = _named(origin.scheme, environ)
        if not value or origin.is_loopback:
            return None
        if _is_excepted(origin, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
            return None
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host:
        raise ConfigError(f"{variable} is not an address", hint="write it as http://HOST:PORT")
    if parts.scheme not in _PORTS:
        raise ConfigError(
            f"{variable} names a proxy of the kind '{parts.scheme}', which is not spoken here",
            hint="use an HTTP proxy, http://HOST:PORT, or put the endpoint into NO_PROXY",
        )
    host = f"[{host}]" if ":" in host else host
    place = f"{host}:{port or _PORTS[parts.scheme]}"
    return Proxy(
        f"{parts.scheme}://{place}", place, variable, _basic(parts.username, parts.password)
    )


def _named(scheme: str, environ: Mapping[str, str]) -> tuple[str, str]:
    lower = f"{scheme}_proxy"
    upper = lower.upper()
    if lower in environ:
        return lower, environ[lower]
    if scheme == "http" and "REQUEST_METHOD" in environ:
        return upper, ""
    return upper, environ.get(upper, "")


def _basic(user: str | None, password: str | None) -> str | None:
    if user is None and password is None:
        return None
    text = f"{unquote(user or '')}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def _is_excepted(origin: Origin, exceptions: str) -> bool:
    return any(_covers(entry.strip().lower(), origin) for entry in exceptions.split(","))


def _covers(entry: str, origin: Origin) -> bool:
    if not entry:
        return False
    if entry == "*":
        return True
    try:
        address = ipaddress.ip_address(origin.host)
    except ValueError:
        address = None
    try:
        network = ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    else:
        return address is not None and address in network
    name, colon, port = entry.rpartition(":")
    if colon and port.isdecimal():
        if int(port) != origin.port:
            return False
        entry = name.strip("[]")
    if address is not None:
        return entry == origin.host
    entry = entry.removeprefix("*").removeprefix(".")
    return origin.host == entry or origin.host.endswith(f".{entry}")
