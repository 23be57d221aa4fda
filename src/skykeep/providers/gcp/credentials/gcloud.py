"""What the gcloud command left on this host, and the command itself.

Where its files are and what they hold: "Managing gcloud CLI configurations", google-auth 2.62
(``_cloud_sdk.py``). Its helper for other programs, ``gcloud config config-helper``, is what
kubectl used; it renews the token if need be.
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from skykeep.errors import SkykeepError, Unauthenticated, Unavailable
from skykeep.providers.gcp.credentials.exchange import Exchange
from skykeep.providers.gcp.credentials.token import Token, service_account

CLOUDSDK_CONFIG: Final = "CLOUDSDK_CONFIG"
CLOUDSDK_CORE_PROJECT: Final = "CLOUDSDK_CORE_PROJECT"
CLOUDSDK_ACTIVE_CONFIG_NAME: Final = "CLOUDSDK_ACTIVE_CONFIG_NAME"

PATIENCE: Final = 30
"""Seconds for the command, which starts a Python of its own and may ask Google."""
COMMAND: Final = ("config", "config-helper", "--format=json")
_LOGIN: Final = "log in: gcloud auth login"


def directory(environ: Mapping[str, str]) -> Path:
    """Where gcloud keeps what it knows."""
    given = environ.get(CLOUDSDK_CONFIG)
    if given:
        return Path(given)
    if os.name == "nt":
        return Path(environ.get("APPDATA") or "C:/") / "gcloud"
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".config" / "gcloud"


def login_file(environ: Mapping[str, str]) -> Path:
    """What ``gcloud auth application-default login`` writes."""
    return directory(environ) / "application_default_credentials.json"


def project_of(environ: Mapping[str, str]) -> str | None:
    """The project of the active configuration, read without the command, which is slow."""
    if environ.get(CLOUDSDK_CORE_PROJECT):
        return environ[CLOUDSDK_CORE_PROJECT]
    place = directory(environ)
    try:
        name = environ.get(CLOUDSDK_ACTIVE_CONFIG_NAME)
        if not name:
            name = (place / "active_config").read_text(encoding="utf-8").strip()
        parsed = configparser.ConfigParser(interpolation=None)
        text = (place / "configurations" / f"config_{name}").read_text(encoding="utf-8")
        parsed.read_string(text)
        return parsed.get("core", "project", fallback=None)
    except (OSError, UnicodeDecodeError, configparser.Error):
        return None


class _Credential(msgspec.Struct):
    access_token: str
    token_expiry: datetime | None = None


class _Helped(msgspec.Struct):
    credential: _Credential
    configuration: dict[str, Any] = {}


class Gcloud:
    """The account that the gcloud command is logged in with."""

    words = "the gcloud command's login"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def token(self, exchange: Exchange, scopes: tuple[str, ...]) -> Token:
        """Of the scopes that were agreed to at the login."""
        try:
            helped = msgspec.json.decode(self._answer(), type=_Helped)
        except msgspec.MsgspecError:
            helped = None  # its text may quote the token
        if helped is None:
            raise Unavailable("the gcloud command answers in a form that is not its own")
        core = (helped.configuration.get("properties") or {}).get("core") or {}
        account = core.get("account")
        ends = helped.credential.token_expiry
        return Token(
            helped.credential.access_token,
            None if ends is None else ends.timestamp(),
            f"{self.words} ({account})" if account else self.words,
            principal=_principal(account),
            project=core.get("project"),
        )

    def _answer(self) -> bytes:
        program = shutil.which("gcloud", path=self._environ.get("PATH"))
        if program is None:
            raise Unauthenticated(
                "the gcloud command is not there",
                hint="install it, or take another auth.method",
            )
        failure: SkykeepError
        try:
            ended = subprocess.run(  # noqa: S603  (found in the user's own PATH)
                [program, *COMMAND],
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
            if ended.returncode == 0:
                return ended.stdout
            failure = Unauthenticated(
                f"gcloud {' '.join(COMMAND)} fails (exit code {ended.returncode})", hint=_LOGIN
            )
        except subprocess.TimeoutExpired:
            failure = Unavailable(
                f"the gcloud command has not answered within {PATIENCE} s",
                hint="try it by hand",
            )
        except OSError as error:
            failure = Unauthenticated(
                f"the gcloud command cannot be run ({error.strerror})", hint=_LOGIN
            )
        raise failure


def _principal(account: object) -> str | None:
    if not isinstance(account, str) or not account:
        return None
    if account.endswith(".gserviceaccount.com"):
        return service_account(account)
    return f"user:{account}" if "@" in account else account
