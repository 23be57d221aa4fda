"""The part of the model that the ``cloud:`` and ``auth:`` trees of a file have.

The attribute lines of the docstrings are the descriptions that editors show.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

NonEmpty = Annotated[str, Meta(min_length=1)]
Seconds = Annotated[float, Meta(ge=0)]
Source = Literal["aws_secrets_manager", "file", "env"]


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
