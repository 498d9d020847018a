"""What the history of the pointer says: which were live, whether a canary runs; names, and which versions go."""

from datetime import datetime, timedelta, timezone

from batch.registry import Move, Reason, lived, running_canary, surplus, version_name

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


def test_names_differ_within_one_moment_and_sort_by_age_also_beside_those_that_end_with_the_second() -> None:
    moment = datetime(2026, 3, 1, 12, 30, 5, 70, timezone.utc)
    names = {version_name(moment) for _ in range(100)}
    assert len(names) == 100 and all(name.startswith("20260301T123005000070-") for name in names)
    later = [version_name(moment + timedelta(microseconds=n)) for n in (1, 10, 10**6)]
    in_order = ["20260301T123005", *sorted(names), *later[:2], "20260301T123006", later[2], "20260301T123007000000"]
    assert sorted(in_order) == in_order
    assert version_name(moment.astimezone(timezone(timedelta(hours=9)))).startswith("20260301T123005000070-")


def test_the_newest_kept_those_served_and_what_others_are_writing_stay() -> None:
    newest_first = ["9", "8", "7", "6", "5", "4", "3", "2", "1"]
    kept = {"9", "7", "5", "3", "1"}
    assert surplus(newest_first, kept, 2, {"1"}) == ["5", "4", "3", "2"]  # 8 and 6 are under way, or of killed runs
    assert surplus(newest_first, kept, 9, ()) == []
    assert surplus(["3", "2", "1"], {"3"}, 1, {"", "x"}) == ["1"]
