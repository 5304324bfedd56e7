"""Templates for names: ``{artist} - {title}< [{camelot} {bpm}]>``.

``{field}`` is a field's value, ``{artist|album_artist}`` the first that there is, ``{label|"White Label"}`` a text if
there is none, ``{track:3}`` a number of at least three digits (``{camelot:2}`` is
``08A``). ``%artist%`` is ``{artist}``. A group in ``< >`` goes
when no field in it has a value, and so do brackets, with all that stands in them; a dash or space that a missing value
would leave behind goes with it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from reprise.core.renaming import Origin, Value
from reprise.errors import BadTemplate
from reprise.rename.layout import GAP, tidied
from reprise.rename.names import ILLEGAL, legal
from reprise.rename.values import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_CHARACTERS = 1000
MAX_DEPTH = 20
"""Groups within groups."""
MAX_QUOTED = 40
"""Characters of a wrong field that a message repeats."""
LONG_CHARACTERS = 200
"""From there on a template is most likely a mistake."""

TAG = "tag:"

_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<field>[^{}]*)\}|%%|%(?P<percent>[A-Za-z_]+)%|[{}<>]|[^{}<>%]+|%")
_LITERALS = {"{{": "{", "}}": "}", "%%": "%", "%": "%"}
_TEXT = re.compile(r'"([^"]*)"')
_WIDTH = re.compile(r"(.*):([0-9]+)", re.DOTALL)
_MAX_WIDTH = 9
_NUMBER = re.compile(r"0*([0-9]+)")


class Severity(StrEnum):
    """``ERROR``: the template cannot be used. ``WARNING``: it can, but was most likely not meant so."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Fault:
    """``position`` is where it begins, in characters from 0, and ``length`` how far it goes, within the template."""

    position: int
    length: int
    message: str
    severity: Severity = Severity.ERROR


class Rendered(NamedTuple):
    """``stem`` is empty if no field has a value. ``values``: those that stand in it, by the name of their field."""

    stem: str
    values: dict[str, Value]


class _Slot(NamedTuple):
    """A place for a value: the fields that are asked for it in turn, and what is said if none has one."""

    fields: tuple[str, ...]
    otherwise: str
    width: int

    def text(self, values: Mapping[str, Value]) -> tuple[str, str]:
        """The name of the field, and what it says as a part of a name; nothing for no value."""
        for field in self.fields:
            value = values.get(field)
            if value is not None and (text := legal(value.text)).strip(" ."):
                return field, self._padded(text)
        return "", self.otherwise

    def _padded(self, text: str) -> str:
        number = _NUMBER.match(text) if self.width else None
        return text if number is None else number[1].zfill(self.width) + text[number.end() :]


_Node: TypeAlias = "str | int | tuple[_Node, ...]"
"""A text, the number of a slot, or a group."""


class Template:
    """A template that was understood. Not for several threads at once."""

    def __init__(self, text: str, slots: Sequence[_Slot], nodes: Sequence[_Node]) -> None:
        self.text = text
        self._slots = tuple(slots)
        self._nodes = tuple(nodes)
        self._layouts: dict[tuple[bool, ...], list[str | int]] = {}
        """By which slots have a value: a library has few such patterns, and each is thought about once."""

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises ``BadTemplate`` with the place of the first fault."""
        parser = _Parser(text)
        fault = next((fault for fault in parser.faults if fault.severity is Severity.ERROR), None)
        if fault is not None:
            cure = "see the fields with: reprise rename presets --fields"
            message = f"{fault.message} (character {fault.position + 1} of the template)"
            raise BadTemplate(message, cure=cure, position=fault.position, length=fault.length)
        return cls(text, parser.slots, parser.nodes)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that it asks for, once, in the order of the template."""
        return tuple(dict.fromkeys(field for slot in self._slots for field in slot.fields))

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of the tags that it asks for by ``{tag:NAME}``."""
        return tuple(field[len(TAG) :] for field in self.fields if field.startswith(TAG))

    def render(self, values: Mapping[str, Value]) -> Rendered:
        """The stem that it gives a track, not yet cut to what a name can hold (:func:`names.file_name` does)."""
        said = [slot.text(values) for slot in self._slots]
        present = tuple([bool(text) for _, text in said])
        if not any(field for field, _ in said):
            return Rendered("", {})
        layout = self._layouts.get(present)
        if layout is None:
            layout = self._layouts[present] = _laid_out(self._nodes, present)
        stem = "".join([part if isinstance(part, str) else said[part][1] for part in layout])
        used = {field: values[field] for field, _ in said if field}
        for slot, (field, text) in zip(self._slots, said, strict=True):
            if text and not field and slot.fields:
                used[slot.fields[0]] = Value(text, Origin.DEFAULT)
        return Rendered(legal(stem).strip(" ."), used)


def check(text: str) -> list[Fault]:
    """Everything that is wrong with it, in the order of the text; empty when it is as it should be."""
    return sorted(_Parser(text).faults, key=lambda fault: (fault.position, fault.length))


def text_value(text: str) -> Value:
    """A value that nobody says: for examples."""
    return Value(text, Origin.DEFAULT)


class _Parser:
    """One pass over the text, which collects all faults and goes on."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self.slots: list[_Slot] = []
        self._open: list[tuple[int, list[_Node]]] = [(0, [])]
        if len(text) > MAX_CHARACTERS:
            self._fault(
                MAX_CHARACTERS, len(text) - MAX_CHARACTERS, f"longer than {MAX_CHARACTERS} characters"
            )
            text = text[:MAX_CHARACTERS]
        for token in _TOKEN.finditer(text):
            self._take(token)
        while len(self._open) > 1:
            self._fault(self._open[-1][0], 1, "the group that begins here has no end: >")
            self._close(None)
        self.nodes = self._open[0][1]
        self._look_over(text)

    def _take(self, token: re.Match[str]) -> None:
        text, position = token.group(), token.start()
        name = token["field"] if token["field"] is not None else token["percent"]
        if name is not None:
            self._field(name, position, token.end())
        elif text in _LITERALS:
            self._literal(_LITERALS[text], position)
        elif text == "<":
            self._begin(position)
        elif text == ">":
            self._close(position)
        elif text == "{":
            self._fault(position, 1, "the field that begins here has no end: }; for the character write {{")
        elif text == "}":
            self._fault(position, 1, "no field begins before this; for the character write }}")
        else:
            self._literal(text, position)

    def _field(self, content: str, start: int, end: int) -> None:
        fields: list[str] = []
        otherwise, width = "", 0
        if sized := _WIDTH.fullmatch(content):
            content, width = sized[1], int(sized[2][:2])
            if not 1 <= width <= _MAX_WIDTH or len(sized[2]) > 1:
                self._fault(start + 1 + sized.start(2), len(sized[2]), f"write 1 to {_MAX_WIDTH} digits")
        at = start + 1
        for part in content.split("|"):
            name = part.strip()
            if otherwise:
                self._fault(at, len(part), "nothing comes after a text: it always has a value")
            elif quoted := _TEXT.fullmatch(name):
                otherwise = self._quoted(quoted[1], at + part.index('"') + 1)
            elif self._known(part, name, at, end - at):
                fields.append(name if name.startswith(TAG) else name.lower())
            at += len(part) + 1
        self._open[-1][1].append(len(self.slots))
        self.slots.append(_Slot(tuple(fields), otherwise, width))

    def _quoted(self, text: str, position: int) -> str:
        self._look_for_illegal(text, position)
        return legal(text) if text.strip() else ""

    def _known(self, part: str, name: str, at: int, left: int) -> bool:
        if name.startswith(TAG) and name != TAG:
            return True
        if name.lower() in FIELDS:
            return True
        length = max(len(part), min(1, left))
        if not name or name == TAG:
            self._fault(at, length, "a field needs a name")
            return False
        near = difflib.get_close_matches(name.lower(), FIELDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        shown = name if len(name) <= MAX_QUOTED else f"{name[:MAX_QUOTED]}…"
        self._fault(at, length, f"there is no field {shown!r}{hint}")
        return False

    def _literal(self, text: str, position: int) -> None:
        self._look_for_illegal(text, position)
        self._open[-1][1].append(legal(text.replace(GAP, "")))

    def _look_for_illegal(self, text: str, position: int) -> None:
        for place, character in enumerate(text):
            if character == "/":
                self._fault(position + place, 1, "a name holds no folder: files stay where they are")
            elif character in ILLEGAL:
                self._fault(position + place, 1, f"no file name holds {character} on Windows or on a player")
            elif not character.isspace() and not legal(character):
                self._fault(position + place, 1, f"the character {character!a} has no place in a file name")

    def _begin(self, position: int) -> None:
        if len(self._open) == MAX_DEPTH + 1:
            self._fault(position, 1, f"more than {MAX_DEPTH} groups within each other")
        self._open.append((position, []))

    def _close(self, position: int | None) -> None:
        if len(self._open) == 1:
            self._fault(position or 0, 1, "no group begins before this: <")
            return
        start, nodes = self._open.pop()
        if position is not None and not _has_slot(nodes):
            self._fault(start, position - start + 1, "a group without a field never shows")
        if len(self._open) <= MAX_DEPTH:
            self._open[-1][1].append(tuple(nodes))
        else:  # a fault already; nothing is ever as deep as the stack
            self._open[-1][1].extend(nodes)

    def _look_over(self, text: str) -> None:
        if not text.strip():
            self._fault(0, len(text), "the template is empty")
        elif not any(slot.fields for slot in self.slots) and not self.faults:
            self._fault(0, len(text), "without a field all files would have one name")
        if len(text) > LONG_CHARACTERS:
            self._warn(
                LONG_CHARACTERS, len(text) - LONG_CHARACTERS, f"longer than {LONG_CHARACTERS} characters"
            )
        for spaces in re.finditer(r"^\s+(?=\S)|(?<=\S)\s+$|(?<=\S)\s{2,}(?=\S)", text):
            self._warn(spaces.start(), len(spaces.group()), "these spaces are folded or dropped")

    def _fault(self, position: int, length: int, message: str) -> None:
        self.faults.append(Fault(position, length, message))

    def _warn(self, position: int, length: int, message: str) -> None:
        self.faults.append(Fault(position, length, message, Severity.WARNING))


def _has_slot(nodes: Sequence[_Node]) -> bool:
    return any(_has_slot(node) if isinstance(node, tuple) else isinstance(node, int) for node in nodes)


def _laid_out(nodes: Sequence[_Node], present: Sequence[bool]) -> list[str | int]:
    """What is said when these slots have a value: texts, and numbers of slots."""
    parts: list[str | int] = []
    for character in tidied(_flat(nodes, present)):
        if "\ud800" <= character <= "\udbff":
            parts.append(ord(character) - 0xD800)
        elif parts and isinstance(parts[-1], str):
            parts[-1] += character
        else:
            parts.append(character)
    return parts


def _flat(nodes: Sequence[_Node], present: Sequence[bool]) -> str:
    """Texts, a stand-in for each value (half a surrogate pair, which no text holds), and a gap for what is missing."""
    parts = []
    for node in nodes:
        if isinstance(node, str):
            parts.append(node)
        elif isinstance(node, int):
            parts.append(chr(0xD800 + node) if present[node] else GAP)
        else:
            parts.append(_flat(node, present) if _speaks(node, present) else GAP)
    return "".join(parts)


def _speaks(nodes: Sequence[_Node], present: Sequence[bool]) -> bool:
    """Whether a field in the group has a value."""
    return any(
        _speaks(node, present) if isinstance(node, tuple) else isinstance(node, int) and present[node]
        for node in nodes
    )
