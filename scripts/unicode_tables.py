"""Writes src/llm_shield/unicode_tables.json, which normalising stands on.

    python -m venv tables
    tables/bin/pip install unicodedata2==18.0.0 confusable-homoglyphs==3.3.1 regex
    tables/bin/python scripts/unicode_tables.py

Decompositions and combining classes are those of the Unicode Character Database as
``unicodedata2`` has it, properties those of ``regex``, confusables those of UTS #39
(``confusables.txt``) as ``confusable-homoglyphs`` has them. All three carry Unicode data files,
which are under the Unicode License v3. What of them becomes what, and what is added to them, is
below; a test holds the tables against the interpreter's own ``unicodedata``.
"""

# ruff: noqa: RUF001  (look-alikes of ASCII are what this is about)

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent.parent / "src/llm_shield/unicode_tables.json"

# Not locked with the rest: only who writes the tables anew needs them.
ucd: Any = import_module("unicodedata2")
regex: Any = import_module("regex")

EVERY = [chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000]

# Scripts whose letters stand for whole words or are strokes: none passes for a letter in a
# word, and a table that takes the katakana NO for a slash would break every Japanese text.
NEVER = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Hangul}\p{Yi}\u3000-\u303F]"
)
NEUTRAL = regex.compile(r"[\p{Common}\p{Inherited}\p{Latin}]")
IGNORABLE = regex.compile(r"[\p{DI}\uFFF9-\uFFFB]")

SPACES = {
    "\x85": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
    "\u1680": " ",
    "\u2800": " ",
    "\xb4": "'",
}
"""What NFKC leaves or makes awkward: line ends, blanks, an accent used as an apostrophe."""

QUOTES = {**dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‘’‚‛′‹›", "'"), "\u2212": "-"}

LOOSE = dict(zip("бвзикмнптьβεηκμτχω", "bb3ukmhntbbenkutxw", strict=True))
"""What passes for a letter within a Latin word, though the glyphs are told apart."""

NAMES = regex.compile(
    r"^(?:LATIN LETTER (SMALL CAPITAL) ([A-Z])"
    r"|(?:NEGATIVE|CROSSED NEGATIVE) (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER ([A-Z]))$"
)
"""Stylised letters of which neither NFKC nor UTS #39 says anything."""


def classed(characters: Iterable[str]) -> str:
    """As the inside of a class in an expression, in ranges."""
    codes = sorted({ord(each) for each in characters})
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    parts = (chr(a) if a == b else f"{chr(a)}-{chr(b)}" for a, b in ranges)
    return "".join(parts)


def pairs(table: dict[str, str]) -> dict[str, str]:
    ordered = sorted(table.items())
    return {"from": "".join(a for a, _ in ordered), "to": "".join(b for _, b in ordered)}


def extending() -> set[str]:
    """What can join the character before it: marks, and seconds of compositions."""
    found = {each for each in EVERY if ucd.combining(each)}
    for each in EVERY:
        parts = ucd.decomposition(each).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(chr(int(parts[1], 16)))
    found.update(map(chr, range(0x1161, 0x1176)))  # Hangul vowels
    found.update(map(chr, range(0x11A8, 0x11C3)))  # and finals
    return found | {each for each in EVERY if ucd.normalize("NFKD", each)[0] in found}


def prototypes() -> dict[str, str]:
    """UTS #39: characters that look like one ASCII character."""
    package = metadata.distribution("confusable-homoglyphs")
    file = Path(str(package.locate_file("confusable_homoglyphs/confusables.json")))
    data = json.loads(file.read_text("utf-8"))
    found: dict[str, str] = {}
    for code in range(0x21, 0x7F):
        # The file has its pairs both ways round. Seven ASCII characters are not prototypes.
        for entry in data.get(chr(code), ()) if chr(code) not in '"%01I`m|' else ():
            other = entry["c"].strip("\u200e")
            if len(other) == 1 and not other.isascii():
                found[other] = chr(code)
    return found


def target(source: str, prototype: str) -> str:
    """UTS #39 has one prototype for I, l, 1 and |: here what kind the source is decides."""
    if source == "\u04cf":  # the palochka: UTS #39 has it as an i; it is used as an l
        return "l"
    if prototype == "l":
        kind = ucd.category(source)
        return {"Lu": "I", "Nl": "I", "No": "1"}.get(kind, "|" if kind[0] in "SP" else "l")
    return prototype


def main() -> None:
    joins = extending()
    unseen = {
        each
        for each in EVERY
        if all(IGNORABLE.match(part) for part in (each, *ucd.normalize("NFKC", each)))
    }
    single: dict[str, str] = {}
    several: set[str] = set()
    for each in EVERY:
        form = SPACES.get(each) or ucd.normalize("NFKC", each)
        if form == each or each in joins or each in unseen:
            continue
        if unseen.intersection(form):
            raise ValueError(f"U+{ord(each):04X} becomes something invisible")
        if len(form) == 1 and form not in joins:
            single[each] = form
        else:
            several.add(each)
    several.discard("\ufdfa")  # 18 characters: normalising leaves it

    stable = [
        e for e in EVERY if not (e in joins or e in unseen or e in single or e in several)
    ]
    always: dict[str, str] = {}
    confusable: dict[str, str] = {}
    looks = prototypes()
    for each in stable:
        kind = ucd.category(each)
        name = NAMES.match(ucd.name(each, ""))
        if kind == "Nd":
            always[each] = str(ucd.digit(each))
        elif kind == "Pd":
            always[each] = "-"
        elif each in QUOTES:
            always[each] = QUOTES[each]
        elif name and name[1]:
            confusable[each] = name[2].lower()
        elif name:
            always[each] = name[3]
        elif each in looks and each not in LOOSE and not NEVER.match(each):
            ascii_form = target(each, looks[each])
            if ascii_form.isalnum():
                confusable[each] = ascii_form
            elif NEUTRAL.match(each):
                always[each] = ascii_form
    symbols = [each for each in confusable if not each.isalnum()]

    tables = {
        "unicode": ucd.unidata_version,
        "source": "Unicode Character Database and UTS #39 confusables, Unicode License v3, "
        f"through unicodedata2 {metadata.version('unicodedata2')} and confusable-homoglyphs "
        f"{metadata.version('confusable-homoglyphs')}; written by scripts/unicode_tables.py",
        "extending": classed(joins),
        "invisible": classed(unseen),
        "single": pairs(single),
        "several": classed(several),
        "always": pairs(always),
        "confusable": pairs(confusable),
        "loose": pairs(LOOSE),
        "symbols": classed(symbols),
    }
    HOME.write_text(json.dumps(tables, indent=1) + "\n", encoding="ascii")
    for name, table in tables.items():
        print(name, len(table["from"] if isinstance(table, dict) else table))


if __name__ == "__main__":
    main()
