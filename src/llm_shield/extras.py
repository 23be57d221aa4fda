"""What scanners stand on and what may be missing: one message for all of them."""

from __future__ import annotations

from importlib.util import find_spec

from skykeep.errors import MissingExtra


def needs(module: str, distribution: str, extra: str = "shield") -> None:
    """Do nothing if the module can be imported; it is not imported here.

    Raises ``MissingExtra``, with the command that installs it.
    """
    try:
        found = find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise MissingExtra(
            f"{distribution} is not installed",
            hint=f"install it: pip install --upgrade 'skykeep[{extra}]'",
        )
