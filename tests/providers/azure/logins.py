"""Credentials of Azure before the fakes of Entra and of its hosts, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from skykeep.errors import SkykeepError
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.azure.credentials import Credentials, open_credentials
from skykeep.providers.azure.settings import AzureSettings
from tests.peers.certificates import Authority
from tests.peers.fakes.entra import CLIENT, Entra
from tests.peers.fakes.key_vault_settings import TENANT

VAULT = "https://till.vault.azure.net"
SCOPE = "https://vault.azure.net/.default"
SECRET = "canary-" + "client-secret"
CERTIFICATE_PASSWORD = "canary-" + "password"
APPLICATION = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT}
SERVICE = {**APPLICATION, "AZURE_CLIENT_SECRET": SECRET}
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def settings(**keys: Any) -> AzureSettings:
    """Settings, checked as those of a file are."""
    return msgspec.convert({"backend": "azure", "vault_url": VAULT, **keys}, AzureSettings)


def context(environ: Mapping[str, str]) -> OpenContext:
    return OpenContext("primary (azure)", environ, Path)


async def credentials(environ: Mapping[str, str], **keys: Any) -> Credentials:
    return await open_credentials(settings(**keys), context(environ))


class Logins:
    """Opens credentials that know where the fake Entra is, and closes them."""

    def __init__(self, entra: Entra, authority: Authority) -> None:
        self.entra = entra
        self.ca = str(authority.ca)
        self._made: list[Credentials] = []

    async def __call__(
        self, environ: Mapping[str, str], method: str = "default", **keys: Any
    ) -> Credentials:
        """``keys`` are those of ``auth``; ``tenant_of_vault`` that of the target."""
        target = {"tenant": keys.pop("tenant_of_vault", None)}
        auth: dict[str, Any] = {"method": method, **keys}
        # By variables: the methods that never ask Entra know no key for it.
        whole = {
            "AZURE_AUTHORITY_HOST": self.entra.address,
            "SSL_CERT_FILE": self.ca,
            **environ,
        }
        made = await credentials(whole, auth=auth, **target)
        self._made.append(made)
        return made

    async def token(
        self, environ: Mapping[str, str], method: str = "default", **keys: Any
    ) -> str:
        made = await self(environ, method, **keys)
        return await made.token(SCOPE, None)

    async def refusal(
        self,
        kind: type[SkykeepError],
        environ: Mapping[str, str],
        method: str = "default",
        *hidden: str,
        **keys: Any,
    ) -> SkykeepError:
        """Why there is no token; says nothing of what was shown."""
        with pytest.raises(kind) as caught:
            await self.token(environ, method, **keys)
        error = caught.value
        assert type(error) is kind
        for word in (SECRET, CERTIFICATE_PASSWORD, *hidden):
            assert word not in f"{error!r} {error} {vars(error)}"
        assert error.target == "primary (azure)"
        assert error.__cause__ is None
        assert error.__context__ is None
        return error

    async def close(self) -> None:
        for each in self._made:
            await each.close()


def certificate(key: Key | None = None) -> tuple[x509.Certificate, Key]:
    """A self-signed certificate of an application."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "till")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made, key


def pem(made: x509.Certificate, key: Key, password: str = "") -> bytes:
    return made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _encryption(password)
    )


def pfx(made: x509.Certificate, key: Key, password: str = "") -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"till", key, made, None, _encryption(password)
    )


def _encryption(password: str) -> serialization.KeySerializationEncryption:
    if password:
        return serialization.BestAvailableEncryption(password.encode())
    return serialization.NoEncryption()
