"""URLs in answers that look like phishing, or go elsewhere than they say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from llm_shield.ends import last_word
from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Share, Side
from llm_shield.text import Text
from llm_shield.urls import URL, ascii_host, extract
from skykeep.errors import ConfigError, Corrupt

if TYPE_CHECKING:
    from fraudurl.model import Model

REASONS = 3
"""What a finding says of a URL, at most."""


class MaliciousURLsSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``MaliciousURLs``.

    Attributes:
        suspicious: a URL as likely as this to be phishing, by the model, is a finding; 0.87 is
            where the model's author measured that one in a hundred of harmless URLs is taken
            for phishing.
        allowed_hosts: hosts that are never findings, with all below them: ``example.com``.
        max_urls: different URLs of a text that are judged; the fact ``not_judged`` counts the
            rest. One takes about half a millisecond.
        bare: whether domains without a scheme or ``www.`` are looked at, too.
        mismatches: whether a link whose text is a URL or a domain is a finding where it leads
            to another one.
        replacement: what stands in the place of a URL in a sanitised text; null leaves it.
    """

    suspicious: Share = 0.87
    allowed_hosts: tuple[str, ...] = ()
    max_urls: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    bare: bool = False
    mismatches: bool = True
    replacement: str | None = "[URL removed]"


class MaliciousURLs(Scanner[MaliciousURLsSettings]):
    """URLs that are judged by their own text, offline: by the trees of ``fraudurl``."""

    name: ClassVar[str] = "MaliciousURLs"
    summary: ClassVar[str] = "URLs that look like phishing, links that hide where they lead"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.MODEL
    Settings: ClassVar[type[ScannerSettings]] = MaliciousURLsSettings
    reach: ClassVar[int] = 2048

    def __init__(self, settings: MaliciousURLsSettings, resources: Resources) -> None:
        super().__init__(settings, resources)
        for each in settings.allowed_hosts:
            if not each or "/" in each or ":" in each or "*" in each:
                raise ConfigError(
                    f"MaliciousURLs: {each!r} in 'allowed_hosts' is no host name",
                    hint="example.com, which allows www.example.com as well",
                )
        needs("fraudurl", "fraudurl, which judges URLs,")
        self._allowed = tuple(
            ascii_host(each.lower().strip(".")) for each in settings.allowed_hosts
        )
        self._model: Model | None = None

    async def load(self) -> None:
        """Read the trees."""
        if self._model is None:
            path = await self.resources.files.path("fraudurl-safe", "model_safe.json")
            self._model = await self.resources.in_thread(_loaded, path)

    def pending(self, text: str) -> int:
        """A URL has no spaces; what the text of a link says comes after its URL in HTML."""
        at = last_word(text, self.reach)
        least = max(0, len(text) - self.reach)
        tag = text.rfind("<a", least)
        return min(at, tag) if tag >= 0 and text.find("</a", tag) < 0 else at

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each place of a suspicious URL, also where an encoding hides it."""
        bare = self.settings.bare
        found = extract(text.sent, bare=bare)
        hidden = [(each, url) for each in text.decoded for url in extract(each.text, bare=bare)]
        if not found and not hidden:
            return Verdict(facts={"urls": 0, "not_judged": 0})
        await self.load()
        urls = [*found, *(url for _, url in hidden)]
        told = await request.in_thread(self._judged, urls)
        findings: list[Finding] = []
        for url in found:
            findings += self._findings(url, url.start, url.end, told, "")
        for each, url in hidden:
            inside = f", in {each.encoding}"
            findings += self._findings(url, each.start, each.end, told, inside)
        different = len({url.url for url in urls})
        return Verdict.of(
            findings,
            facts={"urls": different, "not_judged": max(0, different - len(told))},
        )

    def _judged(self, urls: Sequence[URL]) -> dict[str, tuple[float, str]]:
        """How likely each URL is phishing, and why."""
        told: dict[str, tuple[float, str]] = {}
        for url in urls:
            if len(told) >= self.settings.max_urls:
                break
            if url.url not in told:
                told[url.url] = (0.0, "") if self._is_allowed(url) else self._judge(url)
        return told

    def _judge(self, url: URL) -> tuple[float, str]:
        from fraudurl.lexical import extract as features_of
        from fraudurl.reasons import describe

        model = self._model
        features = features_of(url.url)
        # A host without a dot is a machine of the reader's own network: localhost.
        local = url.parts.ip is None and "." not in url.parts.host
        if model is None or local or features.get("parse_error"):
            return 0.0, ""
        _, chance, shares, values = model.predict(features)
        order = sorted(range(len(shares)), key=lambda each: -shares[each])
        reasons = [
            describe(model.features[each], values[each], shares[each], features)
            for each in order[:REASONS]
            if shares[each] > 0.05 and values[each] == values[each]
        ]
        why = "; ".join(each.removesuffix(" (raises risk)") for each in reasons if each)
        return min(1.0, max(0.0, float(chance))), why

    def _findings(
        self,
        url: URL,
        start: int,
        end: int,
        told: dict[str, tuple[float, str]],
        inside: str,
    ) -> list[Finding]:
        if self._is_allowed(url):
            return []
        found = []
        chance, why = told.get(url.url, (0.0, ""))
        if chance > 0 and chance >= self.settings.suspicious:
            reason = (
                f"looks like phishing{inside}: {why}" if why else f"looks like phishing{inside}"
            )
            found.append(
                Finding("url.phishing", start, end, chance, reason, self.settings.replacement)
            )
        if self.settings.mismatches and url.label is not None:
            shown = extract(url.label, bare=True)
            if shown and not _same_site(shown[0].parts.host, url.parts.host):
                found.append(
                    Finding(
                        "url.mismatch",
                        start,
                        end,
                        0.9,
                        f"a link whose text is another site than it leads to{inside}",
                        self.settings.replacement,
                    )
                )
        if url.parts.userinfo and "." in url.parts.userinfo.partition(":")[0]:
            found.append(
                Finding(
                    "url.disguised",
                    start,
                    end,
                    0.9,
                    f"what looks like the host is a user name{inside}",
                    self.settings.replacement,
                )
            )
        return found

    def _is_allowed(self, url: URL) -> bool:
        host = url.parts.host
        return any(host == each or host.endswith(f".{each}") for each in self._allowed)


def _same_site(one: str, other: str) -> bool:
    """Whether both are below one registrable domain."""
    if one == other:
        return True
    from fraudurl.psl import split_host

    first, second = (split_host(each)[1] for each in (one, other))
    return bool(first) and first == second


@cache
def _loaded(path: Path) -> Model:
    from fraudurl.model import Model

    try:
        return Model(str(path))
    except (KeyError, TypeError, ValueError):
        raise Corrupt(f"'{path}' is no model of fraudurl's") from None
