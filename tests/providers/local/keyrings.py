"""Keyrings for tests: an encrypted file, and backends that fail in each way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from keyrings.alt.file import EncryptedKeyring


@contextmanager
def chosen(backend: KeyringBackend) -> Iterator[None]:
    """The backend is the process's, until the end."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)


def encrypted(file: Path, password: str = "of the keyring") -> EncryptedKeyring:
    """A real backend: a file under a password, as a terminal would have given it."""

    class AtFile(EncryptedKeyring):  # type: ignore[misc]  # the package brings no types
        file_path = str(file)

    AtFile.__module__, AtFile.__qualname__ = EncryptedKeyring.__module__, "EncryptedKeyring"
    backend = AtFile()
    backend.keyring_key = password
    return backend


class Locked(KeyringBackend):
    """Cannot be unlocked; its error would show the value."""

    priority = 5

    def __init__(self) -> None:  # the library's own has no types
        pass

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("hunter2")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(password)


class Silent(KeyringBackend):
    """Waits for a dialogue that nobody answers, until ``released``."""

    priority = 5

    def __init__(self) -> None:
        self.released = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.released.wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.released.wait()
