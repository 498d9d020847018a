"""A user of 100,000 actions: what the batch layer makes of them stays bounded, and the others are as without."""

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.ctr_exposures import MOST_SHOWN, Label, exposures
from batch.interactions import actions, interactions
from batch.patterns import LAST
from batch.profiles import MAX_BOUGHT, MOST, long_profiles
from batch.sessions import sessions
from batch.together import carts, together
from common.config_load import load_config
from common.models.session_index import LONGEST
from tests.lake_events import NAMES, START, event, lake_events

CONFIG = load_config(env={})
WEIGHTS = CONFIG.profile.weights
ACTIONS, SHOWN, ITEMS = 100_000, 5_000, 4_000
FIRST_MS = int(START.timestamp() * 1000)
AS_OF = FIRST_MS + ACTIONS * 100
# A third views, a third carts, a third purchases; every second an action, of 200 categories.
BOT = {
    "event_id": "concat('bot-', id)",
    "event_type": f"if(id >= {ACTIONS}, 'exposure', array('view', 'cart_add', 'purchase')[int(id % 3)])",
    "event_time": f"timestamp_millis({FIRST_MS} + id * 100)",
    "user_id": "'bot'",
    "session_id": "'s-bot'",
    "item_id": f"if(id >= {ACTIONS}, concat('shown-', id % 2), concat('i', id % {ITEMS}))",
    "category": "concat('c', id % 200)",
    "price": "double(id % 90 + 10)",
    "order_id": "'o-bot'",
    "surface": f"if(id >= {ACTIONS}, 'now', null)",
    "position": "0",
    "partition": "0",
    "offset": "id",
    "ingest_time": f"timestamp_millis({FIRST_MS} + id * 100)",
    "date": "date'2026-03-01'",
}


@pytest.fixture(scope="module")
def events(spark: SparkSession) -> DataFrame:
    bot = spark.range(ACTIONS + SHOWN).selectExpr(*[f"{how} as {name}" for name, how in BOT.items()])
    others = lake_events(spark, [event(n, "view", n, f"u{n % 3}", f"i{n}") for n in range(9)])
    both = bot.unionByName(others, allowMissingColumns=True).select(*NAMES)
    return both.repartition(2).persist()


def test_taste_and_last_items_are_capped(events: DataFrame) -> None:
    rows = actions(events, WEIGHTS)
    pairs = interactions(rows, 30.0, AS_OF).groupBy("user").count().collect()
    assert {row["user"]: row["count"] for row in pairs} == {"bot": ITEMS, "u0": 3, "u1": 3, "u2": 3}
    found = {row["user"]: row for row in long_profiles(events, WEIGHTS, 30.0, AS_OF).collect()}
    assert (len(found), len(found["bot"]["bought"]), len(found["u0"]["last"])) == (4, MAX_BOUGHT, 3)
    assert len(found["bot"]["categories"]) == len(found["bot"]["bands"]) == MOST
    assert len(found["bot"]["last"]) == 3 * LAST  # viewed, carted, bought


def test_a_long_session_is_cut_and_pairs_do_not_grow_with_its_square(events: DataFrame) -> None:
    lengths = {row["session"]: len(row["items"]) for row in sessions(events, CONFIG.sessions).collect()}
    assert lengths == {"s:s-bot": LONGEST, "s:s-u0": 3, "s:s-u1": 3, "s:s-u2": 3}
    assert together(carts(events), CONFIG.related).count() <= 2 * CONFIG.related.per_unit**2


def test_an_item_shown_to_one_person_thousands_of_times_is_learned_from_so_often(events: DataFrame) -> None:
    label = Label(tuple(CONFIG.ctr.actions), CONFIG.ctr.window_minutes * 60_000)
    recent = events.where(F.col("event_type") != "view")
    rows = exposures(recent, None, label, 10, FIRST_MS, AS_OF + SHOWN * 100)
    assert rows.groupBy("user").count().collect()[0]["count"] == 2 * MOST_SHOWN
