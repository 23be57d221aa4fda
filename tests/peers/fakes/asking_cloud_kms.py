"""Requests to the fake of Cloud KMS, and what it says when it refuses."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.api_core import exceptions

from tests.peers.google import CloudKms


@contextmanager
def refused(status: str, words: str = "") -> Iterator[None]:
    """Over REST, Google's client makes its exceptions of the HTTP status alone."""
    with pytest.raises(exceptions.GoogleAPICallError) as caught:
        yield
    said = caught.value.response.json()["error"]
    assert said["status"] == status
    assert words in said["message"]


def sent(
    fake: CloudKms, method: str, name: str, body: str = "", headers: Mapping[str, str] = {}
) -> tuple[int, Any]:
    """A request as it is: the HTTP status, and the error in the answer."""
    parts = urlsplit(fake.keys)
    assert parts.hostname is not None
    with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)) as made:
        made.request(method, f"/v1/{name}", body or None, headers)
        reply = made.getresponse()
        return reply.status, json.loads(reply.read())["error"]
