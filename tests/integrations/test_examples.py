"""The examples of frameworks run: on a vault, in a process of their own, as users run them."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import skykeep
from examples.fastapi_app.app import create_app
from skykeep.cloud import Cloud
from skykeep.providers.memory.secrets import MemorySecrets
from tests.integrations.conftest import Home

EXAMPLES = Path(__file__).parents[2] / "examples"
PASSWORD = "canary-password-4711"

USE_DJANGO = """
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
import django

django.setup()
import logging

from django.conf import settings
from django.core import signing
from django.test import Client
from shop import vault

assert settings.DATABASES["default"]["PASSWORD"] == "canary-password-4711"
assert settings.DATABASES["default"]["USER"] == "shop"
logging.getLogger("app").warning("connect with %s", settings.DATABASES)

client = Client(SERVER_NAME="localhost")
ticket = client.get("/tickets/7").json()["ticket"]
assert signing.loads(ticket, key=settings.SECRET_KEY) == {"order": 7}
signature = client.get("/orders/7/signature").json()["signature"]
print(signature)

child = os.fork()  # as a server does that loads the application first
if child == 0:
    same = Client(SERVER_NAME="localhost").get("/orders/7/signature").json()
    vault.cloud.close()  # as at a worker's end
    os._exit(0 if same == {"signature": signature} else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert client.get("/orders/7/signature").json() == {"signature": signature}

vault.cloud.secrets.delete("shop/partner_key")
assert client.get("/orders/7/signature").status_code == 503
"""


def signed(key: bytes, order: int) -> str:
    return hmac.new(key, b"%d" % order, hashlib.sha256).hexdigest()


def python(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=EXAMPLES / "django_app",
        env={**home.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_django_starts_serves_and_forks(home: Home) -> None:
    home.keep({"shop/secret_key": "k" * 50, "shop/db/password": PASSWORD})
    home.keep({"shop/partner_key": "partner"})
    done = python(home, "-c", USE_DJANGO)
    assert (done.returncode, done.stdout) == (0, signed(b"partner", 7) + "\n"), done.stderr
    assert "connect with" in done.stderr
    assert "'PASSWORD': '***'" in done.stderr
    assert PASSWORD not in done.stderr
    checked = python(home, "manage.py", "check", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr


def test_django_does_not_start_without_its_secrets(home: Home) -> None:
    home.keep({"shop/secret_key": "k" * 50})
    done = python(home, "manage.py", "check")
    assert done.returncode != 0
    assert "no such secret: shop/db/password; Stored needs it" in done.stderr


@pytest.mark.asyncio
async def test_fastapi_over_the_fixture(
    skykeep_cloud: Cloud, skykeep_memory: MemorySecrets
) -> None:
    await skykeep_cloud.secrets.put("orders/api_key", "known")
    await skykeep_cloud.secrets.put("orders/partner_key", "partner")
    app = create_app(lambda: skykeep_cloud)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        url, known = "/orders/7/signature", {"x-api-key": "known"}
        assert (await client.get(url)).status_code == 401
        assert (await client.get(url, headers={"x-api-key": "wrong"})).status_code == 401
        answer = await client.get(url, headers=known)
        assert answer.json() == {"signature": signed(b"partner", 7)}

        await skykeep_cloud.secrets.put("orders/partner_key", "rotated")
        answer = await client.get(url, headers=known)
        assert answer.json() == {"signature": signed(b"rotated", 7)}

        skykeep_cloud.secrets.invalidate()
        skykeep_memory.fail_next(skykeep.Unavailable("down"), times=100)
        answer = await client.get(url, headers=known)
        assert (answer.status_code, answer.json()) == (503, {"error": "try again later"})


@pytest.mark.asyncio
async def test_fastapi_on_a_vault(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    await home.put("orders/api_key", "known")
    await home.put("orders/partner_key", "partner")
    app = create_app(lambda: skykeep.open(environ=home.environ))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        answer = await client.get("/orders/7/signature", headers={"x-api-key": "known"})
        assert answer.json() == {"signature": signed(b"partner", 7)}
