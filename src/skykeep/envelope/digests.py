"""Digests, keyed and not, for what signs and compares outside of the vault."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes, hmac


def sha256(data: bytes) -> bytes:
    """32 bytes (FIPS 180-4)."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """32 bytes (RFC 2104 with SHA-256)."""
    mac = hmac.HMAC(key, hashes.SHA256())
    mac.update(data)
    return mac.finalize()
