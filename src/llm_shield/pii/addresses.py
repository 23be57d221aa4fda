"""Street addresses, and towns with their postal codes.

Every address has a number in it: the search begins at those, and looks a bounded way to
both sides. What stands there in an address of some twenty countries is in ``places``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm_shield.pii import places
from llm_shield.pii.context import Words
from llm_shield.pii.found import Found

_NUMBER = re.compile(r"(?<![\w.,:/$€£%-])(?:No\.? ?)?[0-9]{1,6}(?:[A-Za-z](?![A-Za-z]))?")
_CODE = re.compile(r"(?<![\w.-])(?=[0-9A-Z]{2,4} ?[0-9][A-Z]|[A-Z][0-9][A-Z])")
_UPPER = "A-ZÀ-ÖØ-ÞŁŚŻŹĆŃĄĘŐŰŞĞİ"
_NAME = rf"[{_UPPER}0-9][\w'.-]{{0,24}}"
_SMALL = "upon|on|of|de|la|le|del|sur|am|an|der|di|in|do|dos|das|da|den|aan"
_TOWN = rf"[{_UPPER}][\w'.-]{{1,24}}(?:[ -](?:[{_UPPER}][\w'.-]{{0,24}}|{_SMALL})){{0,4}}"
_CAPITAL = rf"[{_UPPER}][\w'.-]{{0,24}}"
_GAP = r"(?: ?, ?|, ?|\n ?| ?\n|,\n| - | )"
_COMMA = r"(?: ?, ?\n?|\n| - )"

_STRONG = "|".join(places.SUFFIXES)
_WEAK = "|".join(places.ORDINARY)
_DIRECTION = (
    r"(?:[NSEW]|NE|NW|SE|SW|North|South|East|West|Northeast|Northwest|Southeast|Southwest)\.?"
)
_UNIT = re.compile(
    r"[, \n]{1,3}(?:(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Room|Rm|Flat|Studio|Bldg|Building|"
    r"Lot|Dept|Office|PO Box|P\.O\. Box|Box|Apto|Apartado|Piso|Puerta|Appartement|Bât|Interno|"
    r"Wohnung|Top|Lgh|Stock|Interior|Appartamento|Edif\.|Esc)\.? ?#?[0-9A-Za-z-]{1,8}|"
    r"# ?[0-9A-Za-z-]{1,8}|[0-9]{1,3}(?:st|nd|rd|th) Floor"
    r"|[0-9]{1,2}º ?[A-Z]?)(?!\w)",
    re.IGNORECASE,
)

# Behind the number: 12 Baker Street; 1600 Pennsylvania Avenue NW; 5th Avenue.
_ENGLISH = re.compile(
    rf"(?:[-/] ?[0-9]{{1,5}}[A-Za-z]?|[A-Za-z])?,? (?:{_DIRECTION} )?"
    rf"(?:(?:{_NAME}|of|the|de|la|el|del) ){{1,4}}?"
    rf"(?:(?P<strong>{_STRONG})|(?P<weak>{_WEAK}))(?![\w'])\.?(?: {_DIRECTION}(?!\w))?"
)
_NO_NAME = re.compile(
    rf" (?:{_DIRECTION} )?(?:Broadway|The (?:Strand|Mall|Avenue|Street|Close|Green|Crescent|"
    "Square)|"
    rf"Avenue [A-Z]|Highway [0-9]{{1,4}}|Route [0-9]{{1,4}}|County Road [0-9]{{1,5}}|"
    r"Strand)(?!\w)"
)
_LOWER = re.compile(
    r" (?:[a-z0-9][\w'.-]{1,20} ){1,3}?"
    r"(?:street|st|avenue|ave|road|rd|lane|ln|boulevard|blvd|drive)(?![\w'])\.?"
)
_FRENCH = re.compile(
    rf",? ?(?:bis|ter|quater)?,? ?(?:{places.LEADING}) "
    rf"(?:(?:de|du|des|d'|la|le|les|l'|aux|à|von|saint|sainte)(?: |(?<=')))*"
    rf"[\w'.-]{{2,24}}(?:[ -](?:(?:de|du|des|la|le|les|"
    rf"et)[ -])?[{_UPPER}][\w'.-]{{0,24}}){{0,4}}",
    re.IGNORECASE,
)
# Before it: Calle Mayor 5; Via Roma, 12; ul. Długa 7; Hauptstraße 12; Kungsgatan 5.
_HOUSE = re.compile(r"(?: ?[/-] ?[0-9]{1,4})?(?: ?[A-Za-z](?![\w']))?")
_SOUTHERN = re.compile(
    rf"(?<![\w])(?:{places.LEADING}) ?(?:(?:de|del|de la|de los|de las|da|do|dos|das|della|dei|"
    rf"delle|degli|di|dell'|d'|la|el|los|las|San|Santa|Sant')[ ]?){{0,2}}"
    rf"[\w'.º-]{{1,24}}(?: [\w'.-]{{1,24}}){{0,4}}?(?:,|,? n[.ºo°]{{1,2}}| nr\.?| snc)? ?\Z",
    re.IGNORECASE,
)
_NORTHERN = re.compile(
    rf"(?<![\w'.-])(?:(?:{_CAPITAL} ){{1,2}}(?i:{places.ENDINGS})"
    rf"|(?:{_CAPITAL}[ -]){{0,2}}[{_UPPER}][\w'.-]{{0,30}}(?i:{places.ENDINGS})"
    rf"|(?:Am|An der|An den|Auf der|Auf dem|Im|In der|Zum|Zur|Unter den|Alter|Alte|Neue) "
    rf"{_CAPITAL}),? (?:nr\.? ?)?\Z"
)
# Any capitalised words: an address only if a postal code and a town follow.
_ANY_BEFORE = re.compile(
    rf"(?<![\w'.-])(?:{_CAPITAL}(?: (?:de|da|do|di|der|den|dem|van|von|del|la|zu|"
    r"am)){0,2},?[ \n]){1,5}\Z"
)
_ANY_BEHIND = re.compile(
    rf"[A-Za-z]?(?:[/-][0-9]{{1,4}})?(?:,? |,?\n)(?:{_CAPITAL},?[ ]){{0,4}}{_CAPITAL}"
)
_POSTAL_HEAD = re.compile(
    r"(?:[0-9]{4,6}|[0-9]{3} [0-9]{2}|[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3}|[0-9]{5}-[0-9]{3}) "
)
_FIXED = re.compile(
    r"(?<!\w)(?:P\.? ?O\.? ?Box|Post Office Box|Postfach|Apartado(?: de Correos)?|Boîte "
    "Postale|BP|"
    r"Casella Postale|Postbus|PSC|Unit|CMR) ?#?\Z",
    re.IGNORECASE,
)
_MILITARY = re.compile(r"[0-9]{1,5},? Box [0-9]{1,5}")

# What ends an address.
_US_TAIL = re.compile(
    rf"{_GAP}(?:{_TOWN})(?:,? (?:{'|'.join(places.STATES)}|{places.STATE_NAMES}))"
    rf"(?:,?[ \n][0-9]{{4,5}}(?:-[0-9]{{4}})?(?![0-9]))?(?!\w)"
    rf"|{_GAP}(?:[FAD]PO )(?:AA|AE|AP) [0-9]{{5}}"
)
_UK_CODE = r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][ABD-HJLNP-UW-Z]{2}(?!\w)"
_CA_CODE = r"[ABCEGHJ-NPRSTVXY][0-9][A-Z][ -]?[0-9][A-Z][0-9](?!\w)"
_CODE_TAIL = re.compile(
    rf"(?:{_GAP}{_TOWN}){{0,2}}(?:,? (?:{places.STATE_NAMES}))?{_GAP}(?:{_UK_CODE}|{_CA_CODE})"
)
_CONTINENTAL_TAIL = re.compile(
    rf"{_GAP}(?:[A-Z]{{1,2}}-)?(?:[0-9]{{4,5}}|[0-9]{{8}}|[0-9]{{3}} [0-9]{{2}}|"
    rf"[0-9]{{2}}-[0-9]{{3}}|"
    rf"[0-9]{{4}} ?[A-Z]{{2}}|[0-9]{{4}}-[0-9]{{3}}|[0-9]{{5}}-[0-9]{{3}}),?[ \n](?:{_TOWN})"
    rf"(?:,? \([A-Z]{{2}}\)|(?:,| /) [A-Z]{{2}}(?!\w))?"
    rf"|{_GAP}{_TOWN}(?:, | |-)[0-9]{{4,6}}(?![0-9-])"
    rf"|{_GAP}{_TOWN},?\n? ?[0-9]{{8}}|{_GAP}{_TOWN}[,\n] ?[0-9]{{5}}-?[0-9]{{3}} {_TOWN}(?: / "
    rf"[A-Z]{{2}})?"
)
_TOWN_TAIL = re.compile(
    rf"{_COMMA}{_TOWN}(?:(?:,| -) ?(?:[A-Z]{{2}}|{places.STATE_NAMES})(?!\w))?"
    rf"(?:,? [0-9]{{4,6}}(?:-[0-9]{{3,4}})?(?![0-9]))?"
)
_COUNTRY = re.compile(rf"{_COMMA}(?:{places.COUNTRIES})(?!\w)")

_FLAT = re.compile(r"(?<!\w)(?:Flat|Studio|Suite|Unit|Apt|Apartment|H\.No)\.? \Z")
_END_OF_NAME = re.compile(r"(?= ?[,\n])")
_PIN_TAIL = re.compile(rf"(?:{_GAP}{_TOWN})?{_GAP}{_TOWN}[ -][0-9]{{6}}(?![0-9-])")
_MAY_END = re.compile(
    rf"[0-9]{{6}}|(?:{'|'.join(places.STATES)}|{places.STATE_NAMES}),? [0-9]{{4,5}}"
    rf"|(?:{_UK_CODE}|{_CA_CODE})"
)

# A town with its code, without a street.
_STATE_AND_ZIP = re.compile(
    rf"(?<![\w'.-])(?:{_CAPITAL} ){{0,2}}{_CAPITAL},? (?:{'|'.join(places.STATES)}),? \Z"
)
_EIRCODE = r"[AC-FHKNPRTV-Y][0-9][0-9W] ?[0-9AC-FHKNPRTV-Y]{4}(?!\w)"
_ONE_CODE = re.compile(rf"(?:{_UK_CODE}|{_CA_CODE}|{_EIRCODE})")

# The words of the forms above, to look for first.
_SUFFIX_WORDS = frozenset(places.SUFFIXES) | frozenset(places.ORDINARY)
_NAMELESS = frozenset({"Broadway", "The", "Avenue", "Highway", "Route", "County", "Strand"})
_LOWER_WORDS = frozenset(str.split("street st avenue ave road rd lane ln boulevard blvd drive"))
_LEADING_WORDS = frozenset(
    each.replace("\\", "").strip(".?")
    for each in places.LEADING.replace(" vial", "").split("|")
) | frozenset(("bis", "ter", "quater"))
_ENDINGS = (*(each.replace("\\", "") for each in places.ENDINGS.split("|")), "nr.", "nr")
_ARTICLES = frozenset(str.split("am an auf im in zum zur unter alter alte neue"))

WORDS = Words(
    "address, addresses, live, lives, living, lived, reside, resides, residing, residence, "
    "home, "
    "located, ship, shipping, ship to, deliver*, delivery, mail, mailing, billing, street, "
    "based "
    "at, moved, move, house, apartment, property, send, visit, office, adresse, dirección, "
    "direccion, domicilio, indirizzo, endereço, adres, anschrift, wohnt, wohne, habite, vivo, "
    "postal code, postcode, zip, zip code, plz"
)


def addresses(text: str) -> Iterator[Found]:
    """All addresses, the longest reading of each."""
    done = 0
    for match in _NUMBER.finditer(text):
        if match.start() < done:
            continue
        found = _at(text, *match.span())
        if found is not None:
            done = found.end
            yield found
    for match in _CODE.finditer(text):
        code = _ONE_CODE.match(text, match.start())
        if code is not None:
            start, end = code.span()
            named = WORDS.near(text, start, end)
            spaced = " " in code[0]
            if spaced or named:
                yield Found(
                    "address", start, end, 0.7 if named else 0.55, "a postal code by its form"
                )


def _at(text: str, start: int, end: int) -> Found | None:
    after = text[end : end + 1]
    if _FIXED.search(text, max(0, start - 24), start) is not None:
        return _before(text, start, end)
    if after in {" ", ",", "-", "/", "\n"} or after.isalpha():
        found = _behind(text, start, end)
        if found is not None:
            return found
    if start and text[start - 1] in " .\n,#":
        return _before(text, start, end)
    return None


def _behind(text: str, start: int, end: int) -> Found | None:
    """A number, then the street."""
    limit = end + 96
    found = _in_any_street(text, start, end)
    if found is not None:
        return found
    # Which forms can fit is told by a look at the words: most numbers begin no address.
    words = [each.strip(".,;:\n") for each in text[end:limit].split()[:8]]
    street, score = None, 0.0
    if not _SUFFIX_WORDS.isdisjoint(words):
        street = _ENGLISH.match(text, end, limit)
        if street is not None:
            score = 0.8 if street["strong"] else 0.45
    if street is None and not _NAMELESS.isdisjoint(words[:2]):
        street, score = _NO_NAME.match(text, end, limit), 0.65
    if street is None and not _LEADING_WORDS.isdisjoint(each.lower() for each in words[:2]):
        street, score = _FRENCH.match(text, end, limit), 0.8
    if street is None and not _LOWER_WORDS.isdisjoint(words[:5]):
        street, score = _LOWER.match(text, end, limit), 0.4
    if street is None:
        return None
    return _with_tail(text, start, street.end(), score)


def _in_any_street(text: str, start: int, end: int) -> Found | None:
    """A number and capitalised words that an unmistakable end follows: a state and its code, a
    British, Canadian or Indian one."""
    name = _ANY_BEHIND.match(text, end, end + 90)
    if name is None or _MAY_END.search(text, end, end + 120) is None:
        return None
    # The words may have eaten the town: the shortest street that the end fits behind.
    for gap in _END_OF_NAME.finditer(text, end, name.end() + 2):
        for tail in (_US_TAIL, _CODE_TAIL, _PIN_TAIL):
            town = tail.match(text, gap.start(), end + 140)
            if town is not None and any(map(str.isdigit, town[0])):
                flat = _FLAT.search(text, max(0, start - 12), start)
                begin = flat.start() if flat is not None else start
                return Found(
                    "address", begin, town.end(), 0.85, "a number, a name, a town and its code"
                )
    return None


def _before(text: str, start: int, end: int) -> Found | None:
    """The street, then a number."""
    floor = max(0, start - 64)
    floor = max(floor, text.rfind("\n", floor, start) + 1)
    part = text[floor:start]
    house = _HOUSE.match(text, end, end + 9)
    end = house.end() if house is not None else end
    box = _FIXED.search(part)
    if box is not None:
        military = _MILITARY.match(text, start)
        stop = military.end() if military else end
        score = 0.75 if military or "ox" in box[0] or "ost" in box[0] else 0.4
        return _with_tail(text, floor + box.start(), stop, score)
    zip_code = end - start >= 5 and part[-1:] == " " and _STATE_AND_ZIP.search(part)
    if zip_code:
        plus = re.compile(r"-[0-9]{4}(?![0-9])").match(text, end)
        return Found(
            "address", floor + zip_code.start(), plus.end() if plus else end, 0.7,
            "a town, a state and its code",
        )  # fmt: skip
    if not part.strip():
        # A street without a number, and the town's code on the next line.
        if _POSTAL_HEAD.match(text, start) is None or start < 2 or text[start - 1] not in "\n ":
            return None
        begin = max(0, start - 64)
        part = text[begin : start - 1]
        floor = begin + part.rfind("\n") + 1
        street = _SOUTHERN.search(text[floor : start - 1].rstrip(", ") + ",")
        town = _CONTINENTAL_TAIL.match(text, start - 1, start + 80)
        if street is None or town is None:
            return None
        return Found(
            "address",
            floor + street.start(),
            _trimmed(text, town.end()),
            0.8,
            "a street, a town and its code",
        )
    words = part.lower().split()[-10:]
    last = words[-1].strip(",")
    score = 0.65
    street = None
    if not _LEADING_WORDS.isdisjoint(each.strip(".") for each in words) or "c/" in words[-1]:
        street = _SOUTHERN.search(part)
    if street is None and (last.endswith(_ENDINGS) or not _ARTICLES.isdisjoint(words[-3:])):
        street = _NORTHERN.search(part)
    if street is None:
        tail = _CONTINENTAL_TAIL.match(text, end, end + 100)
        street = None if tail is None else _ANY_BEFORE.search(part)
        if street is None:
            return None
    begin = floor + street.start() + len(street[0]) - len(street[0].lstrip())
    return _with_tail(text, begin, end, score)


def _trimmed(text: str, end: int) -> int:
    """Without the full stop of the sentence, which a town's name may hold (``St. Gallen``)."""
    while text[end - 1] in ".'-":
        end -= 1
    return end


def _with_tail(text: str, start: int, end: int, score: float) -> Found | None:
    """The unit, the town, its code and the country, as far as they are there."""
    unit = _UNIT.match(text, end, end + 40)
    if unit is not None:
        end, score = unit.end(), max(score, 0.6)
    for tail in (_US_TAIL, _CODE_TAIL, _CONTINENTAL_TAIL, _TOWN_TAIL):
        town = tail.match(text, end, end + 120)
        if town is not None:
            end = _trimmed(text, town.end())
            score = max(score, 0.65) if tail is _TOWN_TAIL and score >= 0.5 else score
            if tail is not _TOWN_TAIL:
                score = 0.95
            break
    country = _COUNTRY.match(text, end, end + 32)
    if country is not None:
        end, score = country.end(), max(score, 0.7)
    if score < 0.9 and WORDS.near(text, start, end):
        score = min(0.9, score + 0.25)
    if score < 0.5:
        return None
    return Found(
        "address", start, end, score, "a street and a number, as addresses are written"
    )
