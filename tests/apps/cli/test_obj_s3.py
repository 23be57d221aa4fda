"""``skykeep obj`` over S3, with boto3 as the judge."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.apps.cli.harness import Cli
from tests.apps.cli.obj_home import LARGE, names
from tests.peers.s3 import S3
from tests.providers.aws.opening_s3 import ENVIRON


class Bucket:
    """What the judge sees of it; ``prefix`` is put before our keys."""

    def __init__(self, client: Any, name: str, prefix: str) -> None:
        self.client = client
        self.name = name
        self.prefix = prefix

    def body(self, key: str) -> bytes:
        found = self.client.get_object(Bucket=self.name, Key=self.prefix + key)
        data: bytes = found["Body"].read()
        return data

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=self.prefix + key, Body=body)

    def uploads(self) -> int:
        found = self.client.list_multipart_uploads(Bucket=self.name, Prefix=self.prefix)
        return len(found.get("Uploads", ()))


@pytest.fixture
def bucket(bare: Cli, seaweedfs_s3: S3) -> Iterator[Bucket]:
    """An environment ``s3``, beside ``here`` in a directory."""
    name, prefix = seaweedfs_s3.shared_bucket(), f"cli/{secrets.token_hex(8)}/"
    for variable, text in ENVIRON.items():
        bare.patch.setenv(variable, text)
    bare.patch.setenv("SKYKEEP_ENV", "s3")
    bare.configure(
        f"""
here: {{primary: {{backend: local}}}}
s3:
  primary:
    backend: aws
    region: us-east-1
    bucket: {name}
    objects_prefix: {prefix}
    objects_endpoint: {seaweedfs_s3.address}
"""
    )
    with closing(seaweedfs_s3.client()) as client:
        yield Bucket(client, name, prefix)


@pytest.mark.parametrize("size", [0, 5, LARGE])
def test_every_byte_comes_back(bare: Cli, bucket: Bucket, size: int) -> None:
    body = os.urandom(size)
    Path("body").write_bytes(body)
    bare("obj", "cp", "body", ":a/b", "--metadata", "k=v")
    assert bucket.body("a/b") == body
    bare("obj", "cp", ":a/b", "back")
    assert Path("back").read_bytes() == body
    assert bare("obj", "cat", "a/b").out == body
    bare("obj", "cp", "-", ":c", stdin=body)
    assert bucket.body("c") == body
    found = bare("obj", "stat", "a/b", "--output", "json").json
    assert found["metadata"] == {"k": "v", "sha256": hashlib.sha256(body).hexdigest()}
    if size:
        assert bare("obj", "cat", "a/b", "--range", "1-3").out == body[1:4]
    bare("obj", "cp", "body", ":a/b", "-n", code=14)
    assert bucket.uploads() == 0
    assert names() == ["back", "body"]


def test_sync_knows_what_is_the_same(bare: Cli, bucket: Bucket) -> None:
    for name in ("d/a", "d/sub/b", "d/sub.b"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    bucket.put("x/theirs", b"foreign")
    assert "3 copied" in bare("obj", "sync", "d", ":x").err
    assert "3 the same" in bare("obj", "sync", "d", ":x").err
    Path("d/a").write_text("D/a")
    assert "1 copied" in bare("obj", "sync", "d", ":x").err
    assert bucket.body("x/a") == b"D/a"
    assert "4 copied" in bare("obj", "sync", ":x", "back").err
    assert "4 the same" in bare("obj", "sync", ":x", "back").err
    bare("obj", "sync", ":x", ":y")
    assert "4 the same" in bare("obj", "sync", ":x", ":y").err
    assert ":x/theirs: removed" in bare("obj", "sync", "d", ":x", "--delete", "--yes").text
    bare("obj", "rm", "-r", "x", "y", "--yes")
    assert bare("obj", "ls", "-r").text == ""


def test_between_a_directory_and_the_cloud(bare: Cli, bucket: Bucket) -> None:
    body = os.urandom(LARGE)
    Path("body").write_bytes(body)
    here = ("--env", "here", "obj")
    bare(*here, "cp", "body", ":a", "--content-type", "text/x-test", "--metadata", "k=v")
    bare(*here, "cp", ":a", ":b", "--to-env", "s3")
    assert bucket.body("b") == body
    assert "1 copied" in bare(*here, "sync", ":", ":m", "--to-env", "s3").err
    assert "1 the same" in bare(*here, "sync", ":", ":m", "--to-env", "s3").err
    bare("obj", "cp", ":b", ":back", "--to-env", "here")
    found = bare(*here, "stat", "back", "--output", "json").json
    assert (found["content_type"], found["metadata"]["k"]) == ("text/x-test", "v")
    assert (bare.home / "objects/back").read_bytes() == body


def test_urls_that_anybody_may_use(bare: Cli, bucket: Bucket) -> None:
    url = bare("obj", "presign", "a b", "--method", "PUT", "--expires", "5m").text.strip()
    assert url.startswith("http://127.0.0.1:")
    with urlopen(Request(url, b"by a partner", method="PUT")) as answer:  # noqa: S310  (http)
        assert answer.status == 200
    assert bucket.body("a b") == b"by a partner"
    ended = bare("obj", "presign", "a b", terminal=True)
    assert "whoever sees this URL may read the object until" in ended.err
    with urlopen(ended.text.strip()) as answer:  # noqa: S310  (as above)
        assert answer.read() == b"by a partner"
    bare("obj", "presign", "a b", "--expires", "8d", code=13)


def test_gc_ends_what_others_left(bare: Cli, bucket: Bucket) -> None:
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key=f"{bucket.prefix}a")
    assert bare("obj", "gc").text == "0 uploads ended\n"
    assert bare("obj", "gc", "--older-than", "0s").text == "1 upload ended\n"
    assert bucket.uploads() == 0
