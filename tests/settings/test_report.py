"""What ``config check`` and ``config show`` say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skykeep.errors import ConfigError
from skykeep.settings.load import Flags, check, show
from skykeep.settings.masks import looks_secret
from skykeep.settings.model import UninstalledTarget
from skykeep.settings.report import Report
from skykeep.settings.trees import ApplicationInsights
from tests.settings.providers import lacking_of, settings_of
from tests.settings.test_shapes import ENVIRONMENTS, all_three


def checked(directory: Path, text: str, **flags: str) -> Report:
    (directory / "skykeep.yaml").write_text(text)
    return check(Flags(**flags), environ={}, settings_of=settings_of, lacking_of=lacking_of)


def notes(report: Report) -> list[str]:
    return [str(note).removeprefix("skykeep.yaml") for note in report.notes]


class TestCheck:
    def test_nothing_configured(self, home: Path) -> None:
        report = check(
            environ={"SKYKEEP_HOME": str(home)}, settings_of=settings_of, lacking_of=lacking_of
        )
        assert report == Report(None, (), (), ())
        assert report.ok

    def test_all_environments(self, directory: Path) -> None:
        report = checked(
            directory,
            "a: {primary: {backend: locl}}\nb: {primary: {backend: aws, x: '${NONE}'}}\n",
            env="a",
        )
        assert not report.ok
        assert report.file == "skykeep.yaml"
        assert report.environments == ("a", "b")
        assert [problem.line for problem in report.problems] == [1, 2]
        assert report.notes == ()

    def test_what_is_missing_is_a_problem(self, home: Path) -> None:
        report = check(
            Flags(config="none.yaml"),
            environ={},
            settings_of=settings_of,
            lacking_of=lacking_of,
        )
        assert [problem.file for problem in report.problems] == ["none.yaml"]
        environ = {"SKYKEEP_HOME": str(home), "SKYKEEP_CACHE_TTL": "x"}
        report = check(environ=environ, settings_of=settings_of, lacking_of=lacking_of)
        assert [problem.file for problem in report.problems] == ["SKYKEEP_CACHE_TTL"]

    def test_an_unknown_environment(self, directory: Path) -> None:
        report = checked(directory, "a: {primary: {backend: local}}", env="b")
        assert [problem.file for problem in report.problems] == ["--env"]

    def test_notes_on_environments(self, directory: Path) -> None:
        assert notes(checked(directory, ENVIRONMENTS)) == [
            (
                ":4: production.primary: the provider 'aws' cannot be imported: "
                "its own keys were not checked"
            ),
            (
                ":8: production.failover: the provider 'azure' cannot be imported: "
                "its own keys were not checked"
            ),
        ]

    @pytest.mark.parametrize(
        ("failover", "note"),
        [
            ("{backend: memory}", "other hosts do not see before it is back"),
            ("[{backend: memory}]", "other hosts do not see before it is back"),
            ("[]", "there is no failover target: while the primary is away writes are refused"),
        ],
    )
    def test_what_writes_to_a_failover_target_give_up(
        self, directory: Path, failover: str, note: str
    ) -> None:
        text = (
            f"a:\n  primary: {{backend: local}}\n  failover: {failover}\n  writes: failover\n"
        )
        (found,) = notes(checked(directory, text))
        assert found.startswith(":4: a.writes: ")
        assert note in found
        assert (
            notes(checked(directory, text.replace("writes: failover", "writes: primary"))) == []
        )

    @pytest.mark.parametrize(
        ("targets", "said"),
        [
            (
                "primary: {backend: memory, name: x}\n  failover: {backend: memory, name: x}",
                ":3: a.failover: called 'x' like a.primary: give one of them another name",
            ),
            (
                (
                    "primary: {backend: memory, name: 'backup[1]'}\n"
                    "  backups: [{backend: memory, name: x}, {backend: memory}]"
                ),
                (
                    ":3: a.backups[1]: called 'backup[1]' like a.primary: "
                    "give one of them another name"
                ),
            ),
            (
                (
                    "primary: {backend: memory, name: x}\n"
                    "  failover: {backend: local, name: x}\n"
                    "  backups: [{backend: memory}, {backend: memory}]\n"
                    "  objects: {backend: memory, name: x}"
                ),
                None,
            ),
        ],
    )
    def test_targets_of_one_name(self, directory: Path, targets: str, said: str | None) -> None:
        report = checked(directory, f"a:\n  {targets}\n")
        found = [str(problem).removeprefix(problem.file) for problem in report.problems]
        assert found == ([] if said is None else [said])

    def test_notes_on_the_tree(self, directory: Path) -> None:
        text = all_three().replace("enabled: true", "enabled: false", 1)
        assert notes(checked(directory, text)) == [
            (
                ":4: cloud.objects: the provider 'aws' cannot be imported: "
                "its own keys were not checked"
            ),
            (
                ":10: cloud.aws.secrets_manager.enabled: off: secrets are kept in "
                "the embedded local vault"
            ),
        ]

    def test_several_environments_are_no_mistake(self, directory: Path) -> None:
        two = "a: {primary: {backend: local}}\nb: {primary: {backend: local}}\n"
        report = checked(directory, two)
        assert report.ok
        assert notes(report) == [
            ": no 'default_environment': commands need --env or SKYKEEP_ENV"
        ]
        assert notes(checked(directory, f"default_environment: a\n{two}")) == []

    @pytest.mark.parametrize(
        ("first", "second", "same"),
        [
            ("primary: {backend: aws}", "primary: {backend: aws}", True),
            ("primary: {backend: aws}", "primary: {backend: aws, name: x}", True),
            ("primary: {backend: aws}", "primary: {backend: aws, region: x}", False),
            ("primary: {backend: aws}", "primary: {backend: aws, secret_prefix: x}", False),
            ("primary: {backend: aws}", "primary: {backend: aws}, scope: {tenant: t}", False),
            ("primary: {backend: aws, a: 1}", "primary: {backend: aws, a: 2}", False),
            ("primary: {backend: local}", "primary: {backend: local}", False),
            (
                "primary: {backend: memory}, failover: {backend: memory}",
                "primary: {backend: local}",
                True,
            ),
        ],
    )
    def test_the_same_store(self, directory: Path, first: str, second: str, same: bool) -> None:
        report = checked(
            directory, f"default_environment: a\na: {{{first}}}\nb: {{{second}}}\n"
        )
        assert report.ok
        assert any("the same store and prefix as a.primary" in n for n in notes(report)) == same


class TestShow:
    def test_values_and_their_sources(self, directory: Path) -> None:
        (directory / "skykeep.yaml").write_text(
            "cache: {ttl_seconds: 9}\n"
            "a:\n"
            "  primary:\n"
            "    backend: local\n"
            "    key_file: k\n"
            "  failover:\n"
            "    backend: vault\n"
            "    vault_url: https://user:pass@vault:8200/\n"
            "    secret_id_file: /f\n"
            "    auth: {token: abc, method: x}\n"
            "    tokens: [abc]\n"
            "  run: {DB_PASSWORD: db/password}\n"
        )
        environ = {"SKYKEEP_TENANT": "t"}
        shown = show(Flags(region="eu"), environ=environ, settings_of=settings_of)
        assert shown == {
            "environment": "a",
            "file": "skykeep.yaml",
            "scope": "t/",
            "primary": {
                "backend": "local",
                "region": "eu",
                "secret_prefix": "a/",
                "key_file": "k",
                "keep_versions": 100,
            },
            "failover": [
                {
                    "backend": "vault",
                    "vault_url": "https://***@vault:8200/",
                    "secret_id_file": "/f",
                    "auth": {"token": "***", "method": "x"},
                    "tokens": ["***"],
                }
            ],
            "backups": [],
            "cache": {
                "ttl_seconds": 9.0,
                "max_entries": 10000,
                "refresh_ahead_seconds": 0.0,
                "stale_while_revalidate_seconds": 0.0,
                "max_stale_seconds": 0.0,
            },
            "retry": {"attempts": 3, "base_seconds": 0.1, "max_seconds": 2.0},
            "deadline_seconds": 10.0,
            "run": {"DB_PASSWORD": "db/password"},
            "tags": {},
            "sources": {
                "primary.backend": "skykeep.yaml:4",
                "primary.region": "--region",
                "primary.secret_prefix": "the environment's name",
                "primary.key_file": "skykeep.yaml:5",
                "primary.keep_versions": "default",
                "failover[0].backend": "skykeep.yaml:7",
                "failover[0].vault_url": "skykeep.yaml:8",
                "failover[0].secret_id_file": "skykeep.yaml:9",
                "failover[0].auth.token": "skykeep.yaml:10",
                "failover[0].auth.method": "skykeep.yaml:10",
                "failover[0].tokens[0]": "skykeep.yaml:11",
                "cache.ttl_seconds": "skykeep.yaml:1",
                "cache.max_entries": "default",
                "cache.refresh_ahead_seconds": "default",
                "cache.stale_while_revalidate_seconds": "default",
                "cache.max_stale_seconds": "default",
                "retry.attempts": "default",
                "retry.base_seconds": "default",
                "retry.max_seconds": "default",
                "deadline_seconds": "default",
                "run.DB_PASSWORD": "skykeep.yaml:12",
            },
        }
        assert json.loads(json.dumps(shown)) == shown

    def test_a_switch_that_is_called_like_a_secret(self, directory: Path) -> None:
        (directory / "skykeep.yaml").write_text(
            "a: {primary: {backend: vault, auth: {token: true, keys: [false, x]}}}"
        )
        shown = show(environ={}, settings_of=settings_of)
        assert shown["primary"]["auth"] == {"token": True, "keys": [False, "***"]}

    def test_the_trees(self, directory: Path) -> None:
        (directory / "skykeep.yaml").write_text(all_three())
        shown = show(environ={}, settings_of=settings_of)
        assert shown["environment"] == "cloud"
        insights = shown["cloud"]["azure"]["application_insights"]
        assert insights == {"instrumentation_key": "***", "enabled": False}
        assert shown["cloud"]["aws"]["s3"]["bucket"] == "llm-shield-models"
        assert shown["auth"]["api_keys"]["aws_secret_name"] == "llm-shield/api-keys"
        assert shown["sources"]["primary.region"] == "skykeep.yaml:8"
        assert shown["sources"]["cache.ttl_seconds"] == "skykeep.yaml:11"

    def test_the_embedded_default(self, home: Path) -> None:
        shown = show(environ={"SKYKEEP_HOME": str(home)}, settings_of=settings_of)
        assert shown["environment"] is None
        assert shown["file"] is None
        assert shown["primary"] == {"backend": "local", "keep_versions": 100}
        assert set(shown["sources"].values()) == {"default"}

    def test_errors_are_those_of_load(self) -> None:
        with pytest.raises(ConfigError):
            show(Flags(config="none.yaml"), environ={}, settings_of=settings_of)


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("password", True),
        ("db_passwd", True),
        ("Passphrase", True),
        ("client_secret", True),
        ("token", True),
        ("api_key", True),
        ("secretKey", True),
        ("credentials", True),
        ("secret_prefix", False),
        ("key_file", False),
        ("aws_secret_name", False),
        ("access_key_id", False),
        ("token_path", False),
        ("secrets_manager", False),
        ("key_vault", False),
        ("region", False),
    ],
)
def test_keys_that_look_secret(key: str, secret: bool) -> None:
    assert looks_secret(key) == secret


def test_what_may_be_secret_is_not_in_repr() -> None:
    assert "abc" not in repr(UninstalledTarget(backend="vault", options={"token": "abc"}))
    assert "abc" not in repr(ApplicationInsights(instrumentation_key="abc"))
