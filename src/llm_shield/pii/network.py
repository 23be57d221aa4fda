"""Addresses of machines: IPv4, IPv6 (RFC 4291, 5952), MAC (IEEE 802)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from llm_shield.pii.context import Words
from llm_shield.pii.found import Found
from llm_shield.pii.runs import Run

_VERSION = Words(
    "version, versions, v, ver, release, rev, firmware, build, driver, upgrade, update, patch, "
    "chrome, firefox, section, chapter, clause, figure, §, package, assembly, assemblyversion, "
    "fileversion, oid, kernel, sdk, api"
)
_ADDRESS = Words(
    "ip, ips, ipv4, ipv6, address, addr, host, server, client, subnet, gateway, dns, ping, "
    "remote, peer, login, logged, connect*, request, requests, from, network, vpn, router"
)
_V6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:|:)(?:[0-9A-Fa-f]{0,4}:){1,7}"
    r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{1,4})?(?![\w:])"
)
_MAC = re.compile(
    r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])"
    r"|(?<![\w.])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?!\w|\.\w)"
)


def ipv4(text: str, run: Run) -> Iterator[Found]:
    """Four groups with dots between them that are not part of a longer row of such groups."""
    groups, gaps = run.groups, run.gaps
    for first in range(len(groups) - 3):
        if gaps[first : first + 3] != [".", ".", "."]:
            continue
        if (first and gaps[first - 1] in {".", "-"}) or gaps[first + 3 : first + 4] == ["."]:
            continue
        start, end = groups[first][0], groups[first + 3][1]
        found = _ipv4(text, start, end)
        if found is not None:
            yield found


def _ipv4(text: str, start: int, end: int) -> Found | None:
    try:
        address = ipaddress.IPv4Address(text[start:end])
    except ValueError:
        return None
    before = text[start - 1] if start else ""
    after = text[end] if end < len(text) else ""
    if (
        before in "=~^<>v."
        and before
        and text[max(0, start - 2) : start] != "="
        and (before in "~^v." or text[max(0, start - 2)] in "=<>~!^")
    ):
        return None  # `==1.2.3.4`, `v1.2.3.4`
    if (
        after.isalpha()
        or after in {"-", "_", "+"}
        or re.match(r"/\d{0,2}[A-Za-z]", text[end : end + 4])
    ):
        return None
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return None
    if str(address).startswith(("255.", "0.")):
        return None  # masks and "this network"
    if _VERSION.before(text, start, 12):
        return None
    if before == "/" and start > 1 and text[start - 2].isalnum():
        return None  # `Chrome/120.0.6099.1`
    named = _ADDRESS.near(text, start, end)
    if address.is_private:
        return Found("ip", start, end, 0.75 if named else 0.6, "an IPv4 address, a private one")
    small = all(int(each) < 20 for each in text[start:end].split("."))
    if small and not named:
        return Found("ip", start, end, 0.4, "an IPv4 address or a version")
    return Found("ip", start, end, 0.95 if named else 0.85, "an IPv4 address")


def ipv6_and_mac(text: str) -> Iterator[Found]:
    """IPv6 and hardware addresses; texts without colon, hyphen and dot are not looked at."""
    if ":" in text:
        for match in _V6.finditer(text):
            found = _ipv6(text, *match.span())
            if found is not None:
                yield found
    if ":" in text or "-" in text or "." in text:
        for match in _MAC.finditer(text):
            digits = re.sub(r"[^0-9A-Fa-f]", "", match[0]).lower()
            if digits in {"0" * 12, "f" * 12} or (digits.isdigit() and match[1] != ":"):
                continue
            yield Found("mac", *match.span(), 0.9, "a hardware (MAC) address")


def _ipv6(text: str, start: int, end: int) -> Found | None:
    try:
        address = ipaddress.IPv6Address(text[start:end])
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return None
    # `a::b` is also a name in C++; three groups or a digit make an address of it.
    written = text[start:end]
    if written.count(":") < 3 and not any(each.isdigit() for each in written):
        return None
    score = 0.75 if address.is_link_local or address.is_private else 0.95
    return Found("ip", start, end, score, "an IPv6 address")
