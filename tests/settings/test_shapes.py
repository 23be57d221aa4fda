"""Both file shapes, as they are written in the product's documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.settings.model import UninstalledTarget
from skykeep.settings.trees import CloudTree
from tests.settings.conftest import Load, Mistakes

DOCUMENTS = Path(__file__).parent / "seeds"
ENVIRONMENTS = (DOCUMENTS / "cloud_config.yaml").read_text()
CLOUD = (DOCUMENTS / "cloud.yaml").read_text()
AUTH = (DOCUMENTS / "auth.yaml").read_text()
RESIDENCY = (DOCUMENTS / "data_residency.yaml").read_text()


def all_three() -> str:
    """One file with the ``cloud:`` tree, its data residency, and the ``auth:`` tree."""
    residency = RESIDENCY.removeprefix("cloud:\n")
    assert residency != RESIDENCY
    return f"{CLOUD}\n{residency}\n{AUTH}"


def uninstalled(target: object) -> UninstalledTarget:
    assert isinstance(target, UninstalledTarget)
    return target


def tree(cloud: CloudTree | None) -> CloudTree:
    assert cloud is not None
    return cloud


class TestEnvironments:
    def test_the_document_loads_as_it_is(self, loaded: Load) -> None:
        environment = loaded(ENVIRONMENTS)
        assert environment.name == "production"
        assert environment.origin == "skykeep.yaml"
        primary = environment.primary
        assert (primary.backend, primary.region) == ("aws", "us-east-1")
        assert primary.secret_prefix == "intraday-prod/"
        (failover,) = environment.failover
        assert uninstalled(failover).options == {
            "vault_url": "https://intraday-prod.vault.azure.net/"
        }
        assert environment.backups == ()
        assert environment.cache.ttl_seconds is None

    def test_by_its_own_file_name(self, loaded: Load, directory: Path) -> None:
        (directory / "cloud_config.yaml").write_text(ENVIRONMENTS)
        assert loaded().origin == "cloud_config.yaml"

    def test_backups_beside_them(self, loaded: Load) -> None:
        text = (
            f"{ENVIRONMENTS}\n  backups: [{{backend: memory}}, {{backend: local, path: b}}]\n"
        )
        assert [target.backend for target in loaded(text).backups] == ["memory", "local"]

    def test_failover_as_a_list(self, loaded: Load) -> None:
        text = "a: {primary: {backend: memory}, failover: [{backend: aws}, {backend: vault}]}"
        assert [target.backend for target in loaded(text).failover] == ["aws", "vault"]

    def test_every_setting(self, loaded: Load) -> None:
        environment = loaded(
            """
            cache: {ttl_seconds: 60, max_entries: 5}
            retry: {attempts: 2}
            scope: {tenant: acme}
            run: {A: a, B: b}
            x-own: &store {backend: memory, region: here}
            a:
              primary:
                <<: *store
                name: first
                account: "1"
                region: eu
              cache: {ttl_seconds: 7}
              retry: {max_seconds: 1}
              deadline_seconds: 3
              scope: {namespace: web}
              run: {B: other, C: c}
            """
        )
        assert environment.cache.ttl_seconds == 7
        assert environment.cache.max_entries == 5
        assert (environment.retry.attempts, environment.retry.max_seconds) == (2, 1)
        assert environment.deadline_seconds == 3
        assert environment.scope == "acme/web/"
        assert environment.run == {"A": "a", "B": "other", "C": "c"}
        assert environment.primary.name == "first"
        assert environment.primary.region == "eu"

    def test_defaults_alone_go_with_the_embedded_vault(self, loaded: Load) -> None:
        environment = loaded("deadline_seconds: 4")
        assert (environment.name, environment.primary.backend) == (None, "local")
        assert environment.deadline_seconds == 4

    @pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null", "{}", "\ufeff"])
    def test_an_empty_file_says_nothing(self, loaded: Load, text: str) -> None:
        environment = loaded(text)
        assert (environment.name, environment.primary.backend) == (None, "local")


class TestCloudTree:
    def test_the_document_loads_as_it_is(self, loaded: Load) -> None:
        environment = loaded(CLOUD)
        assert environment.name == "cloud"
        assert (environment.primary.backend, environment.primary.region) == ("aws", "us-east-1")
        assert environment.cache.ttl_seconds == 300

    def test_every_part_of_it_is_kept(self, loaded: Load) -> None:
        environment = loaded(all_three())
        cloud = tree(environment.cloud)
        assert cloud.aws
        assert cloud.aws.s3
        assert cloud.aws.s3.bucket == "llm-shield-models"
        assert cloud.aws.cloudwatch
        assert cloud.aws.cloudwatch.log_group == "/llm-shield/api"
        assert cloud.gcp
        assert cloud.gcp.cloud_logging
        assert cloud.gcp.cloud_logging.log_name == "llm-shield-api"
        assert cloud.azure
        assert cloud.azure.blob_storage
        assert cloud.azure.blob_storage.container == "models"
        assert cloud.azure.monitor
        assert cloud.azure.monitor.enabled
        assert cloud.data_residency
        assert cloud.data_residency.regions == ("us-east-1", "eu-west-1", "ap-southeast-1")
        assert environment.auth
        assert environment.auth.api_keys
        assert environment.auth.api_keys.aws_secret_name == "llm-shield/api-keys"

    def test_gcp(self, loaded: Load) -> None:
        environment = loaded(CLOUD.replace('provider: "aws"', 'provider: "gcp"'))
        assert uninstalled(environment.primary).options == {"project_id": "llm-shield-prod"}

    def test_azure(self, loaded: Load) -> None:
        environment = loaded(CLOUD.replace('provider: "aws"', 'provider: "azure"'))
        assert uninstalled(environment.primary).options == {
            "vault_url": "https://llm-shield-kv.vault.azure.net/",
        }
        assert environment.objects is not None
        assert uninstalled(environment.objects).options == {
            "storage_account": "llmshieldstorage",
            "container": "models",
        }
        assert environment.cache.ttl_seconds == 300

    def test_none_is_the_embedded_vault(self, loaded: Load) -> None:
        environment = loaded(CLOUD.replace('provider: "aws"', 'provider: "none"'))
        assert environment.primary.backend == "local"
        assert environment.primary.secret_prefix is None
        assert environment.cache.ttl_seconds is None

    def test_a_secret_service_that_is_off(self, loaded: Load) -> None:
        text = "cloud: {provider: aws, aws: {secrets_manager: {enabled: false}}}"
        assert loaded(text).primary.backend == "local"

    @pytest.mark.parametrize("text", [AUTH, RESIDENCY])
    def test_a_part_of_it_alone(self, loaded: Load, text: str) -> None:
        environment = loaded(text)
        assert (environment.name, environment.primary.backend) == (None, "local")
        assert (environment.auth is not None) == (text == AUTH)
        assert (environment.cloud is not None) == (text == RESIDENCY)

    def test_with_environments_beside_it(self, loaded: Load) -> None:
        both = f"{ENVIRONMENTS}\n{all_three()}"
        assert loaded(both).name == "cloud"
        production = loaded(both, env="production")
        assert production.primary.secret_prefix == "intraday-prod/"
        assert production.auth is not None
        assert loaded(f"default_environment: production\n{both}").name == "production"
        assert loaded(f"default_environment: cloud\n{both}").name == "cloud"

    def test_residency_alone_is_no_environment(self, loaded: Load) -> None:
        assert loaded(f"{ENVIRONMENTS}\n{RESIDENCY}").name == "production"

    def test_the_chosen_provider_needs(self, mistakes: Mistakes) -> None:
        (missing,) = mistakes("cloud:\n  provider: azure\n")
        assert missing == (
            ":2: cloud: the key 'azure.key_vault.vault_url' is missing: "
            "'provider: azure' needs it"
        )
        assert mistakes("auth:\n  api_keys:\n    source: aws_secrets_manager\n") == [
            (
                ":2: auth.api_keys: the key 'aws_secret_name' is missing: "
                "'source: aws_secrets_manager' needs it"
            )
        ]


class TestIsolation:
    def test_named_environments_share_no_local_secret(self, loaded: Load) -> None:
        text = "a: {primary: {backend: local}}\nb: {primary: {backend: local}}\n"
        assert loaded(text, env="a").primary.secret_prefix == "a/"
        assert loaded(text, env="b").primary.secret_prefix == "b/"

    def test_every_role(self, loaded: Load) -> None:
        environment = loaded(
            "a: {primary: {backend: aws}, failover: {backend: local}, "
            "backups: [{backend: local, path: b}, {backend: memory}]}"
        )
        assert environment.primary.secret_prefix is None
        assert environment.failover[0].secret_prefix == "a/"
        assert [target.secret_prefix for target in environment.backups] == ["a/", None]

    @pytest.mark.parametrize("own", ["own/", ""])
    def test_an_own_prefix_stays(self, loaded: Load, own: str) -> None:
        text = f'a: {{primary: {{backend: local, secret_prefix: "{own}"}}}}'
        assert loaded(text).primary.secret_prefix == own

    def test_the_embedded_default_has_none(self, loaded: Load) -> None:
        assert loaded().primary.secret_prefix is None
