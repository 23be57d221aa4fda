"""The keys of a vault, their versions, and in which state each name is.

States and transitions are those of secrets (``key_vault_state.py``). "About keys" of Microsoft
Learn: a new key of a name that is there is a new version of it; nobody can set a version's id.
"""

from __future__ import annotations

import secrets as randomness
import time
from dataclasses import dataclass, field
from typing import Any

from tests.peers.fakes import key_vault_keys_answers as answers
from tests.peers.fakes import key_vault_keys_crypto as crypto
from tests.peers.fakes.key_vault_phases import State
from tests.peers.fakes.key_vault_settings import Settings

# Operations that need the public half only. A disabled key does them all the same: tried on a
# vault of Azure in Azure/azure-sdk-for-python issue 45342, whose table is this. Microsoft's own
# pages say of "enabled" only that it is "useable for cryptographic operations".
PUBLIC = frozenset({"encrypt", "wrapKey", "verify"})
# Microsoft Learn, "About keys", date-time controlled operations: keys that are not yet valid or
# expired work for these.
ALWAYS = frozenset({"decrypt", "unwrapKey", "verify"})


@dataclass
class Version:
    """Times are whole seconds since 1970."""

    id: str
    kty: str
    size: int
    ops: list[str]
    private: crypto.Private = field(repr=False)
    tags: dict[str, str] | None
    enabled: bool
    nbf: int | None
    exp: int | None
    created: int
    updated: int


@dataclass
class Key:
    """``name`` is as it was first written. The newest version is the last."""

    name: str
    versions: dict[str, Version] = field(default_factory=dict)
    state: State = State.LIVE
    left: int = 0
    settling: int = 0
    deleted: int = 0

    @property
    def newest(self) -> Version:
        return next(reversed(self.versions.values()))


class Keys:
    """Those of one vault. Each method is one request; names are valid already."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: dict[str, Key] = {}
        self._made: dict[int, int] = {}

    def get(self, name: str, version: str | None) -> tuple[Key, Version]:
        """Also of a disabled one (notaryproject/ratify pull request 1474)."""
        key = self._look(name)
        if key is None or key.state is not State.LIVE:
            raise answers.no_key(name if version is None else f"{name}/{version}")
        found = key.newest if version is None else key.versions.get(version)
        if found is None:
            raise answers.no_key(f"{name}/{version}")
        return key, found

    def usable(self, name: str, version: str | None, operation: str) -> tuple[Key, Version]:
        """For an operation, in the order: ``key_ops``, enabled, times (order ours)."""
        key, found = self.get(name, version)
        if operation not in found.ops:
            raise answers.not_permitted(operation)
        public = operation in PUBLIC and self._settings.public_while_disabled
        if not found.enabled and not public:
            raise answers.disabled(operation)
        now = time.time()
        if operation not in ALWAYS:
            if found.nbf is not None and now < found.nbf:
                raise answers.not_yet(operation)
            if found.exp is not None and now >= found.exp:
                raise answers.expired(operation)
        return key, found

    def create(
        self,
        name: str,
        kty: str,
        size: int,
        *,
        ops: list[str],
        tags: dict[str, str] | None,
        attributes: dict[str, Any],
    ) -> tuple[Key, Version]:
        """A new version, of whatever type."""
        key = self._look(name)
        if key is not None:
            self._free(key)
        else:
            key = self._keys[name.lower()] = Key(name)
        now = int(time.time())
        made = Version(
            randomness.token_hex(16),
            kty,
            size,
            ops,
            self._rsa(size) if kty == "RSA" else crypto.ec_key(),
            tags,
            attributes.get("enabled", True),
            attributes.get("nbf"),
            attributes.get("exp"),
            now,
            now,
        )
        key.versions[made.id] = made
        return key, made

    def rotate(self, name: str) -> tuple[Key, Version]:
        """A version like the newest one (REST reference, Rotate Key: "based on the key
        policy", of which there is none here). That it is enabled is our reading."""
        key, last = self.get(name, None)
        return self.create(
            key.name, last.kty, last.size, ops=list(last.ops), tags=last.tags, attributes={}
        )

    def update(
        self,
        name: str,
        version: str | None,
        ops: list[str] | None,
        tags: dict[str, str] | None,
        attributes: dict[str, Any],
    ) -> tuple[Key, Version]:
        """What the request does not name is left unchanged (REST reference, Update Key)."""
        key, found = self.get(name, version)
        found.ops = found.ops if ops is None else ops
        found.tags = found.tags if tags is None else tags
        found.enabled = attributes.get("enabled", found.enabled)
        found.nbf = attributes.get("nbf", found.nbf)
        found.exp = attributes.get("exp", found.exp)
        found.updated = int(time.time())
        return key, found

    def live(self) -> list[Key]:
        return self._all(State.LIVE)

    def versions(self, name: str) -> list[Version]:
        """By id; of no key none, as for secrets."""
        key = self._look(name)
        if key is None or key.state is not State.LIVE:
            return []
        return sorted(key.versions.values(), key=lambda version: version.id)

    # -- deletion

    def delete(self, name: str) -> Key:
        key, _ = self.get(name, None)
        key.state, key.left = State.DELETING, self._settings.delete_polls
        key.deleted = int(time.time())
        return key

    def deleted(self) -> list[Key]:
        return self._all(State.DELETED)

    def get_deleted(self, name: str) -> Key:
        key = self._look(name)
        if key is None or key.state is not State.DELETED:
            raise answers.no_deleted_key(name)
        return key

    def recover(self, name: str) -> Key:
        key = self._gone(name)
        key.state, key.left = State.RECOVERING, self._settings.recover_polls
        key.settling = self._settings.recover_settling
        return key

    def purge(self, name: str) -> Key:
        key = self._gone(name)
        key.state, key.left = State.PURGING, self._settings.purge_polls
        return key

    # -- helpers

    def _rsa(self, size: int) -> crypto.Private:
        number = self._made[size] = self._made.get(size, 0) + 1
        return crypto.rsa_key(size, number)

    def _gone(self, name: str) -> Key:
        key = self._look(name)
        if key is not None and key.state is State.DELETING:
            raise answers.being_deleted()
        if key is None or key.state is not State.DELETED:
            raise answers.no_deleted_key(name)
        return key

    def _look(self, name: str) -> Key | None:
        """What is kept under a name, one request later than before."""
        key = self._keys.get(name.lower())
        if key is None or self._done(key) is None:
            return None
        key.left = max(0, key.left - 1)
        return key

    def _done(self, key: Key) -> Key | None:
        """The same, in the state that follows if its transition has come to its end."""
        if key.left == 0:
            if key.state is State.PURGING:
                self._keys.pop(key.name.lower(), None)
                return None
            following = {State.DELETING: State.DELETED, State.RECOVERING: State.LIVE}
            key.state = following.get(key.state, key.state)
        return key

    def _free(self, key: Key) -> None:
        """Raises unless a version can be added."""
        if key.state in {State.DELETING, State.PURGING}:
            raise answers.being_deleted_no_reuse(key.name)
        if key.state is State.DELETED:
            raise answers.deleted_but_recoverable(key.name)
        if key.state is State.RECOVERING:
            raise answers.being_recovered(key.name)
        if key.settling > 0:
            key.settling -= 1
            raise answers.being_recovered(key.name)

    def _all(self, state: State) -> list[Key]:
        kept = [self._done(key) for key in list(self._keys.values())]
        found = [key for key in kept if key is not None and key.state is state]
        return sorted(found, key=lambda key: key.name.upper())
