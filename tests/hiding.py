"""Makes packages look as if they were not installed."""

from __future__ import annotations

import sys

import pytest

from skykeep import registry


def hide_extras(patch: pytest.MonkeyPatch) -> None:
    """Nothing is there that a provider needs and skykeep itself does not."""
    patch.setattr(registry, "_is_there", lambda _: False)
    for module in [name for name in sys.modules if name.startswith("skykeep.providers.wire")]:
        patch.delitem(sys.modules, module)  # they have imported it already
    patch.setitem(sys.modules, "aiohttp", None)
