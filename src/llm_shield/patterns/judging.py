"""What matches a rule and is no secret: too regular, a placeholder, a reference, allowed.

The rules' own entropies and lists come first, as gitleaks applies them; then what prompts,
handbooks and templates put where a secret would stand. Work is linear in the secret's length.
"""

from __future__ import annotations

import re
from collections import Counter
from math import log2
from typing import Any

from llm_shield.patterns.matching import Candidate, compiled
from llm_shield.patterns.rules import Allowed, Rule

LINE = 512
"""Bytes of a match's line that are looked at, on each side of it."""

PLACEHOLDERS = (
    "example",
    "placeholder",
    "changeme",
    "change-me",
    "change_me",
    "changeit",
    "redacted",
    "your-",
    "your_",
    "yourpass",
    "yourkey",
    "yourapi",
    "yoursecret",
    "yourtoken",
    "my-secret",
    "mysecret",
    "my_secret",
    "insert-",
    "insert_",
    "replace-",
    "replace_",
    "replaceme",
    "dummy",
    "notreal",
    "not-a-real",
    "not_a_real",
    "fake-",
    "fake_",
    "sample-",
    "sample_",
    "xxxx",
    "****",
    "...",
    "\u2026",
    "####",
    "----",
    "____",
    "0000000",
    "1234567890abcdefghij",
    "abcdefghijklmnopqrst",
    "0123456789" + "abcdef0123",
    "deadbeefdeadbeef",
)
"""In lower case: what has one of these stands for a secret. Four characters and more, which
a random key of 40 has by chance less than once in 40,000."""

SHORT_RUN = 10
"""Characters of one kind in a row that no key has, unless it is four times as long."""

_RUN = re.compile(rf"(.)\1{{{SHORT_RUN - 1},}}", re.DOTALL | re.IGNORECASE)

# A reference to where the secret is, in place of the secret; the whole of it, or for
# passwords its beginning.
_REFERENCE = re.compile(
    r"""
      \$[A-Za-z_(\{]            # $VAR, ${VAR}, $(command)
    | \{[\{%]                   # {{ value }}, {% value %}
    | \{[\w\ .:()\[\]'"-]{1,60}\}?$  # {value}
    | \[[^\]]*\]?$              # [password]
    | <[^>]*>?$                 # <password>
    | %[A-Za-z_]+%?$            # %PASSWORD%
    | @[A-Za-z_]+@$             # @PASSWORD@
    | :[A-Za-z_]+$              # :password
    | (?:process\.env|os\.environ|os\.getenv|getenv|env|vars?|config|settings|secrets?|self|this
        |request|params|args|data|local|module|resource|aws_\w+)[.(\[]
    """,
    re.VERBOSE,
)

# What people write where a password would stand.
_WORDS = re.compile(
    r"""(?i)^[\W\d_]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|user(?:name)?|admin|root|test
    (?:ing)?|none|null|nil|undefined|true|false|required|optional|hidden|empty|string|value
    |guest|postgres|mysql|mongo|redis|rabbitmq|foo(?:bar)?|bar|baz|p4ssw0rd|p@ssw0rd|hunter2
    |incorrect|correct|wrong|invalid|protected|stored|encrypted|hashed)[\W\d_]*$""",
    re.VERBOSE,
)

# Words with signs between them, a name of something: deploy/token, my-team-secret.
_PATH = re.compile(r"[A-Za-z]+(?:[/_.:-]+[A-Za-z]+)+\Z")


def entropy(text: str) -> float:
    """Shannon's entropy of its characters, in bits a character; 0 for an empty text."""
    size = len(text)
    if not size:
        return 0.0
    return log2(size) - sum(n * log2(n) for n in Counter(text).values()) / size


class Judge:
    """Says which candidates are no secrets. Expressions are compiled when first needed."""

    def __init__(self, allowed: Allowed) -> None:
        """``allowed`` holds for all rules."""
        self._allowed = allowed
        self._forms: dict[tuple[Allowed, ...], dict[str, Any]] = {}

    def refused(self, data: bytes, candidate: Candidate) -> bool:
        """Whether it is no secret."""
        rule = candidate.rule
        raw = data[candidate.secret_start : candidate.secret_end]
        secret = raw.decode("utf-8", "replace")
        if rule.entropy and entropy(secret) <= rule.entropy:
            return True
        if rule.origin == "user":
            return False
        if "PRIVATE KEY" in secret:
            return self._blank(secret)
        for target, expression in self._compiled(rule.allowlists).items():
            looked_at = raw if target == "secret" else _part(data, candidate, target)
            if expression.search(looked_at) is not None:
                return True
        return no_secret(rule, secret)

    def _compiled(self, lists: tuple[Allowed, ...]) -> dict[str, Any]:
        """What is allowed with these lists, one expression a target: a call costs more than an
        alternative."""
        found = self._forms.get(lists)
        if found is None:
            forms: dict[str, list[str]] = {"secret": []}
            words = [each.encode().decode("latin-1") for each in PLACEHOLDERS]
            for each in (self._allowed, *lists):
                forms.setdefault(each.target, []).extend(f"(?:{form})" for form in each.regexes)
                words += each.stopwords.split()
            forms["secret"].append(f"(?i:{'|'.join(map(re.escape, words))})")
            found = {target: compiled("|".join(parts)) for target, parts in forms.items()}
            self._forms[lists] = found
        return found

    @staticmethod
    def _blank(block: str) -> bool:
        """Whether a PEM block holds none of a key: dots, one letter, a sentence."""
        body = re.sub(r"-----[^-\n]{1,120}-----", "", block)
        return entropy("".join(body.split())) < 4.0


def _part(data: bytes, candidate: Candidate, target: str) -> bytes:
    """The whole match, or the lines that it stands on."""
    start, end = candidate.start, candidate.end
    if target == "line":
        least = max(0, start - LINE)
        start = data.rfind(b"\n", least, start) + 1 or least
        stop = data.find(b"\n", end, end + LINE)
        end = stop if stop >= 0 else min(len(data), end + LINE)
    return data[start:end]


def no_secret(rule: Rule, secret: str) -> bool:
    """Whether it has the form of what stands in place of a secret."""
    run = _RUN.search(secret)
    if run is not None and 4 * len(run[0]) >= len(secret):
        return True
    if _REFERENCE.match(secret.lstrip("\"'`")):
        return True
    if rule.id == "generic-api-key":
        # As gitleaks means it: its own list takes only letters and three signs for no key.
        return not any(each.isdigit() for each in secret)
    if rule.kind == "password":
        if rule.id == "env-secret" and _PATH.match(secret):
            return True
        return bool(_WORDS.match(secret)) or (rule.strong and not _strong(secret))
    return False


def _strong(password: str) -> bool:
    """Whether letters, digits and at least one more kind of characters are in it."""
    kinds = (
        any(each.islower() for each in password),
        any(each.isupper() for each in password),
        any(each.isdigit() for each in password),
        any(not each.isalnum() for each in password.rstrip(".,;:!?)")),
    )
    return sum(kinds) >= 3 and (kinds[2] or kinds[3])
