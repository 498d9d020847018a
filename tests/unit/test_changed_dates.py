"""Which dates are counted again: those of the files of events added since the version that was counted."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from batch import facts
from common.config_load import load_config

CONFIG = load_config(env={})
SPARK: Any = None
FIRST = ("s3://lake/events/date=2026-03-02/part-1.parquet", "s3://lake/events/date=2026-02-28/part-2.parquet")
ADDED = ("s3://lake/events/date=2026-03-01/part-3.parquet", "s3://lake/events/date=2026-03-01/part-4.parquet")
# Version → its files. With 8 a file of the 2nd is written anew, as after somebody was forgotten; with 9 one is gone.
FILES = {
    6: FIRST,
    7: (*FIRST, *ADDED),
    8: ("s3://lake/events/date=2026-03-02/part-5.parquet", FIRST[1], *ADDED),
    9: (FIRST[0], *ADDED),
    10: (*FIRST, "s3://lake/events/date%3D2026-03-04/part-6.parquet", "s3://lake/events/part-7.parquet"),
    11: (*FIRST, "s3://date=1/events/date=2026-03-05/part-8.parquet"),
}


@pytest.mark.parametrize(
    ("counted", "now", "dates"),
    [
        (None, 6, ["2026-02-28", "2026-03-02"]),
        (6, 6, []),
        (6, 7, ["2026-03-01"]),
        (None, 7, ["2026-02-28", "2026-03-01", "2026-03-02"]),
        (7, 8, ["2026-03-02"]),
        (7, 9, []),
        (6, 8, ["2026-03-01", "2026-03-02"]),
        (6, 10, ["2026-03-04"]),
        (6, 11, ["2026-03-05"]),
    ],
)
def test_the_dates_of_files_added_are_counted_again_each_once_and_in_order(
    monkeypatch: pytest.MonkeyPatch, counted: int | None, now: int, dates: list[str]
) -> None:
    note = None if counted is None else json.dumps({"events_version": counted})
    monkeypatch.setattr(facts, "newest_note", lambda _spark, _config, table: note if table == "item_facts" else None)

    def files(_spark: Any, _config: Any, table: str, version: int) -> SimpleNamespace:
        assert table == "events"
        return SimpleNamespace(inputFiles=lambda: list(FILES[version]))

    monkeypatch.setattr(facts, "read_table", files)
    assert facts.changed_dates(SPARK, CONFIG, now) == dates
