"""How strict the JSON of a record is, on columns: the rules of `common.strict_json`, by functions of Spark's own.

`try_parse_json` refuses what Jackson refuses, keys that come twice and halves of surrogate pairs, but reads the first
value only. A text that is a value in [ ] as well as in {"r": } is one value and nothing more: what closes the one
bracket early breaks the other.
"""

from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from common import events as contract

ESCAPE = r"\\(?:u[0-9a-fA-F]{4}|.)"
CANDIDATE = r"[0-9][0-9 -]{12}"  # what every number of 14 digits or more begins with


def strict(value: Column) -> Column:
    """Whether the bytes are one JSON value as the contract takes it."""
    raw = value.cast("string")
    member = F.from_json(F.concat(F.lit('{"r":'), raw, F.lit("}")), "map<string,string>")
    return F.call_function("is_valid_utf8", value) & in_a_list(raw).isNotNull() & member.isNotNull()


def in_a_list(raw: Column) -> Column:
    """The text in [ ] as a variant; null where that is no strict JSON."""
    return F.try_parse_json(F.concat(F.lit("["), raw, F.lit("]")))


def too_deep(raw: Column) -> Column:
    """Whether lists and objects are nested deeper than `MAX_NESTING`.

    Without strings only brackets count; taking away every innermost pair takes one level away.
    """
    unescaped = F.regexp_replace(F.replace(raw, F.lit("\\\\"), F.lit("")), r'\\"', "")
    brackets = F.regexp_replace(F.regexp_replace(unescaped, '"[^"]*"', ""), r"[^\[\]{}]+", "")
    levels = F.sequence(F.lit(1), F.lit(contract.MAX_NESTING))
    left = F.aggregate(levels, brackets, lambda text, _: F.regexp_replace(text, r"\[\]|\{\}", ""))
    return left != ""


def holds_card(raw: Column) -> Column:
    """Whether a card number stands anywhere in the text: `common.cards.holds_card`."""
    plain = F.replace(raw, F.lit("\\\\"), F.lit(" "))
    plain = F.regexp_replace(F.regexp_replace(plain, r"\\u003([0-9])", "$1"), r"\\u002[dD]", "-")
    return card_in(F.regexp_replace(plain, ESCAPE, " "))


def card_in(text: Column) -> Column:
    """Whether a card number stands in a text without escapes."""
    numbers = F.regexp_extract_all(text, F.lit(contract.CARD_ANYWHERE), F.lit(0))
    kept = F.exists(numbers, lambda number: F.call_function("luhn_check", F.regexp_replace(number, "[^0-9]", "")))
    return F.rlike(text, F.lit(CANDIDATE)) & kept


def without_cards(value: Column) -> Column:
    """The bytes with what may be a card number hidden: `common.cards.without_cards`."""
    raw = value.cast("string")
    for escape, character in ((r"\\u003([0-9])", "$1"), (r"\\u0020", " "), (r"\\u002[dD]", "-")):
        raw = F.regexp_replace(raw, escape, character)
    hidden = F.regexp_replace(raw, contract.CARD_HIDDEN, contract.HIDDEN.replace("$", r"\$"))
    return F.when(F.rlike(raw, F.lit(contract.CARD_HIDDEN)), F.encode(hidden, "UTF-8")).otherwise(value)


def plainly_strict(value: Column) -> Column:
    """A cheap test that only strict records without a card number pass, and nearly all of them do; of a record that
    `from_json` could read in {"r": }."""
    raw = value.cast("string")
    odd_escape = F.contains(raw, F.lit("\\")) & raw.rlike(r'\\(?:u00[0-7]|u[dD][89a-fA-F]|[^u"\\/])')
    plain = F.when(F.contains(raw, F.lit("\\")), F.regexp_replace(raw, ESCAPE, " ")).otherwise(raw)
    tests = [
        F.octet_length(value) <= contract.MAX_BYTES,
        F.call_function("is_valid_utf8", value),
        ~odd_escape,
        *[F.substring_index(raw, sign, contract.MAX_NESTING // 2 + 1) == raw for sign in "[{"],
        ~F.rlike(plain, F.lit(CANDIDATE)) | ~F.rlike(plain, F.lit(contract.CARD_ANYWHERE)),
        in_a_list(raw).isNotNull(),
    ]
    return reduce(lambda both, test: both & test, tests)
