"""``python -m bench.kubernetes``: uncached reads of Secrets beside the official client.

See `bench.reads`. The server answers every request with one Secret, as an API server of
Kubernetes 1.36 shows one that skykeep wrote, and over plain HTTP: TLS costs both sides the same
and hides what the clients cost. The client must be installed (``requirements/dev.txt`` has it).
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from kubernetes import client as official
from kubernetes import config

from bench.reads import AT_ONCE, Sdk, cold, opened_cloud, served, warm
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.kubernetes.secrets import open_secrets
from skykeep.providers.kubernetes.settings import KubernetesSettings

VALUE = "x" * 64
ONE_LINER = (
    "import base64; from kubernetes import client, config; config.load_kube_config(); print("
    "base64.b64decode(client.CoreV1Api().read_namespaced_secret('a', 'default')"
    ".data['value']).decode())"
)
SECRET = {
    "kind": "Secret",
    "apiVersion": "v1",
    "metadata": {
        "name": "a",
        "namespace": "default",
        "uid": "6fd1d0b5-8c45-4c0e-9c35-5a5b4a6a2f10",
        "resourceVersion": "4021",
        "creationTimestamp": "2026-11-22T04:34:00Z",
        "labels": {"team": "shop"},
        "annotations": {"skykeep-version": "v0123456789abcdef"},
        "managedFields": [
            {
                "manager": "skykeep",
                "operation": "Update",
                "apiVersion": "v1",
                "time": "2026-11-22T04:34:00Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:data": {".": {}, "f:value": {}},
                    "f:metadata": {
                        "f:annotations": {".": {}, "f:skykeep-version": {}},
                        "f:labels": {".": {}, "f:team": {}},
                    },
                    "f:type": {},
                },
            }
        ],
    },
    "data": {"value": base64.b64encode(VALUE.encode()).decode()},
    "type": "Opaque",
}


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Every request gets the Secret."""
    body = json.dumps(SECRET, separators=(",", ":")).encode()
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Audit-Id: 0d7b6c80-5a3f-4f0e-8a52-5b6f1a2c3d4e\r\n"
                b"Cache-Control: no-cache, private\r\n"
                b"Date: Sun, 22 Nov 2026 04:34:00 GMT\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(port: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=256)
    await server.serve_forever()


def kubeconfig(directory: Path, port: int) -> Path:
    """A file that both sides find the server by."""
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "clusters": [{"name": "bench", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "bench", "user": {"token": "made-up-for-the-benchmark"}}],
    }
    file = directory / "config"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def judge(file: Path) -> official.ApiClient:
    """The official client, with room for a connection a thread."""
    found = official.Configuration()
    config.load_kube_config(str(file), client_configuration=found)
    found.connection_pool_maxsize = AT_ONCE
    return official.ApiClient(found)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, served("bench.kubernetes") as port:
        file = kubeconfig(Path(directory), port)
        settings = msgspec.convert(
            {"backend": "kubernetes", "kubeconfig": str(file)}, KubernetesSettings
        )
        with judge(file) as api, asyncio.Runner() as runner:
            core: Any = official.CoreV1Api(api)

            def read(name: str) -> object:
                found = core.read_namespaced_secret(name.replace("/", "."), "default")
                return base64.b64decode(found.data["value"])

            driver = runner.run(open_secrets(settings, OpenContext("bench", {}, Path)))
            cloud = opened_cloud(settings, {})
            warm(runner, [Sdk("kubernetes", read)], driver, cloud)
            runner.run(cloud.close())
            runner.run(driver.close())
        environ = {"KUBECONFIG": str(file), "HOME": "/nonexistent"}
        cold("kubernetes", ONE_LINER, ["--backend", "kubernetes", "get", "a"], environ)


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(serve(int(sys.argv[1])))
    else:
        main()
