r"""What common encodings in a text hide.

Looked through, once each and not into each other:

* Base64, standard and URL-safe, with padding or without, in one piece or in lines; UTF-8, or
  UTF-16 as PowerShell takes it. At least 12 digits.
* Hexadecimal digits: in one piece, in pairs with a blank, a colon or a comma between, with
  ``0x``; at least 8 characters of ASCII text.
* Escapes within a line, where there are two or more of a kind: ``%41``, ``\x41``, ``\u0041``,
  ``&#65;``. What is between them belongs to it.
* ROT13, where a line has common English words when it is turned, and more of them than before.
* Tag characters (U+E0000 to U+E007F), which are seen nowhere and mirror ASCII ("ASCII
  smuggling"): those of a line together, two or more. Flags of regions (UTS #51, emoji tag
  sequences) are none.

Of the others, only what decodes to text is told: letters and blanks for the most part, nothing
unprintable. It takes time linear in the length of the text. At most ``MAX_RUNS`` runs are
told of each (the escapes are one), and in all no more characters than the text itself has.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Collection, Iterator
from functools import cache
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

MAX_RUNS = 1_000
"""Runs that are told of a text, the first ones of each encoding; the rest goes by."""

LEAST_BASE64 = 12
"""Digits of the shortest run of base64: identifiers of 12 letters and digits that decode to
nothing but letters and blanks are one in a million."""

SHORT = 18
"""Characters of what is decoded below which it has to be ASCII: of chance, other letters come
sooner than words."""

LEAST_HEX = 8
"""Characters that hexadecimal digits spell at least."""

WRAPPED = 40
"""Digits of a line of base64 that may go on in the next line. MIME has 76, PEM 64."""


LEAST_ESCAPES = 2
"""Escapes of one kind in a line."""

LEAST_TURNED = 2
"""English words in a line when it is turned."""


class Run(NamedTuple):
    """An encoded run: what it says, and its place in the text that was looked through."""

    encoding: str
    said: str
    start: int
    end: int


_DIGITS = "A-Za-z0-9+/_-"
# Base64 of any text has capitals or digits, prose has few: words in small letters cost nothing.
_BASE64 = re.compile(rf"[A-Z0-9][{_DIGITS}]{{{LEAST_BASE64 - 5},}}={{0,2}}")
_BEFORE = "abcdefghijklmnopqrstuvwxyz+/_-"
_NEXT_LINE = re.compile(
    rf"[ \t]{{0,8}}\r?\n[ \t>]{{0,8}}([{_DIGITS}]++={{0,2}})(?=[ \t]*(?:\r?\n|\Z))"
)
_PIECES = re.compile(rf"[A-Za-z0-9]{{{LEAST_BASE64},}}={{0,2}}")

# Every character of ASCII text begins with a digit from 2 to 7, or is a tab or a line end.
_HEX = re.compile(
    rf"[02-7][0-9a-fA-F](?:[0-9a-fA-F]{{{2 * LEAST_HEX - 2},}}"
    rf"|(?:(?:,? |:|,)(?:0x)?[02-7][0-9a-fA-F]){{{LEAST_HEX - 1},}})"
)
_APART = re.compile("0x|[, :]")
_PREFIX = ("0x", "0X")

_ESCAPES = {
    "url": ("%", re.compile("%[0-9a-fA-F]{2}")),
    "hex": ("\\x", re.compile(r"\\x[0-9a-fA-F]{2}")),
    "unicode": ("\\u", re.compile(r"\\u[0-9a-fA-F]{4}")),
    "html": ("&#", re.compile("&#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});")),
}
_PERCENT = re.compile("(?:%[0-9a-fA-F]{2})+")
_BYTES = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
_UNITS = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")

_COMMON = (
    "a about above access admin after all also and any are as assistant at back because been "
    "before but by can code could data delete developer disregard do does done down each "
    "everything execute file first follow following for forget from full get give given go "
    "guidelines had has have her hidden him his how i if ignore important in information "
    "instruction instructions into is it its just key know like list login make may me "
    "message mode more must my new no not now of off on one only open other our out output "
    "override password people please policy previous print prior prompt prompts provide read "
    "repeat reply reveal rules run safety say secret secrets send should show so some system "
    "tell than that the their them then there these they this time to token two unrestricted "
    "up us use user want was way we were what when which who will with without word words "
    "work would write you your"
)
COMMON = frozenset(_COMMON.split())
"""English words that most sentences have, and those of instructions to a model."""

_TURN = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM",
)
_TURNED = frozenset(
    turned
    for word in COMMON
    if len(word) > 1 and (turned := word.translate(_TURN)) not in COMMON
)
_HINTS = ("gur", "naq", "lbh", "vtaber", "vafgehpg", "cebzcg", "cnffjbeq", "erirny")
"""the, and, you; ignore, instruct, prompt, password, reveal: one is in what is meant
for a model. The short ones count as words alone."""
_WORD = re.compile("[a-z]+")

_TAGS = re.compile(
    # A black flag, a region in tags (two letters, one to four letters or digits), the end.
    "\U0001f3f4[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,4}"
    "\U000e007f|([\U000e0000-\U000e007f]+)"
)
_MIRRORED = {
    0xE0000 + at: at if at in b"\t\n\r" or 32 <= at < 127 else None for at in range(128)
}
LEAST_TAGS = 2
"""Tag characters of a line that say something."""


def tags(sent: str) -> list[Run]:
    """What tag characters say, by lines, in a text as sent: a normalised one has none."""
    if sent.isascii():
        return []
    return list(islice(_tags(sent), MAX_RUNS))


def _tags(sent: str) -> Iterator[Run]:
    pieces: list[str] = []
    start = end = 0
    for found in _TAGS.finditer(sent):
        if found[1] is None:
            continue
        if pieces and sent.find("\n", end, found.start()) >= 0:
            yield from _mirrored(pieces, start, end)
            pieces = []
        if not pieces:
            start = found.start()
        pieces.append(found[1])
        end = found.end()
    yield from _mirrored(pieces, start, end)


def _mirrored(pieces: list[str], start: int, end: int) -> Iterator[Run]:
    said = "".join(pieces).translate(_MIRRORED)
    if len(said) >= LEAST_TAGS and not said.isspace():
        yield Run("tags", said, start, end)


def decoded(text: str, lower: str) -> list[Run]:
    """What a text hides, in order of places. ``lower`` is the text in lower case."""
    if len(text) < 8:
        return []
    each: list[Iterator[Run]] = [_escaped(text)]
    may = _possible(text)
    if "hex" in may:
        each.append(_hex(text))
    if "base64" in may:
        each.append(_base64(text))
    if "rot13" in may:
        each.append(_rot13(text, lower))
    runs = [run for found in each for run in islice(found, MAX_RUNS)]
    return sorted(runs, key=lambda run: (run.start, run.end, run.encoding))


# What a text of ASCII has to have, for RE2, in this order.
_NEEDED = {
    "hex": rf"[02-7][0-9a-fA-F](?:[0-9a-fA-F]{{{2 * LEAST_HEX - 2}}}"
    rf"|(?:(?:,? |:|,)(?:0x)?[02-7][0-9a-fA-F]){{{LEAST_HEX - 1}}})",
    "base64": "|".join(
        rf"[{_DIGITS}]{{{before}}}[A-Z0-9][{_DIGITS}]{{{LEAST_BASE64 - 1 - before}}}"
        for before in range(5)
    ),
    "rot13": "(?i)"
    + "|".join(
        rf"(?:^|[^a-z]){each}(?:[^a-z]|$)" if len(each) == 3 else each for each in _HINTS
    ),
}


def _possible(text: str) -> Collection[str]:
    """Which encodings it is worth to look for, by one pass over the text: a tenth of the time
    of looking for them."""
    needed = _needed()
    if needed is None or not text.isascii():
        return _NEEDED
    found = needed.Match(text.encode())
    # A set whose memory runs out finds nothing, and does not say so: the empty one is always
    # there.
    if len(_NEEDED) not in found:
        return _NEEDED
    return [name for at, name in enumerate(_NEEDED) if at in found]


@cache
def _needed() -> Any:
    """The set of those expressions; None where RE2 is not installed."""
    try:
        import re2
    except ImportError:
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    made = re2.Set.SearchSet(options)
    for each in (*_NEEDED.values(), ""):
        made.Add(each)
    made.Compile()
    return made


def _text(data: bytes) -> str | None:
    """What the bytes say, if it is text."""
    try:
        said = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\0" in said and data[1::2].count(0) == len(data) // 2:
        said = data.decode("utf-16-le", "replace")
    letters = sum(map(str.isalpha, said)) + said.count(" ")
    if letters * 10 < len(said) * 6:
        return None
    if len(said) < SHORT and not said.isascii():
        return None
    return said if _readable(said) else None


def _readable(said: str) -> bool:
    """A control character, a private one or one that is not assigned is not what people
    write: one in twenty at most."""
    return sum(each not in "\t\n\r" and _odd(each) for each in said) * 20 <= len(said)


def _odd(character: str) -> bool:
    return character == "\ufffd" or not character.isprintable()


def _base64(text: str) -> Iterator[Run]:
    done = 0
    for found in _BASE64.finditer(text):
        start, end = found.span()
        if start < done:
            continue
        before = text[max(done, start - 64) : start]
        start -= len(before) - len(before.rstrip(_BEFORE))
        lines, ends = [text[start:end]], [end]
        while len(lines[-1]) >= WRAPPED and not lines[-1].endswith("="):
            line = _NEXT_LINE.match(text, end)
            if line is None:
                break
            end = line.end()
            lines.append(line[1])
            ends.append(end)
        said = _from_base64("".join(lines))
        if said is None and len(lines) > 1:  # the last one may be no part of it
            lines.pop()
            ends.pop()
            said = _from_base64("".join(lines))
        done = ends[-1]
        if said is not None:
            yield Run("base64", said, start, done)
        elif len(lines) == 1:
            # What stands before it may be no part of it: a path, a name with a dash.
            for piece in _PIECES.finditer(text, start, end):
                said = _from_base64(piece[0]) if piece.span() != (start, end) else None
                if said is not None:
                    yield Run("base64", said, *piece.span())


def _from_base64(digits: str) -> str | None:
    digits = digits.rstrip("=").replace("-", "+").replace("_", "/")
    if len(digits) % 4 == 1 or len(digits) < LEAST_BASE64:
        return None
    return _text(binascii.a2b_base64(digits + "=" * (-len(digits) % 4)))


def _hex(text: str) -> Iterator[Run]:
    for found in _HEX.finditer(text):
        start, end = found.span()
        digits = _APART.sub("", found[0])
        if text[max(0, start - 2) : start] in _PREFIX:
            start -= 2
        alone = not text[start - 1 : start].isalnum() if start else True
        if not alone or len(digits) % 2 or text[end : end + 1].isalnum():
            continue
        said = _text(bytes.fromhex(digits))
        if said is not None:
            yield Run("hex", said, start, end)


def _escaped(text: str) -> Iterator[Run]:
    for encoding, (mark, escape) in _ESCAPES.items():
        # One character is looked for in a tenth of the time that two take.
        if mark[0] not in text or text.count(mark) < LEAST_ESCAPES:
            continue
        at = text.find(mark)
        while at >= 0:
            first = text.rfind("\n", 0, at) + 1
            last = text.find("\n", at)
            last = len(text) if last < 0 else last
            places = [found.span() for found in escape.finditer(text, at, last)]
            if len(places) >= LEAST_ESCAPES:
                # To the ends of the words that the first and the last one are in.
                start, end = places[0][0], places[-1][1]
                start -= len(text[first:start].rpartition(" ")[2])
                end += len(text[end:last].partition(" ")[0])
                said = _plain(encoding, text[start:end])
                if said != text[start:end] and _readable(said):
                    yield Run(encoding, said, start, end)
            at = text.find(mark, last)


def _plain(encoding: str, run: str) -> str:
    """Without its escapes. What is no UTF-8 becomes U+FFFD."""
    if encoding == "url":
        return _PERCENT.sub(
            lambda found: unquote_to_bytes(found[0]).decode("utf-8", "replace"), run
        )
    if encoding == "hex":
        return _BYTES.sub(
            lambda found: bytes.fromhex(found[0].replace("\\x", "")).decode("utf-8", "replace"),
            run,
        )
    if encoding == "unicode":
        return _UNITS.sub(
            lambda found: bytes.fromhex(found[0].replace("\\u", "")).decode(
                "utf-16-be", "replace"
            ),
            run,
        )
    return _ESCAPES["html"][1].sub(lambda found: html.unescape(found[0]), run)


def _rot13(text: str, lower: str) -> Iterator[Run]:
    done: set[int] = set()
    for hint in _HINTS:
        at = lower.find(hint)
        while at >= 0:
            end = lower.find("\n", at)
            end = len(lower) if end < 0 else end
            if len(hint) > 3 or not (
                lower[at - 1 : at].isalpha() or lower[at + 3 : at + 4].isalpha()
            ):
                start = lower.rfind("\n", 0, at) + 1
                if start not in done:
                    done.add(start)
                    yield from _turned(text, lower, start, end)
                at = end
            at = lower.find(hint, at + 1)


def _turned(text: str, lower: str, start: int, end: int) -> Iterator[Run]:
    """What a line says when it is turned, if that is English."""
    words = [(found[0], *found.span()) for found in _WORD.finditer(lower, start, end)]
    turned = [at for at, (word, _, _) in enumerate(words) if word in _TURNED]
    if len(turned) < LEAST_TURNED:
        return
    first, last = turned[0], turned[-1]

    def beside(at: int) -> bool:
        return text[words[at - 1][2] : words[at][1]] in (" ", ", ")

    # And the words about it, up to one that is English as it stands.
    while first and words[first - 1][0] not in COMMON and beside(first):
        first -= 1
    while last + 1 < len(words) and words[last + 1][0] not in COMMON and beside(last + 1):
        last += 1
    plain = sum(word in COMMON for word, _, _ in words[first : last + 1])
    if len(turned) <= 2 * plain or len(turned) * 5 < last + 1 - first:
        return
    start, end = words[first][1], words[last][2]
    yield Run("rot13", text[start:end].translate(_TURN), start, end)
