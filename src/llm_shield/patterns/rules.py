"""Rules as data: what a secret looks like, where to look for it, and what is allowed.

``secrets.json`` is made by ``scripts/secret_rules.py``; its ``source`` names gitleaks' version,
its licence (MIT) and its notice. Rules of ours have ``origin: own``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec


class Allowed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is no secret although a rule matches it.

    Attributes:
        regexes: RE2; one that is found in the target allows it.
        stopwords: in lower case, between spaces; a secret with one of them in it is allowed.
        target: what the expressions look at: the secret, the rule's whole match, or the lines
            that it stands on.
    """

    regexes: tuple[str, ...] = ()
    stopwords: str = ""
    target: Literal["secret", "match", "line"] = "secret"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    r"""One kind of secret.

    Attributes:
        id: stable; a finding's kind is ``secret.`` and this.
        origin: whose rule it is.
        description: for people.
        regex: RE2, over bytes (each byte is a character).
        anchors: in lower case; each match has one of them in it or near it. Without any, the
            whole text is searched.
        before: bytes that a match begins at most before an anchor begins.
        after: bytes that a match ends at most after an anchor begins.
        group: the group that is the secret; 0 for the first that matched, else the match.
        entropy: bits a character of the secret at least (Shannon's, of its own characters).
        lead: the match reaches back over up to 50 more characters of ``[\w.-]``.
        kind: ``password`` for what people choose themselves: no fixed form.
        strong: only passwords that mix letters and digits count.
        allowlists: what is no secret.
    """

    id: str
    origin: Literal["gitleaks", "own", "user"]
    description: str
    regex: str
    anchors: tuple[str, ...] = ()
    before: int = 0
    after: int = 0
    group: int = 0
    entropy: float = 0.0
    lead: bool = False
    kind: Literal["key", "password"] = "key"
    strong: bool = False
    allowlists: tuple[Allowed, ...] = ()


class Source(msgspec.Struct, frozen=True):
    """Where rules come from: name, file, version, licence, notice."""

    name: str
    file: str
    version: str
    licence: str
    notice: str


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules, and what is allowed whichever of them matches."""

    source: Source
    allowlist: Allowed
    rules: tuple[Rule, ...]


@cache
def packaged() -> Rules:
    """The rules that come with the package; read once."""
    data = files("llm_shield.patterns").joinpath("secrets.json").read_bytes()
    return msgspec.json.decode(data, type=Rules)
