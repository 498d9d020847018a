"""What the lake has of a range of Kafka's offsets, without Spark: each with a record is to be there once, an event or
refused, or among those whose events somebody asked to be forgotten."""

from collections import Counter
from collections.abc import Iterator, Mapping

import pyarrow as pa
from deltalake import QueryBuilder

from common.audit import Offsets, Partition
from common.config import Config
from common.errors import UnavailableError
from common.sources.lake import ERASED_PLACES, EVENTS, QUARANTINE
from common.sources.lake_sql import open_table

Ranges = Mapping[str, tuple[int, int]]  # 'topic/partition' → first offset, next offset
BLOCK = 2_000_000  # offsets looked at in one go: some 200 MB


def lake_partitions(config: Config, ranges: Ranges, written: Offsets | None = None) -> list[Partition]:
    """The partitions with what the lake has between their offsets. `written`: up to where all of its tables are; what
    is beyond is behind. A partition that is not in it is taken to be written up to the last offset that any table has.
    `UnavailableError` when the lake cannot be read."""
    ends = {name: min(end, (written or {}).get(name, end)) for name, (_, end) in ranges.items()}
    opened = {name: open_table(config, name) for name in (EVENTS, QUARANTINE, ERASED_PLACES)}
    tables = {name: table for name, table in opened.items() if table is not None}
    wanted = {name: (start, ends[name]) for name, (start, _) in ranges.items() if start < ends[name]}
    sums: dict[str, Counter[str]] = {name: Counter() for name in ranges}
    last: dict[str, int] = {}
    if tables:
        engine = QueryBuilder()
        try:
            for name, table in tables.items():
                engine = engine.register(name, table)
            for block in blocks(wanted, BLOCK):
                for row in pa.table(engine.execute(statement(list(tables), block)).read_all()).to_pylist():
                    name = f"{row.pop('topic')}/{row.pop('part')}"
                    last[name] = max(row.pop("last"), last.get(name, 0))
                    sums[name].update(row)
        except Exception as error:  # delta-rs has no common class for what storage and files can do to it
            raise UnavailableError(f"the lake cannot be read ({type(error).__name__})") from error
    reached = {name: last.get(name, start - 1) + 1 for name, (start, _) in ranges.items()}
    reached |= {name: max(ranges[name][0], ends[name]) for name in written or {} if name in ranges}
    return [_partition(name, place, sums[name], reached[name]) for name, place in ranges.items()]


def blocks(ranges: Ranges, most: int) -> Iterator[Ranges]:
    """The ranges in parts of at most `most` offsets in all, some of each partition: what was written together is looked
    at together, and files with other offsets are skipped."""
    step = max(1, most // max(1, len(ranges)))
    passed = 0
    while part := {
        name: (start + passed, min(start + passed + step, end))
        for name, (start, end) in ranges.items()
        if start + passed < end
    }:
        yield part
        passed += step


def statement(tables: list[str], ranges: Ranges) -> str:
    """`topic, part, events, quarantined, kept` (different offsets of these), `places` (of these and what was erased),
    the `last` of these, a row a partition. Names of topics are checked by the configuration, the rest are numbers."""
    conditions = []
    for name, (start, end) in ranges.items():
        topic, _, number = name.rpartition("/")
        conditions.append(f"(topic = '{topic}' AND \"partition\" = {int(number)} AND o >= {start} AND o < {end})")
    rows = " UNION ALL ".join(
        f'SELECT topic, "partition", "offset" AS o, {int(table == EVENTS)} AS event,'
        f" {int(table == QUARANTINE)} AS refused FROM {table}"
        for table in tables
    )
    return (
        'SELECT topic, "partition" AS part, SUM(event) AS events, SUM(refused) AS quarantined,'
        " MAX(o) AS last, COUNT(DISTINCT CASE WHEN event + refused > 0 THEN o END) AS kept,"
        f' COUNT(DISTINCT o) AS places FROM ({rows}) WHERE {" OR ".join(conditions)} GROUP BY topic, "partition"'
    )


def _partition(name: str, place: tuple[int, int], row: Mapping[str, int], reached: int) -> Partition:
    events, refused, kept, places = (row[part] for part in ("events", "quarantined", "kept", "places"))
    start, end = place
    absent, doubled = reached - start - places, events + refused - kept
    return Partition(name, start, end, events, refused, places - kept, absent, doubled, end - reached)
