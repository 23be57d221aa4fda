"""A secret that is rotated by the service's own client reaches the process that holds it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import skykeep
from skykeep import Change, Cloud
from tests.peers.clients import aws_client, vault_client
from tests.peers.openbao import OpenBao
from tests.peers.peer import Server
from tests.providers.aws.opening import ENVIRON, reset

OFTEN = 0.02
"""Seconds between looks. Nothing depends on it but how long the test takes."""

pytestmark = pytest.mark.asyncio


async def follow(
    cloud: Cloud, prefix: str, rotate: Callable[[str], object], remove: Callable[[], object]
) -> None:
    name = f"{prefix}/password"
    told, looked = asyncio.Queue[Change](), asyncio.Event()
    cloud.listen(lambda event: looked.set())
    async with cloud:
        await asyncio.to_thread(rotate, "first")
        held = await cloud.secrets.hold(name, every=3600, refused_every=0)
        followed = await cloud.secrets.hold(name, every=OFTEN)
        handle = cloud.secrets.on_change(name, told.put_nowait, every=OFTEN)
        await handle.begun()
        async with cloud.secrets.watch(prefix=prefix, every=OFTEN, values=False) as changes:
            used = held.secret
            assert used.value.text() == followed.value.text() == "first"
            assert not await held.refused(used)

            await asyncio.to_thread(rotate, "second")
            change = await anext(changes)
            assert (change.name, change.kind, change.secret) == (name, "changed", None)
            change = await told.get()
            assert change.secret is not None
            assert change.secret.value.text() == "second"
            assert (await cloud.secrets.get(name)).value.text() == "second"
            while followed.value == used.value:
                await looked.wait()
                looked.clear()
            assert followed.value.text() == "second"
            assert held.value.text() == "first"
            assert await held.refused(used)
            assert held.value.text() == "second"

            await asyncio.to_thread(remove)
            assert (await anext(changes)).kind == "deleted"
            assert (await told.get()).kind == "deleted"
            assert followed.value.text() == "second"
        handle.close()
    assert held.value.text() == "second"


async def test_by_boto3_in_secrets_manager(tmp_path: Path, moto_mended: Server) -> None:
    reset(moto_mended.address)
    judge = aws_client("secretsmanager", moto_mended.address)
    made: list[str] = []

    def rotate(text: str) -> None:
        if not made:
            judge.create_secret(Name="db/password", SecretString=text)
        else:
            judge.put_secret_value(SecretId="db/password", SecretString=text)
        made.append(text)

    def remove() -> None:
        judge.delete_secret(SecretId="db/password", ForceDeleteWithoutRecovery=True)

    path = tmp_path / "skykeep.yaml"
    path.write_text(
        "production:\n  primary: {backend: aws, region: us-east-1, secret_prefix: '', "
        f"endpoint: '{moto_mended.address}'}}\n"
    )
    cloud = skykeep.open(config=path, environ={**ENVIRON, "HOME": str(tmp_path)})
    try:
        await follow(cloud, "db", rotate, remove)
    finally:
        judge.close()


async def test_by_hvac_in_openbao(tmp_path: Path, openbao: OpenBao) -> None:
    mount = openbao.kv(2)
    judge = vault_client(openbao)

    def rotate(text: str) -> None:
        judge.secrets.kv.v2.create_or_update_secret(
            "db/password", {"value": text}, mount_point=mount
        )

    def remove() -> None:
        judge.secrets.kv.v2.delete_metadata_and_all_versions("db/password", mount_point=mount)

    path = tmp_path / "skykeep.yaml"
    path.write_text(
        "production:\n  primary: {backend: vault, secret_prefix: '', "
        f"address: '{openbao.address}', mount: {mount}}}\n"
    )
    environ = {"HOME": str(tmp_path), "VAULT_TOKEN": openbao.token, "PATH": os.environ["PATH"]}
    await follow(skykeep.open(config=path, environ=environ), "db", rotate, remove)
