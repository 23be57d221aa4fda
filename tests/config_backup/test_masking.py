"""What of two configurations is shown: changes, and no secret."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from skykeep.config_backup.masking import Version, compared
from skykeep.errors import Invalid

CANARY = "canary-77aa01"


def shown(before: str, after: str) -> str:
    return compared(Version("before", before), Version("after", after))


def lines(text: str) -> list[str]:
    """A file as it is shown: what is taken away from it."""
    return [line[1:] for line in shown(text, "").splitlines() if line.startswith("-")][1:]


def test_what_is_the_same_has_no_difference() -> None:
    assert shown("a: 1\n", "a: 1\n") == ""


def test_what_differs_is_shown_with_its_surroundings() -> None:
    assert shown("a: 1\nb: 2\nc: 3\n", "a: 1\nb: 5\nc: 3\n").splitlines() == [
        "--- before", "+++ after", "@@ -1,3 +1,3 @@", " a: 1", "-b: 2", "+b: 5", " c: 3",
    ]  # fmt: skip


def test_the_end_of_a_file_is_shown() -> None:
    assert shown("a: 1\n", "a: 1").splitlines()[-1] == "+\\ No newline at end of file"
    assert "-a: 1\r\n+a: 1" in shown("a: 1\r\n", "a: 1\n")


def test_a_changed_secret_is_seen_and_not_shown() -> None:
    before, after = (f"password: {CANARY}{n}\nother: x\n" for n in (1, 2))
    assert shown(before, after).splitlines()[3:] == [
        "-password: ***(1)", "+password: ***(2)", " other: x"
    ]  # fmt: skip


def test_equal_secrets_have_equal_masks() -> None:
    text = f"a: {{token: {CANARY}, secret: other, passphrase: '{CANARY}'}}\n"
    assert lines(text) == ["a: {token: ***(1), secret: ***(2), passphrase: ***(1)}"]


HIDDEN = [
    f"password: {CANARY}",
    f"password: '{CANARY}'",
    f'"password": "{CANARY}"',
    f"p: {{q: [{{token: {CANARY}}}]}}",
    f"tokens: [a, {CANARY}]",
    f"secret:\n  anything:\n    - {CANARY}",
    f"password: |\n  one\n  {CANARY}\n  two\nafter: 1",
    f"password: >-\n  one\n  {CANARY}",
    f'password: "one\n  {CANARY}"',
    f"password: one\n  {CANARY}",
    f"password: &p {CANARY}",
    f"password: !!str {CANARY}",
    f"x-one: &p {CANARY}\npassword: *p",
    f"x-one: &p\n  any: {CANARY}\nsecrets: *p",
    f"x-one: &p [{CANARY}]\nsecrets: [*p]",
    f"? [{CANARY}]\n: 1",
    f"? {{a: {CANARY}}}\n: 1",
    f"# password: {CANARY}",
    f"a: 1  # db_password = {CANARY}",
    f"#password: {CANARY}\na: 1",
    f"a: 1 # the old token: {CANARY}",
    f'a: "password={CANARY}"',
    f"a: |\n  set\n  export DB_PASSWORD={CANARY}\n  end",
    f"url: https://user:{CANARY}@host/path",
    f"# https://user:{CANARY}@host/path",
    f"url: https://{CANARY}@host",
    f"é😀: 'é😀'\n😀: é\npassword: é😀{CANARY}",
    f"token: ${{TOKEN:-{CANARY}}}",
    f"password: prefix-${{A}}-{CANARY}",
    f"run: {{A: b}}\nx: {{run: {{B: c}}, password: {CANARY}}}",
    f"keys: {{backend: local, passphrase: {CANARY}}}",
    "note: " + "AKIA" + "ABCDEFGHIJKLMNOP",
    "# 😀 " + "AKIA" + "ABCDEFGHIJKLMNOP",
]


@pytest.mark.parametrize("text", HIDDEN)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_secrets_are_masked(text: str, end: str) -> None:
    found = shown("", text.replace("\n", end) + end)
    assert CANARY not in found
    assert "AKIA" not in found
    assert "***(1)" in found


SHOWN = [
    "primary: {backend: aws, region: us-east-1, key_file: ~/k, secret_prefix: app/}",
    "password: ${DB_PASSWORD}",
    "password: '${DB_PASSWORD}'",
    "keyring: true",
    "token: ~",
    "token:",
    "run: {DB_PASSWORD: db/password}",
    "files: {api-keys: api_keys}",
    "variables: {api-key: API_KEY}",
    "secrets_manager: {enabled: true}",
    "keys: {backend: local, region: eu}",
    "a: b # the key: in the safe",
    "url: https://host/path@2",
    "# password: ${DB_PASSWORD}",
    "a: &x 1\nb: *x",
    "a: 'it''s #no comment: password'",
]


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_no_secret_is_shown(text: str) -> None:
    if "in the safe" in text:
        assert lines(text)[0] == "a: b # the key: ***(1)", "a word of secrets, in a comment"
    else:
        assert lines(f"{text}\n") == text.splitlines()


KEYS = st.sampled_from(["a", "password", "é", "token", "run", "list", "x-y"])
SECRETS = st.text("cn-aré😀 \n\"'#:{}[]&*!|>%@`0", max_size=12).map(lambda t: f"{CANARY}{t}")
TREES = st.recursive(
    SECRETS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)


@given(TREES, st.booleans(), st.booleans(), st.integers(20, 200))
def test_nothing_below_a_secret_key_is_shown_however_it_is_written(
    tree: object, flow: bool, unicode: bool, width: int
) -> None:
    text = yaml.safe_dump(
        {"é": "😀", "some_secret": tree, "z": 1},
        default_flow_style=flow,
        allow_unicode=unicode,
        width=width,
    )
    assert CANARY not in shown("", text)
    assert "z: 1" in shown("", text)


@pytest.mark.parametrize(
    "text",
    [f"a: [{CANARY}", f"{CANARY}: b: c", "a: \t- b\n\tc: d", "\x00", "[" * 100 + "]" * 100],
)
def test_what_is_no_yaml_is_not_shown(text: str) -> None:
    with pytest.raises(Invalid, match="after is not YAML") as caught:
        shown("a: 1\n", text)
    assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None
