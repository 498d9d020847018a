"""Quality of the click-through model on the simulator's past, whose true chances are known; and the time to score.

The truth's own figures are the best that any model could reach: its normalised entropy is below 1 only by what there
is to know.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from pyspark.sql import functions as F

from batch.ctr import Trained, labelled, recent, split, train
from batch.ctr_judge import Quality, quality
from batch.ctr_train import predicted
from batch.entry import session
from bench.report import Row, row
from bench.simulated_lake import fill
from bench.stack import Ask, own
from common.keys import member
from common.models.ctr import Scorecard
from common.sources.lake import CATALOG, EVENTS, read_table
from common.views.actions import Action
from common.views.offers import Floats, Offers, Product
from serving.ctr import deeds_of, features
from serving.item_counts import DAY, HOUR, Counted

CANDIDATES = 200
RUNS = 500
END_MS = 1_790_000_000_000
SECTION = "ctr"


def measure(ask: Ask) -> list[Row]:
    """Trains on a simulated shop in a temporary lake: AUC, normalised entropy, calibration, beside the truth's."""
    settings = {"users": 5_000 if ask.quick else 30_000, "items": 1_000, "history_minutes": 2 * 1440}
    with tempfile.TemporaryDirectory(prefix="bench-ctr-") as name:
        folder = Path(name)
        config = own(ask.config, folder)
        config = replace(config, ctr=replace(config.ctr, actions=["click"]))  # what the truth tells of
        with session(config, "bench-ctr", folder / "spark.log") as spark:
            ask.say(f"simulating the past of {settings['users']} shoppers")
            chances = fill(spark, config, folder, END_MS, **settings)
            ask.say("exposures with features")
            began = time.perf_counter()
            events = recent(read_table(spark, config, EVENTS), config.ctr.days).persist()
            rows = labelled(events, read_table(spark, config, CATALOG), config)[0].persist()
            n = rows.count()
            made_seconds = time.perf_counter() - began
            ask.say(f"training on {n} exposures")
            began = time.perf_counter()
            parts = split(rows, config)
            made = train(parts, config, "bench", None)
            trained_seconds = time.perf_counter() - began
            newest = parts.newest
            truth = quality(newest.join(chances, "event_id").select("label", F.col("chance").alias("p")))
            scored = predicted(newest, made.card).join(chances, "event_id")
            apart = scored.select(F.corr("p", "chance")).collect()[0][0]
            rows.unpersist()
    return [
        *quality_rows(made, truth, float(apart or 0.0)),
        row(SECTION, "exposures", float(n), ""),
        row(SECTION, "features of all exposures", made_seconds, "s"),
        row(SECTION, "training and judging", trained_seconds, "s"),
        *speed_rows(made.card),
    ]


def quality_rows(made: Trained, truth: Quality, apart: float) -> list[Row]:
    """The model's figures on the newest part, and the truth's."""
    new = made.new
    known = (1 - new.normalized_entropy) / (1 - truth.normalized_entropy)
    return [
        row(SECTION, "click rate of the newest part", new.rate, ""),
        row(SECTION, "AUC", new.auc, ""),
        row(SECTION, "AUC of the true chances", truth.auc, ""),
        row(SECTION, "normalised entropy (1: the click rate)", new.normalized_entropy, "", 1.0),
        row(SECTION, "normalised entropy of the true chances", truth.normalized_entropy, ""),
        row(SECTION, "share of what there is to know", known, "", 0.5, least=True),
        row(SECTION, "correlation with the true chances", apart, ""),
        row(SECTION, "predicted by observed clicks", new.calibration, ""),
        row(SECTION, "predicted by observed clicks of the true chances", truth.calibration, ""),
        row(SECTION, "expected calibration error", new.calibration_error, ""),
        row(SECTION, "expected calibration error of the true chances", truth.calibration_error, ""),
    ]


def speed_rows(card: Scorecard) -> list[Row]:
    """Milliseconds for 200 candidates of somebody with 100 actions: features, scores."""
    rng = np.random.default_rng(1)
    items = [f"i{n}" for n in range(CANDIDATES)]
    products = {
        item: Product(f"c{n % 9}", 10.0 + n, f"s{n % 6}", f"b{n % 12}", launch_day=20_000)
        for n, item in enumerate(items)
    }
    acted = [Action(END_MS - 20_000 * n, str(n), "view", items[n], f"c{n % 9}", 20.0) for n in range(100, 0, -1)]
    shown = [(END_MS - 10_000 * n, items[n % CANDIDATES]) for n in range(CANDIDATES, 0, -1)]
    counted = Counted()
    facts = {member(products[i].category, i).encode(): b"0|%d,%d,%d,0" % tuple(rng.integers(0, 50, 3)) for i in items}
    counted.add(0, facts, HOUR, DAY)
    offers = Offers.of(products)

    def made() -> Floats:
        return features(END_MS, offers, deeds_of(acted, products), shown, counted, card)

    x = made()
    return [
        row(SECTION, f"features of {CANDIDATES} candidates p50", _median_ms(made), "ms", 5.0),
        row(SECTION, f"scoring {CANDIDATES} candidates p50", _median_ms(lambda: card.probabilities(x)), "ms", 1.0),
    ]


def _median_ms(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    return float(np.median(taken))
