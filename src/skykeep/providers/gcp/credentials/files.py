"""Credentials in a file: which kind it is, and what gives the token for it.

The kinds are those of "How Application Default Credentials works" and of google-auth 2.62
(``_default.py``). Each is opened as what it says it is, with google-auth's own class for it:
Google asks for that, since a file from elsewhere decides which address is asked and, with its
owner's consent, which program is run ("Validate credential configurations from external
sources").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from skykeep.errors import ConfigError, SkykeepError, Unauthenticated
from skykeep.providers.gcp.credentials.token import Source

DEFAULT_UNIVERSE: Final = "googleapis.com"
LARGEST: Final = 1024 * 1024
"""Bytes of a file; a key is of some 2.4 KB."""

ALLOW_EXECUTABLES: Final = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"
_MAKE: Final = "make it with gcloud, or download it anew"
_EMAIL = re.compile(r"/serviceAccounts/([^/:]+):generateAccessToken$")


def source_of_file(
    path: Path, words: str, environ: Mapping[str, str], universe: str | None = None
) -> Source:
    """What gives tokens for the file.

    Args:
        path: the file.
        words: what led to it, ``GOOGLE_APPLICATION_CREDENTIALS``.
        environ: where the owner's consent to executables is looked for.
        universe: whose services the tokens go to; None if that is the settings' concern.

    Raises ``Unauthenticated`` if it is not there or cannot be read, ``ConfigError`` if it is
    not what it must be, ``MissingExtra``.
    """
    failure: SkykeepError
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        info = msgspec.json.decode(content, type=dict[str, Any])
    except OSError as error:
        failure = Unauthenticated(
            f"the credentials file {path} of {words} cannot be read ({error.strerror})",
            hint="look at the path, and whether this user may read it",
        )
    except msgspec.MsgspecError:
        failure = ConfigError(
            f"{path} of {words} is not a credentials file: it is not JSON", hint=_MAKE
        )
    else:
        shown = words if str(path) in words else f"{words} ({path})"
        if universe is not None and universe_of(info) != universe:
            raise ConfigError(
                f"{shown} is of the universe {universe_of(info)}, and its tokens are not for "
                f"{universe}",
                hint="name that universe's Secret Manager in endpoint",
            )
        return source_of(info, shown, environ)
    raise failure


def source_of(info: Mapping[str, Any], words: str, environ: Mapping[str, str]) -> Source:
    """What gives tokens for the content of a credentials file. Raises ``ConfigError``,
    ``MissingExtra``."""
    kind = info.get("type")
    if kind == "impersonated_service_account":
        return _impersonated(info, words, environ)
    # google-auth is imported here, and nowhere before.
    from skykeep.providers.gcp.credentials.library import (
        ExternalAccount,
        ServiceAccountKey,
        UserLogin,
    )

    match kind:
        case "service_account":
            return ServiceAccountKey(info, words)
        case "authorized_user" | "external_account_authorized_user":
            return UserLogin(info, words)
        case "external_account":
            if _runs(info) and environ.get(ALLOW_EXECUTABLES) != "1":
                raise ConfigError(
                    f"{words} names a program to run, which nobody has allowed",
                    hint=f"if you trust the file, set {ALLOW_EXECUTABLES}=1",
                )
            return ExternalAccount(info, words)
    shown = kind if isinstance(kind, str) and re.fullmatch("[a-z_]{1,40}", kind) else "none"
    raise ConfigError(f"{words} is of a type that is not known here ({shown})", hint=_MAKE)


def universe_of(info: Mapping[str, Any]) -> str:
    """The universe whose services take the credentials."""
    found = info.get("universe_domain")
    return found if isinstance(found, str) and found else DEFAULT_UNIVERSE


def _impersonated(info: Mapping[str, Any], words: str, environ: Mapping[str, str]) -> Source:
    from skykeep.providers.gcp.credentials.impersonation import Impersonated

    inner = info.get("source_credentials")
    url = info.get("service_account_impersonation_url")
    found = _EMAIL.search(url) if isinstance(url, str) else None
    if not isinstance(inner, dict) or found is None:
        raise ConfigError(f"{words} does not say whom to act as, or by whose login", hint=_MAKE)
    delegates = info.get("delegates") or []
    # ``projects/-/serviceAccounts/EMAIL``, as gcloud writes them.
    chain = tuple(str(each).rpartition("/")[2] for each in delegates)
    quota = info.get("quota_project_id")
    return Impersonated(
        source_of(inner, words, environ), found[1], chain, quota_project=quota, url=str(url)
    )


def _runs(info: Mapping[str, Any]) -> bool:
    where = info.get("credential_source")
    return isinstance(where, dict) and where.get("executable") is not None
