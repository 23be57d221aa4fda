"""A second implementation of what is sealed before upload: sections 8 and 9 of
``docs/spec/envelope.md``, and nothing else. It shares no line with skykeep."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.spec.second import Damaged, context, hkdf, seal, u64, unseal

CHUNK = 65_536


@dataclass(frozen=True)
class Wrapped:
    """Which key wraps the data key, in which version, and the wrapped one."""

    kek: str
    version: str
    wrapped: bytes

    def pack(self) -> bytes:
        return b"".join(
            field(each) for each in (self.kek.encode(), self.version.encode(), self.wrapped)
        )


def field(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def take(data: bytes, at: int) -> tuple[bytes, int]:
    """The field that begins there, and where the next one does."""
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    if at + 2 > len(data) or end > len(data):
        raise Damaged("a field is cut off")
    return data[at + 2 : end], end


def unpack(data: bytes, at: int) -> tuple[Wrapped, int]:
    kek, at = take(data, at)
    version, at = take(data, at)
    wrapped, at = take(data, at)
    try:
        return Wrapped(kek.decode(), version.decode(), wrapped), at
    except UnicodeDecodeError:
        raise Damaged("no text") from None


# -- 8. secrets


@dataclass(frozen=True)
class Secret:
    """A sealed secret that was opened."""

    key: Wrapped
    store: str
    revision: int
    value: bytes


def secret_key(dek: bytes) -> bytes:
    return hkdf(dek, b"", b"skykeep/1 secret")


def seal_secret(
    dek: bytes,
    key: Wrapped,
    value: bytes,
    *,
    store: str,
    revision: int,
    name: str,
    nonce: bytes,
) -> bytes:
    header = b"SKS1\x01" + key.pack() + field(store.encode()) + u64(revision)
    bound = context("secret", header, name.encode())
    return header + seal(secret_key(dek), nonce, value, bound)


def open_secret(dek: bytes, name: str, sealed: bytes) -> Secret:
    if sealed[:5] != b"SKS1\x01":
        raise Damaged("no sealed secret")
    key, at = unpack(sealed, 5)
    store, at = take(sealed, at)
    end = at + 8
    bound = context("secret", sealed[:end], name.encode())
    value = unseal(secret_key(dek), sealed[end:], bound)
    return Secret(key, store.decode(), int.from_bytes(sealed[at:end], "big"), value)


# -- 9. objects


def keys(dek: bytes, salt: bytes, name: str) -> bytes:
    info = context("object", name.encode())
    return HKDF(algorithm=SHA256(), length=64, salt=salt, info=info).derive(dek)


def header_key(dek: bytes, salt: bytes, name: str) -> bytes:
    return keys(dek, salt, name)[32:]


def body_key(dek: bytes, salt: bytes, name: str) -> bytes:
    return keys(dek, salt, name)[:32]


def nonce_of(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def object_header(dek: bytes, key: Wrapped, salt: bytes, name: str) -> bytes:
    beginning = (b"SKO1\x01" + salt + key.pack()).ljust(992, b"\x00")
    return beginning + hmac.digest(header_key(dek, salt, name), beginning, "sha256")


def seal_object(dek: bytes, key: Wrapped, salt: bytes, name: str, body: bytes) -> bytes:
    aead = AESGCM(body_key(dek, salt, name))
    pieces = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)] or [b""]
    sealed = [
        aead.encrypt(nonce_of(number, number == len(pieces) - 1), piece, b"")
        for number, piece in enumerate(pieces)
    ]
    return object_header(dek, key, salt, name) + b"".join(sealed)


def open_object(dek: bytes, name: str, sealed: bytes) -> tuple[Wrapped, bytes]:
    """The whole body, and under which key it is."""
    header, rest = sealed[:1024], sealed[1024:]
    if len(header) < 1024 or header[:5] != b"SKO1\x01" or len(rest) < 16:
        raise Damaged("no sealed object")
    salt = header[5:37]
    key, at = unpack(header[:992], 37)
    if any(header[at:992]):
        raise Damaged("something stands where zeros should")
    mac = hmac.digest(header_key(dek, salt, name), header[:992], "sha256")
    if not hmac.compare_digest(mac, header[992:]):
        raise Damaged("the header does not authenticate")
    aead = AESGCM(body_key(dek, salt, name))
    pieces = [rest[at : at + CHUNK + 16] for at in range(0, len(rest), CHUNK + 16)]
    body = []
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        try:
            body.append(aead.decrypt(nonce_of(number, last), piece, b""))
        except (InvalidTag, ValueError):
            raise Damaged("a chunk does not open") from None
    if len(body) > 1 and not body[-1]:
        raise Damaged("an empty chunk behind others")
    return key, b"".join(body)
