"""Our signatures are those of azure-storage-blob, byte for byte."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob import UserDelegationKey, _shared_access_signature
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import Invalid
from skykeep.interfaces.object_keys import check_key
from skykeep.providers.azure.blob.client import API_VERSION, path_of
from skykeep.providers.azure.blob.names import stored
from skykeep.providers.azure.blob.signing import (
    DelegationKey,
    Grant,
    query_of,
    signature,
    text_to_sign,
)

ACCOUNT = "someaccount"
KEY = b"not a secret: tests only, opens nothing"
EXPIRY = "2026-03-01T23:59:59Z"


def is_key(text: str) -> bool:
    try:
        check_key(text)
    except Invalid:
        return False
    return True


keys = st.text(min_size=1, max_size=40).filter(is_key)
names = st.from_regex(r"[a-z0-9_-]*[a-z0-9][a-z0-9_-]*", fullmatch=True)
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
FIXED = {
    "x-ms-version": API_VERSION,
    "x-ms-date": "Sun, 01 Mar 2026 23:59:59 GMT",
    "x-ms-client-request-id": "b5b9a3c4-0000-4000-8000-000000000001",
    "x-ms-blob-type": "BlockBlob",
    "x-ms-blob-content-type": "text/plain",
    "x-ms-access-tier": "Cool",
    "x-ms-copy-source": "https://a.blob.core.windows.net/b/c?sv=1&sig=x%2Fy",
    "x-ms-range": "bytes=0-9",
    "x-ms-tags": "a=b",
    "x-ms-encryption-scope": "scope",
    "x-ms-requires-sync": "true",
    "x-ms-source-if-match": '"0x8D"',
}


@given(
    method=st.sampled_from(["GET", "PUT", "HEAD", "DELETE", "POST"]),
    key=keys,
    query=st.dictionaries(
        st.sampled_from(["comp", "restype", "blockid", "prefix", "marker", "maxresults"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        max_size=4,
    ),
    metadata=st.dictionaries(names, printable, max_size=5),
    others=st.sets(st.sampled_from(sorted(FIXED))),
    length=st.integers(0, 10_000),
    match=st.booleans(),
)
def test_a_signature_is_that_of_the_client(  # noqa: PLR0917  (what a signature is made of)
    method: str,
    key: str,
    query: dict[str, str],
    metadata: dict[str, str],
    others: set[str],
    length: int,
    match: bool,
) -> None:
    headers = {name: FIXED[name] for name in others}
    headers |= {f"x-ms-meta-{stored(name)}": value for name, value in metadata.items()}
    headers |= {"content-md5": "abc=="} | ({"if-match": '"0x8D"'} if match else {})
    path = path_of("container", key)
    ours = text_to_sign(method, path, query, headers, account=ACCOUNT, length=length)
    # An empty value is left out by the client, and then neither sent nor signed.
    sent = {name: value for name, value in headers.items() if value}
    sent = dict(headers) | {"content-length": str(length)}
    request = HttpRequest(method, f"https://host{path}", headers=sent)
    request.url += "?" + "&".join(
        f"{name}={quote(value, safe='')}" for name, value in query.items()
    )
    asked: Any = PipelineRequest(request, PipelineContext(None))
    encoded = base64.b64encode(KEY).decode()
    policy: Any = SharedKeyCredentialPolicy
    policy(ACCOUNT, encoded).on_request(asked)
    theirs = request.headers["Authorization"]
    assert f"SharedKey {ACCOUNT}:{signature(KEY, ours)}" == theirs


@given(
    key=keys,
    permissions=st.sampled_from(["r", "cw"]),
    protocol=st.sampled_from(["https", "https,http"]),
    scope=st.sampled_from(["", "scope"]),
)
def test_a_url_by_the_key_is_that_of_the_client(
    key: str, permissions: str, protocol: str, scope: str
) -> None:
    grant = Grant(f"/{ACCOUNT}/c/{key}", permissions, EXPIRY, API_VERSION, protocol, scope)
    ours = query_of(grant.query(KEY))
    helper = _shared_access_signature.BlobSharedAccessSignature(
        ACCOUNT, base64.b64encode(KEY).decode()
    )
    helper.x_ms_version = API_VERSION
    theirs = helper.generate_blob(
        "c",
        key,
        permission=permissions,
        expiry=datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC),
        protocol=protocol,
        encryption_scope=scope or None,
    )
    assert parse_qs(ours) == parse_qs(theirs)


def test_a_url_by_a_delegation_is_that_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    made: Any = UserDelegationKey
    delegation = made()
    delegation.signed_oid, delegation.signed_tid = "oid", "tid"
    delegation.signed_start, delegation.signed_expiry = "2026-03-01T00:00:00Z", EXPIRY
    delegation.signed_service, delegation.signed_version = "b", API_VERSION
    delegation.signed_delegated_user_tid = None
    delegation.value = base64.b64encode(KEY).decode()
    fields = {
        "skoid": "oid",
        "sktid": "tid",
        "skt": "2026-03-01T00:00:00Z",
        "ske": EXPIRY,
        "sks": "b",
        "skv": API_VERSION,
    }
    grant = Grant(f"/{ACCOUNT}/c/a/b", "r", EXPIRY, API_VERSION, "https")
    ours = grant.query(DelegationKey(fields, 0.0, KEY))
    signed: list[str] = []

    def sign(key: str, text: str) -> str:
        signed.append(text)
        return "x"

    monkeypatch.setattr(_shared_access_signature, "sign_string", sign)
    helper = _shared_access_signature.BlobSharedAccessSignature(
        ACCOUNT, user_delegation_key=delegation
    )
    helper.x_ms_version = API_VERSION
    theirs = helper.generate_blob(
        "c",
        "a/b",
        permission="r",
        expiry=datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC),
        protocol="https",
    )
    # The client speaks a newer version, which has four more lines: two behind the key's fields
    # and two before those of the answer.
    lines = signed[0].split("\n")
    assert lines[13:15] == lines[21:23] == ["", ""]
    text = "\n".join(lines[:13] + lines[15:21] + lines[23:])
    assert ours.pop("sig") == signature(KEY, text)
    known = {name: values[0] for name, values in parse_qs(theirs).items()}
    known.pop("sig")
    assert ours == known


def test_another_key_signs_otherwise() -> None:
    assert signature(KEY, "text") != signature(KEY[::-1], "text")
    assert signature(KEY, "text") != signature(KEY, "texts")
