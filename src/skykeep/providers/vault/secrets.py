"""Opens the driver that fits the engine."""

from __future__ import annotations

from skykeep.errors import ConfigError, Denied, NotFound, SkykeepError
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.vault.answers import Mounted
from skykeep.providers.vault.names import check_mount, encoded
from skykeep.providers.vault.session import Session, open_session
from skykeep.providers.vault.settings import VaultSettings


async def open_secrets(settings: VaultSettings, context: OpenContext) -> SecretDriver:
    """The driver of the engine at the mount; asks for its version if that is not configured.

    Raises ``ConfigError``, ``MissingExtra``, ``Unauthenticated``, ``Unavailable``.
    """
    session = open_session(settings, context)
    try:
        version = (
            settings.kv if settings.kv != "auto" else await engine_version(session, settings)
        )
        driver: SecretDriver
        if version == 1:
            from skykeep.providers.vault.kv1 import Kv1Secrets

            driver = Kv1Secrets(session, settings)
        else:
            from skykeep.providers.vault.kv2 import Kv2Secrets

            driver = Kv2Secrets(session, settings)
    except BaseException:
        await session.close()
        raise
    return driver


async def engine_version(session: Session, settings: VaultSettings) -> int:
    """What the server says of the mount. Any token that may use the mount may ask this
    (openbao ``website/content/api-docs/system/internal-ui-mounts.mdx``).

    Raises ``Denied`` for a mount that is not there or not ours, ``ConfigError`` for one of
    another kind."""
    mount = check_mount(settings.mount)
    failure: SkykeepError
    try:
        path = f"sys/internal/ui/mounts/{encoded(mount)}"
        found = (await session.call("GET", path, kind=Mounted)).data
    except (Denied, NotFound):
        failure = Denied(
            f"there is no mount '{mount}', or this token may use nothing in it",
            hint="check mount and namespace; give the token a policy; or say kv: 1 or 2",
        )
    else:
        if found.type in {"kv", "generic"}:
            return 2 if (found.options or {}).get("version") == "2" else 1
        failure = ConfigError(f"the mount '{mount}' is a '{found.type}' engine, not key-value")
    raise failure
