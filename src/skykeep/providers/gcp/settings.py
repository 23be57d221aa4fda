"""What a configuration may say of a Google Cloud target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from skykeep.providers.gcp.auth_settings import AuthSettings
from skykeep.settings.model import NonEmpty
from skykeep.settings.remote import RemoteSettings

GLOBAL: Final = "global"

# Resource Manager, "Project identifiers": an id has 6 to 30 lower-case letters, digits and
# hyphens; those of old have their domain before a colon. A number is accepted, too.
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{1,20}")
_LOCATION = re.compile(r"[a-z]+-[a-z]+[0-9]{1,2}|us|eu|global")
_KEY = re.compile(r"projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
_PREFIX = re.compile(r"[A-Za-z0-9/_.-]*")


class GcpSettings(RemoteSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Secrets in Google Secret Manager.

    ``account`` is taken for ``project_id``, and ``region`` for ``location``, where these are
    not given: a target that says its region keeps its secrets there and nowhere else.

    Attributes:
        project_id: the project's id or number; by default GOOGLE_CLOUD_PROJECT, then that of
            the credentials.
        location: keeps secrets in this region only, by its own endpoint, as in europe-west3;
            global, the default, is the service as a whole. The two do not see each other's
            secrets.
        replica_locations: the regions that a new global secret is kept in; by default Google
            chooses.
        kms_key: the key of Cloud KMS that new secrets are encrypted with,
            projects/P/locations/L/keyRings/R/cryptoKeys/K; it lies in location.
        kms_keys: the same for each of replica_locations, region to key.
        auth: whose credentials are used.
    """

    project_id: NonEmpty | None = None
    location: NonEmpty | None = None
    replica_locations: tuple[NonEmpty, ...] = ()
    kms_key: NonEmpty | None = None
    kms_keys: Mapping[str, NonEmpty] = {}
    auth: AuthSettings = AuthSettings()

    def __post_init__(self) -> None:
        if self.project is not None and not _PROJECT.fullmatch(self.project):
            # It becomes part of a path.
            raise ValueError(f"'{self.project}' is not the id or number of a project")
        for place in (self.place, *self.replica_locations):
            if not _LOCATION.fullmatch(place):
                # The location becomes part of a host's name.
                raise ValueError(f"'{place}' is not a location, as in europe-west3")
        if not _PREFIX.fullmatch(self.secret_prefix or ""):
            raise ValueError("secret_prefix has letters, digits, '/', '.', '_' and '-'")
        self._check_replicas()

    def _check_replicas(self) -> None:
        if self.replica_locations and self.place != GLOBAL:
            raise ValueError("replica_locations are for global secrets; leave location out")
        if GLOBAL in self.replica_locations:
            raise ValueError("replica_locations are regions; leave them out for all of them")
        if self.kms_key and self.replica_locations:
            raise ValueError("with replica_locations give kms_keys, one key for each")
        if self.kms_keys and set(self.kms_keys) != set(self.replica_locations):
            raise ValueError("kms_keys has one key for each of replica_locations")
        keys = dict(self.kms_keys)
        if self.kms_key:
            keys[self.place] = self.kms_key
        for place, key in keys.items():
            found = _KEY.fullmatch(key)
            if found is None:
                raise ValueError(
                    f"'{key}' is not a key: projects/P/locations/L/keyRings/R/cryptoKeys/K"
                )
            if found[1] != place:
                raise ValueError(f"the key of {place} must lie there, not in {found[1]}")

    @property
    def project(self) -> str | None:
        """The project that is configured, if one is."""
        return self.project_id or self.account

    @property
    def place(self) -> str:
        """The location of the secrets: ``global`` or a region."""
        return self.location or self.region or GLOBAL
