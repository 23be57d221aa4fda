"""Invariants of writes, from the application to the store, and of their replay."""

from __future__ import annotations

from tests.simulation.judging.case import LATE, Case, Found
from tests.simulation.record import Applied


def no_acknowledged_write_is_lost(case: Case) -> Found:
    """When all is healed the primary has it, or one that came after it, or a conflict shows
    both."""
    primary = case.world.stores[case.primary]
    for name in case.names:
        if name in case.world.conflicts or case.undecided(case.primary, name):
            continue
        value = primary.holds(name)
        last = [each for each in primary.applied if each.name == name]
        if last and last[-1].process == "another host":
            continue
        sources = case.sources(name, value)
        for write in case.writes[name]:
            if write.outcome != "done" or not write.changed:
                continue
            if all(end < write.began for _, end in sources):
                yield f"'{write.ask.value}' of {name} was acknowledged; in the end: {value!r}"


def refused_is_not_done(case: Case) -> Found:
    for write in case.asked:
        if write.outcome != "refused" or not write.writes:
            continue
        for own in case.own.get(write, ()):
            if own.after == write.ask.value or write.ask.kind in {"delete", "purge"}:
                yield (
                    f"{write.ask.kind} of '{write.ask.value}' was refused ({write.error}: "
                    f"{write.message}), and {own.store} did it at {own.at:.3f} s"
                )
                break


def a_condition_holds_when_its_write_is_done(case: Case) -> Found:
    for write in case.asked:
        if write.ask.kind != "expects" or write.outcome != "done" or write.expected is None:
            continue
        for own in case.own.get(write, ()):
            if not case.specs[own.store].compare_and_set or case.purged(own):
                continue
            if own.after == write.ask.value and own.before not in {write.expected, own.after}:
                yield (
                    f"'{write.ask.value}' was to replace '{write.expected}' of "
                    f"{write.ask.name}, and replaced {own.before!r} in {own.store}"
                )


def no_late_write_goes_over(case: Case) -> Found:
    """A copy of a write that comes after its end finds another version, where that counts."""
    for write, own in case.own.items():
        for each in own:
            if write.ended is None or each.at <= write.ended or each.before is None:
                continue
            after = case.by_value.get(each.before)
            if after is None or after.began <= write.ended or after.outcome != "done":
                continue
            if not case.undecided(each.store, each.name):
                yield (
                    f"{each.store} had '{each.before}' of {each.name}, and "
                    f"'{write.ask.value}' went over it at {each.at:.3f} s, which ended at "
                    f"{write.ended:.3f} s"
                )


def nothing_is_written_before_its_home_has_it(case: Case) -> Found:
    """What reaches a target has been in its home before, which is one that may be it."""
    first: dict[str, Applied] = {}
    for each in case.applied:
        if each.after is None or each.after in first or each.process == "another host":
            continue
        first[each.after] = each
        if each.after not in case.by_value:
            continue
        if each.asked is None or each.asked is not case.by_value[each.after]:
            yield f"'{each.after}' came to {each.store} first, by a replay"
        elif each.store not in case.homes:
            yield f"'{each.after}' came to {each.store} first, which is no home"


def nothing_is_deleted_unasked(case: Case) -> Found:
    """What goes was deleted by an application, and was not written after that."""
    for each in case.applied:
        if each.after is not None or each.before is None or each.process == "another host":
            continue
        if case.undecided(each.store, each.name):
            continue
        if each.operation == "purge" and each.before not in case.by_value:
            continue  # it was a tombstone when it was looked at: no store compares there
        if each.asked is not None and each.asked.ask.kind not in {"delete", "purge"}:
            yield f"a {each.asked.ask.kind} took away '{each.before}' of {each.name}"
            continue
        began, _ = [*case.sources(each.name, each.before), (-1.0, -1.0)][0]
        if each.asked is not None:
            continue
        deletes = [
            write
            for write in case.writes[each.name]
            if write.ask.kind in {"delete", "purge"}
            and write.began <= each.sent
            and any(own.at <= each.at for own in case.own.get(write, ()))
        ]
        gone = [
            other
            for other in case.applied
            if other.name == each.name
            and other.after is None
            and other.process == "another host"
            and other.at <= each.sent
        ]
        if deletes and each.store != case.primary and each.before not in case.by_value:
            continue  # what another host put into a copy gives way to what the home holds
        if not gone and not any(case.end(delete) >= began for delete in deletes):
            yield (
                f"{each.store} lost '{each.before}' of {each.name} at {each.at:.3f} s, "
                f"which nobody had deleted"
            )


def no_replay_goes_back(case: Case) -> Found:
    """A replay replaces what is older, and at the primary nothing that another host has written
    since the write was made."""
    for each in case.applied:
        if each.asked is not None or each.process == "another host" or each.before is None:
            continue
        if each.before == each.after or case.undecided(each.store, each.name):
            continue
        if case.after_restore(each):
            continue
        before = case.by_value.get(each.before)
        sources = case.sources(each.name, each.after)
        if before is not None:
            # A delete and a write after it come as one: the name holds what they come to.
            if all(end < before.began for _, end in sources) and before.outcome == "done":
                yield (
                    f"{each.store} had '{each.before}' of {each.name}, and a replay put "
                    f"{each.after!r} there at {each.at:.3f} s, which is older"
                )
        elif (
            each.store == case.primary
            and all(end < _came(case, each) for _, end in sources)
            and each.name not in _copied(case, each.before)
            and (case.specs[each.store].compare_and_set or _before_look(case, each))
        ):
            yield (
                f"a replay put {each.after!r} over '{each.before}' of {each.name}, "
                f"which another host had written"
            )


def _copied(case: Case, value: str) -> set[str]:
    """The names of which another host's value was brought to a home beside the primary."""
    return {
        each.name for each in case.applied if each.after == value and each.store != case.primary
    }


def _came(case: Case, replay: Applied) -> float:
    """When what a replay replaced had come to that store."""
    return max(
        each.at
        for each in case.world.stores[replay.store].applied
        if each.order < replay.order
        and each.name == replay.name
        and each.after == replay.before != each.before
    )


def _before_look(case: Case, replay: Applied) -> bool:
    """Whether what it replaced had been there for long: the look before it saw that."""
    return any(
        each.after == replay.before and each.at < replay.sent - LATE
        for each in case.world.stores[replay.store].applied
    )
