"""What shows nothing is no keyword and changes none, and scripts that need marks and joiners keep what they need."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.invisible import INVISIBLE_RANGES, character_class
from common.models.keyword_text import Keyword, blocked, blocking, keyword

# Default_Ignorable_Code_Point as DerivedCoreProperties.txt of Unicode 15 lists it, and two that are drawn as nothing.
IGNORABLE = (
    "00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 FFF0-FFF8"
    " 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF 2800 FFF9-FFFB"
)


def listed(text: str) -> list[str]:
    ranges = [part.partition("-") for part in text.split()]
    return [chr(n) for first, _, last in ranges for n in range(int(first, 16), int(last or first, 16) + 1)]


NOTHING = listed(IGNORABLE)
NAMED = ["\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", "\u034f", "\ufe0f", "\ufe0e", "\u200b", "\u200d", "\u200e",
         "\u202e", "\u2066", "\u2069", "\ufeff", "\u00ad", "\u180e", "\U000e0041", "\U000e0100", "\u2062"]  # fmt: skip
MARKS = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)).startswith("M")]
nothing = st.text(st.sampled_from(NOTHING), max_size=5)


@pytest.mark.parametrize("sign", NAMED, ids=ascii)
def test_a_sign_that_shows_nothing_is_no_keyword_and_splits_none(sign: str) -> None:
    for typed in (sign, sign * 5, f" {sign} {sign}", f"{sign}\u0301", f"\u0301{sign}"):
        assert keyword(typed, 60) is None
    for typed in (f"co{sign}at", f"{sign}coat", f"coat{sign}", f"{sign}c{sign}{sign}oat", f"{sign} coat {sign}"):
        assert keyword(typed, 60) == Keyword("coat", "coat")


def test_every_ignorable_code_point_shows_nothing() -> None:
    assert [sign for sign in NOTHING if keyword(f"co{sign}at", 60) != Keyword("coat", "coat")] == []
    assert [sign for sign in NOTHING if keyword(sign, 60) is not None] == []


def test_marks_without_a_letter_are_no_keyword() -> None:
    assert [mark for mark in MARKS if keyword(mark, 60) or keyword(f"{mark}{mark} {mark}", 60)] == []
    assert keyword("\u0301\u0302 coat", 60) == Keyword("coat", "coat")
    assert keyword("´", 60) is None  # NFKC: a blank with an accent on it


@pytest.mark.parametrize(
    ("typed", "key", "form"),
    [
        ("벨벳\u3164자켓", "벨벳자켓", "벨벳자켓"),
        ("\u1112\u1161\u11ab\u1160복", "한복", "한복"),
        ("فستان أحمر", "فستانأحمر", "فستان أحمر"),
        ("فُسْتَان", "فُسْتَان", "فُسْتَان"),
        ("साड़ी", "सा\u0921\u093cी", "सा\u0921\u093cी"),
        ("क्षेत्र", "क्षेत्र", "क्षेत्र"),
        ("เสื้อผ้า", "เสื้อผ้า", "เสื้อผ้า"),
        ("ao\u0302\u0323", "aộ", "aộ"),
        ("x\u0302 y", "x\u0302y", "x\u0302 y"),  # no character of its own: the mark stays
        ("👗", "👗", "👗"),
        ("👩\u200d💻", "👩💻", "👩\u200d💻"),
        ("👩\u200d❤\ufe0f\u200d👩 ring", "👩❤👩ring", "👩\u200d❤\ufe0f\u200d👩 ring"),
        ("👩🏽\u200d🦰", "👩🏽🦰", "👩🏽\u200d🦰"),
        ("❤\ufe0f", "❤", "❤\ufe0f"),
        ("❤", "❤", "❤"),
        ("🇰🇷", "🇰🇷", "🇰🇷"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴", "🏴"),
        ("1\ufe0f\u20e3", "1\u20e3", "1\u20e3"),
        ("👗\u200d", "👗", "👗"),
        ("\u200d👗", "👗", "👗"),
        ("👗\u200da", "👗a", "👗a"),
        ("a\ufe0f\u200d👗", "a👗", "a👗"),
        ("👗\u3164\u200d👗", "👗👗", "👗👗"),
    ],
)
def test_what_is_shown_stays(typed: str, key: str, form: str) -> None:
    assert keyword(typed, 60) == Keyword(key, form)
    assert keyword(form, 60) == Keyword(key, form)


@given(st.lists(st.tuples(nothing, st.sampled_from([*"coat", "여름", "สี", "👗"])), min_size=1, max_size=8), nothing)
def test_signs_that_show_nothing_change_no_keyword(parts: list[tuple[str, str]], end: str) -> None:
    plain, typed = keyword("".join(letter for _, letter in parts), 60), "".join(map("".join, parts)) + end
    found = keyword(typed, 60)
    assert plain and found
    assert found.key == plain.key
    assert re.sub("[\u200d\ufe0f]", "", found.form) == plain.form


@given(st.text(st.sampled_from([*NOTHING, *MARKS, " ", "\t", "\u3000", "\x00"]), max_size=60))
def test_a_text_of_nothing_but_such_signs_is_no_keyword(typed: str) -> None:
    assert keyword(typed, 60) is None


@given(st.text(st.one_of(st.sampled_from([*NOTHING, *MARKS, *"=<a 👗❤←가가"]), st.characters()), max_size=60))
def test_a_form_is_its_own_keyword_and_begins_with_what_can_be_seen(typed: str) -> None:
    found = keyword(typed, 60)
    if found:
        assert keyword(found.form, 60) == found
        assert not set(found.form) & (set(NOTHING) - {"\u200d", "\ufe0f"})
        assert not set(found.key) & set(NOTHING)
        assert not [word for word in found.form.split() if unicodedata.category(word[0]).startswith(("M", "C"))]


def test_the_blocklist_sees_through_signs_that_show_nothing() -> None:
    for typed in ("b\u3164ad\u200b word", "a bad\u2800word b", "\u034fbad \ufe0fword"):
        found = keyword(typed, 60)
        assert found
        assert blocked(found, blocking(["bad word"]))
    family = keyword("a 👩\u200d💻", 60)
    assert family
    assert blocked(family, blocking(["👩💻"]))


def test_the_character_class_is_the_ranges() -> None:
    shown = re.compile(f"[^{character_class()}]")
    within = {n for first, last in INVISIBLE_RANGES for n in range(first, last + 1)}
    assert within == {n for n in range(sys.maxunicode + 1) if not shown.match(chr(n))}
    assert within >= {ord(sign) for sign in NOTHING}
    assert within >= {n for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) in ("Zs", "Zl", "Zp")}
