"""What a configuration may say of a Google Cloud target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.object_keys import check_key
from skykeep.providers.gcp.auth_settings import AuthSettings
from skykeep.settings.model import NonEmpty
from skykeep.settings.remote import RemoteSettings

GLOBAL: Final = "global"

# Resource Manager, "Project identifiers": an id has 6 to 30 lower-case letters, digits and
# hyphens; those of old have their domain before a colon. A number is accepted, too.
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{1,20}")
_LOCATION = re.compile(r"[a-z]+-[a-z]+[0-9]{1,2}|us|eu|global")
_KEY = re.compile(r"projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
_RING = re.compile(
    r"projects/(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*/locations/[a-z0-9-]+"
    r"/keyRings/[A-Za-z0-9_-]{1,63}"
)
_PREFIX = re.compile(r"[A-Za-z0-9/_.-]*")
# "About Cloud Storage buckets", bucket names: those with dots have up to 222 characters.
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9_-]{1,61}|[a-z0-9._-]{1,220})[a-z0-9]")
_OF_BUCKET = ("objects_prefix", "objects_endpoint", "sse_key")


class GcpSettings(RemoteSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Secrets in Google Secret Manager; objects in Cloud Storage; keys in Cloud
    KMS.

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
        bucket: the bucket of Cloud Storage that objects are kept in.
        objects_prefix: put before every object's key in the bucket and taken off again; a
            closing slash is the user's choice.
        objects_endpoint: the address of Cloud Storage, if it is not
            https://storage.googleapis.com: a regional endpoint, Private Service Connect.
        sse_key: the key of Cloud KMS that new objects are encrypted with,
            projects/P/locations/L/keyRings/R/cryptoKeys/K; by default the bucket's own
            setting counts.
        key_ring: the ring of Cloud KMS that keys are kept in,
            projects/P/locations/L/keyRings/R.
        keys_prefix: put before the name of every key and taken off again.
        keys_endpoint: the address of Cloud KMS, if it is not https://cloudkms.googleapis.com.
    """

    project_id: NonEmpty | None = None
    location: NonEmpty | None = None
    replica_locations: tuple[NonEmpty, ...] = ()
    kms_key: NonEmpty | None = None
    kms_keys: Mapping[str, NonEmpty] = {}
    auth: AuthSettings = AuthSettings()
    bucket: NonEmpty | None = None
    objects_prefix: str | None = None
    objects_endpoint: NonEmpty | None = None
    sse_key: NonEmpty | None = None
    key_ring: NonEmpty | None = None
    keys_prefix: str | None = None
    keys_endpoint: NonEmpty | None = None

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
        self._check_objects()
        if not _PREFIX.fullmatch(self.keys_prefix or ""):
            raise ValueError("keys_prefix has letters, digits, '/', '.', '_' and '-'")
        if self.key_ring is not None and not _RING.fullmatch(self.key_ring):
            raise ValueError(
                f"'{self.key_ring}' is not a key ring: projects/P/locations/L/keyRings/R"
            )

    def _check_objects(self) -> None:
        if self.bucket is None:
            for key in _OF_BUCKET:
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} needs bucket, where objects are kept")
            return
        parts = self.bucket.split(".")
        if not _BUCKET.fullmatch(self.bucket) or any(not 1 <= len(x) <= 63 for x in parts):
            raise ValueError(
                f"'{self.bucket}' is not the name of a bucket: 3 to 63 of a-z, 0-9, '-', '_' "
                "and '.'"
            )
        if self.sse_key is not None and not _KEY.fullmatch(self.sse_key):
            raise ValueError(
                f"'{self.sse_key}' is not a key: projects/P/locations/L/keyRings/R/cryptoKeys/K"
            )
        try:
            check_key(f"{self.objects_prefix or ''}x")
        except Invalid as error:
            raise ValueError(f"objects_prefix cannot begin keys: {error.message}") from None

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
