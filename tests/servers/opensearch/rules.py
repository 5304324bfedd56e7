"""Rules for bodies and parameters of requests, and how OpenSearch words what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

Rule: TypeAlias = Callable[[Any, str], None]


class Refusal(Exception):
    """An answer of 4xx. ``expected``: the request was well formed and the state forbids it (404, 409, a block)."""

    def __init__(self, status: int, kind: str, reason: str, *, expected: bool = False) -> None:
        super().__init__(reason)
        self.status, self.kind, self.reason, self.expected = status, kind, reason, expected

    def body(self) -> dict[str, Any]:
        cause = {"type": self.kind, "reason": self.reason}
        return {"error": {"root_cause": [cause], **cause}, "status": self.status}


def wrong(where: str, value: object, wanted: str) -> Refusal:
    return Refusal(400, "parsing_exception", f"[{where}] is {value!r:.200}, not {wanted}")


def text(value: Any, where: str) -> None:
    if not isinstance(value, str) or not value:
        raise wrong(where, value, "a text")


def flag(value: Any, where: str) -> None:
    if not isinstance(value, bool):
        raise wrong(where, value, "true or false")


def number(value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(where, value, "a number")


def scalar(value: Any, where: str) -> None:
    if not isinstance(value, str | int | float | bool):
        raise wrong(where, value, "a value")


def anything(value: Any, where: str) -> None:
    """The manual leaves it open."""


def whole(least: int, most: int) -> Rule:
    def check(value: Any, where: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise wrong(where, value, f"a whole number from {least} to {most}")

    return check


def words(*allowed: str) -> Rule:
    """One of the words; also the rule for parameters, whose values are all texts."""

    def check(value: Any, where: str) -> None:
        if value not in allowed:
            raise wrong(where, value, f"one of {', '.join(allowed)}")

    return check


def digits(value: Any, where: str) -> None:
    """A number as a parameter has it."""
    if not isinstance(value, str) or not value.isdigit():
        raise wrong(where, value, "a number")


def each(rule: Rule, most: int = 1 << 62, what: str = "values") -> Rule:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, list):
            raise wrong(where, value, "an array")
        if len(value) > most:
            raise Refusal(
                400, "illegal_argument_exception", f"[{where}] has {len(value)} {what}, more than {most}"
            )
        for place, one in enumerate(value):
            rule(one, f"{where}[{place}]")

    return check


def shape(allowed: Mapping[str, Rule], needed: Iterable[str] = ()) -> Rule:
    """An object with these keys and no other."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise wrong(where, value, "an object")
        if unknown := sorted(set(value) - set(allowed)):
            raise Refusal(400, "parsing_exception", f"[{where}] has an unknown key [{unknown[0]}]")
        if missing := sorted(set(needed) - set(value)):
            raise Refusal(400, "parsing_exception", f"[{where}] lacks [{missing[0]}]")
        for key, one in value.items():
            allowed[key](one, f"{where}.{key}")

    return check


def by_name(rule: Rule, most: int = 1 << 62) -> Rule:
    """An object whose keys are names of fields, filters, aliases and the like."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict) or not 1 <= len(value) <= most:
            raise wrong(where, value, "an object with names")
        for key, one in value.items():
            rule(one, f"{where}.{key}")

    return check


def either(*rules: Rule) -> Rule:
    def check(value: Any, where: str) -> None:
        problems = []
        for rule in rules:
            try:
                rule(value, where)
            except Refusal as refusal:
                problems.append(refusal)
            else:
                return
        raise problems[-1]

    return check
