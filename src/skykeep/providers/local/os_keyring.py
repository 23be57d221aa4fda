"""The keyring of the system, through the library ``keyring`` (extra ``skykeep[keyring]``).

An entry has the service ``skykeep``; its user is the vault's id in hexadecimal, with an
ending for what is no key. Values are base64 or plain words. Facts about backends and their
priorities: keyring.readthedocs.io and the library's ``backend.py``; priorities from 1 on are
recommended ones, ``fail`` has 0, ``null`` -1, those of ``keyrings.alt`` less than 1.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from skykeep.errors import Corrupt, KeyFailure, MissingExtra, SkykeepError, Unsupported

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "skykeep"

COUNTER = "/counter"
"""The ending of the entry with the vault's counter."""

ALONE_SECONDS = 10.0
"""How long a keyring may take where nobody is there to answer a dialogue of its own."""

ATTENDED_SECONDS = 120.0
"""How long where somebody is."""

ENCRYPTED = frozenset({"keyrings.alt.file.EncryptedKeyring"})
"""Taken in spite of a low priority: it encrypts, and was chosen by whoever set it up."""

_MEND = (
    "choose a backend that encrypts (keyring --list-backends; PYTHON_KEYRING_BACKEND, or"
    " keyringrc.cfg), or go without: SKYKEEP_KEYRING=off"
)


class OsKeyring:
    """Entries of one vault. Each call may open a dialogue of the system and is given up.

    ``attended``: somebody is there to answer it.
    """

    def __init__(self, vault: bytes, *, attended: bool) -> None:
        """``vault`` is the vault's 16-byte id."""
        self._user = vault.hex()
        self._seconds = ATTENDED_SECONDS if attended else ALONE_SECONDS

    def name(self) -> str:
        """The backend, as its library names it. Raises as :meth:`get`, but asks nothing."""
        return _named(self._backend())

    def get(self, what: str = "") -> str | None:
        """An entry's value, or None. ``what`` is the ending of its user's name.

        Raises ``MissingExtra``, ``Unsupported`` (a backend that is not safe),
        ``KeyFailure`` (locked, out of reach, no answer in time).
        """
        backend, user = self._backend(), self._user + what
        return self._tried("read", backend, lambda: backend.get_password(SERVICE, user))

    def set(self, value: str, what: str = "") -> None:
        """Make or replace an entry. Raises as :meth:`get`."""
        backend, user = self._backend(), self._user + what
        self._tried("written", backend, lambda: backend.set_password(SERVICE, user, value))

    def delete(self, what: str = "") -> bool:
        """Remove an entry; whether it was there. Raises as :meth:`get`."""
        if self.get(what) is None:
            return False
        backend, user = self._backend(), self._user + what
        self._tried("written", backend, lambda: backend.delete_password(SERVICE, user))
        return True

    def _backend(self) -> KeyringBackend:
        try:
            import keyring
        except ImportError:
            raise MissingExtra(
                "the vault is kept with the system's keyring, and its library is not installed",
                hint="pip install 'skykeep[keyring]'",
            ) from None
        chosen = self._tried("reached", None, keyring.get_keyring)
        for backend in getattr(chosen, "backends", None) or [chosen]:
            if float(backend.priority) < 1 and _named(backend) not in ENCRYPTED:
                raise Unsupported(
                    f"the keyring backend {_named(backend)} is not safe for a key: it keeps"
                    " nothing, or keeps it in the clear",
                    hint=_MEND,
                )
        return chosen

    def _tried(self, done: str, backend: KeyringBackend | None, work: Callable[[], T]) -> T:
        """In a thread of its own, which is left behind if it does not come back in time."""
        results: list[T] = []
        failures: list[str] = []

        def run() -> None:
            try:
                results.append(work())
            except BaseException as error:  # noqa: BLE001  (a backend's; may hold the value)
                failures.append(type(error).__name__)

        thread = threading.Thread(target=run, name="skykeep-keyring", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if results:
            return results.pop()
        named = "" if backend is None else f" ({_named(backend)})"
        why = failures[0] if failures else f"no answer within {self._seconds:g} seconds"
        raise KeyFailure(
            f"the system's keyring{named} cannot be {done}: {why}",
            hint="unlock it, or log in where it runs; to go without it: SKYKEEP_KEYRING=off",
        )


class KeyringAnchor:
    """The vault's counter in the keyring, in an entry of its own (see ``anchor.Anchor``).

    A keyring takes milliseconds: the number is written at the first commit of a session and
    when it is closed. Of a session that is killed, what came after its first commit is not
    known here.
    """

    def __init__(self, keyring: OsKeyring) -> None:
        self.where = "in the system's keyring"
        self.reason = ""
        self._keyring = keyring
        self._kept: int | None = None
        self._number = -1
        self._left = 2  # writes at once: what the opening found, and the first commit

    def read(self) -> int | None:
        found = self._keyring.get(COUNTER)
        if found is None:
            return None
        if not (found.isascii() and found.isdigit() and len(found) < 20):
            raise Corrupt(
                "the vault's counter in the system's keyring is damaged",
                hint="if the vault is as you left it, write it anew: skykeep vault accept",
            )
        self._kept = int(found)
        return self._kept

    def may_reach(self, number: int) -> bool:
        return self._kept is not None and self._kept >= number

    def keep(self, number: int) -> None:
        self._number = max(self._number, number)
        if self._left:
            self._left -= 1
            self._write()

    def put(self, number: int) -> None:
        self._number = number
        self._write(least=0)

    def close(self) -> None:
        if self._kept is None or self._number > self._kept:
            self._write()

    def _write(self, least: int | None = None) -> None:
        """Raises nothing; a higher number, which another process wrote meanwhile, stays."""
        try:
            kept = self.read() if least is None and self._number >= 0 else least
            if self._number > (kept or 0) or (kept is None and self._number == 0):
                self._keyring.set(str(self._number), COUNTER)
                self._kept = self._number
                self.reason = ""
        except SkykeepError as error:
            self.reason = error.message


def _named(backend: object) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"
