"""What is a URL in a text, where it ends, and whose it is."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest
from hypothesis import given

from llm_shield import urls
from llm_shield.urls import MAX_URL, extract, parts, refanged
from tests.llm_shield.light.scanning import ANY_TEXT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See http://example.com/a_(b). Then", ["http://example.com/a_(b)"]),
        ("(https://x.org/y), or <https://z.de>!", ["https://x.org/y", "https://z.de"]),
        ('[t](https://x.org/a "title") b', ["https://x.org/a"]),
        ("[a](http://x.com),[b](http://y.com)", ["http://x.com", "http://y.com"]),
        ("[http://a.com](http://b.com/x)", ["http://a.com", "http://b.com/x"]),
        (
            "https://en.wikipedia.org/wiki/A_(b)_(c)?x=[1]",
            ["https://en.wikipedia.org/wiki/A_(b)_(c)?x=[1]"],
        ),
        ("at www.example.com, or WWW.X.ORG.", ["www.example.com", "WWW.X.ORG"]),
        ("請看http://例え.jp/道、次", ["http://例え.jp/道"]),
        ("http:\\\\evil.com and http:/evil.com", ["http:\\\\evil.com", "http:/evil.com"]),
        ("„http://a.de/b“ and 'http://a.de/c'.", ["http://a.de/b", "http://a.de/c"]),
        ("http://[::1]:8080/a", ["http://[::1]:8080/a"]),
        ("http://a)@evil.com/", ["http://a)@evil.com/"]),
        ("http:// http://. http://, www. http://[evil www", []),
        ("ratio 3:4, note: www is old, httpx is a library", []),
        ("awww.no: so.sweet", []),
    ],
)
def test_urls_are_found_exactly(text: str, expected: list[str]) -> None:
    found = extract(text)
    assert [text[each.start : each.end] for each in found] == expected
    assert [each.written for each in found] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("paypa1-login.tk and example.com/x.", ["paypa1-login.tk", "example.com/x"]),
        ("x.y.com:80/a (foo.com.au)", ["x.y.com:80/a", "foo.com.au"]),
        ("evil[.]com http://z.com/q.com", ["evil[.]com", "http://z.com/q.com"]),
        (
            "[t](evil.tk) f(a.com) (see -x.com) a(.)b[dot]com",
            ["evil.tk", "a.com", "x.com", "a(.)b[dot]com"],
        ),
        ("main.py README.md lib.rs a@b.com ann@x.org, e.g. this. End.But", []),
    ],
)
def test_bare_domains_are_found_where_they_are_asked_for(
    text: str, expected: list[str]
) -> None:
    assert [each.written for each in extract(text, bare=True)] == expected
    assert [each.written for each in extract(text)] == [
        each for each in expected if "://" in each
    ]


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("hxxps://evil[.]com/a", "https://evil.com/a"),
        ("hXXp[:]//bad(.)com", "http://bad.com"),
        ("h**p://x[dot]net", "http://x.net"),
        ("http[://]x{.}net/a", "http://x.net/a"),
        ("http://ev\u200bil.com", "http://evil.com"),
    ],
)
def test_defanged_urls_are_read_as_what_they_were(written: str, url: str) -> None:
    assert refanged(written) == url
    (found,) = extract(f"see {written} there")
    assert (found.written, found.url, found.defanged) == (written, url, True)


def test_plain_urls_are_not_called_defanged() -> None:
    assert [each.defanged for each in extract("http://a.com https:\\\\b.com www.c.com")] == [
        False
    ] * 3


@pytest.mark.parametrize(
    ("url", "host", "userinfo"),
    [
        ("https://paypal.com@evil.ru/login", "evil.ru", "paypal.com"),
        ("http://good.com\\@evil.com", "good.com", ""),
        ("http://a.com%2eevil.tk/", "a.com.evil.tk", ""),
        ("http://evil\u3002com/", "evil.com", ""),
        ("http://EXAMPLE.com./", "example.com", ""),
        ("http://bücher.de:81/x", "xn--bcher-kva.de", ""),
        ("http://0x7f000001/", "127.0.0.1", ""),
        ("http://017700000001", "127.0.0.1", ""),
        ("http://2130706433/", "127.0.0.1", ""),
        ("http://127.1/", "127.0.0.1", ""),
        ("http://[::FFFF:1]/", "::ffff:1", ""),
        ("http://1.2.3.4.5/", "1.2.3.4.5", ""),
        ("http://[evil/", "", ""),
        ("http://5/", "5", ""),
    ],
)
def test_hosts_are_those_that_a_browser_would_ask(url: str, host: str, userinfo: str) -> None:
    told = parts(url)
    assert (told.host, told.userinfo) == (host, userinfo)
    assert told.ip is None or str(ip_address(host)) == str(told.ip)


def test_ports_are_numbers_that_can_be_ports() -> None:
    written = ("80", "65535", "65536", "x", "")
    ports = [parts(f"http://a.b:{each}/").port for each in written]
    assert ports == [80, 65535, None, None, None]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("[my bank](https://evil.tk/a)", ["my bank"]),
        ("[https://bank.com](https://evil.tk/a)", [None, "https://bank.com"]),
        ('<a href="https://evil.tk/a">https://bank.com</a>', ["https://bank.com", None]),
        ("<a class=x href='https://evil.tk' rel=y>click</a>", ["click"]),
        ("](https://evil.tk/a)", [None]),
        ("https://evil.tk/a", [None]),
    ],
)
def test_what_a_link_shows(text: str, labels: list[str | None]) -> None:
    assert [each.label for each in extract(text)] == labels


def test_a_url_has_an_end() -> None:
    (found, *_) = extract(f"http://a.com/{'x' * 10_000}")
    assert found.end - found.start <= MAX_URL + 16


@given(ANY_TEXT)
def test_any_text_at_all(text: str) -> None:
    for bare in (False, True):
        end = 0
        for each in extract(text, bare=bare):
            assert end <= each.start < each.end <= len(text)
            assert text[each.start : each.end] == each.written
            assert each.parts.host
            end = each.end


def test_texts_without_a_sign_of_a_url_end_before_the_expression(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Untouched:
        def search(self, *arguments: object) -> re.Match[str]:
            raise AssertionError("searched")

        match = search

    monkeypatch.setattr(urls, "_FULL", Untouched())
    assert extract("The quick brown fox: it jumps at 10:30, over 3/4 of them. " * 20) == []
    with pytest.raises(AssertionError, match="searched"):
        extract("http://a.b")
