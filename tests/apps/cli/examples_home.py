"""The home in which the examples run: what they mention is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.apps.cli.examples import ANSWER, at_home
from tests.dialects.foreign import BITWARDEN, KEEPASS

VALUE = "canary-of-the-examples"

# The stand-ins check what they are given: an example that hands over nothing fails.
PROGRAMS = {
    "skykeep": """#!/bin/sh
        "$SKYKEEP_REAL" "$@"
        code=$?
        echo "$code $*" >> "$HOME/calls"
        exit $code
        """,
    "psql": f"""#!/bin/sh
        [ "$PGPASSWORD" = {VALUE} ] && [ "$*" = "-h db.example.com" ]
        """,
    "kubectl": f"""#!{sys.executable}
        import sys, yaml
        assert sys.argv[1:] == ["apply", "-f", "-"]
        made = yaml.safe_load(sys.stdin)
        assert made["kind"] == "Secret" and made["data"], made["kind"]
        """,
    "nginx": f"""#!/bin/sh
        [ "$1" = -c ] && grep -q {VALUE} "$2"
        """,
    "jq": f"""#!{sys.executable}
        import json, sys
        assert sys.argv[1:] == ["keys"]
        print(json.dumps(sorted(json.load(sys.stdin))))
        """,
    # A log that ends: the real one waits for more until Ctrl-C.
    "tail": """#!/bin/sh
        [ "$1" = -f ] && cat "$2"
        """,
    # It opens what is not encrypted at all: gpg itself is in test_export_import.py.
    "gpg": """#!/bin/sh
        for last; do :; done
        cat "$last"
        """,
    "editor": """#!/bin/sh
        [ -f "$1" ] && echo "# edited" >> "$1"
        """,
    "xclip": """#!/bin/sh
        case "$*" in
            "-selection clipboard -in") cat > "$HOME/clipboard" ;;
            "-selection clipboard -out") cat "$HOME/clipboard" ;;
            *) exit 2 ;;
        esac
        """,
}
PROGRAMS["nano"] = PROGRAMS["editor"]

FILES = {
    "value": VALUE,
    "app/server": """#!/bin/sh
        printf %s "$DB_PASSWORD" > "$HOME/served"
        echo "listening with $(cat "$HOME/value")"
        """,
    "app/.env": "APP_TOKEN=of-the-env-file\nAPP_MODE=test\n",
    "app/secrets.xml": KEEPASS,
    "app/bitwarden_export.json": BITWARDEN,
    "app/key.pem": "no key at all\n",
    "app/app.conf.tmpl": 'password = {{ secret "db/password" }}\n',
    "app/nginx.tmpl": 'set $password "{{ secret "db/password" }}";\n',
    "app/app.log": f"connected with {VALUE}\nthe one before: old-{VALUE}\n",
    "app/trace.har": '{"headers": ["Basic Y2FuYXJ5LW9mLXRoZS1leGFtcGxlcw=="]}\n',
    "app/src/main.py": "print('hello')\n",
    "app/deploy.yaml": "replicas: 2\n",
    "app/deploy/skykeep.yaml": "staging: {primary: {backend: memory}}\n",
    "app/production.yaml": """\
run: {DB_PASSWORD: db/password}
production:
  primary: {backend: local, key_file: ~/.skykeep.key, secret_prefix: ""}
""",
    "app/.gitignore": ".env\n*.log\n*.har\n",
    ".password-store/web/site.gpg": "a-password\nuser: you\n",
    ".config/fish/completions/other.fish": "",
    ".config/skykeep/other": "",
}

MADE = f"""
set -e
export SKYKEEP_PASSPHRASE='{ANSWER}'
skykeep init --argon2-memory-kib 64 --argon2-passes 1
skykeep vault key-file ~/.skykeep.key
unset SKYKEEP_PASSPHRASE
cp ~/app/production.yaml ~/.config/skykeep/skykeep.yaml
printf older-{VALUE} | skykeep set db/password -
printf old-{VALUE} | skykeep set db/password -
printf {VALUE} | skykeep set db/password - --tag team=web --tag tier=1
printf next-{VALUE} | skykeep set db/password - --stage pending
printf '{{"credentials": {{"password": "{VALUE}-2"}}}}' | skykeep set db/main -
for name in db/replica/password tls/key app/config ci/token api/token old/one old/two; do
    printf "$name's value" | skykeep set "$name" -
done
printf v | skykeep set gone - --expires 7d
skykeep rm gone
cd ~/app
git init --quiet --template=
git add .
git -c user.name=n -c user.email=e@example.org commit --quiet -m first
git update-ref refs/remotes/origin/main HEAD
"""

NOTHING_YET = "rm -r ~/.local ~/.config/skykeep ~/.skykeep.key*"

# A vault that only a passphrase opens, which is asked for.
ASKS = f"""
{NOTHING_YET}
SKYKEEP_PASSPHRASE='{ANSWER}' skykeep init --argon2-memory-kib 64 --argon2-passes 1
"""

BEFORE = {
    "unlock": ASKS,
    "lock": ASKS,
    "init": NOTHING_YET,
    "skykeep init --key-file ~/.skykeep.key": NOTHING_YET,
    "restore": "skykeep rm db/password",
    "vault restore": "skykeep vault backup vault-backup.db",
    "skykeep vault restore vault-backup.db":
        "skykeep vault backup vault-backup.db; rm -r ~/.local/share/skykeep",
}  # fmt: skip
"""Single examples, or all of a command, before which the prepared home has to be changed."""

AFTER = {
    "skykeep run --prefix db/ -- ./server --port 8080": f'[ "$(cat ~/served)" = {VALUE} ]',
    "skykeep run -- ./server            # the variables of the configuration's run: section":
        f'[ "$(cat ~/served)" = {VALUE} ]',
    "skykeep copy db/password": f'[ "$(cat ~/clipboard)" = {VALUE} ]',
    "skykeep get tls/key > key.pem": "[ \"$(cat key.pem)\" = \"tls/key's value\" ]",
    "skykeep edit app/config": "skykeep get app/config | grep -q '# edited'",
    "EDITOR=nano skykeep edit app/config": "skykeep get app/config | grep -q '# edited'",
    "skykeep inject app.conf.tmpl -o app.conf": f"grep -q {VALUE} app.conf",
    'printf %s "$TOKEN" | skykeep set api/token -': '[ "$(skykeep get api/token)" = "$TOKEN" ]',
    "skykeep export db/ --format dotenv --output-file .env":
        f"grep -q DB_PASSWORD=.*{VALUE} .env",
    "skykeep redact --encodings base64,url < trace.har > trace-to-share.har":
        "grep -q 'Basic \\*\\*\\*' trace-to-share.har",
    '$EDITOR "$(skykeep config path)"':
        "tail -f ~/.config/skykeep/skykeep.yaml | grep '# edited'",
    "skykeep import .env --prefix app/":
        "skykeep get app/APP_TOKEN | grep -q of-the-env-file",
    "skykeep import ~/.password-store --prefix pass/":
        "skykeep get pass/web/site | grep a-pass",
}  # fmt: skip
"""What an example leaves behind, where an exit code says too little."""


SHOWN = {
    "skykeep get db/password": VALUE,
    "skykeep get db/password --stage previous": f"old-{VALUE}",
    "skykeep get db/main --key credentials.password": f"{VALUE}-2",
    "skykeep run --pristine --set TOKEN=api/token -- env": "TOKEN=api/token's value",
    "./server 2>&1 | skykeep redact": "listening with ***",
    "tail -f app.log | skykeep redact --all-versions":
        "connected with ***\nthe one before: ***\n",
    "skykeep scan": "no findings in",
    "skykeep export --format json | jq keys": '"db/password"',
    "echo 'password={{ secret \"db/password\" }}' | skykeep inject -": f"password={VALUE}",
}  # fmt: skip
"""What the terminal shows of an example, among other things."""


def shell(home: Path, script: str) -> None:
    """Run a script in ``home/app``, as the examples do. Raises with what it wrote."""
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-ec", script],
        cwd=home / "app",
        env=at_home(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")


def make(home: Path) -> Path:
    """Make the home that :func:`copied` copies."""
    for name, text in (FILES | {f"programs/{n}": t for n, t in PROGRAMS.items()}).items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        script = text.startswith("#!")
        file.write_text(text.replace(f"\n{8 * ' '}", "\n") if script else text, "utf-8")
        file.chmod(0o755 if script else 0o644)
    shell(home, MADE)
    return home


def copied(template: Path, home: Path) -> Path:
    """A home of its own for one example."""
    return Path(shutil.copytree(template, home, symlinks=True))
