"""JSON as both readers of the event contract take it (docs/adr/0024): what the text says, or why it is not taken.

Python's own parser reads the grammar of RFC 8259, with hooks: a number stays the text that it was, a key that comes
twice, NaN and numbers of absurd length are faults, and so is half of a surrogate pair. Each event of a list is read by
itself, with its text, so that a fault is the fault of one event.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from common.events import MAX_NESTING, MAX_NUMBER

SPACE = re.compile(r"[ \t\r\n]*")
PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# A text without an end goes to the end: that no quotation mark begins a second look keeps this linear.
BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in the text; `whole`: without fraction and exponent."""

    text: str
    whole: bool


@dataclass(frozen=True)
class Read:
    """A value and its text; `strict` is false where the text breaks a rule that JSON's grammar alone does not have."""

    value: Any
    text: str
    strict: bool


class Reader:
    """Reads one text; `json.JSONDecodeError` where it is no JSON."""

    def __init__(self, text: str) -> None:
        self._text, self._faults, self._place = text, 0, 0
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=lambda digits: self._number(digits, True),
            parse_float=lambda digits: self._number(digits, False),
            parse_constant=self._fault,
        )

    def whole(self) -> Read:
        """The text as one value."""
        read, end = self._value(self._skip(0))
        self._end(end)
        return read

    def events(self) -> list[Read] | None:
        """The elements of a top-level list `events`; None where the text is no object with one, or is itself an event:
        has an `event_type`. A key of the object that comes twice is a JSONDecodeError."""
        place = self._skip(0)
        if self._text[place : place + 1] != "{":
            return None
        names: set[str] = set()
        events: list[Read] | None = None
        for name, start in self._members(place):
            if name in names:
                raise json.JSONDecodeError(f"the key {name[:64]!r} comes twice", self._text, start)
            names.add(name)
            if name == "events" and self._text[start : start + 1] == "[":
                events = list(self._elements(start))
            else:
                _, self._place = self._value(start)
        return None if "event_type" in names else events

    def _members(self, place: int) -> Iterator[tuple[str, int]]:
        """Name and start of the value of each member; who reads the value puts its end into `_place`."""
        place = self._skip(place + 1)
        while self._text[place : place + 1] != "}":
            if self._text[place : place + 1] != '"':
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", self._text, place)
            name, end = scanstring(self._text, place + 1, True)
            yield name, self._after(":", end)
            place = self._next(self._place, "}")
        self._end(place + 1)

    def _elements(self, place: int) -> Iterator[Read]:
        place = self._skip(place + 1)
        while self._text[place : place + 1] != "]":
            read, end = self._value(place)
            yield read
            place = self._next(end, "]")
        self._place = place + 1

    def _next(self, place: int, close: str) -> int:
        """Where the next element begins, or the closing bracket stands."""
        place = self._skip(place)
        if self._text[place : place + 1] == close:
            return place
        place = self._after(",", place)
        if self._text[place : place + 1] == close:
            raise json.JSONDecodeError("Expecting value", self._text, place)
        return place

    def _value(self, place: int) -> tuple[Read, int]:
        self._faults = 0
        try:
            value, end = self._decoder.raw_decode(self._text, place)
        except RecursionError:
            end = self._closing(place)
            return Read(None, self._text[place:end], strict=False), end
        text = self._text[place:end]
        return Read(value, text, not self._faults and not half_a_pair(text)), end

    def _closing(self, place: int) -> int:
        """The end of the object or list that begins here, without parsing it."""
        depth = 0
        for bracket in BRACKET.finditer(self._text, place):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket[0], 0)
            if depth == 0:
                return bracket.end()
        raise json.JSONDecodeError("Expecting the end of a list or an object", self._text, len(self._text))

    def _skip(self, place: int) -> int:
        return SPACE.match(self._text, place).end()  # type: ignore[union-attr]

    def _after(self, sign: str, place: int) -> int:
        place = self._skip(place)
        if self._text[place : place + 1] != sign:
            raise json.JSONDecodeError(f"Expecting '{sign}'", self._text, place)
        return self._skip(place + 1)

    def _end(self, place: int) -> None:
        if self._skip(place) != len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, place)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        self._faults += len(members) != len(pairs)
        return members

    def _number(self, digits: str, whole: bool) -> Number:
        self._faults += len(digits) > MAX_NUMBER and sum(map(str.isdigit, digits)) > MAX_NUMBER
        return Number("0" if digits == "-0" else digits, whole)

    def _fault(self, _: str) -> None:
        self._faults += 1


def half_a_pair(text: str) -> bool:
    """Whether an escape in the JSON `text` is half of a surrogate pair: no character, and no UTF-8."""
    if "\\ud" not in text and "\\uD" not in text:
        return False
    return SURROGATE.search(PAIR.sub(" ", text.replace("\\\\", "  "))) is not None


def too_deep(text: str) -> bool:
    """Whether lists and objects are nested deeper than `MAX_NESTING` in a JSON text."""
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return False
    depth = 0
    for bracket in BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket[0], 0)
        if depth > MAX_NESTING:
            return True
    return False
