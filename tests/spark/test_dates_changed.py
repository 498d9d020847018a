"""Which dates' rows changed between two versions, by Delta's own log: new, written anew, gone, not those packed."""

from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from batch.tables import append, dates_changed, newest_version, rows_removed
from common.config import Config
from common.sources.lake import EVENTS, read_table, table_path
from tests.conftest import for_tests
from tests.lake_events import event, lake_events

DAY = 24 * 60
FIRST, SECOND, THIRD = "2026-03-01", "2026-03-02", "2026-03-03"


def views(spark: SparkSession, config: Config, *days: int) -> int:
    """Adds a view on each of the days; the version with them."""
    rows = [event(100 * day + n, "view", day * DAY + n, "ann", "coat") for n, day in enumerate(days)]
    append(lake_events(spark, rows), config, EVENTS, "date")
    return newest_version(spark, config, EVENTS)


def test_files_only_packed_anew_are_no_change_and_rows_written_anew_are(spark: SparkSession, tmp_path: Path) -> None:
    config = for_tests(tmp_path / "a [b] {c}*")
    made = views(spark, config, 0, 1)
    views(spark, config, 0, 1)
    grown = views(spark, config, 1, 2)
    table = DeltaTable.forPath(spark, table_path(config, EVENTS))
    before = set(read_table(spark, config, EVENTS).inputFiles())
    table.optimize().executeCompaction()
    packed = newest_version(spark, config, EVENTS)
    assert packed == grown + 1 and not before >= set(read_table(spark, config, EVENTS).inputFiles())
    added = {
        "all": dates_changed(spark, config, EVENTS, made, packed),
        "the last": dates_changed(spark, config, EVENTS, grown - 1, grown),
        "packed": dates_changed(spark, config, EVENTS, grown, packed),
        "nothing": dates_changed(spark, config, EVENTS, packed, packed),
    }
    assert added == {"all": {FIRST, SECOND, THIRD}, "the last": {SECOND, THIRD}, "packed": set(), "nothing": set()}
    table.update("event_id = 'e201'", {"item_id": "'hat'"})
    assert dates_changed(spark, config, EVENTS, packed, packed + 1) == {THIRD}
    table.delete("event_id = 'e201'")  # a date's only one: its file goes, and no other comes
    assert dates_changed(spark, config, EVENTS, packed + 1, packed + 2) == {THIRD}
    spans = [(made, packed), (packed, packed + 1), (packed + 1, packed + 2), (packed + 2, packed + 2)]
    assert [rows_removed(spark, config, EVENTS, *span) for span in spans] == [False, True, True, False]


def test_where_the_log_does_not_tell_nothing_is_known(spark: SparkSession, tmp_path: Path) -> None:
    config = for_tests(tmp_path)
    made = views(spark, config, 0)
    newest = views(spark, config, 1)
    assert dates_changed(spark, config, EVENTS, made, newest) == {SECOND}
    assert dates_changed(spark, config, EVENTS, newest + 1, newest) is None  # the table was made anew since
    (Path(table_path(config, EVENTS)) / "_delta_log" / f"{newest:020d}.json").unlink()  # as Delta does after 30 days
    assert dates_changed(spark, config, EVENTS, made, newest) is None
    assert not rows_removed(spark, config, EVENTS, made, newest)
