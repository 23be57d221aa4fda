"""The journal of owed writes: its header and its rows. docs/spec/envelope.md, 11.

    header = "SKJ1" || 0x01 || journal id (16) || salt (16) || sealed DEK (61) || SHA-256 (32)

The key file's key wraps a DEK of the journal's own; what comes before the sealed DEK is its
context. Each row is sealed with the journal's id, its own and the commit that it is of: a row
that is moved to another place, or into another journal, does not open there.
"""

from __future__ import annotations

import os
import struct
from typing import ClassVar, Final, NamedTuple

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from skykeep.envelope.digests import sha256
from skykeep.envelope.sealed import KEY_BYTES, OVERHEAD, Sealer, context
from skykeep.errors import Corrupt, KeyFailure, Unsupported

MAGIC: Final = b"SKJ"
FORMAT: Final = b"1"
ALGORITHM: Final = b"\x01"
JOURNAL_ID_BYTES: Final = 16
SALT_BYTES: Final = 16

_BEGIN: Final = MAGIC + FORMAT + ALGORITHM
_OPEN_BYTES: Final = len(_BEGIN) + JOURNAL_ID_BYTES + SALT_BYTES
_SEALED_BYTES: Final = KEY_BYTES + OVERHEAD
_DIGEST_BYTES: Final = 32
HEADER_BYTES: Final = _OPEN_BYTES + _SEALED_BYTES + _DIGEST_BYTES

_STATE: Final = struct.Struct(">6Q")


class JournalState(NamedTuple):
    """What is known of all rows together.

    Attributes:
        number: of the commits so far.
        last: the highest id that was ever given.
        entries: rows that are owed.
        size: bytes of payload in them.
        gone: rows that were removed and of which a trace is kept.
        swept: the number of the newest commit of which a trace was swept away.
    """

    number: int = 0
    last: int = 0
    entries: int = 0
    size: int = 0
    gone: int = 0
    swept: int = 0


class JournalKeys:
    """What an unlocked journal works with. Holds subkeys only.

    Attributes:
        journal: the journal's 16-byte id.
        overhead: bytes by which a sealed row is longer than its payload.
    """

    __slots__ = ("_names", "_sealer", "journal")
    overhead: ClassVar[int] = OVERHEAD

    def __init__(self, dek: bytes, journal: bytes) -> None:
        self.journal = journal
        self._sealer = Sealer(_derive(dek, journal, b"skykeep/1 journal"))
        names = _derive(dek, journal, b"skykeep/1 journal locks")
        self._names = hmac.HMAC(names, hashes.SHA256())

    def seal_row(self, row: int, number: int, payload: bytes) -> bytes:
        """The sealed message; ``number`` is the commit's. 29 bytes longer than the payload."""
        try:
            return self._sealer.seal(payload, self._row(row, number))
        finally:
            del payload  # reports of errors may show the variables of a frame

    def open_row(self, row: int, number: int, sealed: bytes) -> bytes:
        """The payload. Raises ``Corrupt`` for all but what was sealed as this row."""
        return self._sealer.open(sealed, self._row(row, number))

    def seal_state(self, state: JournalState) -> bytes:
        """The sealed message."""
        return self._sealer.seal(_STATE.pack(*state), context(b"journal state", self.journal))

    def open_state(self, sealed: bytes) -> JournalState:
        """The state. Raises ``Corrupt``."""
        plain = self._sealer.open(sealed, context(b"journal state", self.journal))
        if len(plain) != _STATE.size:
            raise Corrupt("its state makes no sense")
        return JournalState(*_STATE.unpack(plain))

    def stripe(self, name: str) -> int:
        """0 to 255: which lock a name has. It tells nothing of the name."""
        mac = self._names.copy()
        mac.update(name.encode("utf-8", "surrogatepass"))
        return mac.finalize()[0]

    def _row(self, row: int, number: int) -> bytes:
        return context(
            b"journal row", self.journal, row.to_bytes(8, "big"), number.to_bytes(8, "big")
        )


def new_journal(key: bytes) -> tuple[bytes, JournalKeys]:
    """The header of a new journal under the 32 bytes of a key file, and its keys."""
    begin = _BEGIN + os.urandom(JOURNAL_ID_BYTES) + os.urandom(SALT_BYTES)
    dek = os.urandom(KEY_BYTES)
    try:
        header = begin + _wrapper(key, begin).seal(dek, _about(begin))
        return header + sha256(header), JournalKeys(dek, _journal_id(begin))
    finally:
        del dek, key  # reports of errors may show the variables of a frame


def unlock_journal(header: bytes, key: bytes) -> JournalKeys:
    """The keys by those 32 bytes.

    Raises ``Corrupt`` if the header is damaged, ``Unsupported`` if it is newer, ``KeyFailure``.
    """
    try:
        body, digest = header[:-_DIGEST_BYTES], header[-_DIGEST_BYTES:]
        # The digest tells damage from another key; it is no protection, and needs to be none.
        if not body.startswith(MAGIC) or not bytes_eq(sha256(body), digest):
            raise Corrupt("its header is damaged")
        if not body.startswith(_BEGIN):
            raise Unsupported(
                "the journal is of a newer skykeep", hint="upgrade skykeep; nothing was touched"
            )
        if len(header) != HEADER_BYTES:
            raise Corrupt("its header makes no sense")
        begin, wrapped = body[:_OPEN_BYTES], body[_OPEN_BYTES:]
        try:
            dek = _wrapper(key, begin).open(wrapped, _about(begin))
        except Corrupt:
            pass
        else:
            return JournalKeys(dek, _journal_id(begin))
    finally:
        dek = b""
        del key, dek
    raise KeyFailure("this key file does not unlock the journal")


def _journal_id(begin: bytes) -> bytes:
    return begin[len(_BEGIN) : len(_BEGIN) + JOURNAL_ID_BYTES]


def _about(begin: bytes) -> bytes:
    return context(b"journal key", begin)


def _wrapper(key: bytes, begin: bytes) -> Sealer:
    return Sealer(_derive(key, begin[-SALT_BYTES:], b"skykeep/1 journal key file"))


def _derive(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt, info).derive(key)
