"""Signatures held against ``cryptography`` itself, beside whatever a driver does."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from skykeep.interfaces.key_driver import SignatureAlgorithm


def is_good(
    public: bytes, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes
) -> bool:
    """Whether the owner of the public key (DER) signed the SHA-256 digest."""
    key = load_der_public_key(public)
    sha256 = Prehashed(hashes.SHA256())
    try:
        if algorithm == "ecdsa-p256-sha256":
            assert isinstance(key, ec.EllipticCurvePublicKey)
            assert key.curve.name == "secp256r1"
            key.verify(signature, digest, ec.ECDSA(sha256))
        else:
            assert isinstance(key, rsa.RSAPublicKey)
            key.verify(
                signature,
                digest,
                padding.PSS(padding.MGF1(hashes.SHA256()), 32)
                if algorithm == "rsa-pss-sha256"
                else padding.PKCS1v15(),
                sha256,
            )
    except InvalidSignature:
        return False
    return True
