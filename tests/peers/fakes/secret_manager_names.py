"""Resource names of Secret Manager, as requests write them.

``projects/*``, ``projects/*/secrets/*``, ``projects/*/secrets/*/versions/*``, each with
``locations/*`` behind the project for regional secrets (comments in
``google.cloud.secretmanager_v1.types.service``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.peers.fakes.secret_manager_errors import invalid

PARENT = re.compile(r"projects/([^/]+)(?:/locations/([^/]+))?")
SECRET = re.compile(rf"{PARENT.pattern}/secrets/([^/]+)")
VERSION = re.compile(rf"{SECRET.pattern}/versions/([^/]+)")

# "a maximum length of 255 characters and can contain uppercase and lowercase letters, numerals,
# and the hyphen (-) and underscore (_) characters" (CreateSecretRequest.secret_id)
SECRET_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


@dataclass(frozen=True)
class Name:
    """A name in its parts; those that it does not have are empty."""

    project: str
    location: str = ""
    secret: str = ""
    version: str = ""

    @property
    def parent(self) -> str:
        place = f"/locations/{self.location}" if self.location else ""
        return f"projects/{self.project}{place}"

    def __str__(self) -> str:
        text = self.parent
        text += f"/secrets/{self.secret}" if self.secret else ""
        return text + (f"/versions/{self.version}" if self.version else "")


def parse(text: str, field: str, grammar: re.Pattern[str]) -> Name:
    """The name in a request's ``field``. INVALID_ARGUMENT if it is of another form."""
    if not text:
        raise invalid(f"Field [{field}] is required.", field)
    found = grammar.fullmatch(text)
    if found is None:
        raise invalid(f"Invalid resource field value in the request: [{field}].", field)
    return Name(*(part or "" for part in found.groups()))


def check_secret_id(secret_id: str) -> None:
    if not secret_id:
        raise invalid("Field [secret_id] is required.", "secret_id")
    if SECRET_ID.fullmatch(secret_id) is None:
        raise invalid(
            "The provided Secret ID does not match the expected format [[a-zA-Z_0-9-]{1,255}].",
            "secret_id",
        )
