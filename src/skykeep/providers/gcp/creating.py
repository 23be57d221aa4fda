"""Secret Manager: how a secret comes into being, and how a version is added.

A secret and its first version are two calls, and a crash may come between them. So a secret
that skykeep creates carries a claim, a random word of its creator: while it is empty and young,
nobody else of skykeep writes to it, and afterwards anybody may take it over, under its etag.
One without a claim was made empty by others, as Terraform does it: a put fills it at once.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

from skykeep.errors import (
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import Attributes, Stamp, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp import answers, beside
from skykeep.providers.gcp.answers import SecretVersion, encoded
from skykeep.providers.gcp.beside import EMPTY, Beside
from skykeep.providers.gcp.checksums import Checksum, checksum
from skykeep.providers.gcp.errors import Failure
from skykeep.providers.gcp.reading import MAX_VALUE_BYTES, REMEMBERED, Reading
from skykeep.providers.gcp.session import Session, strange
from skykeep.providers.gcp.settings import GLOBAL, GcpSettings
from skykeep.providers.gcp.versions import value_of

T = TypeVar("T")

YOUNG: Final = timedelta(minutes=2)
"""For so long a claim on an empty secret holds: twice what any call may take."""

# A checksum that does not fit has no reason of its own.
_CHECKSUM = re.compile(r"crc32c|checksum", re.IGNORECASE)


class Creating(Reading):
    """The half of the driver that makes secrets and versions."""

    def __init__(self, session: Session, settings: GcpSettings) -> None:
        super().__init__(session, settings)
        self._claims: dict[str, str] = {}
        """Of creations whose outcome is in doubt."""
        self.doubts: dict[str, int] = {}
        """The number before a write that is in doubt."""

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        self.check(value, attributes)
        stored = self.names.stored(name)
        claim = self._claims.pop(stored, None) or uuid.uuid4().hex
        made: answers.Secret | None = None
        try:
            made = await self._make(name, stored, claim, attributes)
            if made is None:
                await self._take_over(name, stored, claim, attributes)
            number = await self.add(name, stored, value, 0)
        except NotFound as error:
            _keep(self._claims, stored, claim)
            unseen = Unavailable(
                f"{shown(name)} was created and is not to be seen yet",
                hint="try again",
                resource=name,
                request_id=error.request_id,
            )
        except (Unavailable, Throttled, asyncio.CancelledError):
            _keep(self._claims, stored, claim)
            raise
        except SkykeepError:
            if made is not None:
                await self._unmake(stored, made)
            raise
        else:
            await self.stamp(name, stored, number, attributes.stamp, made)
            return Written(str(number))
        raise unseen

    # -- what the halves share

    def check(self, value: SecretValue, attributes: Attributes) -> None:
        """Raise ``Invalid`` for what can never be kept."""
        beside.check(attributes)
        if value.size > MAX_VALUE_BYTES:
            raise Invalid(
                f"Google Secret Manager keeps at most {MAX_VALUE_BYTES:,} bytes; "
                f"this value has {value.size:,}"
            )
        if value.size == 0:
            raise Invalid("Google Secret Manager keeps no empty value")

    async def add(self, name: str, stored: str, value: SecretValue, before: int) -> int:
        """Add a version; its number. ``before`` is that of the newest one, if it is known."""
        check = checksum()
        path = f"{await self.session.secret(stored)}:addVersion"
        try:
            made, failure = await self.session.ask(
                "POST", path, _payload(value, check), kind=SecretVersion
            )
        except (Unavailable, asyncio.CancelledError):
            _keep(self.doubts, stored, before)
            raise
        if failure is not None:
            raise self._refusal(failure, name)
        assert made is not None  # noqa: S101 - an answer is there or a failure is
        if not made.number:
            _keep(self.doubts, stored, before)
            raise strange()
        self.remember(stored, made.number)
        if not made.client_specified_payload_checksum:
            await self._verify(name, stored, made.number, value)
        return made.number

    async def patch(
        self, name: str, stored: str, secret: answers.Secret, fields: Mapping[str, Any]
    ) -> bool:
        """Whether the fields were changed; not if the secret is no longer as it was."""
        path = f"{await self.session.secret(stored)}?updateMask={','.join(sorted(fields))}"
        _, failure = await self.session.ask(
            "PATCH", path, encoded({"etag": secret.etag, **fields}), kind=answers.Secret
        )
        if failure is None:
            return True
        # "it fails with a FAILED_PRECONDITION error" ("Use entity tags").
        if failure.code == "FAILED_PRECONDITION" and not failure.about_key:
            return False
        raise self.explain(failure, name, "UpdateSecret")

    async def stamp(
        self,
        name: str,
        stored: str,
        number: int,
        stamp: Stamp | None,
        secret: answers.Secret | None,
    ) -> None:
        """Say which write a version is of. ``secret`` is as it was last seen, if it was.

        Raises nothing: the value is there, and without a stamp it is unknown.
        """
        if stamp is None:
            return
        with suppress(SkykeepError):
            for seen in (secret, None, None):
                there = seen or await self.look(name)
                kept = Beside.of(there).marked(stamp, number)
                fields = {"annotations": kept.annotations}
                if kept == Beside.of(there) or await self.patch(name, stored, there, fields):
                    return

    def fields(self, kept: Beside) -> dict[str, Any]:
        """The fields that hold what is beside, and the time of this change."""
        kept = kept.noted(changed_at=beside.timestamp(self.session.now()))
        return {"labels": kept.labels, "annotations": kept.annotations}

    def is_claimed(self, stored: str, secret: answers.Secret) -> bool:
        """Whether an empty secret is so because somebody else of skykeep is creating it."""
        claim = _claim(secret)
        return bool(claim) and claim != self._claims.get(stored) and self._is_young(secret)

    def being_created(self, name: str) -> Conflict:
        """The error for a secret that somebody else is creating."""
        return self.conflict(
            name,
            "is being created by somebody else, or its creation broke off",
            f"try again; after {YOUNG.seconds // 60} minutes it is taken over",
        )

    # -- parts of these

    def _refusal(self, failure: Failure, name: str) -> SkykeepError:
        about = " ".join((failure.message, *failure.fields))
        if failure.code == "INVALID_ARGUMENT" and _CHECKSUM.search(about):
            return Corrupt(
                f"the value of {shown(name)} was damaged on its way, and was not kept",
                hint="write it again; if it stays so, look at the proxy",
                resource=name,
            )
        return self.explain(failure, name, "AddSecretVersion")

    async def _make(
        self, name: str, stored: str, claim: str, attributes: Attributes
    ) -> answers.Secret | None:
        """Create the secret without a version; None if there is one of that name."""
        kept = self._new(name, claim, attributes)
        parent, _, secret_id = (await self.session.secret(stored)).rpartition("/secrets/")
        fields = {
            **self._replication(),
            "labels": kept.labels,
            "annotations": kept.annotations,
        }
        answer, failure = await self.session.ask(
            "POST",
            f"{parent}/secrets?{urlencode({'secretId': secret_id})}",
            encoded(fields),
            kind=answers.Secret,
        )
        if answer is not None:
            self.forget(stored)
        elif failure is not None and failure.code != "ALREADY_EXISTS":
            raise self.explain(failure, name, "CreateSecret")
        return answer

    def _new(self, name: str, claim: str, attributes: Attributes) -> Beside:
        """What is beside a new secret."""
        return EMPTY.given(attributes).noted(claim=claim, name=self.names.note(name) or None)

    def _replication(self) -> dict[str, Any]:
        """Where a new secret is kept and with which key; of regional ones only the key."""
        settings = self.settings
        encryption = _encryption(settings.kms_key)
        if settings.place != GLOBAL:
            return encryption
        if not settings.replica_locations:
            return {"replication": {"automatic": encryption}}
        replicas = [
            {"location": place, **_encryption(settings.kms_keys.get(place))}
            for place in settings.replica_locations
        ]
        return {"replication": {"userManaged": {"replicas": replicas}}}

    async def _take_over(
        self, name: str, stored: str, claim: str, attributes: Attributes
    ) -> None:
        """Make an empty secret of that name ours. Raises ``Conflict`` if it has a version, or
        may be about to get one."""
        there = None
        try:
            if await self.newest(name, stored) is None:
                there = await self.look(name)
        except Denied:
            pass  # it is there, and more we may not know
        if there is None:
            raise self.conflict(name, "exists already", "update it, or put it")
        held = _claim(there)
        kept = self._new(name, claim, attributes)
        if held == claim:
            if Beside.of(there) == kept:
                return
        else:
            if self._is_young(there):
                raise self.being_created(name)
            if not held:
                kept = Beside.of(there).given(attributes)
            kept = kept.noted(claim=f"{claim} {beside.timestamp(self.session.now())}")
        if not await self.patch(name, stored, there, self.fields(kept)):
            raise self.being_created(name)

    def _is_young(self, secret: answers.Secret) -> bool:
        """Whether it was made or taken over just now, by the service's clock."""
        _, _, taken = secret.annotations.get(beside.CLAIM, "").partition(" ")
        now = self.session.now()
        # A time to come was written by a wrong clock and would hold for long.
        times = (secret.create_time, beside.moment(taken))
        return any(at is not None and now - YOUNG < at < now + YOUNG for at in times)

    async def _unmake(self, stored: str, made: answers.Secret) -> None:
        """Remove a secret that this call has made and could not fill; nothing depends on it."""
        try:
            path = await self.session.secret(stored)
            etag = quote(made.etag, safe="")
            await self.session.ask("DELETE", f"{path}?etag={etag}", kind=answers.Nothing)
        except SkykeepError:
            pass  # it is empty; whoever creates it next takes it over

    async def _verify(self, name: str, stored: str, number: int, value: SecretValue) -> None:
        """Read back what the service did not verify by our checksum."""
        try:
            found = await self.numbered_value(name, stored, str(number))
        except Denied:
            return  # may write and not read
        if value_of(found, name) != value:
            raise Corrupt(
                f"version {number} of {shown(name)} is not what was sent",
                hint="write it again; look at the proxy",
                resource=name,
            )


def _claim(secret: answers.Secret) -> str:
    return secret.annotations.get(beside.CLAIM, "").partition(" ")[0]


def _payload(value: SecretValue, check: Checksum) -> bytes:
    """The request that holds a value. Raises nothing, for its frame shows it."""
    data = value.reveal()
    return encoded({"payload": {"data": data, "dataCrc32c": str(check(data))}})


def _encryption(key: str | None) -> dict[str, Any]:
    return {"customerManagedEncryption": {"kmsKeyName": key}} if key else {}


def _keep(where: dict[str, T], stored: str, what: T) -> None:
    """Keep it, and not without end."""
    where[stored] = what
    if len(where) > REMEMBERED:
        del where[next(iter(where))]
