"""The settings of a shield: YAML, JSON or a mapping, validated before anything is loaded.

::

    preset: strict
    max_characters: 20000
    input:
      Secrets: {threshold: 0.8}
      BanSubstrings: {substrings: [project falcon]}
      Language: false
    output:
      Sensitive: true
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec

from llm_shield.models.files import PinnedModel
from llm_shield.presets import COMMON, SCANNERS, Preset
from llm_shield.scanner import Scanner, ScannerSettings, Side
from llm_shield.scanners import HOMES, scanner_class
from llm_shield.text import MAX_CHARACTERS
from skykeep.errors import ConfigError, Problem

MAX_FILE = 1024 * 1024
"""Bytes of a settings file at most."""

PRESETS: tuple[str, ...] = get_args(Preset)


class ModelsSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where models come from; by default from installed packages.

    Attributes:
        store: whether the model store of a skykeep environment is asked first. A file that it
            does not have comes from the packages; either is the pinned one or is refused.
        environment: of skykeep's configuration; empty: the default one.
        config: skykeep's configuration file; empty: found as skykeep finds it.
        pinned: other models than the packaged ones, by our names of them: ``name``,
            ``version`` in the store, and the SHA-256 of each file; ``directory`` instead of a
            store.
    """

    store: bool = False
    environment: str = ""
    config: str = ""
    pinned: dict[str, PinnedModel] = {}


class ShieldSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a shield may be set to.

    Attributes:
        preset: which scanners are on, and from which risk on the rest is skipped:
            ``strict`` .7, ``standard`` .9, ``permissive`` never.
        max_characters: code points of a text at most; a longer one is refused unread.
        input: scanners of prompts by name: ``true`` (on as the preset has it), ``false`` (off),
            or a mapping of its settings (on, with these).
        output: the same for answers.
        order: names of scanners; among those of equal cost these are asked first, in this
            order.
        concurrency: texts that ``scan_many`` scans at once.
        models: where models come from.
    """

    preset: Preset = "standard"
    max_characters: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)] = MAX_CHARACTERS
    input: dict[str, bool | dict[str, Any]] = {}
    output: dict[str, bool | dict[str, Any]] = {}
    order: tuple[str, ...] = ()
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 8
    models: ModelsSettings = ModelsSettings()


@dataclass(frozen=True, slots=True)
class Chosen:
    """A scanner that is on.

    Attributes:
        kind: its class.
        settings: of it.
        named: a configuration names it; a preset alone may go without an extra's.
    """

    kind: type[Scanner[Any]]
    settings: ScannerSettings
    named: bool


def settings_of(source: str | Path | Mapping[str, Any] | ShieldSettings) -> ShieldSettings:
    """The settings: a preset's name, a file (YAML or JSON), a mapping, or themselves.

    Raises ``ConfigError`` naming the key, what stands there and the mend.
    """
    if isinstance(source, ShieldSettings):
        settings, file = source, ""
    elif isinstance(source, Mapping):
        settings, file = _converted(dict(source), ""), ""
    elif isinstance(source, str) and source in PRESETS:
        return ShieldSettings(preset=source)  # type: ignore[arg-type]  # looked up just now
    else:
        path = Path(source)
        if isinstance(source, str) and len(path.parts) < 2 and not path.suffix:
            raise ConfigError(
                f"there is no preset {source!r}: {' | '.join(PRESETS)}",
                hint=_meant(source, PRESETS) or "a file's name ends in .yaml, .yml or .json",
            )
        file = str(path)
        settings = _converted(_read(path), file)
    for side in Side:
        chosen(settings, side, file=file)
    _check_order(settings, file)
    return settings


def chosen(settings: ShieldSettings, side: Side, *, file: str = "") -> list[Chosen]:
    """The scanners that are on for prompts or answers, as they are set, in order.

    ``file`` is named in messages. Raises ``ConfigError``.
    """
    written = settings.input if side is Side.INPUT else settings.output
    preset = SCANNERS[settings.preset][side]
    names = [name for name in preset if written.get(name) is not False]
    for name, options in written.items():
        _check_name(name, f"{side.value}.{name}", file)
        if options is not False and name not in names:
            names.append(name)
    first = {name: place for place, name in enumerate(settings.order)}
    found = []
    for name in names:
        kind = scanner_class(name)
        key = f"{side.value}.{name}"
        if side not in kind.sides:
            other = Side.OUTPUT if side is Side.INPUT else Side.INPUT
            raise _wrong(
                f"{name} is no scanner of {_TEXTS[side]}",
                file,
                key,
                f"it belongs below '{other.value}:'",
            )
        options = written.get(name, True)
        own = options if isinstance(options, dict) else {}
        values = {**COMMON[settings.preset], **own}
        found.append(Chosen(kind, _struct(values, kind.Settings, file, key), name in written))
    # A stable sort: those without a place keep the order of the preset and the file.
    found.sort(key=lambda one: (one.kind.cost, first.get(one.kind.name, len(first))))
    return found


def only(settings: ShieldSettings, names: Iterable[str]) -> ShieldSettings:
    """These scanners alone, as the settings have them: on the sides where they are on; those
    that are on nowhere, on each side that they are for.

    Raises ``ConfigError`` for a name that is no scanner's.
    """
    wanted = list(names)
    on: dict[str, set[Side]] = {}
    for side in Side:
        for one in chosen(settings, side):
            on.setdefault(one.kind.name, set()).add(side)
    sides: dict[Side, dict[str, bool | dict[str, Any]]] = {}
    for side, written in ((Side.INPUT, settings.input), (Side.OUTPUT, settings.output)):
        sides[side] = dict.fromkeys(SCANNERS[settings.preset][side], False)
        sides[side] |= dict.fromkeys(written, False)
        for name in wanted:
            _check_name(name, "scanner", "")
            if side in on.get(name, scanner_class(name).sides):
                sides[side][name] = written.get(name) or True
    return msgspec.structs.replace(settings, input=sides[Side.INPUT], output=sides[Side.OUTPUT])


_TEXTS = {Side.INPUT: "prompts", Side.OUTPUT: "answers"}


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(
            Problem(str(path), 0, "", f"it cannot be read: {error.strerror}"),
            hint=f"give a file, or a preset: {' | '.join(PRESETS)}",
        ) from None
    if len(data) > MAX_FILE:
        raise _wrong(f"it has more than {MAX_FILE:,} bytes", str(path), "")
    try:
        text = data.decode("utf-8-sig")
        found = json.loads(text) if path.suffix == ".json" else _yaml(text, str(path))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        said = error.problem or error.context or "a mistake in the syntax"
        raise ConfigError(Problem(str(path), line, "", f"this is not YAML: {said}")) from None
    except json.JSONDecodeError as error:
        raise ConfigError(
            Problem(str(path), error.lineno, "", f"this is not JSON: {error.msg}")
        ) from None
    except (ValueError, RecursionError, yaml.YAMLError):
        raise _wrong("this is neither YAML nor JSON in UTF-8", str(path), "") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _wrong(f"expected a mapping of settings, got {_shown(found)}", str(path), "")
    return found


def _yaml(text: str, file: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a key that stands twice: YAML would take the last in silence."""

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                line = key.start_mark.line + 1
                raise ConfigError(Problem(file, line, str(key.value), "it stands there twice"))
            seen.add(key.value)
        loader.flatten_mapping(node)
        return dict(loader.construct_mapping(node, deep=True))

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    # The pure loader: libyaml's composer recurses in C, and deep nesting ends the process.
    return yaml.load(text, Loader)  # noqa: S506  (a SafeLoader's subclass)


def _converted(values: Mapping[str, Any], file: str) -> ShieldSettings:
    settings: ShieldSettings = _struct(values, ShieldSettings, file, "")
    return settings


def _struct(values: Mapping[str, Any], kind: type[Any], file: str, key: str) -> Any:
    known = _fields(kind)
    for name in values:
        if name not in known:
            where = f"{key}.{name}" if key else str(name)
            hint = _meant(str(name), known) or f"there are: {', '.join(sorted(known))}"
            raise _wrong(f"there is no option {name!r}", file, where, hint)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        inner = place.rstrip("`").lstrip(".").replace("[...]", "")
        where = ".".join(part for part in (key, inner) if part)
        got = _at(values, inner)
        message = said.replace("`", "'")
        if got is not _ABSENT and " got " not in message and "enum" not in message:
            message += f", got {_shown(got)}"
        raise _wrong(message, file, where, _mend(said, got, inner, kind)) from None


def _fields(kind: type[Any]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


_ABSENT = object()


def _at(values: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        name, *indices = part.replace("]", "").split("[")
        try:
            if name:
                values = values[name]
            for index in indices:
                values = values[int(index)]
        except (KeyError, IndexError, TypeError, ValueError):
            return _ABSENT
    return values


def _mend(said: str, got: object, inner: str, kind: type[Any]) -> str:
    """What to write instead, where that can be told."""
    if "unknown field" in said:
        name = said.rsplit("`", 2)[1]
        return f"remove '{name}'"
    for field in msgspec.structs.fields(kind):
        if field.encode_name == inner:
            choices = [one for one in get_args(field.type) if isinstance(one, str)]
            if choices and isinstance(got, str):
                near = _meant(got, choices)
                listed = " | ".join(choices)
                return f"{near} ({listed})" if near else f"one of: {listed}"
            if field.default is not msgspec.NODEFAULT:
                return f"the default is {_shown(field.default)}"
    return ""


def _check_name(name: object, key: str, file: str) -> None:
    if name not in HOMES:
        hint = _meant(str(name), HOMES) or "`shield scanners` lists them"
        raise _wrong(f"there is no scanner {name!r}", file, key, hint)


def _check_order(settings: ShieldSettings, file: str) -> None:
    for place, name in enumerate(settings.order):
        _check_name(name, f"order[{place}]", file)


def _meant(name: str, known: Iterable[str]) -> str:
    names = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), names, 1)
    return f"did you mean {names[near[0]]}?" if near else ""


def _shown(value: object) -> str:
    """A value in a message: short, and on one line."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _wrong(message: str, file: str, key: str, hint: str = "") -> ConfigError:
    return ConfigError(Problem(file, 0, key, message), hint=hint)
