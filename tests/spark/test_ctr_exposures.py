"""Exposures as they were seen: features and labels against pandas, and nothing of what came later in them."""

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from batch.ctr_exposures import Label, exposures
from common.views.ctr_features import NAMES
from tests.lake_events import START, event, lake_events

CHANGES = "item_id string, lsn bigint, ts_ms bigint, brand string, style string, launch_date string"
ITEMS = {f"i{n}": (f"c{n % 3}", 10.0 * (n + 1), f"b{n % 2}", f"s{n % 4}") for n in range(12)}
WINDOW, LATE = 30, 2
LABEL = Label(("click", "cart_add", "wish_add", "purchase"), WINDOW * 60_000)
ACTS = ("view", "click", "cart_add", "wish_add", "purchase")
LENGTH = 60 * 40  # minutes
START_MS = int(START.timestamp() * 1000)


def drawn(seed: int, n: int, after: float = 0.0) -> list[dict[str, Any]]:
    """`n` events of eight people over 40 hours, from minute `after` on."""
    chance = random.Random(seed)
    rows = []
    for number in range(n):
        kind = chance.choice(["exposure"] * 3 + ["click", "view", "cart_add", "purchase", "refund"])
        item = chance.choice(list(ITEMS))
        minute = after + (LENGTH - after) * chance.random()
        known = chance.random() < 0.8
        row = event(number, kind, minute, f"u{chance.randrange(8)}" if known else None, item)
        row |= {"event_id": f"{seed}-{number}", "session_id": f"s{chance.randrange(3)}", "category": ITEMS[item][0]}
        row |= {"price": ITEMS[item][1] * chance.choice([0.9, 1.0]) if chance.random() < 0.9 else None}
        if kind == "exposure":
            row |= {"surface": chance.choice(["home", "now"]), "position": chance.randrange(6)}
        rows.append({"surface": None, "position": None} | row)
    return rows


def changes(spark: SparkSession, later: int = 0) -> DataFrame:
    """Brands and styles, known from hour 2 on; i0 changes its brand in hour 20; `later` adds changes at the end."""
    rows = []
    for n, (item, (_, _, brand, style)) in enumerate(ITEMS.items()):
        rows.append((item, n, START_MS + 2 * 3_600_000, brand, style, "2026-02-01" if n % 2 else "soon"))
    rows.append(("i0", 90, START_MS + 20 * 3_600_000, "b9", "s9", "2026-01-01"))
    rows += [(item, 100, START_MS + (LENGTH + 1) * 60_000, "x", "x", None) for item in list(ITEMS)[:later]]
    return spark.createDataFrame(rows, CHANGES).selectExpr("*", "timestamp_millis(ts_ms) as ingest_time")


def computed(spark: SparkSession, rows: list[dict[str, Any]], later: int = 0, until: int = LENGTH) -> pd.DataFrame:
    """What the batch layer makes of the events, by event_id."""
    frame = lake_events(spark, rows)
    since = START_MS + 25 * 3_600_000
    made = exposures(frame, changes(spark, later), LABEL, LATE, since, START_MS + until * 60_000)
    found = made.toPandas().set_index("event_id").sort_index()
    values = pd.DataFrame(np.array(found["x"].tolist()), index=found.index, columns=list(NAMES))
    return pd.concat([found[["label"]], values], axis=1)


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The events with `ms` and `who`."""
    log = pd.DataFrame(rows)
    log["ms"] = [int(t.timestamp() * 1000) for t in log["event_time"]]
    log["who"] = log["user_id"].where(log["user_id"].notna(), log["session_id"])
    return log


def product(item: str, ms: int) -> tuple[str, str]:
    """Brand and style of an item as known before a moment."""
    if item == "i0" and ms > START_MS + 20 * 3_600_000:
        return "b9", "s9"
    return ITEMS[item][2:] if ms > START_MS + 2 * 3_600_000 else ("", "")


def counted(log: pd.DataFrame, shown: pd.Series) -> dict[str, float]:
    """The features that come from facts of minutes, by filters over all events."""
    until, of, item = (shown.ms // 60_000 - LATE) * 60_000, {"category": shown.category}, {"item_id": shown.item_id}

    def n(kind: str, minutes: int, **only: str) -> int:
        kept = log[(log.event_type == kind) & (log.ms < until) & (log.ms >= until - minutes * 60_000)]
        for name, value in only.items():
            kept = kept[kept[name] == value]
        return len(kept)

    shop = (n("click", 1440) + 1) / (n("exposure", 1440) + 20)
    rate = (n("click", 1440, **of) + 100 * shop) / (n("exposure", 1440, **of) + 100)
    day = (n("click", 1440, **item) + 20 * rate) / (n("exposure", 1440, **item) + 20)
    hour = (n("click", 60, **item) + 20 * day) / (n("exposure", 60, **item) + 20)
    priced = log[log.event_type.isin((*ACTS, "exposure")) & (log.ms < until) & (log.category == shown.category)]
    return {
        "item_rate_day": np.log(day / rate),
        "item_rate_hour": np.log(hour / day),
        "category_rate": np.log(rate),
        "views_hour": np.log1p(n("view", 60, **item)),
        "views_day": np.log1p(n("view", 1440, **item)),
        "price_category": np.log(shown.price) - np.log(priced.price.astype(float)).mean(),
    }


def personal(log: pd.DataFrame, shown: pd.Series) -> dict[str, float]:
    """The features that come from what the person did and saw."""
    mine = log[(log.who == shown.who) & (log.ms < shown.ms) & (log.ms >= shown.ms - 86_400_000)]
    did, saw = mine[mine.event_type.isin(ACTS)], mine[mine.event_type == "exposure"]
    now = did[did.ms >= shown.ms - 1_800_000]
    brand, style = product(shown.item_id, shown.ms)
    styles = [product(item, ms)[1] for item, ms in zip(did.item_id, did.ms, strict=True)]
    launch = None if int(shown.item_id[1:]) % 2 == 0 else "2026-02-01"
    if shown.item_id == "i0" and shown.ms > START_MS + 20 * 3_600_000:
        launch = "2026-01-01"
    return {
        "price_user": np.log(shown.price) - np.log(did[did.category == shown.category].price.astype(float)).mean(),
        "acted": len(now),
        "acted_category": (now.category == shown.category).sum(),
        "acted_brand": sum(product(item, ms)[0] == brand for item, ms in zip(now.item_id, now.ms, strict=True)),
        "acted_item": (now.item_id == shown.item_id).sum(),
        "style_share": styles.count(style) / (sum(s != "" for s in styles) + 2),
        "shown_before": (saw.item_id == shown.item_id).sum(),
        "hour": shown.event_time.hour,
        "age_days": np.nan if launch is None else (pd.Timestamp(shown.ms, unit="ms") - pd.Timestamp(launch)).days,
    }


def test_features_are_those_of_the_definitions_worked_out_by_pandas(spark: SparkSession) -> None:
    rows = drawn(1, 900)
    found, log = computed(spark, rows), frame_of(rows)
    assert found.index.is_unique
    assert len(found) > 100
    wanted = {}
    for _, shown in log[log.event_id.isin(found.index)].iterrows():
        own = {"position": shown.position, "surface": np.nan}
        wanted[shown.event_id] = own | counted(log, shown) | personal(log, shown)
    frame = pd.DataFrame(wanted).T.sort_index()[list(NAMES)].astype(float)
    pd.testing.assert_frame_equal(found[list(NAMES)], frame, rtol=1e-9, atol=1e-12, check_names=False)


def test_a_label_is_a_click_or_more_of_the_same_person_on_the_item_in_time(spark: SparkSession) -> None:
    rows = drawn(2, 900)
    found = computed(spark, rows)
    strong = [r for r in rows if r["event_type"] in ("click", "cart_add", "wish_add", "purchase")]
    for row in (row for row in rows if row["event_id"] in found.index):
        who = row["user_id"] or row["session_id"]
        hits = [
            s
            for s in strong
            if (s["user_id"] or s["session_id"]) == who
            and s["item_id"] == row["item_id"]
            and timedelta() <= s["event_time"] - row["event_time"] <= timedelta(minutes=WINDOW)
        ]
        assert found.loc[row["event_id"], "label"] == (len(hits) > 0)
    assert 0 < found["label"].sum() < len(found)


@pytest.mark.parametrize("seed", [3, 4])
def test_nothing_that_comes_later_changes_a_feature(spark: SparkSession, seed: int) -> None:
    until = 60 * 32
    before = [row for row in drawn(seed, 700) if row["event_time"] < START + timedelta(minutes=until)]
    first = computed(spark, before, until=until)
    later = computed(spark, before + drawn(seed + 10, 500, after=until), later=6, until=until)
    assert len(first) > 30
    pd.testing.assert_frame_equal(first.drop(columns="label"), later.drop(columns="label"))


def test_the_first_exposure_of_all_has_features_too(spark: SparkSession) -> None:
    row = event(1, "exposure", 60 * 26, "u", "i1", category="c1", surface="home", position=3)
    found = computed(spark, [row]).iloc[0]
    assert (found["position"], found["acted"], found["shown_before"]) == (3, 0, 0)
    assert found["category_rate"] == pytest.approx(np.log(1 / 20))
    assert np.isnan(found["price_category"]) and np.isnan(found["price_user"])
