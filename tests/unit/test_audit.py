"""Accounting for messages: micro-batches that run again, accounts that are lost, what does not balance."""

import dataclasses

import orjson
import pytest

from common.audit import Account, Audit, Counts, Partition
from common.sources.lake_audit import blocks

START, END = {"t/0": 0}, {"t/0": 10}


def account(*batches: tuple[str, int, Counts]) -> Account:
    known = None
    for query, batch, counts in batches:
        known = Account.after(known, query, batch, {"t/0": batch * 10}, {"t/0": batch * 10 + 10}, counts)
        known = Account.read(orjson.dumps(known))
    assert known is not None
    return known


def test_micro_batches_add_up_and_one_that_runs_again_counts_once() -> None:
    again = Counts(7, 2, 1)
    made = account(("q", 0, Counts(5, 3, 2)), ("q", 1, again), ("q", 1, again), ("q", 2, Counts(10)))
    assert (made.total(), made.start, made.end) == (Counts(22, 5, 3), {"t/0": 0}, {"t/0": 30})


def test_a_gap_or_another_query_begins_a_new_account_where_that_micro_batch_begins() -> None:
    gap = account(("q", 0, Counts(5)), ("q", 4, Counts(7)))
    other = account(("q", 0, Counts(5)), ("r", 1, Counts(7)))
    assert (gap.total(), gap.start, other.total(), other.start) == (Counts(7), {"t/0": 40}, Counts(7), {"t/0": 10})


FIT = Partition("t/0", 100, 110, events=8, quarantined=2, erased=0, absent=0, doubled=0)


def test_figures_that_add_up_balance_and_say_so() -> None:
    audit = Audit([FIT], Counts(counted=5, copies=2, late=1))
    assert audit.balances
    assert str(audit) == "10 produced = 5 counted + 2 copies + 2 quarantined + 1 late: balanced"


@pytest.mark.parametrize(
    ("partition", "counts", "unexplained"),
    [
        (FIT, Counts(5, 2, 0), 1),
        (FIT, Counts(6, 2, 1), -1),
        (dataclasses.replace(FIT, quarantined=1), Counts(5, 2, 1), 1),
        (dataclasses.replace(FIT, absent=1), Counts(5, 2, 1), 0),
        (dataclasses.replace(FIT, doubled=1), Counts(5, 2, 1), 0),
        (dataclasses.replace(FIT, absent=2), Counts(4, 2, 1, empty=1), 0),
        (dataclasses.replace(FIT, absent=1), Counts(5, 2, 1, empty=1), -1),
        (FIT, Counts(4, 2, 1, empty=1), 0),  # the lake has a message where the query found none
    ],
)
def test_whatever_is_lost_or_doubled_on_either_side_does_not_balance(
    partition: Partition, counts: Counts, unexplained: int
) -> None:
    audit = Audit([partition], counts)
    assert (audit.balances, audit.unexplained) == (False, unexplained)
    assert "NOT BALANCED" in str(audit)


def test_offsets_that_hold_no_message_are_neither_produced_nor_missing() -> None:
    audit = Audit([dataclasses.replace(FIT, events=6, absent=2)], Counts(counted=3, copies=2, late=1, empty=2))
    assert (audit.balances, audit.missing) == (True, 0)
    assert str(audit) == "8 produced = 3 counted + 2 copies + 2 quarantined + 1 late: balanced"


def test_an_account_of_before_they_were_noted_has_none_and_goes_on() -> None:
    noted = orjson.loads(orjson.dumps(account(("q", 0, Counts(10)))))
    del noted["now"]["empty"], noted["before"]["empty"]
    known = Account.read(orjson.dumps(noted))
    after = Account.after(known, "q", 1, {"t/0": 10}, {"t/0": 20}, Counts(7, 2, empty=1))
    assert after.total() == Counts(17, 2, 0, 1)


def test_a_lake_that_is_behind_is_no_loss_but_nothing_balances_yet() -> None:
    audit = Audit([dataclasses.replace(FIT, events=5, quarantined=1, behind=4)], Counts(5, 2, 1))
    assert not audit.balances
    assert "the lake has yet to read 4" in str(audit)
    assert "NOT BALANCED" not in str(audit)


def test_offsets_are_looked_at_in_blocks_of_bounded_size_each_once() -> None:
    ranges = {"t/0": (5, 30), "t/1": (0, 4), "u/0": (7, 7)}
    parts = list(blocks(ranges, 12))
    assert max(sum(end - start for start, end in part.values()) for part in parts) <= 12
    seen = [(name, o) for part in parts for name, (start, end) in part.items() for o in range(start, end)]
    assert sorted(seen) == [("t/0", o) for o in range(5, 30)] + [("t/1", o) for o in range(4)]
    assert list(blocks({}, 12)) == []
