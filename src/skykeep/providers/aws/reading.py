"""Secrets Manager, read: values, versions, listings, and what a refusal means."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from skykeep.errors import (
    Corrupt,
    NotFound,
    PendingDelete,
    SkykeepError,
)
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.aws import stages
from skykeep.providers.aws.batching import Batches
from skykeep.providers.aws.client import Answer
from skykeep.providers.aws.cursors import cursor_of, token_of
from skykeep.providers.aws.endpoints import SECRETS_MANAGER
from skykeep.providers.aws.errors import Failure, translate
from skykeep.providers.aws.names import ManagerNames
from skykeep.providers.aws.places import Place
from skykeep.providers.aws.session import Session
from skykeep.providers.aws.tags import Tags, pairs
from skykeep.providers.aws.version_ids import stamp_of

# "AWS Secrets Manager quotas", User Guide, and the models' own limits.
MAX_VALUE_BYTES: Final = 65_536
MAX_BATCH: Final = 20
MAX_PAGE: Final = 100
VERSION_LENGTH: Final = range(32, 65)

DENIED_FOR: Final = 300.0
"""Seconds for which batches are not tried again after they were denied."""

# Denied, or an endpoint of others that does not know the action.
NO_BATCHES = frozenset(
    {"AccessDenied", "AccessDeniedException", "InvalidAction", "UnknownOperationException"}
)
_STATE = frozenset({"InvalidRequestException", "ResourceExistsException"})


class Reading(SecretDriver):
    """The reading half of the driver."""

    # No flag for pruning: versions without a label go when there are more than 100 and they
    # are older than a day (User Guide, "Secret versions").
    capabilities = SecretCapabilities(
        metadata=False,
        conditional_changes=False,
        attributes_with_value=False,
        stamps=True,
        stamp_with_value=True,
        empty_values=False,
        max_value_bytes=MAX_VALUE_BYTES,
    )

    def __init__(self, session: Session) -> None:
        self.settings = session.settings
        self.client = session.client(SECRETS_MANAGER)
        self.names = ManagerNames(session.settings.secret_prefix or "")
        self.tags = Tags(SECRETS_MANAGER.title)
        self._batches: Batches[Answer] = Batches(MAX_BATCH, self._ask_many)
        self._no_batches_before = 0.0
        self._place = Place(session, self.client, "ListSecrets", "SecretList")

    async def close(self) -> None:
        await self.client.close()

    def after_fork(self) -> None:
        self._batches.after_fork()
        self.client.after_fork()

    async def region(self) -> str | None:
        """That of the service and, by the settings, those of the copies of new secrets."""
        return await self._place.told()

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        stored = self.names.stored(name)
        fields: dict[str, Any] = {"SecretId": stored}
        if version is not None:
            if len(version) not in VERSION_LENGTH:
                raise self.no_version(name, version)
            fields["VersionId"] = version
        else:
            # Also for the current one: said plainly, it is right in every emulator, too.
            fields["VersionStage"] = stages.native(stage or CURRENT)
            if stage in (None, CURRENT) and time.monotonic() >= self._no_batches_before:
                answer = await self._batches.get(stored)
                if answer is not None:
                    # A copy: the value is taken out of it, and others may have asked for it.
                    return self._secret(name, Answer(answer))
        reply, failure = await self.client.ask("GetSecretValue", fields)
        if failure is not None:
            raise await self.explain(failure, name, "GetSecretValue", reading=True)
        return self._secret(name, self.client.answer(reply, "GetSecretValue"))

    async def describe(self, name: str) -> SecretInfo:
        return self._info(await self.look(name))

    async def versions(self, name: str) -> Sequence[Version]:
        stored = self.names.stored(name)
        found: list[Version] = []
        token: str | None = None
        while True:
            fields = {
                "SecretId": stored,
                "IncludeDeprecated": True,
                "MaxResults": MAX_PAGE,
                **({"NextToken": token} if token else {}),
            }
            answer = await self.client.call("ListSecretVersionIds", fields, subject=name)
            found += [
                Version(
                    entry["VersionId"],
                    instant(entry.get("CreatedDate")),
                    stages.ours(entry.get("VersionStages")),
                )
                for entry in answer.get("Versions") or ()
            ]
            token = answer.get("NextToken") or None
            if token is None:
                break
        return sorted(found, key=_newest_first)

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        start = f"{self.names.stored(prefix)}/" if prefix else self.names.prefix
        fields: dict[str, Any] = {
            "MaxResults": min(limit, MAX_PAGE),
            "IncludePlannedDeletion": deleted,
        }
        if start:
            fields["Filters"] = [{"Key": "name", "Values": [start]}]
        if cursor is not None:
            fields["NextToken"] = token_of(cursor, start, deleted)
        answer = await self.client.call("ListSecrets", fields, subject=prefix)
        infos = [
            self._info(entry)
            for entry in answer.get("SecretList") or ()
            if entry["Name"].startswith(start)
        ]
        token = answer.get("NextToken") or None
        return Page(
            [info for info in infos if (info.deleted_at is not None) is deleted],
            None if token is None else cursor_of(start, deleted, token),
        )

    # -- what the halves share

    async def look(self, name: str) -> Answer:
        """What DescribeSecret says, also of a tombstone. Raises ``NotFound``."""
        fields = {"SecretId": self.names.stored(name)}
        return await self.client.call("DescribeSecret", fields, subject=name)

    async def live(self, name: str) -> Answer:
        """What DescribeSecret says. Raises ``NotFound``, ``PendingDelete``."""
        there = await self.look(name)
        if there.get("DeletedDate") is not None:
            raise tombstone(name)
        return there

    async def explain(
        self, failure: Failure, name: str, action: str, *, reading: bool
    ) -> SkykeepError:
        """Our error for a refusal; where its code may mean a tombstone, by looking."""
        error = translate(failure, title=self.client.service.title, subject=name, action=action)
        error.resource = name
        if failure.code not in _STATE:
            return error
        try:
            gone = (await self.look(name)).get("DeletedDate") is not None
        except NotFound:
            # The last moments of a purge: the name is still taken, and nothing can be seen.
            gone = action == "CreateSecret"
        except SkykeepError:
            # May not look: then by AWS's words, of which all kinds have one of these.
            gone = "deletion" in failure.message or "deleted" in failure.message
        if not gone:
            return error
        if reading:
            return NotFound(f"the secret {shown(name)} is deleted", resource=name)
        return tombstone(name)

    @staticmethod
    def no_version(name: str, version: str) -> NotFound:
        """The error for a version that is not there."""
        return NotFound(f"{shown(name)} has no version {shown(version)}", resource=name)

    @staticmethod
    def holder(there: Mapping[str, Any], label: str) -> str | None:
        """The version that has the label, by DescribeSecret or ListSecrets."""
        versions = there.get("VersionIdsToStages") or there.get("SecretVersionsToStages") or {}
        return next((each for each, labels in versions.items() if label in labels), None)

    # -- from AWS's fields to ours

    def _secret(self, name: str, answer: Answer) -> Secret:
        value = take_value(answer)
        if value is None:
            raise Corrupt(f"AWS gave no value of {shown(name)} that can be read", resource=name)
        return Secret(
            name,
            value,
            answer["VersionId"],
            instant(answer.get("CreatedDate")),
            stages.ours(answer.get("VersionStages")),
            stamp=stamp_of(answer["VersionId"]),
        )

    def _info(self, there: Mapping[str, Any]) -> SecretInfo:
        created = instant(there.get("CreatedDate"))
        changed = instant(there.get("LastChangedDate")) or created
        if created is not None and changed is not None:
            changed = max(created, changed)
        tags = pairs(there.get("Tags"))
        current = self.holder(there, stages.AWSCURRENT)
        return SecretInfo(
            self.names.portable(there["Name"]),
            current,
            created,
            changed,
            {},
            self.tags.shown(tags),
            self.tags.expiry(tags),
            _deleted(instant(there.get("DeletedDate")), changed),
            stamp_of(current),
        )

    async def _ask_many(self, stored: Sequence[str]) -> dict[str, Answer]:
        fields = {"SecretIdList": list(stored)}
        reply, failure = await self.client.ask("BatchGetSecretValue", fields)
        if failure is not None:
            if failure.code in NO_BATCHES:
                self._no_batches_before = time.monotonic() + DENIED_FOR
                return {}
            raise translate(
                failure,
                title=self.client.service.title,
                subject=f"{len(stored)} secrets",
                action="BatchGetSecretValue",
            )
        return _by_name(self.client.answer(reply, "BatchGetSecretValue"))


def _by_name(answer: Answer) -> dict[str, Answer]:
    """The values of a batch. One that failed, or is not current, is asked for singly."""
    return {
        entry["Name"]: Answer(entry)
        for entry in answer.get("SecretValues") or ()
        if stages.AWSCURRENT in (entry.get("VersionStages") or ())
    }


def take_value(answer: Answer) -> SecretValue | None:
    """The value, taken out of the answer; None if there is none. Never raises."""
    text = answer.pop("SecretString", None)
    if isinstance(text, str):
        return SecretValue(text)
    data = answer.pop("SecretBinary", None)
    if not isinstance(data, str):
        return None
    try:
        return SecretValue(base64.b64decode(data, validate=True))
    except binascii.Error:
        return None


def tombstone(name: str) -> PendingDelete:
    """The error for a name that a deleted secret holds."""
    return PendingDelete(
        f"the secret {shown(name)} was deleted and its tombstone holds the name",
        hint="restore or purge it first; a purge takes AWS some seconds",
        resource=name,
    )


def instant(seconds: object) -> datetime | None:
    """AWS's time, seconds since 1970, in UTC."""
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, (int, float)) else None


def _deleted(at: datetime | None, changed: datetime | None) -> datetime | None:
    """When it was deleted. The API reference calls ``DeletedDate`` the date of the deletion
    in one place (SecretListEntry) and the day for which it is planned in another
    (DescribeSecret): where it lies ahead, the last change is the deletion."""
    if at is None or changed is None or at <= datetime.now(UTC) + timedelta(hours=1):
        return at
    return changed


def _newest_first(version: Version) -> tuple[float, bool]:
    created = version.created_at.timestamp() if version.created_at is not None else 0.0
    return -created, CURRENT not in version.stages
