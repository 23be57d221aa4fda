"""hvac, the usual client, as the judge of what skykeep wrote."""

from __future__ import annotations

from typing import Any

from tests.peers.clients import vault_client
from tests.peers.openbao import OpenBao


class Judge:
    """hvac on one mount; KV 1 and KV 2 look alike."""

    def __init__(self, server: OpenBao, version: int, mount: str) -> None:
        client: Any = vault_client(server)
        self.close = client.adapter.close
        self.version = version
        self.kv: Any = client.secrets.kv.v1 if version == 1 else client.secrets.kv.v2
        self.mount = mount

    def read(self, path: str, version: int | None = None) -> Any:
        if self.version == 1:
            return self.kv.read_secret(path, mount_point=self.mount)["data"]
        found = self.kv.read_secret_version(
            path, version=version, mount_point=self.mount, raise_on_deleted_version=True
        )
        return found["data"]["data"]

    def write(self, path: str, fields: dict[str, Any], **more: Any) -> None:
        self.kv.create_or_update_secret(path, fields, mount_point=self.mount, **more)

    def keys(self, path: str = "") -> list[str]:
        found: list[str] = self.kv.list_secrets(path, mount_point=self.mount)["data"]["keys"]
        return found

    def about(self, path: str) -> Any:
        return self.kv.read_secret_metadata(path, mount_point=self.mount)["data"]
