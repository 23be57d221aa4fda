"""What an error tracker would send away of an error."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from skykeep.errors import SkykeepError


def report_of(work: Callable[[], object]) -> str:
    """The traceback of the error that ``work`` must raise, with the variables of every frame
    below the test's own."""
    try:
        work()
    except SkykeepError as error:
        frame = error.__traceback__
        while frame is not None and "/tests/" in frame.tb_frame.f_code.co_filename:
            frame = frame.tb_next
        assert frame is not None, "the error is none of skykeep's"
        found = traceback.TracebackException(
            type(error), error, frame, capture_locals=True
        ).format()
        return "".join(found)
    raise AssertionError("it must be refused")
