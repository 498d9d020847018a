"""What is typed becomes one keyword whatever its spelling, and never more than can be shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.models.keyword_text import Keyword, blocked, blocking, keyword


@pytest.mark.parametrize(
    ("typed", "key", "form"),
    [
        ("linen shirt", "linenshirt", "linen shirt"),
        ("  Linen \t\n SHIRT ", "linenshirt", "Linen SHIRT"),
        ("ＬＩＮＥＮ　ｓｈｉｒｔ", "linenshirt", "LINEN shirt"),  # full width, ideographic space
        ("여름 원피스", "여름원피스", "여름 원피스"),
        ("여름원피스", "여름원피스", "여름원피스"),
        (unicodedata.normalize("NFD", "여름 원피스"), "여름원피스", "여름 원피스"),  # conjoining jamo
        ("ｶﾞｳﾝ", "ガウン", "ガウン"),  # half width kana with its voice mark
        ("Café", "café", "Café"),
        ("cafe\u0301", "café", "café"),
        ("STRASSE straße", "strassestrasse", "STRASSE straße"),
        ("red\x00\x07 dress\x7f", "reddress", "red dress"),
        ("red\u200bdress\u202e\u2066", "reddress", "reddress"),  # zero width, bidi overrides
        ("👗", "👗", "👗"),
        ("'; DROP TABLE items;--", "';droptableitems;--", "'; DROP TABLE items;--"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_spellings_are_one_keyword(typed: str, key: str, form: str) -> None:
    assert keyword(typed, 60) == Keyword(key, form)


@pytest.mark.parametrize("typed", ["", " ", "\t\r\n", "\x00\x1f", "\u200b\u200d", "x" * 61, "x" * 1_000_000, "ﷺ" * 20])
def test_what_cannot_be_shown_is_no_keyword(typed: str) -> None:
    assert keyword(typed, 60) is None


@given(st.text(max_size=80))
def test_a_form_is_its_own_keyword_and_holds_nothing_unseen(typed: str) -> None:
    found = keyword(typed, 60)
    if found:
        again = keyword(found.form, 60)
        assert again is not None
        assert again.form == found.form
        assert again.key == found.key
        assert not [c for c in found.form if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\u200d"]
        assert len(found.form) <= 60


@pytest.mark.parametrize(
    ("form", "is_blocked"),
    [
        ("Bad Word", True),
        ("badword", True),
        ("a BAD  word here", True),
        ("not bad words", False),
        ("나쁜말", True),
        ("glasses", False),
    ],
)
def test_the_blocklist_blocks_whole_words_in_any_spelling(form: str, is_blocked: bool) -> None:
    found = keyword(form, 60)
    assert found
    assert blocked(found, blocking(["bad word", "나쁜 말", "ass", " "])) is is_blocked


def test_a_word_that_is_longer_than_its_sign_is_blocked() -> None:
    found = keyword("株式会社", 60)
    assert found and blocked(found, blocking(["㍿"]))  # one sign; its normal form has four
