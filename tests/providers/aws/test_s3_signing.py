"""Our signatures of S3's requests and URLs are botocore's, byte for byte."""

from __future__ import annotations

import datetime as dt
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import Invalid
from skykeep.interfaces.object_keys import check_key
from skykeep.providers.aws.credentials import Keys
from skykeep.providers.aws.s3.client import path_of
from skykeep.providers.aws.s3.signing import EMPTY, UNSIGNED, S3Signer, query_of

HOST = "bucket.s3.eu-west-1.amazonaws.com"
REGION = "eu-west-1"
MOMENT = dt.datetime(2026, 3, 1, 23, 59, 59, tzinfo=dt.UTC)
STAMP = "20260301T235959Z"


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What botocore signs for: now is ``MOMENT``."""
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: MOMENT
    )


def is_key(text: str) -> bool:
    try:
        check_key(text)
    except Invalid:
        return False
    return True


printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
keys = st.text(min_size=1, max_size=40).filter(is_key)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=10)
metadata = st.dictionaries(names.map(lambda name: f"x-amz-meta-{name}"), printable, max_size=4)


def text(encodable: str) -> bool:
    try:
        encodable.encode()
    except UnicodeEncodeError:
        return False
    return True


@given(
    method=st.sampled_from(["GET", "PUT", "HEAD", "DELETE", "POST"]),
    key=keys,
    query=st.dictionaries(names, st.text(max_size=20).filter(text), max_size=4),
    headers=metadata,
    digest=st.sampled_from([EMPTY, UNSIGNED]),
    token=st.none() | st.just("session//token=="),
)
def test_a_signature_is_that_of_botocore(  # noqa: PLR0917  (what a signature is made of)
    method: str,
    key: str,
    query: dict[str, str],
    headers: dict[str, str],
    digest: str,
    token: str | None,
) -> None:
    path, text = path_of(key), query_of(query)
    given_headers = {**headers, "x-amz-content-sha256": digest}
    ours = S3Signer(REGION, HOST).signed(
        method, path, text, given_headers, keys=Keys("AKID", "secret", token), stamp=STAMP
    )
    url = f"https://{HOST}{path}" + (f"?{text}" if text else "")
    request = AWSRequest(method=method, url=url, headers=dict(headers))
    # What it would compute of the body is said beforehand.
    signer = botocore.auth.S3SigV4Auth(Credentials("AKID", "secret", token), "s3", REGION)
    payload: Any = lambda request: digest  # noqa: E731  (a method is replaced)
    signer.payload = payload
    signer.add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"]


def test_a_query_is_in_the_order_of_its_names() -> None:
    assert query_of({"0": "", "00": "", "-": "x y"}) == "-=x%20y&0=&00="


@given(
    method=st.sampled_from(["GET", "PUT"]),
    key=keys,
    seconds=st.integers(1, 604_800),
    token=st.none() | st.just("session//token=="),
)
def test_a_url_is_that_of_botocore(
    method: str, key: str, seconds: int, token: str | None
) -> None:
    path = path_of(key)
    ours = S3Signer(REGION, HOST).presigned(
        method, path, Keys("AKID", "secret", token), STAMP, seconds
    )
    request = AWSRequest(method=method, url=f"https://{HOST}{path}")
    botocore.auth.S3SigV4QueryAuth(
        Credentials("AKID", "secret", token), "s3", REGION, expires=seconds
    ).add_auth(request)
    theirs = request.url.partition("?")[2]
    assert sorted(ours.split("&")) == sorted(theirs.split("&"))
