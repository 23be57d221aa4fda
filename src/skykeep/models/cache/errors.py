"""The system's errors -> ours."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from skykeep.errors import Denied, Quota, SkykeepError, Unavailable

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def translated(error: OSError) -> SkykeepError:
    """The error for what the disk refused."""
    reason = error.strerror or "it failed"
    where = f" ({error.filename})" if isinstance(error.filename, str) else ""
    if error.errno in FULL:
        return Quota(
            f"the cache of models cannot grow: {reason}",
            hint="make room on its disk, or set object_storage.model_cache.directory",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP}:
        return Denied(f"the cache of models cannot be used: {reason}{where}")
    return CacheFailed(f"the cache of models cannot be used: {reason}{where}")


class CacheFailed(Unavailable):
    """The disk failed, and no store: an older version would not help."""


@contextmanager
def disk() -> Iterator[None]:
    """Let errors of the system leave as ours."""
    try:
        yield
        return
    except OSError as error:
        failure = translated(error)
    raise failure
