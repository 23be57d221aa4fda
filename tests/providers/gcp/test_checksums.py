"""CRC-32C with and without its part in C, and what shows nothing of a value."""

from __future__ import annotations

import sys

import pytest

from skykeep.conformance.cases import CANARY, shows_canary
from skykeep.errors import MissingExtra
from skykeep.providers.gcp.answers import Accessed, Payload
from skykeep.providers.gcp.checksums import checksum

CHECK = 0xE3069283  # of "123456789": RFC 3720, B.4, and every catalogue of CRCs


def forget(patch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("google_crc32c")]:
        patch.delitem(sys.modules, name)


def test_the_sum_is_right() -> None:
    assert checksum()(b"123456789") == CHECK
    assert checksum()(b"") == 0


def test_without_its_part_in_c_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """No warning either: warnings are errors here."""
    forget(monkeypatch)
    monkeypatch.setitem(sys.modules, "google_crc32c.cext", None)
    made = checksum()
    assert made(b"123456789") == CHECK
    assert "google_crc32c.python" in sys.modules


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    with pytest.raises(MissingExtra) as caught:
        checksum()
    assert "skykeep[gcp]" in str(caught.value)


def test_answers_show_no_value() -> None:
    payload = Payload(CANARY, "1")
    for shown in (payload, Accessed("projects/1/secrets/a/versions/1", payload)):
        assert not shows_canary(f"{shown!r} {shown}")
