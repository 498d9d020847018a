"""Recommendations on ratings: ALS and the blend by the code of the batch job, popularity, and ALS of `implicit`.

Protocol (LightGCN, He et al. 2020, and those who compare with it): ratings of 3 or more are likes; 80/10/10 a user;
training on the 80, parameters by `batch.search` on the 10, all items ranked except those of training and validation,
nDCG@10 on the last 10. `implicit` (extra `bench`) is tuned on the same parts over a grid of as many points, chosen for
its own regularisation: a fair start, not an equal search.
"""

import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.entry import session
from batch.evaluate import Quality, pooled
from batch.factors import Indexed, index, use_checkpoints
from batch.held_out import HeldOut, Segments, judged_on, segments
from batch.live import working_store
from batch.search import search
from batch.training import train_als, train_item_item
from bench.implicit_als import measure_implicit
from bench.ratings import TEST, TRAIN, VALIDATION, liked
from bench.report import Row, row
from bench.stack import Ask, own
from common.config import Config
from common.config_models import AlsConfig, SearchConfig
from common.errors import ConfigError

SECTION, FILE, MOVIELENS_ROWS, VERSION = "als", "movielens_1m_folds.parquet", 836_478, "bench"
SEARCH = SearchConfig(9, 20.0, [0.02, 0.5], [0.25, 8.0], [100.0, 300.0], [0.25, 0.5, 0.75])
QUICK = replace(SEARCH, trials=3, item_item_regularization=[200.0])
RANK, QUICK_RANK, ITERATIONS = 128, 32, 8
PUBLISHED = {"popularity": 0.125, "ALS": 0.279, "blend": 0.296}  # measured elsewhere: EASE stands beside the blend
PAPERS = {"BPR": 0.240, "LightGCN": 0.254, "XSimGCL": 0.275}
TARGETS = {"ALS": 0.275, "blend": 0.30}


@dataclass(frozen=True)
class Parts:
    """Training, and what is asked for to choose parameters and to judge them."""

    data: Indexed
    validation: HeldOut
    test: HeldOut


def measure(ask: Ask) -> list[Row]:
    """Rows of this section."""
    file = ratings_file(ask)
    if file is None:
        ask.say(f"als: skipped, for no ratings are given (--ratings FILE, or {FILE} in STYLESTREAM_DATA)")
        return []
    table = liked(file, ask.config.simulator.seed)
    with tempfile.TemporaryDirectory(prefix="bench-als-", ignore_cleanup_errors=True) as name:
        pq.write_table(table, f"{name}/likes.parquet")
        config = own(ask.config, Path(name))
        rows, best = _in_session(ask, config, f"{name}/likes.parquet", len(table) == MOVIELENS_ROWS)
    seconds, quality = (next(r["value"] for r in rows if r["name"] == f"ALS: {n}") for n in ("training", "nDCG@10"))
    return rows + measure_implicit(ask, table, best, seconds, quality)


def _in_session(ask: Ask, config: Config, likes: str, movielens: bool) -> tuple[list[Row], AlsConfig]:
    with session(config, "bench-als", Path(likes).with_name("spark.log")) as spark:
        use_checkpoints(spark, f"{config.checkpoint_path}/als")
        return _ours(ask, config, split(spark.read.parquet(likes)), movielens)


def ratings_file(ask: Ask) -> Path | None:
    """The file given, or MovieLens in the folder STYLESTREAM_DATA; None without one."""
    folder = os.environ.get("STYLESTREAM_DATA")
    file = ask.ratings or (Path(folder) / FILE if folder else None)
    if ask.ratings is not None and not ask.ratings.is_file():
        raise ConfigError(f"--ratings {ask.ratings}: no such file")
    return file if file is not None and file.is_file() else None


def split(likes: DataFrame) -> Parts:
    """From `user, item, part`."""
    train = likes.where(F.col("part") == TRAIN)
    data = index(train.select("user", "item", F.lit(1.0).alias("strength")))
    had = data.rows.select("user", "item", "item_index", "strength")
    of_user = segments(data.rows)
    of_item = data.items.select(F.col("id").alias("item"), F.col("index").alias("item_index"))

    def asked(part: int) -> DataFrame:
        return likes.where(F.col("part") == part).select("user", "item").join(of_user, "user")

    also_seen = asked(VALIDATION).join(of_item, "item").select("user", "item", "item_index")
    return Parts(data, judged_on(data, had, asked(VALIDATION)), judged_on(data, had, asked(TEST), also_seen))


def _ours(ask: Ask, config: Config, parts: Parts, movielens: bool) -> tuple[list[Row], AlsConfig]:
    store, began = working_store(config), time.monotonic()
    rank, wide = (QUICK_RANK, QUICK) if ask.quick else (RANK, SEARCH)
    als = replace(config.als, rank=rank, iterations=ITERATIONS, share=0.5, search=wide)
    tried = search(parts.validation, als, store, ask.say)
    best, searched = tried[-1].als, time.monotonic() - began
    ask.say(f"chosen on the validation part: {tried[-1].noted()}")
    began = time.monotonic()
    train_als(parts.data, best, store, VERSION)
    als_seconds, began = time.monotonic() - began, time.monotonic()
    train_item_item(parts.data, best, store, VERSION).unpersist()
    item_item_seconds = time.monotonic() - began
    found = {"popularity": parts.test.popularity()}
    found["ALS"] = parts.test.judged(store, VERSION, 1.0)
    began = time.monotonic()
    found["blend"] = parts.test.judged(store, VERSION, best.share)
    rows = [r for name, segment in found.items() for r in _quality(name, segment, movielens)]
    if movielens:
        rows += [row(SECTION, f"{name}: nDCG@10", None, "") | {"published": value} for name, value in PAPERS.items()]
    seconds = {
        "search": searched,
        "ALS: training": als_seconds,
        "item-item: training": item_item_seconds,
        "blend: everybody asked": time.monotonic() - began,
    }
    return rows + [row(SECTION, name, value, "s") for name, value in seconds.items()], best


def _quality(name: str, segment: Segments, movielens: bool) -> list[Row]:
    overall: Quality = pooled(segment.values())
    ndcg = row(SECTION, f"{name}: nDCG@10", overall.ndcg, "", TARGETS.get(name) if movielens else None, least=True)
    published: dict[str, Any] = {"published": PUBLISHED[name] if movielens else None}
    rest = [("recall@10", overall.recall), ("MRR@10", overall.mrr)]
    rest += [(f"nDCG@10, {of} users", quality.ndcg) for of, quality in sorted(segment.items())]
    return [ndcg | published, *(row(SECTION, f"{name}: {what}", value, "") for what, value in rest)]
