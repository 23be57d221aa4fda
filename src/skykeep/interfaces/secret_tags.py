"""Standing tags: those of the configuration, put onto every secret that skykeep writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from skykeep.interfaces.secret_driver import KEEP, Attributes, SecretDriver


def tagged(
    driver: SecretDriver, given: Attributes, standing: Mapping[str, str], *, new: bool = False
) -> Attributes:
    """What is given, with the standing tags where tags are written; given ones go first.

    ``new``: the secret is created, so that its tags are written whether any are given or
    not. Elsewhere ``KEEP`` stays ``KEEP``. A store without tags gets none.
    """
    if not standing or not driver.capabilities.tags or (given.tags is KEEP and not new):
        return given
    own = {} if given.tags is KEEP else given.tags
    return replace(given, tags={**standing, **own})
