"""``SecretsManager``: the driver of AWS Secrets Manager; here, what changes the store."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from skykeep.envelope.marks import mark
from skykeep.errors import (
    Conflict,
    Denied,
    Invalid,
    NotFound,
    SkykeepError,
)
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import CURRENT, Attributes, Stamp, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.aws import stages, version_ids
from skykeep.providers.aws.errors import Failure
from skykeep.providers.aws.reading import (
    MAX_VALUE_BYTES,
    VERSION_LENGTH,
    Reading,
    take_value,
)
from skykeep.providers.aws.tags import listed, pairs

WAIT: Final = 0.2
LONGEST_WAIT: Final = 2.0
"""Seconds between looks at something that AWS does behind the answer: a purge, the end of a
replica. The deadline of the caller ends it."""

_TAKEN: Final = "ResourceExistsException"
_MISMATCH = frozenset({"InvalidParameterException", "InvalidRequestException"})


class Seen(NamedTuple):
    """What a stage holds before it is written: nothing, or a version.

    ``value`` is None also where these credentials may write and not read.
    """

    version: str | None
    value: SecretValue | None


class SecretsManager(Reading):
    """Secrets in AWS Secrets Manager.

    A write looks at what is there first, so that an unchanged value makes no version, and so
    that a write that is sent again after its answer was lost finds itself done. The client
    request token, which becomes the version's id, is made of the write's stamp and the version
    that was seen. Without a stamp it is made of the secret, the version that was seen and the
    value, keyed with bytes of this process alone. For the same write it is the same again, and
    it says nothing of the value.
    """

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        self._check(value, attributes)
        fields: dict[str, Any] = {
            "Name": self.names.stored(name),
            # Another one each time: with the same one AWS would answer that a secret was made,
            # to a write that is sent again when others have changed it since.
            "ClientRequestToken": _anew(attributes.stamp),
        }
        if self.settings.kms_key:
            fields["KmsKeyId"] = self.settings.kms_key
        if tags := self.tags.of_new(attributes):
            fields["Tags"] = listed(tags)
        if self.settings.replica_regions:
            fields["AddReplicaRegions"] = self._replicas()
        reply, failure = await self.client.ask("CreateSecret", fields, Value(value).fields)
        if failure is not None:
            raise await self.explain(failure, name, "CreateSecret", reading=False)
        return Written(self.client.answer(reply, "CreateSecret")["VersionId"])

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        stage = stages.same(stage)
        label = stages.native(stage)
        if expects is not None and stage != CURRENT:
            raise self.unsupported(f"update(stage={stage!r}, expects=…)")
        self._check(value, attributes)
        seen = await self._seen(name, label)
        if expects is not None and seen.version != expects:
            raise self._lost(name, seen.version, expects)
        if seen.version is not None and seen.value == value:
            written = Written(seen.version, changed=False)
        elif expects is None:
            written = Written(
                await self._put(name, value, label, seen.version, attributes.stamp)
            )
        else:
            written = Written(await self._put_if(name, value, expects, attributes.stamp))
        if not attributes.empty:
            await self._annotate(name, attributes)
        return written

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        if expects is not None:
            raise self.unsupported("annotate(expects=…)")
        self.tags.check(attributes)
        await self._annotate(name, attributes)

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        stage = stages.same(stage)
        label = stages.native(stage)
        if expects is not None and stage != CURRENT:
            raise self.unsupported(f"move_stage({stage!r}, expects=…)")
        if version is None and stage == CURRENT:
            raise Invalid("'current' cannot be taken off", resource=name)
        at = self.holder(await self.live(name), label)
        if expects is not None and at != expects:
            raise self._lost(name, at, expects)
        if at == version:
            return
        if version is not None and len(version) not in VERSION_LENGTH:
            raise self.no_version(name, version)
        failure = await self._move(name, label, version, at)
        if failure is None:
            return
        now = self.holder(await self.live(name), label)
        if now == version:
            return
        if now != at:
            raise self._lost(name, now, expects or at or "none")
        if version is not None and failure.code in {
            *_MISMATCH,
            "ResourceNotFoundException",
        }:
            raise self.no_version(name, version)
        raise await self.explain(failure, name, "UpdateSecretVersionStage", reading=False)

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        if expects is not None:
            raise self.unsupported("delete(expects=…)")
        fields = {"RecoveryWindowInDays": self.settings.recovery_days}
        failure = await self._delete(name, fields)
        if failure is not None and await self._unreplicated(name, failure):
            failure = await self._delete(name, fields)
        if failure is not None:
            raise await self.explain(failure, name, "DeleteSecret", reading=True)

    async def restore(self, name: str) -> None:
        there = await self.look(name)
        if there.get("DeletedDate") is None:
            raise Conflict(f"the secret {shown(name)} is not deleted", resource=name)
        fields: dict[str, Any] = {"SecretId": self.names.stored(name)}
        await self.client.call("RestoreSecret", fields, subject=name)
        if self.settings.replica_regions and not there.get("ReplicationStatus"):
            fields["AddReplicaRegions"] = self._replicas()
            await self.client.call("ReplicateSecretToRegions", fields, subject=name)

    async def purge(self, name: str) -> None:
        await self.look(name)
        fields = {"ForceDeleteWithoutRecovery": True}
        failure = await self._delete(name, fields)
        if failure is not None and await self._unreplicated(name, failure):
            failure = await self._delete(name, fields)
        if failure is not None:
            raise await self.explain(failure, name, "DeleteSecret", reading=False)
        # "an asynchronous process": the name is free when it is not found any more.
        wait = WAIT
        while True:
            try:
                await self.look(name)
            except NotFound:
                return
            except Denied:
                return  # it may delete and not look: AWS frees the name by itself
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    # -- parts of these

    def _check(self, value: SecretValue, attributes: Attributes) -> None:
        self.tags.check(attributes)
        if value.size > MAX_VALUE_BYTES:
            raise Invalid(
                f"AWS Secrets Manager keeps at most {MAX_VALUE_BYTES:,} bytes; "
                f"this value has {value.size:,}"
            )
        if value.size == 0:
            raise Invalid("AWS Secrets Manager keeps no empty value")

    async def _seen(self, name: str, label: str) -> Seen:
        """What the stage holds. Raises ``NotFound``, ``PendingDelete``."""
        fields = {"SecretId": self.names.stored(name), "VersionStage": label}
        reply, failure = await self.client.ask("GetSecretValue", fields)
        if failure is None:
            answer = self.client.answer(reply, "GetSecretValue")
            return Seen(answer["VersionId"], take_value(answer))
        error = await self.explain(failure, name, "GetSecretValue", reading=False)
        if not isinstance(error, (NotFound, Denied)):
            raise error
        # Not found may be the secret or the stage. Where reading is denied, the value is
        # written unseen, and the version that is there keeps a repeated write apart.
        try:
            there = await self.live(name)
        except Denied:
            return Seen(None, None)
        return Seen(self.holder(there, label), None)

    async def _put(
        self, name: str, value: SecretValue, label: str, seen: str | None, stamp: Stamp | None
    ) -> str:
        """Add a version under the label; its id."""
        stored = self.names.stored(name)
        if stamp is not None:
            token = version_ids.after(stamp, seen)
        else:
            token = _token(stored, label, seen, value) if seen else _anew(None)
        first = True
        while True:
            fields = {
                "SecretId": stored,
                "ClientRequestToken": token,
                "VersionStages": [label],
            }
            reply, failure = await self.client.ask(
                "PutSecretValue", fields, Value(value).fields
            )
            # It is there with another value: the same one, encrypted anew, has the same stamp.
            if failure is not None and (failure.code != _TAKEN or not first):
                raise await self.explain(failure, name, "PutSecretValue", reading=False)
            if failure is None:
                answer = self.client.answer(reply, "PutSecretValue")
                version: str = answer["VersionId"]
                # AWS takes a token with the same value for the same request and changes
                # nothing. If that was long ago and the label has gone elsewhere since, this is
                # a new write.
                if version != token or label in (answer.get("VersionStages") or (label,)):
                    return version
            token, first = _anew(stamp), False

    async def _put_if(
        self, name: str, value: SecretValue, expects: str, stamp: Stamp | None
    ) -> str:
        """Add a version and make it current if that is still as expected; its id.

        AWS has no condition on a put. It has one on the move of a label that is attached:
        ``RemoveFromVersionId`` must be the version that has it (UpdateSecretVersionStage).
        So the value is kept under a label of ours first.
        """
        version = await self._put(name, value, stages.WRITING, expects, stamp)
        failure = await self._move(name, stages.AWSCURRENT, version, expects)
        now: str | None = None
        error: SkykeepError | None = None
        if failure is not None:
            error = await self.explain(failure, name, "UpdateSecretVersionStage", reading=False)
            if failure.code in _MISMATCH:
                now = self.holder(await self.live(name), stages.AWSCURRENT)
        try:
            await self._move(name, stages.WRITING, None, version)
        except SkykeepError:
            pass  # the value is where it belongs; the next write takes the label along
        if error is None:
            return version
        if now is not None and now != expects:
            raise self._lost(name, now, expects)
        raise error

    async def _move(
        self, name: str, label: str, to: str | None, from_: str | None
    ) -> Failure | None:
        fields = {"SecretId": self.names.stored(name), "VersionStage": label}
        if to is not None:
            fields["MoveToVersionId"] = to
        if from_ is not None:
            fields["RemoveFromVersionId"] = from_
        return (await self.client.ask("UpdateSecretVersionStage", fields))[1]

    async def _delete(self, name: str, how: Mapping[str, Any]) -> Failure | None:
        fields = {"SecretId": self.names.stored(name), **how}
        return (await self.client.ask("DeleteSecret", fields))[1]

    async def _unreplicated(self, name: str, failure: Failure) -> bool:
        """Whether there were replicas, which forbid a deletion, and are no longer."""
        if failure.code not in _MISMATCH:
            return False
        try:
            regions = _regions(await self.look(name))
        except SkykeepError:
            return False
        if not regions:
            return False
        fields: dict[str, Any] = {
            "SecretId": self.names.stored(name),
            "RemoveReplicaRegions": regions,
        }
        await self.client.call("RemoveRegionsFromReplication", fields, subject=name)
        wait = WAIT
        while _regions(await self.look(name)):
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        return True

    def _replicas(self) -> list[dict[str, str]]:
        return [{"Region": region} for region in self.settings.replica_regions]

    async def _annotate(self, name: str, attributes: Attributes) -> None:
        there = pairs((await self.live(name)).get("Tags"))
        change = self.tags.change(there, attributes)
        fields = {"SecretId": self.names.stored(name)}
        # New ones first: what is broken off in between has too much rather than too little.
        if change.put:
            tags = {**fields, "Tags": listed(change.put)}
            await self.client.call("TagResource", tags, subject=name)
        if change.remove:
            keys = {**fields, "TagKeys": list(change.remove)}
            await self.client.call("UntagResource", keys, subject=name)

    @staticmethod
    def _lost(name: str, current: str | None, expects: str) -> Conflict:
        return Conflict(
            f"the version of {shown(name)} is {current}, not {shown(expects)} as expected",
            resource=name,
        )


class Value:
    """Gives the fields that hold a value; shows nothing of it."""

    __slots__ = ("_value",)

    def __init__(self, value: SecretValue) -> None:
        self._value = value

    def fields(self) -> Mapping[str, str]:
        """Text as ``SecretString``, other bytes as ``SecretBinary``: no mark is needed."""
        data = self._value.reveal()
        try:
            return {"SecretString": data.decode()}
        except UnicodeDecodeError:
            return {"SecretBinary": base64.b64encode(data).decode()}


def _anew(stamp: Stamp | None) -> str:
    """A client request token that nobody has used."""
    return str(uuid.uuid4()) if stamp is None else version_ids.anew(stamp)


def _token(stored: str, label: str, seen: str, value: SecretValue) -> str:
    """The client request token of a write, a UUID. Raises nothing, for it holds the value."""
    about = b"".join(
        len(part).to_bytes(4, "big") + part
        for part in (stored.encode(), label.encode(), seen.encode())
    )
    return str(uuid.UUID(hex=mark(about + value.reveal())))


def _regions(there: Mapping[str, Any]) -> list[str]:
    return [each["Region"] for each in there.get("ReplicationStatus") or ()]
