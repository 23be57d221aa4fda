"""A logging filter that masks known values in whatever is logged.

::

    mask = MaskSecrets()
    for handler in logging.getLogger().handlers:
        handler.addFilter(mask)  # on handlers: a logger's filter misses its children's records
    await mask.refresh(cloud, prefix="app")

The net under the tightrope: a ``SecretValue`` shows nothing by itself. This is for values
that were taken out of one and came into a URL, an exception of a driver, a dump of options.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from skykeep.blocking import BlockingCloud
from skykeep.cloud import Cloud
from skykeep.interfaces.secret_value import SecretValue
from skykeep.redaction.matcher import Redactor

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "taskName"}
"""What every record has; the rest came with ``extra``, or is a formatter's ``message``."""

_DEEPEST = 8
WITHHELD = "a log record could not be searched for secrets and is left out"


class MaskSecrets(logging.Filter):
    """Lets every record pass, with known values masked in all that it holds.

    Searched are the message, its arguments, the traceback, the stack and what came with
    ``extra``, in lists, mappings and the ``str`` and ``repr`` of objects as well. A value is
    known as it is, without white space around it, and as ``repr``, JSON and URLs write it.
    An object that cannot be printed is left out, since nobody knows what is in it.
    Arguments stay arguments where that masks them, for handlers that look at these; a
    traceback with a value in it becomes text (``exc_text``) and its exception is let go.

    A value of less than ``shortest`` bytes is not masked: it would be found in every line.
    What is cut, encoded otherwise or printed piece by piece is not found.

    May be used from many threads; nothing waits and nothing is raised while a record is
    searched. If that fails, the record's content is left out and a line says so. A record
    with four arguments and no value in it takes 20 µs longer, with 100 known values as with
    10,000 (CPython 3.11 on x86-64).
    """

    def __init__(
        self,
        values: Iterable[SecretValue | bytes | str] = (),
        *,
        mask: str = "***",
        shortest: int = 4,
    ) -> None:
        super().__init__()
        self._mask = mask.encode()
        self._shortest = shortest
        self._changing = threading.Lock()
        self._given: list[SecretValue] = []
        self._read: list[SecretValue] = []
        self._redactor: Redactor | None = None
        self.know(values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._given) + len(self._read)} values)"

    def know(self, values: Iterable[SecretValue | bytes | str]) -> None:
        """Mask these, too, from now on."""
        with self._changing:
            self._given += [SecretValue(value) for value in values]
            self._prepare()

    async def refresh(self, cloud: Cloud, prefix: str = "") -> int:
        """Read all secrets under the prefix and mask their values; returns how many.

        They take the place of those that were read before. After an error of the store,
        which is raised, those before are still masked.
        """
        names = [info.name async for info in cloud.secrets.list(prefix)]
        found = await cloud.secrets.get_many(names, missing="skip")
        return self._take([secret.value for secret in found.values()])

    def refresh_blocking(self, cloud: BlockingCloud, prefix: str = "") -> int:
        """``refresh`` for callers without an event loop."""
        names = [info.name for info in cloud.secrets.list(prefix)]
        found = cloud.secrets.get_many(names, missing="skip")
        return self._take([secret.value for secret in found.values()])

    def _take(self, values: list[SecretValue]) -> int:
        with self._changing:
            self._read = values
            self._prepare()
        return len(values)

    def _prepare(self) -> None:
        forms = dict.fromkeys(
            form
            for value in (*self._given, *self._read)
            for form in _forms(value.reveal())
            if len(form) >= self._shortest
        )
        self._redactor = Redactor(forms, self._mask) if forms else None

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place. True."""
        redactor = self._redactor
        if redactor is not None:
            try:
                _Search(redactor).record(record)
            except Exception:  # noqa: BLE001  (objects of others are printed here)
                _withhold(record)
        return True


def _forms(value: bytes) -> Iterator[bytes]:
    """The value as it is found in text."""
    for raw in (value, value.strip()):
        yield raw
        yield repr(raw)[2:-1].encode()
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            continue
        written = [
            repr(text)[1:-1],
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            quote(text),
            quote(text, safe=""),
            quote_plus(text),
        ]
        yield from (form.encode() for form in written)


def _withhold(record: logging.LogRecord) -> None:
    record.msg, record.args = WITHHELD, None
    record.exc_info = record.exc_text = record.stack_info = None
    for name in vars(record).keys() - _OWN:
        setattr(record, name, None)


class _Search:
    """One walk through a record. What holds no value stays the object that it is."""

    def __init__(self, redactor: Redactor) -> None:
        self._redact = redactor.redact

    def record(self, record: logging.LogRecord) -> None:
        self._message(record)
        self._exception(record)
        if record.stack_info:
            record.stack_info = self._text(record.stack_info)
        for name in vars(record).keys() - _OWN:
            value = getattr(record, name)
            if (safe := self._object(value)) is not value:
                setattr(record, name, safe)

    def _message(self, record: logging.LogRecord) -> None:
        try:
            whole: str | None = record.getMessage()
        except Exception:  # noqa: BLE001  (logging reports it, with message and arguments)
            whole = None
        safe = None if whole is None else self._text(whole)
        template, arguments = self._object(record.msg), self._object(record.args)
        if safe is whole and template is record.msg and arguments is record.args:
            return
        if safe is not None:
            try:
                shown = str(template) % arguments if arguments else str(template)
            except (TypeError, ValueError, KeyError):  # '%d' of a masked number, and so on
                shown = None
            if shown is None or self._text(shown) is not shown:
                record.msg, record.args = safe, None
                return
        record.msg = template
        record.args = arguments  # type: ignore[assignment]  # of the kind that it was

    def _exception(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0] is not None:
            whole = logging.Formatter().formatException(record.exc_info)
            if (safe := self._text(whole)) is not whole:
                record.exc_text, record.exc_info = safe, None
                return
        if record.exc_text:
            record.exc_text = self._text(record.exc_text)

    def _text(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        safe = self._redact(data)
        if safe == data:
            return text
        try:
            return safe.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:  # a value that is no text began inside a character
            return safe.decode("utf-8", "replace")

    def _object(self, value: object, depth: int = 0) -> object:
        if value is None or isinstance(value, (bool, SecretValue)):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes):
            safe = self._redact(value)
            return value if safe == value else safe
        if depth < _DEEPEST:
            if isinstance(value, dict):
                pairs = [
                    (key, item, self._object(key, depth + 1), self._object(item, depth + 1))
                    for key, item in value.items()
                ]
                if all(key is safe_key and item is safe for key, item, safe_key, safe in pairs):
                    return value
                return {safe_key: safe for _, _, safe_key, safe in pairs}
            if isinstance(value, (list, tuple)):
                items = [self._object(item, depth + 1) for item in value]
                if all(item is safe for item, safe in zip(value, items, strict=True)):
                    return value
                return tuple(items) if isinstance(value, tuple) else items
        try:  # both: handlers print one or the other
            written = (str(value), repr(value))
        except Exception:  # noqa: BLE001  (an object of somebody else's)
            return f"<{type(value).__name__}: cannot be searched for secrets>"
        for shown in written:
            if (text := self._text(shown)) is not shown:
                return text
        return value
