"""The kinds of arguments that commands take, each with what it says when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from skykeep.interfaces.secret_driver import KEEP, Keep

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # before 8.5 it took no type arguments

_SPAN = re.compile(r"(\d{1,9})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Expiry(_ParamType):
    """``30d``, ``12h``, a date, a time, or ``never``; ``KEEP`` if it is not given."""

    name = "expiry"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | Keep | None:
        """An aware datetime in UTC; None is never."""
        if isinstance(value, (datetime, Keep)):
            return value
        text = str(value).strip()
        if text.lower() == "never":
            return None
        try:
            if span := _SPAN.fullmatch(text.lower()):
                return datetime.now(UTC) + timedelta(**{_UNITS[span[2]]: int(span[1])})
            at = datetime.fromisoformat(text)
            # A time without a zone is UTC: the same command means the same everywhere.
            return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"{text[:40]!a} is no expiry: use 30d (or s, m for minutes, h, w), "
                "2027-01-01, 2027-01-01T12:00:00Z or never",
                param,
                ctx,
            )


class Span(_ParamType):
    """``15m``, ``2h``: a length of time."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """How long."""
        if isinstance(value, timedelta):
            return value
        span = _SPAN.fullmatch(str(value).strip().lower())
        if span is None:
            self.fail(f"{str(value)[:40]!a} is no length of time: use 15m or 2h", param, ctx)
        return timedelta(**{_UNITS[span[2]]: int(span[1])})


SPAN = Span()


class Pair(_ParamType):
    """``KEY=VALUE``."""

    name = "pair"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first ``=``."""
        key, equals, text = str(value).partition("=")
        if not key or not equals:
            self.fail(f"{str(value)[:40]!a} is not KEY=VALUE", param, ctx)
        return key, text


def as_mapping(pairs: Sequence[tuple[str, str]], option: str) -> dict[str, str]:
    """The pairs. Raises ``click.UsageError`` for a key that comes twice."""
    found: dict[str, str] = {}
    for key, text in pairs:
        if found.setdefault(key, text) != text:
            raise click.UsageError(f"{option} {key} is given twice, with different values")
    return found


def kept_mapping(pairs: Sequence[tuple[str, str]], option: str) -> dict[str, str] | Keep:
    """The pairs; ``KEEP`` if there are none."""
    return as_mapping(pairs, option) if pairs else KEEP


class SecretName(_ParamType):
    """A secret's name. Whether it is one is checked where it is used; here it completes."""

    name = "name"

    def __init__(self, *, deleted: bool = False) -> None:
        self._deleted = deleted

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Names from an embedded store that opens without a question; else none."""
        from click.shell_completion import CompletionItem

        from skykeep.apps.cli.name_completion import names

        return [CompletionItem(name) for name in names(ctx, incomplete, deleted=self._deleted)]
