"""What people and tools write is read as they mean it, and nothing is executed."""

from __future__ import annotations

import pytest

from skykeep.dialects import table
from skykeep.errors import Invalid
from tests.dialects.consumers import read_back


def found(dialect: str, text: str | bytes) -> dict[str, str]:
    data = text.encode() if isinstance(text, str) else text
    return read_back(table.read(dialect, data, "file"))


GOOD: list[tuple[str, str, dict[str, str]]] = [
    ("dotenv", "\ufeffA=b\n", {"A": "b"}),
    ("dotenv", "# c\n\nexport A = b # c\nB=\nC\n", {"A": "b", "B": ""}),
    ("dotenv", 'A="x\\ty\\"z" # c\r\nB=\'a\\nb\'\r\n', {"A": 'x\ty"z', "B": "a\\nb"}),
    ("dotenv", "A='two\nlines'\nB=a#b\nC=p$1$\n", {"A": "two\nlines", "B": "a#b", "C": "p$1$"}),
    ("dotenv", 'A="\\$HOME"', {"A": "$HOME"}),
    ("shell", "A=b; export B='c'\n# d\ndeclare -x C=\"d\"", {"A": "b", "B": "c", "C": "d"}),
    ("shell", "A=x'y z'\"\\$ \\\\ \\z\"\\ w\\\n1\n", {"A": "xy z$ \\ \\z w1"}),
    ("shell", "A=\nB=''\nC=a#b", {"A": "", "B": "", "C": "a#b"}),
    ("shell", 'A="a\\\nb"', {"A": "ab"}),
    ("fish", "set -gx A 'it\\'s \\\\ \\n'\nset -x -g B b # c\n",
     {"A": "it's \\ \\n", "B": "b"}),
    ("fish", 'set -Ux A "x \\$ \\" \\\\"', {"A": 'x $ " \\'}),
    ("powershell", "$env:A = 'it''s'\n$Env:B=\"a\"\"b\"; # c\n", {"A": "it's", "B": 'a"b'}),
    ("powershell", "$env:A = \u2018x\u2019\u2019y\u2019", {"A": "x\u2019y"}),
    ("docker", "# c\n  A=' b '\r\nB=a=b\n\n", {"A": "' b '", "B": "a=b"}),
    ("github-actions", "A=b<<c\nB<<E\nx=y\n\nE\n::add-mask::z\n", {"A": "b<<c", "B": "x=y\n"}),
    ("tfvars", 'a = "x\\n" # c\nb = 5 // c\n/* d */ c = true\n',
     {"a": "x\n", "b": "5", "c": "true"}),
    ("tfvars", 'a = "$${x} %%{y} $z \\u00e9\\U0001F600"', {"a": "${x} %{y} $z é😀"}),
    ("json", '{"db": {"user": "u", "port": 5.0}, "on": true}',
     {"db/user": "u", "db/port": "5.0", "on": "true"}),
    ("json", '{"a": {"base64": "eA=="}}', {"a": "x"}),
    ("yaml", "db:\n  user: u\n  port: 0755\non: no\n",
     {"db/user": "u", "db/port": "0755", "on": "no"}),
    ("yaml", "a: !!binary |\n  eA==\n---\nb: |\n  two\n  lines\n",
     {"a": "x", "b": "two\nlines\n"}),
    ("kubernetes", "kind: Secret\ndata: {a: eA==, b: eQ==}\nstringData: {b: z}\n",
     {"a": "x", "b": "z"}),
    ("kubernetes",
     "kind: List\nitems:\n- {kind: Secret, data: }\n- {kind: Secret, data: {a: eA==}}\n",
     {"a": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "text", "values"), GOOD)
def test_what_is_right(dialect: str, text: str, values: dict[str, str]) -> None:
    assert found(dialect, text) == values


BAD = [
    ("dotenv", "A=b\nB=${A}", "2: the value refers"),
    ("dotenv", 'A="$HOME"', "refers to another variable"),
    ("dotenv", "A='x' y", "more behind the value"),
    ("dotenv", "=x", "no line NAME"),
    ("dotenv", "A='x", "in the middle of a value"),
    ("shell", "A=canary\nB=$(rm -rf x)", "2: '[$]' would be expanded"),
    ("shell", "A=`id`", "would be expanded"),
    ("shell", 'A="$(id)"', "would be expanded"),
    ("shell", "A=~/x", "would be expanded"),
    ("shell", "A=x|y", "start or join a command"),
    ("shell", "rm x", "no assignment"),
    ("shell", "A='x", "in the middle"),
    ("fish", "set -gx A x y", "a list"),
    ("fish", 'set -gx A "$HOME"', "would be expanded"),
    ("fish", "set -gx A (id)", "one word in quotes"),
    ("fish", "echo x", "no line set"),
    ("fish", "set -gx A", "no line set"),
    ("powershell", "$env:A = (Get-Item x)", "a value is in quotes"),
    ("powershell", "$env:A = 'x' + 'y'", "not executed"),
    ("powershell", '$env:A = "$HOME"', "would be expanded"),
    ("powershell", "$a = 'x'", "no line"),
    ("powershell",
     "$env:A = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('a'))", "no base64"),
    ("docker", "A=b\nC", "2: this is no line"),
    ("docker", "A B=c", "no line"),
    ("github-actions", "A<<E\nx\n", "does not come back"),
    ("github-actions", "A", "neither"),
    ("tfvars", 'a = "${var.x}"', "templates"),
    ("tfvars", 'a = ["x"]', "a list, a map"),
    ("tfvars", 'a = "x" y', "more behind"),
    ("tfvars", 'a = "\\q"', "unknown"),
    ("tfvars", 'a = "\\ud800"', "no character"),
    ("tfvars", 'a = "\n"', "ends on its line"),
    ("tfvars", "= 1", "no line"),
    ("json", "{", ":1: this is not JSON"),
    ("json", "[" * 100_000, "not JSON"),
    ("json", "[]", "an object"),
    ("json", '{"a": ' * 200 + '"x"' + "}" * 200, "100 levels"),
    ("json", '{"a": {"b": null}}', "'a/b' is null or a list"),
    ("json", '{"a": {"base64": "!"}}', "no base64"),
    ("yaml", "a: [", "not YAML"),
    ("yaml", "a: &x {b: c}\nd: *x\n", "aliases"),
    ("yaml", "- a\n", "1: this is expected to be a mapping"),
    ("yaml", "a: [b]\n", "a list is no value"),
    ("yaml", "a:\n", "no value"),
    ("yaml", "? [a]\n: b\n", "a key"),
    ("yaml", "a: !!binary '!'\n", "no base64"),
    ("kubernetes", "kind: ConfigMap\n", "no Secret"),
    ("kubernetes", "kind: Secret\ndata: {a: '!'}\n", "no base64"),
    ("kubernetes", "kind: Secret\ndata: {a: [x]}\n", "no base64"),
    ("kubernetes", "&x\nkind: List\nitems: [*x]\n", "aliases"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "text", "reason"), BAD)
def test_what_is_wrong_is_named_by_its_line(dialect: str, text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as error:
        found(dialect, text)
    assert str(error.value).startswith("file")
    assert "canary" not in str(error.value)
    assert error.value.__context__ is None


@pytest.mark.parametrize("dialect", table.READ)
@pytest.mark.parametrize("data", [b"\xff\xfe\x00canary", b"", b"\x00", b"{}", b"canary: 'x"])
def test_what_is_none_of_it_is_an_error_or_nothing(dialect: str, data: bytes) -> None:
    said = ""
    try:
        read = read_back(table.read(dialect, data, "file"))
    except Invalid as error:
        read, said = {}, str(error)
    assert read in ({}, {"canary": "x"})
    assert "canary" not in said


@pytest.mark.parametrize(
    ("name", "text", "dialect"),
    [
        (".env", "", "dotenv"),
        ("app/.env.production", "", "dotenv"),
        ("prod.env", "", "dotenv"),
        ("a.json", "{}", "json"),
        ("a.json", "[1]", "json"),
        ("a.json", '{"items": [], "encrypted": false}', "bitwarden"),
        ("a.json", '{"apiVersion": "v1", "kind": "Secret"}', "kubernetes"),
        ("a.yaml", "a: b", "yaml"),
        ("a.yml", "[a]", "yaml"),
        ("a.yml", "apiVersion: v1\nkind: Secret\n", "kubernetes"),
        ("a.SH", "", "shell"),
        ("a.fish", "", "fish"),
        ("a.ps1", "", "powershell"),
        ("a.tfvars", "", "tfvars"),
        ("a.1pux", "", "1pux"),
        ("a.xml", "", "keepass"),
        ("a.csv", "", "1password-csv"),
    ],
)
def test_the_dialect_is_found(name: str, text: str, dialect: str) -> None:
    assert table.guessed(text.encode(), name) == dialect


def test_a_dialect_that_is_not_found_is_asked_for() -> None:
    with pytest.raises(Invalid, match="'secrets' does not say") as error:
        table.guessed(b"", "secrets")
    assert "--format" in error.value.hint
