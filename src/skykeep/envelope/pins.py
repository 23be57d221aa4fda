"""The digest by which a public key is pinned."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from skykeep.envelope.digests import sha256


def key_digest(certificate: bytes) -> bytes:
    """SHA-256 of the public key of a DER certificate (its SubjectPublicKeyInfo): 32 bytes.

    As in RFC 7469, 2.4. It stays the same when a certificate is renewed for the same key.
    Raises ``ValueError`` for what is no certificate.
    """
    key = load_der_x509_certificate(certificate).public_key()
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
