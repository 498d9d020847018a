"""Accounting for messages: micro-batches that run again, accounts that are lost, what does not balance."""

import dataclasses

import orjson
import pytest

from common.audit import Account, Audit, Counts, Partition

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


FIT = Partition("t/0", 100, 110, events=8, quarantined=2, missing=0, doubled=0)


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
        (dataclasses.replace(FIT, missing=1), Counts(5, 2, 1), 0),
        (dataclasses.replace(FIT, doubled=1), Counts(5, 2, 1), 0),
    ],
)
def test_whatever_is_lost_or_doubled_on_either_side_does_not_balance(
    partition: Partition, counts: Counts, unexplained: int
) -> None:
    audit = Audit([partition], counts)
    assert (audit.balances, audit.unexplained) == (False, unexplained)
    assert "NOT BALANCED" in str(audit)
