"""What a configuration may say of an in-memory target."""

from __future__ import annotations

from skykeep.settings.model import TargetSettings


class MemorySettings(TargetSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An in-memory target.

    Attributes:
        store: targets of this process that give the same name share their secrets until
            the process ends, and (if their ``secret_prefix`` is the same) one driver with
            its planted faults and counts. None: a store of its own, gone when it is closed.
    """

    store: str | None = None
