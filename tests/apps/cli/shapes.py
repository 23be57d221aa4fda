"""The JSON shapes that the command line promises, as schemas."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
MOMENT: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$",
}
PAIRS: Schema = {"type": "object", "additionalProperties": TEXT}
TEXTS: Schema = {"type": "array", "items": TEXT}


def optional(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def exactly(properties: dict[str, Schema], **also: Schema) -> Schema:
    """All of ``properties``, perhaps ``also``, nothing else."""
    return {
        "type": "object",
        "properties": {**properties, **also},
        "required": list(properties),
        "additionalProperties": False,
    }


INFO = exactly(
    {
        "name": TEXT, "version": optional(TEXT), "created_at": MOMENT, "updated_at": MOMENT,
        "expires_at": optional(MOMENT), "expired": FLAG, "deleted_at": optional(MOMENT),
        "metadata": PAIRS, "tags": PAIRS,
    }
)  # fmt: skip
PROVENANCE = exactly(
    {
        "source": TEXT, "revision": optional({"type": "integer"}), "age": {"type": "number"},
        "stale": FLAG, "degraded": FLAG, "cached": FLAG,
    }
)  # fmt: skip
PROBLEM = exactly({"file": TEXT, "line": {"type": "integer"}, "key": TEXT, "message": TEXT})
TARGET: Schema = {"type": "object", "required": ["backend"]}
GET = exactly(
    {
        "name": TEXT, "encoding": {"enum": ["utf-8", "base64"]}, "version": TEXT,
        "stages": TEXTS,
        "metadata": PAIRS, "tags": PAIRS, "created_at": MOMENT, "expires_at": optional(MOMENT),
        "expired": FLAG,
        "provenance": PROVENANCE,
    },
    key=TEXT, value=TEXT, value_base64=TEXT,
)  # fmt: skip
GET["oneOf"] = [{"required": ["value"]}, {"required": ["value_base64"]}]

FACTS = exactly(
    {"region": optional(TEXT), "source": {"enum": ["told", "declared", "embedded"]}},
    refused=TEXTS,
)
COUNTER = exactly({"number": {"type": "integer"}, "kept": TEXT, "why": TEXT})
COUNTS: dict[str, Schema] = {
    name: {"type": "integer"} for name in ("secrets", "deleted", "versions", "prefixes", "keys")
}
KEY_CHANGE: dict[str, Schema] = {
    "kind": {"enum": ["passphrase", "key-file", "keyring"]},
    "done": TEXT,
}
MOVED = exactly({"name": TEXT, "version": TEXT, "was": optional(TEXT), "changed": FLAG})

NUMBER: Schema = {"type": "integer"}
OBJECT: dict[str, Schema] = {
    "key": TEXT, "size": NUMBER, "etag": TEXT, "modified_at": MOMENT,
    "storage_class": optional(TEXT),
}  # fmt: skip
COPIED: dict[str, Schema] = {
    "from": TEXT, "to": TEXT, "bytes": NUMBER, "etag": optional(TEXT),
}  # fmt: skip
RULE = exactly(
    {
        "prefix": TEXT,
        **{
            f"{what}_after_days": optional(NUMBER)
            for what in ("infrequent", "archive", "expire", "abort_uploads")
        },
    }
)
RULES: dict[str, Schema] = {
    "store": listed(RULE), "configuration": listed(RULE), "same": FLAG,
}  # fmt: skip

KEY = exactly(
    {
        "name": TEXT, "purpose": {"enum": ["encrypt", "sign"]}, "algorithm": optional(TEXT),
        "state": {"enum": ["enabled", "disabled", "pending_deletion", "unavailable"]},
        "version": optional(TEXT), "created_at": optional(MOMENT), "native": optional(TEXT),
    }
)  # fmt: skip
CIPHERTEXT = exactly({"key": TEXT, "context": PAIRS, "ciphertext": TEXT})
UNWRAPPED = exactly(
    {"key": TEXT, "context": PAIRS, "encoding": {"enum": ["utf-8", "base64"]}},
    value=TEXT, value_base64=TEXT,
)  # fmt: skip
UNWRAPPED["oneOf"] = GET["oneOf"]
RESEALED = exactly(
    {
        **dict.fromkeys(("moved", "newest", "gone"), NUMBER),
        "failed": listed(exactly({"name": TEXT, "error": {"type": "object"}})),
    }
)

IN_STORE = optional(
    exactly(
        {
            "version": optional(TEXT), "changed_at": optional(MOMENT),
            "revision": optional(NUMBER), "digest": optional(TEXT),
        }
    )
)  # fmt: skip
PARTS = listed({"enum": ["value", "metadata", "tags", "expires_at"]})
DIFFERENCE = exactly(
    {
        "name": TEXT,
        "kind": {"enum": ["only_in_a", "only_in_b", "differs", "unknown", "same"]},
        "what": PARTS, "newer": optional({"enum": ["a", "b"]}), "reason": optional(TEXT),
        "a": IN_STORE, "b": IN_STORE,
    }
)  # fmt: skip
STEP = exactly(
    {
        "name": TEXT, "action": {"enum": ["create", "update", "same", "skip"]},
        "what": PARTS, "without": PARTS, "reason": optional(TEXT),
        "a": IN_STORE, "b": IN_STORE,
    }
)  # fmt: skip
SYNCED: dict[str, Schema] = {
    "a": TEXT, "b": TEXT, "prefix": TEXT, "dry_run": FLAG,
    "counts": exactly(dict.fromkeys(("create", "update", "same", "skip"), NUMBER)),
    "plan": listed(STEP), "only_in_b": TEXTS, "written": TEXTS, "left": TEXTS,
    "failed": listed(exactly({"name": TEXT, "error": {"type": "object"}})),
}  # fmt: skip

BACKUP: dict[str, Schema] = {
    "name": TEXT, "key": TEXT, "at": MOMENT, "size": {"type": "integer"},
}  # fmt: skip

RESTORED = exactly(
    {
        "restored": FLAG, "name": TEXT, "file": TEXT, "changed": FLAG,
        "saved": optional(TEXT), "verified": FLAG,
    }
)  # fmt: skip

SECONDS: Schema = {"type": "number"}
COUNTED: Schema = {"type": "object", "additionalProperties": NUMBER}
TARGET_HEALTH = exactly(
    {
        "name": TEXT, "provider": TEXT, "role": {"enum": ["primary", "failover", "backup"]},
        "region": optional(TEXT), "status": {"enum": ["up", "refuses", "down"]},
        "error": optional(TEXT), "seconds": SECONDS,
        "breaker": {"enum": ["closed", "open", "half-open"]},
        "p50": optional(SECONDS), "p99": optional(SECONDS), "owed": NUMBER,
        "behind": optional(SECONDS), "stuck": TEXTS, "drift": optional(NUMBER),
    }
)  # fmt: skip
SIDE = exactly(
    {
        "target": TEXT, "version": optional(TEXT), "digest": optional(TEXT),
        "error": optional(TEXT),
    }
)  # fmt: skip

SHAPES: dict[str, Schema] = {
    "health": exactly(
        {
            "environment": optional(TEXT), "status": {"enum": ["ok", "degraded", "down"]},
            "doubt": NUMBER, "journal": optional(TEXT), "targets": listed(TARGET_HEALTH),
        }
    ),
    "reconcile": exactly(
        {
            "environment": optional(TEXT), "dry_run": FLAG, "kept": TEXTS, "brought": COUNTED,
            "settled": NUMBER, "away": PAIRS,
            "owed": listed(
                exactly(
                    {
                        "name": TEXT, "since": MOMENT, "targets": COUNTED, "doubt": NUMBER,
                        "why": PAIRS,
                    }
                )
            ),
            "conflicts": listed(
                exactly({"name": TEXT, "since": MOMENT, "why": PAIRS, "sides": listed(SIDE)})
            ),
        }
    ),
    "diff": exactly(
        {
            "a": TEXT, "b": TEXT, "prefix": TEXT, "same": FLAG,
            "counts": exactly(
                dict.fromkeys(("only_in_a", "only_in_b", "differs", "unknown", "same"), NUMBER)
            ),
            "secrets": listed(DIFFERENCE),
        }
    ),
    "sync": exactly(SYNCED),
    "migrate": exactly({**SYNCED, "retire": optional(FLAG), "remains": listed(DIFFERENCE)}),
    "backup create": exactly({**BACKUP, "new": FLAG, "sha256": TEXT, "removed": TEXTS}),
    "backup list": listed(exactly(BACKUP)),
    "backup diff": exactly(
        {"before": TEXT, "after": optional(TEXT), "differs": FLAG, "diff": TEXT}
    ),
    "backup restore": {"anyOf": [exactly({"restored": FLAG}), RESTORED]},
    "keys create": KEY,
    "keys list": listed(KEY),
    "keys describe": KEY,
    "keys rotate": KEY,
    "keys wrap": CIPHERTEXT,
    "keys unwrap": UNWRAPPED,
    "keys rewrap": CIPHERTEXT,
    "keys reseal": exactly({"secrets": RESEALED, "objects": RESEALED}),
    "keys sign": exactly(
        {"key": TEXT, "version": optional(TEXT), "sha256": TEXT, "signature": TEXT}
    ),
    "keys verify": exactly(
        {"key": TEXT, "version": optional(TEXT), "sha256": TEXT, "valid": FLAG}
    ),
    "models pull": exactly(
        {
            "name": TEXT, "version": TEXT, "path": TEXT, "digest": TEXT, "bytes": NUMBER,
            "downloaded": NUMBER, "vouched": {"enum": ["manifest", "etag"]}, "stale": FLAG,
        }
    ),
    "models push": exactly(
        {
            "name": TEXT, "version": TEXT, "digest": TEXT, "bytes": NUMBER, "files": NUMBER,
            "made": FLAG, "latest": FLAG,
        }
    ),
    "models list": listed(
        {
            "anyOf": [
                exactly(
                    {"name": TEXT, "latest": optional(TEXT), "versions": NUMBER, "bare": FLAG}
                ),
                exactly(
                    {
                        "version": TEXT, "latest": FLAG, "digest": TEXT, "created_at": MOMENT,
                        "bytes": NUMBER, "files": NUMBER, "metadata": PAIRS,
                    }
                ),
            ]
        }
    ),
    "models verify": exactly(
        {
            "name": TEXT, "version": TEXT, "digest": TEXT, "files": NUMBER, "bytes": NUMBER,
            "read": NUMBER, "cached": FLAG,
        }
    ),
    "models promote": MOVED,
    "models rm": exactly({"name": TEXT, "versions": TEXTS, "objects": NUMBER}),
    "models gc": exactly(
        {
            "models": NUMBER, "parts": NUMBER, "bytes": NUMBER, "left": NUMBER,
            "objects": optional(NUMBER),
        }
    ),
    "obj cp": exactly(COPIED),
    "obj ls": {"anyOf": [exactly(OBJECT), exactly({"prefix": TEXT})]},
    "obj stat": exactly(
        {**OBJECT, "content_type": optional(TEXT), "metadata": PAIRS, "tags": PAIRS,
         "checksums": PAIRS}
    ),
    "obj rm": exactly({"key": TEXT, "removed": FLAG}),
    "obj sync": {
        "anyOf": [
            exactly(
                {**COPIED, "why": {"enum": ["new", "size", "content", "newer", "unknown"]}}
            ),
            exactly({"removed": TEXT}),
        ]
    },
    "obj presign": exactly(
        {"key": TEXT, "method": {"enum": ["GET", "PUT"]}, "url": TEXT, "expires_at": MOMENT}
    ),
    "obj gc": exactly({"ended": NUMBER}),
    "obj lifecycle show": exactly(RULES),
    "obj lifecycle apply": exactly({**RULES, "changed": FLAG}),
    "unlock": exactly({"unlocked": FLAG, "seconds": {"type": "integer"}}),
    "lock": exactly({"locked": {"type": "integer"}}),
    "vault verify": exactly({"path": TEXT, "counter": COUNTER, **COUNTS}),
    "vault accept": COUNTER,
    "vault backup": exactly({"file": TEXT, **COUNTS}),
    "vault restore": exactly({"file": TEXT, "saved": optional(TEXT), **COUNTS}),
    "vault passphrase": exactly(KEY_CHANGE),
    "vault key-file": exactly({**KEY_CHANGE, "file": TEXT, "made": FLAG}),
    "vault keyring": exactly({**KEY_CHANGE, "backend": TEXT}),
    "vault forget": exactly(KEY_CHANGE),
    "vault rekey": exactly(
        {
            "path": TEXT, "epoch": {"type": "integer"}, "resumed": FLAG,
            "dropped": {"type": "array", "items": TEXT}, "secrets": {"type": "integer"},
            "bytes_before": {"type": "integer"}, "bytes_after": {"type": "integer"},
        }
    ),
    "vault compact": exactly(
        {
            "path": TEXT, "bytes_before": {"type": "integer"},
            "bytes_after": {"type": "integer"},
        }
    ),
    "error": exactly(
        {
            "error": exactly(
                {
                    "class": TEXT, "message": TEXT, "hint": TEXT, "operation": TEXT,
                    "resource": TEXT, "target": TEXT, "request_id": TEXT,
                    "exit_code": {"type": "integer"},
                }
            )
        }
    ),
    "init": exactly(
        {
            "vault": TEXT, "unlocked_by": {"enum": ["key-file", "keyring", "passphrase"]},
            "key_file": optional(TEXT), "key_file_made": FLAG, "keyring": optional(TEXT),
            "configuration": optional(TEXT),
        }
    ),
    "set": exactly({"name": TEXT, "version": TEXT, "changed": FLAG, "stage": TEXT}, value=TEXT),
    "get": GET,
    "ls": listed(INFO),
    "rm": exactly({"removed": listed(exactly({"name": TEXT, "restorable": FLAG}))}),
    "restore": exactly({"restored": listed(exactly({"name": TEXT}))}),
    "copy": exactly({"name": TEXT, "clear_after": {"type": "integer"}}),
    "edit": exactly({"name": TEXT, "version": TEXT, "changed": FLAG}),
    "tree": listed(
        exactly({"part": TEXT, "secret": optional(TEXT), "below": {"type": "array"}})
    ),
    "search": listed(
        exactly(
            {
                "name": TEXT,
                "matches": listed(
                    exactly({"where": {"enum": ["name", "metadata", "tag"]}, "text": TEXT})
                ),
            }
        )
    ),
    "purge": exactly({"name": TEXT, "removed": FLAG}),
    "rollback": MOVED,
    "promote": MOVED,
    "tag": exactly({"name": TEXT, "tags": PAIRS, "changed": FLAG}),
    "expire": exactly({"name": TEXT, "expires_at": optional(MOMENT)}),
    "scan": exactly(
        {
            "files": {"type": "integer"},
            "findings": listed(
                exactly(
                    {
                        "path": TEXT, "line": {"type": "integer"},
                        "column": {"type": "integer"}, "secrets": TEXTS,
                        "shape": optional(TEXT),
                    }
                )
            ),
        }
    ),
    "history": exactly(
        {
            "name": TEXT,
            "versions": listed(
                exactly(
                    {
                        "id": TEXT, "created_at": MOMENT, "stages": TEXTS, "available": FLAG,
                        "size": optional({"type": "integer"}),
                    }
                )
            ),
        }
    ),
    "describe": exactly({**INFO["properties"], "provenance": PROVENANCE}),
    "watch": exactly(
        {
            "at": MOMENT, "name": TEXT, "kind": {"enum": ["created", "changed", "deleted"]},
            "version": optional(TEXT),
        }
    ),
    "export": exactly(
        {
            "format": TEXT, "file": optional(TEXT),
            "exported": listed(exactly({"key": TEXT, "name": TEXT})),
        },
        text=TEXT,
    ),
    "import": exactly(
        {
            "format": TEXT, "dry_run": FLAG, "written": {"type": "integer"},
            "counts": exactly(
                {
                    state: {"type": "integer"}
                    for state in ("new", "changed", "unchanged", "conflict")
                }
            ),
            "plan": listed(
                exactly(
                    {
                        "name": TEXT, "from": TEXT, "reason": optional(TEXT),
                        "state": {"enum": ["new", "changed", "unchanged", "conflict"]},
                    }
                )
            ),
        }
    ),
    "inject": exactly(
        {
            "template": TEXT, "file": optional(TEXT),
            "secrets": listed(exactly({"name": TEXT, "line": {"type": "integer"}})),
        },
        content=TEXT, content_base64=TEXT,
    ),
    "config check": exactly(
        {
            "ok": FLAG, "file": optional(TEXT), "environments": TEXTS,
            "problems": listed(PROBLEM), "notes": listed(PROBLEM),
        }
    ),
    "config show": exactly(
        {
            "environment": optional(TEXT), "file": optional(TEXT), "scope": TEXT,
            "primary": TARGET, "failover": listed(TARGET), "backups": listed(TARGET),
            "cache": {"type": "object"}, "retry": {"type": "object"},
            "deadline_seconds": {"type": "number"}, "run": PAIRS, "tags": PAIRS,
            "sources": PAIRS,
        },
        cloud={"type": "object"}, auth={"type": "object"},
    ),
    "config path": exactly(
        {
            "file": optional(TEXT), "looked_at": TEXTS, "config_dir": TEXT, "data_dir": TEXT,
            "cache_dir": TEXT,
        }
    ),
    "doctor": exactly(
        {
            "ok": FLAG,
            "checks": listed(
                exactly(
                    {
                        "check": TEXT, "status": {"enum": ["ok", "note", "failed"]},
                        "message": TEXT, "mend": TEXT,
                    },
                    facts=FACTS,
                )
            ),
        }
    ),
    "version": exactly({"version": TEXT, "python": TEXT}),
    "completion": exactly({"shell": TEXT, "script": TEXT}),
}  # fmt: skip
