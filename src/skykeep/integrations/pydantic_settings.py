"""Settings of pydantic-settings 2, filled from the store.

::

    class Settings(BaseSettings):
        secret_key: SecretStr
        db: Database  # a model: its field `password` is the secret `db/password`

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls,
            init_settings,
            env_settings,
            dotenv_settings,
            file_secret_settings,
        ):
            return (
                init_settings,
                env_settings,
                SkykeepSettingsSource(settings_cls, prefix="app"),
            )

Importing this module needs the extra ``pydantic``.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from skykeep.blocking import BlockingCloud, open_blocking
from skykeep.errors import Invalid, MissingExtra
from skykeep.integrations.naming import under
from skykeep.integrations.veiled import VeiledBytes, VeiledText, parse
from skykeep.interfaces.secret_value import SecretValue

try:
    from pydantic import AliasChoices, AliasPath, BaseModel, Json, RootModel
    from pydantic import SecretBytes as PydanticSecretBytes
    from pydantic import SecretStr as PydanticSecretStr
    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource
except ImportError:
    raise MissingExtra(
        "pydantic-settings is not installed",
        hint="install it: pip install --upgrade 'skykeep[pydantic]'",
    ) from None

Form = Literal["text", "bytes", "value", "json"]
Chain = tuple[type[BaseModel], ...]


@dataclass(frozen=True, slots=True)
class SecretName:
    """``Annotated[SecretStr, SecretName("smtp/password")]``: another name than the field's.

    Under the source's prefix; ``/shared/smtp`` and ``native:NAME`` leave it.
    """

    name: str


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One secret that is asked for: its field, where it goes, its name, what becomes of it."""

    field: tuple[str, ...]
    path: tuple[str, ...]
    name: str
    form: Form


class SkykeepSettingsSource(PydanticBaseSettingsSource):
    """A source of settings: a field is a secret, a nested model is a prefix.

    The field ``api_key`` is the secret ``PREFIX/api_key``; the field ``password`` of the
    nested model ``db`` is ``PREFIX/db/password``. An alias stands for the field's name, in
    the secret's name as well; ``SecretName`` sets another one. Of a model all secrets are
    read at once. What sources of higher priority gave is not asked for.

    Text fields get the value as UTF-8 text, ``bytes`` and ``SecretBytes`` get the bytes,
    ``skykeep.SecretValue`` the value itself (pydantic wants ``arbitrary_types_allowed``
    then); lists, mappings and the like are parsed as JSON, unless the field has ``NoDecode``;
    the rest pydantic makes of the text. A secret that is missing leaves the field to the next
    source or to its default; pydantic reports what is required.

    Errors of the store, and a name or value that cannot be used (``Invalid``), are those of
    ``skykeep.errors`` and pass through ``Settings()`` as they are. pydantic's own errors show
    ``SecretValue(9 characters)`` in place of a value. That holds for their text and ``repr``;
    ``ValidationError.errors()`` and ``.json()`` hand out the input itself: call them with
    ``include_input=False`` before you show them.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        cloud: BlockingCloud | None = None,
        *,
        prefix: str = "",
        fresh: bool = False,
    ) -> None:
        """Without a ``cloud`` one is opened by ``open_blocking()`` for each reading."""
        super().__init__(settings_cls)
        self._cloud = cloud
        self._prefix = prefix
        self._fresh = fresh

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prefix={self._prefix!r})"

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """No single field is read: see ``__call__``."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The settings that the store has. Raises what ``get_many`` raises."""
        leaves = list(_leaves(self.settings_cls, self._prefix, self.current_state))
        if not leaves:
            return {}
        names = [leaf.name for leaf in leaves]
        if self._cloud is not None:
            found = self._cloud.secrets.get_many(names, fresh=self._fresh, missing="skip")
        else:
            with open_blocking() as cloud:
                found = cloud.secrets.get_many(names, fresh=self._fresh, missing="skip")
        settings: dict[str, Any] = {}
        filled = set()
        for leaf in leaves:
            secret = found.get(leaf.name)
            # Of several aliases the first: pydantic would take the second for something extra.
            if secret is not None and leaf.field not in filled:
                filled.add(leaf.field)
                _put(settings, leaf.path, _shaped(secret.value, leaf))
        return settings


def _leaves(
    model: type[BaseModel],
    prefix: str,
    given: object,
    path: tuple[str, ...] = (),
    chain: Chain = (),
) -> Iterator[_Leaf]:
    """The secrets that a model asks for, without what ``given`` has."""
    for field_name, field in model.model_fields.items():
        keys, inner = _keys(model, field_name, field), _nested(field)
        given_at = [key for key in [*keys, (field_name,)] if _has(given, key)]
        given_here = _at(given, given_at[0]) if given_at else None
        # A nested model may be given in part, as a mapping.
        if given_at and not (inner and isinstance(given_here, dict)):
            continue
        other = next((m.name for m in field.metadata if isinstance(m, SecretName)), None)
        for key in keys if inner is None and other is None else keys[:1]:
            name = under(prefix, "/".join(key) if other is None else other)
            if inner is None:
                yield _Leaf((*path, field_name), (*path, *key), name, _form(field))
            elif inner not in chain:  # a model may hold itself, a tree of names does not end
                yield from _leaves(inner, name, given_here, (*path, *key), (*chain, inner))


def _keys(model: type[BaseModel], name: str, field: FieldInfo) -> list[tuple[str, ...]]:
    """Under which keys pydantic looks for the field, best first."""
    alias = field.validation_alias
    if alias is None or model.model_config.get("validate_by_alias") is False:
        return [(name,)]
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    paths = [tuple(at.path) if isinstance(at, AliasPath) else (at,) for at in choices]
    # A number in a path is a place in a list, and there are no lists of secrets.
    return [
        tuple(str(part) for part in path)
        for path in paths
        if all(isinstance(part, str) for part in path)
    ]


def _at(given: object, key: tuple[str, ...]) -> object:
    for part in key:
        given = given.get(part) if isinstance(given, dict) else None
    return given


def _has(given: object, key: tuple[str, ...]) -> bool:
    inner = _at(given, key[:-1])
    return isinstance(inner, dict) and key[-1] in inner


def _put(settings: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for part in path[:-1]:
        settings = settings.setdefault(part, {})
    settings[path[-1]] = value


def _members(annotation: object) -> list[Any]:
    """The types of a union, or the one type, without None and annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin is Union or origin is types.UnionType:
        return [member for part in get_args(annotation) for member in _members(part)]
    return [] if annotation is type(None) else [annotation]


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    """The model whose fields are secrets of their own, if the field is one."""
    members = _members(field.annotation)
    if len(members) == 1 and _is(members[0], BaseModel) and not _is(members[0], RootModel):
        model: type[BaseModel] = members[0]
        return model
    return None


def _form(field: FieldInfo) -> Form:
    members = _members(field.annotation)
    if SecretValue in members:
        return "value"
    if any(_is(member, (str, PydanticSecretStr)) for member in members):
        return "text"
    if any(_is(member, (bytes, PydanticSecretBytes)) for member in members):
        return "bytes"
    for mark in field.metadata:
        # Both want the text: Json[...] parses it (and is an alias to type checkers).
        if mark is NoDecode or isinstance(mark, (Json, NoDecode)):  # type: ignore[misc]  # an alias
            return "text"
    return "json" if any(map(_is_complex, members)) else "text"


_COMPLEX = (BaseModel, Mapping, Sequence, Set, deque)


def _is_complex(member: object) -> bool:
    found = get_origin(member) or member
    return _is(found, _COMPLEX) or is_dataclass(found)


def _is(member: object, kinds: type | tuple[type, ...]) -> bool:
    return isinstance(member, type) and issubclass(member, kinds)


def _shaped(value: SecretValue, leaf: _Leaf) -> Any:
    """The value as pydantic is to see it. Raises ``Invalid`` with the secret's name."""
    if leaf.form == "value":
        return value
    if leaf.form == "bytes":
        return VeiledBytes(value.reveal())
    field = ".".join(leaf.field)
    try:
        text = value.text()
        return parse(text) if leaf.form == "json" else VeiledText(text)
    except Invalid as error:
        reason = error.message
    raise Invalid(f"{leaf.name}, for the setting {field}: {reason}", resource=leaf.name)
