"""Drivers of S3 on a server that runs here, for tests."""

from __future__ import annotations

from typing import Any

from skykeep.providers.aws.s3.opening import open_objects
from skykeep.providers.aws.s3.writing import S3Objects
from tests.peers.s3 import ACCESS_KEY, S3, SECRET_KEY
from tests.providers.aws.opening import context, settings

ENVIRON = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


async def opened(server: S3 | str, bucket: str, **keys: Any) -> S3Objects:
    """A driver that talks to the server, or to a server at the address."""
    address = server if isinstance(server, str) else server.address
    environ = keys.pop("environ", ENVIRON)
    given = settings(bucket=bucket, objects_endpoint=address, **keys)
    return await open_objects(given, context(environ))
