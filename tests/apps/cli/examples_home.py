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
    # What it gets, and the end of who sent it: the real one is sent for for ever.
    "systemctl": """#!/bin/sh
        [ "$*" = "reload app" ] && [ "$SKYKEEP_CHANGED" = db/password ] && kill -TERM $PPID
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
    "pg_dump": """#!/bin/sh
        [ "$*" = app ] && echo "CREATE TABLE kept (id int);"
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
    "app/model.onnx": "weights of a model\n",
    "app/classifier/weights.bin": "weights of a classifier\n",
    "app/classifier/labels/en.txt": "good\nbad\n",
    "app/reports/today.json": '{"found": 0}\n',
    "app/reports/2025/old.json": '{"found": 1}\n',
    "app/data.key": "a data key of 32 bytes, not random",
    "app/build.tar": "what is released\n",
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
skykeep obj cp model.onnx :models/toxicity/1.onnx
skykeep obj cp -r reports :reports
skykeep models push toxicity 1.3.0 app.log
skykeep models push toxicity 1.4.0 model.onnx
skykeep models push org/classifier 6 classifier
skykeep keys create team/backup
skykeep keys create release --sign
skykeep keys wrap team/backup @data.key > data.key.wrapped
skykeep keys wrap team/backup @data.key --raw > data.key.bin
skykeep keys sign release build.tar > build.tar.sig
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

# A second environment, with objects of its own.
TWO = """
cat >> ~/.config/skykeep/skykeep.yaml <<END
development:
  primary: {backend: local, objects: ~/objects-of-development}
END
skykeep --env development obj cp model.onnx :models/made-here.onnx
"""

# Nobody is asked: a URL is signed here.
IN_S3 = """
echo '  objects: {backend: aws, region: us-east-1, bucket: reports-of-a-test}' \
    >> ~/.config/skykeep/skykeep.yaml
mkdir ~/.aws
cat > ~/.aws/credentials <<END
[default]
aws_access_key_id=AKIDTESTS
aws_secret_access_key=none
END
"""

# Four stores, and nothing to tell apart in three of them.
STORES = """
target() {
    echo "{backend: local, path: ~/$1.db, key_file: ~/.skykeep.key, secret_prefix: ''}"
}
cat >> ~/.config/skykeep/skykeep.yaml <<END
  failover: $(target spare)
  backups: [$(target second)]
staging: {primary: $(target staging)}
spare: {primary: $(target spare)}
second: {primary: $(target second)}
default_environment: production
END
for env in staging spare second; do skykeep --env $env init; done
printf staged | skykeep --env staging set db/staged -
"""
ALIKE = f"""{STORES}
skykeep sync staging production --yes
for store in failover backup staging; do
    skykeep sync production:primary ${{store/staging/staging:primary}} --yes
done
"""

IN_MEMORY = "echo '  objects: {backend: memory}' >> ~/.config/skykeep/skykeep.yaml"

# Written to the failover target while the primary did not answer, then to the primary alone.
CONFLICT = """
cat >> ~/.config/skykeep/skykeep.yaml <<END
  failover: {backend: local, path: ~/spare.db, key_file: ~/.skykeep.key}
  writes: failover
spare:
  primary: {backend: local, path: ~/spare.db, key_file: ~/.skykeep.key}
default_environment: production
END
skykeep --env spare init > made
python - <<END
import asyncio
import skykeep
from skykeep.providers.local.secrets import LocalSecrets

update = LocalSecrets.update

async def away(self, *words, **options):
    if self is primary:
        raise skykeep.Unavailable("stopped", sent=False)
    return await update(self, *words, **options)

async def main():
    global primary
    async with skykeep.open() as cloud:
        primary = await cloud._primary.target.driver("secrets")
        LocalSecrets.update = away
        await cloud.secrets.put("db/password", "written-while-away")
    LocalSecrets.update = update
    async with skykeep.open() as cloud, cloud.at("primary") as alone:
        await alone.secrets.put("db/password", "written-to-the-primary")

asyncio.run(main())
END
"""

ENCRYPTING = (
    "echo '  encryption: {kek: team/backup, plain: read}' >> ~/.config/skykeep/skykeep.yaml"
)

NO_KEYS = f"{NOTHING_YET}; skykeep init --key-file ~/.skykeep.key"

BACKED_UP = "skykeep backup create"
EDITED = f"{BACKED_UP}; echo '# more' >> ~/.config/skykeep/skykeep.yaml"

BEFORE = {
    "backup diff": BACKED_UP,
    "skykeep backup diff": BACKED_UP,
    "backup restore": EDITED,
    "skykeep backup restore latest": EDITED,
    "skykeep --env development obj cp -r :models :models --to-env production": TWO,
    "skykeep --env development obj sync :models :models --to-env production": TWO,
    "obj presign": IN_S3,
    "obj lifecycle": IN_MEMORY,
    "obj lifecycle show": IN_MEMORY,
    "obj lifecycle apply": IN_MEMORY,
    "skykeep reconcile --keep failover db/password": CONFLICT,
    "keys create": NO_KEYS,
    "keys reseal": ENCRYPTING,
    "skykeep keys reseal": ENCRYPTING,
    "skykeep keys reseal team --only secrets": ENCRYPTING,
    "skykeep keys create team/backup": NO_KEYS,
    "diff": ALIKE,
    "sync": STORES,
    "migrate": STORES,
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
    "backup restore":
        "cd ~/.config/skykeep; ! grep '# more' skykeep.yaml && grep '# more' *.bak-*",
    "skykeep obj cp :models/toxicity/1.onnx .": "grep -q weights 1.onnx",
    "pg_dump app | skykeep obj cp - :dumps/app.sql --no-clobber":
        "skykeep obj cat dumps/app.sql | grep -q 'TABLE kept'",
    "skykeep --env development obj cp -r :models :models --to-env production":
        "skykeep --env production obj cat models/made-here.onnx | cmp - model.onnx",
    "skykeep --env development obj sync :models :models --to-env production":
        "skykeep --env production obj cat models/made-here.onnx | cmp - model.onnx",
    "skykeep obj sync :reports copy-of-reports": "diff -r reports copy-of-reports",
    "skykeep obj rm -r reports/2025 --yes": "! skykeep obj stat reports/2025/old.json",
    "skykeep obj cat models/toxicity/1.onnx > model.onnx": "grep -q weights model.onnx",
    "skykeep keys unwrap team/backup @data.key.wrapped > data.key":
        "grep -q 'a data key' data.key",
    "skykeep keys rewrap team/backup @data.key.wrapped > data.key.new":
        "skykeep keys unwrap team/backup @data.key.new | cmp - data.key",
    "skykeep keys rewrap team/backup --raw < data.key.bin > data.key.bin.new":
        "skykeep keys unwrap team/backup --raw < data.key.bin.new | cmp - data.key",
    "skykeep reconcile --keep failover db/password":
        '[ "$(skykeep get db/password)" = written-while-away ]',
    "skykeep run --prefix db/ -- ./server --port 8080": f'[ "$(cat ~/served)" = {VALUE} ]',
    "skykeep run -- ./server            # the variables of the configuration's run: section":
        f'[ "$(cat ~/served)" = {VALUE} ]',
    "skykeep sync staging production --prefix db/":
        '[ "$(skykeep get db/staged)" = staged ]',
    "skykeep sync production:primary production:backup --yes --output json":
        f'[ "$(skykeep --env second get db/password)" = {VALUE} ]',
    "skykeep migrate production:primary production:failover --yes":
        f'[ "$(skykeep --env spare get db/password)" = {VALUE} ]',
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
    "skykeep backup restore latest": "-# more\nReplace",
    'cat "$(skykeep models pull toxicity)" | wc -c': "19",
    "skykeep models list": "toxicity        1.4.0",
    "skykeep models list toxicity": "1.4.0 (latest)",
    "skykeep models verify toxicity 1.4.0 --deep": "19 bytes read",
    "skykeep models promote toxicity 1.3.0": "was 1.4.0",
    "skykeep obj cat reports/today.json --range 0-99": '{"found": 0}',
    "skykeep obj ls -l models": "models/toxicity/",
    "skykeep obj presign reports/today.json --expires 15m": "X-Amz-Expires=900&",
    "skykeep diff staging production --prefix db/": " the same",
    "skykeep sync primary failover --dry-run": "create  db/password",
    "skykeep migrate staging production --dry-run": "create  db/staged",
    "skykeep watch db/password --initial --once": "created  db/password  version 3",
    "skykeep watch --prefix db/ --initial --once --output json": '"name": "db/main"',
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
