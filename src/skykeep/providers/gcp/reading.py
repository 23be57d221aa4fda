"""Secret Manager, read: values, versions, listings, and what a refusal means.

``current`` is ``latest``: the newest version, whatever its state, is what every reader of the
service gets. ``previous`` is the one before it, by its number: to keep it as an alias would
take an UpdateSecret with each write, of which a global secret has two a second ("Quotas and
limits"), and would be wrong as soon as somebody else adds a version. Other stages are aliases.

"Adding a secret version and then immediately accessing that secret version by version number is
a strongly consistent operation"; everything else, ``latest`` and aliases too, may show an older
state for minutes, rarely hours ("Resource consistency"). So a driver remembers the numbers that
it wrote: where ``latest`` is behind its own write, that one is read by its number. What others
wrote may be seen later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urlencode

from skykeep.errors import Conflict, KeyFailure, NotFound, SkykeepError
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import (
    CURRENT,
    PREVIOUS,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
)
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.providers.gcp import answers, names
from skykeep.providers.gcp.answers import ENABLED, Accessed, SecretVersion, number_of
from skykeep.providers.gcp.beside import Beside
from skykeep.providers.gcp.errors import Failure, translate
from skykeep.providers.gcp.session import Session
from skykeep.providers.gcp.settings import GLOBAL, GcpSettings
from skykeep.providers.gcp.versions import (
    is_behind,
    labels_of,
    no_stage,
    no_version,
    previous_of,
    unavailable,
    value_of,
)

MAX_VALUE_BYTES: Final = 65_536
"""64 KiB ("Quotas and limits")."""

PAGE: Final = 1000
"""Versions asked for at once; the service caps at 25,000 (``ListSecretVersionsRequest``)."""

REMEMBERED: Final = 10_000
"""Names whose newest own version is remembered."""

_LATEST = "latest"


class Reading(SecretDriver):
    """The reading half of the driver."""

    # No condition that is about a version can be decided by the service: AddSecretVersion has
    # none, and "updating a secret version doesn't affect the secret ETag" ("Use entity tags"),
    # so that the etag of a secret says nothing of which version is the newest.
    capabilities = SecretCapabilities(
        movable_current=False,
        soft_delete=False,
        compare_and_set=False,
        conditional_changes=False,
        attributes_with_value=False,
        version_with_value=False,
        version_in_list=False,
        stamps=True,
        empty_values=False,
        max_value_bytes=MAX_VALUE_BYTES,
    )

    def __init__(self, session: Session, settings: GcpSettings) -> None:
        self.session = session
        self.settings = settings
        place = "" if settings.place == GLOBAL else settings.place
        self.names = names.Names(settings.secret_prefix or "", place)
        self._written: dict[str, int] = {}

    async def close(self) -> None:
        await self.session.close()

    def after_fork(self) -> None:
        self.session.after_fork()

    async def region(self) -> str | None:
        """The location, which is in every path and which the service holds calls to; of global
        secrets the replicas that new ones get, and ``global`` where Google chooses.

        A global secret that others made may have other replicas: only its own record tells.
        """
        return ",".join(self.settings.replica_locations) or self.settings.place

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        stored = self.names.stored(name)
        if version is not None:
            number = number_of(version)
            if number is None:
                raise no_version(name, version)
            return self._secret(name, await self.numbered_value(name, stored, str(number)), ())
        if stage in (None, CURRENT):
            found, failure = await self.newest_value(stored)
            if found is None:
                raise self.explain(failure, name, "AccessSecretVersion")
            return self._secret(name, found, (CURRENT,))
        assert stage is not None  # noqa: S101 - the case of None is above
        if stage == PREVIOUS:
            before = await self._previous(name, stored)
            if before is None:
                raise no_stage(name, stage)
            return self._secret(
                name, await self.numbered_value(name, stored, str(before)), (stage,)
            )
        found, failure = await self._access(stored, names.alias(stage))
        if failure is not None and failure.code == "NOT_FOUND":
            raise no_stage(name, stage)
        if found is None:
            raise self.explain(failure, name, "AccessSecretVersion")
        return self._secret(name, found, (stage,))

    async def describe(self, name: str) -> SecretInfo:
        stored = self.names.stored(name)
        secret, newest = await self._both(name, stored)
        return self._info(name, secret, newest)

    async def versions(self, name: str) -> Sequence[Version]:
        stored = self.names.stored(name)
        secret = await self.look(name)
        found = await self._numbered(name, stored)
        newest = max((each.number for each in found), default=0)
        labels = labels_of(secret, newest)
        return [
            Version(
                str(each.number),
                each.create_time,
                tuple(sorted(labels.get(each.number, ()))),
                each.state == ENABLED,
            )
            for each in sorted(found, key=lambda each: each.number, reverse=True)
        ]

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        if deleted:
            raise self.unsupported("list(deleted=True)")
        start = self.names.start(prefix)
        query = {"pageSize": str(limit)}
        if part := names.substring(start):
            query["filter"] = f"name:{part}"
        if cursor is not None:
            query["pageToken"] = position(cursor, start, False)
        answer = await self.session.call(
            "GET",
            f"{await self.session.parent()}/secrets?{urlencode(query)}",
            kind=answers.Secrets,
            subject=prefix,
            action="ListSecrets",
        )
        items = [
            self._info(self.names.portable(secret.id), secret, None, listed=True)
            for secret in answer.secrets
            if self.names.has(secret.id, start)
        ]
        token = answer.next_page_token
        return Page(items, next_cursor(start, token, False) if token else None)

    # -- what the halves share

    async def look(self, name: str) -> answers.Secret:
        """What GetSecret says. Raises ``NotFound``."""
        stored = self.names.stored(name)
        answer, failure = await self.session.ask(
            "GET", await self.session.secret(stored), kind=answers.Secret
        )
        if answer is None:
            raise self.explain(failure, name, "GetSecret")
        return answer

    async def newest_value(self, stored: str) -> tuple[Accessed, None] | tuple[None, Failure]:
        """The value of the newest version, or why there is none; never of one that is older
        than what this driver has written."""
        found, failure = await self._access(stored, _LATEST)
        mine = self._written.get(stored, 0)
        if not mine or not is_behind(found.number if found else 0, failure, mine):
            return (found, None) if found else (None, _there(failure))
        own, why = await self._access(stored, str(mine))
        if own is not None or _there(why).code != "NOT_FOUND":
            return (own, None) if own else (None, _there(why))
        # It was deleted, and perhaps made anew, by somebody else.
        self.forget(stored)
        return (found, None) if found else (None, _there(failure))

    async def numbered_value(self, name: str, stored: str, which: str) -> Accessed:
        """The value of a version. Raises ``NotFound``, ``VersionUnavailable``."""
        found, failure = await self._access(stored, which)
        if found is not None:
            return found
        if _there(failure).code == "NOT_FOUND":
            raise no_version(name, which)
        raise self.explain(failure, name, "AccessSecretVersion")

    async def newest(self, name: str, stored: str) -> SecretVersion | None:
        """The newest version without its value; None if there is none yet."""
        found, failure = await self.version(stored, _LATEST)
        mine = self._written.get(stored, 0)
        if mine and is_behind(found.number if found else 0, failure, mine):
            own, _ = await self.version(stored, str(mine))
            if own is not None:
                return own
            self.forget(stored)
        if found is not None:
            return found
        if _there(failure).code == "NOT_FOUND":
            return None
        raise self.explain(failure, name, "GetSecretVersion")

    async def version(
        self, stored: str, which: str
    ) -> tuple[SecretVersion, None] | tuple[None, Failure]:
        """What GetSecretVersion says."""
        path = f"{await self.session.secret(stored)}/versions/{which}"
        return await self.session.ask("GET", path, kind=SecretVersion)

    def remember(self, stored: str, number: int) -> None:
        """This driver has written that version."""
        kept = max(number, self._written.pop(stored, 0))
        self._written[stored] = kept
        if len(self._written) > REMEMBERED:
            del self._written[next(iter(self._written))]

    def forget(self, stored: str) -> None:
        """What this driver has written is gone."""
        self._written.pop(stored, None)

    def explain(self, failure: Failure | None, name: str, action: str) -> SkykeepError:
        """Our error for a refusal of a call about one secret."""
        failure = _there(failure)
        error = translate(failure, subject=name, action=action)
        if type(error) is NotFound:
            error = NotFound(
                f"there is no secret {shown(name)}, or no version of it"
                if action == "AccessSecretVersion"
                else f"there is no secret {shown(name)}",
                request_id=failure.request_id,
            )
        elif action == "AccessSecretVersion" and failure.code == "FAILED_PRECONDITION":
            error = error if isinstance(error, KeyFailure) else unavailable(failure, name)
        error.resource = name
        return error

    def conflict(self, name: str, message: str, hint: str = "") -> Conflict:
        """A conflict about one secret."""
        return Conflict(f"{shown(name)} {message}", hint=hint, resource=name)

    # -- parts of these

    async def _access(
        self, stored: str, which: str
    ) -> tuple[Accessed, None] | tuple[None, Failure]:
        path = f"{await self.session.secret(stored)}/versions/{which}:access"
        return await self.session.ask("GET", path, kind=Accessed)

    async def _both(
        self, name: str, stored: str
    ) -> tuple[answers.Secret, SecretVersion | None]:
        """The secret and its newest version, asked for side by side."""

        async def ask(what: str) -> answers.Secret | SecretVersion | None:
            return await (self.look(name) if what == "secret" else self.newest(name, stored))

        secret, newest = await side_by_side(ask, ("secret", "newest"), 2)
        assert isinstance(secret, answers.Secret)  # noqa: S101 - the order of the two
        assert newest is None or isinstance(newest, SecretVersion)  # noqa: S101 - likewise
        return secret, newest

    async def _previous(self, name: str, stored: str) -> int | None:
        secret, newest = await self._both(name, stored)
        return previous_of(secret, newest.number if newest else 0)

    async def _numbered(self, name: str, stored: str) -> Sequence[SecretVersion]:
        found: list[SecretVersion] = []
        token = ""
        while True:
            query = f"pageSize={PAGE}" + (
                f"&pageToken={quote(token, safe='')}" if token else ""
            )
            answer, failure = await self.session.ask(
                "GET",
                f"{await self.session.secret(stored)}/versions?{query}",
                kind=answers.Versions,
            )
            if answer is None:
                raise self.explain(failure, name, "ListSecretVersions")
            found += answer.versions
            token = answer.next_page_token
            if not token:
                return found

    def _secret(self, name: str, found: Accessed, stages: tuple[str, ...]) -> Secret:
        return Secret(name, value_of(found, name), str(found.number), None, stages)

    @staticmethod
    def _info(
        name: str,
        secret: answers.Secret,
        newest: SecretVersion | None,
        *,
        listed: bool = False,
    ) -> SecretInfo:
        beside = Beside.of(secret)
        made = secret.create_time
        changes = (made, beside.changed_at, newest.create_time if newest else None)
        return SecretInfo(
            name,
            str(newest.number) if newest else None,
            made,
            None if listed else max((at for at in changes if at is not None), default=None),
            beside.metadata,
            beside.tags,
            beside.expires_at,
            stamp=beside.stamp if newest and newest.number == beside.stamped else None,
        )


def _there(failure: Failure | None) -> Failure:
    assert failure is not None  # noqa: S101 - an answer is there or a failure is
    return failure
