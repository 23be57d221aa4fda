"""Vaults that stay unlocked for a while: between processes, and inside of one.

Between processes (``skykeep unlock``) the DEK is kept in the kernel's memory, or where there
is no such thing in the system's keyring with the time until which it counts; never in a
file. Inside of one process (:func:`unlocked`) its keys are kept in that process only.

What is kept is bound to the vault's header: with another passphrase, other keys or a copy
put back, the vault has to be unlocked again.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from skykeep.envelope.digests import sha256
from skykeep.envelope.header import Header, pack
from skykeep.envelope.keys import VaultKeys
from skykeep.envelope.sealed import KEY_BYTES
from skykeep.errors import Invalid, KeyFailure, MissingExtra, SkykeepError, Unsupported

if TYPE_CHECKING:
    from skykeep.providers.local.kernel_keyring import KernelKeyring
    from skykeep.providers.local.os_keyring import OsKeyring

LONGEST = timedelta(hours=12)
_TIME_BYTES = 8


def keep(header: Header, dek: bytes, duration: timedelta, keyring: OsKeyring | None) -> str:
    """Keep the vault unlocked for the user's processes; says where.

    ``keyring`` is taken where the kernel keeps no keys. Raises ``Invalid`` (0 to 12 hours),
    ``Unsupported`` if there is neither.
    """
    seconds = check(duration)
    until = int(time.time()) + seconds
    entry = dek + until.to_bytes(_TIME_BYTES, "big")
    del dek  # reports of errors may show the variables of a frame
    try:
        _kernel().put(_name(header), entry, seconds)
        return "in the kernel's memory"
    except Unsupported as error:
        refused = error
    if keyring is not None:
        try:
            keyring.set(base64.b64encode(entry).decode(), _entry(header))
            return "in the system's keyring"
        except (MissingExtra, KeyFailure, Unsupported) as error:
            refused = Unsupported(
                f"{refused.message}; {error.message}", hint=error.hint or refused.hint
            )
    del entry
    raise refused


def kept(header: Header, keyring: OsKeyring | None) -> tuple[bytes, int] | None:
    """The DEK that was kept and for how many seconds more; None if there is none.

    What cannot be looked at is not there. An entry of the keyring that is over is removed.
    """
    entry = None
    try:
        entry = _kernel().get(_name(header))
    except Unsupported:
        if keyring is not None:
            entry = _in_keyring(header, keyring)
    if entry is None or len(entry) != KEY_BYTES + _TIME_BYTES:
        return None
    left = int.from_bytes(entry[KEY_BYTES:], "big") - int(time.time())
    # A clock that was set back makes nothing last longer than it could have been asked for.
    if 0 < left <= LONGEST.total_seconds():
        return entry[:KEY_BYTES], left
    forget(header, keyring)
    return None


def forget(header: Header, keyring: OsKeyring | None) -> bool:
    """Lock the vault again; whether it was unlocked."""
    try:
        return _kernel().remove(_name(header))
    except Unsupported:
        pass
    try:
        return keyring is not None and keyring.delete(_entry(header))
    except SkykeepError:
        return False


def forget_all() -> int:
    """Lock every vault that the kernel keeps unlocked; how many. Raises ``Unsupported``."""
    kernel = _kernel()
    return sum(kernel.remove(name) for name in kernel.names())


def _kernel() -> KernelKeyring:
    from skykeep.providers.local.kernel_keyring import KernelKeyring

    return KernelKeyring()  # here, because ctypes takes milliseconds


def _in_keyring(header: Header, keyring: OsKeyring) -> bytes | None:
    try:
        found = keyring.get(_entry(header))
        return None if found is None else base64.b64decode(found, validate=True)
    except (SkykeepError, ValueError):
        return None


def _name(header: Header) -> str:
    return f"{header.vault.hex()}:{header.epoch}:{sha256(pack(header)[0])[:8].hex()}"


def _entry(header: Header) -> str:
    return f"/unlocked/{header.epoch}/{sha256(pack(header)[0])[:8].hex()}"


def check(duration: timedelta) -> int:
    """The duration in seconds. Raises ``Invalid``: it is 1 second to 12 hours."""
    seconds = int(duration.total_seconds())
    if not 0 < seconds <= LONGEST.total_seconds():
        raise Invalid("a vault is kept unlocked for 1 second to 12 hours")
    return seconds


# -- inside of one process


@dataclass(slots=True)
class _Held:
    until: float  # by the monotonic clock
    process: int
    keys: dict[str, VaultKeys] = field(default_factory=dict, repr=False)

    def good(self) -> bool:
        if time.monotonic() < self.until:
            return self.process == os.getpid()
        self.keys.clear()
        return False


_held: ContextVar[_Held | None] = ContextVar("skykeep unlocked vaults", default=None)


@contextmanager
def unlocked(*, expires_after: timedelta = timedelta(minutes=15)) -> Iterator[None]:
    """Inside, a local vault that was unlocked once opens again without its key.

    ::

        with skykeep.unlocked(expires_after=timedelta(minutes=15)):
            for name in names:
                with skykeep.open_blocking() as cloud:  # asks, or runs Argon2id, once
                    cloud.secrets.get(name)

    It holds for this thread and the tasks that it starts, for ``open_blocking`` too; not for
    other threads, and not for forked children, which unlock the vault themselves. The keys
    are forgotten at the end and after ``expires_after`` (up to 12 hours), counted from here;
    a cloud that is open by then goes on. Blocks inside of one another are separate. Raises
    ``Invalid``.
    """
    held = _Held(time.monotonic() + check(expires_after), os.getpid())
    token = _held.set(held)
    try:
        yield
    finally:
        held.until = 0.0
        held.keys.clear()
        _held.reset(token)


def held_keys(header: Header) -> VaultKeys | None:
    """The keys of a vault that was unlocked inside of the block that is under way."""
    held = _held.get()
    return held.keys.get(_name(header)) if held is not None and held.good() else None


def hold_keys(header: Header, keys: VaultKeys) -> None:
    """Keep the keys for the block that is under way, if there is one."""
    held = _held.get()
    if held is not None and held.good():
        held.keys[_name(header)] = keys
