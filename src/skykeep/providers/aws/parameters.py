"""``Parameters``: the driver of AWS Systems Manager Parameter Store; values are SecureStrings.

The newest version is what every reader gets, so ``current`` is not a label and cannot be moved.
A delete is final. There is no condition on a write: two writers at once leave two versions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from skykeep.errors import Corrupt, Invalid, NotFound
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import (
    CURRENT,
    PREVIOUS,
    Attributes,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Stamp,
    Version,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.providers.aws.batching import Batches
from skykeep.providers.aws.client import Answer
from skykeep.providers.aws.cursors import cursor_of, token_of
from skykeep.providers.aws.endpoints import SSM
from skykeep.providers.aws.errors import translate
from skykeep.providers.aws.names import ParameterNames
from skykeep.providers.aws.parameter_values import decoded, encoded, most_bytes, size
from skykeep.providers.aws.places import Place
from skykeep.providers.aws.reading import DENIED_FOR, NO_BATCHES, instant
from skykeep.providers.aws.session import Session
from skykeep.providers.aws.tags import MOST, STAMP, Tags, listed, pairs, stamp_of, stamp_tag

# "Parameter Store quotas", AWS General Reference, and the models' own limits.
MAX_CHARACTERS: Final = {"standard": 4096, "advanced": 8192, "intelligent": 8192}
MAX_VERSIONS: Final = 100
MAX_BATCH: Final = 10
MAX_PAGE: Final = 10
MAX_HISTORY: Final = 50
TIERS: Final = {
    "standard": "Standard",
    "advanced": "Advanced",
    "intelligent": "Intelligent-Tiering",
}
FIRST: Final = "1"
"""The version of a new parameter."""

AT_ONCE: Final = 8
"""Calls for the tags of a page of a listing; 40 a second is what an account has by default."""

# LabelParameterVersion: letters, digits and ``.-_``, not begun by a digit, aws or ssm.
_LABEL = re.compile(r"(?!aws|ssm)[A-Za-z._-][A-Za-z0-9._-]*\Z", re.IGNORECASE)
_VERSION = re.compile(r"[1-9][0-9]{0,17}\Z")


class Parameters(SecretDriver):
    """Secrets in Parameter Store."""

    def __init__(self, session: Session) -> None:
        self.settings = session.settings
        self.client = session.client(SSM)
        self._place = Place(session, self.client, "DescribeParameters", "Parameters")
        self._names = ParameterNames(session.settings.secret_prefix or "")
        self._tags = Tags(SSM.title)
        self._batches: Batches[Answer] = Batches(MAX_BATCH, self._ask_many)
        self._no_batches_before = 0.0
        self._characters = MAX_CHARACTERS[session.settings.tier]
        self.capabilities = SecretCapabilities(
            max_versions=MAX_VERSIONS,
            movable_current=False,
            metadata=False,
            soft_delete=False,
            compare_and_set=False,
            conditional_changes=False,
            attributes_with_value=False,
            creation_time=False,
            stamps=True,
            empty_values=False,
            max_value_bytes=self._characters,
            max_binary_bytes=most_bytes(self._characters),
        )

    async def close(self) -> None:
        await self.client.close()

    def after_fork(self) -> None:
        self._batches.after_fork()
        self.client.after_fork()

    async def region(self) -> str | None:
        """That of the service."""
        return await self._place.told()

    # -- reading

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        stored = self._names.stored(name)
        if version is None and stage in (None, CURRENT):
            return self._secret(name, await self._current(stored, name), (CURRENT,))
        if version is not None and not _VERSION.match(version):
            raise self._no_version(name, version)
        if version is None and not _LABEL.match(stage or ""):
            raise NotFound(f"{shown(name)} has no stage {shown(stage or '')}", resource=name)
        there = await self._parameter(f"{stored}:{version or stage}", name, decrypted=True)
        labels = await self._labels(name)
        return self._secret(name, there, labels.get(there["Version"], ()))

    async def describe(self, name: str) -> SecretInfo:
        there = await self._parameter(self._names.stored(name), name, decrypted=False)
        return await self._info(there)

    async def versions(self, name: str) -> Sequence[Version]:
        history = await self._history(name)
        newest = max(entry["Version"] for entry in history)
        return [
            Version(
                str(entry["Version"]),
                instant(entry.get("LastModifiedDate")),
                _stages(entry, newest),
            )
            for entry in sorted(history, key=lambda entry: -entry["Version"])
        ]

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        if deleted:
            raise self.unsupported("list(deleted=True)")
        start = f"{self._names.stored(prefix)}/" if prefix else self._names.prefix
        fields: dict[str, Any] = {
            "Path": start.rpartition("/")[0] or "/",
            "Recursive": True,
            "WithDecryption": False,
            "MaxResults": min(limit, MAX_PAGE),
        }
        if cursor is not None:
            fields["NextToken"] = token_of(cursor, start, False)
        answer = await self.client.call("GetParametersByPath", fields, subject=prefix)

        async def info(entry: Answer) -> SecretInfo | None:
            try:
                return await self._info(entry)
            except NotFound:
                return None  # deleted since

        found = [
            Answer(entry)
            for entry in answer.get("Parameters") or ()
            if entry["Name"].startswith(start)
        ]
        infos = await side_by_side(info, found, AT_ONCE)
        token = answer.get("NextToken") or None
        return Page(
            [each for each in infos if each is not None],
            None if token is None else cursor_of(start, False, token),
        )

    # -- writing

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        self._check(value, attributes)
        fields: dict[str, Any] = {
            "Name": self._names.stored(name),
            "Type": "SecureString",
            "Overwrite": False,
        }
        tags = self._tags.of_new(attributes)
        if attributes.stamp is not None and len(tags) < MOST:
            tags[STAMP] = stamp_tag(attributes.stamp, FIRST)
        if tags:
            fields["Tags"] = listed(tags)
        return Written(await self._put(name, fields, value))

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        if expects is not None:
            raise self.unsupported("update(expects=…)")
        if stage != CURRENT:
            raise self.unsupported(f"update(stage={stage!r})")
        self._check(value, attributes)
        stored = self._names.stored(name)
        # Overwrite makes a parameter that is not there: whether it is, is looked up first.
        there = await self._parameter(stored, name, decrypted=True)
        if decoded(there.pop("Value", None)) == value:
            written = Written(str(there["Version"]), changed=False)
        else:
            # The type stays as it is.
            fields = {"Name": stored, "Overwrite": True}
            written = Written(await self._put(name, fields, value))
            await self._leave_behind(stored, there["Version"])
            if attributes.stamp is not None:
                await self._stamp(stored, attributes.stamp, written.version)
        if not attributes.empty:
            await self._annotate(name, attributes)
        return written

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        if expects is not None:
            raise self.unsupported("annotate(expects=…)")
        self._tags.check(attributes)
        await self._parameter(self._names.stored(name), name, decrypted=False)
        await self._annotate(name, attributes)

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        if expects is not None:
            raise self.unsupported("move_stage(expects=…)")
        if stage == CURRENT:
            raise self.unsupported("move_stage('current')")
        if not _LABEL.match(stage):
            raise Invalid(
                f"{shown(stage)} is no label for AWS Parameter Store",
                hint="it does not begin with a digit, 'aws' or 'ssm'",
            )
        stored = self._names.stored(name)
        labels = await self._labels(name)
        at = next((number for number, found in labels.items() if stage in found), None)
        if version is None:
            if at is not None:
                fields = {"Name": stored, "ParameterVersion": at, "Labels": [stage]}
                await self.client.call("UnlabelParameterVersion", fields, subject=name)
            return
        if not _VERSION.match(version) or int(version) not in labels:
            raise self._no_version(name, version)
        if at == int(version):
            return
        answer = await self.client.call(
            "LabelParameterVersion",
            {"Name": stored, "ParameterVersion": int(version), "Labels": [stage]},
            subject=name,
        )
        if answer.get("InvalidLabels"):
            raise Invalid(f"AWS Parameter Store does not take the label {shown(stage)}")

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        if expects is not None:
            raise self.unsupported("delete(expects=…)")
        fields = {"Name": self._names.stored(name)}
        await self.client.call("DeleteParameter", fields, subject=name)

    async def purge(self, name: str) -> None:
        await self.delete(name)

    # -- parts of these

    def _check(self, value: SecretValue, attributes: Attributes) -> None:
        self._tags.check(attributes)
        if value.size == 0:
            raise Invalid("AWS Parameter Store keeps no empty value")
        if value.size > self._characters or size(value) > self._characters:
            raise Invalid(
                f"AWS Parameter Store keeps at most {self._characters:,} bytes of text, "
                f"{most_bytes(self._characters):,} of other bytes, in the tier "
                f"'{self.settings.tier}'; this value has {value.size:,}"
            )

    async def _put(self, name: str, fields: dict[str, Any], value: SecretValue) -> str:
        fields["Tier"] = TIERS[self.settings.tier]
        if self.settings.kms_key:
            fields["KeyId"] = self.settings.kms_key
        answer = await self.client.call(
            "PutParameter", fields, subject=name, secretly=lambda: {"Value": encoded(value)}
        )
        return str(answer["Version"])

    async def _leave_behind(self, stored: str, version: int) -> None:
        """Put ``previous`` on the version that was current. The value is written already:
        what goes wrong here is not told as if it were not."""
        fields = {"Name": stored, "ParameterVersion": version, "Labels": [PREVIOUS]}
        await self.client.ask_in_vain("LabelParameterVersion", fields)

    async def _stamp(self, stored: str, stamp: Stamp, version: str) -> None:
        """Keep the stamp of a version that was written; likewise: without it, it is unknown."""
        tags = listed({STAMP: stamp_tag(stamp, version)})
        fields = {"ResourceType": "Parameter", "ResourceId": stored, "Tags": tags}
        await self.client.ask_in_vain("AddTagsToResource", fields)

    async def _annotate(self, name: str, attributes: Attributes) -> None:
        stored = self._names.stored(name)
        change = self._tags.change(await self._tags_of(stored), attributes)
        fields = {"ResourceType": "Parameter", "ResourceId": stored}
        if change.put:
            tags = {**fields, "Tags": listed(change.put)}
            await self.client.call("AddTagsToResource", tags, subject=name)
        if change.remove:
            keys = {**fields, "TagKeys": list(change.remove)}
            await self.client.call("RemoveTagsFromResource", keys, subject=name)

    async def _current(self, stored: str, name: str) -> Answer:
        if time.monotonic() >= self._no_batches_before:
            answer = await self._batches.get(stored)
            if answer is not None:
                return Answer(answer)  # a copy: the value is taken out of it
        return await self._parameter(stored, name, decrypted=True)

    async def _parameter(self, selected: str, name: str, *, decrypted: bool) -> Answer:
        fields = {"Name": selected, "WithDecryption": decrypted}
        answer = await self.client.call("GetParameter", fields, subject=name)
        return Answer(answer["Parameter"])

    async def _ask_many(self, stored: Sequence[str]) -> dict[str, Answer]:
        fields = {"Names": list(stored), "WithDecryption": True}
        reply, failure = await self.client.ask("GetParameters", fields)
        if failure is not None:
            # A key that cannot be used for one parameter fails them all: asked singly.
            if failure.code in NO_BATCHES or failure.code == "InvalidKeyId":
                self._no_batches_before = time.monotonic() + DENIED_FOR
                return {}
            raise translate(
                failure,
                title=SSM.title,
                subject=f"{len(stored)} parameters",
                action="GetParameters",
            )
        answer = self.client.answer(reply, "GetParameters")
        return {entry["Name"]: Answer(entry) for entry in answer.get("Parameters") or ()}

    async def _history(self, name: str) -> Sequence[Answer]:
        fields: dict[str, Any] = {
            "Name": self._names.stored(name),
            "WithDecryption": False,
            "MaxResults": MAX_HISTORY,
        }
        found: list[Answer] = []
        while True:
            answer = await self.client.call("GetParameterHistory", fields, subject=name)
            found += [Answer(entry) for entry in answer.get("Parameters") or ()]
            if not answer.get("NextToken"):
                break
            fields["NextToken"] = answer["NextToken"]
        if not found:
            raise NotFound(f"there is no parameter {shown(name)}", resource=name)
        return found

    async def _labels(self, name: str) -> dict[int, tuple[str, ...]]:
        """All versions and what is on them."""
        history = await self._history(name)
        newest = max(entry["Version"] for entry in history)
        return {entry["Version"]: _stages(entry, newest) for entry in history}

    async def _tags_of(self, stored: str) -> dict[str, str]:
        fields = {"ResourceType": "Parameter", "ResourceId": stored}
        answer = await self.client.call("ListTagsForResource", fields, subject=stored)
        return pairs(answer.get("TagList"))

    async def _info(self, there: Answer) -> SecretInfo:
        tags = await self._tags_of(there["Name"])
        version = str(there["Version"])
        return SecretInfo(
            self._names.portable(there["Name"]),
            version,
            None,
            instant(there.get("LastModifiedDate")),
            {},
            self._tags.shown(tags),
            self._tags.expiry(tags),
            stamp=stamp_of(tags, version),
        )

    @staticmethod
    def _secret(name: str, there: Answer, stages: tuple[str, ...]) -> Secret:
        value = decoded(there.pop("Value", None))
        if value is None:
            raise Corrupt(
                f"the parameter {shown(name)} begins with skykeep's mark and is not base64",
                hint="write it again, or read it with AWS's own tools",
                resource=name,
            )
        created = instant(there.get("LastModifiedDate"))
        return Secret(name, value, str(there["Version"]), created, stages)

    @staticmethod
    def _no_version(name: str, version: str) -> NotFound:
        return NotFound(f"{shown(name)} has no version {shown(version)}", resource=name)


def _stages(entry: Mapping[str, Any], newest: int) -> tuple[str, ...]:
    labels = {label for label in entry.get("Labels") or () if label != CURRENT}
    return tuple(sorted(labels | ({CURRENT} if entry["Version"] == newest else set())))
