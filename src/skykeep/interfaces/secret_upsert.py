"""Create or update, over a driver that has only one and the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from skykeep.errors import Conflict, Invalid, NotFound, PendingDelete
from skykeep.interfaces.call import Target
from skykeep.interfaces.secret_driver import Attributes, SecretDriver, Written
from skykeep.interfaces.secret_tags import tagged
from skykeep.interfaces.secret_value import SecretValue

OnTombstone = Literal["fail", "recover", "purge"]


async def upsert(
    driver: SecretDriver,
    resource: str,
    value: SecretValue,
    attributes: Attributes,
    *,
    tags: Mapping[str, str],
    on_tombstone: OnTombstone,
) -> Written:
    """Make the value current; ``tags`` stand on all that is written.

    Raises ``PendingDelete`` if a tombstone is to ``fail``.
    """
    new = tagged(driver, attributes, tags, new=True)
    attributes = tagged(driver, attributes, tags)
    try:
        return await _upsert(driver, resource, value, attributes, new)
    except PendingDelete:
        if on_tombstone == "fail":
            raise
    if on_tombstone == "recover":
        await driver.restore(resource)
    else:
        await driver.purge(resource)
    return await _upsert(driver, resource, value, attributes, new)


async def _upsert(
    driver: SecretDriver,
    resource: str,
    value: SecretValue,
    attributes: Attributes,
    new: Attributes,
) -> Written:
    try:
        return await driver.update(resource, value, attributes)
    except NotFound:
        pass
    try:
        return await driver.create(resource, value, new)
    except Conflict:  # somebody created it in between
        return await driver.update(resource, value, attributes)


def check_size(driver: SecretDriver, target: Target, value: SecretValue) -> None:
    """Raise ``Invalid`` if the store's limits forbid the value; nothing is sent then."""
    can = driver.capabilities
    if value.size > can.max_value_bytes:
        raise Invalid(
            f"{target.name} keeps at most {can.max_value_bytes:,} bytes; "
            f"this value has {value.size:,}"
        )
    if value.size == 0 and not can.empty_values:
        raise Invalid(f"{target.name} keeps no empty value")
