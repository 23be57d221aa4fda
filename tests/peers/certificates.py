"""An authority for tests, and certificates that it issues: good ones, and each kind of bad."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = ("127.0.0.1", "localhost")
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Issued:
    """PEM files: a certificate and its private key."""

    certificate: Path
    key: Path

    def server(self, minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
        """What a server needs to present it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = minimum
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """A self-signed authority; ``ca`` is its PEM file. Files go to ``directory``."""

    def __init__(self, directory: Path, name: str = "skykeep tests") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._issued = 0
        now = datetime.now(UTC)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = self._builder(self._name, self._key, now - YEAR, now + YEAR)
        made = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = directory / "ca.pem"
        self.ca.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, *names: str, begins: datetime | None = None, ends: datetime | None = None
    ) -> Issued:
        """A certificate for host names and addresses; the loopback's when none is given."""
        alternatives = x509.SubjectAlternativeName([general(n) for n in names or LOOPBACK])
        return self._issue("server", (), alternatives, begins, ends)

    def issue_client(
        self,
        user: str,
        *groups: str,
        begins: datetime | None = None,
        ends: datetime | None = None,
    ) -> Issued:
        """A certificate for a client: the user is the common name, groups are organizations."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        return self._issue(user, groups, usage, begins, ends)

    def _issue(
        self,
        name: str,
        organizations: Sequence[str],
        extension: x509.ExtensionType,
        begins: datetime | None,
        ends: datetime | None,
    ) -> Issued:
        now = datetime.now(UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, name),
                *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations),
            ]
        )
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = (
            self._builder(subject, key, begins or now - YEAR, ends or now + YEAR)
            .add_extension(extension, critical=False)
            .add_extension(identifier, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self._issued += 1
        place = self._directory / f"issued{self._issued}"
        issued = Issued(place.with_suffix(".pem"), place.with_suffix(".key"))
        issued.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return issued

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begins: datetime,
        ends: datetime,
    ) -> x509.CertificateBuilder:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(identifier, critical=False)
        )


def general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
