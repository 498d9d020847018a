"""Sums over the lake's item facts without Spark: what rankings were at minutes past (docs/adr/0013).

delta-rs reads the Delta log and DataFusion runs the query where the files are read: partitions of other dates are
skipped, only sums by item come back, and Python's lock is free meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import TableNotFoundError

from common.config import Config, RankingConfig
from common.errors import UnavailableError
from common.events import COUNTS
from common.keys import SEPARATOR
from common.sources.lake import ITEM_EXCESS, ITEM_FACTS, table_path
from common.views.past import Standing, rows
from common.views.rankings import HALF_LIVES

SCHEMES = ("file", "s3", "s3a", "gs", "az", "abfs", "abfss", "adl")  # what delta-rs reads
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
Asked = Sequence[tuple[RankingConfig, int]]


def past_rankings(config: Config, asked: Asked) -> list[Standing]:
    """Each (ranking, epoch minute) of `asked`, by the formula of `common.views.past`, counted from all facts.

    What one person did too often is taken off. A lake without facts gives empty ones; `UnavailableError` when it cannot
    be read.
    """
    facts = open_table(config, ITEM_FACTS)
    if facts is None:
        return [Standing.empty() for _ in asked]
    tables = {ITEM_FACTS: facts}
    excess = open_table(config, ITEM_EXCESS)
    if excess is not None:
        tables[ITEM_EXCESS] = excess
    engine = QueryBuilder()
    try:
        for name, table in tables.items():
            engine = engine.register(name, table)
        found = pa.table(engine.execute(statement(list(tables), asked)).read_all())
    except Exception as error:  # delta-rs has no common class for what storage and files can do to it
        raise UnavailableError(f"the lake cannot be read ({type(error).__name__})") from error
    names = [pc.cast(found[name], pa.string()) for name in ("category", "item_id")]
    members = pc.binary_join_element_wise(*names, SEPARATOR)
    sums = rows(members, [pc.cast(found[f"s{n}"], pa.float64()) for n in range(len(asked))])
    return [Standing(sums, n) for n in range(len(asked))]


def first_minute(config: Config) -> int | None:
    """Where the lake's first date begins, in epoch minutes; None without facts."""
    facts = open_table(config, ITEM_FACTS)
    dates = [] if facts is None else [str(part["date"]) for part in facts.partitions()]
    if not dates:
        return None
    return round(datetime.fromisoformat(min(dates)).replace(tzinfo=timezone.utc).timestamp()) // 60


def open_table(config: Config, name: str) -> DeltaTable | None:
    """None when it has not been written yet; relative paths and those of object stores as `lake_path` has them."""
    scheme, _, rest = config.lake_path.partition("://")
    if rest and scheme not in SCHEMES:
        raise UnavailableError(f"lake_path begins with {scheme}://, which can be read by Spark only")
    try:
        return DeltaTable(table_path(config, name))
    except TableNotFoundError:
        return None
    except Exception as error:
        raise UnavailableError(f"the lake cannot be read ({type(error).__name__})") from error


def statement(tables: Sequence[str], asked: Asked) -> str:
    """`category, item_id, s0, s1, …`: a column for each that is asked. Only numbers and names of ours are put in."""
    first = min(at - _length(ranking) for ranking, at in asked)
    last = max(at for _, at in asked)
    actions = sorted({COUNTS[action] for ranking, _ in asked for action in ranking.weights})
    since, until = (EPOCH + timedelta(minutes=max(minute, 0)) for minute in (first, last))
    names = ", ".join(actions)
    facts = " UNION ALL ".join(
        f"SELECT category, item_id, {names}, CAST(date_part('epoch', window_start) AS BIGINT) / 60 AS minute"
        f" FROM {table} WHERE date >= DATE '{since:%Y-%m-%d}' AND date <= DATE '{until:%Y-%m-%d}'"
        for table in tables
    )
    sums = ", ".join(f"{_sum(ranking, at)} AS s{n}" for n, (ranking, at) in enumerate(asked))
    return f"SELECT category, item_id, {sums} FROM ({facts}) WHERE minute <= {last} GROUP BY category, item_id"


def _length(ranking: RankingConfig) -> int:
    return ranking.minutes * (1 if ranking.kind == "window" else HALF_LIVES)


def _sum(ranking: RankingConfig, at: int) -> str:
    part = " + ".join(f"{float(weight)!r} * {COUNTS[action]}" for action, weight in ranking.weights.items())
    if ranking.kind == "decay":
        part = f"({part}) * power(CAST(2 AS DOUBLE), (minute - {at}) / CAST({ranking.minutes} AS DOUBLE))"
    return f"SUM(CASE WHEN minute > {at - _length(ranking)} AND minute <= {at} THEN {part} ELSE 0 END)"
