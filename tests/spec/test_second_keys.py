"""What keys encrypt: vectors, and both implementations open each other's."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from skykeep.envelope import hybrid, key_material, sealed
from skykeep.errors import KeyFailure
from skykeep.interfaces.key_context import packed_context
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local.keys import open_keys
from tests.providers.local.vaults import made
from tests.spec import make_key_vectors, second, second_keys

VECTORS: dict[str, Any] = json.loads(make_key_vectors.FILE.read_text(encoding="utf-8"))
CIPHERTEXTS, HYBRIDS = VECTORS["ciphertexts"], VECTORS["hybrids"]
PAIRS = st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4)


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def test_the_vectors_are_what_the_second_implementation_makes(tmp_path: Path) -> None:
    make_key_vectors.write(tmp_path)
    made_anew = json.loads((tmp_path / make_key_vectors.FILE.name).read_text(encoding="utf-8"))
    assert made_anew == VECTORS


@pytest.mark.parametrize("case", [*CIPHERTEXTS, *HYBRIDS])
def test_contexts_are_packed_so(case: dict[str, Any]) -> None:
    assert packed_context(case["pairs"]) == unhex(case["packed"])
    assert packed_context(dict(reversed(case["pairs"].items()))) == unhex(case["packed"])


@pytest.mark.parametrize("case", CIPHERTEXTS)
def test_ciphertexts(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    secret, key_id, pairs = unhex(case["secret"]), unhex(case["key_id"]), case["pairs"]
    ciphertext, value = unhex(case["ciphertext"]), unhex(case["value"])
    version = key_material.version_of(ciphertext, key_id)
    assert version == case["version"]
    assert key_material.decrypt(secret, key_id, version, ciphertext, pairs) == value
    assert second_keys.decrypt({version: secret}, key_id, ciphertext, pairs) == value
    monkeypatch.setattr(sealed.os, "urandom", lambda count: unhex(case["nonce"]))  # type: ignore[attr-defined]  # where the nonce comes from
    assert key_material.encrypt(secret, key_id, version, value, pairs) == ciphertext


@pytest.mark.parametrize("case", HYBRIDS)
def test_hybrids(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    content, wrapped = unhex(case["content"]), unhex(case["wrapped"])
    ciphertext, value = unhex(case["ciphertext"]), unhex(case["value"])
    parts = hybrid.hybrid_parts(ciphertext)
    assert (parts.version, parts.wrapped) == (case["version"], wrapped)
    assert hybrid.open_hybrid(content, parts, case["pairs"]) == value
    monkeypatch.setattr(sealed.os, "urandom", lambda count: unhex(case["nonce"]))  # type: ignore[attr-defined]  # where the nonce comes from
    made_anew = hybrid.seal_hybrid(content, value, case["pairs"], case["version"], wrapped)
    assert made_anew == ciphertext


@given(pairs=PAIRS, other=PAIRS, value=st.binary(min_size=1, max_size=100))
@settings(deadline=None, max_examples=60)
def test_both_open_what_the_other_made(
    pairs: dict[str, str], other: dict[str, str], value: bytes
) -> None:
    secret, key_id = key_material.new_material(), bytes(range(16))
    ours = key_material.encrypt(secret, key_id, 7, value, pairs)
    assert second_keys.decrypt({7: secret}, key_id, ours, pairs) == value
    theirs = second_keys.encrypt(secret, key_id, 7, value, pairs, nonce=bytes(12))
    assert key_material.decrypt(secret, key_id, 7, theirs, pairs) == value
    if other != pairs:
        with pytest.raises(KeyFailure):
            key_material.decrypt(secret, key_id, 7, ours, other)
        with pytest.raises(second.Damaged):
            second_keys.decrypt({7: secret}, key_id, ours, other)


def test_keys_are_found_in_the_vault_from_the_page_alone(tmp_path: Path) -> None:
    place = made(tmp_path)

    async def use() -> list[bytes]:
        driver = await open_keys(place.settings, place.context)
        try:
            await driver.create("team/key")
            old = await driver.encrypt("team/key", SecretValue(b"old"), {"a": "b"})
            await driver.rotate("team/key")
            await driver.create("native:their key")
            await driver.create("signs", "sign", "ecdsa-p256-sha256")
            return [old, await driver.encrypt("team/key", SecretValue(b"new"), {})]
        finally:
            await driver.close()

    old, new = asyncio.run(use())
    with second.open_vault(place.path, key=place.key_path.read_bytes()) as vault:
        vault.verify()
        listed = sorted(record.name for record in vault.under("key:"))
        assert listed == ["key:/signs", "key:/team/key"]
        record = vault.record("key:/team/key")
        assert record.metadata == {"purpose": "encrypt"}
        secrets = {
            number: vault.value("key:/team/key", version=number)
            for number in (stored.number for stored in record.versions)
        }
        assert second_keys.decrypt(secrets, record.serial, old, {"a": "b"}) == b"old"
        assert second_keys.decrypt(secrets, record.serial, new, {}) == b"new"
        assert vault.record("key:native:their key").metadata == {"purpose": "encrypt"}
        signing = vault.record("key:/signs").metadata
        assert signing == {"purpose": "sign", "algorithm": "ecdsa-p256-sha256"}
        load_der_private_key(vault.value("key:/signs"), None)
