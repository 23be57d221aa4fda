"""What placeholders stand for, by tenant and session, for as long as a session is used.

::

    vault = SessionVault()
    session = vault.session("acme", "conversation-17")
    sent = anonymise("Write to jo@example.org", findings, session)  # Write to [EMAIL_1]
    answer = restore(reply, session)

Values are in this process's memory and nowhere else. Python strings cannot be wiped: what is
forgotten is unreachable, and its memory is reused when the interpreter does so. A process that
is killed leaves nothing; one whose memory is dumped, or swapped out, may.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from skykeep.errors import Invalid, NotFound, Quota

TTL_SECONDS = 1_800.0
MAX_ENTRIES = 10_000
MAX_SESSIONS = 10_000
MAX_BYTES = 256 * 1024 * 1024

ENTRY_BYTES = 400
"""What an entry is counted as beside its value: two table rows and the placeholder."""

SESSION_BYTES = 1_000
"""What a session without entries is counted as."""

_Key = tuple[str, str]


class _Entries:
    """A session's values. Only the vault touches it, under its lock."""

    __slots__ = ("by_placeholder", "by_value", "bytes", "last_used", "next", "taken")

    def __init__(self, now: float) -> None:
        self.by_value: dict[_Key, str] = {}
        self.by_placeholder: dict[_Key, str] = {}
        self.next: dict[str, int] = {}
        self.taken: set[_Key] = set()
        self.bytes = SESSION_BYTES
        self.last_used = now


class SessionVault:
    """Sessions of all tenants. Safe for threads and for tasks: each call is short and locked.

    What is full refuses (``Quota``): nothing that is in use is dropped for something new.
    """

    def __init__(
        self,
        *,
        ttl_seconds: float = TTL_SECONDS,
        max_entries: int = MAX_ENTRIES,
        max_sessions: int = MAX_SESSIONS,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is stored yet.

        Args:
            ttl_seconds: a session that was not used for so long is forgotten.
            max_entries: values of a session at most, what texts look like counted in.
            max_sessions: sessions of a tenant at most.
            max_bytes: of all sessions together at most; values in UTF-8 and an allowance for
                what keeps them (``ENTRY_BYTES``, ``SESSION_BYTES``).
            clock: seconds; never goes back.
        """
        if ttl_seconds <= 0 or min(max_entries, max_sessions, max_bytes) < 1:
            raise Invalid("a session vault's limits are all above 0")
        self._ttl = ttl_seconds
        self._max_entries = max_entries
        self._max_sessions = max_sessions
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        # The one that was not used for the longest time is the first.
        self._sessions: OrderedDict[_Key, _Entries] = OrderedDict()
        self._of_tenant: dict[str, int] = {}
        self._bytes = 0
        self._closed = False

    def session(self, tenant: str, session: str) -> Session:
        """The session of this tenant, begun if there is none.

        Raises ``Quota`` if the tenant has as many as it may, ``Invalid`` for an empty session
        name and after ``close``.
        """
        if not session:
            raise Invalid("a session has a name", hint="give the conversation's id")
        with self._lock:
            entries = self._entries_or_none((tenant, session))
            if entries is None:
                self._begin((tenant, session))
        return Session(self, tenant, session)

    def existing(self, tenant: str, session: str) -> Session:
        """The session, if it is there. Raises ``NotFound`` if it is not, or not any more."""
        with self._lock:
            self._entries((tenant, session))
        return Session(self, tenant, session)

    def forget(self, tenant: str, session: str) -> bool:
        """Forget it now; whether there was one."""
        with self._lock:
            self._sweep()
            return self._drop((tenant, session))

    def sweep(self) -> int:
        """Forget what has expired; how many sessions. Any other call does so, too: a process
        that is idle may call it now and then."""
        with self._lock:
            before = len(self._sessions)
            self._sweep()
            return before - len(self._sessions)

    def close(self) -> None:
        """Forget everything; nothing is taken any more."""
        with self._lock:
            self._sessions.clear()
            self._of_tenant.clear()
            self._bytes = 0
            self._closed = True

    def __enter__(self) -> SessionVault:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Sessions that are there."""
        with self._lock:
            self._sweep()
            return len(self._sessions)

    def __repr__(self) -> str:
        return f"<SessionVault: {len(self._sessions)} sessions>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SessionVault is not pickled: values stay in this process")

    # -- for Session

    def _placed(self, key: _Key, values: Sequence[tuple[str, str]]) -> list[str]:
        """A placeholder for each (label, value); all of them or, with ``Quota``, none."""
        with self._lock:
            entries = self._entries(key)
            new = dict.fromkeys(each for each in values if each not in entries.by_value)
            size = sum(ENTRY_BYTES + _size(value) for _, value in new)
            self._check_room(entries, len(new), size)
            for label, value in new:
                number = entries.next.get(label, 0) + 1
                while (label, str(number)) in entries.taken:
                    number += 1
                entries.next[label] = number
                entries.by_value[label, value] = f"[{label}_{number}]"
                entries.by_placeholder[label, str(number)] = value
            entries.bytes += size
            self._bytes += size
            return [entries.by_value[each] for each in values]

    def _take(self, key: _Key, looks: Iterable[_Key]) -> None:
        """These numbers are never given out in the session."""
        with self._lock:
            entries = self._entries(key)
            new = {
                each
                for each in looks
                if each not in entries.taken and each not in entries.by_placeholder
            }
            size = len(new) * ENTRY_BYTES
            self._check_room(entries, len(new), size)
            entries.taken |= new
            entries.bytes += size
            self._bytes += size

    def _value(self, key: _Key, label: str, number: str) -> str | None:
        with self._lock:
            return self._entries(key).by_placeholder.get((label, number))

    def _labels(self, key: _Key) -> set[str]:
        with self._lock:
            return set(self._entries(key).next)

    def _count(self, key: _Key) -> int:
        with self._lock:
            entries = self._sessions.get(key)
            return 0 if entries is None else len(entries.by_value)

    # -- under the lock

    def _check_room(self, entries: _Entries, count: int, size: int) -> None:
        if len(entries.by_value) + len(entries.taken) + count > self._max_entries:
            raise Quota(
                f"the session would have more than {self._max_entries} values",
                hint="begin another session, or raise 'max_entries'",
            )
        if self._bytes + size > self._max_bytes:
            raise Quota(
                f"all sessions together would take more than {self._max_bytes} bytes",
                hint="forget sessions that have ended, or raise 'max_bytes'",
            )

    def _begin(self, key: _Key) -> None:
        if self._closed:
            raise Invalid("the session vault is closed")
        of_tenant = self._of_tenant.get(key[0], 0)
        if of_tenant >= self._max_sessions:
            raise Quota(
                f"the tenant has {self._max_sessions} sessions, as many as it may",
                hint="forget sessions that have ended, or raise 'max_sessions'",
            )
        if self._bytes + SESSION_BYTES > self._max_bytes:
            raise Quota(
                f"all sessions together would take more than {self._max_bytes} bytes",
                hint="forget sessions that have ended, or raise 'max_bytes'",
            )
        self._sessions[key] = _Entries(self._clock())
        self._of_tenant[key[0]] = of_tenant + 1
        self._bytes += SESSION_BYTES

    def _entries_or_none(self, key: _Key) -> _Entries | None:
        """The session, now used; what has expired is forgotten first."""
        self._sweep()
        entries = self._sessions.get(key)
        if entries is not None:
            entries.last_used = self._clock()
            self._sessions.move_to_end(key)
        return entries

    def _entries(self, key: _Key) -> _Entries:
        entries = self._entries_or_none(key)
        if entries is None:
            raise NotFound(
                "there is no such session: it has expired, or was forgotten",
                hint=f"a session that is not used for {self._ttl:g} seconds is forgotten",
            )
        return entries

    def _sweep(self) -> None:
        until = self._clock() - self._ttl
        while self._sessions:
            key, entries = next(iter(self._sessions.items()))
            if entries.last_used > until:
                return
            self._drop(key)

    def _drop(self, key: _Key) -> bool:
        entries = self._sessions.pop(key, None)
        if entries is None:
            return False
        self._bytes -= entries.bytes
        left = self._of_tenant[key[0]] - 1
        if left:
            self._of_tenant[key[0]] = left
        else:
            del self._of_tenant[key[0]]
        return True


class Session:
    """One session of a ``SessionVault``, as ``anonymise`` and ``restore`` use it.

    It holds no value itself. Every method raises ``NotFound`` when the session has expired or
    was forgotten.
    """

    __slots__ = ("_key", "_vault")

    def __init__(self, vault: SessionVault, tenant: str, session: str) -> None:
        """Use ``SessionVault.session``."""
        self._vault = vault
        self._key = (tenant, session)

    def placeholders(self, values: Sequence[tuple[str, str]]) -> list[str]:
        """A placeholder for each (label, value), the same one for the same; labels are of
        upper-case letters, digits and ``_``. Raises ``Quota``; then none of them was taken."""
        return self._vault._placed(self._key, values)

    def take(self, looks: Iterable[tuple[str, str]]) -> None:
        """Never give these (label, number) out: a text has them already."""
        self._vault._take(self._key, looks)

    def labels(self) -> set[str]:
        """The labels of its placeholders."""
        return self._vault._labels(self._key)

    def value(self, label: str, number: str) -> str | None:
        """What the placeholder stands for, or None if it is none of this session's."""
        return self._vault._value(self._key, label, number)

    def __len__(self) -> int:
        """Values that it has; 0 when it is gone."""
        return self._vault._count(self._key)

    def __repr__(self) -> str:
        return f"<Session: {len(self)} values>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Session is not pickled: values stay in this process")


def _size(value: str) -> int:
    return len(value.encode("utf-8", "surrogatepass"))
