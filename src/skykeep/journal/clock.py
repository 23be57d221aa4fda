"""This host's clock: for ages that processes of it measure together.

The wall clock is set, by people and by NTP; an age by it may be short by hours. What counts
from the start of the system cannot be set, and all processes of a host read the same; it says
nothing after the next start, which the boot's id tells.
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")  # random(4)
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # clock_gettime(2): also asleep


def ticks() -> float:
    """Seconds since the system was started."""
    return time.clock_gettime(_CLOCK)


@cache
def boot() -> str:
    """The id of this start of the system; ``""`` where it does not tell."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
