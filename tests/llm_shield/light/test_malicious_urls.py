"""MaliciousURLs: what looks like phishing, and what leads elsewhere than it says."""

from __future__ import annotations

import asyncio

import pytest

from llm_shield.scanner import Request, Side
from llm_shield.scanners import malicious_urls
from llm_shield.text import Decoded, Text
from skykeep.errors import ConfigError, Corrupt
from tests.llm_shield.light.scanning import RESOURCES, found, held, made, sanitised, scanned

BAD = "http://paypal.com.secure-login.verify-account.tk/webscr.php?cmd=login"


def kinds(text: str, **settings: object) -> list[str]:
    return [each.kind for each in scanned("MaliciousURLs", text, **settings).findings]


@pytest.mark.parametrize(
    "url",
    [
        BAD,
        "hxxps://secure-appleid-login[.]com/verify",
        "http://amaz0n-support.xyz/update/billing",
        "http://185.22.10.5/paypal/login.php",
    ],
)
def test_phishing_is_found_and_taken_away(url: str) -> None:
    text = f"Please go to {url}, now."
    verdict = scanned("MaliciousURLs", text)
    assert found(verdict, text) == [url]
    assert verdict.risk > 0.87
    assert verdict.findings[0].reason.startswith("looks like phishing: ")
    assert sanitised(verdict, text) == "Please go to [URL removed], now."


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.python.org/3/library/re.html",
        "https://en.wikipedia.org/wiki/URL",
        "https://arxiv.org/abs/2507.10854",
        "https://github.com/google/re2",
        "https://user:pw@example.com/",
    ],
)
def test_ordinary_urls_are_not(url: str) -> None:
    verdict = scanned("MaliciousURLs", f"See {url}.")
    assert not verdict.findings
    assert verdict.facts == {"urls": 1, "not_judged": 0}


def test_links_that_say_another_site_than_they_lead_to() -> None:
    elsewhere = "https://docs.python.org/3/"
    assert kinds(f"[https://www.example.org]({elsewhere})") == ["url.mismatch"]
    assert kinds(f'<a href="{elsewhere}">example.org</a>') == ["url.mismatch"]
    assert kinds(f"[python.org]({elsewhere})") == []
    assert kinds(f"[click here]({elsewhere})") == []
    assert kinds(f"[example.org]({elsewhere})", mismatches=False) == []


def test_a_host_that_is_a_user_name() -> None:
    assert kinds("https://www.python.org@docs.python.org/3/", suspicious=1.0) == [
        "url.disguised"
    ]


def test_hosts_that_are_allowed_are_never_findings() -> None:
    assert kinds(BAD, allowed_hosts=["verify-account.tk"]) == []
    assert kinds(BAD, allowed_hosts=["account.tk"]) == ["url.phishing"]
    assert kinds("http://bücher-login.tk/paypal", allowed_hosts=["bücher-login.tk"]) == []


@pytest.mark.parametrize(
    "host", ["", "https://example.com", "example.com/x", "*.example.com", "a:80"]
)
def test_what_is_no_host_cannot_be_allowed(host: str) -> None:
    with pytest.raises(ConfigError):
        made("MaliciousURLs", allowed_hosts=[host])


def test_domains_alone_are_found_where_that_is_wanted() -> None:
    text = "Go to paypal-login-verify.tk/account/update."
    assert kinds(text) == []
    assert kinds(text, bare=True) == ["url.phishing"]


def test_so_many_urls_are_judged_and_the_rest_counted() -> None:
    text = " ".join(f"{BAD}&n={each}" for each in range(7)) + f" {BAD}&n=0"
    verdict = scanned("MaliciousURLs", text, max_urls=5)
    assert verdict.facts == {"urls": 7, "not_judged": 2}
    # The one that stands there twice is judged once and found twice.
    assert len(verdict.findings) == 6


def test_a_url_that_an_encoding_hides_is_found_at_the_encoding() -> None:
    text = Text("open aHR0cA== please")
    text.__dict__["decoded"] = (Decoded("base64", BAD, 5, 13),)
    scanner = made("MaliciousURLs")
    verdict = held(asyncio.run(scanner.scan(text, Request(RESOURCES, Side.OUTPUT))), text.sent)
    assert [(each.start, each.end) for each in verdict.findings] == [(5, 13)]
    assert "in base64" in verdict.findings[0].reason


def test_reasons_hold_no_part_of_the_url() -> None:
    text = "http://secret-token-8842.login-paypal.tk/s3cr3t?key=abcdef"
    (finding,) = scanned("MaliciousURLs", text).findings
    for part in ("secret-token", "s3cr3t", "abcdef", "8842"):
        assert part not in finding.reason


def test_a_file_that_is_no_model(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path), "model_safe.json")
    path.write_text('{"meta": {}}')
    with pytest.raises(Corrupt):
        malicious_urls._loaded(path)
