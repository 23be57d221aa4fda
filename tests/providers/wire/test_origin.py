"""Which endpoints are allowed, and what is made of them."""

from __future__ import annotations

import pytest

from skykeep.errors import ConfigError
from skykeep.providers.wire.origin import Origin, origin

RIGHT = [
    ("https://vault.example", Origin("https", "vault.example", 443), "vault.example"),
    ("https://Vault.Example:443/", Origin("https", "vault.example", 443), "vault.example"),
    ("https://h:8200/a/b/", Origin("https", "h", 8200, "/a/b"), "h:8200"),
    ("https://h/%7e//x", Origin("https", "h", 443, "/%7e//x"), "h"),
    ("https://[2001:db8::1]:8200", Origin("https", "2001:db8::1", 8200), "[2001:db8::1]:8200"),
    ("https://[2001:db8::1]", Origin("https", "2001:db8::1", 443), "[2001:db8::1]"),
    ("https://10.0.0.1:1", Origin("https", "10.0.0.1", 1), "10.0.0.1:1"),
    (
        "https://xn--bcher-kva.example",
        Origin("https", "xn--bcher-kva.example", 443),
        "xn--bcher-kva.example",
    ),
    ("http://localhost:4566", Origin("http", "localhost", 4566), "localhost:4566"),
    ("http://a.localhost", Origin("http", "a.localhost", 80), "a.localhost"),
    ("http://127.9.9.9:80", Origin("http", "127.9.9.9", 80), "127.9.9.9"),
    ("http://[::1]:80", Origin("http", "::1", 80), "[::1]"),
]


@pytest.mark.parametrize(("endpoint", "expected", "host"), RIGHT)
def test_right_endpoints(endpoint: str, expected: Origin, host: str) -> None:
    found = origin(endpoint)
    assert found == expected
    assert found.host_header == host
    assert origin(found.url) == found


PLAIN = [
    "http://vault.example",
    "http://10.0.0.1",
    "http://0.0.0.0",
    "http://[::]",
    "http://[::ffff:10.0.0.1]",
    "http://128.0.0.1",
    "http://localhost.example",
    "http://127.0.0.1.example",
    "http://notlocalhost",
    "http://2130706433",
]


@pytest.mark.parametrize("endpoint", PLAIN)
def test_plain_http_to_others_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="is plain http") as caught:
        origin(endpoint)
    assert "allow_http" in caught.value.hint
    assert origin(endpoint, allow_http=True).scheme == "http"


WRONG = [
    ("", "is not an address"),
    ("vault.example", "is not an address"),
    ("https://", "is not an address"),
    ("https:///path", "is not an address"),
    ("//vault.example", "begins with '://'"),
    ("vault.example:8200", "is not an address"),
    ("ftp://vault.example", "begins with 'ftp://'"),
    ("https://h:0", "is not an address"),
    ("https://h:65536", "is not an address"),
    ("https://h:x", "is not an address"),
    ("https://[::1", "is not an address"),
    ("https://user:canary@h", "has a user name or password"),
    ("https://canary@h", "has a user name or password"),
    ("https://h/?a=b", "has a query or a fragment"),
    ("https://h/?", "has a query or a fragment"),
    ("https://h#x", "has a query or a fragment"),
    ("https://h/a b", "is not an address"),
    ("https://h\n", "is not an address"),
    ("https://bücher.example", "is not an address"),
    ("https://h!x", "characters that an address cannot have"),
    ('https://h/"', "characters that an address cannot have"),
]


@pytest.mark.parametrize(("endpoint", "message"), WRONG)
def test_wrong_endpoints(endpoint: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        origin(endpoint, allow_http=True)
    assert "canary" not in str(caught.value)
    assert caught.value.hint
    assert caught.value.__context__ is None


def test_what_is_this_host() -> None:
    assert not origin("https://localhost.example").is_loopback
    assert origin("https://127.0.0.1").is_loopback
