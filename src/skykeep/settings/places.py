"""Where skykeep keeps what it keeps: configuration, vault and journal, cache.

``SKYKEEP_HOME`` moves all of it into one directory; without it, the operating system's
own places are used (on Linux those of the XDG directories). Nothing here makes a directory.
Where ``environ`` is not given, it is the process's own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from skykeep.errors import ConfigError, Problem

HOME = "SKYKEEP_HOME"
_APPLICATION = "skykeep"


def home(environ: Mapping[str, str] | None = None) -> Path | None:
    """The directory that ``SKYKEEP_HOME`` names, made absolute; None if it is unset or empty.

    Raises ``ConfigError`` if it begins with ``~`` and that user has no home directory.
    """
    named = (os.environ if environ is None else environ).get(HOME, "")
    if not named:
        return None
    try:
        return Path.cwd() / Path(named).expanduser()
    except RuntimeError:
        problem = Problem(HOME, 0, "", "the home directory that '~' stands for is not known")
        raise ConfigError(problem) from None


def config_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The directory of the user's ``skykeep.yaml``. Raises as :func:`home`."""
    own = home(environ)
    if own is not None:
        return own
    import platformdirs

    return platformdirs.user_config_path(_APPLICATION, appauthor=False)


def data_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The directory of the default vault and of the journal. Raises as :func:`home`."""
    own = home(environ)
    if own is not None:
        return own
    import platformdirs

    return platformdirs.user_data_path(_APPLICATION, appauthor=False)


def cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The directory of what can be fetched again. Raises as :func:`home`."""
    own = home(environ)
    if own is not None:
        return own / "cache"
    import platformdirs

    return platformdirs.user_cache_path(_APPLICATION, appauthor=False)
