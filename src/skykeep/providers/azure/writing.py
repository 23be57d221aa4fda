"""``KeyVaultSecrets``: the driver of Azure Key Vault; here, what changes the store.

The service has no conditions: a write takes what it finds. So an update looks at what is there
first: an unchanged value makes no version, and a write that is sent again after its answer was
lost finds itself done. A delete, a restore and a purge are accepted at once and done behind the
answer; they are waited for (``Session.until``), and stay accepted if that takes too long.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Set
from typing import Any, TypeVar

from skykeep.errors import (
    Conflict,
    Denied,
    NotFound,
    PendingDelete,
    SkykeepError,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import CURRENT, Attributes, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure import tags, values
from skykeep.providers.azure.answers import Entry, instant
from skykeep.providers.azure.errors import (
    DELETING,
    DISABLED,
    MISSING,
    RECOVERING,
    Failure,
    error_of,
)
from skykeep.providers.azure.reading import Reading

T = TypeVar("T")


class KeyVaultSecrets(Reading):
    """Secrets in one Key Vault."""

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        self._check(name, value, attributes)
        try:
            await self.current(name)
        except NotFound:
            pass  # the name is free, or a tombstone holds it: the write will tell
        else:
            raise Conflict(f"the secret {shown(name)} exists already", resource=name)
        return await self._put(name, value, attributes, None)

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        if stage != CURRENT:
            raise self.unsupported(f"update(stage={stage!r})")
        if expects is not None:
            raise self.unsupported("update(expects=…)")
        self._check(name, value, attributes)
        there = await self._live(name)
        if values.value_of(there.value, there.contentType) != value:
            return await self._put(name, value, attributes, there)
        await self._change(name, attributes, there)
        return Written(there.version, changed=False)

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        if expects is not None:
            raise self.unsupported("annotate(expects=…)")
        self.names.stored(name)
        tags.check(attributes)
        await self._change(name, attributes, await self._live(name))

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        if expects is not None:
            raise self.unsupported("delete(expects=…)")
        await self._delete(name, self.session.patience())

    async def restore(self, name: str) -> None:
        target = f"/deletedsecrets/{self.names.stored(name)}/recover"
        end = self.session.patience()
        answer = await self._through(
            lambda: self.session.ask("POST", target, kind=Entry), {DELETING, RECOVERING}, end
        )
        if isinstance(answer, Failure):
            raise await self._no_tombstone(name, answer)
        live = f"/secrets/{self.names.stored(name)}"
        await self.session.until(lambda: self._is_there(live), end)

    async def purge(self, name: str) -> None:
        end = self.session.patience()
        answer = await self._purge(name, end)
        if isinstance(answer, Failure) and answer.code == MISSING:
            # Live, or not there. It goes by way of a tombstone, if that may be purged at all.
            there = await self.current(name)
            if not there.attributes.purgeable:
                raise _protected(name, None)
            if not await self._delete(name, end):
                raise PendingDelete(
                    f"the secret {shown(name)} is deleted; Azure is not yet through with it",
                    hint="purge it again in some seconds",
                    resource=name,
                )
            answer = await self._purge(name, end)
        if isinstance(answer, Failure):
            raise await self._not_purged(name, answer)
        await self.session.until(lambda: self._is_gone(name), end)

    # -- parts of these

    def _check(self, name: str, value: SecretValue, attributes: Attributes) -> None:
        tags.check(attributes)
        self.names.stored(name)
        values.check(value)

    async def _live(self, name: str) -> Entry:
        """The current version, to be written over. Raises ``NotFound``, ``PendingDelete``."""
        try:
            there = await self.current(name)
        except NotFound as error:
            missing: SkykeepError = error
        else:
            if there.managed:
                raise _managed(name)
            if there.value is None and there.enabled:
                raise Denied(
                    f"these credentials may not read {shown(name)}, and a write looks at what "
                    "is there: its tags go along, and an unchanged value makes no version",
                    hint="give them the right 'get' on secrets beside 'set'",
                    resource=name,
                )
            return there
        try:
            deleted = await self.tombstone(name)
        except Denied:
            deleted = None  # may not look at tombstones
        if deleted is None:
            raise missing
        raise PendingDelete(
            f"the secret {shown(name)} was deleted and its tombstone holds the name",
            hint="restore or purge it first",
            resource=name,
        )

    async def _put(
        self, name: str, value: SecretValue, attributes: Attributes, before: Entry | None
    ) -> Written:
        """Add a version."""
        target = f"/secrets/{self.names.stored(name)}"
        kind = None if before is None else before.contentType
        body = Body(value, kind, tags.of_new(attributes, before, self.names.spelt(name)))

        # A deletion ends with a tombstone, a purge with a free name.
        answer = await self._through(
            lambda: self.session.ask("PUT", target, body.fields, kind=Entry),
            {DELETING, RECOVERING},
            self.session.patience(),
        )
        if isinstance(answer, Failure):
            raise error_of(answer, name, "set")
        return Written(answer.version)

    async def _change(self, name: str, attributes: Attributes, there: Entry) -> None:
        """Change what stands beside the value."""
        fields = tags.change(attributes, there)
        if not fields:
            return
        target = f"/secrets/{self.names.stored(name)}/{there.version}"
        answer = await self._through(
            lambda: self.session.ask("PATCH", target, fields, kind=Entry),
            {RECOVERING},
            self.session.patience(),
        )
        if isinstance(answer, Failure):
            raise error_of(answer, name, "set")

    async def _delete(self, name: str, end: float) -> bool:
        """Delete it; whether the tombstone is there already. Raises ``NotFound``."""
        stored = self.names.stored(name)
        answer = await self._through(
            lambda: self.session.ask("DELETE", f"/secrets/{stored}", kind=Entry),
            {RECOVERING},
            end,
        )
        if isinstance(answer, Failure):
            if answer.code == DELETING:
                raise NotFound(f"the secret {shown(name)} is deleted already", resource=name)
            raise error_of(answer, name, "delete")
        gone = f"/deletedsecrets/{stored}"
        return await self.session.until(lambda: self._is_there(gone), end)

    async def _purge(self, name: str, end: float) -> Failure | None:
        target = f"/deletedsecrets/{self.names.stored(name)}"
        return await self._through(
            lambda: self.session.ask("DELETE", target, kind=type(None)),
            {DELETING, RECOVERING},
            end,
        )

    async def _through(
        self, send: Callable[[], Awaitable[T | Failure]], on_the_way: Set[str], end: float
    ) -> T | Failure:
        """What a change is answered, once the name is not on its way from one state to another:
        the service has then refused it, and done nothing."""
        answers: list[T | Failure] = []

        async def settled() -> bool:
            answers[:] = [await send()]
            return not isinstance(answers[0], Failure) or answers[0].code not in on_the_way

        await self.session.until(settled, end)
        return answers[0]

    async def _is_there(self, target: str) -> bool:
        """Who may not look need not wait: the service's own clients take a 403 for the end
        (``_shared/_polling.py``). No answer says nothing: what was accepted will be done."""
        try:
            found = await self.session.ask("GET", target, kind=Entry)
        except Unavailable:
            return False
        return isinstance(found, Entry) or found.status == 403

    async def _is_gone(self, name: str) -> bool:
        target = f"/deletedsecrets/{self.names.stored(name)}"
        try:
            found = await self.session.ask("GET", target, kind=Entry)
        except Unavailable:
            return False
        return isinstance(found, Failure) and (found.code == MISSING or found.status == 403)

    async def _no_tombstone(self, name: str, failure: Failure) -> SkykeepError:
        """Why a secret cannot be restored."""
        if failure.code != MISSING:
            return error_of(failure, name, "recover")
        found = await self.session.ask("GET", f"/secrets/{self.names.stored(name)}", kind=Entry)
        if isinstance(found, Entry) or found.code == DISABLED:
            return Conflict(f"the secret {shown(name)} is not deleted", resource=name)
        return NotFound(f"there is no deleted secret {shown(name)}", resource=name)

    async def _not_purged(self, name: str, failure: Failure) -> SkykeepError:
        """Why a tombstone cannot be purged: purge protection says no more than 403."""
        if failure.status == 403:
            try:
                tombstone = await self.tombstone(name)
            except SkykeepError:
                tombstone = None
            if tombstone is not None and not tombstone.attributes.purgeable:
                return _protected(name, tombstone)
        return error_of(failure, name, "purge")


class Body:
    """Gives the fields of a new version; shows nothing of its value."""

    __slots__ = ("_beside", "_kind", "_value")

    def __init__(self, value: SecretValue, kind: str | None, beside: dict[str, object]) -> None:
        self._value = value
        self._kind = kind
        self._beside = beside

    @property
    def fields(self) -> dict[str, Any]:
        """The fields. Raises nothing, for they hold the value."""
        found = values.fields(self._value, self._kind)
        return {key: text for key, text in found.items() if text is not None} | self._beside


def _managed(name: str) -> SkykeepError:
    return Unsupported(
        f"the secret {shown(name)} belongs to a certificate of the vault, which changes it",
        hint="nothing happened; change the certificate",
        resource=name,
    )


def _protected(name: str, tombstone: Entry | None) -> SkykeepError:
    at = None if tombstone is None else instant(tombstone.scheduledPurgeDate)
    when = f" on {at:%Y-%m-%d}" if at is not None else " when its retention is over"
    return Denied(
        f"the vault has purge protection: {shown(name)} cannot be purged by anybody",
        hint=f"nothing happened; once deleted, Azure purges it{when}",
        resource=name,
    )
