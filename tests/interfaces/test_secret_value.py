"""A value shows nothing of itself until it is asked by name."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import Invalid
from skykeep.interfaces.secret_driver import Secret
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue

CANARY = "canary-7f3a"


@given(st.binary(max_size=200))
def test_bytes_come_back_as_they_were(data: bytes) -> None:
    assert SecretValue(data).reveal() == data
    assert SecretValue(bytearray(data)).reveal() == data
    assert SecretValue(memoryview(data)).reveal() == data
    assert SecretValue(SecretValue(data)).reveal() == data
    assert SecretValue(data).size == len(data)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_text_is_utf8(text: str) -> None:
    assert SecretValue(text).text() == text
    assert SecretValue(text).reveal() == text.encode()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_json(data: object) -> None:
    assert SecretValue(json.dumps(data)).json() == data


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{:>40}".format,
        "{!r}".format,
        lambda value: f"{value}",
        lambda value: "%s" % value,  # noqa: UP031  (one of the ways that people do it)
        lambda value: repr([value]),
        lambda value: repr(Secret("n", value, "1", datetime.now(UTC))),
        lambda value: repr(dataclasses.asdict(Secret("n", value, "1", datetime.now(UTC)))),
        lambda value: repr(dir(value)),
    ],
)
def test_nothing_shows(show: Callable[[Any], str]) -> None:
    shown = show(SecretValue(CANARY))
    assert CANARY not in shown
    assert "SecretValue(11 bytes)" in shown or "reveal" in shown


def test_logs_and_tracebacks_show_nothing(caplog: pytest.LogCaptureFixture) -> None:
    value = SecretValue(CANARY)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("app").debug("got %s and %r", value, value)
    try:
        raise RuntimeError(value)
    except RuntimeError as error:
        told = "".join(traceback.TracebackException.from_exception(error).format())
        local = {"value": value}
        assert CANARY not in told + repr(local)
    assert CANARY not in caplog.text


def test_it_cannot_be_pickled_dumped_or_looked_into() -> None:
    value = SecretValue(CANARY)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(value, protocol)
    with pytest.raises(TypeError) as caught:
        json.dumps({"value": value})
    assert CANARY not in str(caught.value)
    with pytest.raises(TypeError):
        vars(value)


def test_it_does_not_change() -> None:
    value = SecretValue(CANARY)
    for name in ("_SecretValue__data", "data"):
        with pytest.raises(AttributeError, match="does not change"):
            setattr(value, name, b"other")
    assert copy.copy(value) is value
    assert copy.deepcopy(value) is value
    source = bytearray(b"before")
    kept = SecretValue(source)
    source[:] = b"after!"
    assert kept.reveal() == b"before"


def test_equality_is_of_bytes_and_with_values_only() -> None:
    assert SecretValue("a") == SecretValue(b"a")
    assert SecretValue("a") != SecretValue("b")
    assert SecretValue("a") != "a"
    with pytest.raises(TypeError):
        hash(SecretValue("a"))


@pytest.mark.parametrize("wrong", [None, 7, 1.5, ["a"], {"a": 1}, object()])
def test_other_types_are_refused(wrong: Any) -> None:
    with pytest.raises(Invalid, match="bytes or text"):
        SecretValue(wrong)


def test_the_limit_is_64_mib() -> None:
    assert SecretValue(bytes(MAX_VALUE_BYTES)).size == 64 * 1024 * 1024
    with pytest.raises(Invalid, match=r"67,108,865 bytes; at most 67,108,864"):
        SecretValue(bytes(MAX_VALUE_BYTES + 1))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: SecretValue(CANARY.encode() + b"\xff").text(), "not UTF-8"),
        (lambda: SecretValue(CANARY + "{").json(), "not JSON"),
        (lambda: SecretValue(CANARY.encode() + b"\xff").json(), "not JSON"),
        (lambda: SecretValue("[" * 100_000).json(), "not JSON"),
        (lambda: SecretValue(CANARY + "\ud800"), "no UTF-8 form"),
    ],
)
def test_errors_do_not_hold_the_value(make: Callable[[], object], match: str) -> None:
    with pytest.raises(Invalid, match=match) as caught:
        make()
    error: BaseException | None = caught.value
    seen = 0
    while error is not None:
        assert CANARY not in repr(error) + str(error) + repr(vars(error))
        seen += 1
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert seen == 1
