"""Changes into a real Redis and the lake's log: the newest by the source's order, whole, whatever the batches."""

import random
from datetime import timedelta
from typing import Any

import pytest
import redis
from pyspark.sql import SparkSession

from batch import rebuild
from batch.tables import append
from common.config import Config
from common.keys import Keys
from common.sources.lake import CATALOG
from streaming.lake import catalog_log
from tests.change_records import LEFT_OUT, NOW, delete, update
from tests.integration.catalog_shop import Shop, at, parsed

NO_LSN: dict[str, Any] = {"lsn": None}
UNKNOWN: dict[str, Any] = {"lsn": None, "ts_ms": None}


@pytest.fixture
def shop(spark: SparkSession, config: Config, redis_conn: redis.Redis) -> Shop:
    return Shop(spark, config, redis_conn)


def test_a_value_that_was_left_out_stays_as_it_stands(shop: Shop) -> None:
    shop.take(update("c", at(1), title="A", price=1))
    shop.take(update("u", at(2), title=LEFT_OUT, price=2, brand="b"))
    assert (shop.product()["title"], shop.product()["price"], shop.product()["brand"]) == ("A", "2.0", "b")
    shop.take(update("u", at(3), title=None, price=LEFT_OUT))
    assert "title" not in shop.product()
    assert shop.product()["price"] == "2.0"


def test_a_value_that_was_left_out_is_that_of_the_newest_earlier_change_of_the_batch(shop: Shop) -> None:
    shop.take(update("c", at(1), title="A", brand="x"))
    shop.take(
        update("u", at(4), title=LEFT_OUT, brand=LEFT_OUT, price=4),
        update("u", at(2), title="B", brand=LEFT_OUT, price=2),
        update("u", at(3), title="C", brand=LEFT_OUT, price=3),
    )
    assert (shop.product()["title"], shop.product()["brand"], shop.product()["price"]) == ("C", "x", "4.0")


def test_an_older_change_of_the_batch_does_not_fill_in_for_what_stands_and_is_newer(shop: Shop) -> None:
    shop.take(update("u", at(6), title="six"))
    shop.take(update("u", at(5), title="five"), update("u", at(7), title=LEFT_OUT, price=7))
    assert (shop.product()["title"], shop.product()["price"]) == ("six", "7.0")


def test_a_product_known_only_by_a_change_that_left_values_out_has_the_others(shop: Shop) -> None:
    shop.take(update("u", at(2), title=LEFT_OUT, status=LEFT_OUT))
    assert shop.product() == {"category": "dresses", "price": "10.5", "stock": "3"}


LONG = [  # older, newer: neighbours that are one double, more than 64 bits, more digits, the most digits
    ("1790000000000000001", "1790000000000000002"),
    ("18446744073709551616", "18446744073709551617"),
    ("9999999999999999999", "10000000000000000000"),
    ("9" * 38 + "8", "9" * 39),
    ("9", "10"),
]


def test_no_lsn_passes_through_a_double(shop: Shop) -> None:
    older = [update("u", at(old), item_id=str(n), price=1) for n, (old, _) in enumerate(LONG)]
    newer = [update("u", at(new), item_id=str(n), price=2) for n, (_, new) in enumerate(LONG)]
    for batches in ([newer, older], [[*newer, *older]], [older, newer]):
        for n in range(len(LONG)):
            shop.redis.delete(Keys(shop.config.redis.prefix).product(str(n)))
        for batch in batches:
            shop.take(*batch)
        assert [shop.product(str(n))["price"] for n in range(len(LONG))] == ["2.0"] * len(LONG)


def test_without_an_lsn_the_time_of_the_change_decides_then_the_arrival(shop: Shop) -> None:
    shop.take(update("u", at(None, 20), price=20), update("u", at(None, 10), price=10))
    shop.take(update("u", at(None, 15), price=15))
    assert shop.product()["price"] == "20.0"
    shop.take(update("u", at(None, 20), price=21))
    assert shop.product()["price"] == "21.0"
    for first, last in ((1, 2), (3, 4)):
        shop.take(update("u", UNKNOWN, item_id="2", price=first), update("u", UNKNOWN, item_id="2", price=last))
        assert shop.product("2")["price"] == f"{last}.0"


def test_after_a_topic_made_anew_offsets_neither_let_older_changes_win_nor_stop_newer_ones(shop: Shop) -> None:
    for source in (NO_LSN, UNKNOWN):
        shop.take(*[update("u", source | {"ts_ms": source.get("ts_ms", n)}, price=n) for n in range(1, 9)])
        assert shop.product()["price"] == "8.0"
        shop.take(update("u", source | {"ts_ms": source.get("ts_ms", 9)}, price=9))  # its offset is 0 again
        assert shop.product()["price"] == "9.0"
    shop.take(update("u", at(None, 50), item_id="2", price=50))
    shop.take(update("u", at(None, 40), item_id="2", price=40))  # offset 0 as well, and older
    assert shop.product("2")["price"] == "50.0"


def test_a_snapshot_without_an_lsn_and_changes_with_one_are_ordered_by_time(shop: Shop) -> None:
    shop.take(update("r", at(None, 100), price=100))
    shop.take(update("u", at(7, 90), price=90))
    assert shop.product()["price"] == "100.0"
    shop.take(update("u", at(8, 110), price=110), update("r", at(None, 105), price=105))
    assert shop.product()["price"] == "110.0"
    shop.take(update("u", at(None, 120), price=120))
    assert shop.product()["price"] == "120.0"


def test_what_a_restarted_connector_sends_again_loses(shop: Shop) -> None:
    shop.take(update("c", at(1), price=1), update("u", at(2), price=2), update("u", at(3), price=3))
    shop.take(update("c", at(1), price=1), update("u", at(2), price=2))
    assert shop.product()["price"] == "3.0"


def test_a_clock_that_went_back_changes_nothing_where_there_is_an_lsn(shop: Shop) -> None:
    shop.take(update("u", at(5, 100), price=5))
    shop.take(update("u", at(6, 50), price=6))
    assert shop.product()["price"] == "6.0"
    shop.take(update("u", at(8, 30), price=8), update("u", at(7, 40), price=7))
    assert shop.product()["price"] == "8.0"


def test_a_delete_that_names_the_id_alone_is_final_for_what_is_older(shop: Shop) -> None:
    shop.take(update("c", at(1)), delete(at(9)))
    shop.take(update("c", at(1)), update("u", at(5), title=LEFT_OUT))
    assert shop.product() == {"status": "withdrawn"}
    assert 0 < shop.redis.ttl(Keys(shop.config.redis.prefix).product("1")) <= 90 * 86400
    shop.take(update("c", at(10), title="again"))
    assert (shop.product()["title"], shop.product()["status"]) == ("again", "active")
    assert shop.redis.ttl(Keys(shop.config.redis.prefix).product("1")) == -1


def test_a_hash_that_an_earlier_release_wrote_is_understood(shop: Shop) -> None:
    key = Keys(shop.config.redis.prefix).product("1")
    shop.redis.hset(key, mapping={"lsn": "1790000000000000002", "title": "old", "price": "2.0"})
    shop.take(update("u", at("1790000000000000001"), price=1))
    assert shop.product() == {"title": "old", "price": "2.0"}
    shop.take(update("u", at("1790000000000000003"), title=LEFT_OUT, price=3))
    assert (shop.product()["title"], shop.product()["price"]) == ("old", "3.0")
    shop.redis.delete(key)
    shop.redis.hset(key, mapping={"lsn": "500", "title": "by offset"})  # there was no lsn: it took the offset for one
    shop.take(update("u", NO_LSN, title="new"))
    assert shop.product()["title"] == "new"


def history(chance: random.Random, item: str, kind: str) -> tuple[list[Any], dict[str, str]]:
    """Changes of a row as its database made them, and the row that they leave."""
    row: dict[str, Any] = {}
    made: list[Any] = []
    for n in range(8):
        source = {"lsn": at(2**63 - 3 + n), "time": at(None, 1000 * (n // 2)), "nothing": UNKNOWN}[kind]
        if row and chance.random() < 0.15:
            row = {}
            made.append(delete(source, item))
            continue
        values = {"title": f"{item} {n}", "brand": chance.choice([None, "b"]), "price": float(n), "stock": n}
        absent = [name for name in values if row and chance.random() < 0.4]
        row = {"category": "dresses", "status": "active"} | values | {name: row[name] for name in absent}
        made.append(update("u", source, item_id=item, **(values | dict.fromkeys(absent, LEFT_OUT))))
    standing = {name: str(value) for name, value in row.items() if value is not None}
    return made, standing or {"status": "withdrawn"}


def test_one_by_one_in_one_batch_or_from_the_log_the_product_is_the_databases_row(shop: Shop) -> None:
    chance = random.Random(15)
    kinds = ["lsn", "time", "nothing"]
    histories = {str(n): history(chance, str(n), kinds[n % 3]) for n in range(30)}
    restart = 4  # what came from the fifth change on comes once more
    delivered = [[made[n] for made, _ in histories.values()] for n in (*range(8), *range(restart, 8))]
    expected = {item: standing for item, (_, standing) in histories.items()}

    def stands() -> dict[str, dict[str, str]]:
        return {item: shop.product(item) for item in histories}

    for batch in delivered:
        shop.take(*batch)
    assert stands() == expected

    everything = [change for batch in delivered for change in batch]
    append(catalog_log(parsed(shop.spark, everything)), shop.config, CATALOG, "date")
    assert rebuild._products(shop.spark, shop.config) == 30  # over what stands, and then over nothing
    assert stands() == expected
    for item in histories:
        shop.redis.delete(Keys(shop.config.redis.prefix).product(item))
    assert rebuild._products(shop.spark, shop.config) == 30
    assert stands() == expected


def test_rebuild_does_not_put_the_log_over_what_has_come_since(shop: Shop) -> None:
    old = [update("u", UNKNOWN, price=1), update("u", UNKNOWN, title=LEFT_OUT, price=2)]
    append(catalog_log(parsed(shop.spark, old)), shop.config, CATALOG, "date")
    shop.arrived = len(old)
    shop.take(update("u", UNKNOWN, price=3))
    rebuild._products(shop.spark, shop.config)
    assert shop.product()["price"] == "3.0"
    assert shop.redis.hget(Keys(shop.config.redis.prefix).product("1"), "arrived_ms").decode() == str(
        round((NOW + timedelta(milliseconds=2)).timestamp() * 1000)
    )
