"""What was typed → the keyword it counts for, and how it is shown.

One function in Python, applied where text leaves Spark (sink and batch job, both on executors): Spark has no
NFKC, and two normalisers would disagree (docs/adr/0010).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import dropwhile

from common.invisible import BLANK_RANGES, character_class

NFKC_LONGEST = 18  # characters that one may become
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # control, format (zero width, bidi), surrogate, private, unassigned
# Pictures may be joined into one (a family) and may ask for colour: nowhere else are the signs for that shown.
JOINER, COLOUR = "\u200d", "\ufe0f"
PICTURE = f"[\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff]{COLOUR}?"
BLANK = re.compile(f"({PICTURE}(?:{JOINER}{PICTURE})*)|[{character_class(BLANK_RANGES)}]")


@dataclass(frozen=True)
class Keyword:
    """`key` joins spellings: no case, no spaces. `form` is readable, as typed."""

    key: str
    form: str


@lru_cache(maxsize=16_384)
def keyword(text: str, max_length: int) -> Keyword | None:
    """The keyword of a query; None where nothing visible is left or more than `max_length` characters are.

    NFKC (full width → plain, Hangul and accents composed), what shows nothing and marks without a letter dropped, white
    space collapsed to single spaces. Whoever normalises a form again gets the same keyword.
    """
    if len(text) > 4 * max_length:  # no normal form is a quarter of its text: not worth the work
        return None
    words = map(_visible, unicodedata.normalize("NFKC", text).split())
    form = unicodedata.normalize("NFKC", " ".join(word for word in words if word))
    key = _key(form)
    return Keyword(key, form) if key and len(form) <= max_length else None


def _visible(word: str) -> str:
    """What can be seen of a word."""
    drawn = "".join(c for c in word if c == JOINER or unicodedata.category(c) not in UNSEEN)
    return "".join(dropwhile(_is_mark, BLANK.sub(r"\1", drawn)))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _key(form: str) -> str:
    folded = unicodedata.normalize("NFKC", form.casefold())
    return folded.replace(" ", "").replace(JOINER, "").replace(COLOUR, "")


def blocked(found: Keyword, blocklist: frozenset[str]) -> bool:
    """Whether the keyword is one of the list (of `blocking`), or its form has one of them as a whole word or
    words in a row."""
    if not blocklist:
        return False
    words = [_key(word) for word in found.form.split()]
    runs = ("".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1))
    return found.key in blocklist or any(run in blocklist for run in runs)


def blocking(texts: list[str]) -> frozenset[str]:
    """A configured blocklist as keys; entries without anything visible block nothing, and are refused before."""
    found = (keyword(text, NFKC_LONGEST * max(len(text), 1)) for text in texts)
    return frozenset(one.key for one in found if one)
