"""Which file holds the configuration, and its text.

The first that is there counts: the one named by a flag, the one that ``SKYKEEP_CONFIG``
names, ``./skykeep.yaml``, ``./cloud_config.yaml``, ``skykeep.yaml`` in the user's
configuration directory. A file that was named has to be there, the others need not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NoReturn

from skykeep.errors import ConfigError, Problem
from skykeep.settings.places import config_dir

VARIABLE = "SKYKEEP_CONFIG"
NAMES = ("skykeep.yaml", "cloud_config.yaml")
MAX_BYTES = 1 << 20


def find(
    named: str | os.PathLike[str] | None, environ: Mapping[str, str]
) -> tuple[str, str] | None:
    """The path of the configuration file and its text; None if there is no file.

    Raises ``ConfigError`` if a file cannot be read, is no text, is larger than 1 MiB, or
    was named and is not there.
    """
    if named is not None:
        return _named(os.fspath(named), "--config")
    if environ.get(VARIABLE):
        return _named(environ[VARIABLE], VARIABLE)
    for path in looked_up(environ):
        text = _read(path)
        if text is not None:
            return path, text
    return None


def looked_up(environ: Mapping[str, str]) -> list[str]:
    """The places that are looked at when no file is named, in their order."""
    return [*NAMES, str(config_dir(environ) / NAMES[0])]


def _named(path: str, by: str) -> tuple[str, str]:
    text = _read(path) if path else None
    if text is None:
        shown = path or "''"
        raise ConfigError(Problem(shown, 0, "", f"there is no such file (named by {by})"))
    return path, text


def _read(path: str) -> str | None:
    """The text of the file; None if there is no such file."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (a path is shown as it was given)
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        _refuse(path, "a file is expected; this is a directory")
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror or 'unknown reason'}")
    except ValueError:
        _refuse(ascii(path), "this is not a path")
    if len(data) > MAX_BYTES:
        _refuse(path, "the file is larger than 1 MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        _refuse(path, "the file is not UTF-8 text", line)


def _refuse(path: str, message: str, line: int = 0) -> NoReturn:
    raise ConfigError(Problem(path, line, "", message)) from None
