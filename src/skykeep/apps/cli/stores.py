"""A and B on the command line: which store is meant, and both of them opened."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from skykeep.apps.cli.configured_text import ConfiguredText
from skykeep.apps.cli.invocation import Invocation
from skykeep.errors import Invalid

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.drift import Course
    from skykeep.layers.pace import Paces
    from skykeep.replication.naming import Named
    from skykeep.settings.model import Environment, TargetSettings

T = TypeVar("T")


class StoreText(ConfiguredText):
    """A store by its words."""

    name = "store"

    def words(self, invocation: Invocation, incomplete: str) -> Iterable[str]:
        """What the configuration has."""
        return _words(invocation, incomplete.partition(":"))


@dataclass(frozen=True, slots=True)
class Store:
    """One target of one environment.

    Attributes:
        label: how it is shown: ``production:failover``.
        environment: its environment with this target alone, and nothing cached.
        of: the name of its environment, or None.
    """

    label: str
    environment: Environment
    of: str | None

    @property
    def place(self) -> tuple[TargetSettings, str]:
        """What tells it from other stores, however they are called."""
        import msgspec

        return msgspec.structs.replace(self.environment.primary, name=None), (
            self.environment.scope
        )

    @staticmethod
    def found(invocation: Invocation, text: str) -> Store:
        """What ``TARGET``, ``ENVIRONMENT`` or ``ENVIRONMENT:TARGET`` names.

        An environment alone is its primary. Raises ``ConfigError`` with what there is, and
        ``Invalid`` for a word that may mean either.
        """
        env, colon, word = text.partition(":")
        names = _environments(invocation)
        if colon:
            return _store(_loaded(invocation, env), word or "primary", names)
        if text not in names:
            return _store(invocation.environment(), text, names)
        if any(text in {each.label, each.place} for each in _current(invocation)):
            raise Invalid(
                f"'{text}' is an environment and a target of this one",
                hint=f"say '{text}:primary', or 'ENVIRONMENT:{text}'",
            )
        return _store(_loaded(invocation, text), "primary", names)


@dataclass(frozen=True, slots=True)
class Stores:
    """A and B."""

    a: Store
    b: Store

    @staticmethod
    def found(invocation: Invocation, a: str, b: str) -> Stores:
        """Raises as ``Store.found``, and ``Invalid`` if both are the same."""
        stores = Stores(Store.found(invocation, a), Store.found(invocation, b))
        if stores.a.place == stores.b.place:
            raise Invalid("A and B are the same store", hint="name two")
        return stores

    def run(
        self, invocation: Invocation, work: Callable[[Cloud, Cloud, Course], Awaitable[T]]
    ) -> T:
        """Open both, do the work, close them."""
        import asyncio

        from skykeep.apps.cli.prompt import terminal_question
        from skykeep.cloud import Cloud
        from skykeep.drift import Course

        invocation.log()
        invocation.console.note(f"A is {self.a.label}, B is {self.b.label}")
        course = Course(
            one_environment=self.a.of == self.b.of,
            pace_a=_paces(self.a.environment.primary),
            pace_b=_paces(self.b.environment.primary),
        )
        a = Cloud(self.a.environment, ask=terminal_question())
        b = a.beside(self.b.environment)

        async def connected() -> T:
            async with a, b:
                # Before the first operation: a question is no part of a deadline.
                await a.connect()
                await b.connect()
                return await work(a, b, course)

        return asyncio.run(connected())


def _paces(settings: TargetSettings) -> Paces:
    from skykeep import registry
    from skykeep.layers.pace import Paces

    return Paces(registry.provider(settings.backend).quotas_of(settings))


def _store(environment: Environment, word: str, names: tuple[str, ...]) -> Store:
    import msgspec

    from skykeep.errors import ConfigError
    from skykeep.replication.naming import alone, find
    from skykeep.settings.model import CacheSettings

    try:
        target = find(environment, word)
    except ConfigError as error:
        error.hint = "; ".join(filter(None, (error.hint, _told(names))))
        raise
    label = f"{environment.name}:{target.label}" if environment.name else target.label
    # Every value is read once: kept ones would fill the memory.
    uncached = msgspec.structs.replace(environment, cache=CacheSettings(ttl_seconds=0))
    return Store(label, alone(uncached, target), environment.name)


def _environments(invocation: Invocation) -> tuple[str, ...]:
    """The names of all environments. Raises ``ConfigError``."""
    from skykeep import registry
    from skykeep.settings.files import find
    from skykeep.settings.shapes import read

    found = find(invocation.settings_flags().config, os.environ)
    if found is None:
        return ()
    path, text = found
    return tuple(read(text, path, os.environ, registry.settings_type).environments)


def _loaded(invocation: Invocation, env: str) -> Environment:
    """An environment by its name; flags of one target are the current one's."""
    from dataclasses import replace

    from skykeep import registry
    from skykeep.apps.cli.commands.obj.shared import OF_ONE_TARGET
    from skykeep.settings.load import load

    flags = replace(invocation.settings_flags(), env=env, **dict.fromkeys(OF_ONE_TARGET))
    return load(flags, environ=os.environ, settings_of=registry.settings_type)


def _current(invocation: Invocation) -> tuple[Named, ...]:
    """The targets of the current environment; none if none is chosen."""
    from skykeep.errors import ConfigError
    from skykeep.replication.naming import named

    try:
        return tuple(named(invocation.environment()))
    except ConfigError:
        return ()


def _told(names: tuple[str, ...]) -> str:
    return f"environments: {', '.join(names)}; or ENVIRONMENT:TARGET" if names else ""


def _words(invocation: Invocation, incomplete: tuple[str, str, str]) -> Iterator[str]:
    from skykeep.replication.naming import named

    env, colon, _ = incomplete
    if colon:
        yield from (f"{env}:{each.label}" for each in named(_loaded(invocation, env)))
        return
    yield from _environments(invocation)
    yield from (each.label for each in _current(invocation))
