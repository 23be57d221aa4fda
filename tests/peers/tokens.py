"""An issuer of JSON web tokens (RFC 7519), which shows its keys as OpenID Connect asks."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class Issuer:
    """Issues tokens that are signed by RS256. ``url`` is what it calls itself."""

    def __init__(self, url: str = "https://issuer.test") -> None:
        self.url = url
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        # As Kubernetes names its keys, which looks for no other (its
        # pkg/serviceaccount/jwt.go, keyIDFromPublicKey).
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._id = base64url(hashlib.sha256(der).digest())

    @property
    def public_key(self) -> str:
        """PEM."""
        return (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode("ascii")
        )

    @property
    def private_key(self) -> str:
        """PEM, for a server that signs as this issuer does."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode("ascii")

    def token(self, subject: str, audience: str, *, seconds: int = 600, **claims: Any) -> str:
        """A token that ends ``seconds`` from now; negative: one that has ended."""
        now = int(time.time())
        body = {
            "iss": self.url,
            "sub": subject,
            "aud": audience,
            "iat": now - 700,
            "nbf": now - 700,
            "exp": now + seconds,
            **claims,
        }
        head = {"alg": "RS256", "typ": "JWT", "kid": self._id}
        signed = f"{encoded(head)}.{encoded(body)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{base64url(signature)}"

    def documents(self) -> dict[str, Any]:
        """What is found at its paths: discovery, and the keys."""
        numbers = self._key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self._id,
            "n": base64url(numbers.n.to_bytes(256, "big")),
            "e": base64url(numbers.e.to_bytes(3, "big")),
        }
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "subject_types_supported": ["public"],
                "response_types_supported": ["id_token"],
            },
            "/keys": {"keys": [key]},
        }


def encoded(part: dict[str, Any]) -> str:
    return base64url(json.dumps(part, separators=(",", ":")).encode())


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
