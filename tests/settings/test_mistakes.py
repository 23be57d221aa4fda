"""What wrong files get: every mistake with its line, its key and what was expected."""

from __future__ import annotations

import pytest

from skykeep.errors import ConfigError
from tests.settings.conftest import Load, Mistakes

LOCAL_KEYS = "backend, name, account, region, secret_prefix, path, key_file, keep_versions"

WRONG: list[tuple[str, list[str]]] = [
    # -- the text itself
    (
        "a: b: c",
        [":1: this is not YAML: mapping values are not allowed in this context"],
    ),
    (
        "a:\tb\n\tc: d",
        [
            (":2: this is not YAML: while scanning a plain scalar: found a tab character that "
            "violates indentation")
        ],
    ),
    ("a: 1\nb: \x07\n", [":2: this is not YAML: control characters are not allowed"]),
    (
        "a: {primary: {backend: ${B}}}\n",
        [
            (":1: this is not YAML: while parsing a flow mapping: did not find expected ',' or "
            "'}'; a value with '${' inside { } and [ ] has to be quoted, or on "
            "a line of its own")
        ],
    ),
    ("---\na: 1\n---\nb: 2\n", [":3: a second document begins here: one is expected"]),
    ("- a\n", [":1: expected a mapping of settings, got a list"]),
    ("hello", [":1: expected a mapping of settings, got text 'hello'"]),
    # -- keys
    (
        "cahce: {ttl_seconds: 3}",
        [
            (":1: cahce: unknown key: neither a setting nor an environment (a mapping with "
            "'primary'); did you mean 'cache'?")
        ],
    ),
    (
        "region: eu",
        [
            (":1: region: unknown key: neither a setting nor an environment (a mapping with "
            "'primary')")
        ],
    ),
    (
        "production:\n",
        [
            (":1: production: unknown key: neither a setting nor an environment "
             "(a mapping with "
            "'primary')")
        ],
    ),
    (
        "a b: {primary: {backend: local}}",
        [
            ":1: a b: 'a b' cannot name an environment: use letters, digits, '.', '_' and '-'",
        ],
    ),
    ("stage: {region: eu}", [
        (":1: stage.region: unknown key; known: primary, failover, backups, objects, keys, "
        "encryption, residency, object_storage, cache, retry, writes, failover_on, "
        "deadline_seconds, attempt_seconds, breaker, hedge, journal, sweep_seconds, scope, "
        "run, tags, loading"),
        ":1: stage: the key 'primary' is missing: expected a mapping",
    ]),
    ("stage:\n  primry: {backend: local}\n", [
        ":2: stage.primry: unknown key; did you mean 'primary'?"
    ]),
    (
        "a:\n  primary: {backend: local}\n  primary: {backend: local}\n",
        [":3: a.primary: the key is here twice; first on line 2"],
    ),
    ("? [a]\n: 1\nb: 2\n", [
        ":1: a key is text, not a mapping, a list or a variable",
        ":3: b: unknown key: neither a setting nor an environment (a mapping with 'primary')",
    ]),
    ("x-a: &a {b: [c]}\n? *a\n: [d]\n", [
        ":2: a key is text, not a mapping, a list or a variable"
    ]),
    ("? {a: b}\n: {c: d}\n", [":1: a key is text, not a mapping, a list or a variable"]),
    # -- targets
    ("a:\n  primary:\n    region: eu\n", [
        ":2: a.primary: the key 'backend' is missing: expected text that is not empty"
    ]),
    ("a:\n  primary:\n    bakend: aws\n    vault_url: x\n", [
        ":3: a.primary.bakend: unknown key; did you mean 'backend'?"
    ]),
    ("a:\n  primary:\n    backend:\n", [
        ":3: a.primary.backend: expected text that is not empty, got nothing"
    ]),
    ("a:\n  primary:\n    backend: 5\n", [
        ":3: a.primary.backend: expected text that is not empty, got the number 5; quote it"
    ]),
    ("a:\n  primary:\n    backend: awz\n    regoin: eu\n", [
        ":3: a.primary.backend: there is no provider 'awz'; did you mean 'aws'?",
        ":4: a.primary.regoin: unknown key; did you mean 'region'?",
    ]),
    ("a:\n  primary:\n    backend: zzz\n", [
        ":3: a.primary.backend: there is no provider 'zzz'"
    ]),
    ("a:\n  primary:\n    backend: aws\n    Regoin: eu\n    account_id: 5\n", [
        ":4: a.primary.Regoin: unknown key; did you mean 'region'?"
    ]),
    ("a:\n  primary:\n    backend: aws\n    region: no\n    account: 012\n", [
        ":4: a.primary.region: expected text that is not empty, got the boolean 'no'; quote it",
        ":5: a.primary.account: expected text that is not empty, got the number 012; quote it",
    ]),
    ("a:\n  primary: {backend: local, pth: x}\n", [
        ":2: a.primary.pth: unknown key; did you mean 'path'?"
    ]),
    ("a:\n  primary:\n    backend: local\n    zzz: x\n", [
        f":4: a.primary.zzz: unknown key; known: {LOCAL_KEYS}"
    ]),
    ("a:\n  primary:\n    backend: local\n    keep_versions: 0\n", [
        ":4: a.primary.keep_versions: keep_versions is 1 to 1000"
    ]),
    ("a:\n  primary: aws\n", [":2: a.primary: expected a mapping, got text 'aws'"]),
    (
        "a:\n  primary: {backend: memory}\n  failover: aws\n",
        [":3: a.failover: expected a mapping or a list, got text 'aws'"],
    ),
    (
        "a:\n  primary: {backend: memory}\n  failover:\n    - {backend: memory}\n    - aws\n",
        [":5: a.failover[1]: expected a mapping, got text 'aws'"],
    ),
    (
        "a:\n  primary: {backend: memory}\n  backups: {backend: memory}\n",
        [":3: a.backups: expected a list, got a mapping"],
    ),
    (
        "a:\n  primary:\n    backend: memory\n    labels: [a, 5]\n    limits: {a: 1, b: x}\n",
        [
            ":4: a.primary.labels[1]: expected text, got the number 5; quote it",
            ":5: a.primary.limits.b: expected a whole number, got text 'x'",
        ],
    ),
    # -- numbers and ranges
    ("cache: {ttl_seconds: abc}", [
        ":1: cache.ttl_seconds: expected a number of at least 0, got text 'abc'"
    ]),
    ("cache:\n  ttl_seconds: -1\n  max_entries: 0\n", [
        ":2: cache.ttl_seconds: expected a number of at least 0, got the number -1",
        ":3: cache.max_entries: expected a whole number of at least 1, got the number 0",
    ]),
    ("cache: {max_entries: 2.5}", [
        ":1: cache.max_entries: expected a whole number of at least 1, got the number 2.5"
    ]),
    ("cache: 5", [":1: cache: expected a mapping, got the number 5"]),
    ("cache:\n", [":1: cache: expected a mapping, got nothing"]),
    ("retry: {attempts: 11}", [
        ":1: retry.attempts: expected a whole number from 1 to 10, got the number 11"
    ]),
    ("retry: {attempts: yes}", [
        ":1: retry.attempts: expected a whole number from 1 to 10, got the boolean 'yes'"
    ]),
    ("deadline_seconds: 0", [
        ":1: deadline_seconds: expected a number greater than 0, got the number 0"
    ]),
    (f"deadline_seconds: 1{'0' * 400}", [
        (":1: deadline_seconds: expected a number greater than 0, got the number "
        f"1{'0' * 39}")
    ]),
    ("deadline_seconds: .inf", [
        ":1: deadline_seconds: this is not a value that YAML's 'float' can have"
    ]),
    ("deadline_seconds: 0x_", [
        ":1: deadline_seconds: this is not a value that YAML's 'int' can have"
    ]),
    ("deadline_seconds: !!int x", [
        ":1: deadline_seconds: this is not a value that YAML's 'int' can have"
    ]),
    ("deadline_seconds: !!bool x", [
        ":1: deadline_seconds: this is not a value that YAML's 'bool' can have"
    ]),
    ("cache: {ttl_seconds: '" + "x" * 50 + "'}", [
        (":1: cache.ttl_seconds: expected a number of at least 0, got text "
        f"'{'x' * 40}…'; leave the quotes off")
    ]),
    # -- the trees
    ("cloud: {provider: awz}", [
        (":1: cloud.provider: expected one of 'aws', 'azure', 'gcp', 'none', got text 'awz'; "
        "did you mean 'aws'?")
    ]),
    ("cloud: {provider: 1}", [
        (":1: cloud.provider: expected one of 'aws', 'azure', 'gcp', 'none', got the number 1; "
        "quote it")
    ]),
    ("cloud: []", [":1: cloud: expected a mapping, got a list"]),
    (
        "cloud:\n  provider: aws\n  aws:\n    s3: {}\n    secret_manager: {}\n    xray: on\n",
        [
            ":4: cloud.aws.s3: the key 'bucket' is missing: expected text that is not empty",
            ":5: cloud.aws.secret_manager: unknown key; did you mean 'secrets_manager'?",
            ":6: cloud.aws.xray: expected a mapping, got the boolean 'on'",
        ],
    ),
    ("cloud:\n  data_residency: {enabled: 'yes', regions: eu}\n", [
        (":2: cloud.data_residency.enabled: expected true or false, got text "
        "'yes'; leave the quotes off"),
        ":2: cloud.data_residency.regions: expected a list, got text 'eu'",
    ]),
    ("auth:\n  api_keys: {source: files}\n", [
        (":2: auth.api_keys.source: expected one of 'aws_secrets_manager', 'env', 'file', got "
        "text 'files'; did you mean 'file'?")
    ]),
    ("auth: 5", [":1: auth: expected a mapping, got the number 5"]),
    # -- run, scope, default_environment
    ("run:\n  1X: a\n  OK: a b\n  N: 5\n  A-B: native:x y\n", [
        (":2: run.1X: '1X' cannot name an environment variable: use letters, digits and '_', "
        "and no digit first"),
        (":3: run.OK: 'a b' is not a name: it has the character ' '; use letters, digits, '.', "
        "'_' and '-', in segments joined by '/', as in db/password"),
        ":4: run.N: expected text, got the number 5; quote it",
        (":5: run.A-B: 'A-B' cannot name an environment variable: use letters, digits and '_', "
        "and no digit first"),
    ]),
    ("scope: {tenant: a/b, namespace: ..}", [
        (":1: scope.tenant: expected a tenant of letters, digits, '.', '_' and '-', without "
        "'/', got text 'a/b'"),
        (":1: scope.namespace: expected a namespace of letters, digits, '.', '_' and '-', "
        "without '/', got text '..'"),
    ]),
    ("default_environment: prd\nprod: {primary: {backend: memory}}", [
        ":1: default_environment: there is no environment 'prd'; did you mean 'prod'?"
    ]),
    ("default_environment: a\n", [
        ":1: default_environment: there is no environment 'a': the file has none"
    ]),
    ("default_environment: 5\n", [
        ":1: default_environment: expected the name of an environment, got the number 5"
    ]),
    # -- tags, anchors, bombs
    ("run: !!python/object/apply:os.system [echo]", [
        ":1: run: unknown tag '!!python/object/apply:os.system'; nothing is constructed from it"
    ]),
    ("deadline_seconds: !python 5\ncache: !!set {a}", [
        ":1: deadline_seconds: unknown tag '!python'; nothing is constructed from it",
        ":2: cache: unknown tag '!!set'; nothing is constructed from it",
    ]),
    ("deadline_seconds: *nowhere", [
        ":1: deadline_seconds: there is no anchor '&nowhere' before this alias"
    ]),
    ("a: &a\n  primary: *a\n", [":2: a.primary: the alias '*a' contains itself"]),
    ("x-a: &a 5\nrun:\n  <<: *a\n", [":3: run: '<<' takes a mapping or a list of mappings"]),
    (
        "x-0: &0 [a,a,a,a,a,a,a,a,a,a]\n"
        + "".join(f"x-{n}: &{n} [{','.join([f'*{n - 1}'] * 10)}]\n" for n in range(1, 9)),
        [":5: x-4[0]: the file has more than 20,000 values, with all aliases followed"],
    ),
    ("x-a: [" + "a," * 20_000 + "]", [
        ":1: x-a[19997]: the file has more than 20,000 values, with all aliases followed"
    ]),
    ("[" * 100_000, [":1: values are nested more than 64 levels deep"]),
    ("- " * 100_000, [":1: values are nested more than 64 levels deep"]),
    ("a:\n" + "".join(f"{' ' * n}b:\n" for n in range(1, 100)), [
        ":65: values are nested more than 64 levels deep"
    ]),
    (
        "x-0: &0 [a]\n" + "".join(f"x-{n}: &{n} [*{n - 1}]\n" for n in range(1, 100)),
        [":64: values are nested more than 64 levels deep"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=range(len(WRONG)))
def test_wrong_files(mistakes: Mistakes, text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


def test_all_mistakes_at_once_in_file_order(mistakes: Mistakes) -> None:
    found = mistakes(
        "default_environment: prd\n"
        "prod:\n"
        "  primary: {backend: awz}\n"
        "  failover: {backend: local, region: no}\n"
        "  cache: {ttl: 3}\n"
        "retry: {attempts: 0}\n"
        "retry: {attempts: 3}\n"
        "cloud: {provider: ${NONE:-nobody}}\n".replace("${NONE:-nobody}", '"${NONE:-nobody}"')
    )
    assert [line.split(":")[1] for line in found] == ["1", "3", "4", "5", "6", "7", "8"]


def test_the_error_itself(loaded: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded("cache: {ttl_seconds: x}\nretry: {attempts: x}\n")
    (first, second) = caught.value.problems
    assert (first.file, first.line, first.key) == ("skykeep.yaml", 1, "cache.ttl_seconds")
    assert second.line == 2
    assert str(caught.value) == f"{first}\n{second}"
    assert caught.value.__cause__ is None


def test_problems_before_the_one_that_ends_reading(mistakes: Mistakes) -> None:
    found = mistakes("a: ${UNSET}\nb: !x 1\nc: [\n")
    assert [line.split(":")[1] for line in found] == ["1", "2", "4"]


def test_a_key_of_any_kind_is_text(loaded: Load) -> None:
    for name in ("on", "no", "2024", "1.5", "null"):
        assert loaded(f"{name}: {{primary: {{backend: memory}}}}").name == name


def test_aliases_and_merges_keep_working(loaded: Load) -> None:
    environment = loaded(
        "x-name: &name memory\n"
        "x-one: &one {backend: *name, region: one}\n"
        "x-two: &two {region: two, account: acc}\n"
        "&env a: {primary: {<<: [*one, *two], account: own}, failover: *one}\n"
        "default_environment: *env\n"
    )
    assert environment.primary.region == "one"
    assert environment.primary.account == "own"
    assert environment.failover[0].region == "one"


def test_an_alias_as_a_key(loaded: Load) -> None:
    text = "x-n: &n prod\n*n : {primary: {backend: memory}}\n"
    assert loaded(text).name == "prod"


def test_mistakes_behind_an_alias_name_the_line_of_the_content(mistakes: Mistakes) -> None:
    text = "x-t: &t\n  backend: local\n  zzz: 1\na:\n  primary: *t\n"
    assert mistakes(text) == [f":3: a.primary.zzz: unknown key; known: {LOCAL_KEYS}"]


def test_without_libyaml(monkeypatch: pytest.MonkeyPatch, loaded: Load) -> None:
    import yaml

    from skykeep.settings import parse

    monkeypatch.setattr(parse, "_Loader", yaml.SafeLoader)
    assert loaded("a: {primary: {backend: memory}}").name == "a"
    for text in ("[" * 2000, "a: [", "a: \x07", 'a: "\\U00110000"', "a: !!int x"):
        with pytest.raises(ConfigError):
            loaded(text)
