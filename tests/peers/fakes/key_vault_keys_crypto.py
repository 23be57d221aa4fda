"""What the keys of the Key Vault fake really do, by ``cryptography``.

Algorithms: ``JsonWebKeyEncryptionAlgorithm`` and ``JsonWebKeySignatureAlgorithm`` of
azure-keyvault-keys 4.11, those of SHA-256 and what the software keys of a vault (not a managed
HSM) have with them. ES256 is r || s (RFC 7518, section 3.4), PS256 has a salt of 32 bytes
(section 3.5).
"""

from __future__ import annotations

import base64
import re
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from tests.peers.fakes import key_vault_keys_answers as answers
from tests.peers.fakes.key_vault_answers import bad

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

SHA256 = hashes.SHA256()
DIGEST = 32
COORDINATE = 32
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
# Microsoft Learn, "About keys": sizes of RSA keys.
SIZES = (2048, 3072, 4096)
ENCRYPTION: dict[str, padding.AsymmetricPadding] = {
    "RSA-OAEP-256": padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
    "RSA-OAEP": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),  # noqa: S303 - the algorithm's own
}
SIGNING: dict[str, padding.AsymmetricPadding] = {
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), DIGEST),
    "RS256": padding.PKCS1v15(),
}


@cache
def rsa_key(size: int, number: int) -> rsa.RSAPrivateKey:
    """The process's ``number``-th key of a size.

    Making one takes a part of a second, and tests make hundreds: each vault takes its first
    one, second one and so on from here. Within a vault no two are the same.
    """
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_half(key: Private) -> dict[str, str]:
    """The fields of a JSON web key that everybody may know."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"n": number_as_text(numbers.n), "e": number_as_text(numbers.e)}
    point = key.public_key().public_numbers()
    return {
        "x": encoded(point.x.to_bytes(COORDINATE, "big")),
        "y": encoded(point.y.to_bytes(COORDINATE, "big")),
    }


def encrypt(key: Private, algorithm: str, plain: bytes) -> bytes:
    used = _encryption(key, algorithm)
    try:
        return _rsa(key).public_key().encrypt(plain, used)
    except ValueError:
        raise bad(f"The value is too large for {algorithm} with this key.") from None  # ours


def decrypt(key: Private, algorithm: str, sealed: bytes) -> bytes:
    used = _encryption(key, algorithm)
    size = _rsa(key).key_size // 8
    if len(sealed) != size:
        raise answers.wrong_length("value", len(sealed), algorithm, size)
    try:
        return _rsa(key).decrypt(sealed, used)
    except ValueError:
        raise answers.does_not_unwrap() from None


def sign(key: Private, algorithm: str, digest: bytes) -> bytes:
    used = _signing(key, algorithm, digest, "value")
    if isinstance(key, rsa.RSAPrivateKey):
        assert used is not None
        return key.sign(digest, used, Prehashed(SHA256))
    r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(Prehashed(SHA256))))
    return r.to_bytes(COORDINATE, "big") + s.to_bytes(COORDINATE, "big")


def verify(key: Private, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """False for a signature of another length, too: our reading."""
    used = _signing(key, algorithm, digest, "digest")
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            assert used is not None
            key.public_key().verify(signature, digest, used, Prehashed(SHA256))
        else:
            if len(signature) != 2 * COORDINATE:
                return False
            r = int.from_bytes(signature[:COORDINATE], "big")
            s = int.from_bytes(signature[COORDINATE:], "big")
            whole = encode_dss_signature(r, s)
            key.public_key().verify(whole, digest, ec.ECDSA(Prehashed(SHA256)))
    except InvalidSignature:
        return False
    return True


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decoded(text: object, field: str) -> bytes:
    """base64url, not empty. Raises a 400."""
    if not isinstance(text, str) or not BASE64URL.fullmatch(text):
        raise answers.no_base64url(field)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise answers.no_base64url(field) from None


def number_as_text(number: int) -> str:
    return encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _rsa(key: Private) -> rsa.RSAPrivateKey:
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _kty(key: Private) -> str:
    return "RSA" if isinstance(key, rsa.RSAPrivateKey) else "EC"


def _encryption(key: Private, algorithm: str) -> padding.AsymmetricPadding:
    if not isinstance(key, rsa.RSAPrivateKey) or algorithm not in ENCRYPTION:
        raise answers.other_kind(algorithm, _kty(key))
    return ENCRYPTION[algorithm]


def _signing(
    key: Private, algorithm: str, digest: bytes, field: str
) -> padding.AsymmetricPadding | None:
    """None for ECDSA, which has no padding."""
    known = algorithm in SIGNING if isinstance(key, rsa.RSAPrivateKey) else algorithm == "ES256"
    if not known:
        raise answers.other_kind(algorithm, _kty(key))
    if len(digest) != DIGEST:
        raise answers.wrong_length(field, len(digest), algorithm, DIGEST)
    return SIGNING.get(algorithm)
