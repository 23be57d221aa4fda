"""What Key Vault checks in a request before it looks at what it keeps."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from tests.peers.fakes.key_vault_answers import bad

# What azure-keyvault-secrets 4.12 can ask for (``_shared/client_base.py``, ApiVersion), oldest
# first.
VERSIONS = (
    "2016-10-01",
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-07-01",
    "2026-04-01",
)
# Microsoft Learn, "Azure Key Vault keys, secrets, and certificates overview": 1 to 127 of
# these. It says that a name begins with a letter; the service takes a digit or a dash, too
# (MicrosoftDocs/azure-docs issue 99541).
NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
# The same page: "a system-generated, 32 character string identifier"; recordings have hex.
VERSION = re.compile(r"[0-9A-Fa-f]{32}")
# "About Azure Key Vault secrets": 25 KB in octets. The service's sentence says 25600
# characters; octets are the stricter reading.
LARGEST = 25_600
# The same page: content type, 255 characters; 15 tags, names and values of 256 characters.
CONTENT_TYPE = 255
TAGS = 15
TAG = 256
PAGE = 25
# Half of a pair, which JSON can write and UTF-8 cannot.
SURROGATE = re.compile("[\ud800-\udfff]")


def api_version(query: Mapping[str, str]) -> None:
    """It has to be there, and known: Microsoft Learn, "Authentication, requests and responses".

    The sentence about one that is not known: inspec/inspec-azure, ``helpers.rb``; the
    other's wording is ours.
    """
    given = query.get("api-version")
    if given is None:
        raise bad("api-version must be specified")
    if given not in VERSIONS:
        raise bad(
            f"The specified version ({given}) is not recognized. Consider using the latest "
            f"supported version ({VERSIONS[-1]})."
        )


def name(text: str) -> str:
    """Sentence: aspnet/MicrosoftConfigurationBuilders issue 22."""
    if not NAME.fullmatch(text):
        raise bad(f"The request URI contains an invalid name: {text}")
    return text


def version(text: str) -> str:
    """Wording ours."""
    if not VERSION.fullmatch(text):
        raise bad(f"The request URI contains an invalid version: {text}")
    return text.lower()


def document(content: bytes) -> dict[str, Any]:
    """The body, which must be a JSON object. Wording ours."""
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise bad("The request body is not a JSON object.")
    return found


def value(body: Mapping[str, Any]) -> str:
    """A string, which may be empty (recording ``can_set_a_secret_with_empty_value.js``).

    The sentence about the size: azure-cli issue 5639; its inner code is from public notes on a
    chain of certificates of 26,838 bytes. The other one's wording is ours.
    """
    found = body.get("value")
    if not isinstance(found, str) or SURROGATE.search(found):
        raise bad("The property value must be a string.")
    if len(found.encode()) > LARGEST:
        raise bad(
            f"Secret is beyond the maximum permitted length of {LARGEST} characters.",
            "SecretTooLarge",
        )
    return found


def content_type(body: Mapping[str, Any]) -> str | None:
    """None where the body says nothing. Wording ours."""
    found = body.get("contentType")
    if found is None:
        return None
    if not isinstance(found, str) or len(found) > CONTENT_TYPE:
        raise bad(f"contentType is not a string of at most {CONTENT_TYPE} characters.")
    return found


def tags(body: Mapping[str, Any]) -> dict[str, str] | None:
    """None where the body says nothing. Wording ours."""
    found = body.get("tags")
    if found is None:
        return None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise bad("tags are not an object of strings.")
    if len(found) > TAGS:
        raise bad(f"The number of tags exceeds {TAGS}.")
    if any(len(key) > TAG or len(text) > TAG for key, text in found.items()):
        raise bad(f"A tag's name or value exceeds {TAG} characters.")
    return dict(found)


def attributes(body: Mapping[str, Any]) -> dict[str, Any]:
    """``enabled``, ``nbf`` and ``exp`` as far as they are given; the rest cannot be set.

    Whole seconds ("IntDate"). null is taken for nothing. Wording ours.
    """
    given = body.get("attributes")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise bad("attributes are not an object.")
    found = {key: given[key] for key in ("enabled", "nbf", "exp") if given.get(key) is not None}
    for key, content in found.items():
        kind = bool if key == "enabled" else int
        if type(content) is not kind:
            raise bad(f"attributes.{key} is not of type {kind.__name__}.")
    return found


def page_size(query: Mapping[str, str]) -> int:
    """1 to 25 (REST reference, Get Secrets, ``maxresults``). Wording ours."""
    text = query.get("maxresults", str(PAGE))
    if not text.isdecimal() or not 1 <= int(text) <= PAGE:
        raise bad(f"maxresults is not a number from 1 to {PAGE}.")
    return int(text)


def skip_token(key: str) -> str:
    """Where the next page begins, in the shape that recordings show.

    base64 of ``{"NextMarker": "2!LENGTH!…", "TargetLocation": 0}``, the marker in base64 again.
    """
    inner = base64.b64encode(
        f"{len(key):06}!{key}!000028!9999-12-31T23:59:59.9999999Z!".encode()
    )
    marker = inner.decode("ascii").replace("=", "-")
    outer = json.dumps({"NextMarker": f"2!{len(marker)}!{marker}", "TargetLocation": 0})
    return base64.urlsafe_b64encode(outer.encode()).decode("ascii").rstrip("=")


def skipped_to(token: str) -> str:
    """The key within a `skip_token`. Wording ours."""
    try:
        outer = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        marker = str(outer["NextMarker"]).split("!", 2)[2].replace("-", "=")
        return base64.b64decode(marker, validate=True).decode().split("!")[1]
    except (ValueError, KeyError, IndexError, TypeError, binascii.Error):
        raise bad("The skip token is not valid.") from None
