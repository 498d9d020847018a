"""Card numbers: whether a text holds one, and a text without those it may hold.

A number counts as a card's where it stands in the groups or the one run that cards are written in, begins as those of a
network do and keeps Luhn's rule (ISO/IEC 7812-1). Of other numbers of that length and beginning every tenth does so.
"""

import re

from common.events import CARD_ANYWHERE, CARD_HIDDEN, HIDDEN

_ANYWHERE = re.compile(CARD_ANYWHERE)
_HIDDEN_BYTES = re.compile(CARD_HIDDEN.encode())
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_ESCAPED_BYTES = re.compile(rb"\\u00(3[0-9]|20|2[dD])")
PARTS = {*b"0123456789 -"}
_CANDIDATE = re.compile(r"[0-9][0-9 -]{12}")


def holds_card(text: str) -> bool:
    """Whether a JSON text has a card number anywhere: in a value, a key, or in several escapes."""
    if "\\" in text:
        text = _ESCAPE.sub(_character, text)
    if not _CANDIDATE.search(text):
        return False
    return any(luhn(match[0]) for match in _ANYWHERE.finditer(text))


def _character(escape: re.Match[str]) -> str:
    """What an escape stands for where that is part of a number, else a space."""
    code = int(escape[1], 16) if escape[1] else 0
    return chr(code) if code in PARTS else " "


def luhn(number: str) -> bool:
    """Luhn's rule on the digits of `number`."""
    digits = [int(character) for character in reversed(number) if character.isdigit()]
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def without_cards(raw: bytes) -> bytes:
    """The bytes with all but the last four digits hidden of whatever may be a card number."""
    if b"\\u00" in raw:
        raw = _ESCAPED_BYTES.sub(lambda escape: bytes([int(escape[1], 16)]), raw)
    return _HIDDEN_BYTES.sub(HIDDEN.encode(), raw)
