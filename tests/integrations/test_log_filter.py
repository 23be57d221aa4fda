"""Known values are masked in what is logged."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from skykeep.blocking import BlockingCloud
from skykeep.cloud import Cloud
from skykeep.errors import Unavailable
from skykeep.integrations.log_filter import WITHHELD, MaskSecrets
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import MemorySecrets

CANARY = "canary 4711/'do\"-not-schön"


class Log:
    """A logger of its own whose one handler has the filter; it keeps text and records."""

    def __init__(self, mask: MaskSecrets) -> None:
        self.stream = io.StringIO()
        self.records: list[logging.LogRecord] = []
        self.logger = logging.Logger("app")  # noqa: LOG001  (known to nobody else)
        handler = logging.StreamHandler(self.stream)
        handler.addFilter(mask)
        handler.addFilter(self._keep)
        self.logger.addHandler(handler)

    def _keep(self, record: logging.LogRecord) -> bool:
        self.records.append(record)
        return True

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def everything(self) -> str:
        """The text and all that any handler could find in the records."""
        return self.text + "".join(repr(vars(record)) for record in self.records)


@pytest.fixture
def log() -> Log:
    return Log(MaskSecrets([CANARY, "12345678"]))


class Shows:
    def __str__(self) -> str:
        return f"connection to {CANARY}"


class ShowsInRepr:
    def __str__(self) -> str:
        return "connection"

    def __repr__(self) -> str:
        return f"<{CANARY}>"


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        (f"url postgres://u:{CANARY}@h", (), "url postgres://u:***@h"),
        ("url %s at %d", (CANARY, 5), "url *** at 5"),
        ("url %r", (CANARY,), "url '***'"),
        ("url %s", (CANARY.encode(),), "url b'***'"),
        ("%(a)s and %(b)s", ({"a": CANARY, "b": 1},), "*** and 1"),
        ("all %s", ([{"a": (CANARY, b"x")}],), "all [{'a': ('***', b'x')}]"),
        ("%s", ({CANARY: 1},), "{'***': 1}"),
        ("number %d", (12345678,), "number ***"),
        ("error %s", (ValueError(CANARY),), "error ***"),
        ("object %s", (Shows(),), "object connection to ***"),
        ("100 %% of " + CANARY + " %s", (1,), "100 % of *** 1"),
        (CANARY[:9] + "%s", (CANARY[9:],), "***"),
        ("json %s", (json.dumps({"k": CANARY}),), 'json {"k": "***"}'),
        ("%.3s", (CANARY,), "***"),
    ],
)
def test_a_value_in_the_message_or_its_arguments(
    log: Log, message: str, arguments: tuple[object, ...], shown: str
) -> None:
    log.logger.warning(message, *arguments)
    assert log.text == f"{shown}\n"
    assert CANARY not in log.everything
    assert "canary" not in log.everything


def test_a_url_and_other_writings_are_known() -> None:
    from urllib.parse import quote, quote_plus, urlencode

    log = Log(MaskSecrets([CANARY + "\n", b"\xff\x00raw"]))
    for written in (
        quote(CANARY),
        quote(CANARY, safe=""),
        quote_plus(CANARY),
        urlencode({"p": CANARY}),
        json.dumps(CANARY),
        json.dumps(CANARY, ensure_ascii=False),
        repr(CANARY),
        CANARY,
    ):
        log.logger.warning("%s", written)
    log.logger.warning("%s", b"a\xff\x00rawb")
    assert log.text.splitlines()[-1] == "b'a***b'"
    assert "canary" not in log.everything


def test_arguments_stay_arguments(log: Log) -> None:
    log.logger.warning("user %s with %s", "u", CANARY)
    (record,) = log.records
    assert (record.msg, record.args) == ("user %s with %s", ("u", "***"))


def test_a_record_without_a_value_is_left_as_it_is(log: Log) -> None:
    options, found = {"a": [1, ("b", b"c", None, True)]}, ValueError("x")
    try:
        raise found
    except ValueError:
        log.logger.exception("%s %s", options, found, extra={"options": options})
    (record,) = log.records
    assert record.args is not None
    assert record.args[0] is options  # type: ignore[index]  # a tuple here
    assert record.__dict__["options"] is options
    assert record.exc_info is not None
    assert record.exc_info[1] is found


def test_a_traceback_becomes_masked_text(log: Log) -> None:
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        log.logger.exception("failed")
    (record,) = log.records
    assert record.exc_info is None
    assert "ValueError: ***" in log.text
    assert "RuntimeError: outer" in log.text
    assert CANARY not in log.everything


def test_text_that_was_made_before_is_masked(log: Log) -> None:
    record = log.logger.makeRecord("app", logging.ERROR, "f.py", 1, "m", (), None)
    record.exc_text = f"E: {CANARY}"
    record.stack_info = f"Stack:\n  f({CANARY!r})"
    log.logger.handle(record)
    assert log.text == "m\nE: ***\nStack:\n  f('***')\n"


def test_what_comes_with_extra_is_masked(log: Log) -> None:
    extra = {"dsn": f"x:{CANARY}", "request": {"headers": [CANARY]}, "pin": 12345678}
    log.logger.warning("m", extra={**extra, "object": Shows(), "other": ShowsInRepr()})
    (record,) = log.records
    kept = vars(record)
    assert (kept["dsn"], kept["request"], kept["pin"]) == ("x:***", {"headers": ["***"]}, "***")
    assert kept["object"] == "connection to ***"
    assert CANARY not in log.everything
    assert extra["request"] == {"headers": [CANARY]}  # the caller's own is not touched


def test_what_is_very_deep_or_holds_itself_is_searched_as_text(log: Log) -> None:
    deep: Any = CANARY
    for _ in range(20):
        deep = [deep]
    loop: list[object] = [CANARY]
    loop.append(loop)
    log.logger.warning("%s", "m", extra={"deep": deep, "loop": loop})
    assert CANARY not in log.everything


def test_a_wrong_number_of_arguments_is_reported_without_the_value(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.logger.warning("%s %s", CANARY)  # noqa: PLE1206  (that is the point)
    shown = capsys.readouterr().err
    assert "Arguments: ('***',)" in shown
    assert CANARY not in log.everything
    # The report has the lines of source that logged, and so has this file the name only.
    assert CANARY not in shown


class Broken:
    def __repr__(self) -> str:
        raise RecursionError

    __str__ = __repr__


def test_an_object_that_cannot_be_printed_is_left_out(log: Log) -> None:
    log.logger.warning("%s", CANARY, extra={"broken": [Broken()]})
    assert log.text == "***\n"
    broken = vars(log.records[0])["broken"]
    assert broken == ["<Broken: cannot be searched for secrets>"]


class Changing(dict[str, str]):
    def items(self) -> Any:
        raise RuntimeError("changed while it was read")


def test_nothing_is_raised_and_nothing_passes_that_was_not_searched(log: Log) -> None:
    log.logger.warning("%s", CANARY, extra={"options": Changing(), "dsn": CANARY})
    assert log.text == f"{WITHHELD}\n"
    assert "canary" not in log.everything


def test_short_values_are_not_masked() -> None:
    log = Log(MaskSecrets(["abc", ""], mask="#"))
    log.logger.warning("abcd")
    shorter = Log(MaskSecrets(["abc"], mask="#", shortest=1))
    shorter.logger.warning("abcd")
    assert (log.text, shorter.text) == ("abcd\n", "#d\n")


def test_odd_text_passes(log: Log) -> None:
    log.logger.warning("lone \udc80 %s", CANARY)
    assert log.records[0].getMessage() == "lone \udc80 ***"
    # A value that is no text, found inside a character.
    odd = Log(MaskSecrets([b"\xbcabc"], mask="#"))
    odd.logger.warning("üabc")
    assert odd.text == "\ufffd#\n"


def test_a_filter_shows_no_value() -> None:
    mask = MaskSecrets([CANARY])
    assert repr(mask) == "MaskSecrets(1 values)"
    mask.know([SecretValue("other value"), b"third"])
    assert repr(mask) == "MaskSecrets(3 values)"


def test_values_come_from_a_prefix(
    skykeep_blocking_cloud: BlockingCloud, skykeep_memory: MemorySecrets
) -> None:
    skykeep_blocking_cloud.secrets.put("app/db/password", "from the store")
    skykeep_blocking_cloud.secrets.put("other/key", "other value")
    mask = MaskSecrets(["given value"])
    log = Log(mask)
    assert mask.refresh_blocking(skykeep_blocking_cloud, "app") == 1
    log.logger.warning("from the store, other value, given value")
    skykeep_blocking_cloud.secrets.put("app/db/password", "rotated")
    assert mask.refresh_blocking(skykeep_blocking_cloud) == 2
    log.logger.warning("from the store, rotated, other value, given value")
    assert log.text == "***, other value, ***\nfrom the store, ***, ***, ***\n"
    skykeep_memory.fail_next(Unavailable("down"), times=100)
    with pytest.raises(Unavailable):
        mask.refresh_blocking(skykeep_blocking_cloud)
    log.logger.warning("rotated")
    assert log.text.endswith("\n***\n")


@pytest.mark.asyncio
async def test_values_come_from_a_prefix_with_an_event_loop(skykeep_cloud: Cloud) -> None:
    await skykeep_cloud.secrets.put("app/db/password", "from the store")
    mask = MaskSecrets()
    log = Log(mask)
    log.logger.warning("from the store")
    assert await mask.refresh(skykeep_cloud, "app") == 1
    log.logger.warning("from the store")
    assert log.text == "from the store\n***\n"


@pytest.fixture
def configured() -> Iterator[logging.Logger]:
    """A logger whose handler got its filter from a configuration."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"mask": {"()": MaskSecrets, "values": [CANARY], "mask": "#"}},
            "handlers": {
                "kept": {"class": "logging.StreamHandler", "filters": ["mask"]},
            },
            "loggers": {"skykeep-test": {"handlers": ["kept"], "propagate": False}},
        }
    )
    logger = logging.getLogger("skykeep-test")
    yield logger
    logger.handlers[:] = []
    logger.propagate = True


def test_it_can_be_configured(configured: logging.Logger) -> None:
    handler = configured.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream := io.StringIO())
    configured.warning("is %s", CANARY)
    assert stream.getvalue() == "is #\n"


def test_many_threads_log_while_values_change() -> None:
    mask = MaskSecrets([CANARY])
    log = Log(mask)

    def change() -> None:
        for number in range(50):
            mask.know([f"value number {number}"])

    def write() -> None:
        for _ in range(200):
            log.logger.warning("is %s", CANARY)

    threads = [threading.Thread(target=run) for run in (change, write, write, write, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.text == "is ***\n" * 800
