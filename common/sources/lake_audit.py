"""What the lake has of a range of Kafka's offsets, without Spark: each is to be there once, an event or refused."""

from collections.abc import Mapping

import pyarrow as pa
from deltalake import QueryBuilder

from common.audit import Partition
from common.config import Config
from common.errors import UnavailableError
from common.sources.lake import EVENTS, QUARANTINE
from common.sources.lake_sql import open_table

Ranges = Mapping[str, tuple[int, int]]  # 'topic/partition' → first offset, next offset


def lake_partitions(config: Config, ranges: Ranges) -> list[Partition]:
    """The partitions with what the lake has between their offsets. `UnavailableError` when it cannot be read."""
    tables = {name: table for name in (EVENTS, QUARANTINE) if (table := open_table(config, name)) is not None}
    wanted = {name: ends for name, ends in ranges.items() if ends[0] < ends[1]}
    rows: dict[str, dict[str, int]] = {}
    if tables and wanted:
        engine = QueryBuilder()
        try:
            for name, table in tables.items():
                engine = engine.register(name, table)
            found = pa.table(engine.execute(statement(list(tables), wanted)).read_all())
        except Exception as error:  # delta-rs has no common class for what storage and files can do to it
            raise UnavailableError(f"the lake cannot be read ({type(error).__name__})") from error
        rows = {f"{row['topic']}/{row['part']}": row for row in found.to_pylist()}
    return [_partition(name, ends, rows.get(name, {})) for name, ends in ranges.items()]


def statement(tables: list[str], ranges: Ranges) -> str:
    """`topic, part, events, quarantined, places` (different offsets), a row a partition. Names of topics are checked by
    the configuration, the rest are numbers."""
    conditions = []
    for name, (start, end) in ranges.items():
        topic, _, number = name.rpartition("/")
        conditions.append(f"(topic = '{topic}' AND \"partition\" = {int(number)} AND o >= {start} AND o < {end})")
    rows = " UNION ALL ".join(
        f'SELECT topic, "partition", "offset" AS o, {int(table == EVENTS)} AS event FROM {table}' for table in tables
    )
    return (
        'SELECT topic, "partition" AS part, SUM(event) AS events, SUM(1 - event) AS quarantined,'
        f' COUNT(DISTINCT o) AS places FROM ({rows}) WHERE {" OR ".join(conditions)} GROUP BY topic, "partition"'
    )


def _partition(name: str, ends: tuple[int, int], row: Mapping[str, int]) -> Partition:
    events, refused, places = (int(row.get(column, 0)) for column in ("events", "quarantined", "places"))
    start, end = ends
    return Partition(name, start, end, events, refused, end - start - places, events + refused - places)
