"""Projects' secrets and their versions, and the time by which they end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import google_crc32c
from google.cloud import secretmanager_v1
from google.iam.v1 import policy_pb2

from tests.peers.fakes.secret_manager_errors import invalid, not_found, precondition
from tests.peers.fakes.secret_manager_names import Name

Secret = secretmanager_v1.Secret.pb()
SecretVersion = secretmanager_v1.SecretVersion.pb()
STATES = secretmanager_v1.SecretVersion.State
ENABLED, DISABLED, DESTROYED = (
    int(state) for state in (STATES.ENABLED, STATES.DISABLED, STATES.DESTROYED)
)


@dataclass
class Stored:
    """A version: the message that is shown, and its payload; none once it is destroyed."""

    message: Any
    data: bytes | None
    crc32c: int
    keys: dict[str, str]


@dataclass
class Entry:
    """A secret: the message that is shown; its versions, oldest first.

    ``behind`` is how many reads of ``latest`` still find the version before the newest.
    """

    message: Any
    name: Name
    policy: Any = field(default_factory=policy_pb2.Policy)
    versions: list[Stored] = field(default_factory=list)
    behind: int = 0


class Clock:
    """The time, which tests may set ahead (seconds)."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._last = 0

    def now(self) -> float:
        return time.time() + self.ahead

    def stamp(self, target: Any) -> int:
        """Write the time to a message; no two are the same. Its nanoseconds."""
        self._last = max(self._last + 1, time.time_ns() + int(self.ahead * 1e9))
        target.FromNanoseconds(self._last)
        return self._last


class Store:
    """All secrets, by project number, location and id."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._entries: dict[tuple[str, str, str], Entry] = {}

    def clear(self) -> None:
        self._entries.clear()

    def add(self, name: Name, message: Any) -> Entry:
        entry = Entry(message, name)
        self._entries[name.project, name.location, name.secret] = entry
        return entry

    def remove(self, name: Name) -> None:
        del self._entries[name.project, name.location, name.secret]

    def find(self, name: Name) -> Entry | None:
        entry = self._entries.get((name.project, name.location, name.secret))
        if entry is not None and self._ended(entry):
            self.remove(name)
            return None
        return entry

    def get(self, name: Name) -> Entry:
        entry = self.find(name)
        if entry is None:
            raise not_found(f"Secret [{plain(name)}] not found.")
        return entry

    def under(self, parent: Name) -> list[Entry]:
        """A project's (or a location's) secrets, newest first: "sorted in reverse by
        create_time" (ListSecretsResponse.secrets). The page on filters has "sorted by name in
        the ascending order": no client should lean on either."""
        found = [
            entry
            for (project, location, _), entry in self._entries.items()
            if (project, location) == (parent.project, parent.location)
        ]
        alive = [entry for entry in found if not self._ended(entry)]
        return sorted(alive, key=created, reverse=True)

    def _ended(self, entry: Entry) -> bool:
        """Whether the secret expired; its versions whose time has come are destroyed."""
        now = self.clock.now()
        message = entry.message
        if message.HasField("expire_time") and message.expire_time.seconds <= now:
            return True
        for stored in entry.versions:
            shown = stored.message
            if (
                shown.HasField("scheduled_destroy_time")
                and shown.scheduled_destroy_time.seconds <= now
            ):
                self.destroy(stored)
        return False

    def destroy(self, stored: Stored) -> None:
        stored.data = None
        stored.message.state = DESTROYED
        stored.message.ClearField("scheduled_destroy_time")
        self.clock.stamp(stored.message.destroy_time)
        self.renew(stored.message)

    def renew(self, message: Any) -> None:
        """A new etag. "The etag string includes quotes": cloud.google.com/secret-manager/
        docs/etags, which also says that every request to modify renews it."""
        scratch = SecretVersion()
        message.etag = f'"{self.clock.stamp(scratch.create_time):x}"'

    def version(self, name: Name, *, alias: bool) -> tuple[Entry, Stored]:
        """The version of a name. With ``alias``, also ``latest`` and the secret's own aliases:
        "Access by alias is only be supported on GetSecretVersion and AccessSecretVersion"
        (Secret.version_aliases)."""
        entry = self.find(name) if alias else self.get(name)
        number = name.version
        if entry is None or (number == "latest" and not entry.versions):
            raise not_found(f"Secret [{plain(name)}] not found or has no versions.")
        if alias and number == "latest":
            return entry, self._latest(entry)
        if alias and number in entry.message.version_aliases:
            number = str(entry.message.version_aliases[number])
        if not number.isascii() or not number.isdigit():
            if alias:
                raise not_found(f"Secret Version [{plain(name)}/versions/{number}] not found.")
            raise invalid("A version is named by its number here.", "name")
        if not 1 <= int(number) <= len(entry.versions):
            raise not_found(f"Secret Version [{plain(name)}/versions/{number}] not found.")
        return entry, entry.versions[int(number) - 1]

    @staticmethod
    def _latest(entry: Entry) -> Stored:
        """The newest version, whatever its state; or, while it is behind, the one before."""
        if entry.behind and len(entry.versions) > 1:
            entry.behind -= 1
            return entry.versions[-2]
        return entry.versions[-1]


def created(entry: Entry) -> int:
    return int(entry.message.create_time.ToNanoseconds())


def plain(name: Name) -> str:
    """The secret's name without a version."""
    return str(Name(name.project, name.location, name.secret))


def checksum(data: bytes) -> int:
    return int(google_crc32c.value(data))


def check_etag(message: Any, given: str) -> None:
    """A mismatch "fails with a FAILED_PRECONDITION error and an HTTP status code 400"
    (cloud.google.com/secret-manager/docs/etags); AIP-154 would have ABORTED."""
    if given and given != message.etag:
        raise precondition(
            f"The etag provided [{given}] does not match the current etag [{message.etag}]."
        )


def check_state(stored: Stored) -> None:
    """The sentence: external-secrets/external-secrets issue 4042."""
    if stored.message.state != ENABLED:
        state = STATES(stored.message.state).name
        raise precondition(f"Secret Version [{stored.message.name}] is in {state} state.")
