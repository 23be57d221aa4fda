"""botocore's credential chain: variables, profiles, SSO, processes, roles, web identity,
containers, instances. It reads the process's own environment and files; imported on first use.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import Any

from skykeep.errors import ConfigError, MissingExtra, SkykeepError
from skykeep.providers.aws.credential_errors import explain_chain, no_credentials
from skykeep.providers.aws.credentials import Keys
from skykeep.providers.aws.settings import AwsSettings

_LOUD = (
    "botocore.auth",
    "botocore.endpoint",
    "botocore.hooks",
    "botocore.httpsession",
    "botocore.parsers",
    "botocore.utils",
    "urllib3.connectionpool",
)
"""Loggers that write requests and answers, with their keys, at DEBUG."""

CONNECT = 2
READ = 5
"""Seconds for the token service: it is asked inside a call that has its own deadline."""


class Chain:
    """Finds keys in botocore's order. Blocks. Raises our errors."""

    def __init__(self, settings: AwsSettings, target: str, region: str) -> None:
        self._settings = settings
        self._target = target
        self._region = region
        self._found: Any = None

    def __call__(self, *, anew: bool) -> Keys:
        """The keys; ``anew`` begins the chain again. Raises ``Unauthenticated``, ``Denied``,
        ``Unavailable``, ``ConfigError``, ``MissingExtra``."""
        failure: SkykeepError
        try:
            if self._found is None or anew:
                self._found = self._resolve()
            if self._found is not None:
                return self._frozen()
            failure = no_credentials()
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "botocore":
                raise
            failure = MissingExtra(
                "botocore, which finds AWS credentials, is not installed",
                hint="install it: pip install --upgrade 'skykeep[aws]'",
            )
        except Exception as error:  # noqa: BLE001  (classified by its class, and let go of)
            failure = explain_chain(error, self._settings.profile)
        failure.target = self._target
        raise failure

    def _frozen(self) -> Keys:
        frozen = self._found.get_frozen_credentials()
        # Public in no version; the refreshable kinds have had it since 2013.
        expires = getattr(self._found, "_expiry_time", None)
        return Keys(
            frozen.access_key,
            frozen.secret_key,
            frozen.token or None,
            expires.astimezone(UTC) if isinstance(expires, datetime) else None,
            self._found.method,
        )

    def _resolve(self) -> Any:
        import botocore.session

        for name in _LOUD:
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        # Its warnings are tracebacks of what is raised here, too.
        logging.getLogger("botocore.credentials").setLevel(logging.ERROR)
        session = botocore.session.Session(profile=self._settings.profile)
        found = session.get_credentials()
        if found is None or self._settings.role_arn is None:
            return found
        return self._assumed(session, found)

    def _assumed(self, session: Any, source: Any) -> Any:
        from botocore.config import Config
        from botocore.credentials import (
            AssumeRoleCredentialFetcher,
            DeferredRefreshableCredentials,
        )

        config = Config(
            connect_timeout=CONNECT,
            read_timeout=READ,
            retries={"total_max_attempts": 1},
            region_name=self._region,
        )
        extra = {"RoleSessionName": self._settings.session_name or "skykeep"}
        if self._settings.external_id:
            extra["ExternalId"] = self._settings.external_id
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(session.create_client, config=config),
            source_credentials=source,
            role_arn=self._settings.role_arn,
            extra_args=extra,
        )
        return DeferredRefreshableCredentials(
            refresh_using=fetcher.fetch_credentials, method="assume-role"
        )


def profile_region(profile: str | None) -> str | None:
    """The region that the AWS profile names. Raises ``ConfigError`` for a profile that is not
    there, ``MissingExtra``."""
    failure: SkykeepError
    try:
        import botocore.session

        found: str | None = botocore.session.Session(profile=profile).get_config_variable(
            "region"
        )
        return found
    except ModuleNotFoundError:
        return None
    except Exception as error:  # noqa: BLE001  (classified by its class, and let go of)
        failure = explain_chain(error, profile)
    raise failure


def endpoint_by_rules(service: str, region: str, *, fips: bool, dual: bool) -> str:
    """The address by the rules that AWS publishes for its clients. Raises ``ConfigError``."""
    from botocore.endpoint_provider import EndpointProvider
    from botocore.exceptions import EndpointProviderError
    from botocore.loaders import create_loader

    loader = create_loader()
    rules = EndpointProvider(
        loader.load_service_model(service, "endpoint-rule-set-1"),
        loader.load_data("partitions"),
    )
    try:
        url: str = rules.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual).url
    except EndpointProviderError:
        url = ""
    if not url:
        raise ConfigError(
            f"AWS has no such endpoint of {service} in {region}",
            hint="unset AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT",
        )
    return url
