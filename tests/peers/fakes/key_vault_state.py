"""What a vault keeps, and in which state each name is.

A name is live, being deleted, deleted, being recovered, or being purged; a transition ends
after as many requests about the name as `Settings` says. "Key Vault immediately removes it from
its collection. However, the resource will not immediately appear in the deleted collection"
(azure-keyvault-secrets 4.12, ``_shared/_polling.py``): in between, both say 404.
"""

from __future__ import annotations

import json
import secrets as randomness
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from tests.peers.fakes import key_vault_answers as answers
from tests.peers.fakes.key_vault_keys_state import Keys
from tests.peers.fakes.key_vault_phases import State
from tests.peers.fakes.key_vault_settings import Journal, Settings

# Backups can be restored into any vault of the same process, as into any of a subscription and
# geography (Microsoft Learn, "Azure Key Vault backup and restore").
SEAL = Fernet(Fernet.generate_key())


@dataclass
class Version:
    """Times are whole seconds since 1970."""

    id: str
    value: str = field(repr=False)
    content_type: str | None
    tags: dict[str, str] | None
    enabled: bool
    nbf: int | None
    exp: int | None
    created: int
    updated: int


@dataclass
class Secret:
    """``name`` is as it was first written: our reading. The newest version is the last."""

    name: str
    versions: dict[str, Version] = field(default_factory=dict)
    managed: bool = False
    state: State = State.LIVE
    left: int = 0
    settling: int = 0
    deleted: int = 0

    @property
    def newest(self) -> Version:
        """The current one, also when it is disabled (azure-powershell issue 14740)."""
        return next(reversed(self.versions.values()))


class Vault:
    """One vault. Each method is one request; names are valid already."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.journal = Journal()
        self.keys = Keys(settings)
        self._secrets: dict[str, Secret] = {}

    # -- live secrets

    def get(self, name: str, version: str | None) -> tuple[Secret, Version]:
        """The value: also before ``nbf`` and after ``exp``, which inform only (Microsoft Learn,
        "About Azure Key Vault secrets", date-time controlled operations)."""
        secret, found = self._version(name, version)
        if not found.enabled:
            raise answers.disabled()
        return secret, found

    def set(
        self,
        name: str,
        value: str,
        content_type: str | None,
        tags: dict[str, str] | None,
        attributes: dict[str, Any],
        *,
        managed: bool = False,
    ) -> tuple[Secret, Version]:
        """A new version. It takes nothing over from the last one."""
        secret = self._look(name)
        if secret is not None:
            self._free(secret)
            if secret.managed and not managed:
                raise answers.managed("set")
        else:
            secret = self._secrets[name.lower()] = Secret(name, managed=managed)
        now = int(time.time())
        made = Version(
            randomness.token_hex(16),
            value,
            content_type,
            tags,
            attributes.get("enabled", True),
            attributes.get("nbf"),
            attributes.get("exp"),
            now,
            now,
        )
        secret.versions[made.id] = made
        return secret, made

    def update(
        self,
        name: str,
        version: str | None,
        content_type: str | None,
        tags: dict[str, str] | None,
        attributes: dict[str, Any],
    ) -> tuple[Secret, Version]:
        """What the request does not name is left unchanged (REST reference, Update Secret).

        Tags are replaced as a whole. A date that is set cannot be left out again
        (azure-sdk-for-net issue 5267); that null changes nothing is our reading.
        """
        secret, found = self._version(name, version)
        if secret.managed:
            raise answers.managed("update")
        found.content_type = found.content_type if content_type is None else content_type
        found.tags = found.tags if tags is None else tags
        found.enabled = attributes.get("enabled", found.enabled)
        found.nbf = attributes.get("nbf", found.nbf)
        found.exp = attributes.get("exp", found.exp)
        found.updated = int(time.time())
        return secret, found

    def live(self) -> list[Secret]:
        """By name without regard to case (the markers in recorded next links)."""
        return self._all(State.LIVE)

    def versions(self, name: str) -> tuple[Secret, list[Version]] | None:
        """By id: the order says nothing about their age (recording
        ``can_retrieve_all_versions_of_a_secret_by_page.js``). None for no secret, which the
        service answers with an empty list (``can_list_secret_versions_non_existing.js``)."""
        secret = self._look(name)
        if secret is None or secret.state is not State.LIVE:
            return None
        return secret, sorted(secret.versions.values(), key=lambda version: version.id)

    # -- deletion and what can be done about it

    def delete(self, name: str) -> Secret:
        secret, _ = self._version(name, None)
        if secret.managed:
            raise answers.managed("delete")
        secret.state, secret.left = State.DELETING, self.settings.delete_polls
        secret.deleted = int(time.time())
        return secret

    def deleted(self) -> list[Secret]:
        return self._all(State.DELETED)

    def get_deleted(self, name: str) -> Secret:
        secret = self._look(name)
        if secret is None or secret.state is not State.DELETED:
            raise answers.no_deleted_secret(name)
        return secret

    def recover(self, name: str) -> Secret:
        secret = self._look(name)
        if secret is not None and secret.state is State.DELETING:
            raise answers.being_deleted()
        if secret is None or secret.state is not State.DELETED:
            raise answers.not_recoverable(name)
        secret.state, secret.left = State.RECOVERING, self.settings.recover_polls
        secret.settling = self.settings.recover_settling
        return secret

    def purge(self, name: str) -> None:
        """Neither collection has it from now on, but the name is not free before the purge ends
        (azure-sdk-for-net issue 26027)."""
        secret = self._look(name)
        if secret is not None and secret.state is State.DELETING:
            raise answers.being_deleted()
        if secret is None or secret.state is not State.DELETED:
            raise answers.no_deleted_secret(name)
        if self.settings.purge_protection:
            raise answers.protected(self.place)
        secret.state, secret.left = State.PURGING, self.settings.purge_polls

    # -- backup

    def backup(self, name: str) -> str:
        """All versions, encrypted."""
        secret, _ = self._version(name, None)
        if secret.managed:
            raise answers.managed("backup")
        kept = {"name": secret.name, "versions": [asdict(v) for v in secret.versions.values()]}
        return SEAL.encrypt(json.dumps(kept).encode()).decode("ascii").rstrip("=")

    def restore(self, blob: str) -> tuple[Secret, Version]:
        """With all versions, under their ids; only where the name is free."""
        try:
            kept = json.loads(SEAL.decrypt(f"{blob}{'=' * (-len(blob) % 4)}".encode()))
        except InvalidToken:
            raise answers.corrupt_backup() from None
        secret = self._look(kept["name"])
        if secret is not None:
            self._free(secret)
            raise answers.exists(kept["name"])
        made = Secret(kept["name"], {v["id"]: Version(**v) for v in kept["versions"]})
        self._secrets[made.name.lower()] = made
        return made, made.newest

    # -- helpers

    @property
    def place(self) -> str:
        return f"{self.name};location={self.settings.location}"

    def _version(self, name: str, version: str | None) -> tuple[Secret, Version]:
        secret = self._look(name)
        if secret is None or secret.state is not State.LIVE:
            raise answers.no_secret(name if version is None else f"{name}/{version}")
        found = secret.newest if version is None else secret.versions.get(version)
        if found is None:
            raise answers.no_secret(f"{name}/{version}")
        return secret, found

    def _look(self, name: str) -> Secret | None:
        """What is kept under a name, one request later than before."""
        secret = self._secrets.get(name.lower())
        if secret is None:
            return None
        if self._done(secret) is None:
            return None
        secret.left = max(0, secret.left - 1)
        return secret

    def _done(self, secret: Secret) -> Secret | None:
        """The same, in the state that follows if its transition has come to its end."""
        if secret.left == 0:
            if secret.state is State.PURGING:
                self._secrets.pop(secret.name.lower(), None)
                return None
            following = {State.DELETING: State.DELETED, State.RECOVERING: State.LIVE}
            secret.state = following.get(secret.state, secret.state)
        return secret

    def _free(self, secret: Secret) -> None:
        """Raises unless a version can be added."""
        if secret.state in {State.DELETING, State.PURGING}:
            raise answers.being_deleted_no_reuse(secret.name)
        if secret.state is State.DELETED:
            raise answers.deleted_but_recoverable(secret.name)
        if secret.state is State.RECOVERING:
            raise answers.being_recovered(secret.name)
        if secret.settling > 0:
            secret.settling -= 1
            raise answers.being_recovered(secret.name)

    def _all(self, state: State) -> list[Secret]:
        """A list moves nothing on, but sees what has come to its end."""
        kept: Iterable[Secret | None] = [self._done(s) for s in list(self._secrets.values())]
        found = [secret for secret in kept if secret is not None and secret.state is state]
        return sorted(found, key=lambda secret: secret.name.upper())
