"""Dataclasses filled from the store: a field is a secret, a nested dataclass is a prefix.

::

    @dataclass(frozen=True)
    class Database:
        password: SecretValue
        user: str = "app"
        port: int = 5432


    database = await load(Database, cloud, prefix="db")  # db/password, db/user, db/port
    database = await reload(database, cloud, prefix="db")  # afresh, after a rotation

A field may be a ``SecretValue``, a ``Secret`` (with version and times), ``str``, ``bytes``,
``int``, ``float`` or ``bool``, a dataclass of such fields, and any of them ``| None``. A
secret that is missing leaves the field to its default, or to None where the type allows it;
all that are missing otherwise are named in one ``NotFound``. Prefer ``SecretValue``: a
dataclass shows its fields in its ``repr``, and only that type shows nothing.

``field(metadata={"skykeep": NAME})`` sets another name: under the prefix, or, as
``/shared/smtp`` and ``native:NAME``, without it. ``{"skykeep": None}`` leaves a field alone.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from skykeep.blocking import BlockingCloud
from skykeep.cloud import Cloud
from skykeep.errors import Invalid, NotFound
from skykeep.integrations.naming import under
from skykeep.interfaces.secret_driver import Secret
from skykeep.interfaces.secret_value import SecretValue

T = TypeVar("T")

METADATA = "skykeep"
"""The key of a field's metadata that names its secret."""


async def load(cls: type[T], cloud: Cloud, prefix: str = "", *, fresh: bool = False) -> T:
    """A new instance of the dataclass, from the secrets under the prefix; all read at once.

    ``fresh`` asks the store even for what is cached. Raises ``NotFound`` with all names
    that are missing; ``Invalid``, before any call, for a type that cannot be filled, and
    after it for a value that has not the field's form.
    """
    plan = _plan(cls, prefix)
    found = await cloud.secrets.get_many(plan.names(), fresh=fresh, missing="skip")
    return _filled(cls, plan, found)


def load_blocking(
    cls: type[T], cloud: BlockingCloud, prefix: str = "", *, fresh: bool = False
) -> T:
    """``load`` for callers without an event loop."""
    plan = _plan(cls, prefix)
    found = cloud.secrets.get_many(plan.names(), fresh=fresh, missing="skip")
    return _filled(cls, plan, found)


async def reload(instance: T, cloud: Cloud, prefix: str = "") -> T:
    """The same, read afresh: a new instance. Fields that are left alone keep what they have."""
    plan = _plan(type(instance), prefix)
    found = await cloud.secrets.get_many(plan.names(), fresh=True, missing="skip")
    return _filled(type(instance), plan, found, instance)


def reload_blocking(instance: T, cloud: BlockingCloud, prefix: str = "") -> T:
    """``reload`` for callers without an event loop."""
    plan = _plan(type(instance), prefix)
    found = cloud.secrets.get_many(plan.names(), fresh=True, missing="skip")
    return _filled(type(instance), plan, found, instance)


def _number(kind: Callable[[str], object]) -> Callable[[Secret], object]:
    def convert(secret: Secret) -> object:
        try:
            return kind(secret.value.text())
        except ValueError:
            pass  # its message holds the value: leave the handler before raising
        raise Invalid("it is no number of that kind")

    return convert


_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def _truth(secret: Secret) -> bool:
    word = secret.value.text().strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Invalid("it is none of true, false, yes, no, on, off, 1, 0")


_CONVERT: dict[object, Callable[[Secret], object]] = {
    SecretValue: lambda secret: secret.value,
    Secret: lambda secret: secret,
    str: lambda secret: secret.value.text(),
    bytes: lambda secret: secret.value.reveal(),
    int: _number(int),
    float: _number(float),
    bool: _truth,
}


@dataclass(frozen=True, slots=True)
class _Slot:
    """One field that is filled: by the secret ``name``, or (``plan``) by those under it."""

    field: str
    name: str
    kind: Any
    plan: _Plan | None
    optional: bool
    has_default: bool

    def absent(self, found: Mapping[str, Secret]) -> bool:
        """Whether the store has nothing for it."""
        names = [self.name] if self.plan is None else self.plan.names()
        return not any(name in found for name in names)

    def value(self, found: Mapping[str, Secret], current: object) -> object:
        if self.plan is not None:
            return self.plan.fill(found, getattr(current, self.field, None))
        try:
            return _CONVERT[self.kind](found[self.name])
        except Invalid as error:
            reason = error.message
        raise Invalid(
            f"the value of '{self.name}' does not fit the field '{self.field}' "
            f"({self.kind.__name__}): {reason}",
            resource=self.name,
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a dataclass asks for."""

    cls: type[Any]
    slots: list[_Slot]
    left_alone: list[str]

    def names(self) -> list[str]:
        return [
            name
            for slot in self.slots
            for name in ([slot.name] if slot.plan is None else slot.plan.names())
        ]

    def missing(self, found: Mapping[str, Secret]) -> Iterator[str]:
        """The names without which the dataclass cannot be made."""
        for slot in self.slots:
            if slot.absent(found) and (slot.has_default or slot.optional):
                continue
            if slot.plan is not None:
                yield from slot.plan.missing(found)
            elif slot.name not in found:
                yield slot.name

    def fill(self, found: Mapping[str, Secret], current: object = None) -> Any:
        given = {}
        if isinstance(current, self.cls):
            given = {name: getattr(current, name) for name in self.left_alone}
        for slot in self.slots:
            # A nested dataclass may be made of its defaults alone.
            if not slot.absent(found) or not (slot.has_default or slot.optional):
                given[slot.field] = slot.value(found, current)
            elif not slot.has_default:
                given[slot.field] = None
        return self.cls(**given)


def _filled(
    cls: type[T], plan: _Plan, found: Mapping[str, Secret], current: object = None
) -> T:
    if missing := list(dict.fromkeys(plan.missing(found))):
        raise NotFound(
            f"no such secret: {', '.join(missing)}",
            hint=f"{cls.__name__} needs {'it' if len(missing) == 1 else 'them'}",
            operation="secrets.get_many",
            resource=missing[0],
        )
    made: T = plan.fill(found, current)
    return made


def _plan(cls: type[Any], prefix: str, chain: tuple[type[Any], ...] = ()) -> _Plan:
    """Raises ``Invalid`` for what is no dataclass or has a field that cannot be filled."""
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise Invalid(f"{getattr(cls, '__name__', cls)!s} is not a dataclass")
    if cls in chain:
        raise Invalid(f"the dataclass {cls.__name__} holds itself")
    try:
        hints = get_type_hints(cls)
    except NameError as error:
        raise Invalid(
            f"the types of {cls.__name__} cannot be resolved: {error}",
            hint="define them, and the dataclass, at the top of a module",
        ) from None
    slots, left_alone = [], []
    for field in dataclasses.fields(cls):
        name = field.metadata.get(METADATA, field.name)
        if not field.init:
            continue
        if name is None:
            left_alone.append(field.name)
            continue
        whole = under(prefix, name)
        kind, optional = _unwrapped(hints[field.name])
        inner = None
        if kind not in _CONVERT:
            if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
                raise Invalid(
                    f"the field '{field.name}' of {cls.__name__} has a type that is not filled "
                    f"from a secret: {field.type if isinstance(field.type, str) else kind}",
                    hint='leave it alone with field(metadata={"skykeep": None}, default=…)',
                )
            inner = _plan(kind, whole, (*chain, cls))
        has_default = not (
            field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        )
        slots.append(_Slot(field.name, whole, kind, inner, optional, has_default))
    return _Plan(cls, slots, left_alone)


def _unwrapped(hint: Any) -> tuple[Any, bool]:
    """``X | None`` as ``(X, True)``."""
    if get_origin(hint) in {Union, types.UnionType}:
        members = [member for member in get_args(hint) if member is not type(None)]
        if len(members) == 1:
            return members[0], True
    return hint, False
