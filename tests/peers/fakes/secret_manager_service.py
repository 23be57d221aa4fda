"""The methods of Secret Manager, for requests and answers that are Google's own messages.

Who may call is asked first, then whether the resource is there: "Permission must be checked
prior to checking if the resource exists" (AIP-131). Not here: managed rotation, locations,
publishing to topics, tags, the structure of typed secrets. Policies have no effect: what a
token may do is said by the control.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.iam.v1 import iam_policy_pb2
from google.protobuf import empty_pb2
from google.rpc import code_pb2

from tests.peers.fakes import secret_manager_fields as fields
from tests.peers.fakes import secret_manager_names as names
from tests.peers.fakes import secret_manager_store as stores
from tests.peers.fakes.secret_manager_access import Access, Caller
from tests.peers.fakes.secret_manager_errors import Refusal, invalid, precondition
from tests.peers.fakes.secret_manager_filters import matcher
from tests.peers.fakes.secret_manager_methods import (
    ACCESSED,
    METHODS,
    MUTABLE,
    SECRETS,
    VERSIONS,
    Method,
)
from tests.peers.fakes.secret_manager_names import Name
from tests.peers.fakes.secret_manager_trouble import Trouble

PAYLOAD_BYTES = 65_536  # cloud.google.com/secret-manager/quotas
PAGE = 25_000  # "If the number is greater than 25000, it is capped at 25000"


class Service:
    """``access``, ``store`` and ``trouble`` are for the control, too."""

    def __init__(self) -> None:
        self.access = Access()
        self.store = stores.Store()
        self.trouble = Trouble()

    def call(self, method: str, request: Any, headers: Mapping[str, str]) -> Any:
        """The answer. Raises `Refusal`."""
        now = self.store.clock.now()
        caller = self.access.caller(headers, method, now)
        self.access.check_quota_project(caller, headers)
        name = self._name(METHODS[method], request)
        permission = METHODS[method].permission
        if permission:
            self.access.check(caller, permission, str(name))
        failure = self.trouble.failure(method)
        if failure is not None:
            raise failure(name.project)
        if method == "TestIamPermissions":
            return self._held(caller, request.permissions, name)
        handler: Callable[[Any, Name], Any] = getattr(self, METHODS[method].handler)
        return handler(request, name)

    def _held(self, caller: Caller, asked: Iterable[str], name: Name) -> Any:
        """Wildcards "are not allowed" (google/iam/v1/iam_policy.proto). "If the secret does
        not exist, this call returns an empty set of permissions, rather than a NOT_FOUND
        error" (the client's test_iam_permissions)."""
        if any("*" in permission for permission in asked):
            raise invalid("Permissions with wildcards are not allowed.", "permissions")
        there = self.store.find(name) is not None
        held = [p for p in asked if there and caller.may(p, str(name))]
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=held)

    def _name(self, method: Method, request: Any) -> Name:
        """The resource, with the project's number, which is what the service
        answers with in each sentence that is on record."""
        name = names.parse(method.resource(request), method.field, method.grammar)
        number = self.access.project(name.project).number
        if self.trouble.location not in {"", name.location or "global"}:
            raise invalid(f"This endpoint does not serve [{name}].", method.field)
        return Name(number, name.location, name.secret, name.version)

    # -- secrets

    def list_secrets(self, request: Any, name: Name) -> Any:
        matches = matcher(request.filter, stores.Secret)
        found = [e.message for e in self.store.under(name) if matches(e.message)]
        page, token = self._page(found, request)
        total = 0 if request.filter else len(found)
        return SECRETS(secrets=page, next_page_token=token, total_size=total)

    def create_secret(self, request: Any, name: Name) -> Any:
        names.check_secret_id(request.secret_id)
        if not request.HasField("secret"):
            raise invalid("Field [secret] is required.", "secret")
        name = Name(name.project, name.location, request.secret_id)
        message = stores.Secret()
        message.CopyFrom(request.secret)
        for output in ("create_time", "policy_member", "tags"):
            message.ClearField(output)
        self._check(message, name, versions=0)
        if self.store.find(name) is not None:
            # The sentence: google/exposure-notifications-verification-server issue 456.
            raise Refusal(code_pb2.ALREADY_EXISTS, f"Secret [{name}] already exists.")
        message.name = str(name)
        self._set_expiry(message)
        self.store.clock.stamp(message.create_time)
        self.store.renew(message)
        return self.store.add(name, message).message

    def get_secret(self, request: Any, name: Name) -> Any:
        return self.store.get(name).message

    def update_secret(self, request: Any, name: Name) -> Any:
        entry = self.store.get(name)
        paths = list(request.update_mask.paths)
        if not paths:
            raise invalid("Field [update_mask] is required.", "update_mask")
        for path in paths:
            if path not in MUTABLE:
                raise invalid(
                    f"Invalid update mask: [{path}] cannot be changed.", "update_mask"
                )
        stores.check_etag(entry.message, request.secret.etag)
        changed = stores.Secret()
        changed.CopyFrom(entry.message)
        if {"ttl", "expire_time"} & set(paths):
            changed.ClearField("expire_time")
        for path in paths:
            _copy(request.secret, changed, path.split("."))
        self._check(changed, name, versions=len(entry.versions))
        self._set_expiry(changed)
        self.store.renew(changed)
        entry.message = changed
        return changed

    def delete_secret(self, request: Any, name: Name) -> Any:
        stores.check_etag(self.store.get(name).message, request.etag)
        self.store.remove(name)
        return empty_pb2.Empty()

    def _check(self, message: Any, name: Name, *, versions: int) -> None:
        now = self.store.clock.now()
        fields.check_replication(message, name)
        fields.check_labels(message.labels)
        fields.check_annotations(message.annotations)
        fields.check_aliases(message.version_aliases, versions)
        fields.check_topics(message.topics)
        fields.check_rotation(message, now)
        fields.check_lifetime(message, now)

    def _set_expiry(self, message: Any) -> None:
        """``expire_time`` "is always provided on output, regardless of what was sent"."""
        if message.HasField("ttl"):
            seconds = message.ttl.seconds
            message.expire_time.FromSeconds(int(self.store.clock.now()) + seconds)

    # -- versions

    def add_secret_version(self, request: Any, name: Name) -> Any:
        entry = self.store.get(name)
        payload = request.payload
        # An empty one, too: hashicorp/terraform-provider-google issue 10475 and
        # firebase/firebase-tools pull request 3863.
        if not request.HasField("payload") or not payload.data:
            raise invalid("Field [payload] is required.", "payload")
        if len(payload.data) > PAYLOAD_BYTES:
            raise invalid(f"The payload is larger than {PAYLOAD_BYTES} bytes.", "payload.data")
        data = self.trouble.received(payload.data)
        checked = payload.HasField("data_crc32c")
        crc32c = stores.checksum(data)
        if checked and payload.data_crc32c != crc32c:
            raise invalid(
                f"The checksum of the payload, [{crc32c}], does not match the checksum "
                f"provided, [{payload.data_crc32c}].",
                "payload.data_crc32c",
            )
        keys = fields.keys(entry.message)
        self.trouble.check_keys(keys.values())
        number = str(len(entry.versions) + 1)
        message = stores.SecretVersion(
            name=str(Name(name.project, name.location, name.secret, number)),
            state=stores.ENABLED,
            client_specified_payload_checksum=checked,
        )
        self.store.clock.stamp(message.create_time)
        self.store.renew(message)
        _replication_status(entry.message, message, keys)
        entry.versions.append(stores.Stored(message, data, crc32c, keys))
        entry.behind = self.trouble.behind
        return message

    def list_secret_versions(self, request: Any, name: Name) -> Any:
        """Newest first: "sorted in reverse by create_time" (ListSecretVersionsResponse)."""
        matches = matcher(request.filter, stores.SecretVersion)
        all_ = [stored.message for stored in reversed(self.store.get(name).versions)]
        found = [message for message in all_ if matches(message)]
        page, token = self._page(found, request)
        total = 0 if request.filter else len(found)
        return VERSIONS(versions=page, next_page_token=token, total_size=total)

    def get_secret_version(self, request: Any, name: Name) -> Any:
        return self.store.version(name, alias=True)[1].message

    def access_secret_version(self, request: Any, name: Name) -> Any:
        _, stored = self.store.version(name, alias=True)
        stores.check_state(stored)
        self.trouble.check_keys(stored.keys.values())
        assert stored.data is not None, "an enabled version has its payload"
        answer = ACCESSED(name=stored.message.name)
        answer.payload.data = self.trouble.sent(stored.data)
        answer.payload.data_crc32c = stored.crc32c
        return answer

    def disable_secret_version(self, request: Any, name: Name) -> Any:
        return self._set_state(request, name, stores.DISABLED)

    def enable_secret_version(self, request: Any, name: Name) -> Any:
        return self._set_state(request, name, stores.ENABLED)

    def _set_state(self, request: Any, name: Name, state: int) -> Any:
        """Also takes back a destruction that is to come: "cancel the scheduled destruction …
        by either enabling or disabling" (docs/delay-destruction-of-secret-versions)."""
        _, stored = self.store.version(name, alias=False)
        stores.check_etag(stored.message, request.etag)
        _check_alive(stored)
        stored.message.state = state
        stored.message.ClearField("scheduled_destroy_time")
        self.store.renew(stored.message)
        return stored.message

    def destroy_secret_version(self, request: Any, name: Name) -> Any:
        """At once; or, with ``version_destroy_ttl``, disabled until then."""
        entry, stored = self.store.version(name, alias=False)
        stores.check_etag(stored.message, request.etag)
        _check_alive(stored)
        if not entry.message.HasField("version_destroy_ttl"):
            self.store.destroy(stored)
            return stored.message
        if stored.message.HasField("scheduled_destroy_time"):
            raise precondition("SecretVersion is already scheduled for DESTRUCTION.")
        stored.message.state = stores.DISABLED
        at = int(self.store.clock.now()) + entry.message.version_destroy_ttl.seconds
        stored.message.scheduled_destroy_time.FromSeconds(at)
        self.store.renew(stored.message)
        return stored.message

    # -- policies, kept and given back

    def set_iam_policy(self, request: Any, name: Name) -> Any:
        entry = self.store.get(name)
        if request.policy.etag and request.policy.etag != entry.policy.etag:
            raise Refusal(code_pb2.ABORTED, "There were concurrent policy changes.")
        entry.policy.CopyFrom(request.policy)
        entry.policy.etag = self.store.clock.stamp(stores.Secret().create_time).to_bytes(
            8, "big"
        )
        return entry.policy

    def get_iam_policy(self, request: Any, name: Name) -> Any:
        return self.store.get(name).policy

    # -- pages

    def _page(self, found: list[Any], request: Any) -> tuple[list[Any], str]:
        """A page, and the token of the next one. A token is of one list: another parent or
        filter with it is refused (AIP-158). It goes on behind the last one that was shown,
        whatever was added or deleted meanwhile."""
        if request.page_size < 0:
            raise invalid("Invalid page size.", "page_size")
        size = min(request.page_size or self.trouble.page_size, PAGE)
        last = None
        if request.page_token:
            try:
                parent, filter_, last = json.loads(base64.urlsafe_b64decode(request.page_token))
            except ValueError:
                raise invalid("Invalid page token.", "page_token") from None
            if (parent, filter_) != (request.parent, request.filter):
                raise invalid("Invalid page token.", "page_token")
        rest = [
            message
            for message in found
            if last is None or message.create_time.ToNanoseconds() < last
        ]
        if len(rest) <= size:
            return rest, ""
        place = [request.parent, request.filter, rest[size - 1].create_time.ToNanoseconds()]
        return rest[:size], base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _check_alive(stored: stores.Stored) -> None:
    if stored.message.state == stores.DESTROYED:
        raise precondition("SecretVersion.state is already DESTROYED.")


def _copy(source: Any, target: Any, path: list[str]) -> None:
    """Make a field of the target what it is in the source, unset if it is unset there."""
    first, *rest = path
    if rest:
        _copy(getattr(source, first), getattr(target, first), rest)
        return
    target.ClearField(first)
    value = getattr(source, first)
    field = source.DESCRIPTOR.fields_by_name[first]
    if field.is_repeated:
        getattr(target, first).MergeFrom(value)
    elif field.message_type is None:
        setattr(target, first, value)
    elif source.HasField(first):
        getattr(target, first).CopyFrom(value)


def _replication_status(secret: Any, version: Any, keys: Mapping[str, str]) -> None:
    """Where the version is, and by which version of a key it is encrypted."""
    status = version.replication_status
    if secret.replication.WhichOneof("replication") == "user_managed":
        for replica in secret.replication.user_managed.replicas:
            one = status.user_managed.replicas.add(location=replica.location)
            if replica.location in keys:
                _encrypted(one, keys[replica.location])
        return
    regional = secret.replication.WhichOneof("replication") is None
    holder = version if regional else status.automatic
    if not regional:
        holder.SetInParent()
    if "" in keys:
        _encrypted(holder, keys[""])


def _encrypted(holder: Any, key: str) -> None:
    holder.customer_managed_encryption.kms_key_version_name = f"{key}/cryptoKeyVersions/1"
