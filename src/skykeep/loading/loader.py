"""``SecretLoader``: a cloud, a mounted file, the environment, a local file, in that order.

::

    async with skykeep.open() as cloud, SecretLoader(cloud) as loader:
        secret = await loader.get("llm-shield/api-keys")
        keys = await loader.load_api_keys()

The order is the environment's primary and then its ``loading.sources``. What every kind of
failure does is in ``docs/adr/0016-a-loading-order-is-no-failover.md``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePath
from types import TracebackType
from typing import Final

from msgspec import structs

from skykeep import registry
from skykeep.blocking import BlockingCloud, Waiting, blocking
from skykeep.cloud import Cloud
from skykeep.errors import (
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.names import NATIVE, check_name, shown
from skykeep.interfaces.secret_driver import Provenance, Secret
from skykeep.interfaces.secret_value import SecretValue
from skykeep.loading.api_keys import parse
from skykeep.settings.failures import NAMED, classes_of
from skykeep.settings.model import CacheSettings, Environment, TargetSettings
from skykeep.settings.trees import ApiKeys

__all__ = ["BlockingSecretLoader", "Loaded", "Miss", "SecretLoader"]

logger = logging.getLogger("skykeep")

API_KEYS: Final = "llm-shield/api-keys"
"""What the secret with the keys of the gateway's callers is called."""


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a source did not answer.

    Attributes:
        source: the name of the target.
        kind: the class of the error; ``NotFound`` where it has no such secret.
        reason: where it looked and why not, in one line.
        asked: False if it was not asked this time, because it had failed shortly before.
    """

    source: str
    kind: type[SkykeepError]
    reason: str
    asked: bool = True

    @property
    def failed(self) -> bool:
        """Whether it could not answer, which is not to say that it has no such secret."""
        return not issubclass(self.kind, NotFound)

    def __str__(self) -> str:
        again = "" if self.asked else " (not asked again yet)"
        return f"{self.source}: {self.reason}{again}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A secret and why the sources before it did not answer.

    Attributes:
        secret: its provenance names the source, and is ``degraded`` if a source before it
            failed.
        misses: in the order of the sources.
    """

    secret: Secret
    misses: tuple[Miss, ...] = ()


@dataclass(slots=True, eq=False)
class _Source:
    """One place that is asked.

    Attributes:
        place: in the order, from 0.
        miss: why it gave no answer when it was asked last, while that holds it back.
        rests_until: the clock's time until which it is not asked again.
    """

    place: int
    name: str
    cloud: Cloud
    miss: Miss | None = None
    rests_until: float = 0.0


class SecretLoader:
    """Secrets from the first source of an environment that has them.

    That a source has no such secret leads to the next one, and so do the failures that
    ``loading.pass_over`` names: by default that it could not be reached. Every other failure
    ends the loading: a key that was taken away must not be answered with an older copy.

    Each source has the environment's deadline, retries and scope to itself. One that was
    unavailable or throttled is asked last for ``loading.rest_seconds``, so that an outage
    is waited for once and not with each call.
    """

    def __init__(self, cloud: Cloud, *, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            cloud: its primary is the first source; it is not closed with the loader.
            clock: seconds that only go up.

        Raises ``MissingExtra`` if the provider of a source is not installed.
        """
        environment = cloud.environment
        self._clock = clock
        self._rest = environment.rest_seconds
        self._pass_over: tuple[type[SkykeepError], ...] = (
            NotFound,
            *classes_of(environment.pass_over),
        )
        self._sources = [_Source(0, _name(environment.primary, "primary"), cloud)]
        for place, settings in enumerate(environment.sources, 1):
            named = structs.replace(settings, name=settings.name or f"source {place + 1}")
            beside = _only(environment, named, environment.cache)
            self._sources.append(_Source(place, _name(named, ""), cloud.beside(beside)))
        self._keys = _source_of_keys(cloud)

    async def get(self, name: str, *, fresh: bool = False) -> Secret:
        """The secret, from the first source that has it. Arguments and errors as ``load``."""
        return (await self.load(name, fresh=fresh)).secret

    async def load(self, name: str, *, fresh: bool = False) -> Loaded:
        """The secret, and why the sources before it did not answer.

        ``fresh`` asks even for what is cached, and those that rest. Raises ``NotFound``, with
        a line for each source, if none has it; the first failure that was passed over, with
        the same lines, if one of them might have it; a failure that is not passed over.
        """
        check_name(name)
        now = self._clock()
        resting = [one for one in self._sources if not fresh and one.rests_until > now]
        awake = [one for one in self._sources if one not in resting]
        misses: dict[int, Miss] = {}
        for source in (*awake, *resting):
            answer = await self._ask(source, name, fresh=fresh)
            if isinstance(answer, Secret):
                for one in resting if source in awake else ():
                    if one.miss is not None:
                        misses[one.place] = replace(one.miss, asked=False)
                return _loaded(name, answer, _in_order(misses))
            misses[source.place] = answer
        raise _nowhere(name, _in_order(misses))

    async def load_api_keys(
        self, name: str = API_KEYS, *, fresh: bool = False
    ) -> tuple[SecretValue, ...]:
        """The keys of those who may call the gateway, each once, in their order.

        ``auth.api_keys`` names the one place where they are; without it they are loaded as
        the secret ``name``. The secret is a JSON array of texts, or has one key a line.
        Raises as ``load``, and ``Invalid`` if it has not that form or no key.
        """
        if self._keys is None:
            secret = await self.get(name, fresh=fresh)
        else:
            cloud, native = self._keys
            secret = await cloud.secrets.get(native, fresh=fresh)
        return parse(secret)

    async def close(self) -> None:
        """Let go of what the sources hold; not of the cloud that was given."""
        for source in self._sources[1:]:
            await source.cloud.close()
        if self._keys is not None:
            await self._keys[0].close()

    async def __aenter__(self) -> SecretLoader:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _ask(self, source: _Source, name: str, *, fresh: bool) -> Secret | Miss:
        try:
            secret = await source.cloud.secrets.get(name, fresh=fresh)
        except self._pass_over as error:
            miss = Miss(source.name, type(error), _reason(error))
            if isinstance(error, (Unavailable, Throttled)):
                patience = getattr(error, "retry_after", None) or 0.0
                source.miss = miss
                source.rests_until = self._clock() + max(self._rest, patience)
            return miss
        except SkykeepError as error:
            if isinstance(error, NAMED) and source is not self._sources[-1]:
                end = "the sources after it were not asked: see loading.pass_over"
                error.hint = f"{error.hint}; {end}" if error.hint else end
            raise
        source.miss, source.rests_until = None, 0.0
        return secret


class BlockingSecretLoader(Waiting[SecretLoader]):
    """``SecretLoader`` for callers without an event loop, on the thread of their cloud."""

    def __init__(self, cloud: BlockingCloud) -> None:
        """Raises as ``SecretLoader``."""
        super().__init__(SecretLoader(cloud._cloud), cloud._thread)

    get = blocking(SecretLoader.get)
    load = blocking(SecretLoader.load)
    load_api_keys = blocking(SecretLoader.load_api_keys)
    close = blocking(SecretLoader.close)

    def __enter__(self) -> BlockingSecretLoader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _in_order(misses: dict[int, Miss]) -> tuple[Miss, ...]:
    return tuple(miss for _, miss in sorted(misses.items()))


def _loaded(name: str, secret: Secret, misses: tuple[Miss, ...]) -> Loaded:
    failed = [miss for miss in misses if miss.failed]
    if not failed:
        return Loaded(secret, misses)
    where = secret.provenance or Provenance("")
    asked = [str(miss) for miss in failed if miss.asked]
    if asked:
        logger.warning("%s was loaded from %s: %s", shown(name), where.source, "; ".join(asked))
    return Loaded(replace(secret, provenance=replace(where, degraded=True)), misses)


def _name(settings: TargetSettings, role: str) -> str:
    """What errors and provenance call it: as ``ConfiguredTarget`` does."""
    return f"{settings.name or role} ({settings.backend})"


def _only(
    environment: Environment, primary: TargetSettings, cache: CacheSettings
) -> Environment:
    """The environment with that target and no other."""
    if registry.provider(primary.backend).embedded:
        cache = structs.replace(cache, ttl_seconds=None)  # a swapped file is seen at once
    return structs.replace(
        environment, primary=primary, failover=(), backups=(), sources=(), cache=cache
    )


def _source_of_keys(cloud: Cloud) -> tuple[Cloud, str] | None:
    """Where ``auth.api_keys`` says that the keys are, and what they are called there."""
    auth = cloud.environment.auth
    if auth is None or auth.api_keys is None:
        return None
    target, native = _target_of_keys(cloud.environment, auth.api_keys)
    cache = structs.replace(
        cloud.environment.cache, ttl_seconds=auth.api_keys.cache_ttl_seconds
    )
    # The name is the store's own: neither scope nor prefix is put before it.
    only = structs.replace(_only(cloud.environment, target, cache), scope="")
    return cloud.beside(only), f"{NATIVE}{native}"


def _target_of_keys(environment: Environment, keys: ApiKeys) -> tuple[TargetSettings, str]:
    if keys.source == "file":
        path = PurePath(keys.path)
        kind = registry.settings_type("files")
        return kind(backend="files", name="api keys", path=str(path.parent)), path.name  # type: ignore[call-arg]  # the provider's own key
    if keys.source == "env":
        return registry.settings_type("env")(backend="env", name="api keys"), keys.variable
    primary = environment.primary
    if primary.backend != "aws":
        primary = registry.settings_type("aws")(backend="aws")
    region = keys.aws_region or primary.region
    target = structs.replace(primary, name="api keys", region=region)
    return target, str(keys.aws_secret_name)  # checked with the configuration


def _reason(error: SkykeepError) -> str:
    request = f" (request {error.request_id})" if error.request_id else ""
    # The list begins with the name: not again in each line.
    text = error.message.removeprefix(f"there is no secret {shown(error.resource)}: ")
    return f"{' '.join(text.splitlines())}{request}"


def _nowhere(name: str, misses: tuple[Miss, ...]) -> SkykeepError:
    failed = [miss for miss in misses if miss.failed]
    kind = failed[0].kind if failed else NotFound
    said = "could not be loaded" if failed else "is in none of the sources"
    lines = "".join(f"\n  {miss}" for miss in misses)
    return kind(f"{shown(name)} {said}:{lines}", operation="secrets.get", resource=name)
