"""Values that a change left out and that nothing stood for: what an older change says of them is taken."""

import pytest
import redis
from pyspark.sql import SparkSession

from batch import rebuild
from batch.tables import append
from common.config import Config
from common.keys import Keys
from common.sources.lake import CATALOG
from streaming.lake import catalog_log
from tests.change_records import LEFT_OUT, delete, update
from tests.integration.catalog_shop import Shop, at, parsed


@pytest.fixture
def shop(spark: SparkSession, config: Config, redis_conn: redis.Redis) -> Shop:
    return Shop(spark, config, redis_conn)


def key(shop: Shop) -> str:
    return Keys(shop.config.redis.prefix).product("1")


def test_rebuild_brings_back_what_a_change_left_out_after_redis_was_emptied(shop: Shop) -> None:
    old = [update("c", at(1), title="A", brand="x"), update("u", at(2), title=LEFT_OUT, price=2)]
    append(catalog_log(parsed(shop.spark, old)), shop.config, CATALOG, "date")
    shop.arrived = len(old)
    shop.take(update("u", at(3), title=LEFT_OUT, brand="y", price=3))
    assert "title" not in shop.product()
    rebuild._products(shop.spark, shop.config)
    assert (shop.product()["title"], shop.product()["brand"], shop.product()["price"]) == ("A", "y", "3.0")
    shop.take(update("u", at(4), title=LEFT_OUT, price=4))
    assert (shop.product()["title"], shop.product()["price"]) == ("A", "4.0")


def test_of_several_older_changes_sent_again_the_last_one_counts(shop: Shop) -> None:
    shop.take(update("u", at(3), title=LEFT_OUT, price=3))
    for lsn, title in ((1, "A"), (2, "B")):
        shop.take(update("u", at(lsn), title=title, price=lsn))
    assert (shop.product()["title"], shop.product()["price"]) == ("B", "3.0")


def test_an_older_change_fills_in_nothing_that_a_newer_one_has_said(shop: Shop) -> None:
    shop.take(update("u", at(3), title=LEFT_OUT, brand=None))
    shop.take(update("u", at(4), title="four"))
    shop.take(update("u", at(2), title="two", brand="two"))
    assert shop.product()["title"] == "four"
    assert "brand" not in shop.product()


def test_a_placeholder_that_an_earlier_release_took_for_the_title_is_none(shop: Shop) -> None:
    for placeholder in (LEFT_OUT, "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="):
        shop.redis.delete(key(shop))
        shop.redis.hset(key(shop), mapping={"lsn": "2", "title": placeholder, "price": "2.0"})
        shop.take(update("u", at(3), title=LEFT_OUT, price=3))
        assert "title" not in shop.product()
        shop.take(update("u", at(1), title="A", price=1))
        assert (shop.product()["title"], shop.product()["price"]) == ("A", "3.0")


def test_what_comes_back_after_a_delete_is_not_withdrawn(shop: Shop) -> None:
    shop.take(update("c", at(1), title="A"), delete(at(2)))
    shop.take(update("u", at(3), title=LEFT_OUT, status=LEFT_OUT, price=3))
    assert shop.product().get("status") != "withdrawn"
    assert "title" not in shop.product()
    assert shop.redis.ttl(key(shop)) == -1
    shop.take(update("u", at(4), status="withdrawn"))
    shop.take(update("u", at(5), status=LEFT_OUT))
    assert shop.product()["status"] == "withdrawn"
