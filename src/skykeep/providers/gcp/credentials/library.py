"""google-auth's own classes for credentials in files; importing this imports google-auth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC
from types import ModuleType
from typing import Any, Final

from skykeep.errors import (
    ConfigError,
    MissingExtra,
    SkykeepError,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.gcp.credentials.exchange import OAUTH2, Exchange
from skykeep.providers.gcp.credentials.refusals import (
    impersonation_refusal,
    oauth_refusal,
)
from skykeep.providers.gcp.credentials.token import Token, service_account
from skykeep.providers.wire import Reply

LIFETIME: Final = 3600
"""Seconds that a service account's own token may last (AIP-4111)."""
SKEW: Final = 60.0
"""Seconds by which this host's clock may differ from Google's before Google's counts."""
_AWS: Final = "urn:ietf:params:aws:token-type:aws4_request"


def module(name: str) -> ModuleType:
    """A module of google-auth's. Raises ``MissingExtra`` without it."""
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in {"google", "cryptography", "pyasn1_modules", "requests"}:
            raise
    raise MissingExtra(
        "google-auth, which finds Google credentials, is not installed",
        hint="install it: pip install --upgrade 'skykeep[gcp]'",
    )


class ServiceAccountKey:
    """A service account's key. It signs its tokens itself (AIP-4111): nobody is asked."""

    def __init__(self, info: Mapping[str, Any], words: str) -> None:
        """Raises ``ConfigError`` for a file that is not whole, ``MissingExtra``."""
        crypt = module("google.auth.crypt")
        self._words = words
        self._email = info.get("client_email")
        self._project = _text(info, "project_id")
        self._quota_project = _text(info, "quota_project_id")
        try:
            self._signer = crypt.RSASigner.from_service_account_info(info)
        except Exception:  # noqa: BLE001  (its text and its frames may quote the key)
            self._signer = None
        if self._signer is None or not isinstance(self._email, str):
            raise ConfigError(
                f"the service account's key in {words} is not whole",
                hint="make another one, or better: use workload identity instead of a key",
            )

    def token(self, exchange: Exchange, scopes: tuple[str, ...]) -> Token:
        """Signed now, for these scopes; by Google's clock if it is known to be another."""
        here = int(time.time())
        now = int(here + (exchange.ahead if abs(exchange.ahead) > SKEW else 0.0))
        claims = {
            "iss": self._email,
            "sub": self._email,
            "iat": now,
            "exp": now + LIFETIME,
            "scope": " ".join(scopes),
        }
        signed: bytes = module("google.auth.jwt").encode(self._signer, claims)
        return Token(
            signed.decode("ascii"),
            float(here + LIFETIME),
            f"the service account's key in {self._words}",
            principal=service_account(str(self._email)),
            project=self._project,
            quota_project=self._quota_project,
        )

    def sign(self, exchange: Exchange, data: bytes) -> bytes:
        """With the key that is here: nobody is asked."""
        signature: bytes = self._signer.sign(data)
        return signature


class UserLogin:
    """What ``gcloud auth application-default login`` left: a refresh token of a user, or of
    somebody of a workforce pool."""

    def __init__(self, info: Mapping[str, Any], words: str) -> None:
        """Raises ``ConfigError`` for a file that is not whole, ``MissingExtra``."""
        self._words = words
        self._quota_project = _text(info, "quota_project_id")
        self._external = info["type"] != "authorized_user"
        name = (
            "google.auth.external_account_authorized_user"
            if self._external
            else ("google.oauth2.credentials")
        )
        kind = module(name).Credentials
        make = kind.from_info if self._external else kind.from_authorized_user_info
        self._found = _opened(lambda: make(dict(info)), words)

    def token(self, exchange: Exchange, scopes: tuple[str, ...]) -> Token:
        """Of the scopes that were agreed to at the login."""
        source = f"the login in {self._words}"
        refreshed(self._found, Carrier(exchange, self._words, sts=self._external), source)
        return _granted(self._found, source, quota_project=self._quota_project)


class ExternalAccount:
    """Workload identity federation: a token of another issuer, by file, address, program or
    AWS's signature, for one of Google's Security Token Service."""

    def __init__(self, info: Mapping[str, Any], words: str) -> None:
        """Raises ``ConfigError`` for a file that is not whole, ``MissingExtra``."""
        self._words = words
        where = info.get("credential_source")
        source = where if isinstance(where, dict) else {}
        if info.get("subject_token_type") == _AWS:
            name, how = "google.auth.aws", "AWS credentials"
        elif source.get("executable") is not None:
            name, how = "google.auth.pluggable", "the program that it names"
        else:
            name, how = "google.auth.identity_pool", "the token that it leads to"
        self._how = f"{how} by workload identity federation, {words}"
        kind = module(name).Credentials
        self._found = _opened(lambda: kind.from_info(dict(info)), words)
        self._quota_project = _text(info, "quota_project_id")
        self._audience = str(info.get("audience") or "")

    def token(self, exchange: Exchange, scopes: tuple[str, ...]) -> Token:
        """Exchanged now, with a token of the issuer that is read now."""
        found = self._found.with_scopes(list(scopes))
        carrier = Carrier(
            exchange, self._words, sts=True, whom=found.service_account_email or ""
        )
        refreshed(found, carrier, self._how)
        email = found.service_account_email
        return _granted(
            found,
            self._how,
            principal=service_account(email) if email else self._pool,
            project=found.project_number,
            quota_project=self._quota_project,
        )

    @property
    def _pool(self) -> str:
        """The pool as IAM's policies name everybody in it."""
        return f"principalSet:{self._audience.rpartition('/providers/')[0]}/*"


class Carrier:
    """google-auth's requests, over the wire; also its ``Response``.

    An answer of a token service that is not good is raised as ours, at once: google-auth would
    try three times, with pauses, and our layers do that with the deadline in view.
    """

    def __init__(
        self, exchange: Exchange, words: str, *, sts: bool = False, whom: str = ""
    ) -> None:
        self._exchange = exchange
        self._words = words
        self._sts = sts
        self._whom = whom

    def __call__(  # noqa: PLR0917  (the order is google-auth's)
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # not heeded: the exchange has limits of its own
        cert: tuple[str, str] | None = None,
    ) -> Response:
        sent = body or b""
        try:
            reply = self._exchange.send(
                method, url, headers=headers or {}, body=sent, certificate=cert
            )
            if reply.status == 200 or not url.partition("?")[0].endswith(_ENDINGS):
                return Response(reply)
            failure = self._refusal(reply, url, sent)
        finally:
            del sent, body, headers
        raise failure

    def _refusal(self, reply: Reply, url: str, sent: bytes) -> SkykeepError:
        if url.endswith(":generateAccessToken"):
            return impersonation_refusal(reply, self._words, self._whom)
        exchange = self._sts and not url.startswith(OAUTH2)
        return oauth_refusal(reply, sent, self._words, exchange=exchange)


_ENDINGS: Final = ("/token", "/oauthtoken", ":generateAccessToken")
"""How the addresses of Google's token services end; where a token of another issuer is, its
answer is google-auth's to judge."""


class Response:
    """An answer as google-auth wants it."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.data = reply.body


def refreshed(found: Any, carrier: Carrier, source: str) -> None:
    """Get a token into google-auth's credentials. Raises our errors, without its texts: they
    may quote what a file, an address or a program gave."""
    failure: SkykeepError
    try:
        found.refresh(carrier)
        return
    except SkykeepError as error:
        failure = _fresh(error)
    except Exception as error:  # noqa: BLE001  (classified by its class, and let go of)
        failure = explained(error, source)
    raise failure


def explained(error: Exception, source: str) -> SkykeepError:
    """Our error for one of google-auth's, by its class."""
    names = [kind.__name__ for kind in type(error).__mro__]
    kind, says, hint = next(RAISED[name] for name in names if name in RAISED)
    return kind(f"{source}: {says} ({type(error).__name__})", hint=hint)


RAISED: Final[dict[str, tuple[type[SkykeepError], str, str]]] = {
    "FileNotFoundError": (
        Unauthenticated,
        "the file or program that it names is not there",
        "look at credential_source",
    ),
    "PermissionError": (
        Unauthenticated,
        "the file or program that it names may not be used",
        "look at credential_source",
    ),
    "TimeoutExpired": (
        Unavailable,
        "the program that it names took too long",
        "run it by hand; timeout_millis is 5,000 to 120,000",
    ),
    "TransportError": (Unavailable, "the address that it names gave no answer", "try again"),
    "TimeoutError": (Unavailable, "the address that it names took too long", "try again"),
    "ReauthFailError": (
        Unauthenticated,
        "the login has reached the end of its session",
        "log in again: gcloud auth application-default login",
    ),
    "MalformedError": (
        ConfigError,
        "what it leads to is not what it says",
        "look at credential_source",
    ),
    "InvalidValue": (ConfigError, "a value in it is not possible", "make it anew"),
    "InvalidResource": (ConfigError, "an address in it is not possible", "make it anew"),
    "RefreshError": (
        Unauthenticated,
        "what it leads to gave no token",
        "look at credential_source, and get the token by hand",
    ),
    "OSError": (Unavailable, "the file that it names cannot be read", "try again"),
    "GoogleAuthError": (Unauthenticated, "google-auth got no token with it", "make it anew"),
    "ValueError": (ConfigError, "what it leads to cannot be read", "look at credential_source"),
    "Exception": (Unauthenticated, "google-auth got no token with it", "make it anew"),
}
"""By the name of a class of google-auth's (``exceptions.py``) or of Python's; the nearest
ancestor's row counts."""


def _fresh(error: SkykeepError) -> SkykeepError:
    """Without the frames and the chain that lead through google-auth, which hold requests."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _opened(make: Callable[[], Any], words: str) -> Any:
    try:
        return make()
    except SkykeepError:
        raise
    except Exception:  # noqa: BLE001, S110  (its text may quote the file)
        pass
    raise ConfigError(
        f"{words} is not whole: google-auth does not take it",
        hint="make it anew: gcloud auth application-default login, or gcloud iam "
        "workload-identity-pools create-cred-config",
    )


def _granted(
    found: Any,
    source: str,
    *,
    principal: str | None = None,
    project: str | None = None,
    quota_project: str | None = None,
) -> Token:
    token, expiry = found.token, found.expiry
    if not isinstance(token, str) or not token:
        raise Unauthenticated(f"{source}: the answer holds no token", hint="try again")
    ends = None if expiry is None else expiry.replace(tzinfo=UTC).timestamp()
    return Token(token, ends, source, principal, project, quota_project)


def _text(info: Mapping[str, Any], key: str) -> str | None:
    found = info.get(key)
    return found if isinstance(found, str) and found else None
