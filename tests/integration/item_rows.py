"""Item facts as the executors write them, and what then stands in a ranking."""

from typing import Any

import pyarrow as pa
import redis

from common.config import Config
from common.keys import ALL, Keys
from common.sinks.redis_facts import STREAM, fact_writer

NAMES = ("fact", "minute", "category", "key", "user", "repeated", "value")
Fact = tuple[int, str, str, int]  # minute, category, item, views


def write(config: Config, facts: list[Fact], source: str = STREAM) -> int:
    """Through the writer the executors use. A view counts 1 in the windows and 3 in the decayed rankings."""
    rows = [("item", m, c, i, "", False, f"{views},{3 * views}|{views},0,0,0,0,0,0,0,0,0") for m, c, i, views in facts]
    return write_rows(config, rows, source)


def write_rows(config: Config, rows: list[tuple[Any, ...]], source: str = STREAM) -> int:
    """Rows of `NAMES` through the writer the executors use."""
    columns = dict(zip(NAMES, zip(*rows, strict=True), strict=True))
    batch = pa.RecordBatch.from_pydict({name: list(values) for name, values in columns.items()})
    return sum(out["changed"][0].as_py() for out in fact_writer(config).write(iter([batch]), source))


def ranking(connection: redis.Redis, config: Config, name: str, scope: str = ALL) -> dict[str, float]:
    """What stands in the sorted set: member → score as stored."""
    rows = connection.zrange(Keys(config.redis.prefix).ranking(name, scope), 0, -1, withscores=True)
    return {key.decode(): score for key, score in rows}
