"""Sessions newer than the index, out of user facts."""

from common.keys import user_field
from common.views.fresh_sessions import FACTS, LONGEST, holding, newest_seen, sessions

GAP = 30 * 60_000


def facts(*rows: tuple[int, str, str]) -> dict[bytes, bytes]:
    """(ms, item, counts) as the user sink stores them."""
    return {user_field(ms // 60_000, "c", item).encode(): f"{n}|{ms}|".encode() for ms, item, n in rows}


def around(known: dict[bytes, bytes], items: list[str]) -> list[list[str]]:
    return holding(sessions(newest_seen(known), GAP), items)


def test_a_session_ends_after_the_gap_and_only_those_with_the_item_are_returned() -> None:
    known = facts((0, "a", "1,0"), (GAP, "b", "1,0"), (2 * GAP + 1, "c", "0,1"), (2 * GAP + 2, "d", "1,0"))
    assert around(known, ["b"]) == [["a", "b"]]
    assert around(known, ["d", "a"]) == [["a", "b"], ["c", "d"]]


def test_what_was_only_taken_out_of_the_cart_was_not_seen_and_one_item_is_no_session() -> None:
    known = facts((0, "a", "1,0,0,0,0,0"), (1, "b", "0,0,0,0,0,1"), (2, "", "1,0"))
    assert around(known, ["a"]) == []


def test_of_a_long_session_the_newest_items_count_and_what_is_no_fact_is_passed_over() -> None:
    known = facts(*[(n, f"i{n}", "1") for n in range(40)]) | {b"nonsense": b"1", b"1\x1fc\x1fi": b"x"}
    assert around(known, ["i39"]) == [[f"i{n}" for n in range(40 - LONGEST, 40)]]
    assert around(known, ["i1"]) == []


def test_no_more_than_the_newest_facts_of_a_user_are_looked_at() -> None:
    known = facts(*[(60_000 * (1000 + n), f"i{n}", "1") for n in range(320)])
    assert newest_seen(known) == [(60_000 * (1000 + n), f"i{n}") for n in range(320 - FACTS, 320)]
