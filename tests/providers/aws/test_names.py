"""Names, tags, stages, settings: what is kept as it is, and what is refused before any call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import Invalid, Unsupported
from skykeep.interfaces.secret_driver import Attributes
from skykeep.providers.aws import stages
from skykeep.providers.aws.names import ManagerNames, ParameterNames
from skykeep.providers.aws.tags import EXPIRES, Tags
from tests.providers.aws.opening import settings

SEGMENT = st.from_regex(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,12}", fullmatch=True)
NAMES = st.lists(SEGMENT, min_size=1, max_size=8).map("/".join)
PREFIXES = st.sampled_from(["", "team/", "team/app-", "a", "x.y_z/"])
KINDS = pytest.mark.parametrize("kind", [ManagerNames, ParameterNames])


@KINDS
@given(prefix=PREFIXES, one=NAMES, other=NAMES)
def test_names_come_back_and_never_meet(kind: Any, prefix: str, one: str, other: str) -> None:
    names = kind(f"p{prefix}")
    assert names.portable(names.stored(one)) == one
    assert (names.stored(one) == names.stored(other)) == (one == other)


@KINDS
@pytest.mark.parametrize("stored", ["elsewhere/x", "team/", "team/a//b", "team/a b", "team/.."])
def test_a_foreign_name_is_native(kind: Any, stored: str) -> None:
    stored = f"/{stored}" if kind is ParameterNames else stored
    assert kind("team/").portable(stored) == f"native:{stored}"


@KINDS
def test_a_name_that_looks_native_is_not_taken_for_one(kind: Any) -> None:
    stored = "/team/native:x" if kind is ParameterNames else "team/native:x"
    assert kind("team/").portable(stored) == f"native:{stored}"


def test_what_the_stores_do_not_take() -> None:
    for name in ("native:a b", "native:ü", "native:" + "x" * 513):
        with pytest.raises(Invalid):
            ManagerNames("").stored(name)
    with pytest.raises(Invalid, match="512"):
        ManagerNames("p" * 300).stored("n" * 255)
    for name in ("aws/x", "AWSx", "ssm", "native:/aws/x", "native:a b", "native:/a//b"):
        with pytest.raises(Invalid):
            ParameterNames("").stored(name)
    assert ParameterNames("team/").stored("aws/x") == "/team/aws/x"
    assert ParameterNames("").stored("a/" * 14 + "a").count("/") == 15
    with pytest.raises(Invalid, match="15 levels"):
        ParameterNames("").stored("a/" * 15 + "a")
    with pytest.raises(Invalid, match="characters"):
        ParameterNames("p" * 800).stored("n" * 200)
    assert ManagerNames("team/").stored("native:rds!cluster-1") == "rds!cluster-1"
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf"
    assert ManagerNames("team/").stored(f"native:{arn}") == arn


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True))
def test_stages_come_back(stage: str) -> None:
    if stage == stages.WRITING:
        return
    assert stages.ours([stages.native(stages.same(stage))]) == (stages.same(stage),)


def test_stages_that_are_not_for_applications() -> None:
    with pytest.raises(Invalid):
        stages.native("skykeep-writing")
    assert stages.ours(["AWSCURRENT", "current", "skykeep-writing", "x"]) == ("current", "x")
    assert stages.ours(None) == ()


@pytest.mark.parametrize(
    "tags",
    [
        {"aws:x": "y"},
        {"skykeep:x": "y"},
        {"a": "new\nline"},
        {"a!": "b"},
        {"a": "<b>"},
        {f"k{number}": "v" for number in range(50)},
    ],
)
def test_tags_that_aws_does_not_take(tags: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        Tags("AWS").check(Attributes(tags=tags))


def test_tags_that_aws_takes() -> None:
    Tags("AWS").check(Attributes(tags={"é ü_.:/=+-@1": "", "密码": "ok"}))
    Tags("AWS").check(Attributes(tags={f"k{number}": "v" for number in range(49)}))
    Tags("AWS").check(Attributes(metadata={}))
    with pytest.raises(Unsupported, match="metadata"):
        Tags("AWS").check(Attributes(metadata={"a": "b"}))


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=5, minutes=45)))))
def test_an_expiry_comes_back(at: datetime) -> None:
    try:
        at.astimezone(UTC)
    except OverflowError:
        return
    kept = Tags("AWS").of_new(Attributes(expires_at=at))
    assert Tags.expiry(kept) == at
    Tags("AWS").check(Attributes(tags={"v": kept[EXPIRES]}))


@pytest.mark.parametrize("text", ["", "soon", "2031-01-01", "2031-01-01T00:00:00"])
def test_an_expiry_that_others_wrote_is_none(text: str) -> None:
    assert Tags.expiry({EXPIRES: text}) is None


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"external_id": "x"}, "role_arn"),
        ({"session_name": "x"}, "role_arn"),
        ({"region": "us-east-1.evil.example/"}, "region"),
        ({"region": "useast1"}, "region"),
        ({"replica_regions": ["eu west"]}, "region"),
        ({"replica_regions": ["us-east-1"]}, "other regions"),
        ({"service": "ssm", "replica_regions": ["eu-west-1"]}, "Parameter Store"),
        ({"service": "s3"}, "Invalid enum value"),
        ({"recovery_days": 6}, ">= 7"),
        ({"recovery_days": 31}, "<= 30"),
        ({"secret_prefix": "*"}, "secret_prefix"),
        ({"recovery": 7}, "unknown field"),
        ({"tier": "cheap"}, "Invalid enum value"),
    ],
)
def test_settings_that_are_wrong(keys: dict[str, Any], word: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=word):
        settings(**keys)


def test_settings_that_are_right() -> None:
    for region in ("us-gov-west-1", "cn-north-1", "ap-southeast-7", "us-isob-east-1", None):
        assert settings(region=region).region == region
    made = settings(role_arn="arn:aws:iam::1:role/x", external_id="x", recovery_days=7)
    assert (made.service, made.recovery_days) == ("secretsmanager", 7)
