"""Which dates are counted again: all at first, then those that the log of events names since the version counted."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from batch import facts
from common.config_load import load_config

CONFIG = load_config(env={})
SPARK: Any = None
FILES = (
    "s3://lake/events/date=2026-03-02/part-1.parquet",
    "s3://lake/events/date=2026-02-28/part-2.parquet",
    "s3://lake/events/date=2026-03-02/part-3.parquet",
    "s3://lake/events/date%3D2026-03-04/part-4.parquet",
    "s3://date=1/events/date=2026-03-05/part-5.parquet",
    "s3://date=1/events/part-6.parquet",
)
ALL = ["2026-02-28", "2026-03-02", "2026-03-04", "2026-03-05"]


@pytest.mark.parametrize(
    ("counted", "changed", "fewer", "dates"),
    [
        (None, {"2026-03-09"}, False, ALL),
        (6, set(), False, []),
        (6, {"2026-03-02", "2026-02-27"}, False, ["2026-02-27", "2026-03-02"]),
        (6, {"2026-03-02", "2026-02-27"}, True, ["2026-03-02"]),  # before the oldest date that has events: trimmed
        (6, {"2026-02-28", "2026-03-03"}, True, ["2026-02-28", "2026-03-03"]),
        (6, None, False, sorted([*ALL, "2026-03-01"])),  # the log does not reach back so far; a date has no event left
    ],
)
def test_the_dates_changed_since_are_counted_again_and_all_where_that_is_not_known(
    monkeypatch: pytest.MonkeyPatch, counted: int | None, changed: set[str] | None, fewer: bool, dates: list[str]
) -> None:
    note = "" if counted is None else json.dumps({"events_version": counted})
    monkeypatch.setattr(facts, "newest_note", lambda _spark, _config, table: note if table == "item_facts" else "")

    def files(_spark: Any, _config: Any, table: str, version: int | None = None) -> SimpleNamespace:
        assert (table, version) in (("events", 9), ("item_facts", None))
        others = [f"s3://lake/item_facts/date={day}/part-1.parquet" for day in ("2026-02-01", "2026-03-01")]
        found = [*FILES] if table == "events" else [*FILES[:2], *others]
        return SimpleNamespace(inputFiles=lambda: found)

    def dates_changed(_spark: Any, _config: Any, table: str, since: int, until: int) -> set[str] | None:
        assert (table, since, until) == ("events", counted, 9)
        return changed

    monkeypatch.setattr(facts, "read_table", files)
    monkeypatch.setattr(facts, "dates_changed", dates_changed)
    monkeypatch.setattr(facts, "rows_removed", lambda *_: fewer)
    assert facts.changed_dates(SPARK, CONFIG, 9) == dates
