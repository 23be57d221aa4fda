"""What the commands of ``skykeep models`` share: the way to them, progress, completion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skykeep.apps.cli.invocation import Invocation
from skykeep.apps.cli.transfers.bar import Bar

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.models.store import ModelStore

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # before 8.5 it took no type arguments

T = TypeVar("T")
Tell = Callable[[int, int], None]


def run(cloud: Cloud, work: Callable[[ModelStore], Awaitable[T]], *, ask: bool = True) -> T:
    """Do the work with the models of the environment; no secret store is opened.

    ``ask`` opens the store of objects first, outside of any deadline; a pull that may be
    answered from this disk does without.
    """
    import asyncio

    from skykeep.models.store import ModelStore

    async def opened() -> T:
        async with cloud, ModelStore.of(cloud) as models:
            if ask:
                await cloud.objects.capabilities()
            return await work(models)

    return asyncio.run(opened())


def with_bar(
    invocation: Invocation,
    work: Callable[[ModelStore, Tell], Awaitable[T]],
    *,
    ask: bool = True,
) -> T:
    """As :func:`run`, with a bar of the bytes that are done."""
    bars: list[Bar] = []

    def tell(done: int, total: int) -> None:
        if not bars:
            bars.append(Bar(invocation.console, 1, total))
        bars[0].add(done - bars[0].bytes)

    try:
        return run(invocation.open(), lambda models: work(models, tell), ask=ask)
    finally:
        for bar in bars:
            bar.clear()


class ModelName(_ParamType):
    """A model's name. Whether it is one is checked where it is used; here it completes."""

    name = "name"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Models in a store on this machine; else none."""
        return _completed(ctx, incomplete, None)


class ModelVersion(_ParamType):
    """A version of the model that was named before it."""

    name = "version"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Versions in a store on this machine; else none."""
        name = ctx.params.get("name")
        return _completed(ctx, incomplete, name) if isinstance(name, str) else []


def _completed(
    ctx: click.Context, incomplete: str, model: str | None
) -> list[click.shell_completion.CompletionItem]:
    from click.shell_completion import CompletionItem

    invocation = Invocation()
    # While completing, click parses the words before and runs no command.
    given = ctx.find_root().params
    invocation.flags = {
        name: value
        for name, value in given.items()
        if value is not None and name in {"config", "env", "namespace", "tenant"}
    }

    async def found(models: ModelStore) -> list[str]:
        if model is None:
            return [info.name for info in await models.list()]
        return [info.manifest.version for info in await models.versions(model)]

    try:
        from skykeep import registry

        cloud = invocation.open(ask=False)
        target = cloud.environment.objects or cloud.environment.primary
        if not registry.provider(target.backend).embedded:
            return []
        texts = run(cloud, found)
    except Exception:  # noqa: BLE001  (a shell that completes cannot show an error)
        return []
    return [CompletionItem(text) for text in texts if text.startswith(incomplete)]
