"""The rivals among the stores.

Facts about them are from their sources, at the versions that the results name:

- keyring: ``keyrings.alt.file.EncryptedKeyring``. Every get and set reads the whole file;
  every value has a salt, so every get and set derives a key, by PBKDF2 with PyCryptodome's
  defaults (HMAC-SHA1, 1,000 iterations). A set writes the file in place.
- pykeepass: a database as ``create_database`` makes it (KDBX 4, Argon2d, AES-256). Opening
  it decrypts all values. ``save`` derives a key anew, writes everything into a second file
  and moves that over the first.
- sealed file: one JSON object, as a whole in AES-256-GCM under the key in a file; written
  beside, synced, renamed. sops seals value by value and adds a MAC over all of them, and it
  asks a key service or age for the key: it does all of this work and more.

keyring and pykeepass sync nothing. So that what is acknowledged is as durable everywhere, the
benchmark syncs their file after each write (some 0.1 ms on the disk of the results). A crash
while keyring writes still costs all of its secrets; with the others it costs nothing.
"""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from bench.measure import per_call
from bench.store import (
    GET,
    OPEN,
    PASSPHRASE,
    PER_PREFIX,
    SET,
    VALUE_BYTES,
    Progress,
    Store,
    Timed,
    name,
    value,
)


def sync(*paths: Path) -> None:
    """Wait until files and directories are on the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class SyncedStore(Store):
    """What is called without an event loop."""

    @abstractmethod
    def read(self, number: int) -> str:
        """From the open store."""

    def timed(self) -> Mapping[str, Timed]:
        def get() -> None:
            assert len(self.read(self.next_one())) == VALUE_BYTES

        def put() -> None:
            self.write(self.next_one(), self.next_value())

        return {
            SET: lambda times: per_call(put, times),
            GET: lambda times: per_call(get, times),
            OPEN: lambda times: per_call(lambda: self.opened(self.next_one()), times),
        }


class Keyring(SyncedStore):
    """``keyring`` with the encrypted file of ``keyrings.alt``."""

    label = "keyring"
    derivation = "PBKDF2-HMAC-SHA1, 1,000 iterations; in each get and set"

    def __init__(self, folder: Path, size: int) -> None:
        super().__init__(folder, size)
        self._path = folder / "crypted_pass.cfg"
        self._open: Any = None

    @contextmanager
    def _unlocked(self) -> Iterator[Any]:
        """A new backend, whose question for the password is answered at once."""
        from keyrings.alt.file import EncryptedKeyring

        backend = EncryptedKeyring()
        backend.file_path = str(self._path)
        with mock.patch("getpass.getpass", return_value=PASSPHRASE):
            assert backend.keyring_key == PASSPHRASE
            yield backend

    def make(self, progress: Progress) -> None:
        """By its own encryption of each value, but one save: set by set would take hours."""
        import configparser

        from keyrings.alt.escape import escape
        from keyrings.alt.file_base import encodebytes

        with self._unlocked() as backend:
            self._open = backend
        config = configparser.RawConfigParser()
        config.read(self._path, encoding="utf-8")
        for number in range(self.size):
            service, user = map(escape, name(number))
            if not config.has_section(service):
                config.add_section(service)
            sealed = self._open.encrypt(value(number).encode())
            config.set(service, user, "\n" + encodebytes(sealed).decode())
            progress(number + 1)
        with self._path.open("w", encoding="utf-8") as file:
            config.write(file)

    def derive(self) -> object:
        return self._open._create_cipher(PASSPHRASE, bytes(32), bytes(16))

    def read(self, number: int) -> str:
        found: str = self._open.get_password(*name(number))
        return found

    def write(self, number: int, written: str) -> None:
        self._open.set_password(*name(number), written)
        sync(self._path, self.folder)

    def opened(self, number: int) -> str:
        with self._unlocked() as backend:
            found: str = backend.get_password(*name(number))
        return found


class Pykeepass(SyncedStore):
    """A KeePass database through ``pykeepass``, a group for each prefix."""

    label = "pykeepass"
    derivation = "Argon2d, 64 MiB, 14 passes, 2 lanes; in each set"

    def __init__(self, folder: Path, size: int) -> None:
        super().__init__(folder, size)
        self._path = folder / "secrets.kdbx"
        self._open: Any = None

    def make(self, progress: Progress) -> None:
        """Entry by entry in memory, one save."""
        import pykeepass

        self._open = pykeepass.create_database(str(self._path), password=PASSPHRASE)
        root = self._open.root_group
        group: Any = None
        for number in range(self.size):
            prefix, title = name(number)
            if number % PER_PREFIX == 0:
                group = self._open.add_group(root, prefix)
            self._open.add_entry(group, title, "", value(number), force_creation=True)
            progress(number + 1)
        self._open.save()

    def derive(self) -> object:
        """As ``pykeepass.kdbx_parsing.kdbx4`` does, with what the header says."""
        import argon2.low_level

        header = self._open.kdbx.header.value.dynamic_header
        of = {key: item.value for key, item in header.kdf_parameters.data.dict.items()}
        assert self._open.kdf_algorithm == "argon2"
        assert self.derivation.startswith(
            f"Argon2d, {of['M'] >> 20} MiB, {of['I']} passes, {of['P']} lanes"
        )
        return argon2.low_level.hash_secret_raw(
            secret=bytes(32),
            salt=of["S"],
            hash_len=32,
            type=argon2.low_level.Type.D,
            time_cost=of["I"],
            memory_cost=of["M"] >> 10,
            parallelism=of["P"],
            version=of["V"],
        )

    def read(self, number: int) -> str:
        return self._found(self._open, number)

    def _found(self, database: Any, number: int) -> str:
        text: str = database.find_entries(path=list(name(number)), first=True).password
        return text

    def write(self, number: int, written: str) -> None:
        self._open.find_entries(path=list(name(number)), first=True).password = written
        self._open.save()
        sync(self._path, self.folder)

    def opened(self, number: int) -> str:
        import pykeepass

        return self._found(pykeepass.PyKeePass(str(self._path), password=PASSPHRASE), number)


class SealedFile(SyncedStore):
    """One JSON object in AES-256-GCM, open as a ``dict`` in memory with all values in it."""

    label = "sealed file"
    derivation = "none: a key file"

    def __init__(self, folder: Path, size: int) -> None:
        super().__init__(folder, size)
        self._path = folder / "secrets.sealed"
        self._key = folder / "key"
        self._open: dict[str, str] = {}

    def make(self, progress: Progress) -> None:
        self._key.write_bytes(os.urandom(32))
        self._open = {"/".join(name(n)): value(n) for n in range(self.size)}
        self._save()
        progress(self.size)

    def derive(self) -> object:
        return None

    def _cipher(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key.read_bytes())

    def _save(self) -> None:
        nonce = os.urandom(12)
        sealed = self._cipher().encrypt(nonce, json.dumps(self._open).encode(), None)
        draft = self._path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(nonce + sealed)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        sync(self.folder)

    def read(self, number: int) -> str:
        return self._open["/".join(name(number))]

    def write(self, number: int, written: str) -> None:
        self._open["/".join(name(number))] = written
        self._save()

    def opened(self, number: int) -> str:
        sealed = self._path.read_bytes()
        document = json.loads(self._cipher().decrypt(sealed[:12], sealed[12:], None))
        text: str = document["/".join(name(number))]
        return text
