"""The validated configuration: what every file shape, variable and flag ends up as.

Only shapes are here, with their units and limits; how they are filled is in the other files
of this folder. The attribute lines of the docstrings are the descriptions that editors show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from skykeep.settings.order import Failure, LoadingSettings

NonEmpty = Annotated[str, Meta(min_length=1)]
Seconds = Annotated[float, Meta(ge=0)]
Source = Literal["aws_secrets_manager", "file", "env"]


class TargetSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One target: a store and how to reach it. Providers add their own keys in a subclass.

    Attributes:
        backend: the provider's name: ``local``, ``aws``, ``azure``, ``vault``, …
        name: what errors and provenance call it; by default its role.
        account: the account, project or subscription that it belongs to.
        region: the region it is in.
        secret_prefix: put before every name in the store and taken off again; a
            closing slash is the user's choice.
    """

    backend: NonEmpty
    name: NonEmpty | None = None
    account: NonEmpty | None = None
    region: NonEmpty | None = None
    secret_prefix: str | None = None


class UninstalledTarget(TargetSettings, kw_only=True, frozen=True):
    """A target whose provider cannot be imported: its own keys are kept unchecked.

    Attributes:
        options: the keys that are not portable, as the file has them.
    """

    options: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        # Nobody knows which of the options are secret.
        return f"UninstalledTarget({self.backend!r}, options={sorted(self.options)})"


class CacheSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How reads are kept.

    Attributes:
        ttl_seconds: time to live, 0 is off; by default 300 for remote stores and 0 for
            embedded ones.
        max_entries: the least recently used answer goes when there are more; at least 1.
    """

    ttl_seconds: Seconds | None = None
    max_entries: Annotated[int, Meta(ge=1)] = 10_000


class RetrySettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How often and how patiently a call is tried again at the same target.

    Attributes:
        attempts: tries in all, the first included; 1 to 10.
        base_seconds: the first wait is between 0 and this; it doubles each time.
        max_seconds: no wait is longer, unless the store asks for more.
    """

    attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    base_seconds: Seconds = 0.1
    max_seconds: Seconds = 2.0


class ScopeSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose secrets these are: ``tenant/namespace/`` is put before every name.

    Attributes:
        tenant: one segment of a name, or empty.
        namespace: one segment of a name, or empty.
    """

    tenant: str | None = None
    namespace: str | None = None


class EnvironmentSettings(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True
):
    """One environment as a file writes it. Its targets are checked one by one.

    Attributes:
        primary: the target that is read and written.
        failover: the target, or the list of targets, that answers when the primary cannot.
        backups: targets that keep a copy of every write.
        cache: how reads are kept; goes before the file's own ``cache``.
        retry: how calls are tried again; goes before the file's own ``retry``.
        deadline_seconds: the budget of a call, all tries included; more than 0.
        scope: tenant and namespace that are put before every name.
        run: environment variable -> secret name, for ``skykeep run``.
        tags: put onto every secret that is written, where the store has tags: project,
            environment, team, cost centre; goes before the file's own ``tags``.
        loading: what a ``SecretLoader`` asks; goes before the file's own ``loading``.
    """

    primary: Mapping[str, Any]
    failover: Mapping[str, Any] | tuple[Mapping[str, Any], ...] = ()
    backups: tuple[Mapping[str, Any], ...] = ()
    cache: CacheSettings = CacheSettings()
    retry: RetrySettings = RetrySettings()
    deadline_seconds: Annotated[float, Meta(gt=0)] = 10.0
    scope: ScopeSettings = ScopeSettings()
    run: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    loading: LoadingSettings = LoadingSettings()


class SecretService(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A cloud's secret service.

    Attributes:
        enabled: false keeps secrets in the embedded local vault instead.
        cache_ttl_seconds: how long reads are kept; 0 is off.
    """

    enabled: bool = True
    cache_ttl_seconds: Seconds | None = None


class KeyVault(SecretService, kw_only=True, frozen=True):
    """Azure Key Vault.

    Attributes:
        vault_url: the vault's address, ``https://NAME.vault.azure.net/``.
    """

    vault_url: NonEmpty | None = None


class Bucket(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where objects are kept: models and scan results.

    Attributes:
        bucket: the bucket's name.
        models_prefix: put before the keys of models.
        results_prefix: put before the keys of scan results.
    """

    bucket: NonEmpty
    models_prefix: str = "models/"
    results_prefix: str = "scan-results/"


class BlobStorage(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Azure Blob Storage.

    Attributes:
        account: the storage account's name.
        container: the container's name.
        models_prefix: put before the keys of models.
        results_prefix: put before the keys of scan results.
    """

    account: NonEmpty
    container: NonEmpty
    models_prefix: str = "models/"
    results_prefix: str = "scan-results/"


class CloudWatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Amazon CloudWatch: metrics and logs.

    Attributes:
        enabled: whether anything is sent.
        namespace: the namespace of the metrics.
        log_group: the group that logs go to.
    """

    enabled: bool = False
    namespace: str | None = None
    log_group: str | None = None


class CloudLogging(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Google Cloud Logging.

    Attributes:
        enabled: whether anything is sent.
        log_name: the name of the log.
    """

    enabled: bool = False
    log_name: str | None = None


class Monitor(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Azure Monitor.

    Attributes:
        enabled: whether anything is sent.
        workspace_id: the Log Analytics workspace.
    """

    enabled: bool = False
    workspace_id: str | None = None


class ApplicationInsights(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True
):
    """Azure Application Insights.

    Attributes:
        enabled: whether anything is sent.
        instrumentation_key: the resource's key; shown masked.
    """

    enabled: bool = False
    instrumentation_key: str | None = None

    def __repr__(self) -> str:
        return f"ApplicationInsights(enabled={self.enabled})"


class Switch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A service that is on or off.

    Attributes:
        enabled: whether it is used.
    """

    enabled: bool = False


class AwsTree(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """``cloud.aws``: Amazon's services.

    Attributes:
        region: the region of all of them.
        secrets_manager: AWS Secrets Manager.
        s3: where objects are kept.
        cloudwatch: metrics and logs.
        xray: traces.
    """

    region: NonEmpty | None = None
    secrets_manager: SecretService = SecretService()
    s3: Bucket | None = None
    cloudwatch: CloudWatch | None = None
    xray: Switch | None = None


class GcpTree(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """``cloud.gcp``: Google's services.

    Attributes:
        project_id: the project of all of them.
        region: the region of all of them.
        secret_manager: Google Secret Manager.
        cloud_storage: where objects are kept.
        cloud_logging: logs.
        cloud_trace: traces.
    """

    project_id: NonEmpty | None = None
    region: NonEmpty | None = None
    secret_manager: SecretService = SecretService()
    cloud_storage: Bucket | None = None
    cloud_logging: CloudLogging | None = None
    cloud_trace: Switch | None = None


class AzureTree(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """``cloud.azure``: Microsoft's services.

    Attributes:
        subscription_id: the subscription of all of them.
        resource_group: the resource group of all of them.
        region: the region of all of them.
        key_vault: the vault of secrets.
        blob_storage: where objects are kept.
        monitor: metrics and logs.
        application_insights: traces.
    """

    subscription_id: NonEmpty | None = None
    resource_group: NonEmpty | None = None
    region: NonEmpty | None = None
    key_vault: KeyVault = KeyVault()
    blob_storage: BlobStorage | None = None
    monitor: Monitor | None = None
    application_insights: ApplicationInsights | None = None


class DataResidency(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """``cloud.data_residency``: the regions that data may be in.

    Attributes:
        enabled: whether other regions are refused.
        regions: the regions that are allowed.
    """

    enabled: bool = False
    regions: tuple[NonEmpty, ...] = ()


class CloudTree(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The ``cloud:`` tree: one provider is chosen, each has its services.

    Attributes:
        provider: whose services are used; ``none`` is the embedded local vault.
        aws: Amazon's services.
        gcp: Google's services.
        azure: Microsoft's services.
        data_residency: the regions that data may be in.
    """

    provider: Literal["aws", "gcp", "azure", "none"] | None = None
    aws: AwsTree | None = None
    gcp: GcpTree | None = None
    azure: AzureTree | None = None
    data_residency: DataResidency | None = None


class ApiKeys(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """``auth.api_keys``: where the gateway finds the keys of its callers.

    Attributes:
        source: where the keys are kept.
        aws_secret_name: the secret that holds them; needed for ``aws_secrets_manager``.
        aws_region: the region of that secret.
        path: the file that holds them, for ``file``.
        variable: the environment variable that holds them, for ``env``.
        cache_ttl_seconds: how long they are kept; 0 is off.
    """

    source: Source
    aws_secret_name: NonEmpty | None = None
    aws_region: NonEmpty | None = None
    path: NonEmpty = "/run/secrets/api_keys"
    variable: NonEmpty = "LLM_SHIELD_API_KEYS"
    cache_ttl_seconds: Seconds = 300.0


class AuthTree(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The ``auth:`` tree: who may call the gateway.

    Attributes:
        api_keys: where the keys of its callers are.
    """

    api_keys: ApiKeys | None = None


class Environment(msgspec.Struct, kw_only=True, frozen=True):
    """What a ``Cloud`` is opened with: one environment, resolved.

    Attributes:
        name: the environment's name, ``cloud`` for the ``cloud:`` tree, or None for the
            embedded default and for a target that flags alone describe.
        scope: put before every name: ``""`` or ``tenant/namespace/``.
        primary: the target that is read and written.
        failover: the targets that answer when the primary cannot, in their order.
        backups: the targets that keep a copy.
        cache: how reads are kept.
        retry: how calls are tried again.
        deadline_seconds: the budget of a call, all tries included; a value adds the time
            that its size needs at 256 KiB/s.
        run: environment variable -> secret name, for ``skykeep run``.
        tags: put onto every secret that is written, where the store has tags.
        sources: the targets that a ``SecretLoader`` asks after the primary, in their order.
        pass_over, rest_seconds: see ``LoadingSettings``.
        cloud: the file's ``cloud:`` tree, or None.
        auth: the file's ``auth:`` tree, or None.
        origin: the file that it came from, or None.
    """

    name: str | None = None
    scope: str = ""
    primary: TargetSettings
    failover: tuple[TargetSettings, ...] = ()
    backups: tuple[TargetSettings, ...] = ()
    cache: CacheSettings = CacheSettings()
    retry: RetrySettings = RetrySettings()
    deadline_seconds: float = 10.0
    run: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    sources: tuple[TargetSettings, ...] = ()
    pass_over: tuple[Failure, ...] = LoadingSettings().pass_over
    rest_seconds: float = LoadingSettings().rest_seconds
    cloud: CloudTree | None = None
    auth: AuthTree | None = None
    origin: str | None = None
