"""Keys in the memory of the Linux kernel, for a while: add_key(2) and keyctl(2).

They are of the type ``user`` in the keyring of the user (``@u``), so that all shells of the
user find them; the kernel forgets them at their timeout, and at the restart of the machine.
Numbers of system calls are those of asm/unistd_64.h (x86_64) and asm-generic/unistd.h
(aarch64); elsewhere libkeyutils is asked, where it is installed. Operations and permissions
are those of linux/keyctl.h and keyctl_setperm(3).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import platform
import sys
from collections.abc import Callable

from skykeep.errors import Unsupported

PREFIX = "skykeep:"

_SYSCALLS = {"x86_64": (248, 250), "aarch64": (217, 219)}  # add_key, keyctl

_USER_KEYRING = -4  # KEY_SPEC_USER_KEYRING
_DESCRIBE, _SETPERM, _UNLINK, _SEARCH, _READ, _TIMEOUT = 6, 5, 9, 10, 11, 15
_OWNER_ONLY = 0x3F3F0000
"""Everything for the possessor and for the same user, nothing for group and others."""

_GONE = frozenset({errno.ENOKEY, errno.EKEYEXPIRED, errno.EKEYREVOKED})


class KernelKeyring:
    """The keyring of this user. Each method raises ``Unsupported`` where there is none."""

    def __init__(self) -> None:
        self._add, self._control = _calls()
        if self._control(_DESCRIBE, _USER_KEYRING, None, 0, 0) < 0:
            raise _unsupported(os.strerror(ctypes.get_errno()))

    def put(self, name: str, key: bytes, seconds: int) -> None:
        """Keep the key for so long; an earlier one of the name is replaced."""
        payload = ctypes.create_string_buffer(key, len(key))
        described = PREFIX.encode() + name.encode()
        # Not updated in place: the old key would have its old permissions for a moment.
        self.remove(name)
        serial = self._add(b"user", described, payload, len(key), _USER_KEYRING)
        ctypes.memset(payload, 0, len(key))
        if serial < 0:
            raise _unsupported(os.strerror(ctypes.get_errno()))
        for operation, value in ((_SETPERM, _OWNER_ONLY), (_TIMEOUT, seconds)):
            if self._control(operation, serial, value, 0, 0) < 0:
                why = os.strerror(ctypes.get_errno())
                self._control(_UNLINK, serial, _USER_KEYRING, 0, 0)
                raise _unsupported(why)

    def get(self, name: str) -> bytes | None:
        """The key, or None if there is none (any more)."""
        serial = self.serial(name)
        if serial is None:
            return None
        room = ctypes.create_string_buffer(64)
        size = self._control(_READ, serial, room, len(room), 0)
        try:
            return room.raw[:size] if 0 <= size <= len(room) else None
        finally:
            ctypes.memset(room, 0, len(room))

    def remove(self, name: str) -> bool:
        """Forget the key at once; whether it was there."""
        serial = self.serial(name)
        return serial is not None and (self._control(_UNLINK, serial, _USER_KEYRING, 0, 0) >= 0)

    def serial(self, name: str) -> int | None:
        """The kernel's number of the key."""
        described = PREFIX.encode() + name.encode()
        found = self._control(_SEARCH, _USER_KEYRING, b"user", described, 0)
        if found >= 0:
            return int(found)
        if ctypes.get_errno() in _GONE:
            return None
        raise _unsupported(os.strerror(ctypes.get_errno()))

    def names(self) -> list[str]:
        """The names of all keys of ours that the keyring holds."""
        count = self._control(_READ, _USER_KEYRING, None, 0, 0)
        if count < 0:
            return []
        room = (ctypes.c_int32 * (count // 4))()
        self._control(_READ, _USER_KEYRING, room, ctypes.sizeof(room), 0)
        found = []
        for serial in room:
            text = ctypes.create_string_buffer(4096)
            if self._control(_DESCRIBE, serial, text, len(text), 0) > 0:
                # Five fields with ";" between them, the last is ours (keyctl_describe(3)).
                described = text.value.decode("utf-8", "replace").split(";", 4)[-1]
                if described.startswith(PREFIX):
                    found.append(described.removeprefix(PREFIX))
        return found


def _calls() -> tuple[Callable[..., int], Callable[..., int]]:
    """``add_key`` and ``keyctl``."""
    if sys.platform != "linux":
        raise _unsupported("it is a part of Linux")
    numbers = _SYSCALLS.get(platform.machine())
    if numbers is not None and sys.maxsize > 2**32:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall.restype = ctypes.c_long
        add, control = numbers

        def numbered(number: int, *arguments: object) -> int:
            return int(libc.syscall(ctypes.c_long(number), *map(_as_argument, arguments)))

        return (
            lambda *arguments: numbered(add, *arguments),
            lambda *arguments: numbered(control, *arguments),
        )
    library = ctypes.util.find_library("keyutils")
    if library is None:
        raise _unsupported(f"its calls are not known on {platform.machine()}")
    keyutils = ctypes.CDLL(library, use_errno=True)
    keyutils.keyctl.restype = ctypes.c_long
    return (
        lambda *arguments: int(keyutils.add_key(*map(_as_argument, arguments))),
        lambda *arguments: int(keyutils.keyctl(*map(_as_argument, arguments))),
    )


def _as_argument(value: object) -> object:
    """Numbers are as wide as pointers in a call with a variable number of arguments."""
    return ctypes.c_long(value) if isinstance(value, int) else value


def _unsupported(why: str) -> Unsupported:
    return Unsupported(
        f"the kernel keeps no keys here: {why}",
        hint="unlock the vault by a key file or the system's keyring (skykeep vault keyring)",
    )
