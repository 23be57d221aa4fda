"""Which links are tried, in which order, and what is told if none gives anything.

Google's order: "How Application Default Credentials works". A link that is there decides: if
its token is refused, the next is not tried, as with Google's own libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skykeep.errors import SkykeepError, Unauthenticated
from skykeep.providers.gcp.credentials.exchange import Exchange
from skykeep.providers.gcp.credentials.files import DEFAULT_UNIVERSE, source_of_file
from skykeep.providers.gcp.credentials.gcloud import Gcloud, login_file
from skykeep.providers.gcp.credentials.impersonation import Impersonated
from skykeep.providers.gcp.credentials.metadata import NO_GCE_CHECK, Metadata
from skykeep.providers.gcp.credentials.signing import signed
from skykeep.providers.gcp.credentials.token import Source, Token
from skykeep.providers.gcp.settings import GcpSettings

GOOGLE_APPLICATION_CREDENTIALS: Final = "GOOGLE_APPLICATION_CREDENTIALS"


@dataclass(frozen=True, slots=True)
class Link:
    """A place where credentials may be.

    Attributes:
        words: the place, for people.
        open: what is there, raises our errors; None if it is passed over.
        absent: why it is.
        decides: credentials are there for sure; else it is found out by asking.
    """

    words: str
    open: Callable[[], Source] | None
    absent: str = ""
    decides: bool = True


class Chain:
    """Finds tokens. Blocks; used by one thread at a time."""

    def __init__(self, settings: GcpSettings, environ: Mapping[str, str], target: str) -> None:
        self._settings = settings
        self._environ = environ
        self._target = target
        self._found: Source | None = None
        self.ahead = 0.0
        """Seconds by which Google's clock is ahead of this host's, as far as it is known."""

    def __call__(self, anew: bool) -> Token:
        """A token; ``anew`` begins at the first link again. Raises ``Unauthenticated``,
        ``Denied``, ``Throttled``, ``Unavailable``, ``ConfigError``, ``MissingExtra``."""
        failure: SkykeepError
        try:
            with self.exchange() as exchange:
                if self._found is None or anew:
                    self._found = None
                    return self._first(exchange)
                return self._found.token(exchange, self._settings.auth.scopes)
        except SkykeepError as error:
            # A file that was mended is read again, and one that was replaced.
            self._found = None
            failure = error
        failure.__cause__ = failure.__context__ = None
        failure.located(target=self._target)
        raise failure.with_traceback(None)

    def sign(self, token: Token, data: bytes) -> bytes:
        """The signature of the service account that the token is of. Raises as a call, and
        ``Unsupported`` where nobody can."""
        failure: SkykeepError
        try:
            with self.exchange() as exchange:
                return signed(self._found, token, exchange, data)
        except SkykeepError as error:
            failure = error
        failure.__cause__ = failure.__context__ = None
        failure.located(target=self._target)
        raise failure.with_traceback(None)

    def exchange(self) -> Exchange:
        """A conversation with token services."""
        made = Exchange(self._settings, self._environ, self._target)
        made.ahead = self.ahead
        return made

    def _first(self, exchange: Exchange) -> Token:
        """A token of the first link that has one."""
        tried: list[str] = []
        for link in self.links():
            if link.open is None:
                tried.append(f"{link.words}: {link.absent}")
                continue
            source = link.open()
            acting = self._settings.auth.impersonate
            if acting:
                source = Impersonated(source, acting, self._settings.auth.delegates)
            try:
                token = source.token(exchange, self._settings.auth.scopes)
            except Unauthenticated as error:
                if link.decides:
                    raise
                tried.append(f"{link.words}: {error.message}")
                break
            self._found = source
            return token
        raise Unauthenticated(
            f"no Google credentials were found. Tried: {'; '.join(tried)}",
            hint="on a laptop gcloud auth application-default login; on Google Cloud attach a "
            "service account; elsewhere workload identity federation (docs/providers/gcp.md)",
        )

    def links(self) -> tuple[Link, ...]:
        """The links that the settings ask for, in their order."""
        auth, environ = self._settings.auth, self._environ
        if auth.credentials_file:
            return (
                self._file(Path(auth.credentials_file).expanduser(), "auth.credentials_file"),
            )
        match auth.method:
            case "metadata":
                return (Link(Metadata.words, lambda: Metadata(environ)),)
            case "gcloud":
                return (Link(Gcloud.words, lambda: Gcloud(environ)),)
        named = environ.get(GOOGLE_APPLICATION_CREDENTIALS)
        if named:
            return (self._file(Path(named).expanduser(), GOOGLE_APPLICATION_CREDENTIALS),)
        links = [Link(GOOGLE_APPLICATION_CREDENTIALS, None, "not set")]
        login = login_file(environ)
        words = "gcloud's application default login"
        if login.is_file():
            return (*links, self._file(login, words))
        links.append(Link(words, None, f"no file {login}"))
        if environ.get(NO_GCE_CHECK) == "true":
            links.append(Link(Metadata.words, None, f"{NO_GCE_CHECK} forbids it"))
        else:
            links.append(Link(Metadata.words, lambda: Metadata(environ), decides=False))
        return tuple(links)

    def _file(self, path: Path, words: str) -> Link:
        # An endpoint of another universe is known only if it is named.
        universe = None if self._settings.endpoint else DEFAULT_UNIVERSE
        return Link(words, lambda: source_of_file(path, words, self._environ, universe))
