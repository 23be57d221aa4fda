"""Settings of the project. What is secret in them is read at start-up, in one call."""

from __future__ import annotations

import os
from dataclasses import dataclass

from skykeep import SecretValue
from skykeep.integrations.fields import load_blocking
from skykeep.integrations.log_filter import MaskSecrets

from .vault import cloud


@dataclass(frozen=True)
class Database:
    """``shop/db/…``."""

    password: SecretValue
    user: str = "shop"


@dataclass(frozen=True)
class Stored:
    """``shop/…``. A name that is missing ends the start-up with an error that says it."""

    secret_key: SecretValue
    db: Database


stored = load_blocking(Stored, cloud, prefix="shop")

SECRET_KEY = stored.secret_key.text()
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("DATABASE_HOST", "localhost"),
        "NAME": "shop",
        "USER": stored.db.user,
        "PASSWORD": stored.db.password.text(),
    }
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask": {"()": MaskSecrets, "values": [stored.secret_key, stored.db.password]}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["mask"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
}

ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
DEBUG = False
ROOT_URLCONF = "shop.urls"
USE_TZ = True
