"""What the control can make go wrong that only the service itself can do wrong.

What goes wrong on the way (latency, resets, lost answers) is `tests.peers.faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.rpc import code_pb2

from tests.peers.fakes.secret_manager_errors import Refusal, exhausted, precondition

Failure = Callable[[str], Refusal]

KEY_STATES = {
    # Sentences of ours: none of the service's is on record.
    "DISABLED": lambda key: precondition(f"Cloud KMS key [{key}] is not enabled."),
    "DESTROYED": lambda key: precondition(f"Cloud KMS key [{key}] is destroyed."),
    "DENIED": lambda key: Refusal(
        code_pb2.PERMISSION_DENIED,
        "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource "
        f"'{key}' (or it may not exist).",
    ),
}


@dataclass
class Rule:
    """The next ``times`` calls of a method, ``*`` for any, are refused."""

    method: str
    times: int
    failure: Failure


class Trouble:
    """``behind``: for so many reads after a new version, ``latest`` is the one before
    ("eventually consistent": cloud.google.com/secret-manager/docs/reference/consistency).
    ``page_size``: what the server decides if a request does not. ``location``: empty, or the
    only location this endpoint serves ("global" for secrets without one), as
    ``secretmanager.LOCATION.rep.googleapis.com`` does. ``corrupt_reads``, ``corrupt_writes``:
    how many payloads still change on their way out of or into the service. ``pending``: how
    many requests find a new version of an asymmetric key of Cloud KMS not generated yet.
    """

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.keys: dict[str, str] = {}
        self.settle()

    def settle(self) -> None:
        """Back to a service where all is well."""
        self.rules.clear()
        self.keys.clear()
        self.behind = 0
        self.page_size = 100
        self.location = ""
        self.corrupt_reads = 0
        self.corrupt_writes = 0
        self.pending = 0

    def set(self, settings: Mapping[str, Any]) -> None:
        for name, value in settings.items():
            known = vars(self).get(name)
            if not isinstance(known, type(value)) or name in {"rules", "keys"}:
                raise ValueError(name)
            setattr(self, name, value)

    def fail(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Replace the rules: ``method``, ``times`` (1), ``status`` (a code's name),
        ``message``, and for RESOURCE_EXHAUSTED ``delay`` in seconds."""
        self.rules = [
            Rule(rule.get("method", "*"), int(rule.get("times", 1)), _failure(rule))
            for rule in rules
        ]

    def failure(self, method: str) -> Failure | None:
        for rule in self.rules:
            if rule.times > 0 and rule.method in {"*", method}:
                rule.times -= 1
                return rule.failure
        return None

    def check_keys(self, keys: Iterable[str]) -> None:
        for key in keys:
            if self.keys.get(key, "ENABLED") != "ENABLED":
                raise KEY_STATES[self.keys[key]](key)

    def sent(self, data: bytes) -> bytes:
        if not self.corrupt_reads:
            return data
        self.corrupt_reads -= 1
        return _changed(data)

    def received(self, data: bytes) -> bytes:
        if not self.corrupt_writes:
            return data
        self.corrupt_writes -= 1
        return _changed(data)


def _failure(rule: Mapping[str, Any]) -> Failure:
    status = rule.get("status", "RESOURCE_EXHAUSTED")
    if status == "RESOURCE_EXHAUSTED":
        return lambda project: exhausted(project, float(rule.get("delay", 1)))
    code = code_pb2.Code.Value(status)
    return lambda project: Refusal(code, rule.get("message", f"Injected {status}."))


def _changed(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]
