"""Which capabilities our operations need on which paths, and the smallest policy with them.

What a call needs: openbao ``website/content/docs/concepts/policies.mdx``, "Capabilities", and
``docs/secrets/kv/kv-v2.mdx``, "ACL rules". Policies are tried on a real server by tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from skykeep.providers.vault.names import check_mount

EXAMPLE: Final = "skykeep-example"
"""A name under the prefix that stands for them all: nothing is done to it."""


@dataclass(frozen=True, slots=True)
class Need:
    """A capability on one part of the engine, and our operations that need it.

    Attributes:
        part: ``data``, ``metadata``, ``undelete``; ``""`` for KV 1, which has no parts.
        capability: as Vault names it.
        operations: ours.
        writes: it belongs to those that change the store.
        directory: it is needed on the directory, not on the secret.
    """

    part: str
    capability: str
    operations: tuple[str, ...]
    writes: bool = False
    directory: bool = False


_CHANGES = ("secrets.update", "secrets.put")

KV2: Final = (
    Need("data", "read", ("secrets.get", *_CHANGES)),
    Need("data", "create", ("secrets.create", "secrets.put"), writes=True),
    Need("data", "update", _CHANGES, writes=True),
    Need("data", "delete", ("secrets.delete",), writes=True),
    Need(
        "metadata",
        "read",
        (
            "secrets.describe",
            "secrets.versions",
            "secrets.list",
            "secrets.annotate",
            "secrets.delete",
            "secrets.restore",
            "secrets.purge",
        ),
    ),
    Need("metadata", "list", ("secrets.list",), directory=True),
    Need("metadata", "update", ("secrets.annotate", "secrets.create", *_CHANGES), writes=True),
    Need("metadata", "patch", ("secrets.create", *_CHANGES), writes=True),
    Need("metadata", "delete", ("secrets.purge",), writes=True),
    Need("undelete", "update", ("secrets.restore",), writes=True),
)
KV1: Final = (
    Need("", "read", ("secrets.get", "secrets.describe", "secrets.annotate", *_CHANGES)),
    Need("", "list", ("secrets.list",), directory=True),
    Need("", "create", ("secrets.create", "secrets.put"), writes=True),
    Need("", "update", _CHANGES, writes=True),
    Need("", "delete", ("secrets.delete", "secrets.purge"), writes=True),
)
NEVER: Final = (
    "auth/token/create",
    f"sys/auth/{EXAMPLE}",
    f"sys/mounts/{EXAMPLE}",
    f"sys/policies/acl/{EXAMPLE}",
)
"""Paths on which no operation of ours needs anything, and much can be done."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the secrets of a target are.

    Attributes:
        mount: of the engine.
        prefix: put before every name.
        version: of the engine, 1 or 2.
    """

    mount: str
    prefix: str
    version: int

    @property
    def needs(self) -> tuple[Need, ...]:
        """What our operations need here."""
        return KV2 if self.version == 2 else KV1

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the engine in which a token can do something."""
        return (
            ("data", "metadata", "undelete", "delete", "destroy")
            if self.version == 2
            else ("",)
        )

    def path(self, part: str, name: str) -> str:
        """A path in a part."""
        return (
            "/".join(piece for piece in (check_mount(self.mount), part) if piece) + f"/{name}"
        )

    def example(self, need: Need) -> str:
        """A path that a need can be asked about."""
        return self.path(
            need.part, self._directory if need.directory else self.prefix + EXAMPLE
        )

    @property
    def _directory(self) -> str:
        """The directory in which listings begin; with its slash, if it is not the mount."""
        return self.prefix[: self.prefix.rfind("/") + 1]

    def rules(self, *, read_only: bool) -> Iterator[tuple[str, list[str]]]:
        """Path and capabilities; a closing ``*`` is any ending, an empty one too."""
        for part in dict.fromkeys(need.part for need in self.needs):
            needs = [
                need
                for need in self.needs
                if need.part == part and not (read_only and need.writes)
            ]
            if needs:
                under = sorted({need.capability for need in needs})
                yield self.path(part, f"{self.prefix}*"), under
            if not self.prefix.endswith("/") and self.prefix:
                # Only part of a segment: the directory has names of others too.
                listed = [need.capability for need in needs if need.directory]
                if listed:
                    yield self.path(part, self._directory), listed


def document(scope: Scope, *, read_only: bool) -> str:
    """The smallest policy, in HCL."""
    blocks = [
        f"path {json.dumps(path, ensure_ascii=False)} {{\n"
        f"  capabilities = {json.dumps(capabilities)}\n}}\n"
        for path, capabilities in scope.rules(read_only=read_only)
    ]
    return "\n".join(blocks)
