"""What the history of the pointer says: which versions were live, and whether a canary runs."""

from datetime import datetime, timezone

from batch.registry import Move, Reason, lived, running_canary

Moves = list[tuple[str, Reason]]


def history(moves: Moves) -> list[Move]:
    """A move a day."""
    days = (datetime(2026, 3, day, tzinfo=timezone.utc) for day in range(1, 29))
    return [Move(version, day, reason) for (version, reason), day in zip(moves, days, strict=False)]


def test_rollbacks_go_back_one_by_one() -> None:
    before: Moves = [("a", "publish"), ("b", "publish"), ("c", "publish")]
    assert lived(history(before)) == ["a", "b", "c"]
    assert lived(history([*before, ("b", "rollback")])) == ["a", "b"]
    assert lived(history([*before, ("b", "rollback"), ("a", "rollback")])) == ["a"]
    assert lived(history([*before, ("a", "promote"), ("c", "rollback")])) == ["a", "b", "c"]


def test_a_canary_was_not_live_until_it_was_promoted() -> None:
    before: Moves = [("a", "publish"), ("b", "publish"), ("c", "canary")]
    assert lived(history(before)) == ["a", "b"]
    assert lived(history([*before, ("c", "canary-over")])) == ["a", "b"]
    assert lived(history([*before, ("c", "canary-over"), ("a", "rollback")])) == ["a"]
    assert lived(history([*before, ("c", "promote")])) == ["a", "b", "c"]
    assert lived(history([*before, ("c", "promote"), ("b", "rollback")])) == ["a", "b"]
    assert lived(history([("a", "canary")])) == []


def test_a_canary_runs_until_it_is_over_or_the_pointer_moves() -> None:
    before: Moves = [("a", "publish"), ("b", "canary")]
    found = running_canary(history(before))
    assert found and found.version == "b"
    ends: Moves = [("b", "canary-over"), ("b", "promote"), ("c", "publish"), ("a", "rollback")]
    assert [running_canary(history([*before, end])) for end in ends] == [None] * len(ends)
    assert running_canary([]) is None
