"""Opens the bucket that the settings name."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from skykeep.errors import ConfigError
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.aws.endpoints import S3, address, named_address
from skykeep.providers.aws.s3.bucket import MAX_PART
from skykeep.providers.aws.s3.client import Bucket
from skykeep.providers.aws.s3.writing import S3Objects
from skykeep.providers.aws.session import Session
from skykeep.providers.aws.settings import AwsSettings
from skykeep.providers.wire import Wire, WireOptions

EXCHANGE_SECONDS = 300.0
"""For a call without a deadline: a part may be of many megabytes, and the way to S3 long."""


async def open_objects(settings: AwsSettings, context: OpenContext) -> S3Objects:
    """The driver of a configured target. Asks nobody: the first call finds credentials.

    Raises ``ConfigError`` (bucket, region, endpoint, TLS), ``MissingExtra``.
    """
    if settings.bucket is None:
        raise ConfigError(
            "this AWS target keeps no objects: it names no bucket",
            hint="set bucket to the name of one in S3",
        )
    session = await Session.of(settings, context)
    options = replace(
        WireOptions.of(settings),
        exchange_timeout=EXCHANGE_SECONDS,
        max_reply_bytes=MAX_PART,
        decompress=False,
    )
    wire = Wire(
        bucket_address(session),
        options=options,
        environ=session.environ,
        extra="aws",
        name=session.target,
    )
    return S3Objects(settings, Bucket(wire, session.region, session.credentials))


def bucket_address(session: Session) -> str:
    """Where the bucket is: by a host's name of its own, or by a path ("Virtual hosting of
    buckets", Amazon S3 User Guide)."""
    settings = session.settings
    bucket = settings.bucket or ""
    endpoint = address(S3, session.region, settings, session.environ)
    by_path = settings.path_style
    if by_path is None:
        # A certificate for *.s3.REGION.amazonaws.com does not cover a.b.s3.…
        named = named_address(S3, settings, session.environ)
        by_path = named is not None or "." in bucket
    if by_path:
        return f"{endpoint.rstrip('/')}/{bucket}"
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(netloc=f"{bucket}.{parts.netloc}"))
