"""What keys encrypt is bound to all that it should be, in both forms."""

from __future__ import annotations

import pytest

from skykeep.envelope import hybrid, key_material
from skykeep.errors import KeyFailure
from skykeep.interfaces.key_driver import Context

ID = bytes(range(16))
PAIRS: Context = {"tenant": "acme"}
MATERIAL = key_material.new_material()
CONTENT = hybrid.new_content_key()
WRAPPED = bytes(range(200))


def flipped(data: bytes, at: int) -> bytes:
    other = bytearray(data)
    other[at] ^= 1
    return bytes(other)


def opened(ciphertext: bytes) -> bytes:
    version = key_material.version_of(ciphertext, ID)
    return key_material.decrypt(MATERIAL, ID, version, ciphertext, PAIRS)


def test_a_ciphertext_is_50_bytes_longer() -> None:
    ciphertext = key_material.encrypt(MATERIAL, ID, 7, b"value", PAIRS)
    assert len(ciphertext) == len(b"value") + 50
    assert key_material.version_of(ciphertext, ID) == 7
    assert key_material.decrypt(MATERIAL, ID, 7, ciphertext, PAIRS) == b"value"


def test_no_byte_of_a_ciphertext_may_differ() -> None:
    ciphertext = key_material.encrypt(MATERIAL, ID, 7, b"value", PAIRS)
    changed = [flipped(ciphertext, at) for at in range(len(ciphertext))]
    cut = [ciphertext[:end] for end in range(len(ciphertext))]
    for other in (*changed, *cut, ciphertext + b"\0"):
        with pytest.raises(KeyFailure):
            opened(other)


def test_a_ciphertext_is_bound_to_key_version_and_context() -> None:
    ciphertext = key_material.encrypt(MATERIAL, ID, 7, b"value", PAIRS)
    for material, key_id, version, pairs in (
        (key_material.new_material(), ID, 7, PAIRS),
        (MATERIAL, bytes(16), 7, PAIRS),
        (MATERIAL, ID, 8, PAIRS),
        (MATERIAL, ID, 7, {}),
    ):
        with pytest.raises(KeyFailure):
            key_material.decrypt(material, key_id, version, ciphertext, pairs)
    with pytest.raises(KeyFailure):
        key_material.version_of(ciphertext, bytes(16))


def test_the_highest_version_fits() -> None:
    last = key_material.MAX_VERSION
    ciphertext = key_material.encrypt(MATERIAL, ID, last, b"v", {})
    assert key_material.version_of(ciphertext, ID) == last
    with pytest.raises(OverflowError):
        key_material.encrypt(MATERIAL, ID, last + 1, b"v", {})


# -- hybrid


def test_the_parts_come_back() -> None:
    ciphertext = hybrid.seal_hybrid(CONTENT, b"value", PAIRS, "größe", WRAPPED)
    parts = hybrid.hybrid_parts(ciphertext)
    assert (parts.version, parts.wrapped) == ("größe", WRAPPED)
    assert hybrid.open_hybrid(CONTENT, parts, PAIRS) == b"value"


def test_no_byte_of_a_hybrid_may_differ() -> None:
    ciphertext = hybrid.seal_hybrid(CONTENT, b"value", PAIRS, "3", WRAPPED)
    changed = [flipped(ciphertext, at) for at in range(len(ciphertext))]
    cut = [ciphertext[:end] for end in range(len(ciphertext))]
    for other in (*changed, *cut, ciphertext + b"\n"):
        with pytest.raises(KeyFailure):
            hybrid.open_hybrid(CONTENT, hybrid.hybrid_parts(other), PAIRS)


def test_a_hybrid_is_bound_to_what_was_wrapped() -> None:
    ours = hybrid.hybrid_parts(hybrid.seal_hybrid(CONTENT, b"value", PAIRS, "3", WRAPPED))
    for version, wrapped, content, pairs in (
        ("4", WRAPPED, CONTENT, PAIRS),
        ("3", WRAPPED[:-1], CONTENT, PAIRS),
        ("3", WRAPPED, hybrid.new_content_key(), PAIRS),
        ("3", WRAPPED, CONTENT[:-1], PAIRS),
        ("3", WRAPPED, b"", PAIRS),
        ("3", WRAPPED, CONTENT, {}),
    ):
        other = hybrid.HybridParts(version, wrapped, ours.sealed)
        with pytest.raises(KeyFailure):
            hybrid.open_hybrid(content, other, pairs)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x02", b"\x02\0", b"\x02\xff\xff", b"\x02\0\1x", bytes(100), b"\x02" + bytes(100)],
)
def test_what_is_no_hybrid(data: bytes) -> None:
    with pytest.raises(KeyFailure):
        hybrid.hybrid_parts(data)


def test_a_version_that_is_no_text_is_refused() -> None:
    sealed = hybrid.seal_hybrid(CONTENT, b"v", {}, "ab", WRAPPED).replace(b"ab", b"\xff\xfe", 1)
    with pytest.raises(KeyFailure):
        hybrid.hybrid_parts(sealed)
