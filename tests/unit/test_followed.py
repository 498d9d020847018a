"""The demo shows each line of the schedule's log once, when it is complete."""

from pathlib import Path

from local.followed import MOST, Followed


def test_each_line_is_told_once_when_it_is_complete(tmp_path: Path) -> None:
    log = tmp_path / "schedule.log"
    followed = Followed(log)
    assert followed.news() == []
    log.write_text("one\ntw")
    assert followed.news() == ["one"]
    assert followed.news() == []
    log.write_text("one\ntwo\nthrée\n")
    assert followed.news() == ["two", "thrée"]


def test_a_line_longer_than_what_is_read_at_once_does_not_stop_it(tmp_path: Path) -> None:
    log = tmp_path / "schedule.log"
    log.write_text("x" * (MOST + 5) + "\nlast\n")
    followed = Followed(log)
    assert followed.news() == ["x" * MOST]
    assert followed.news() == ["x" * 5, "last"]
