"""Rules of a bucket's lifecycle as S3 has them, and which of them are ours.

A bucket has one document of rules, which is replaced whole
(``PutBucketLifecycleConfiguration``, Amazon S3 API Reference): those of others are put back as
they were read. Ours are known by their names, which also say of which ``objects_prefix`` they
are: the targets of one bucket do not change each other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from skykeep.envelope.digests import sha256
from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.providers.aws.s3.xml import in_xml

SPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
NAME: Final = "skykeep-"
# "An Amazon S3 Lifecycle configuration can have up to 1,000 rules" (API Reference, see above).
MAX_RULES: Final = 1000
INFREQUENT: Final = "STANDARD_IA"
ARCHIVE: Final = "GLACIER"
# "Transitioning objects using Amazon S3 Lifecycle", constraints: 30 days in S3 Standard come
# before STANDARD_IA, and 30 days there before what follows in the same rule.
LEAST_INFREQUENT: Final = 30
LEAST_BETWEEN: Final = 30

_FIELDS: Final = {INFREQUENT: "infrequent_after_days", ARCHIVE: "archive_after_days"}


class Lifecycle:
    """A bucket's rules.

    Args:
        rules: the elements ``Rule`` of its document, of any namespace.
        prefix: the target's ``objects_prefix``.
    """

    def __init__(self, rules: Sequence[Element], prefix: str) -> None:
        self._rules = [_plain(rule) for rule in rules]
        self._prefix = prefix
        self._name = f"{NAME}{_digest(prefix)}-"

    def own(self) -> list[LifecycleRule]:
        """Ours that are in effect, in the order of their prefixes."""
        found = [
            _read(rule, inside)
            for rule in self._rules
            if (inside := self._inside(rule)) is not None
            and rule.findtext("Status") == "Enabled"
        ]
        return sorted(found, key=lambda rule: rule.prefix.encode())

    def replaced(self, rules: Sequence[LifecycleRule]) -> bytes | None:
        """The document with these instead of ours; None if there are no rules then.

        Raises ``Invalid`` for what S3 does not take.
        """
        for rule in rules:
            _check(rule)
        document = Element("LifecycleConfiguration", {"xmlns": SPACE})
        document.extend(_filtered(rule) for rule in self._rules if self._inside(rule) is None)
        others = len(document)
        document.extend(self._written(rule) for rule in rules)
        if len(document) > MAX_RULES:
            raise Invalid(
                f"S3 takes {MAX_RULES:,} lifecycle rules of a bucket; these are "
                f"{len(document):,} with {others:,} of others"
            )
        return tostring(document, encoding="utf-8") if len(document) else None

    def _inside(self, rule: Element) -> str | None:
        """The portable prefix of a rule of ours; None for any other."""
        start = rule.findtext("Filter/Prefix")
        if not (rule.findtext("ID") or "").startswith(self._name) or start is None:
            return None
        inside = start.removeprefix(self._prefix)
        if not start.startswith(self._prefix) or (inside and not inside.endswith("/")):
            return None
        return inside.removesuffix("/")

    def _written(self, rule: LifecycleRule) -> Element:
        start = self._prefix + (f"{rule.prefix}/" if rule.prefix else "")
        made = Element("Rule")
        _add(made, "ID", self._name + _digest(start))
        _add(SubElement(made, "Filter"), "Prefix", start)
        _add(made, "Status", "Enabled")
        for class_, field in _FIELDS.items():
            if (days := getattr(rule, field)) is not None:
                step = SubElement(made, "Transition")
                _add(step, "Days", str(days))
                _add(step, "StorageClass", class_)
        if rule.expire_after_days is not None:
            _add(SubElement(made, "Expiration"), "Days", str(rule.expire_after_days))
        if rule.abort_uploads_after_days is not None:
            ended = SubElement(made, "AbortIncompleteMultipartUpload")
            _add(ended, "DaysAfterInitiation", str(rule.abort_uploads_after_days))
        return made


def _digest(text: str) -> str:
    return sha256(text.encode()).hex()[:16]


def _check(rule: LifecycleRule) -> None:
    about = shown(rule.prefix) if rule.prefix else "all"
    if not in_xml(rule.prefix):
        raise Invalid(f"S3's documents cannot carry the prefix {about}")
    infrequent, archive = rule.infrequent_after_days, rule.archive_after_days
    if infrequent is None:
        return
    if infrequent < LEAST_INFREQUENT:
        raise Invalid(
            f"S3 moves objects to {INFREQUENT} after {LEAST_INFREQUENT} days at the earliest; "
            f"the rule for {about} says {infrequent}"
        )
    if archive is not None and archive < infrequent + LEAST_BETWEEN:
        raise Invalid(
            f"S3 keeps objects in {INFREQUENT} for {LEAST_BETWEEN} days at least; the rule for "
            f"{about} says {infrequent} and {archive}"
        )


def _read(rule: Element, prefix: str) -> LifecycleRule:
    days: dict[str, int] = {}
    for step in rule.iterfind("Transition"):
        field = _FIELDS.get(step.findtext("StorageClass") or "")
        if field is not None:
            days[field] = int(step.findtext("Days") or 0)
    for path, field in (
        ("Expiration/Days", "expire_after_days"),
        ("AbortIncompleteMultipartUpload/DaysAfterInitiation", "abort_uploads_after_days"),
    ):
        if (text := rule.findtext(path)) is not None:
            days[field] = int(text)
    return LifecycleRule(prefix=prefix, **days)


def _filtered(rule: Element) -> Element:
    """A rule of others. In the older form its prefix has no ``Filter`` around it, and S3
    refuses to have both forms in one document."""
    old = rule.find("Prefix")
    if old is not None:
        made = Element("Filter")
        _add(made, "Prefix", old.text or "")
        rule[list(rule).index(old)] = made
    return rule


def _plain(element: Element) -> Element:
    """A copy without namespaces, and without the white space between elements."""
    made = Element(element.tag.rpartition("}")[2])
    made.text = element.text if len(element) == 0 else None
    made.extend(_plain(child) for child in element)
    return made


def _add(element: Element, name: str, text: str) -> None:
    SubElement(element, name).text = text
