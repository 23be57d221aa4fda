"""The shapes of Vault's answers, as far as they are used here.

An answer of another shape is not Vault's, or not of the engine that is meant, and is told
from one by ``Session``. Fields: openbao ``website/content/api-docs/secret/kv/kv-v2.mdx``,
``auth/token.mdx``, ``system/capabilities-self.mdx``. Structures that hold values or tokens
show nothing of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


class About(msgspec.Struct):
    """What stands beside a value of KV 2.

    Attributes:
        deletion_time: when it was or will be deleted, RFC 3339; ``""`` for neither.
    """

    version: int
    created_time: datetime
    deletion_time: str = ""
    destroyed: bool = False
    custom_metadata: dict[str, str] | None = None


class Held(msgspec.Struct):
    """A version of KV 2; ``data`` is None if it was deleted or destroyed."""

    metadata: About
    data: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Held(version {self.metadata.version})"


class Read(msgspec.Struct):
    """A read of KV 2, with status 200, and with 404 for a version without a value."""

    data: Held


class Plain(msgspec.Struct):
    """A read of KV 1: the fields."""

    data: dict[str, Any]

    def __repr__(self) -> str:
        return "Plain()"


class NewVersion(msgspec.Struct):
    """What a write of KV 2 made."""

    version: int


class Wrote(msgspec.Struct):
    """A write of KV 2."""

    data: NewVersion


class Keys(msgspec.Struct):
    """The names in a directory, directories with a closing slash."""

    keys: list[str]


class Listed(msgspec.Struct):
    """A list."""

    data: Keys


class Numbered(msgspec.Struct):
    """One version in what is known of an entry."""

    created_time: datetime
    deletion_time: str = ""
    destroyed: bool = False


class Known(msgspec.Struct):
    """What KV 2 knows of an entry besides values; ``current_version`` 0 is none yet."""

    current_version: int
    created_time: datetime
    updated_time: datetime
    versions: dict[str, Numbered]
    custom_metadata: dict[str, str] | None = None


class Metadata(msgspec.Struct):
    """A read of KV 2's metadata."""

    data: Known


class Mount(msgspec.Struct):
    """What the server says of a mount."""

    type: str
    options: Mapping[str, str] | None = None


class Mounted(msgspec.Struct):
    """``sys/internal/ui/mounts``."""

    data: Mount


class TokenAbout(msgspec.Struct):
    """What the server says of a token; ``ttl`` in seconds, 0 is for ever."""

    display_name: str = ""
    path: str = ""
    policies: list[str] = []
    identity_policies: list[str] | None = None
    entity_id: str = ""
    type: str = ""
    ttl: float = 0.0
    renewable: bool = False
    num_uses: int = 0


class Lookup(msgspec.Struct):
    """``auth/token/lookup-self``."""

    data: TokenAbout


class Capabilities(msgspec.Struct):
    """``sys/capabilities-self``: path -> what may be done."""

    data: dict[str, Any]


class Auth(msgspec.Struct):
    """What a login or a renewal gives; ``lease_duration`` in seconds, 0 is for ever."""

    client_token: str
    lease_duration: float = 0.0
    renewable: bool = False

    def __repr__(self) -> str:
        return "Auth()"


class Granted(msgspec.Struct):
    """A login or a renewal."""

    auth: Auth


class WrappedAbout(msgspec.Struct):
    """``sys/wrapping/lookup``."""

    creation_path: str


class Wrapping(msgspec.Struct):
    """``sys/wrapping/lookup``."""

    data: WrappedAbout


class SecretId(msgspec.Struct):
    """What an AppRole's wrapped secret id is wrapped as."""

    secret_id: str

    def __repr__(self) -> str:
        return "SecretId()"


class Unwrapped(msgspec.Struct):
    """``sys/wrapping/unwrap`` of a secret id."""

    data: SecretId
