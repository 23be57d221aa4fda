"""``SecretManager``: the driver of Google Secret Manager; here, what changes a secret."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from skykeep.errors import Denied, Quota, Throttled, VersionUnavailable
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import CURRENT, PREVIOUS, Attributes, Stamp, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp import answers, beside, names
from skykeep.providers.gcp.answers import ENABLED, number_of
from skykeep.providers.gcp.beside import Beside
from skykeep.providers.gcp.creating import Creating
from skykeep.providers.gcp.versions import no_version, previous_of, value_of

MOST_ALIASES: Final = 50
"""Of one secret ("Quotas and limits", "Alias")."""

WAITS: Final = (0.1, 0.2, 0.4, 0.8, 0.8)
"""Seconds between looks at a secret that somebody else is creating or changing."""

MAY_NOT_READ: Final = frozenset({"", "IAM_PERMISSION_DENIED"})
"""Reasons for which a value is written unseen; others are about more than this one call."""

Fields = Mapping[str, Any]


class Seen(NamedTuple):
    """What is there before a write.

    Attributes:
        version: the newest one's number; 0 if there is none, or it is not told.
        value: None if there is none or it cannot be read.
        empty: the secret, if it has no version.
    """

    version: int
    value: SecretValue | None
    empty: answers.Secret | None = None


class SecretManager(Creating):
    """Secrets in Google Secret Manager. Version ids are ``1``, ``2`` and so on.

    A write looks at what is there first, so that an unchanged value makes no version, and so
    that a write that is sent again after its answer was lost finds itself done: also where
    ``latest`` is behind, since the version that it may have made is asked for by its number.
    Only who may add versions and not read them writes unseen.
    """

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
        self._unconditional("update", expects)
        self.check(value, attributes)
        stored = self.names.stored(name)
        seen = await self._unclaimed(name, stored)
        same = seen.value == value
        number = seen.version if same else await self.add(name, stored, value, seen.version)
        stamp = None if same else attributes.stamp
        if attributes.empty:
            await self.stamp(name, stored, number, stamp, seen.empty)
        else:
            await self._annotate(name, attributes, stamp, number)
        return Written(str(number), changed=not same)

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        self._unconditional("annotate", expects)
        beside.check(attributes)
        await self._annotate(name, attributes, None, 0)

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        self._unconditional("move_stage", expects)
        if stage == CURRENT:
            raise self.unsupported("move_stage('current')")
        stored = self.names.stored(name)
        alias = names.alias(stage)
        number = 0 if version is None else await self._readable(name, stored, version)
        if stage == PREVIOUS:
            newest = await self._newest_number(name, stored)
            await self._change(name, lambda secret: self._pin(secret, newest, number))
        else:
            await self._change(name, lambda secret: self._point(name, secret, alias, number))

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        self._unconditional("delete", expects)
        stored = self.names.stored(name)
        _, failure = await self.session.ask(
            "DELETE", await self.session.secret(stored), kind=answers.Nothing
        )
        if failure is not None:
            raise self.explain(failure, name, "DeleteSecret")
        self.forget(stored)

    async def purge(self, name: str) -> None:
        await self.delete(name)

    # -- parts of these

    def _unconditional(self, what: str, expects: str | None) -> None:
        if expects is not None:
            raise self.unsupported(f"{what}(expects=…)")

    async def _unclaimed(self, name: str, stored: str) -> Seen:
        """What is there, once nobody is just creating it. Raises ``NotFound``, ``Conflict``."""
        for wait in WAITS:
            seen = await self._seen(name, stored)
            if seen.empty is None or not self.is_claimed(stored, seen.empty):
                return seen
            await asyncio.sleep(wait)
        raise self.being_created(name)

    async def _seen(self, name: str, stored: str) -> Seen:
        before = self.doubts.get(stored)
        if before is not None:
            made, failure = await self.version(stored, str(before + 1))
            if made is not None:
                self.remember(stored, made.number)
            elif failure is not None and failure.code not in {"NOT_FOUND", "PERMISSION_DENIED"}:
                raise self.explain(failure, name, "GetSecretVersion")
            del self.doubts[stored]
        found, failure = await self.newest_value(stored)
        if found is not None:
            return Seen(found.number, value_of(found, name))
        assert failure is not None  # noqa: S101 - an answer is there or a failure is
        if failure.code == "NOT_FOUND":
            return Seen(0, None, await self.look(name))
        error = self.explain(failure, name, "AccessSecretVersion")
        unseen = isinstance(error, Denied) and failure.reason in MAY_NOT_READ
        if isinstance(error, VersionUnavailable) or unseen:
            return Seen(0, None)
        raise error

    async def _annotate(
        self, name: str, attributes: Attributes, stamp: Stamp | None, number: int
    ) -> None:
        def given(secret: answers.Secret) -> Fields | None:
            there = Beside.of(secret)
            kept = there.given(attributes).marked(stamp, number)
            return None if kept == there else self.fields(kept)

        await self._change(name, given)

    def _pin(self, secret: answers.Secret, newest: int, number: int) -> Fields | None:
        """Put ``previous`` on a version, 0 for none, until the next version comes."""
        if (previous_of(secret, newest) or 0) == number:
            return None
        return self.fields(Beside.of(secret).noted(previous=f"{newest}:{number or ''}"))

    def _point(
        self, name: str, secret: answers.Secret, alias: str, number: int
    ) -> Fields | None:
        """Put an alias on a version, 0 for none."""
        aliases = dict(secret.version_aliases)
        if (number_of(aliases.pop(alias, "")) or 0) == number:
            return None
        if number:
            aliases[alias] = str(number)
        if len(aliases) > MOST_ALIASES:
            raise Quota(
                f"{shown(name)} has {MOST_ALIASES} stages, and no more are kept",
                hint="take one off",
                resource=name,
            )
        return {"versionAliases": aliases, **self.fields(Beside.of(secret))}

    async def _change(
        self, name: str, change: Callable[[answers.Secret], Fields | None]
    ) -> None:
        """Apply a change to what is there, under its etag: again if others were quicker.

        ``change`` gives the fields from the secret, None if it is as it should be.
        """
        stored = self.names.stored(name)
        for wait in WAITS:
            secret = await self.look(name)
            fields = change(secret)
            if fields is None or await self.patch(name, stored, secret, fields):
                return
            await asyncio.sleep(wait)
        raise Throttled(
            f"others change {shown(name)} all the time",
            hint="a global secret takes about two changes a second",
            resource=name,
        )

    async def _newest_number(self, name: str, stored: str) -> int:
        """The number of the newest version. Raises ``NotFound``."""
        newest = await self.newest(name, stored)
        if newest is None:
            await self.look(name)
            raise no_version(name, CURRENT)
        return newest.number

    async def _readable(self, name: str, stored: str, version: str) -> int:
        """The version's number. Raises ``NotFound``, ``VersionUnavailable``."""
        if number_of(version) is None:
            await self.look(name)
            raise no_version(name, version)
        found, failure = await self.version(stored, version)
        if found is None:
            if failure is not None and failure.code == "NOT_FOUND":
                raise no_version(name, version)
            raise self.explain(failure, name, "GetSecretVersion")
        if found.state != ENABLED:
            raise VersionUnavailable(
                f"version {found.number} of {shown(name)} is {found.state.lower()}",
                hint="enable it first, or choose another",
                resource=name,
            )
        return found.number
