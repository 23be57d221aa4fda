"""Signatures over SHA-256 digests, made and checked in this process.

ECDSA on P-256 as DER (RFC 3279, 2.2.3); RSA of 3,072 bits with PSS (MGF1 of SHA-256, a salt
of 32 bytes) or PKCS #1 v1.5 (RFC 8017). Private keys are PKCS #8, public ones
SubjectPublicKeyInfo, both in DER.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from skykeep.errors import Invalid, KeyFailure
from skykeep.interfaces.key_driver import SignatureAlgorithm

RSA_BITS: Final = 3072
"""As strong as P-256 (NIST SP 800-57 part 1, table 2)."""

ALGORITHMS: Final[tuple[SignatureAlgorithm, ...]] = (
    "ecdsa-p256-sha256",
    "rsa-pss-sha256",
    "rsa-pkcs1-sha256",
)

_DIGEST = Prehashed(hashes.SHA256())
_SALT_BYTES = 32
_P256_BYTES = 32


def new_private_key(algorithm: SignatureAlgorithm, *, rsa_bits: int = RSA_BITS) -> bytes:
    """A new private key for that algorithm. RSA takes about a tenth of a second."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if algorithm == "ecdsa-p256-sha256":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_key_of(private: bytes) -> bytes:
    """The public half."""
    try:
        return _der(_private(private).public_key())
    finally:
        del private  # reports of errors may show the variables of a frame


def sign(private: bytes, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
    """The signature over a SHA-256 digest (32 bytes)."""
    try:
        key = _private(private)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(digest, ec.ECDSA(_DIGEST))
        return key.sign(digest, _padding(algorithm), _DIGEST)
    finally:
        del private  # as in public_key_of


def verify(
    public: bytes, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes
) -> bool:
    """Whether the public key's owner signed that SHA-256 digest.

    For stores that give the public key only. Raises ``Invalid`` for a key that is none, or
    one of another algorithm.
    """
    try:
        key = serialization.load_der_public_key(public)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm == "ecdsa-p256-sha256":
            if not isinstance(key.curve, ec.SECP256R1):
                raise Invalid("this public key is not on the curve P-256")
            key.verify(signature, digest, ec.ECDSA(_DIGEST))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm != "ecdsa-p256-sha256":
            key.verify(signature, digest, _padding(algorithm), _DIGEST)
        else:
            raise Invalid(f"this is no public key for {algorithm}")
    except InvalidSignature:
        return False
    return True


# -- other encodings, as stores and their interfaces have them


def public_from_pem(pem: bytes) -> bytes:
    """DER of a public key in PEM. Raises ``Invalid``."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        raise Invalid("this is no public key in PEM")
    return _der(key)


def ecdsa_as_der(raw: bytes) -> bytes:
    """DER of ``r || s``, 32 bytes each, as JWS has it (RFC 7518, 3.4). Raises ``Invalid``."""
    if len(raw) != 2 * _P256_BYTES:
        raise Invalid(f"an ECDSA signature of P-256 has {2 * _P256_BYTES} bytes as r and s")
    r, s = raw[:_P256_BYTES], raw[_P256_BYTES:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def ecdsa_as_raw(der: bytes) -> bytes | None:
    """``r || s`` of DER; None for what is no signature of P-256: nobody made it."""
    try:
        r, s = decode_dss_signature(der)
        return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")
    except (ValueError, OverflowError):
        return None


# -- inside


def _private(der: bytes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    try:
        # Ours, and authenticated where it was kept: its numbers need no second proof, which
        # takes longer than to sign with them.
        key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    finally:
        del der  # as in public_key_of
    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise KeyFailure("this key is damaged")
    return key


def _der(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _padding(algorithm: SignatureAlgorithm) -> padding.AsymmetricPadding:
    if algorithm == "rsa-pss-sha256":
        return padding.PSS(padding.MGF1(hashes.SHA256()), _SALT_BYTES)
    return padding.PKCS1v15()
