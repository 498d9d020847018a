"""What was typed → the keyword it counts for, and how it is shown.

One function in Python, applied where text leaves Spark (sink and batch job, both on executors): Spark has no
NFKC, and two normalisers would disagree (docs/adr/0010).
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # control, format (zero width, bidi), surrogate, private, unassigned


@dataclass(frozen=True)
class Keyword:
    """`key` joins spellings: no case, no spaces. `form` is readable, as typed."""

    key: str
    form: str


@lru_cache(maxsize=16_384)
def keyword(text: str, max_length: int) -> Keyword | None:
    """The keyword of a query; None where nothing visible is left or more than `max_length` characters are.

    NFKC (full width → plain, Hangul and accents composed), control and format characters dropped, white space
    collapsed to single spaces. Whoever normalises a form again gets the same keyword.
    """
    if len(text) > 4 * max_length:  # no normal form is a quarter of its text: not worth the work
        return None
    composed = unicodedata.normalize("NFKC", text)
    visible = "".join(" " if c.isspace() else c for c in composed if c.isspace() or not _unseen(c))
    form = unicodedata.normalize("NFKC", " ".join(visible.split()))
    key = unicodedata.normalize("NFKC", form.casefold()).replace(" ", "")
    return Keyword(key, form) if key and len(form) <= max_length else None


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN


def blocked(found: Keyword, blocklist: frozenset[str]) -> bool:
    """Whether the keyword is one of the list (of `blocking`), or its form has one of them as a whole word or
    words in a row."""
    if not blocklist:
        return False
    words = unicodedata.normalize("NFKC", found.form.casefold()).split()
    runs = ("".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1))
    return found.key in blocklist or any(run in blocklist for run in runs)


def blocking(texts: list[str]) -> frozenset[str]:
    """A configured blocklist as keys; entries without anything visible block nothing."""
    found = (keyword(text, max(len(text), 1)) for text in texts)
    return frozenset(one.key for one in found if one)
