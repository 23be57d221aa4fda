"""From a field to the name of its secret."""

from __future__ import annotations

from skykeep.interfaces.names import is_native


def under(prefix: str, name: str) -> str:
    """``name`` under the prefix: ``under("app", "db/password")`` is ``app/db/password``.

    A name that begins with ``/`` leaves the prefix (``/shared/smtp`` is ``shared/smtp``), and
    so does ``native:NAME``. Nothing is checked: the call with the name does that.
    """
    if is_native(name):
        return name
    if name.startswith("/"):
        return name[1:]
    return f"{prefix.removesuffix('/')}/{name}" if prefix else name
