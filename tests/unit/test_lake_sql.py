"""Past rankings out of Delta without Spark, against pandas; only the files of the dates that count are read."""

import dataclasses
import random
import re
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake

from common.config import Config, RankingConfig
from common.config_load import load_config
from common.errors import UnavailableError
from common.events import COUNTS
from common.schemas import ITEM_MEASURES
from common.sources.lake_sql import first_minute, past_rankings, statement

START = 29_000_160  # an epoch minute at midnight
DAYS = 5


def facts(count: int, seed: int) -> pd.DataFrame:
    draw = random.Random(seed)
    rows = []
    for n in range(count):
        start = datetime.fromtimestamp((START + draw.randrange(DAYS * 1440)) * 60, timezone.utc)
        row = {"category": f"c{n % 3}", "item_id": f"i{n % 39}", "window_start": start, "date": start.date()}
        rows.append(row | {name: draw.randrange(5) for name in ITEM_MEASURES})
    return pd.DataFrame(rows)


def write(config: Config, name: str, rows: pd.DataFrame) -> None:
    table = pa.Table.from_pandas(rows, preserve_index=False)
    write_deltalake(f"{config.lake_path}/{name}", table, partition_by=["date"])


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return dataclasses.replace(load_config(env={}), lake_path=str(tmp_path / "lake"))


def expected(rows: pd.DataFrame, ranking: RankingConfig, at: int) -> dict[str, float]:
    minute = rows.window_start.map(lambda moment: int(moment.timestamp()) // 60)
    score = sum(weight * rows[COUNTS[action]] for action, weight in ranking.weights.items())
    kept = minute <= at
    if ranking.kind == "window":
        kept &= minute > at - ranking.minutes
    else:
        score = score * np.exp2((minute - at) / ranking.minutes)
    sums = score[kept].groupby(rows.category[kept] + "\x1f" + rows.item_id[kept]).sum()
    return {name: value for name, value in sums.items() if value > 1e-9}


def test_every_ranking_at_two_minutes_in_one_question_equals_pandas(config: Config) -> None:
    rows = facts(12_000, 1)
    taken = rows.iloc[:400].copy()
    taken[list(ITEM_MEASURES)] = -(taken[list(ITEM_MEASURES)] // 2)
    write(config, "item_facts", rows)
    write(config, "item_excess", taken)
    at = START + 3 * 1440 + 77
    asked = [(ranking, minute) for minute in (at, at - 60) for ranking in config.rankings.definitions]
    for (ranking, minute), found in zip(asked, past_rankings(config, asked), strict=True):
        wanted = expected(pd.concat([rows, taken]), ranking, minute)
        old_news = 1e-11 * max(wanted.values())  # what 40 half-lives leave is not counted
        assert dict(found.best(None, 1000)) == pytest.approx(wanted, rel=1e-9, abs=old_news), (ranking.name, minute)
    assert first_minute(config) == START


def test_files_of_other_dates_are_not_read(config: Config) -> None:
    write(config, "item_facts", facts(2000, 2))
    hour = config.rankings.definitions[0]
    sql = statement(["item_facts"], [(hour, START + 2 * 1440 + 30)])
    engine = QueryBuilder().register("item_facts", DeltaTable(f"{config.lake_path}/item_facts"))
    plan = str(pa.table(engine.execute(f"EXPLAIN {sql}").read_all()).to_pylist())
    day = datetime.fromtimestamp(START * 60, timezone.utc).date().toordinal()
    wanted = {datetime.fromordinal(day + later).date().isoformat() for later in (1, 2)}
    assert set(re.findall(r"date=([0-9-]{10})/", plan)) == wanted


def test_a_lake_without_facts_is_empty_and_one_for_spark_alone_is_said(config: Config) -> None:
    asked = [(config.rankings.definitions[0], START)]
    assert [len(found) for found in past_rankings(config, asked)] == [0]
    assert first_minute(config) is None
    with pytest.raises(UnavailableError, match="hdfs://"):
        past_rankings(dataclasses.replace(config, lake_path="hdfs://name-node/lake"), asked)
