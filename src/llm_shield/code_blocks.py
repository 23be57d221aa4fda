"""Where a text has code: in fences, in paragraphs that look like it, in a line of prose.

By signs only, in time linear in the text; what language a piece is in is told by others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from llm_shield.code_names import named


@dataclass(frozen=True, slots=True)
class Piece:
    """What may be code.

    Attributes:
        start, end: its place, of a fenced one with its fences.
        inner: the place of what is between the fences; the same place where there are none.
        how: ``fence``; ``lines``: lines that look like code; ``inline``: in a line of prose.
        language: what its tag or its signs say, as ``code_names`` has it; ``""`` if nothing.
        share: of its lines, how many have signs of code, in [0, 1].
    """

    start: int
    end: int
    inner: tuple[int, int]
    how: Literal["fence", "lines", "inline"]
    language: str = ""
    share: float = 1.0


SHORTEST = 8
"""Characters of a paragraph that can be code."""

_FENCE = re.compile(r"`{3,}|^[ ]{0,3}~{3,}", re.MULTILINE)
_TAG = re.compile(r"[ \t]{0,8}\{?\.?([\w+#.-]{0,24})[^\n`]{0,200}\n")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")

_SIGNS = re.compile(
    r"""[ \t]*(?:
      [{}\])]+[;,)]*[ \t]*$                                   # brackets alone
    | [^\s"'].*[^\s:.,!?][;{][ \t]*$                          # ends a statement, opens a block
    | (?:async[ \t]+)?def[ \t]+\w+[?!]?(?:\(.*|[ \t]*$)
    | class[ \t]+[A-Z]\w*(?:[ \t]*<[ \t]*\w+)?[ \t]*$
    | (?:end|done|fi|esac)[ \t]*;?[ \t]*$|(?:for|while|until|if)\b.*\b(?:do|then)[ \t]*$
    | class[ \t]+\w+.*[:{][ \t]*$
    | (?:import|from)[ \t]+[\w.]+(?:[ \t]+import[ \t].+|[ \t]+as[ \t]+\w+)?[ \t]*;?[ \t]*$
    | import[ \t]+[{*\w].*[ \t]from[ \t]+["'].*
    | (?:if|for|while|elif|with|except|match)\b.+:[ \t]*$|(?:else|try|finally):[ \t]*$
    | (?:if|for|while|switch|foreach|catch)[ \t]*\(.*\)[ \t]*\{?[ \t]*$
    | (?:const|let|var|val|auto|mut|static|final|local)[ \t]+[\w<>\[\],:& ]+=.*
    | (?:public|private|protected|internal)[ \t]+\w+.*[{;(].*
    | (?:function|func|fn|fun|sub|proc)[ \t]+\w*[ \t]*\(.*
    | (?:return|yield|throw|raise|assert|print|echo|puts|printf|require|use|using|package
        |namespace|module|include)\b[ \t(].*[;)"'\]\d][ \t]*;?[ \t]*$
    | \#[ \t]*(?:include|define|ifdef|ifndef|pragma)\b.*|\#!/.*|<\?php.*|</?script\b.*
    | [\w.\[\]"'*]+(?:[ \t]*,[ \t]*\w+)*[ \t]*(?::[ \t]*[\w\[\], |]+)?
        [ \t]*[-+*/|&:]?=[ \t]*[^\s=].*
    | [\w.:]+(?:->|::|\.)\w+\(.*\)[ \t]*;?[ \t]*$|\w+\([^()]*\)[ \t]*;?[ \t]*$
    | @\w+(?:\.\w+)*(?:\(.*\))?[ \t]*$|(?://|/\*|\*/|--[ ])\S?.*
    | (?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|WHERE|GROUP|ORDER|JOIN)\b[^a-z]*\S.*
    | (?:\$|>>>|\.\.\.|PS[^>]*>)[ ]\S.*
    | (?:sudo|curl|wget|git|npm|pip|apt(?:-get)?|docker|kubectl|chmod|mkdir|export|cd|ls)
        [ \t]+[-\w./~$]+
        (?:[ \t]+[-./~$|>&"'\w=:@]+)*[ \t]*$
    )""",
    re.VERBOSE,
)
_INDENTED = re.compile(r"(?:\t|[ ]{2,})\S")

_INLINE = (
    (
        "shell",
        (
            "curl",
            "wget",
        ),
        r"\b(?:curl|wget)\b[^\n|]{1,200}\|[ ]{0,4}(?:sudo[ ])?(?:ba|z|da)?sh\b",
    ),
    (
        "shell",
        ("rm ",),
        r"\brm[ ]+-[rRfv]{1,4}[ ]+[/~*.$]\S{0,200}",
    ),
    (
        "shell",
        ("sudo ",),
        (
            r"\bsudo[ ]+(?:apt(?:-get)?|yum|dnf|systemctl|rm|dd|chmod|chown|su|bash"
            r"|sh)\b[^\n]{0,80}"
        ),
    ),
    (
        "shell",
        (" | ",),
        (
            r"\b(?:cat|grep|awk|sed|find|ps|ls|echo)[ ][^\n|]{1,120}[ ]\|[ ](?:grep|awk"
            r"|sed|sort|xargs|head|tail|wc|cut|tee|base64|sh|bash)\b[^\n]{0,120}"
        ),
    ),
    (
        "shell",
        (
            "bash -",
            "sh -",
            "nc -",
            "/dev/tcp",
        ),
        r"\b(?:bash|sh|nc)[ ]-[icel]{1,3}[ ][^\n]{2,120}|/dev/tcp/\S{3,80}",
    ),
    (
        "powershell",
        (
            "powershell",
            "iex",
            "invoke-",
        ),
        (
            r"\bpowershell(?:\.exe)?[ ]+-\w[^\n]{1,200}|\b(?:Invoke-Expression"
            r"|IEX)[ ]?\([^\n]{1,200}"
        ),
    ),
    (
        "sql",
        ("select ",),
        r"\bSELECT[ ]+[^;\n]{1,200}?[ ]FROM[ ]+[\w.\"`\[\]]+[^;\n]{0,200}",
    ),
    (
        "sql",
        ("select ",),
        r"(?i:\bselect[ ]+\*[ ]+from[ ]+[\w.]+[^;\n]{0,120})",
    ),
    (
        "sql",
        ("insert ",),
        r"\b(?i:insert[ ]+into[ ]+[\w.]+[ ]*(?:\(|values\b)[^;\n]{1,200})",
    ),
    (
        "sql",
        ("table ",),
        (
            r"\b(?i:(?:drop|truncate|alter|create)[ ]+table[ ]+(?:if[ ]+"
            r"(?:not[ ]+)?exists[ ]+)?)\w+[ ]*[;(][^\n]{0,120}"
        ),
    ),
    (
        "sql",
        ("delete ",),
        r"\b(?i:delete[ ]+from[ ]+[\w.]+[ ]+where[ ]+\w+[ ]*[=<>][^\n;]{1,120})",
    ),
    (
        "sql",
        ("update ",),
        r"\b(?i:update[ ]+[\w.]+[ ]+set[ ]+\w+[ ]*=[^\n;]{1,200})",
    ),
    (
        "python",
        (
            "eval(",
            "exec(",
            "__import__",
            "os.",
            "subprocess.",
            "pickle.",
        ),
        (
            r"\b(?:eval|exec|__import__|os\.system|os\.popen|subprocess\.\w+"
            r"|pickle\.loads?)\([^\n]{1,120}?\)"
        ),
    ),
    (
        "python",
        (
            "import ",
            "print(",
        ),
        (
            r"\bimport[ ]\w+(?:[ ]*,[ ]*\w+)*;[ ]*[^\n]{3,200}|\bprint\("
            r"(?:f?[\"'][^\n]{0,120}?[\"'])\)"
        ),
    ),
    (
        "python",
        (
            "lambda ",
            " for ",
        ),
        (
            r"\blambda[ ]\w+(?:,[ ]*\w+)*:[ ]*[^\n]{3,80}"
            r"|\[\w+[^\n\[\]]{0,60}[ ]for[ ]\w+[ ]in[ ][^\n\]]{1,60}\]"
        ),
    ),
    (
        "javascript",
        (
            "document.",
            "window.",
            "console.",
        ),
        (
            r"\b(?:document\.(?:cookie|write|location|getElementById)|window\.location"
            r"|console\.log\()[^\n]{0,120}"
        ),
    ),
    (
        "javascript",
        (
            "function",
            "=>",
        ),
        (
            r"\bfunction[ ]?\w{0,40}[ ]?\([^()\n]{0,80}\)[ ]?\{[^\n]{0,200}"
            r"|\([^()\n]{0,60}\)[ ]?=>[ ]?[\w({][^\n]{0,120}"
        ),
    ),
    (
        "javascript",
        ("<script",),
        r"<script\b[^>\n]{0,200}>[^\n]{0,200}",
    ),
    (
        "php",
        ("<?php",),
        r"<\?php[^\n]{0,200}",
    ),
    (
        "c",
        (
            "#include",
            "int main",
        ),
        (
            r"\#include[ ]?<\w+(?:\.h)?>|\bint[ ]main[ ]?\([^()\n]{0,60}\)[ ]?\{?[^\n]"
            r"{0,200}"
        ),
    ),
    (
        "java",
        (
            "system.out",
            "public static",
        ),
        (
            r"\bSystem\.out\.print(?:ln)?\([^\n]{0,120}"
            r"|\bpublic[ ]static[ ]void[ ]main\b[^\n]{0,200}"
        ),
    ),
)
_LINERS = [(language, hints, re.compile(pattern)) for language, hints, pattern in _INLINE]
Liners = list[tuple[str, re.Pattern[str]]]


def pieces(text: str, *, inline: bool = True) -> list[Piece]:
    """What may be code, in order; no two of them overlap."""
    fenced = list(fences(text)) if "```" in text or "~~~" in text else []
    lower = text.lower() if inline else ""
    # An expression is used where the text has a word that its matches have.
    liners = [
        (language, pattern)
        for language, hints, pattern in _LINERS
        if any(each in lower for each in hints)
    ]
    found: list[Piece] = []
    at = 0
    for each in fenced:
        found += _unfenced(text, at, each.start, liners)
        found.append(each)
        at = each.end
    return found + _unfenced(text, at, len(text), liners)


def fences(text: str) -> Iterator[Piece]:
    """What is between ``` and ``` (also within a line), or ~~~ and ~~~ at the start of lines;
    one that is not closed ends with the text."""
    opened: re.Match[str] | None = None
    for run in _FENCE.finditer(text):
        if opened is None:
            opened = run
            continue
        mark, first = run[0].strip(), opened[0].strip()
        if mark[0] == first[0] and len(mark) >= len(first):
            yield _fenced(text, opened, run.start(), run.end())
            opened = None
    if opened is not None:
        yield _fenced(text, opened, len(text), len(text))


def _fenced(text: str, opened: re.Match[str], stop: int, end: int) -> Piece:
    inner = opened.end()
    tag = _TAG.match(text, inner, stop)
    language = ""
    if tag:
        inner = tag.end()
        language = named(tag[1])
    return Piece(opened.start(), end, (inner, max(inner, stop)), "fence", language)


def _unfenced(text: str, start: int, end: int, liners: Liners) -> list[Piece]:
    found: list[Piece] = []
    at = start
    ends = [(match.start(), match.end()) for match in _PARAGRAPH.finditer(text, start, end)]
    for stop, following in (*ends, (end, end)):
        if stop - at >= SHORTEST:
            lines = list(_of_lines(text, at, stop))
            found += lines or _in_lines(text, at, stop, liners)
        at = following
    return _joined(text, found)


def _of_lines(text: str, start: int, end: int) -> Iterator[Piece]:
    """The lines of a paragraph from its first one with signs of code to the last."""
    first = last = -1
    signs = total = 0
    counted = 0
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        # Signs are at the start of a line, or its end is not far.
        signed = stop - at <= 400 and _SIGNS.match(text, at, stop) is not None
        if signed or (first >= 0 and _INDENTED.match(text, at, stop)):
            if first < 0:
                first, total = at, 0
            signs += signed
            last, counted = stop, total + 1
        total += 1
        at = stop + 1
    if signs >= 2:
        yield Piece(first, last, (first, last), "lines", "", min(1.0, signs / counted))


def _in_lines(text: str, start: int, end: int, liners: Liners) -> Iterator[Piece]:
    found = sorted(
        (match.start(), match.end(), language)
        for language, pattern in liners
        for match in pattern.finditer(text, start, end)
    )
    at = start
    for begin, stop, language in found:
        if begin >= at and stop > begin:
            yield Piece(begin, stop, (begin, stop), "inline", language)
            at = stop


def _joined(text: str, found: list[Piece]) -> list[Piece]:
    """Lines of code with only blank lines between them are one piece."""
    joined: list[Piece] = []
    for each in found:
        before = joined[-1] if joined else None
        if (
            before
            and before.how == each.how == "lines"
            and not text[before.end : each.start].strip()
        ):
            start, end = before.start, each.end
            share = min(before.share, each.share)
            joined[-1] = Piece(start, end, (start, end), "lines", "", share)
        else:
            joined.append(each)
    return joined
