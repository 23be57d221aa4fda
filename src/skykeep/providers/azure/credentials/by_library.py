"""What azure-identity does for us: certificates, command-line tools, Azure Arc, Service Fabric.

It is imported when such a login is tried, which takes 200 ms, and asked in a thread of its own:
it blocks. The thread is not waited for when the caller's deadline ends; its own limits end it.
It reads the process's own environment. Tokens are kept in memory only.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from skykeep.errors import (
    Denied,
    MissingExtra,
    SkykeepError,
    Unauthenticated,
    Unavailable,
)
from skykeep.providers.azure.credentials.entra import Tenants
from skykeep.providers.azure.credentials.entra_errors import (
    numbers_in,
    refusal,
    sentence,
    trace_in,
)
from skykeep.providers.azure.credentials.tokens import Ask, Missed, Token, made

PATIENCE: Final = 10
"""Seconds for a tool; that of azure-identity (``process_timeout``)."""
CONNECT: Final = 3
READ: Final = 15
"""Seconds for Entra, where the library asks it."""
LIMITS: Final = {"connection_timeout": CONNECT, "read_timeout": READ, "retry_total": 0}

_LOUD = (
    "azure.core.pipeline.policies.http_logging_policy",
    "azure.identity",
    "msal",
    "urllib3.connectionpool",
)
"""Loggers that write requests, commands and answers at DEBUG or INFO."""

_UNANSWERED: Final = frozenset({"ServiceRequestError", "ServiceResponseError"})
"""azure-core's errors for no answer; azure-identity may wrap them into its own."""


class LibraryLink:
    """One of azure-identity's credentials.

    Args:
        name: as the chain lists it.
        source: in words that say where to look.
        make: makes the credential; called in the thread, raises what the library raises.
        file: what it reads, for errors.
        home: the tenant of the credentials, if it is known.
        tenants: in which others they may be shown; None: it takes no tenant.
        may_miss: whatever is wrong with it is no reason not to try the next link, as for the
            tools of a person in a chain (azure-identity 1.27, ``within_dac``).
    """

    def __init__(
        self,
        name: str,
        source: str,
        make: Callable[[], Any],
        *,
        file: str = "",
        home: str | None = None,
        tenants: Tenants | None = None,
        may_miss: bool = False,
    ) -> None:
        self.name = name
        self.source = source
        self._make = make
        self._file = file
        self._home = home
        self._tenants = tenants
        self._may_miss = may_miss
        self._credential: Any = None

    async def token(self, ask: Ask) -> Token:
        """Asks the library, in a thread that ends with the process."""
        tenant = ask.tenant
        if self._tenants is None:
            tenant = None
        elif self._home:
            tenant = self._tenants.resolve(self._home, ask.tenant)
        outcome: Future[Token] = Future()
        outcome.set_running_or_notify_cancel()  # a caller's cancellation does not end it
        thread = threading.Thread(
            target=self._run,
            args=(outcome, ask, tenant),
            name="skykeep azure credentials",
            daemon=True,
        )
        thread.start()
        return await asyncio.wrap_future(outcome)

    async def close(self) -> None:
        """Close the connections that the library holds."""
        credential, self._credential = self._credential, None
        if credential is not None:
            credential.close()

    def after_fork(self) -> None:
        """In a forked child: the library's connections are the parent's."""
        self._credential = None

    def _run(self, outcome: Future[Token], ask: Ask, tenant: str | None) -> None:
        failure: Missed | SkykeepError
        try:
            token = self._ask(ask, tenant)
        except (Missed, SkykeepError) as error:
            failure = error
        except ModuleNotFoundError as error:
            failure = MissingExtra(
                f"{(error.name or 'azure').partition('.')[0]}, which logs in to Azure, is not "
                "installed",
                hint="install it: pip install --upgrade 'skykeep[azure]'",
            )
        except Exception as error:  # noqa: BLE001  (classified by its class, and let go of)
            failure = self._explained(error)
        else:
            outcome.set_result(token)
            return
        failure.__cause__ = failure.__context__ = None
        outcome.set_exception(failure.with_traceback(None))

    def _ask(self, ask: Ask, tenant: str | None) -> Token:
        for name in _LOUD:
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        # Its warnings repeat what is raised here.
        logging.getLogger("azure.identity").setLevel(logging.ERROR)
        if ask.anew and self._credential is not None:
            self._credential.close()  # it keeps tokens of its own
            self._credential = None
        if self._credential is None:
            self._credential = self._make()
        options: dict[str, Any] = {"enable_cae": True}
        if tenant:
            options["tenant_id"] = tenant
        if ask.claims:
            options["claims"] = ask.claims
        found = self._credential.get_token_info(ask.scope, options=options)
        now = time.time()
        renew = None if found.refresh_on is None else found.refresh_on - now
        return made(found.token, self.source, found.expires_on - now, renew)

    def _explained(self, error: Exception) -> Missed | SkykeepError:
        """Our error for one of the library's, by its class; without its frames."""
        names = _classes(error)
        said = str(getattr(error, "message", "") or error)
        text = sentence(said) or type(error).__name__
        if self._may_miss:
            return Missed(text)
        if "CredentialUnavailableError" in names:
            return refusal(numbers_in(said), "", text, self.source) or Missed(text)
        if isinstance(error, PermissionError):
            return Denied(f"{self._file} cannot be read", hint="it must belong to this user")
        if isinstance(error, OSError) and self._file:
            return Unauthenticated(
                f"{self._file} cannot be read: {error.strerror}", hint="see auth"
            )
        if names & _UNANSWERED or _classes(error.__cause__) & _UNANSWERED:
            return Unavailable(f"no token from {self.source}: {text}", sent=False)
        if "ClientAuthenticationError" in names:
            made = refusal(numbers_in(said), "", text, self.source, request_id=trace_in(said))
            return made or Unauthenticated(f"no token from {self.source}: {text}")
        if isinstance(error, (TypeError, ValueError)) and self._file:
            # Their text may be of the key's own parser; it is not shown.
            return Unauthenticated(
                f"the certificate in {self._file} cannot be used: {type(error).__name__}",
                hint="it holds a certificate and its RSA key, PEM or PKCS12; is its password "
                "right?",
            )
        return Unauthenticated(f"no token from {self.source}: {type(error).__name__}")


def _classes(error: BaseException | None) -> set[str]:
    """The names of an error's class and of those that it is derived from."""
    return {kind.__name__ for kind in type(error).__mro__}
