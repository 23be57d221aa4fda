"""AWS: Secrets Manager or Parameter Store, S3, KMS. Importing this imports no SDK and no HTTP
client.

``settings.py`` what may be configured · ``endpoints.py`` regions and addresses ·
``credentials.py`` whose credentials, by ``chain.py``, botocore's chain, with
``credential_errors.py`` · ``signing.py`` Signature Version 4 · ``clock.py`` when ·
``client.py`` one call · ``errors.py`` the services' errors -> ours ·
``names.py`` names · ``tags.py`` tags and expiry · ``session.py`` what clients share ·
``secrets.py`` opens one of the two stores: Secrets Manager in ``reading.py``,
``writing.py`` and ``stages.py``, Parameter Store in ``parameters.py`` and
``parameter_values.py``, both with ``batching.py`` and ``cursors.py`` ·
``identity.py`` who we are, with ``policy.py`` ·
``s3/`` objects, with its own map · ``kms.py`` keys, with ``kms_names.py`` and
``kms_errors.py``
"""

from skykeep.interfaces.provider import Provider, Quota

PROVIDER = Provider(
    name="aws",
    extra="aws",
    settings="skykeep.providers.aws.settings:AwsSettings",
    drivers={
        "secrets": "skykeep.providers.aws.secrets:open_secrets",
        "keys": "skykeep.providers.aws.kms:open_keys",
        "identity": "skykeep.providers.aws.identity:open_identity",
        "objects": "skykeep.providers.aws.s3.opening:open_objects",
    },
    quotas={
        # "AWS Secrets Manager quotas", Secrets Manager User Guide, each for an account and
        # region; of listings: "AWS Secrets Manager increases API requests per second limits",
        # What's New, 2022-11-11.
        "secretsmanager": (
            Quota(10_000, ("read", "describe")),
            Quota(50, ("write",)),
            Quota(100, ("list",)),
        ),
        # "AWS Systems Manager endpoints and quotas", AWS General Reference: GetParameter,
        # GetParameters and GetParametersByPath together, at the default throughput.
        "ssm": (Quota(40, ("read", "describe", "list")),),
    },
)
