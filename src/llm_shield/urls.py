"""URLs in a text: where they are, what they say, and whose they really are.

One pass, linear in the text; a URL is at most ``MAX_URL`` characters, what is longer is cut.
Nothing here asks a network.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

MAX_URL = 2048
"""Characters of a URL at most."""

MAX_LABEL = 300
"""Characters of a link's text at most; of a longer one nothing is said."""

_DOT = r"(?:\.|\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\))"
_DOTS = ("[.]", "(.)", "{.}", "[dot]", "(dot)")
_SCHEME = (
    r"(?:h(?:tt|xx|\*\*)ps?|f(?:t|x)ps?)"
    r"\s?(?::[/\\]{1,4}|\[:\][/\\]{2}|\[:[/\\]{2}\]|:\[[/\\]{2}\]|\(:\)[/\\]{2}|\[://\])"
)
# Letters of any script before it are no part of it: 請看http://… has no space.
_START = rf"(?:(?<![a-z0-9]){_SCHEME}|(?<![\w.@/-])www{_DOT}(?=[^\W_]))"
_BODY = (
    r"[^\s\x00-\x1f\x7f<>\"`\u00ab\u00bb\u2018-\u201f\u3000-\u3001\u3008-\u3011\uff08\uff09"
    rf"\uff0c\uff1b\ud800-\udfff]{{1,{MAX_URL}}}"
)
_FULL = re.compile(rf"(?P<start>{_START}){_BODY}", re.IGNORECASE)
# The colon of a scheme. A literal first: the search jumps from one to the next.
_COLON = re.compile(r":(?=[/\\\[\])])(?<=[pPsS\u017f\s(\[]:)")
_SCHEME_AT = re.compile(rf"(?<![a-z0-9]){_SCHEME}", re.IGNORECASE)
_TO_COLON, _FROM_COLON = 7, 5
"""Characters of a scheme before its colon, and from that on, at most: one slash will do."""
_ROUND = re.compile(r"[()]")

# Domains that are written without a scheme: top-level domains that people write so. Those that
# are suffixes of files as well (py, md, sh, rs, so, pl, zip, mov, cc, ...) are not among them.
_TLDS = (
    "com|net|org|info|biz|io|co|ai|app|dev|xyz|top|online|site|shop|club|store|tech|live|link|"
    "click|icu|vip|work|cloud|page|tk|ml|ga|cf|gq|us|uk|de|fr|nl|eu|ru|cn|jp|in|br|au|ca|ch|at|"
    "it|es|pt|se|no|fi|dk|cz|gr|tr|ua|kr|tw|hk|sg|nz|za|mx|ar|cl|ie|be|gov|edu|mil|int"
)
_ENDING = re.compile(
    rf"{_DOT}(?:{_TLDS})(?![\w@-]|\.[^\W_])(?P<rest>[:/?#]{_BODY})?", re.IGNORECASE
)

_TRAILING = ".,:;!?'\"*_~|\\\u2026\u3002\uff01\uff1f"
_PAIRS = {")": "(", "]": "[", "}": "{"}
# What browsers take away from hosts (UTS 46: mapped to nothing).
_IGNORED = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x180E])
_REFANG = re.compile(rf"{_DOT}|\[:\]|\(:\)|\[:?[/\\]{{2}}\]|\[://\]", re.IGNORECASE)
_SCHEME_OF = re.compile(r"(?i)(h..ps?|f.ps?)\s?:[/\\]*")
_FALSE = re.compile(r"h(?:xx|\*\*)p|fxp", re.IGNORECASE)
_AUTHORITY = re.compile(r"[/\\?#]")
_NO_HOST = re.compile(r"[ \\()\[\]{}]")
_HREF = re.compile(r"href\s{0,4}=\s{0,4}[\"']?$", re.IGNORECASE)
_ENDS_TAG = re.compile(
    rf"[\"']?[^<>]{{0,{MAX_LABEL}}}>([^<>]{{0,{MAX_LABEL}}})</a", re.IGNORECASE
)


@dataclass(frozen=True)
class URL:
    """A URL of a text.

    Attributes:
        start, end: its place in the text, in code points.
        written: as it is written there.
        url: the same without what makes it harmless to look at (``hxxp``, ``[.]``); it has
            a scheme if the one in the text has.
        defanged: whether it was written like that.
        label: what a Markdown or HTML link shows in its place; None if it is in none.
    """

    start: int
    end: int
    written: str
    url: str
    defanged: bool = False
    label: str | None = None

    @cached_property
    def parts(self) -> Parts:
        """What it consists of."""
        return parts(self.url)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a browser makes of a URL.

    Attributes:
        scheme: lower case; ``""`` if none is written.
        userinfo: what is before the ``@`` of the authority; ``""`` if nothing is.
        host: lower case, IDN in punycode, IP addresses (hexadecimal, octal and decimal
            ones, too) in their usual form, IPv6 without brackets; ``""`` if it is no host.
        port: as written, None if none is or it is no port.
        ip: the host as an address, if it is one.
    """

    scheme: str
    userinfo: str
    host: str
    port: int | None
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address | None


def extract(text: str, *, bare: bool = False) -> list[URL]:
    """The URLs of a text, in order, none within another.

    With a scheme (http, https, ftp; ``hxxp`` and the like) or ``www.``; with ``bare``,
    domains of well-known endings as well. Punctuation that follows one is no part of it, a
    closing bracket only if it was opened inside.
    """
    found = list(_full(text))
    if not bare or ("." not in text and "dot" not in text.lower()):
        return found
    merged: list[URL] = []
    at = 0
    for each in _bare(text):
        while at < len(found) and found[at].end <= each.start:
            merged.append(found[at])
            at += 1
        if at == len(found) or each.end <= found[at].start:
            merged.append(each)
    return merged + found[at:]


def _full(text: str) -> Iterator[URL]:
    matches = _searched if "www" in text.lower() else _at_colons
    at = 0
    while match := matches(text, at):
        start, at = match.span()
        end = _trimmed(text, start, at)
        if end < at:
            # Another one may begin in what is not part of it: [http://a](http://b)
            at = max(end, match.end("start"))
        if end > match.end("start"):
            yield from _url(text, start, end)


def _searched(text: str, at: int) -> re.Match[str] | None:
    return _FULL.search(text, at)


def _at_colons(text: str, at: int) -> re.Match[str] | None:
    """The same in a text without ``www``, in a tenth of the time: most have few colons."""
    for colon in _COLON.finditer(text, at):
        middle = colon.start()
        first = max(at, middle - _TO_COLON)
        begun = _SCHEME_AT.search(text, first, middle + _FROM_COLON)
        if begun and (match := _FULL.match(text, begun.start())):
            return match
    return None


def _bare(text: str) -> Iterator[URL]:
    at = 0
    for match in _ENDING.finditer(text):
        start = _name_start(text, max(at, match.start() - 253), match.start())
        if start == match.start() or (start and (text[start - 1] in "@/\\%")):
            continue
        at = _trimmed(text, start, match.end())
        yield from _url(text, start, at)


def _name_start(text: str, least: int, end: int) -> int:
    """Where the host name that goes on at ``end`` begins."""
    start = end
    while start > least:
        before = text[start - 1]
        if before.isalnum() or before in "-_.":
            start -= 1
            continue
        # A bracket is part of a name only where it stands for a dot: evil[.]example.com
        written = text[max(least, start - 5) : start].lower()
        dot = next((each for each in _DOTS if written.endswith(each)), "")
        if not dot:
            break
        start -= len(dot)
    # What is no letter or digit begins no name: -a.com
    while start < end and not text[start].isalnum():
        start += 1
    return start


def _url(text: str, start: int, end: int) -> Iterator[URL]:
    written = text[start:end]
    url = refanged(written)
    if parts(url).host:
        # http:\\\\host is read as http://host by browsers: that hides nothing.
        changed = url.partition("://")[2] not in written or bool(_FALSE.match(written))
        yield URL(start, end, written, url, changed, _label(text, start, end))


def _trimmed(text: str, start: int, end: int) -> int:
    """Where the URL ends without punctuation that follows it."""
    cut = text.find("](", start, end)
    end = cut if cut > 0 else end
    # A bracket that closes none of its own ends it where more than a URL's text follows:
    # [a](http://x),[b](http://y)
    depth = 0
    at = start
    while bracket := _ROUND.search(text, at, end):
        at = bracket.end()
        depth += 1 if bracket[0] == "(" else -1
        if depth < 0:
            if at == end or text[at] in _TRAILING or text[at] in "([)":
                end = at - 1
                break
            depth = 0
    opened = {each: text.count(each, start, end) for each in "()[]{}"}
    while end > start:
        last = text[end - 1]
        if last in _TRAILING:
            end -= 1
        elif last in _PAIRS and opened[last] > opened[_PAIRS[last]]:
            opened[last] -= 1
            end -= 1
        else:
            break
    return end


def _label(text: str, start: int, end: int) -> str | None:
    """What the link around it shows."""
    before = text[max(0, start - 3) : start]
    if before.endswith(("](", "](<")):
        close = start - (3 if before.endswith("<") else 2)
        open_ = text.rfind("[", max(0, close - MAX_LABEL), close)
        return text[open_ + 1 : close] if open_ >= 0 else None
    if _HREF.search(text[max(0, start - 16) : start]):
        tag = _ENDS_TAG.match(text, end, end + 2 * MAX_LABEL + 8)
        return tag[1] if tag else None
    return None


def refanged(written: str) -> str:
    """The URL as it was before somebody made it harmless to look at."""
    plain = written if written.isascii() else written.translate(_IGNORED)
    clean = _REFANG.sub(_replacement, plain.strip())
    lower = clean[:8].lower()
    for false, true in (("hxxp", "http"), ("h**p", "http"), ("fxp", "ftp")):
        if lower.startswith(false):
            clean = true + clean[len(false) :]
    scheme = _SCHEME_OF.match(clean)
    if scheme:
        clean = f"{scheme[1]}://{clean[scheme.end() :]}"
    return clean


def _replacement(match: re.Match[str]) -> str:
    found = match[0]
    if "/" in found or "\\" in found:
        return "://" if ":" in found else "//"
    return ":" if ":" in found else "."


def parts(url: str) -> Parts:
    """What a browser makes of it; of what is no URL, a host of ``""``."""
    scheme, colon, rest = url.partition("://")
    if not colon:
        scheme, rest = "", url
    authority = _AUTHORITY.split(rest, maxsplit=1)[0]
    userinfo, _, place = authority.rpartition("@")
    if place.startswith("["):
        host, closed, after = place[1:].partition("]")
        host = host if closed and ":" in host else ""
        port = after.removeprefix(":")
    else:
        host, _, port = place.partition(":")
    name, ip = _host(host)
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else None
    if number is not None and number > 65535:
        number = None
    return Parts(scheme.lower(), userinfo, name, number, ip)


def _host(
    host: str,
) -> tuple[str, ipaddress.IPv4Address | ipaddress.IPv6Address | None]:
    if "%" in host:
        host = unquote(host)
    if not host.isascii():
        # The four full stops of IDNA (RFC 3490, 3.1).
        for dot in "\u3002\uff0e\uff61":
            host = host.replace(dot, ".")
        host = host.translate(_IGNORED)
    host = host.rstrip(".").lower()
    if not host or len(host) > 253:
        return "", None
    if ":" in host:
        try:
            ip6 = ipaddress.IPv6Address(host)
        except ValueError:
            return "", None
        return str(ip6), ip6
    ip4 = _ipv4(host)
    if ip4 is not None:
        return str(ip4), ip4
    if not host.isascii():
        host = ascii_host(host)
    if not any(map(str.isalnum, host)) or _NO_HOST.search(host):
        return "", None
    return host, None


def ascii_host(host: str) -> str:
    """The name in punycode, label by label; a label that cannot be written so stays."""
    labels = []
    for label in host.split("."):
        try:
            labels.append(label.encode("idna").decode("ascii") if label else label)
        except UnicodeError:
            # Names that are valid by IDNA 2008 only.
            try:
                labels.append(f"xn--{label.encode('punycode').decode('ascii')}")
            except UnicodeError:
                labels.append(label)
    return ".".join(labels)


def _ipv4(host: str) -> ipaddress.IPv4Address | None:
    """One to four numbers, decimal, octal (``0…``) or hexadecimal (``0x…``), as browsers read
    them (https://url.spec.whatwg.org/#concept-ipv4-parser)."""
    pieces = host.split(".")
    if len(pieces) > 4 or not pieces[-1][:1].isdigit():
        return None
    numbers = []
    for piece in pieces:
        if not piece.isascii() or len(piece) > 20:
            return None
        try:
            if piece.startswith("0x"):
                numbers.append(int(piece[2:] or "0", 16))
            elif piece.startswith("0") and len(piece) > 1:
                numbers.append(int(piece, 8))
            elif piece.isdigit():
                numbers.append(int(piece))
            else:
                return None
        except ValueError:
            return None
    *head, last = numbers
    if any(each > 255 for each in head) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last
    for index, each in enumerate(head):
        value += each << (8 * (3 - index))
    # One number is a host only where it is no small one: "http://5" is nobody's.
    if len(numbers) == 1 and value < 1 << 24:
        return None
    return ipaddress.IPv4Address(value)
