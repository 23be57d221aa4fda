"""What keys encrypt, a second time, from ``docs/spec/envelope.md``, 10, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from tests.spec.second import Damaged, context, seal, u32, unseal


def packed(pairs: Mapping[str, str]) -> bytes:
    out = b""
    for name in sorted(pairs):
        for text in (name, pairs[name]):
            out += u32(len(text.encode())) + text.encode()
    return out


def bound(key_id: bytes, version: int, pairs: Mapping[str, str]) -> bytes:
    return context("ciphertext", key_id, u32(version), packed(pairs))


def encrypt(
    secret: bytes,
    key_id: bytes,
    version: int,
    value: bytes,
    pairs: Mapping[str, str],
    *,
    nonce: bytes,
) -> bytes:
    head = b"\x01" + key_id + u32(version)
    return head + seal(secret, nonce, value, bound(key_id, version, pairs))


def decrypt(
    secrets: Mapping[int, bytes], key_id: bytes, ciphertext: bytes, pairs: Mapping[str, str]
) -> bytes:
    """``secrets``: of each version."""
    if ciphertext[:1] != b"\x01" or ciphertext[1:17] != key_id:
        raise Damaged("not of this key")
    version = int.from_bytes(ciphertext[17:21], "big")
    if version not in secrets:
        raise Damaged("no such version")
    return unseal(secrets[version], ciphertext[21:], bound(key_id, version, pairs))


def encrypt_hybrid(
    content: bytes,
    version: str,
    wrapped: bytes,
    value: bytes,
    pairs: Mapping[str, str],
    *,
    nonce: bytes,
) -> bytes:
    about = context("hybrid", version.encode(), wrapped, packed(pairs))
    fields = b"".join(
        len(each).to_bytes(2, "big") + each for each in (version.encode(), wrapped)
    )
    return b"\x02" + fields + seal(content, nonce, value, about)
